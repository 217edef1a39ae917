"""Keeps to what a model's provider takes: requests and tokens a minute, and calls at once; whoever has to wait waits in line.

A minute is the last sixty seconds. Waiting costs nothing, nobody overtakes, and whoever is cancelled leaves no trace in the line.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from engine.clock import Clock

MINUTE_US = 60_000_000


@dataclass(frozen=True, slots=True)
class Pace:
    """What one model may be asked; None: as much as anybody likes."""

    requests_per_min: int | None = None
    tokens_per_min: int | None = None
    """What goes in and what comes out; a call counts as its most until it has answered."""
    at_once: int | None = None


FREE = Pace()


@dataclass(frozen=True, slots=True)
class Line:
    """Who is at one model just now."""

    model: str
    running: int
    waiting: int


@dataclass(slots=True)
class Turn:
    """One call that was let through."""

    at_us: int
    tokens: int


@dataclass(slots=True)
class _Queue:
    running: int = 0
    waiting: int = 0
    gate: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Held by whoever is first in line; the lock wakes the others in their order."""
    passed: deque[Turn] = field(default_factory=deque)
    """Those of the last minute, oldest first."""
    bell: asyncio.Future[None] | None = None
    """Rung for whoever is first when something changes."""

    def ring(self) -> None:
        if self.bell is not None and not self.bell.done():
            self.bell.set_result(None)


class Pacer:
    """Lets calls through; belongs to one event loop."""

    def __init__(self, clock: Clock, paces: Mapping[str, Pace]) -> None:
        self._clock, self._paces = clock, paces
        self._queues: dict[str, _Queue] = {}

    def set(self, paces: Mapping[str, Pace]) -> None:
        """Other limits, also for those who wait already."""
        self._paces = paces
        for queue in self._queues.values():
            queue.ring()

    def lines(self) -> list[Line]:
        """The models at which somebody is or waits."""
        return [Line(name, queue.running, queue.waiting) for name, queue in self._queues.items() if queue.running or queue.waiting]

    @asynccontextmanager
    async def turn(self, model: str, tokens: int, on_wait: Callable[[bool], None] | None = None) -> AsyncIterator[Turn]:
        """Returns when the call may start; `tokens` is the most that it counts for, put right in the turn when it is over.

        `on_wait` is told True when the call has to wait, and False when it waits no more, also where it was cancelled.
        """
        queue = self._queues.setdefault(model, _Queue())
        if queue.waiting or self._pause_s(queue, model, tokens) != 0:
            await self._stand_in_line(queue, model, tokens, on_wait)
        turn = Turn(self._clock.now_us(), tokens)
        queue.running += 1
        if self._pace(model) is not FREE:
            queue.passed.append(turn)
        try:
            yield turn
        finally:
            queue.running -= 1
            queue.ring()

    async def _stand_in_line(self, queue: _Queue, model: str, tokens: int, on_wait: Callable[[bool], None] | None) -> None:
        queue.waiting += 1
        if on_wait is not None:
            on_wait(True)
        try:
            async with queue.gate:
                # Between the last look and the start of the call nothing is awaited: nobody else can take the place.
                while (pause_s := self._pause_s(queue, model, tokens)) != 0:
                    await self._rung(queue, pause_s)
        finally:
            queue.waiting -= 1
            if on_wait is not None:
                on_wait(False)

    async def _rung(self, queue: _Queue, pause_s: float | None) -> None:
        """Returns when something has changed, or after `pause_s`."""
        loop = asyncio.get_running_loop()
        queue.bell = bell = loop.create_future()
        sleep = None if pause_s is None else loop.create_task(_slept(self._clock, pause_s))
        try:
            await asyncio.wait([bell] if sleep is None else [bell, sleep], return_when=asyncio.FIRST_COMPLETED)
        finally:
            queue.bell = None
            if sleep is not None:
                sleep.cancel()

    def _pause_s(self, queue: _Queue, model: str, tokens: int) -> float | None:
        """Seconds until the next call may start, as far as can be told: 0 now, None when another one has ended."""
        pace, now = self._pace(model), self._clock.now_us()
        passed = queue.passed
        while passed and passed[0].at_us <= now - MINUTE_US:
            passed.popleft()
        if pace.at_once is not None and queue.running >= pace.at_once:
            return None
        free_at = now
        if pace.requests_per_min is not None and len(passed) >= pace.requests_per_min:
            free_at = passed[len(passed) - pace.requests_per_min].at_us + MINUTE_US
        if pace.tokens_per_min is not None:
            free_at = max(free_at, _tokens_free_at(passed, pace.tokens_per_min - tokens, now))
        return (free_at - now) / 1e6

    def _pace(self, model: str) -> Pace:
        return self._paces.get(model, FREE)


def _tokens_free_at(passed: deque[Turn], room: int, now: int) -> int:
    """When no more than `room` tokens are left in the minute; a call that is larger than the minute goes when it is alone."""
    used = sum(turn.tokens for turn in passed)
    free_at = now
    for turn in passed:
        if used <= max(0, room):
            break
        used, free_at = used - turn.tokens, turn.at_us + MINUTE_US
    return free_at


async def _slept(clock: Clock, seconds: float) -> None:
    await clock.sleep(seconds)
