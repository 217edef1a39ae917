"""Brings a database to the schema of this code: numbered SQL files, forward only, each in one transaction."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from engine.errors import Bug, Conflict, StorageUnavailable
from engine.faultpoints import reach
from engine.storage.sqlite import connect_raw, is_unavailable

FOLDER = Path(__file__).parent / "migrations"


@dataclass(frozen=True)
class Migration:
    """One numbered step of the schema."""

    version: int
    name: str
    sql: str


def migrations(folder: Path = FOLDER) -> tuple[Migration, ...]:
    """Every migration in its order. Bug if the numbers have a gap or a number stands twice."""
    files = sorted(folder.glob("[0-9]*.sql"))
    found = tuple(Migration(int(file.name.split("_", 1)[0]), file.stem, file.read_text(encoding="utf-8")) for file in files)
    if [m.version for m in found] != list(range(1, len(found) + 1)):
        raise Bug(f"Migrations must be numbered without gaps: {', '.join(m.name for m in found)}")
    return found


def migrate(path: Path, *, progress: Callable[[str], None] | None = None, folder: Path = FOLDER) -> tuple[str, ...]:
    """Applies what is missing and returns the names applied; `progress` hears each before it starts.

    Conflict if the database was made by a newer Signalbox; StorageUnavailable if another process holds it.
    """
    known = migrations(folder)
    with closing(connect_raw(path)) as connection:
        try:
            return tuple(_apply_missing(connection, known, progress or (lambda _name: None)))
        except sqlite3.OperationalError as error:
            if is_unavailable(error):
                raise StorageUnavailable from error
            raise


def schema_version(path: Path) -> int:
    """The number of the last migration applied; 0 for an empty database."""
    with closing(connect_raw(path)) as connection:
        return _version(connection)


def _version(connection: sqlite3.Connection) -> int:
    if not connection.execute("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'schema_version'").fetchone():
        return 0
    return connection.execute("SELECT coalesce(max(version), 0) FROM schema_version").fetchone()[0]


def _apply_missing(connection: sqlite3.Connection, known: tuple[Migration, ...], progress: Callable[[str], None]) -> Iterator[str]:
    version = _version(connection)
    if version > len(known):
        raise Conflict(
            f"This database has schema {version}, made by a newer Signalbox; this one knows up to {len(known)}.",
            hint="Start the newer Signalbox again, or restore a backup from before the update.",
            details={"schema": version, "known": len(known)},
        )
    for migration in known[version:]:
        progress(migration.name)
        if _apply(connection, migration):
            yield migration.name


def _apply(connection: sqlite3.Connection, migration: Migration) -> bool:
    reach("migrate.before_begin")
    connection.execute("BEGIN IMMEDIATE")
    try:
        reach("migrate.begun")
        connection.execute("CREATE TABLE IF NOT EXISTS schema_version (version INTEGER PRIMARY KEY, name TEXT NOT NULL)")
        # Looked up again inside the transaction: another process may have been faster.
        if _version(connection) >= migration.version:
            connection.execute("ROLLBACK")
            return False
        for statement in statements(migration.sql):
            connection.execute(statement)
            reach("migrate.statement")
        connection.execute("INSERT INTO schema_version (version, name) VALUES (?, ?)", (migration.version, migration.name))
        reach("migrate.before_commit")
        connection.execute("COMMIT")
        reach("migrate.committed")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
    return True


def statements(sql: str) -> Iterator[str]:
    """The single statements of an SQL text, triggers whole; `executescript` would commit in between."""
    pending = ""
    for line in sql.splitlines(keepends=True):
        pending += line
        if sqlite3.complete_statement(pending):
            yield pending.strip()
            pending = ""
    if any(line.strip() and not line.strip().startswith("--") for line in pending.splitlines()):
        raise Bug(f"A migration ends within a statement: {pending.strip()[:80]}")
