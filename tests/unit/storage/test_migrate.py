"""The migrations make the schema that the tables describe."""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine
from sqlmodel import SQLModel

from engine.errors import Bug, Conflict, StorageUnavailable
from engine.storage.migrate import migrate, migrations, schema_version, statements
from engine.storage.sqlite import connect_raw
from engine.storage.tables import ALL_TABLES

# Made by SQL alone: virtual tables and the migrations' own record.
NOT_MODELLED = {"schema_version"}


def _affinity(declared: str) -> str:
    """The affinity of a declared type (sqlite.org/datatype3.html, 3.1)."""
    kind = declared.upper()
    if "INT" in kind:
        return "INTEGER"
    if any(word in kind for word in ("CHAR", "CLOB", "TEXT")):
        return "TEXT"
    return "BLOB" if "BLOB" in kind or not kind else "NUMERIC"


def _described(connection: sqlite3.Connection, table: str) -> dict[str, Any]:
    columns = connection.execute("SELECT name, type, [notnull], dflt_value, pk FROM pragma_table_info(?)", (table,)).fetchall()
    constraints = []
    for name, unique, origin in connection.execute("SELECT name, [unique], origin FROM pragma_index_list(?)", (table,)).fetchall():
        if origin != "c":
            members = connection.execute("SELECT name FROM pragma_index_info(?)", (name,)).fetchall()
            constraints.append((origin, unique, tuple(m[0] for m in members)))
    indexes = connection.execute("SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL AND tbl_name = ?", (table,))
    sql = connection.execute("SELECT sql FROM sqlite_master WHERE name = ?", (table,)).fetchone()[0]
    return {
        "columns": [(name, _affinity(kind), notnull, default, pk) for name, kind, notnull, default, pk in columns],
        "constraints": sorted(constraints),
        "indexes": sorted((name, " ".join(text.split())) for name, text in indexes),
        "foreign_keys": connection.execute("SELECT [from], [table], [to] FROM pragma_foreign_key_list(?)", (table,)).fetchall(),
        "autoincrement": "AUTOINCREMENT" in sql,
        "without_rowid": "WITHOUT ROWID" in sql.upper(),
    }


@pytest.fixture
def migrated(tmp_path: Path) -> Path:
    path = tmp_path / "signalbox.db"
    migrate(path)
    return path


@pytest.mark.parametrize("table", [str(table.__tablename__) for table in ALL_TABLES])
def test_the_migrated_table_is_the_one_that_the_code_describes(table: str, migrated: Path, tmp_path: Path) -> None:
    engine = create_engine(f"sqlite:///{tmp_path / 'described.db'}")
    SQLModel.metadata.create_all(engine, tables=[SQLModel.metadata.tables[str(t.__tablename__)] for t in ALL_TABLES])
    engine.dispose()
    with closing(sqlite3.connect(migrated)) as real, closing(sqlite3.connect(tmp_path / "described.db")) as wanted:
        assert _described(real, table) == _described(wanted, table)


def test_no_table_is_made_that_no_code_describes(migrated: Path) -> None:
    with closing(sqlite3.connect(migrated)) as connection:
        found = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")}
    described = set(SQLModel.metadata.tables)
    unknown = {name for name in found - described - NOT_MODELLED if "_fts" not in name}
    assert unknown == set()


def test_every_table_names_its_workspace() -> None:
    for table in ALL_TABLES:
        column = SQLModel.metadata.tables[str(table.__tablename__)].columns["workspace_id"]
        assert not column.nullable


def test_a_second_migration_changes_nothing_and_progress_hears_each_name(tmp_path: Path) -> None:
    heard: list[str] = []
    first = migrate(tmp_path / "a.db", progress=heard.append)
    assert heard == list(first) == [m.name for m in migrations()]
    assert migrate(tmp_path / "a.db", progress=heard.append) == ()
    assert heard == list(first)
    assert schema_version(tmp_path / "a.db") == len(first)


def test_a_database_of_a_newer_signalbox_is_refused(migrated: Path) -> None:
    with closing(connect_raw(migrated)) as connection:
        connection.execute("INSERT INTO schema_version (version, name) VALUES (9999, 'from_the_future')")
    with pytest.raises(Conflict, match="newer Signalbox"):
        migrate(migrated)


def test_a_migration_that_fails_half_way_leaves_nothing_behind(tmp_path: Path) -> None:
    folder = tmp_path / "steps"
    folder.mkdir()
    (folder / "0001_good.sql").write_text("CREATE TABLE a (x);")
    (folder / "0002_bad.sql").write_text("CREATE TABLE b (x);\nINSERT INTO b VALUES (1);\nCREATE TABLE a (x);")
    with pytest.raises(sqlite3.OperationalError, match="already exists"):
        migrate(tmp_path / "a.db", folder=folder)
    assert schema_version(tmp_path / "a.db") == 1
    with closing(sqlite3.connect(tmp_path / "a.db")) as connection:
        assert connection.execute("SELECT name FROM sqlite_master WHERE name = 'b'").fetchone() is None
    (folder / "0002_bad.sql").write_text("CREATE TABLE b (x);")
    assert migrate(tmp_path / "a.db", folder=folder) == ("0002_bad",)


def test_numbers_with_a_gap_are_a_bug(tmp_path: Path) -> None:
    (tmp_path / "0002_late.sql").write_text("SELECT 1;")
    with pytest.raises(Bug, match="without gaps"):
        migrations(tmp_path)


def test_a_locked_database_is_told_as_unavailable(migrated: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("engine.storage.sqlite._PRAGMAS", ("PRAGMA busy_timeout = 20",))
    for number in range(1, len(migrations()) + 2):
        (tmp_path / f"{number:04}_x.sql").write_text("SELECT 1;")
    with closing(connect_raw(migrated)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StorageUnavailable):
            migrate(migrated, folder=tmp_path)


def test_statements_keep_a_trigger_whole_and_refuse_a_rest() -> None:
    trigger = "CREATE TRIGGER t AFTER INSERT ON a BEGIN\n  DELETE FROM b;\n  DELETE FROM c;\nEND;"
    assert list(statements(f"-- why\nCREATE TABLE a (x);\n\n{trigger}\n-- the end\n")) == ["-- why\nCREATE TABLE a (x);", trigger]
    with pytest.raises(Bug, match="within a statement"):
        list(statements("CREATE TABLE a (x"))
