"""Opens the SQLite database: its connections, its transactions and the lock of its home.

The web UI and the API read and write small things through SQLAlchemy (`reading`, `writing`, from any thread); the
journal's hot path has a connection of its own (`connect_raw`), so that neither waits for the other's Python.
"""

from __future__ import annotations

import fcntl
import os
import sqlite3
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from sqlalchemy import Engine, create_engine, event
from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError
from sqlmodel import Session

from engine.errors import Conflict, StorageUnavailable
from engine.faultpoints import reach

DATABASE_NAME = "signalbox.db"
LOCK_NAME = "engine.lock"
_LEFT_BEHIND_S = 5.0
"""How long what a killed process has left behind may hold its lock."""

_PRAGMAS = (
    "PRAGMA busy_timeout = 5000",
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = FULL",
    "PRAGMA foreign_keys = ON",
)
# Trouble of the disk or of another process: the same statement may work later.
_UNAVAILABLE = (
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_LOCKED,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_PROTOCOL,
)


def prepare_home(home: Path) -> Path:
    """Makes the home directory if needed, closed to other users of the machine; returns the path of its database."""
    database = home / DATABASE_NAME
    ours = not home.exists() or database.exists() or not any(home.iterdir())
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    # Only a directory that is ours is closed: SIGNALBOX_HOME may name one that other programs live in, or a mounted volume.
    if ours:
        with suppress(PermissionError):
            home.chmod(0o700)
    return database


def _make_private(path: Path) -> None:
    # SQLite gives its -wal and -shm files the mode of the database, so it must be right before the first connection.
    # A database that is there is never opened here: closing a file gives up every POSIX lock that this process holds on it,
    # SQLite's too; whoever came next would take himself for the last user and delete the log that we write to
    # (sqlite.org/howtocorrupt.html, 2.2).
    if not path.exists():
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
    if stat.S_IMODE(path.stat().st_mode) & 0o077:
        path.chmod(0o600)


def connect_raw(path: Path) -> sqlite3.Connection:
    """A plain connection without implicit transactions: begin, commit and checkpoint are the caller's business. StorageUnavailable."""
    _make_private(path)
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    try:
        for pragma in (*_PRAGMAS, "PRAGMA wal_autocheckpoint = 0"):
            connection.execute(pragma)
    except sqlite3.OperationalError as error:
        connection.close()
        if is_unavailable(error):
            raise StorageUnavailable(f"The database cannot be opened right now: {error}.") from error
        raise
    return connection


def open_engine(path: Path) -> Engine:
    """The SQLAlchemy engine of the database at `path`; read-only except inside `writing`. Safe to use from any thread."""
    _make_private(path)
    engine = create_engine(URL.create("sqlite", database=str(path)))

    @event.listens_for(engine, "connect")
    def set_up(connection: sqlite3.Connection, _record: Any) -> None:
        connection.isolation_level = None
        for pragma in _PRAGMAS:
            connection.execute(pragma)
        # The journal checkpoints; this is only the backstop at 64 MB. Two connections that checkpoint by turns while a third
        # commits can damage the database in SQLite before 3.51.3 (sqlite.org/wal.html#walresetbug).
        connection.execute("PRAGMA wal_autocheckpoint = 16384")

    @event.listens_for(engine, "begin")
    def begin(connection: Any) -> None:
        if connection.get_execution_options().get("signalbox_writes"):
            connection.exec_driver_sql("PRAGMA query_only = 0")
            # IMMEDIATE: two transactions that both read first would else meet at a lock that no waiting can resolve.
            connection.exec_driver_sql("BEGIN IMMEDIATE")
            return
        connection.exec_driver_sql("PRAGMA query_only = 1")
        connection.exec_driver_sql("BEGIN")

    return engine


@contextmanager
def reading(engine: Engine) -> Iterator[Session]:
    """A session that sees one state of the database and cannot change it. Raises StorageUnavailable."""
    with _unavailable_told(), Session(engine, expire_on_commit=False) as session:
        yield session


@contextmanager
def writing(engine: Engine) -> Iterator[Session]:
    """A session in one write transaction: committed at the end, rolled back by an exception. Raises StorageUnavailable."""
    with _unavailable_told(), Session(engine.execution_options(signalbox_writes=True), expire_on_commit=False) as session:
        reach("records.before_begin")
        session.connection()
        reach("records.begun")
        yield session
        reach("records.before_commit")
        session.commit()
        reach("records.committed")


@contextmanager
def _unavailable_told() -> Iterator[None]:
    try:
        yield
    except DBAPIError as error:
        if is_unavailable(error.orig):
            raise StorageUnavailable from error
        raise


def is_unavailable(error: BaseException | None) -> bool:
    """Whether a `sqlite3.Error` tells of a lock, a full disk or the like: nothing is wrong with the statement itself."""
    # Extended codes carry the primary one in their low byte (sqlite.org/rescode.html).
    return isinstance(error, sqlite3.OperationalError) and getattr(error, "sqlite_errorcode", 0) & 0xFF in _UNAVAILABLE


class HomeLock:
    """One process at a time works on a home directory; the lock goes with the process, however it ends."""

    def __init__(self, home: Path) -> None:
        self._path = home / LOCK_NAME
        self._file: int | None = None

    def acquire(self) -> None:
        """Takes the lock. Raises Conflict that names the process which holds it.

        A process that was killed may leave a helper that has not gone yet: for as long as it takes, a few seconds at most, it waits.
        """
        prepare_home(self._path.parent)
        file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        until = time.monotonic() + _LEFT_BEHIND_S
        while not _took(file):
            holder = _pid_in(file)
            if holder and not _lives(holder) and time.monotonic() < until:
                time.sleep(0.02)
                continue
            os.close(file)
            raise Conflict(
                f"Another Signalbox (process {holder or 'unknown'}) already works on {self._path.parent}.",
                hint="Use the one that runs, stop it first, or set SIGNALBOX_HOME to another directory.",
                details={"pid": holder, "home": str(self._path.parent)},
            )
        # On a full disk the lock holds too; only whose it is cannot be told.
        with suppress(OSError):
            os.ftruncate(file, 0)
            os.pwrite(file, str(os.getpid()).encode(), 0)
        self._file = file
        reach("home.locked")

    def release(self) -> None:
        """Gives the lock back; the file stays, since removing it would race with the next process."""
        if self._file is not None:
            os.ftruncate(self._file, 0)
            os.close(self._file)
            self._file = None

    def holder(self) -> int | None:
        """The process that holds the lock, or None if nobody does; 0 if it has not yet told its number."""
        if not self._path.exists():
            return None
        file = os.open(self._path, os.O_RDWR | os.O_CLOEXEC)
        try:
            # Shared, so that two processes that only look do not take each other for the holder.
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return _pid_in(file) or 0
        finally:
            os.close(file)
        return None

    def __enter__(self) -> Self:
        self.acquire()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.release()


def _took(file: int) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # somebody else's, but there
        return True
    return True


def _pid_in(file: int) -> int | None:
    text = os.pread(file, 20, 0).decode("ascii", "replace").strip()
    return int(text) if text.isdigit() else None
