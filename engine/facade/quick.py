"""Small reads by key on the way of every run: by the loop itself where they are quick, else by a thread (decision 0028).

Handing one over costs more than the read, and a run that waits for a busy loop's threads misses the group it could be written with.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any, TypeVar

SLOW_S = 0.005
"""What the loop may stand still for, as with its commits."""
REST = 100
"""Reads that go to a thread after one that was slow."""
SMALL = 256
"""Values, and kilobytes of text, that are looked through in passing."""
R = TypeVar("R")


class TooMuch(Exception):
    """There is more to do than in passing."""


def too_large(_digest: str) -> bytes:
    """In place of whatever reads the values that are kept beside their rows, for who reads in passing."""
    raise TooMuch


class QuickReads:
    """Belongs to one loop."""

    def __init__(self, is_busy: Callable[[], bool]) -> None:
        """`is_busy` tells whether somebody else reads just now, whom the loop would have to wait for."""
        self._is_busy = is_busy
        self._rest = 0
        self.in_passing = 0
        """Reads that took no thread: a figure for tests, never for decisions."""

    async def read(self, work: Callable[[bool], R]) -> R:
        """What `work` returns. It is told whether it runs on the loop, and raises TooMuch there to be called beside it."""
        if self._rest:
            self._rest -= 1
        elif not self._is_busy():
            began = time.perf_counter()
            try:
                found = work(True)
            except TooMuch:
                pass
            else:
                self.in_passing += 1
                return found
            finally:
                if time.perf_counter() - began > SLOW_S:
                    self._rest = REST
        return await asyncio.to_thread(work, False)


def is_small(value: Any) -> bool:
    """Whether a JSON value is looked through in passing."""
    left, waiting = SMALL, [value]
    while waiting:
        item = waiting.pop()
        left -= 1
        if isinstance(item, str):
            left -= len(item) >> 10
        elif isinstance(item, list | dict):
            if len(item) > left:
                return False
            waiting += item.values() if isinstance(item, dict) else item
        if left < 0:
            return False
    return True
