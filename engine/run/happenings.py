"""What reaches a run from outside: a step's end, a person's answer, a timer, a command."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import msgspec

from engine.errors import SignalboxError
from engine.nodes.contract import Outcome
from engine.run.events import NOTHING, Child, Spent


class Finished(msgspec.Struct, frozen=True):
    """A step that ran has ended, with an outcome or an error."""

    path: str
    attempt: int
    given: dict[str, Any]
    outcome: Outcome | None = None
    error: SignalboxError | None = None
    spent: Spent = NOTHING
    note: dict[str, Any] = {}
    labels: tuple[str, ...] = ()
    """What is to be known of what it reached."""
    was_asked: bool = False
    """The other system was asked whether it had happened."""


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
    """A retry's pause is over (`retry`), a time has come (`wake`), or nothing and nobody came in time (`expire`)."""

    path: str
    attempt: int
    kind: str


@dataclass(frozen=True, slots=True)
class Woken:
    """The event that a step waits for has happened; `payload` came with it."""

    path: str
    attempt: int
    payload: Any = None
    audit: Any = None


@dataclass(frozen=True, slots=True)
class ChildChosen:
    """What a step that runs another workflow would start; its version is fixed from here on."""

    path: str
    attempt: int
    child: Child
    inputs: dict[str, Any]


@dataclass(frozen=True, slots=True)
class ChildEnded:
    """The run that a step waits for has ended, or stands still for good."""

    path: str
    attempt: int
    run: str
    name: str
    status: str
    reason: str
    output: dict[str, Any] | None
    spent: Spent
    steps: int
    busy_us: int
    labels: tuple[str, ...] = ()
    """Of everything that it has seen."""


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
class Pause:
    """Stand still at the next checkpoint."""

    by: str
    by_name: str = ""
    reason: str = ""
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


Happening = Finished | Answered | TimerDue | Woken | ChildChosen | ChildEnded | SecondsUp | Resume | Pause | Cancel | Recover | GoOn
