"""Questions in SQL that would write, break out or never end: the database and everything beside it stay as they are."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from engine.errors import SignalboxError, ToolFailed
from engine.operator_file import Database
from engine.tools.builtin.sql import known

ESCAPES = [
    "INSERT INTO orders VALUES (9, 'x', 1)",
    "UPDATE orders SET total = 0",
    "DELETE FROM orders",
    "DROP TABLE orders",
    "CREATE TABLE x (a)",
    "CREATE TEMP TABLE x (a)",
    "CREATE VIEW x AS SELECT 1",
    "CREATE TRIGGER x AFTER INSERT ON orders BEGIN DELETE FROM orders; END",
    "ALTER TABLE orders RENAME TO x",
    "CREATE INDEX x ON orders (total)",
    "REINDEX",
    "ANALYZE",
    "VACUUM",
    "VACUUM INTO '{folder}/copy.db'",
    "ATTACH '{folder}/other.db' AS other",
    "ATTACH 'file:{folder}/other.db?mode=rwc' AS other",
    "DETACH main",
    "PRAGMA query_only = OFF",
    "PRAGMA journal_mode = DELETE",
    "PRAGMA writable_schema = ON",
    "PRAGMA temp_store_directory = '{folder}'",
    "SELECT * FROM pragma_database_list",
    "SELECT load_extension('{folder}/evil.so')",
    "SELECT writefile('{folder}/stolen', 'x')",
    "SELECT readfile('/etc/passwd')",
    "SELECT edit('x')",
    "BEGIN IMMEDIATE",
    "SAVEPOINT x",
    "COMMIT",
    "SELECT 1; DELETE FROM orders",
    "SELECT 1; ATTACH '{folder}/other.db' AS other",
    "WITH x AS (SELECT 1) INSERT INTO orders SELECT 9, 'x', 1",
    "REPLACE INTO orders VALUES (1, 'x', 1)",
    "INSERT INTO orders VALUES (1, 'x', 1) ON CONFLICT DO UPDATE SET total = 0 RETURNING *",
    "UPDATE orders SET total = 0 RETURNING total",
    "EXPLAIN DELETE FROM orders",
]


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Path]:
    path = tmp_path / "shop.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript("CREATE TABLE orders (id INTEGER PRIMARY KEY, who TEXT, total REAL)")
        connection.executemany("INSERT INTO orders VALUES (?, ?, ?)", [(n, f"customer {n}", n * 1.5) for n in range(1, 301)])
        connection.commit()
    before, beside = hashlib.sha256(path.read_bytes()).hexdigest(), sorted(tmp_path.iterdir())
    yield path
    assert hashlib.sha256(path.read_bytes()).hexdigest() == before
    assert sorted(tmp_path.iterdir()) == beside


async def asked(path: Path, sql: str, *values: Any, **more: Any) -> Any:
    (one,) = known({"shop": Database(url=SecretStr(f"sqlite:///{path}"), **more)}, path.parent / "none.db")
    return await one.act({"sql": sql, "values": list(values)}, "key")


@pytest.mark.parametrize("sql", ESCAPES)
async def test_nothing_is_written_and_nothing_else_is_reached(shop: Path, sql: str) -> None:
    try:
        told = await asked(shop, sql.format(folder=shop.parent))
    except SignalboxError:
        return
    # A refusal is not the only way to be harmless: nothing came of it either, which the fixture looks at.
    assert told["rows"] == [], told


async def test_a_question_is_answered_with_its_values_in_their_places(shop: Path) -> None:
    told = await asked(shop, "SELECT id, who FROM orders WHERE total > ? AND who <> ? ORDER BY id", 445, "x' OR 1 = 1 --")
    assert told["columns"] == ["id", "who"]
    assert told["rows"] == [[n, f"customer {n}"] for n in (297, 298, 299, 300)] and not told["is_cut"]


async def test_more_rows_than_are_allowed_are_cut_and_it_says_so(shop: Path) -> None:
    told = await asked(shop, "SELECT id FROM orders", rows=10)
    assert (len(told["rows"]), told["is_cut"]) == (10, True)


@pytest.mark.parametrize(
    "sql",
    [
        "WITH RECURSIVE x(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM x) SELECT count(*) FROM x",
        "SELECT count(*) FROM orders a, orders b, orders c, orders d, orders e",
    ],
)
async def test_a_question_that_never_ends_is_ended(shop: Path, sql: str) -> None:
    with pytest.raises(ToolFailed, match=r"longer than 0\.3 s"):
        await asked(shop, sql, seconds=0.3)


@pytest.mark.parametrize("sql", ["SELECT zeroblob(900000000)", "SELECT hex(zeroblob(90000000))", "SELECT printf('%.*c', 90000000, 'x')"])
async def test_a_value_that_would_fill_the_memory_does_not(shop: Path, sql: str) -> None:
    try:
        told = await asked(shop, sql)
    except ToolFailed:
        return
    assert len(str(told)) < 11_000


@pytest.mark.parametrize(
    ("sql", "values", "reads"),
    [
        ("SELECT colour FROM orders", [], "no such column"),
        ("SELEKT 1", [], "syntax error"),
        ("SELECT ?", [], "cannot be answered"),
        ("SELECT 1; SELECT 2", [], "one"),
    ],
)
async def test_what_is_wrong_with_a_question_is_told(shop: Path, sql: str, values: list[Any], reads: str) -> None:
    with pytest.raises(ToolFailed, match=reads):
        await asked(shop, sql, *values)


async def test_values_that_are_not_json_are_told_in_words(shop: Path) -> None:
    told = await asked(shop, "SELECT x'0102', 9007199254740993, 1e999, NULL, 'ü'")
    assert told["rows"] == [["[2 bytes]", "9007199254740993", "inf", None, "ü"]]


def test_signalboxs_own_database_is_not_read_this_way(shop: Path) -> None:
    link = shop.parent / "link.db"
    link.symlink_to(shop)
    (one,) = known({"own": Database(url=SecretStr(f"sqlite:///{link}"))}, shop)
    assert "Signalbox's own" in one.why_not
    link.unlink()
