"""The engine in a thread and event loop of its own, so that neither the web server nor the engine waits for the other."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine
from concurrent.futures import Future
from typing import Any, TypeVar

from engine.facade.engine import Engine
from engine.settings import Settings

R = TypeVar("R")


class EngineThread:
    """Owns the thread; its methods may be called from any other."""

    def __init__(self, engine: Engine, loop: asyncio.AbstractEventLoop, thread: threading.Thread) -> None:
        self.engine = engine
        self._loop = loop
        self._thread = thread

    @classmethod
    def open(cls, settings: Settings, **parts: Any) -> EngineThread:
        """Blocks until the engine is open; raises what `Engine.open` raises."""
        opened: Future[tuple[Engine, asyncio.AbstractEventLoop]] = Future()
        thread = threading.Thread(target=_serve, args=(settings, parts, opened), name="engine", daemon=True)
        thread.start()
        engine, loop = opened.result()
        return cls(engine, loop, thread)

    async def call(self, coroutine: Coroutine[Any, Any, R]) -> R:
        """Awaits a coroutine of the engine from another loop."""
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(coroutine, self._loop))

    def run(self, coroutine: Coroutine[Any, Any, R]) -> R:
        """The same, blocking."""
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result()

    def close(self) -> None:
        """Closes the engine and ends the thread."""
        if not self._thread.is_alive():
            return
        self.run(self.engine.close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()


def _serve(settings: Settings, parts: dict[str, Any], opened: Future[tuple[Engine, asyncio.AbstractEventLoop]]) -> None:
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    try:
        try:
            engine = loop.run_until_complete(Engine.open(settings, **parts))
        except BaseException as error:  # handed to the thread that waits for it
            opened.set_exception(error)
            return
        opened.set_result((engine, loop))
        loop.run_forever()
    finally:
        loop.close()
