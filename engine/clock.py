"""Time, injected: the engine never asks the operating system directly.

Points in time are integers, microseconds since 1970 UTC (`at_us`); the API shows them as ISO 8601.
"""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Protocol

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Clock(Protocol):
    """Tells the time and sleeps."""

    def now_us(self) -> int:
        """Microseconds since 1970 UTC; never goes back within one process."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Returns after `seconds` of this clock's time."""
        ...


class SystemClock:
    """The machine's clock, held monotonic: a clock that is set back stands still until it has caught up."""

    def __init__(self) -> None:
        self._last = 0

    def now_us(self) -> int:
        now = time.time_ns() // 1000
        self._last = now if now > self._last else self._last
        return self._last

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


class ManualClock:
    """A clock that moves only when told: for tests and simulations."""

    def __init__(self, start_us: int = 1_750_000_000_000_000) -> None:
        self._now = start_us
        self._sleepers: list[tuple[int, asyncio.Future[None]]] = []

    def now_us(self) -> int:
        return self._now

    async def sleep(self, seconds: float) -> None:
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._sleepers.append((self._now + int(seconds * 1e6), future))
        await future

    def advance(self, seconds: float) -> None:
        """Moves the clock and wakes every sleeper whose time has come."""
        self._now += int(seconds * 1e6)
        due = [s for s in self._sleepers if s[0] <= self._now]
        self._sleepers = [s for s in self._sleepers if s[0] > self._now]
        for _, future in sorted(due, key=lambda s: s[0]):
            if not future.done():
                future.set_result(None)


DAY_US = 86_400_000_000
KEPT_SECONDS = 64
"""Seconds whose texts are known: every step asks for the text of this moment, and many for that of their run's start."""
_NAIVE_EPOCH = _EPOCH.replace(tzinfo=None)


def iso(at_us: int | None) -> str | None:
    """ISO 8601 in UTC with microseconds, e.g. `2026-11-24T09:00:00.000000Z`."""
    if at_us is None:
        return None
    seconds, micro = divmod(at_us, 1_000_000)
    return f"{_second(seconds)}.{micro:06d}Z"


@lru_cache(KEPT_SECONDS)
def _second(seconds: int) -> str:
    return (_NAIVE_EPOCH + timedelta(seconds=seconds)).isoformat()


def from_iso(text: str) -> int:
    """Microseconds since 1970 UTC of an ISO 8601 text; a text without a zone is taken as UTC. ValueError if it is none."""
    moment = datetime.fromisoformat(text)
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return (moment - _EPOCH) // timedelta(microseconds=1)
