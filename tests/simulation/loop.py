"""An event loop whose time is made up and whose every delay comes from one seed.

Callbacks run in the order in which they were asked for, as asyncio promises; what is by chance is what is by chance in the
world: how long a thread, a disk or a provider takes. Threads are callbacks here, so nothing runs beside anything else.
"""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Callable
from concurrent.futures import Future
from random import Random
from typing import Any


class Stuck(Exception):
    """Nothing is ready and nothing will ever be."""


class _NoFiles(selectors.SelectSelector):
    """Nobody outside the loop exists who could write to it."""

    def select(self, timeout: float | None = None) -> list[Any]:
        return []


class SimulatedLoop(asyncio.SelectorEventLoop):
    """Time stands still while something is ready, then jumps to whatever comes next."""

    def __init__(self, random: Random) -> None:
        super().__init__(_NoFiles())
        self._random = random
        self._moment = 0.0

    def time(self) -> float:
        return self._moment

    def delay(self) -> float:
        """How long something of the world takes, in seconds: mostly little, now and then much."""
        return self._random.choice((0.0001, 0.0005, 0.002)) if self._random.random() < 0.95 else self._random.random() * 0.3

    def _run_once(self) -> None:
        if not self._ready:  # type: ignore[attr-defined]
            due = [handle for handle in self._scheduled if not handle.cancelled()]  # type: ignore[attr-defined]
            if not due:
                raise Stuck
            self._moment = max(self._moment, min(handle.when() for handle in due))
        super()._run_once()  # type: ignore[misc]

    def run_in_executor(self, executor: Any, func: Callable[..., Any], *args: Any) -> asyncio.Future[Any]:  # type: ignore[override]
        """The work is done after a while, and known after another."""
        done: asyncio.Future[Any] = self.create_future()
        self.call_later(self.delay(), self._work, done, func, args)
        return done

    def _work(self, done: asyncio.Future[Any], func: Callable[..., Any], args: tuple[Any, ...]) -> None:
        result, error = None, None
        try:
            result = func(*args)
        except Exception as raised:
            error = raised
        self.call_later(self.delay(), _settle, done, result, error)


def _settle(done: asyncio.Future[Any], result: Any, error: Exception | None) -> None:
    if done.done():
        return
    if error is None:
        done.set_result(result)
    else:
        done.set_exception(error)


class SimulatedThread:
    """Stands in for the journal's thread."""

    def __init__(self, loop: SimulatedLoop) -> None:
        self._loop = loop

    def submit(self, func: Callable[..., Any], *args: Any) -> Future[Any]:
        done: Future[Any] = Future()
        self._loop.call_later(self._loop.delay(), self._work, done, func, args)
        return done

    def _work(self, done: Future[Any], func: Callable[..., Any], args: tuple[Any, ...]) -> None:
        # What kills the process leaves nobody to be told.
        done.set_result(func(*args))

    def shutdown(self, *, cancel_futures: bool = False) -> None:
        """Nothing to end."""
