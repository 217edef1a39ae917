"""Works out what new texts mean, beside everything else: a batch at a time, from where it stopped, whatever was killed in between."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass

from engine.clock import Clock
from engine.errors import SignalboxError
from engine.memory.embed import MAX_TEXTS_PER_BATCH, Embedder
from engine.memory.meaning import Meanings

log = logging.getLogger("signalbox.memory")
LOOKS_EVERY_S = 30.0
"""Whoever writes texts says so; this only finds what another process wrote."""
AGAIN_S = 5.0


@dataclass
class EmbeddingWorker:
    """One task of the engine's loop."""

    meanings: Meanings
    embedder: Embedder
    clock: Clock
    done: int = 0
    """Texts since the start."""
    _seen: int = 0
    _task: asyncio.Task[None] | None = None
    _wake: asyncio.Event | None = None

    def start(self) -> None:
        """Begins; the model is loaded when the first text comes."""
        self._wake = asyncio.Event()
        self._task = asyncio.get_running_loop().create_task(self._run())

    def wake(self) -> None:
        """There are new texts. On the engine's loop."""
        if self._wake is not None:
            self._wake.set()

    async def settle(self) -> None:
        """Returns when every text that is committed now has its vector."""
        while await self._batch():
            pass

    async def close(self) -> None:
        """Ends; what is not worked out yet is found at the next start."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        await asyncio.to_thread(self.meanings.save)

    async def _run(self) -> None:
        wake = self._wake or asyncio.Event()
        while True:
            try:
                wake.clear()
                await self.settle()
            except SignalboxError as error:
                log.warning("texts wait for their vectors: %s", error)
                await asyncio.sleep(AGAIN_S)
                continue
            except Exception:  # a defect must not end it: texts are found by their words meanwhile
                log.exception("texts wait for their vectors")
                await asyncio.sleep(AGAIN_S)
                continue
            try:
                await asyncio.wait_for(wake.wait(), LOOKS_EVERY_S)
            except TimeoutError:
                continue

    async def _batch(self) -> int:
        found, top = await asyncio.to_thread(self.meanings.unknown, self._seen, MAX_TEXTS_PER_BATCH)
        if found:
            vectors = list(await self.embedder.embed([each.words for each in found]))
            now_us = self.clock.now_us()
            self.done += await asyncio.to_thread(lambda: self.meanings.keep(found, vectors, now_us=now_us))
        self._seen = top
        return len(found)
