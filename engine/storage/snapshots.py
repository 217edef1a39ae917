"""Keeps what the rows of long runs come to, so that reading one need not begin with its first row: a cache, never the truth."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from engine.errors import StorageUnavailable
from engine.faultpoints import reach
from engine.storage.sqlite import connect_raw, is_unavailable

_LATEST = """
SELECT run_id, seq, codec, rows_bytes, written_bytes, state FROM snapshots WHERE run_id = ? AND seq <= ? ORDER BY seq DESC LIMIT 1"""
# Of a run that was deleted meanwhile nothing may be left behind.
_KEEP = """
INSERT OR REPLACE INTO snapshots (run_id, seq, workspace_id, codec, rows_bytes, written_bytes, state)
SELECT ?, ?, ?, ?, ?, ?, ? FROM runs WHERE run_id = ? AND head_seq >= ?"""
_DROP_OLDER = "DELETE FROM snapshots WHERE run_id = ? AND seq < ?"


@dataclass(frozen=True, slots=True)
class StoredSnapshot:
    """The state of a run after the row `seq`."""

    run_id: str
    """Whose snapshot it is: a fork may go on from one of the run that it was forked from."""
    seq: int
    codec: str
    rows_bytes: int
    """Of all rows that tell the run up to there, shared ones included, large values not."""
    written_bytes: int
    """Of all snapshots of that run so far, this one included."""
    state: bytes


def latest(connection: sqlite3.Connection, run_id: str, upto: int) -> StoredSnapshot | None:
    """The newest snapshot of that run which holds no row behind `upto`."""
    row = connection.execute(_LATEST, (run_id, upto)).fetchone()
    return StoredSnapshot(*row) if row else None


class SnapshotWriter:
    """Writes snapshots over a connection of its own: never in the transaction of a step, and without waiting for the disk."""

    def __init__(self, path: Path) -> None:
        self._connection = connect_raw(path)
        # What a power cut takes along is made again: no step waits behind a sync of ours.
        self._connection.execute("PRAGMA synchronous = NORMAL")

    def keep(self, snapshot: StoredSnapshot, workspace_id: str) -> bool:
        """Puts it in the place of the older ones of its run; False when the run is gone. Blocks. StorageUnavailable."""
        told = (snapshot.codec, snapshot.rows_bytes, snapshot.written_bytes, snapshot.state, snapshot.run_id, snapshot.seq)
        try:
            with closing(self._connection.cursor()) as cursor:
                reach("snapshot.before_begin")
                cursor.execute("BEGIN IMMEDIATE")
                kept = cursor.execute(_KEEP, (snapshot.run_id, snapshot.seq, workspace_id, *told)).rowcount == 1
                cursor.execute(_DROP_OLDER, (snapshot.run_id, snapshot.seq))
                reach("snapshot.before_commit")
                cursor.execute("COMMIT")
                reach("snapshot.committed")
        except sqlite3.Error as error:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            if is_unavailable(error):
                raise StorageUnavailable(f"A snapshot cannot be written right now: {error}.") from error
            raise
        return kept

    def close(self) -> None:
        """Closes the connection."""
        self._connection.close()
