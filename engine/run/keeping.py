"""Takes snapshots of long runs beside their steps: nothing here delays one, and nothing is lost when it fails.

A run is kept again when the rows behind its last snapshot take as much as that one did, 64 kB at least, and as long as its
snapshots have not taken more in all than its rows: whatever a run does, at most twice its rows is written.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Protocol

from engine.errors import SignalboxError
from engine.graph.plan import Plan
from engine.run import snapshots
from engine.run.loading import Loaded, load_run
from engine.storage.journal import ROW_BYTES, Commit
from engine.storage.journal_reader import JournalReader
from engine.storage.snapshots import SnapshotWriter, StoredSnapshot

log = logging.getLogger("signalbox.run")
LEAST_BYTES = 64 * 1024


@dataclass(slots=True)
class Growth:
    """How far a run in memory has grown since it was kept last; near enough, what counts is counted when it is kept."""

    behind: int = 0
    """Bytes of rows since the last snapshot."""
    due: int = LEAST_BYTES
    """How many of them there may be before the next one."""
    is_asked: bool = False
    """A snapshot is on its way."""

    @classmethod
    def of(cls, loaded: Loaded) -> Growth:
        """Of a run that has just been read."""
        return cls(loaded.tail_bytes, max(LEAST_BYTES, loaded.base.bytes if loaded.base else 0))


class Growing(Protocol):
    """A run in memory."""

    growth: Growth


class Keeper:
    """Owns one thread and one connection; its methods belong to the executor's loop."""

    def __init__(self, reader: JournalReader, plan_of: Callable[[str], Plan], writer: SnapshotWriter, wrote: Callable[[int], None]) -> None:
        """`wrote` hears on the loop how many bytes were written."""
        self._reader = reader
        self._plan_of = plan_of
        self._writer = writer
        self._wrote = wrote
        self._thread = ThreadPoolExecutor(1, "snapshots")
        self._tasks: set[asyncio.Task[None]] = set()
        self.taken = 0
        """Snapshots written since it was opened, and their bytes: figures for tests, never for decisions."""
        self.bytes = 0

    def after(self, run: Growing, commit: Commit) -> None:
        """A run has written rows. Called in the path of every step: it only counts, and asks the thread now and then."""
        growth = run.growth
        for row in commit.rows:
            growth.behind += len(row.payload) + ROW_BYTES
        for _, body in commit.blobs:
            growth.behind += len(body)
        if growth.behind < growth.due or growth.is_asked:
            return
        growth.behind, growth.is_asked = 0, True
        task = asyncio.get_running_loop().create_task(self._keep(growth, commit.run_id))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def settle(self) -> None:
        """Returns when everything that was asked for is written."""
        while self._tasks:
            await asyncio.gather(*self._tasks)

    async def close(self) -> None:
        """Finishes the snapshot that is being written; others are left out."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await asyncio.to_thread(self._thread.shutdown, cancel_futures=True)
        self._writer.close()

    async def _keep(self, growth: Growth, run_id: str) -> None:
        due, size = LEAST_BYTES, 0
        try:
            due, size = await asyncio.get_running_loop().run_in_executor(self._thread, self._kept, run_id)
        except SignalboxError as error:
            log.warning("no snapshot of run %s: %s", run_id, error)
        except Exception:  # a defect: the run goes on without a snapshot, and says so
            log.exception("no snapshot of run %s", run_id)
        growth.due, growth.is_asked = due, False
        if size:
            self.taken, self.bytes = self.taken + 1, self.bytes + size
            self._wrote(size)

    def _kept(self, run_id: str) -> tuple[int, int]:
        """Bytes of rows until the next one, and those that were written. From rows that are durable, not from the live state."""
        stored, loaded = load_run(self._reader, self._plan_of, run_id)
        base = loaded.base
        least = max(LEAST_BYTES, base.bytes if base else 0)
        if loaded.tail_bytes < least:
            return least - loaded.tail_bytes, 0
        body = snapshots.encode(loaded.state, run_id)
        # A fork's own count begins anew; what it goes on from was written for the other run.
        written = len(body) + (base.written_bytes if base and base.run_id == run_id else 0)
        allowed = loaded.rows_bytes + self._reader.values_bytes(run_id)
        if written > allowed:
            return max(LEAST_BYTES, written - allowed), 0
        snapshot = StoredSnapshot(run_id, loaded.state.seq, snapshots.CODEC, loaded.rows_bytes, written, body)
        is_kept = self._writer.keep(snapshot, stored.workspace_id)
        return max(LEAST_BYTES, len(body)), len(body) if is_kept else 0
