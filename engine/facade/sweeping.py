"""Deletes runs that were kept long enough, at the start and every hour, beside everything else."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from collections.abc import Callable

from sqlmodel import col, select

from engine.clock import DAY_US
from engine.errors import StorageUnavailable
from engine.facade.core import Core
from engine.people.permissions import SYSTEM
from engine.security.audit import AuditEntry
from engine.storage.retention import RunRemover
from engine.storage.sqlite import DATABASE_NAME
from engine.storage.tables import SweptRun, Workflow

log = logging.getLogger("signalbox.storage")
EVERY_S = 3600.0
PAUSE_S = 0.02
"""Between two transactions: whoever has a step to write comes first."""
BYTES_PER_ROW = 2048
"""What deleting one row writes into the log, near enough: the page that it stands on is shared with others."""


class Sweeper:
    """Belongs to the engine's loop."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._task: asyncio.Task[None] | None = None
        self._lock = asyncio.Lock()

    def start(self) -> None:
        """Sweeps now and every hour."""
        self._task = asyncio.get_running_loop().create_task(self._serve())

    async def close(self) -> None:
        """Stops behind the transaction that is being written; the next start goes on."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        async with self._lock:
            self._task = None

    async def sweep(self) -> dict[str, int]:
        """Deletes every run that was kept long enough; workflow -> how many that were."""
        async with self._lock:
            kept, is_left = await self._core.in_thread(self._wanted)
            if not kept and not is_left:
                return {}
            remover = await self._core.in_thread(lambda: RunRemover(self._core.home / DATABASE_NAME))
            try:
                return await self._sweep(remover, kept)
            finally:
                remover.close()

    async def _sweep(self, remover: RunRemover, kept: list[tuple[str, str, int]]) -> dict[str, int]:
        # What a crash has left behind goes first: its runs are gone already.
        await self._repeat(remover.purge)
        deleted: dict[str, int] = {}
        for workflow, workspace, days in kept:
            before = self._core.clock.now_us() - days * DAY_US
            tell = self._teller(workflow, workspace, days)
            # A run that another one held may go once that one has gone.
            while count := await self._write(lambda wf=workflow, at=before, told=tell: remover.hide(wf, ended_before=at, tell=told)):
                deleted[workflow] = deleted.get(workflow, 0) + count
                await self._repeat(remover.purge)
        return deleted

    async def _repeat(self, work: Callable[[], int]) -> None:
        while await self._write(work):
            pass

    async def _write(self, work: Callable[[], int]) -> int:
        """One transaction, not broken off: its connection is needed until it is over."""
        writing = asyncio.get_running_loop().run_in_executor(None, work)
        try:
            count = await asyncio.shield(writing)
        except asyncio.CancelledError:
            await asyncio.gather(writing, return_exceptions=True)
            raise
        self._core.journal.wrote_beside(count * BYTES_PER_ROW)
        if count:
            await asyncio.sleep(PAUSE_S)
        return count

    def _wanted(self) -> tuple[list[tuple[str, str, int]], bool]:
        """(workflow, workspace, days) of those whose runs are not kept for ever; whether a sweep was broken off. Blocks."""
        with self._core.records.reading() as session:
            asked = select(Workflow.id, Workflow.workspace_id, Workflow.retention_days).where(col(Workflow.retention_days).is_not(None))
            found = [(id_, workspace, days) for id_, workspace, days in session.exec(asked) if days is not None]
            return found, session.exec(select(SweptRun.run_id).limit(1)).first() is not None

    def _teller(self, workflow: str, workspace: str, days: int) -> Callable[[sqlite3.Connection, int], None]:
        def tell(connection: sqlite3.Connection, runs: int) -> None:
            details: dict[str, object] = {"runs": runs, "kept_days": days}
            at = self._core.clock.now_us()
            entry = AuditEntry(
                workspace_id=workspace, at=at, actor=SYSTEM.label, action="workflow.sweep", subject=workflow, details=details
            )
            self._core.audit.append_raw(connection, entry)

        return tell

    async def _serve(self) -> None:
        while True:
            try:
                if deleted := await self.sweep():
                    log.info("%s runs were kept long enough and are deleted", sum(deleted.values()))
            except StorageUnavailable as error:
                log.warning("no run is deleted now, the next hour tries again: %s", error)
            except Exception:  # a defect: nothing of what runs do depends on it, and it says so
                log.exception("runs that were kept long enough are not deleted")
            await self._core.clock.sleep(EVERY_S)
