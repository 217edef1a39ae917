"""A run in memory: its state, what has happened to it and not been looked at yet, and its calls in flight."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field

from engine.errors import SignalboxError
from engine.run.asking import Owner
from engine.run.budgets import Charge
from engine.run.happenings import Happening
from engine.run.keeping import Growth
from engine.run.state import RunState

DEPARTED_KNOWN = 1_000
"""Reading a run takes moments; by then not so many others have left."""


@dataclass(slots=True)
class Active:
    """A run in memory."""

    state: RunState
    owner: Owner
    epoch: int
    stored_epoch: int
    """The epoch on disk: one behind until the first commit has taken the run over."""
    head: int
    inbox: deque[tuple[Happening, asyncio.Future[None] | None]] = field(default_factory=deque)
    wake: asyncio.Event = field(default_factory=asyncio.Event)
    calls: dict[str, asyncio.Task[None]] = field(default_factory=dict)
    charging: list[Charge] = field(default_factory=list)
    """What the turn that is not durable yet has charged to budgets over many runs."""
    driver: asyncio.Task[None] | None = None
    growth: Growth = field(default_factory=Growth)

    def tell(self, happening: Happening, answer: asyncio.Future[None] | None = None) -> None:
        """Hands over what happened."""
        self.inbox.append((happening, answer))
        self.wake.set()


class Departed:
    """Runs that left memory lately, with their last rows: whoever began to read one before that has read too little."""

    def __init__(self) -> None:
        self._heads: dict[str, int] = {}

    def note(self, active: Active) -> None:
        """It leaves memory."""
        self._heads.pop(active.owner.run_id, None)
        self._heads[active.owner.run_id] = active.head
        if len(self._heads) > DEPARTED_KNOWN:
            del self._heads[next(iter(self._heads))]

    def forget(self, run_id: str) -> None:
        """A run of that id begins: one that had it before is deleted, and tells nothing of this one."""
        self._heads.pop(run_id, None)

    def is_behind(self, loaded: Active) -> bool:
        """Whether rows of it are missing in what was read."""
        return loaded.head < self._heads.get(loaded.owner.run_id, 0)


def tell_all(told: Mapping[asyncio.Future[None], SignalboxError | None]) -> None:
    """Answers everybody who has told a run something in the same turn."""
    for answer, error in told.items():
        if answer.done():
            continue
        if error is None:
            answer.set_result(None)
        else:
            answer.set_exception(error)
