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
from engine.storage.snapshots import StoredSnapshot, latest
from engine.storage.sqlite import connect_raw, is_unavailable

_RUN = """
SELECT run_id, workspace_id, workflow_id, workflow_name, version, doc_hash, mode, status, reason, epoch, head_seq, started_by,
  started_at, ended_at, cost_micro, tokens, busy_us, steps, llm_calls, tool_calls, fork_of, fork_seq, parent_run FROM runs"""
_ROWS = "SELECT seq, at, kind, path, attempt, payload FROM journal WHERE run_id = ? AND seq > ? AND seq <= ? ORDER BY seq LIMIT ?"

_ROWS_AT = "SELECT seq, at, kind, path, attempt, payload FROM journal WHERE run_id = ? AND seq IN "
_AT_ONCE = 500
# The rows of a run that is being deleted are nobody's any more.
_HEAD = """SELECT workspace_id, seq, kind FROM journal
WHERE run_id = :run AND NOT EXISTS (SELECT 1 FROM swept_runs WHERE run_id = :run) ORDER BY seq DESC LIMIT 1"""
_DONE = "SELECT seq, at, kind, path, attempt, payload FROM journal WHERE run_id = ? AND path = ? AND kind = 'step_done' ORDER BY attempt"

_BOUNDS = """SELECT seq, at, kind, path, attempt, payload FROM journal INDEXED BY journal_bounds
WHERE run_id = ? AND seq > ? AND seq <= ? AND kind IN ('run_resumed', 'run_forked') ORDER BY seq"""
_FIRST = "SELECT seq, at, kind, path, attempt, payload FROM journal WHERE run_id = ? AND seq = 1"
# From the last row on: behind the end of a run there is little or nothing.
_ENDED = """SELECT seq, at, kind, path, attempt, payload FROM journal
WHERE run_id = ? AND kind = 'run_ended' ORDER BY seq DESC LIMIT 1"""

_EDGES = """SELECT seq, at, kind, path, attempt, payload FROM journal WHERE run_id = :run AND seq IN (1, :end)
UNION ALL SELECT seq, at, kind, path, attempt, payload FROM journal INDEXED BY journal_bounds
WHERE run_id = :run AND seq > 1 AND seq <= :last AND kind IN ('run_resumed', 'run_forked') ORDER BY seq"""

_WITH = """SELECT seq, at, kind, path, attempt, payload FROM journal
WHERE run_id = ? AND seq > ? AND seq <= ? AND instr(payload, ?) > 0 ORDER BY seq LIMIT 1"""
_KINDS = """SELECT seq, at, kind, path, attempt, payload FROM journal
WHERE run_id = ? AND seq > ? AND seq <= ? AND {wanted} ORDER BY seq LIMIT 1000"""
_VALUES = "SELECT coalesce(sum(bytes), 0) FROM (SELECT DISTINCT hash, bytes FROM blob_refs WHERE run_id IN ({marks}))"
_COUNT = "SELECT count(*) FROM journal WHERE run_id = ? AND seq > ? AND seq <= ? AND kind = ?"

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


NO_LAST = 2**62
LINEAGES_KEPT = 100_000


@dataclass(frozen=True, slots=True)
class Segment:
    """Rows of a run behind `before` up to `last`."""

    run_id: str
    before: int
    last: int


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
    fork_of: str | None = None
    """The run whose rows up to `fork_seq` come before this one's own."""
    fork_seq: int | None = None
    parent_run: str | None = None


class JournalReader:
    """One read connection, shared by threads; every method blocks, callers use a thread. Raises StorageUnavailable."""

    def __init__(self, path: Path) -> None:
        self._connection = connect_raw(path)
        self._connection.execute("PRAGMA query_only = 1")
        self._lock = threading.Lock()
        self._lineages: dict[str, tuple[Segment, ...]] = {}
        self.rows_read = 0
        """Journal rows with their payloads, since it was opened: a figure for tests, never for decisions."""

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            try:
                yield self._connection
            except sqlite3.OperationalError as error:
                if is_unavailable(error):
                    raise StorageUnavailable(f"The database cannot be read right now: {error}.") from error
                raise

    def is_busy(self) -> bool:
        """Whether somebody reads just now: another one would wait."""
        return self._lock.locked()

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

    def every_row(self, run_id: str, *, after: int = 0, upto: int = NO_LAST) -> Iterator[Row]:
        """All rows of the run in order, a thousand of them in memory at a time: a box may have written tens of thousands."""
        while found := self.rows(run_id, after=after, limit=min(1000, max(0, upto - after))):
            yield from found
            after = found[-1].seq

    def snapshots(self, run_id: str, upto: int = NO_LAST) -> Iterator[StoredSnapshot]:
        """What is known of the run up to that row, the newest first: its own, then of those whose rows it shares."""
        for segment in reversed(self.lineage(run_id)):
            with self._reading() as connection:
                found = latest(connection, segment.run_id, min(upto, segment.last))
            if found is not None:
                yield found

    def rows(self, run_id: str, *, after: int = 0, limit: int = 1_000_000) -> list[Row]:
        """The run's journal rows behind `after`, in order; those of a fork begin with the rows that it shares."""
        found: list[Row] = []
        for segment in self.lineage(run_id):
            if after < segment.last and len(found) < limit:
                found += self._read(_ROWS, (segment.run_id, max(after, segment.before), segment.last, limit - len(found)))
        return found

    def _read(self, sql: str, parameters: tuple[Any, ...] | dict[str, Any]) -> list[Row]:
        with self._reading() as connection:
            found = [Row(*row) for row in connection.execute(sql, parameters)]
            self.rows_read += len(found)
        return found

    def lineage(self, run_id: str) -> tuple[Segment, ...]:
        """Whose rows a run is told by, oldest first: a fork shares those of its origin up to where it left it."""
        if (known := self._lineages.get(run_id)) is not None:
            return known
        segments = [Segment(run_id, 0, NO_LAST)]
        while (run := self.run(segments[0].run_id)) is not None and run.fork_of is not None and run.fork_seq is not None:
            # Of what that run shares itself, only what lies before the fork.
            bound = min(run.fork_seq, segments[0].last)
            segments[0] = Segment(run.run_id, run.fork_seq, segments[0].last)
            segments.insert(0, Segment(run.fork_of, 0, bound))
        segments = [segment for segment in segments if segment.before < segment.last]
        # What never changes; a run that is not there yet may still come.
        if run is not None:
            if len(self._lineages) >= LINEAGES_KEPT:
                self._lineages.clear()
            self._lineages[run_id] = tuple(segments)
        return tuple(segments)

    def journal_head(self, run_id: str) -> JournalHead | None:
        """The run's newest row; None where no run of that id has a journal."""
        with self._reading() as connection:
            row = connection.execute(_HEAD, {"run": run_id}).fetchone()
        return JournalHead(*row) if row else None

    def done(self, run_id: str, path: str) -> list[Row]:
        """The rows by which a step ended well, one an attempt."""
        return self._read(_DONE, (run_id, path))

    def rows_with(self, run_id: str, text: bytes) -> Iterator[Row]:
        """The rows whose payload holds that text, in order, one at a time: whoever looks for the first one reads no other."""
        after = 0
        for segment in self.lineage(run_id):
            after = max(after, segment.before)
            while found := self._read(_WITH, (segment.run_id, after, segment.last, text)):
                yield found[0]
                after = found[0].seq

    def rows_of(self, run_id: str, kinds: Sequence[str], *, after: int) -> Iterator[Row]:
        """The rows of these kinds behind `after`, in order, a thousand of them in memory at a time."""
        wanted = f"kind IN ({','.join('?' * len(kinds))})"
        for segment in self.lineage(run_id):
            after = max(after, segment.before)
            while found := self._read(_KINDS.format(wanted=wanted), (segment.run_id, after, segment.last, *kinds)):
                yield from found
                after = found[-1].seq

    def count_of(self, run_id: str, kind: str, *, upto: int) -> int:
        """How many rows of that kind there are up to that one."""
        count = 0
        for segment in self.lineage(run_id):
            with self._reading() as connection:
                count += connection.execute(_COUNT, (segment.run_id, segment.before, min(upto, segment.last), kind)).fetchone()[0]
        return count

    def run_bounds(self, run_id: str) -> list[Row]:
        """The rows that started, forked, resumed and, if it is over, ended the run: enough for its inputs, limits and output."""
        segments = self.lineage(run_id)
        found = self._read(_FIRST, (segments[0].run_id,))
        for segment in segments:
            found += self._read(_BOUNDS, (segment.run_id, segment.before, segment.last))
        if (run := self.run(run_id)) is not None and run.ended_at is not None:
            found += self._read(_ENDED, (run_id,))
        return sorted(found, key=lambda row: row.seq)

    def run_edges(self, run: StoredRun) -> list[Row]:
        """The same as `run_bounds`, in one statement where that can be: a list asks for many runs, and some are long."""
        if run.fork_of is not None:
            return self.run_bounds(run.run_id)
        end = run.head_seq if run.ended_at is not None else 1
        found = self._read(_EDGES, {"run": run.run_id, "end": end, "last": run.head_seq})
        if run.ended_at is not None and found and found[-1].kind != "run_ended":
            # Something was noted behind its end.
            return self.run_bounds(run.run_id)
        return found

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
        for segment in self.lineage(run_id):
            mine = [seq for seq in seqs if segment.before < seq <= segment.last]
            for start in range(0, len(mine), _AT_ONCE):
                part = mine[start : start + _AT_ONCE]
                found += self._read(_ROWS_AT + f"({','.join('?' * len(part))})", (segment.run_id, *part))
        return sorted(found, key=lambda row: row.seq)

    def blob(self, digest: str) -> bytes | None:
        """The value kept under a hash, as JSON."""
        with self._reading() as connection:
            row = connection.execute("SELECT body FROM blobs WHERE hash = ?", (digest,)).fetchone()
        return row[0] if row else None

    def values_bytes(self, run_id: str) -> int:
        """What the large values take that the run needs, each counted once."""
        runs = [segment.run_id for segment in self.lineage(run_id)]
        with self._reading() as connection:
            return connection.execute(_VALUES.format(marks=",".join("?" * len(runs))), runs).fetchone()[0]

    def document(self, digest: str) -> str | None:
        """The document of a version, as JSON."""
        with self._reading() as connection:
            row = connection.execute("SELECT body FROM documents WHERE hash = ?", (digest,)).fetchone()
        return row[0] if row else None

    def timers(self) -> list[tuple[int, str, str, int, str]]:
        """All timers: (due_at, run_id, path, attempt, kind)."""
        with self._reading() as connection:
            return connection.execute("SELECT due_at, run_id, path, attempt, kind FROM timers").fetchall()

    def budgets(self) -> tuple[list[tuple[str, str, str, int]], list[tuple[str, str, str, str, int]]]:
        """What may be spent: (workspace, scope, subject, micro-USD), and what was: the same with the period before the amount."""
        with self._reading() as connection:
            limits = connection.execute("SELECT workspace_id, scope, subject, limit_micro FROM budgets").fetchall()
            spent = connection.execute("SELECT workspace_id, scope, subject, period, cost_micro FROM spending").fetchall()
        return limits, spent

    def children(self) -> list[tuple[str, str, int, str]]:
        """All steps that wait for a run: (run_id, path, attempt, child)."""
        with self._reading() as connection:
            return connection.execute("SELECT run_id, path, attempt, child FROM children").fetchall()

    def approval(self, item: str) -> dict[str, Any] | None:
        """One inbox item, as stored."""
        with self._reading() as connection:
            cursor = connection.execute("SELECT * FROM approvals WHERE id = ?", (item,))
            row = cursor.fetchone()
        return dict(zip([c[0] for c in cursor.description], row, strict=True)) if row else None

    def close(self) -> None:
        """Closes the connection."""
        self._connection.close()
