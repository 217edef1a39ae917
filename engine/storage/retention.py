"""Deletes runs that ended long ago: gone for every reader in one transaction, their rows in small ones afterwards.

A run goes whole, and only when nobody needs it: no fork that shares its rows, no parent or child that has not ended, no
question to a person. What is left behind by a crash is found again through `swept_runs`.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from engine.errors import StorageUnavailable
from engine.faultpoints import reach
from engine.storage.sqlite import connect_raw, is_unavailable

RUNS_AT_ONCE = 200
"""Each takes a row of `runs` and one of `swept_runs`."""
ROWS_AT_ONCE = 500

# A run that ended by then has started by then, and that is what there is an index for.
_OVER = """
SELECT run_id FROM runs AS gone
WHERE workflow_id = :workflow AND started_at <= :before AND ended_at <= :before
  AND NOT EXISTS (SELECT 1 FROM runs WHERE fork_of = gone.run_id)
  AND NOT EXISTS (SELECT 1 FROM runs WHERE parent_run = gone.run_id AND ended_at IS NULL)
  AND NOT EXISTS (SELECT 1 FROM runs WHERE run_id = gone.parent_run AND ended_at IS NULL)
  AND NOT EXISTS (SELECT 1 FROM children WHERE run_id = gone.run_id)
  AND NOT EXISTS (SELECT 1 FROM children WHERE child = gone.run_id)
  AND NOT EXISTS (SELECT 1 FROM approvals WHERE run_id = gone.run_id AND status = 'pending')"""
_SOME = _OVER + " LIMIT :most"
_STILL = _OVER + " AND run_id = :run"
_HIDE = "INSERT INTO swept_runs (run_id, workspace_id) SELECT run_id, workspace_id FROM runs WHERE run_id = ?"
_NEXT = "SELECT run_id FROM swept_runs ORDER BY run_id LIMIT 1"
_BESIDE = ("approvals", "timers", "waits", "children", "notifications", "snapshots", "run_sizes", "suspended_programs")
"""Tables whose rows belong to one run; the journal goes last."""
_VALUES = "SELECT hash FROM blob_refs WHERE run_id = ? LIMIT ?"
# From the end on: as long as anything is left its first row is, and no run of the same id can begin.
_ROWS = "DELETE FROM journal WHERE rowid IN (SELECT rowid FROM journal WHERE run_id = ? ORDER BY seq DESC LIMIT ?)"

_ANY_ROW = "SELECT 1 FROM journal WHERE run_id = ? LIMIT 1"


class RunRemover:
    """One connection of its own; every method blocks and is one transaction. StorageUnavailable."""

    def __init__(self, path: Path) -> None:
        self._connection = connect_raw(path)

    def hide(self, workflow_id: str, *, ended_before: int, tell: Callable[[sqlite3.Connection, int], None]) -> int:
        """Takes runs of that workflow away from every reader and says how many; `tell` writes the audit row of it."""
        wanted: dict[str, Any] = {"workflow": workflow_id, "before": ended_before, "most": RUNS_AT_ONCE}
        # Looked for before anything is locked, and looked at once more when it is.
        if not (some := self._connection.execute(_SOME, wanted).fetchall()):
            return 0
        with self._writing(synchronous="FULL") as connection:
            found = [run for (id_,) in some for run in connection.execute(_STILL, wanted | {"run": id_})]
            connection.executemany(_HIDE, found)
            connection.executemany("DELETE FROM runs WHERE run_id = ?", found)
            if found:
                tell(connection, len(found))
        return len(found)

    def purge(self, most: int = ROWS_AT_ONCE) -> int:
        """Deletes up to `most` rows of runs that are gone, and says how many; 0 when nothing is left of them."""
        # What a power cut brings back belongs to nobody, and goes with the next sweep.
        with self._writing(synchronous="NORMAL") as connection:
            left = most
            while left > 0 and (found := connection.execute(_NEXT).fetchone()) is not None:
                left -= _purge_run(connection, found[0], left)
        return most - left

    def close(self) -> None:
        """Closes the connection."""
        self._connection.close()

    @contextmanager
    def _writing(self, *, synchronous: str) -> Iterator[sqlite3.Connection]:
        connection = self._connection
        try:
            connection.execute(f"PRAGMA synchronous = {synchronous}")
            reach("sweep.before_begin")
            connection.execute("BEGIN IMMEDIATE")
            yield connection
            reach("sweep.before_commit")
            connection.execute("COMMIT")
            reach("sweep.committed")
        except BaseException as error:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            if is_unavailable(error):
                raise StorageUnavailable(f"Runs cannot be deleted right now: {error}.") from error
            raise


def _purge_run(connection: sqlite3.Connection, run_id: str, most: int) -> int:
    left = most
    for table in _BESIDE:
        some = f"DELETE FROM {table} WHERE rowid IN (SELECT rowid FROM {table} WHERE run_id = ? LIMIT ?)"  # noqa: S608 - names of ours
        left -= connection.execute(some, (run_id, left)).rowcount
        if left <= 0:
            return most
    # Each may take a value with it.
    hashes = connection.execute(_VALUES, (run_id, left // 2)).fetchall()
    taken = _let_go(connection, run_id, hashes)
    if len(hashes) == left // 2:
        # There may be more of them.
        return most
    left -= taken
    left -= connection.execute(_ROWS, (run_id, left - 1)).rowcount
    if connection.execute(_ANY_ROW, (run_id,)).fetchone() is None:
        # Together with the last of its rows: from here on a run of the same id is another one.
        left -= connection.execute("DELETE FROM swept_runs WHERE run_id = ?", (run_id,)).rowcount
        return most - left
    return most


def _let_go(connection: sqlite3.Connection, run_id: str, hashes: Sequence[tuple[str]]) -> int:
    """The run needs these values no more; those that no other run needs are deleted. In one transaction with whoever might."""
    if not hashes:
        return 0
    names = [digest for (digest,) in hashes]
    marks = ",".join("?" * len(names))
    connection.execute(f"DELETE FROM blob_refs WHERE run_id = ? AND hash IN ({marks})", (run_id, *names))  # noqa: S608 - question marks
    unneeded = f"DELETE FROM blobs WHERE hash IN ({marks}) AND NOT EXISTS (SELECT 1 FROM blob_refs WHERE blob_refs.hash = blobs.hash)"  # noqa: S608
    return len(names) + connection.execute(unneeded, names).rowcount
