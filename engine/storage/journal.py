"""The journal's one writer: every durable step of every run goes through here, fenced and in groups.

A commit moves one run from (epoch, head_seq) to the next: its rows and everything that must be true together with them
(inbox items, timers, audit rows) are one transaction. What waits is written as one group, without ever waiting for a group
to fill: by the loop itself where the disk is quick, else by a thread while the loop goes on (docs/decisions/0008).
"""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from engine.errors import FencedOut, StorageUnavailable
from engine.faultpoints import reach
from engine.storage.sqlite import connect_raw, is_unavailable

GROUP_ROWS = 512
CHECKPOINT_BYTES = 32 * 1024 * 1024
"""How long the log may grow before it is folded back: well below the 64 MB at which other connections would do it."""
COMMIT_LOG_BYTES = 20 * 1024
ROW_LOG_BYTES = 4 * 1024
"""What a commit and each of its rows write into the log beside the payloads: whole pages, counted with 1, 10 and 50 runs at once."""
LOCK_WAIT_S = 5.0
QUICK_S = 0.005
"""A group that is on disk sooner is written by the loop itself: handing it to the thread, and taking turns with it, costs more."""
ROW_BYTES = 200
"""What a row takes beside its payload, its place in the indexes included; near enough."""

_INSERT_RUN = """
INSERT INTO runs (run_id, workspace_id, workflow_id, workflow_name, version, doc_hash, mode, started_by, started_at,
  owner, fork_of, fork_seq, parent_run, epoch, head_seq, status, reason, cost_micro, tokens, busy_us, steps, llm_calls, tool_calls,
  updated_at, ended_at)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (run_id) DO NOTHING"""
_UPDATE_RUN = """
UPDATE runs SET epoch = ?, head_seq = ?, status = ?, reason = ?, cost_micro = ?, tokens = ?, busy_us = ?, steps = ?,
  llm_calls = ?, tool_calls = ?, updated_at = ?, ended_at = ?
WHERE run_id = ? AND epoch = ? AND head_seq = ?"""
_INSERT_ROW = """
INSERT INTO journal (run_id, seq, workspace_id, epoch, at, kind, path, attempt, payload) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"""
_INSERT_BLOB = "INSERT INTO blobs (hash, workspace_id, body) VALUES (?, ?, ?) ON CONFLICT (hash) DO NOTHING"
_INSERT_BLOB_REF = "INSERT OR IGNORE INTO blob_refs (run_id, hash, workspace_id, bytes) VALUES (?, ?, ?, ?)"
_IS_THERE = "SELECT 1 FROM runs WHERE run_id = ?"


class Row(msgspec.Struct, frozen=True):
    """One event of a run."""

    seq: int
    at: int
    kind: str
    path: str
    attempt: int
    payload: bytes


class Head(msgspec.Struct, frozen=True):
    """What the runs table tells of a run without its journal."""

    status: str
    reason: str
    cost_micro: int
    tokens: int
    busy_us: int
    steps: int
    llm_calls: int
    tool_calls: int
    updated_at: int
    ended_at: int | None

    def columns(self) -> tuple[Any, ...]:
        return (
            self.status,
            self.reason,
            self.cost_micro,
            self.tokens,
            self.busy_us,
            self.steps,
            self.llm_calls,
            self.tool_calls,
            self.updated_at,
            self.ended_at,
        )


@dataclass(frozen=True, slots=True)
class NewRun:
    """The columns of a run that never change."""

    workflow_id: str
    workflow_name: str
    version: int | None
    doc_hash: str
    mode: str
    started_by: str
    started_at: int
    owner: str
    fork_of: str | None = None
    """The run whose rows up to `fork_seq` come before this one's own."""
    fork_seq: int | None = None
    parent_run: str | None = None
    """The run that has started this one."""


@dataclass(slots=True)
class Commit:
    """One run's next rows and what must be true together with them."""

    run_id: str
    workspace_id: str
    epoch: int
    """The epoch that the rows are written under."""
    expected_epoch: int
    """The epoch that the run must have; one less than `epoch` when this commit takes the run over."""
    expected_head: int
    rows: list[Row]
    head: Head
    new: NewRun | None = None
    statements: list[tuple[str, tuple[Any, ...]]] = field(default_factory=list)
    audits: list[Any] = field(default_factory=list)
    blobs: list[tuple[str, bytes]] = field(default_factory=list)


@dataclass(slots=True)
class Counts:
    """What the writer has done since it was opened: figures for benches and tests, never for decisions."""

    commits: int = 0
    rows: int = 0
    fenced: int = 0
    seconds: float = 0.0
    """Spent inside the database, commits included."""


class _Unsure(StorageUnavailable):
    """Nobody knows whether it was kept; only reading the run again tells."""


class Journal:
    """Owns the write connection. All of its coroutines belong to one event loop."""

    def __init__(self, path: Path, append_audit: Callable[[sqlite3.Connection, Any], object]) -> None:
        self._path = path
        self._append_audit = append_audit
        self._connection = connect_raw(path)
        # Never wait for a lock inside the loop: `_begin` decides how long, and where.
        self._connection.execute("PRAGMA busy_timeout = 0")
        self._pending: list[tuple[Commit, asyncio.Future[None]]] = []
        self._is_writing = False
        self._is_scheduled = False
        self._thread = ThreadPoolExecutor(1, "journal")
        self._drained: asyncio.Future[None] | None = None
        log = path.with_name(f"{path.name}-wal")
        # A killed process leaves its log behind: it counts, or it would grow from kill to kill.
        self._since_checkpoint = log.stat().st_size if log.exists() else 0
        self._seconds_a_group = 0.0
        self.counts = Counts()

    async def commit(self, commit: Commit) -> None:
        """Returns when the commit is on disk. Raises FencedOut, or StorageUnavailable when nothing of it was kept or nobody knows."""
        reach("journal.asked")
        loop = asyncio.get_running_loop()
        done: asyncio.Future[None] = loop.create_future()
        self._pending.append((commit, done))
        if not self._is_writing and not self._is_scheduled:
            self._is_scheduled = True
            # At the end of this turn, so that runs that are ready now share one commit.
            loop.call_soon(self._flush, loop)
        await done
        reach("journal.acknowledged")

    def wrote_beside(self, size: int) -> None:
        """Another connection of ours has written so many bytes: the log is folded back in time, even when no run moves."""
        self._since_checkpoint += size
        if not self._is_writing and not self._is_scheduled:
            self._fold_back(asyncio.get_running_loop())

    def _fold_back(self, loop: asyncio.AbstractEventLoop) -> bool:
        """Whether the thread folds the log back now, between commits; those that come meanwhile wait, and the loop goes on."""
        if self._since_checkpoint <= CHECKPOINT_BYTES:
            return False
        self._is_writing = True
        future = self._thread.submit(self._checkpoint)
        future.add_done_callback(lambda f: loop.call_soon_threadsafe(self._written, loop, [], f))
        return True

    async def close(self) -> None:
        """Waits for what is queued, folds the WAL into the database and closes it."""
        if self._pending or self._is_writing:
            self._drained = asyncio.get_running_loop().create_future()
            await self._drained
        await asyncio.to_thread(self._thread.shutdown)
        with suppress(sqlite3.Error):
            reach("journal.closing")
            self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        self._connection.close()

    def _flush(self, loop: asyncio.AbstractEventLoop) -> None:
        self._is_scheduled = False
        batch = self._take()
        if not batch:
            return
        if len(batch) == 1 or self._seconds_a_group < QUICK_S:
            outcomes = self._write([c for c, _ in batch], 0.0)
            if not isinstance(outcomes[0], StorageUnavailable) or isinstance(outcomes[0], _Unsure):
                self._answer(batch, outcomes)
                self._next(loop)
                return
            # Locked by a small write of the UI: wait for it in the thread, not in the loop.
            self._seconds_a_group = QUICK_S
        self._is_writing = True
        future = self._thread.submit(self._write, [c for c, _ in batch], LOCK_WAIT_S)
        future.add_done_callback(lambda f: loop.call_soon_threadsafe(self._written, loop, batch, f))

    def _take(self) -> list[tuple[Commit, asyncio.Future[None]]]:
        rows, count = 0, 0
        for commit, _ in self._pending:
            rows, count = rows + len(commit.rows), count + 1
            if rows >= GROUP_ROWS:
                break
        batch, self._pending = self._pending[:count], self._pending[count:]
        return batch

    def _written(
        self, loop: asyncio.AbstractEventLoop, batch: list[tuple[Commit, asyncio.Future[None]]], future: Future[list[Exception | None]]
    ) -> None:
        self._is_writing = False
        self._answer(batch, future.result())
        self._next(loop)

    def _next(self, loop: asyncio.AbstractEventLoop) -> None:
        if self._fold_back(loop):
            return
        if self._pending and not self._is_scheduled:
            self._is_scheduled = True
            loop.call_soon(self._flush, loop)
        elif not self._pending and self._drained is not None and not self._drained.done():
            self._drained.set_result(None)

    def _answer(self, batch: list[tuple[Commit, asyncio.Future[None]]], outcomes: list[Exception | None]) -> None:
        for (_, done), error in zip(batch, outcomes, strict=True):
            if done.done():
                continue
            if error is None:
                done.set_result(None)
            else:
                done.set_exception(error)

    def _write(self, batch: list[Commit], lock_wait_s: float) -> list[Exception | None]:
        """None for each commit that is on disk, else why it is not."""
        try:
            kept = self._write_group(batch, lock_wait_s)
        except Exception as error:
            if len(batch) == 1 or isinstance(error, StorageUnavailable):
                return [error] * len(batch)
            # One that the database refuses must not take the others of its group along.
            return [outcome for commit in batch for outcome in self._write([commit], lock_wait_s)]
        return [None if is_kept else FencedOut(details={"run": commit.run_id}) for commit, is_kept in zip(batch, kept, strict=True)]

    def _write_group(self, batch: list[Commit], lock_wait_s: float) -> list[bool]:
        started = time.perf_counter()
        connection, kept = self._connection, None
        try:
            self._begin(lock_wait_s)
            reach("journal.begun")
            kept = [self._write_one(connection, commit) for commit in batch]
            reach("journal.before_commit")
            connection.execute("COMMIT")
            reach("journal.committed")
        except sqlite3.Error as error:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            if not is_unavailable(error):
                raise
            if kept is None or not self._is_there(batch, kept, error):
                raise StorageUnavailable(f"The database does not take writes right now: {error}.") from error
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise
        self._count(batch, kept, time.perf_counter() - started)
        return kept

    def _is_there(self, batch: list[Commit], kept: list[bool], error: sqlite3.Error) -> bool:
        """Whether the group is on disk although its COMMIT was answered with an error: it is never written again blindly.

        Nobody else can have written these rows: the group held the write lock, and the heads were as it expected them.
        """
        one = next((commit for commit, is_kept in zip(batch, kept, strict=True) if is_kept and commit.rows), None)
        if one is None:
            return False
        sql, last = "SELECT epoch, at, payload FROM journal WHERE run_id = ? AND seq = ?", one.rows[-1]
        try:
            reach("journal.unsure")
            return self._connection.execute(sql, (one.run_id, last.seq)).fetchone() == (one.epoch, last.at, last.payload)
        except sqlite3.Error:
            raise _Unsure(f"Whether the database has kept it is not known: {error}.") from error

    def _begin(self, lock_wait_s: float) -> None:
        reach("journal.before_begin")
        pause, waited = 0.0005, 0.0
        while True:
            try:
                self._connection.execute("BEGIN IMMEDIATE")
                return
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or waited >= lock_wait_s:
                    raise
            time.sleep(pause)
            waited, pause = waited + pause, min(pause * 2, 0.05)

    def _write_one(self, connection: sqlite3.Connection, commit: Commit) -> bool:
        columns, new = commit.head.columns(), commit.new
        head_seq = commit.rows[-1].seq if commit.rows else commit.expected_head
        if new is not None:
            fixed = (new.workflow_id, new.workflow_name, new.version, new.doc_hash, new.mode, new.started_by, new.started_at, new.owner)
            fixed += (new.fork_of, new.fork_seq, new.parent_run)
            if new.fork_of is not None and connection.execute(_IS_THERE, (new.fork_of,)).fetchone() is None:
                # The rows that it would share were deleted just now.
                return False
            values = (commit.run_id, commit.workspace_id, *fixed, commit.epoch, head_seq, *columns)
            changed = connection.execute(_INSERT_RUN, values).rowcount
        else:
            values = (commit.epoch, head_seq, *columns, commit.run_id, commit.expected_epoch, commit.expected_head)
            changed = connection.execute(_UPDATE_RUN, values).rowcount
        if changed != 1:
            return False
        reach("journal.run_written" if new is not None or commit.epoch == commit.expected_epoch else "journal.claimed")
        run, workspace, epoch = commit.run_id, commit.workspace_id, commit.epoch
        for digest, body in commit.blobs:
            connection.execute(_INSERT_BLOB, (digest, workspace, body))
            connection.execute(_INSERT_BLOB_REF, (run, digest, workspace, len(body)))
            reach("journal.blob_written")
        for row in commit.rows:
            connection.execute(_INSERT_ROW, (run, row.seq, workspace, epoch, row.at, row.kind, row.path, row.attempt, row.payload))
        reach("journal.rows_written")
        for sql, parameters in commit.statements:
            connection.execute(sql, parameters)
        reach("journal.statements_written")
        for entry in commit.audits:
            self._append_audit(connection, entry)
        return True

    def _count(self, batch: list[Commit], kept: list[bool], seconds: float) -> None:
        counts = self.counts
        if len(batch) > 1:
            # What groups take here, the newest most of all: it follows the disk, which others use too.
            self._seconds_a_group += (seconds - self._seconds_a_group) / 8
        counts.commits += 1
        counts.seconds += seconds
        counts.fenced += kept.count(False)
        self._since_checkpoint += COMMIT_LOG_BYTES
        for commit in batch:
            counts.rows += len(commit.rows)
            self._since_checkpoint += sum(len(row.payload) + ROW_LOG_BYTES for row in commit.rows)

    def _checkpoint(self) -> list[Exception | None]:
        # Between commits, by the writer itself: SQLite before 3.51.3 can damage a WAL whose checkpoint overlaps a commit.
        self._since_checkpoint = 0
        # What is committed stays committed: on a full disk the log only grows on.
        with suppress(sqlite3.Error):
            reach("journal.before_checkpoint")
            self._connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()
            reach("journal.checkpointed")
        return []
