"""What is alive in a run: steps, and the frames they stand in."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from engine.graph.plan import Edge, PlannedNode
from engine.nodes.contract import Effect
from engine.run.events import NOTHING, Child, Spent

StepStatus = Literal["ready", "running", "waiting", "retrying", "open", "asleep", "child", "postponed", "failed", "in_doubt"]
StandIn = Literal["", "pinned", "simulated"]


@dataclass(slots=True)
class Consent:
    """What an approval allowed: the digest of the action's resolved config."""

    approval: str
    attempt: int
    """Of the approval's step."""
    digest: str
    editable: dict[str, Any] = field(default_factory=dict)
    is_waived: bool = False
    """Nobody was asked: the approval was pinned or taken over, in a test run that touches nothing."""


@dataclass(slots=True)
class Box:
    """What an open box keeps: the items that have not ended, and of the others what was collected, as compact as JSON is."""

    items: list[Any]
    """None in the place of an item that has ended."""
    results: list[bytes | None]
    """JSON by the place of the item; None: not ended yet, or failed."""
    errors: dict[int, dict[str, Any]] = field(default_factory=dict)
    opened: int = 0
    """Items that were begun; they begin in order."""
    live: int = 0
    """Items that have begun and not ended."""
    failure: dict[str, Any] | None = None
    """The error of an item with which the whole box fails."""
    labels: tuple[str, ...] = ()
    """Of everything that its items have come to."""


@dataclass(slots=True)
class Item:
    """One item of a box while it is worked on; its frame has the same key."""

    key: str
    """`each[7]`: the prefix of all paths inside."""
    box: str
    """Path of the box's step."""
    index: int
    around: str
    """Key of the item in which the box stands; empty at the top."""
    outputs: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Node of the body -> its latest outputs in this item."""
    consents: dict[str, Consent] = field(default_factory=dict)
    history: list[dict[str, Any]] = field(default_factory=list)
    """What the steps that are remembered have come to in it, in order: their outputs, with `node` in front."""
    error: dict[str, Any] | None = None
    """Why it ends without a result."""
    marks: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """Node of the body -> labels of its latest outputs, where it has any."""
    source: tuple[str, ...] = ()
    """Labels of the item itself."""
    labels: tuple[str, ...] = ()
    """Of the item and of everything that its steps have come to."""


@dataclass(slots=True)
class Step:
    """One live execution of a node; gone from the state once it is settled."""

    path: str
    node: PlannedNode
    frame: str
    within: str = ""
    """Key of the innermost item that it stands in; empty at the top."""
    status: StepStatus = "ready"
    attempt: int = 0
    """How many attempts were started."""
    base: int = 0
    """Attempts that do not count for `retry`: lost in a crash, or before a person resumed the run."""
    reserved: Spent = NOTHING
    started_at: int = 0
    due_at: int | None = None
    """When a retry starts, or a wait is over or expires."""
    event: str = ""
    """Name of the event that a sleeping step waits for; empty where it waits for a time."""
    key: str = ""
    """What the event must be about."""
    digest: str = ""
    """Of the card that a waiting step shows."""
    item: str = ""
    """Id of the inbox item that a waiting step opened."""
    child: Child | None = None
    """The run that the step waits for."""
    inputs: dict[str, Any] | None = None
    """The resolved config of a waiting step: its answer is worked out from it. Of one that waits for a run: that run's inputs."""
    votes: tuple[str, ...] = ()
    void_for: str | None = None
    """The action whose consent this approval asks for a second time."""
    stand_in: StandIn = ""
    """What stands in for executing it: outputs that were pinned, or an example of them."""
    box: Box | None = None
    """What it keeps while it is an open box."""
    is_guarded: bool = False
    """It waits, not yet started, for a person who looks at what would go out."""
    allowed: str = ""
    """Digest of what that person has allowed."""
    asked: int = 0
    """How often that was asked."""
    is_given_up: bool = False
    """An unsafe call whose result nobody needs any more: it is finished and recorded, and leads nowhere."""

    @property
    def is_unsafe(self) -> bool:
        """Whether its effect must not happen twice."""
        return self._effect in (Effect.UNSAFE, Effect.RECONCILABLE) and not self.stand_in

    @property
    def can_be_asked(self) -> bool:
        """Whether the other system knows if its effect happened."""
        return self.is_unsafe and self._effect is Effect.RECONCILABLE and not self.is_given_up

    @property
    def _effect(self) -> Effect:
        kind: Any = self.node.kind
        return kind.effect_of(self.node.config)

    def rest(self) -> None:
        """Back to ready: it starts anew when the run goes on."""
        self.status, self.due_at, self.item, self.votes, self.is_guarded = "ready", None, "", (), False


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
    """Prefix of the paths inside: empty, `draft#2`, `draft#2/check#1`, `each[7]`."""
    region: int
    parent: str
    owner: str
    within: str = ""
    """Key of the innermost item that it stands in, its own for an item; empty at the top."""
    visit: int = 1
    innermost_visit: int = 1
    allowed: int = 1
    """How many visits this entry of the loop may have."""
    live: int = 0
    """Steps, inner loops and items that are ready, running or waiting in it."""
    slots: dict[str, Slot] = field(default_factory=dict)
    exits: set[int] = field(default_factory=set)
    """Edges that leave the loop and were taken in this visit."""
    back: Edge | None = None

    @property
    def is_used_up(self) -> bool:
        """Whether the loop is to be repeated, and has no visit left."""
        return self.back is not None and not self.live and self.visit >= self.allowed
