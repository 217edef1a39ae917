"""A run in memory: its state, what has reached it, and the calls that are made for it."""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass, field

from engine.run.asking import Owner
from engine.run.happenings import Happening
from engine.run.state import RunState


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
    driver: asyncio.Task[None] | None = None

    def tell(self, happening: Happening, answer: asyncio.Future[None] | None = None) -> None:
        """Hands over what happened."""
        self.inbox.append((happening, answer))
        self.wake.set()
