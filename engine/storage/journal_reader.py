"""Reads runs and their journals: for recovery, for the API and for every view; never writes."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.errors import StorageUnavailable
from engine.storage.journal import Row
from engine.storage.sqlite import connect_raw, is_unavailable

_RUN = """
SELECT run_id, workspace_id, workflow_id, workflow_name, version, doc_hash, mode, status, reason, epoch, head_seq, started_by,
  started_at, ended_at, cost_micro, tokens, busy_us, steps, llm_calls, tool_calls FROM runs"""
_ROWS = "SELECT seq, at, kind, path, attempt, payload FROM journal WHERE run_id = ? AND seq > ? ORDER BY seq LIMIT ?"

_ROWS_AT = "SELECT seq, at, kind, path, attempt, payload FROM journal WHERE run_id = ? AND seq IN "
_AT_ONCE = 500
_HEAD = "SELECT workspace_id, seq, kind FROM journal WHERE run_id = ? ORDER BY seq DESC LIMIT 1"

_BOUNDS = """SELECT seq, at, kind, path, attempt, payload FROM journal
WHERE run_id = ? AND (seq = 1 OR kind IN ('run_resumed', 'run_ended')) ORDER BY seq"""

_EDGES = "SELECT seq, at, kind, path, attempt, payload FROM journal WHERE run_id = ? AND seq IN (1, ?) ORDER BY seq"

_LATEST = _RUN + " WHERE workflow_id = ? AND mode = ? ORDER BY started_at DESC LIMIT ?"

_FINISHED = """SELECT seq, at, kind, path, attempt FROM journal
WHERE run_id = ? AND kind IN ('step_done', 'step_failed') ORDER BY seq DESC LIMIT ?"""

_BEGINNING = """
SELECT w.id, w.name, coalesce(:version, w.live_version), v.hash FROM workflows w
LEFT JOIN versions v ON v.workflow_id = w.id AND v.version = coalesce(:version, w.live_version)
WHERE w.workspace_id = :workspace AND w.deleted_at IS NULL AND (w.id = :workflow OR w.slug = :workflow)"""


@dataclass(frozen=True, slots=True)
class Beginning:
    """What a run starts from: its workflow, and a version's number and hash as far as there is one."""

    workflow_id: str
    workflow_name: str
    version: int | None
    doc_hash: str | None


@dataclass(frozen=True, slots=True)
class Mark:
    """A journal row that ended a step or an attempt at one, without its payload."""

    run_id: str
    seq: int
    at: int
    kind: str
    path: str
    attempt: int


@dataclass(frozen=True, slots=True)
class JournalHead:
    """The newest row of a run's journal."""

    workspace_id: str
    seq: int
    kind: str


@dataclass(frozen=True, slots=True)
class StoredRun:
    """One row of the runs table; times in microseconds, money in micro-USD."""

    run_id: str
    workspace_id: str
    workflow_id: str
    workflow_name: str
    version: int | None
    doc_hash: str
    mode: str
    status: str
    reason: str
    epoch: int
    head_seq: int
    started_by: str
    started_at: int
    ended_at: int | None
    cost_micro: int
    tokens: int
    busy_us: int
    steps: int
    llm_calls: int
    tool_calls: int


class JournalReader:
    """One read connection, shared by threads; every method blocks, callers use a thread. Raises StorageUnavailable."""

    def __init__(self, path: Path) -> None:
        self._connection = connect_raw(path)
        self._connection.execute("PRAGMA query_only = 1")
        self._lock = threading.Lock()

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            try:
                yield self._connection
            except sqlite3.OperationalError as error:
                if is_unavailable(error):
                    raise StorageUnavailable(f"The database cannot be read right now: {error}.") from error
                raise

    def run(self, run_id: str) -> StoredRun | None:
        """The run of that id, or None."""
        with self._reading() as connection:
            row = connection.execute(_RUN + " WHERE run_id = ?", (run_id,)).fetchone()
        return StoredRun(*row) if row else None

    def beginning(self, workspace: str, workflow: str, version: int | None) -> Beginning | None:
        """Where a run of that workflow (id or slug) begins: in that version, or in the live one.

        Every start asks this, so it is plain SQL: the same through the ORM takes the time of four whole steps.
        """
        wanted = {"workspace": workspace, "workflow": workflow, "version": version}
        with self._reading() as connection:
            row = connection.execute(_BEGINNING, wanted).fetchone()
        return Beginning(*row) if row else None

    def unfinished(self) -> list[StoredRun]:
        """The runs that a dead process left running."""
        with self._reading() as connection:
            rows = connection.execute(_RUN + " WHERE status IN ('queued', 'running')").fetchall()
        return [StoredRun(*row) for row in rows]

    def every_row(self, run_id: str) -> Iterator[Row]:
        """All rows of the run in order, a thousand of them in memory at a time: a box may have written tens of thousands."""
        last = 0
        while found := self.rows(run_id, after=last, limit=1000):
            yield from found
            last = found[-1].seq

    def rows(self, run_id: str, *, after: int = 0, limit: int = 1_000_000) -> list[Row]:
        """The run's journal rows behind `after`, in order."""
        with self._reading() as connection:
            return [Row(*row) for row in connection.execute(_ROWS, (run_id, after, limit))]

    def journal_head(self, run_id: str) -> JournalHead | None:
        """The run's newest row; None where no run of that id has a journal."""
        with self._reading() as connection:
            row = connection.execute(_HEAD, (run_id,)).fetchone()
        return JournalHead(*row) if row else None

    def run_bounds(self, run_id: str) -> list[Row]:
        """The rows that started, resumed and ended the run: enough for its inputs, limits and output."""
        with self._reading() as connection:
            return [Row(*row) for row in connection.execute(_BOUNDS, (run_id,))]

    def run_edges(self, run: StoredRun) -> list[Row]:
        """The same as `run_bounds`, found by number where that can be: a list asks for many runs, and some are long."""
        if run.epoch > 1:
            # Resumed, perhaps: such rows may stand anywhere.
            return self.run_bounds(run.run_id)
        last = run.head_seq if run.ended_at is not None else 1
        with self._reading() as connection:
            return [Row(*row) for row in connection.execute(_EDGES, (run.run_id, last))]

    def latest_runs(self, workflow_id: str, *, most_per_mode: int) -> list[StoredRun]:
        """The latest test runs and the latest live runs of a workflow, newest first: a busy live one must not hide its try-outs."""
        with self._reading() as connection:
            rows = [row for mode in ("test", "live") for row in connection.execute(_LATEST, (workflow_id, mode, most_per_mode))]
        return sorted((StoredRun(*row) for row in rows), key=lambda run: (run.started_at, run.run_id), reverse=True)

    def marks(self, run_id: str, *, most: int) -> list[Mark]:
        """The rows that ended steps of the run, the latest first."""
        with self._reading() as connection:
            return [Mark(run_id, *row) for row in connection.execute(_FINISHED, (run_id, most))]

    def rows_at(self, run_id: str, seqs: Sequence[int]) -> list[Row]:
        """The run's rows of these numbers, in order."""
        found: list[Row] = []
        with self._reading() as connection:
            for start in range(0, len(seqs), _AT_ONCE):
                part = seqs[start : start + _AT_ONCE]
                found += [Row(*row) for row in connection.execute(_ROWS_AT + f"({','.join('?' * len(part))})", (run_id, *part))]
        return sorted(found, key=lambda row: row.seq)

    def blob(self, digest: str) -> bytes | None:
        """The value kept under a hash, as JSON."""
        with self._reading() as connection:
            row = connection.execute("SELECT body FROM blobs WHERE hash = ?", (digest,)).fetchone()
        return row[0] if row else None

    def document(self, digest: str) -> str | None:
        """The document of a version, as JSON."""
        with self._reading() as connection:
            row = connection.execute("SELECT body FROM documents WHERE hash = ?", (digest,)).fetchone()
        return row[0] if row else None

    def timers(self) -> list[tuple[int, str, str, int, str]]:
        """All timers: (due_at, run_id, path, attempt, kind)."""
        with self._reading() as connection:
            return connection.execute("SELECT due_at, run_id, path, attempt, kind FROM timers").fetchall()

    def approval(self, item: str) -> dict[str, Any] | None:
        """One inbox item, as stored."""
        with self._reading() as connection:
            cursor = connection.execute("SELECT * FROM approvals WHERE id = ?", (item,))
            row = cursor.fetchone()
        return dict(zip([c[0] for c in cursor.description], row, strict=True)) if row else None

    def close(self) -> None:
        """Closes the connection."""
        self._connection.close()
