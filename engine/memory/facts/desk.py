"""What every change of the facts needs: the transaction, the moment, new ids, and who does it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlmodel import Session

from engine.ids import Ids
from engine.memory.facts.predicates import Rule, registry
from engine.memory.scope import Origin, Reader, Scope, Sensitivity


@dataclass(frozen=True, slots=True)
class SourceWords:
    """The words of a source, and whose they are."""

    words: str
    scope: Scope
    sensitivity: int
    trust: int
    part_of: str = ""
    at_us: int = 0


RunWords = Callable[[str, str], SourceWords | None]
"""The words that a step of a run has answered, by run and path; None if there is no such step."""


def no_runs(_run_id: str, _path: str) -> SourceWords | None:
    """Where no run can be cited."""
    return None


@dataclass(frozen=True)
class Desk:
    """One transaction."""

    session: Session
    now_us: int
    ids: Ids
    workspace_id: str
    by: str
    """User id, or label of whoever does it."""
    reader: Reader
    """As whom sources and entities are looked up."""
    secret: bytes = b""
    """Keys the tombstones."""
    run_words: RunWords = no_runs

    @property
    def rules(self) -> dict[str, Rule]:
        """The predicates of the workspace."""
        return registry(self.session, self.workspace_id)

    def rule(self, name: str) -> Rule:
        """Of a fact that stands already: a predicate that was taken away since is a text that stands beside others."""
        return self.rules.get(name) or Rule(name, words=name.replace("_", " "))


@dataclass(frozen=True, slots=True)
class Cited:
    """Where a fact is said."""

    kind: str
    """run, message, document, episode, person or import."""
    quote: str = ""
    run_id: str = ""
    path: str = ""
    row_id: str = ""
    said_at: int | None = None
    extractor: str = ""
    model: str = ""


@dataclass(frozen=True, slots=True)
class Said:
    """A fact as somebody says it: not checked yet."""

    subject: str
    predicate: str
    object: Any
    """The name of an entity, or a value, as the predicate has it."""
    scope: Scope
    origin: Origin
    source: Cited
    subject_kind: str = ""
    object_kind: str = ""
    is_negated: bool = False
    valid_from: int | None = None
    valid_to: int | None = None
    confidence: float = 0.7
    sensitivity: int = int(Sensitivity.INTERNAL)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one fact that was said."""

    result: str
    """added, reinforced, disputed, candidate, quarantined or rejected; `superseded` when it is history."""
    fact_id: str = ""
    why: str = ""
    ended: tuple[str, ...] = ()
    """Facts whose place it took."""
    duplicates: tuple[str, ...] = ()
    """Entities that those of this fact may be."""
    item: str = ""
    """The inbox item where a person decides about it."""
