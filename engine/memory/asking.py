"""What a step asks of the memory, and what it is answered: plain values that pass the door between steps and stores."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, Protocol

from engine.jsonvalue import JsonValue

StoreName = Literal["conversation", "episodes", "facts", "documents"]


@dataclass(frozen=True, slots=True)
class Asker:
    """The step that asks, and whom its run is for."""

    workspace_id: str
    workflow_id: str
    run_id: str
    path: str
    node: str
    kind: str
    person: str = ""
    """`customer:…` or `user:…`; empty where the run is for nobody."""


@dataclass(frozen=True, slots=True)
class Recall:
    """A question to the memory."""

    stores: tuple[str, ...]
    query: str
    about: str = ""
    """Of facts: the person or thing they are about; empty for any."""
    k: int = 8
    """At most so many of each store are looked at."""
    budget_tokens: int = 1_500
    least_trust: int = 0


@dataclass(frozen=True, slots=True)
class Recalled:
    """What is given to the step, and what was left out."""

    text: str
    """As a model reads it, between fences."""
    tokens: int
    items: tuple[dict[str, JsonValue], ...]
    """`{store, id, text, at, status, trust, score, tokens, why}` of each that is given."""
    dropped: tuple[dict[str, JsonValue], ...]
    """The same of each that is not, with its `reason`."""
    is_private: bool = False
    is_external: bool = False


@dataclass(frozen=True, slots=True)
class Statement:
    """A fact that a step asks to remember."""

    subject: str
    predicate: str
    value: JsonValue
    quote: str = ""
    """The words that say it; they must stand in `source`."""
    source: str = ""
    valid_from: str = ""
    """ISO date or time; empty: now."""
    confidence: float = 0.8


@dataclass(frozen=True, slots=True)
class ToRemember:
    """What a step asks to keep."""

    store: Literal["conversation", "episodes", "facts"]
    statements: tuple[Statement, ...] = ()
    text: str = ""
    """Of an episode the note, of a conversation the line."""
    scope: Literal["private", "workflow", "workspace"] = "workflow"
    is_from_outside: bool = True
    """What it says was written outside, as far as the engine knows."""
    details: dict[str, JsonValue] = field(default_factory=dict)


class MemoryDoor(Protocol):
    """The stores, as steps reach them."""

    async def recall(self, asker: Asker, wanted: Recall) -> Recalled:
        """What is remembered of the question."""
        ...

    async def remember(self, asker: Asker, thing: ToRemember, *, key: str) -> dict[str, JsonValue]:
        """What came of it; the same key keeps nothing twice."""
        ...
