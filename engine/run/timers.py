"""Wakes runs at their time: retries whose pause is over, inbox items that nobody answered."""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import Awaitable, Callable
from typing import Any

from engine.clock import Clock
from engine.faultpoints import reach
from engine.run.happenings import TimerDue

Fire = Callable[[str, TimerDue], Awaitable[None]]


class Timers:
    """A heap in memory over the timers table, which is the truth: it is read again at every start."""

    def __init__(self, clock: Clock, fire: Fire) -> None:
        self._clock = clock
        self._fire = fire
        self._heap: list[tuple[int, str, str, int, str]] = []
        self._changed = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def start(self, known: list[tuple[int, str, str, int, str]]) -> None:
        """Begins to fire; `known` are (due_at, run_id, path, attempt, kind)."""
        # Runs that were taken over may have set some since they were read; one that fires twice changes nothing.
        self._heap += known
        heapq.heapify(self._heap)
        self._task = asyncio.get_running_loop().create_task(self._serve())

    def add(self, due_at: int, run_id: str, path: str, attempt: int, kind: str) -> None:
        """One more, durable already."""
        heapq.heappush(self._heap, (due_at, run_id, path, attempt, kind))
        self._changed.set()

    def set_again(self, run_id: str, known: list[tuple[int, str, str, int, str]]) -> None:
        """Those of one run out of all that are known; one that fires twice changes nothing."""
        for timer in known:
            if timer[1] == run_id:
                self.add(*timer)

    async def close(self) -> None:
        """Fires nothing more."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _serve(self) -> None:
        while True:
            self._changed.clear()
            now = self._clock.now_us()
            while self._heap and self._heap[0][0] <= now:
                _, run_id, path, attempt, kind = heapq.heappop(self._heap)
                reach("timer.due")
                await self._fire(run_id, TimerDue(path, attempt, kind))
            await self._wait(now)

    async def _wait(self, now: int) -> None:
        changed = asyncio.get_running_loop().create_task(self._changed.wait())
        waits: set[asyncio.Task[Any]] = {changed}
        if self._heap:
            waits.add(asyncio.get_running_loop().create_task(self._clock.sleep((self._heap[0][0] - now) / 1e6)))
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
