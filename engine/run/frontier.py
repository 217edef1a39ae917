"""What is alive in a run: steps, and the frames they stand in."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from engine.graph.plan import Edge, PlannedNode
from engine.nodes.contract import Effect
from engine.run.events import NOTHING, Spent

StepStatus = Literal["ready", "running", "waiting", "retrying", "failed", "in_doubt"]
StandIn = Literal["", "pinned", "simulated"]


@dataclass(slots=True)
class Step:
    """One live execution of a node; gone from the state once it is settled."""

    path: str
    node: PlannedNode
    frame: str
    status: StepStatus = "ready"
    attempt: int = 0
    """How many attempts were started."""
    base: int = 0
    """Attempts that do not count for `retry`: lost in a crash, or before a person resumed the run."""
    reserved: Spent = NOTHING
    started_at: int = 0
    due_at: int | None = None
    """When a retry starts or a wait expires."""
    digest: str = ""
    """Of the card that a waiting step shows."""
    item: str = ""
    """Id of the inbox item that a waiting step opened."""
    inputs: dict[str, Any] | None = None
    """The resolved config of a waiting step: its answer is worked out from it."""
    votes: tuple[str, ...] = ()
    void_for: str | None = None
    """The action whose consent this approval asks for a second time."""
    stand_in: StandIn = ""
    """What stands in for executing it: outputs that were pinned, or an example of them."""
    is_given_up: bool = False
    """An unsafe call whose result nobody needs any more: it is finished and recorded, and leads nowhere."""

    @property
    def is_unsafe(self) -> bool:
        """Whether its effect must not happen twice."""
        return getattr(self.node.kind, "effect", None) is Effect.UNSAFE and not self.stand_in

    def rest(self) -> None:
        """Back to ready: it starts anew when the run goes on."""
        self.status, self.due_at, self.item, self.votes = "ready", None, "", ()


@dataclass(slots=True)
class Slot:
    """A join in a frame: how many of its edges have settled, and how many of those were taken."""

    settled: int = 0
    taken: int = 0
    is_closed: bool = False
    """It has started, died, or can no longer matter."""


@dataclass(slots=True)
class Frame:
    """One instance of a region."""

    key: str
    """Prefix of the paths inside: empty, `draft#2`, `draft#2/check#1`."""
    region: int
    parent: str
    owner: str
    visit: int = 1
    innermost_visit: int = 1
    allowed: int = 1
    """How many visits this entry of the loop may have."""
    live: int = 0
    """Steps and inner loops that are ready, running or waiting in it."""
    slots: dict[str, Slot] = field(default_factory=dict)
    exits: set[int] = field(default_factory=set)
    """Edges that leave the loop and were taken in this visit."""
    back: Edge | None = None
