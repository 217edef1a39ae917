"""What runs take in the database: every journal row is measured once, and remembered for its run.

Asking costs one pass over the runs, their snapshots and their large values (not their bodies), and the rows written since
the last time; never a pass over the journal.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from engine.errors import StorageUnavailable
from engine.faultpoints import reach
from engine.storage.journal import ROW_BYTES
from engine.storage.sqlite import connect_raw, is_unavailable

RUNS_AT_ONCE = 500

_GROWN = """
SELECT runs.run_id, runs.workspace_id, runs.workflow_id, coalesce(run_sizes.seq, 0), coalesce(run_sizes.bytes, 0)
FROM runs LEFT JOIN run_sizes ON run_sizes.run_id = runs.run_id WHERE runs.head_seq > coalesce(run_sizes.seq, 0)"""
# `length` of a blob is in the row's header: the payloads are not read.
_BEHIND = f"SELECT max(seq), sum(length(payload) + {ROW_BYTES}) FROM journal WHERE run_id = ? AND seq > ?"  # noqa: S608 - a number of ours
_REMEMBER = """
INSERT OR REPLACE INTO run_sizes (run_id, workspace_id, seq, bytes) SELECT ?, ?, ?, ? FROM runs WHERE run_id = ?"""
_RUNS = """
SELECT workflow_id, count(*), coalesce(sum(run_sizes.bytes), 0), min(runs.ended_at)
FROM runs LEFT JOIN run_sizes ON run_sizes.run_id = runs.run_id WHERE runs.workspace_id = ? GROUP BY workflow_id"""
_SNAPSHOTS = """
SELECT workflow_id, sum(bytes) FROM
  (SELECT run_id, length(state) AS bytes FROM snapshots UNION ALL SELECT run_id, length(body) FROM suspended_programs) AS kept
JOIN runs ON runs.run_id = kept.run_id WHERE runs.workspace_id = ? GROUP BY workflow_id"""
_VALUES = """
SELECT workflow_id, sum(bytes) FROM
  (SELECT DISTINCT runs.workflow_id, hash, bytes FROM blob_refs JOIN runs ON runs.run_id = blob_refs.run_id WHERE runs.workspace_id = ?)
GROUP BY workflow_id"""
_ALL_VALUES = "SELECT coalesce(sum(bytes), 0) FROM (SELECT DISTINCT hash, bytes FROM blob_refs WHERE workspace_id = ?)"


@dataclass(frozen=True, slots=True)
class Measured:
    """A run whose rows were measured up to `seq`."""

    run_id: str
    workspace_id: str
    workflow_id: str
    seq: int
    bytes: int
    grown: int
    """Of them those that were not known yet."""


@dataclass(slots=True)
class WorkflowSize:
    """What the runs of one workflow take, in bytes."""

    workflow_id: str
    runs: int
    journal: int
    oldest_ended_at: int | None
    snapshots: int = 0
    """Of whole runs, and of programs that stand at a checkpoint."""
    values: int = 0
    """Above 32 kB each, kept once however many of its runs need them."""

    @property
    def bytes(self) -> int:
        """All of it."""
        return self.journal + self.snapshots + self.values


@dataclass(frozen=True, slots=True)
class FileSize:
    """What the database takes on disk, its log included, and what of that is free for new rows."""

    bytes: int
    free: int


def grown(connection: sqlite3.Connection) -> Iterator[Measured]:
    """The runs that have rows which were not measured yet."""
    for run_id, workspace, workflow, seq, known in connection.execute(_GROWN).fetchall():
        last, size = connection.execute(_BEHIND, (run_id, seq)).fetchone()
        if last is not None:
            yield Measured(run_id, workspace, workflow, last, known + size, size)


def sizes_of(connection: sqlite3.Connection, workspace_id: str) -> tuple[dict[str, WorkflowSize], int]:
    """Workflow -> what its runs take as far as it is remembered, and what they take together: a value that two share counts once."""
    found = {row[0]: WorkflowSize(*row) for row in connection.execute(_RUNS, (workspace_id,))}
    for workflow, size in connection.execute(_SNAPSHOTS, (workspace_id,)):
        found[workflow].snapshots = size
    for workflow, size in connection.execute(_VALUES, (workspace_id,)):
        found[workflow].values = size
    values = connection.execute(_ALL_VALUES, (workspace_id,)).fetchone()[0]
    return found, values + sum(size.journal + size.snapshots for size in found.values())


def file_size(connection: sqlite3.Connection, path: Path) -> FileSize:
    """The database file with its log."""
    log = path.with_name(f"{path.name}-wal")
    free = connection.execute("PRAGMA freelist_count").fetchone()[0] * connection.execute("PRAGMA page_size").fetchone()[0]
    return FileSize(path.stat().st_size + (log.stat().st_size if log.exists() else 0), free)


def _batches(measured: Iterator[Measured]) -> Iterator[list[Measured]]:
    while some := list(islice(measured, RUNS_AT_ONCE)):
        yield some


class SizeMeter:
    """Measures what is new and remembers it, over a connection of its own. Blocks. StorageUnavailable."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def measure(self, workspace_id: str) -> tuple[dict[str, WorkflowSize], int, FileSize]:
        """Workflow -> what its runs take, what they take together, and the database file."""
        with closing(connect_raw(self._path)) as connection:
            # It is only remembered so that it need not be measured again.
            connection.execute("PRAGMA synchronous = NORMAL")
            try:
                for some in _batches(grown(connection)):
                    reach("meter.before_begin")
                    connection.execute("BEGIN IMMEDIATE")
                    connection.executemany(_REMEMBER, [(m.run_id, m.workspace_id, m.seq, m.bytes, m.run_id) for m in some])
                    reach("meter.before_commit")
                    connection.execute("COMMIT")
                    reach("meter.committed")
                connection.execute("BEGIN")
                return *sizes_of(connection, workspace_id), file_size(connection, self._path)
            except sqlite3.OperationalError as error:
                if is_unavailable(error):
                    raise StorageUnavailable(f"What runs take cannot be measured right now: {error}.") from error
                raise
