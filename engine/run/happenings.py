"""What reaches a run from outside: a step's end, a person's answer, a timer, a command."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from engine.errors import SignalboxError
from engine.nodes.contract import Outcome
from engine.run.events import NOTHING, Spent


@dataclass(frozen=True, slots=True)
class Finished:
    """A step that ran has ended, with an outcome or an error."""

    path: str
    attempt: int
    given: dict[str, Any]
    outcome: Outcome | None = None
    error: SignalboxError | None = None
    spent: Spent = NOTHING
    note: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Answered:
    """A person decided an inbox item; whether this person may was checked before."""

    path: str
    item: str
    digest: str
    decision: str
    by: str
    by_name: str
    values: dict[str, Any]
    reason: str
    by_email: str = ""
    """What the workflow is told of whoever decided; without one, the name."""
    audit: Any = None


@dataclass(frozen=True, slots=True)
class TimerDue:
    """A retry's pause is over (`retry`) or nobody answered in time (`expire`)."""

    path: str
    attempt: int
    kind: str


@dataclass(frozen=True, slots=True)
class SecondsUp:
    """The limit of seconds is met while steps run."""


@dataclass(frozen=True, slots=True)
class Resume:
    """Go on, with these absolute limits (fields of `Limits`)."""

    limits: dict[str, int]
    by: str
    by_name: str = ""
    audit: Any = None


@dataclass(frozen=True, slots=True)
class Cancel:
    """End the run now."""

    by: str
    reason: str
    by_name: str = ""
    audit: Any = None


@dataclass(frozen=True, slots=True)
class Recover:
    """The process that ran it is gone; this one has taken over."""


@dataclass(frozen=True, slots=True)
class GoOn:
    """Nothing new: the turn before has left something to decide."""


Happening = Finished | Answered | TimerDue | SecondsUp | Resume | Cancel | Recover | GoOn
