"""Keeps programs that stand at a checkpoint, so that a crash costs a step only what came after it: a cache, never the truth."""

from __future__ import annotations

import sqlite3
import threading
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from engine.errors import StorageUnavailable
from engine.faultpoints import reach
from engine.storage.sqlite import connect_raw, is_unavailable

# Of a run that has ended or was deleted meanwhile nothing may be left behind.
_KEEP = """
INSERT OR REPLACE INTO suspended_programs (run_id, path, workspace_id, attempt, program, proof, body)
SELECT run_id, ?, workspace_id, ?, ?, ?, ? FROM runs WHERE run_id = ? AND ended_at IS NULL"""
_READ = "SELECT attempt, program, proof, body FROM suspended_programs WHERE run_id = ? AND path = ?"
FORGET = "DELETE FROM suspended_programs WHERE run_id = ? AND path = ?"
"""Goes into the commit with which the step ends: what is kept is there exactly as long as somebody may go on from it."""


@dataclass(frozen=True, slots=True)
class KeptProgram:
    """A row: the attempt that has written it, the hash of what it runs, and the sealed body with its proof."""

    attempt: int
    program: str
    proof: bytes
    body: bytes


class SuspendedPrograms:
    """One connection of its own for all threads; never in the transaction of a step, and without waiting for the disk."""

    def __init__(self, path: Path) -> None:
        self._connection = connect_raw(path)
        # What a power cut takes along is worked out again: no step waits behind a sync of ours.
        self._connection.execute("PRAGMA synchronous = NORMAL")
        self._lock = threading.Lock()

    def keep(self, run_id: str, path: str, kept: KeptProgram) -> bool:
        """Puts it in the place of the step's older one; False when the run is over. Blocks. StorageUnavailable."""
        told = (path, kept.attempt, kept.program, kept.proof, kept.body, run_id)
        with self._lock:
            try:
                with closing(self._connection.cursor()) as cursor:
                    reach("program.before_begin")
                    cursor.execute("BEGIN IMMEDIATE")
                    is_kept = cursor.execute(_KEEP, told).rowcount == 1
                    reach("program.before_commit")
                    cursor.execute("COMMIT")
                    reach("program.committed")
            except sqlite3.Error as error:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                if is_unavailable(error):
                    raise StorageUnavailable(f"A suspended program cannot be kept right now: {error}.") from error
                raise
        return is_kept

    def read(self, run_id: str, path: str) -> KeptProgram | None:
        """What is kept of that step. Blocks. StorageUnavailable."""
        with self._lock:
            try:
                row = self._connection.execute(_READ, (run_id, path)).fetchone()
            except sqlite3.Error as error:
                if is_unavailable(error):
                    raise StorageUnavailable(f"Suspended programs cannot be read right now: {error}.") from error
                raise
        return KeptProgram(*row) if row else None

    def close(self) -> None:
        """Closes the connection."""
        with self._lock:
            self._connection.close()
