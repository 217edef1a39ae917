"""What does a database say? Questions in SQL to the databases of the operator's file, which can only be read."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import Mapping, Sequence
from contextlib import closing
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

from engine.errors import ToolFailed, WebUnavailable
from engine.jsonvalue import JsonValue, dumps
from engine.operator_file import Database
from engine.tools.messages import Tool
from engine.tools.toolbox import Known

SQLITE = "sqlite:///"
POSTGRES = ("postgresql://", "postgres://")
MOST_SQL = 20_000
MOST_CELL = 10_000
MOST_ANSWER = 500_000
LOOKS = 10_000
"""Instructions of SQLite's machine between two looks at the clock."""
_CELL: dict[str, JsonValue] = {"type": ["string", "number", "boolean", "null"]}
_READING = frozenset({sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_RECURSIVE})
_NO_FUNCTIONS = frozenset({"load_extension", "readfile", "writefile", "edit", "fts3_tokenizer", "zipfile", "sqlite_dbpage"})


def known(databases: Mapping[str, Database], own: Path) -> list[Known]:
    """A tool for each database; `own` is the one that Signalbox keeps its own things in, which nobody reads this way."""
    return [_tool(name, database, own) for name, database in sorted(databases.items())]


def _tool(name: str, database: Database, own: Path) -> Known:
    url = database.url.get_secret_value()
    is_lite = url.startswith(SQLITE)
    tables = "sqlite_schema tells its tables: SELECT name, sql FROM it." if is_lite else "information_schema.columns tells its tables."
    words = f"Asks the database {name}, which can only be read. {database.description} {tables}".replace("  ", " ").strip()
    tool = Tool(f"query_{name}", words, _parameters("?" if is_lite else "$1, $2…"), "idempotent", origins=("private",), carries=False)
    path = Path(url.removeprefix(SQLITE))
    why = ""
    if not is_lite:
        why = _postgres().problem_of(url) if url.startswith(POSTGRES) else "Only sqlite:/// and postgresql:// addresses can be read."
    elif path.exists() and own.exists() and path.samefile(own):
        why = "It is Signalbox's own database."

    async def act(arguments: Mapping[str, Any], _key: str) -> JsonValue:
        sql, values = arguments["sql"], arguments.get("values") or []
        if is_lite:
            return await asyncio.to_thread(_asked, path, database, sql, values)
        postgres = _postgres()
        columns, rows = await postgres.asked(url, sql, values, postgres.Bounds(database.rows, database.seconds, MOST_ANSWER))
        return _told(columns, rows, database.rows)

    return Known(tool, act, title=f"Ask {name}", why_not=f"{why} The operator can mend it in the operator's file." if why else "")


def _postgres() -> ModuleType:
    # Only where an operator has named such a database: a start need not wait for its client.
    return import_module("engine.tools.builtin.postgres")


def _parameters(mark: str) -> dict[str, JsonValue]:
    told = f"One SELECT, with {mark} for each value."
    values: JsonValue = {"type": "array", "items": _CELL, "maxItems": 100, "description": "The values, in the order of their places."}
    sql: JsonValue = {"type": "string", "minLength": 1, "maxLength": MOST_SQL, "description": told}
    return {"type": "object", "additionalProperties": False, "required": ["sql"], "properties": {"sql": sql, "values": values}}


def _asked(path: Path, database: Database, sql: str, values: list[Any]) -> JsonValue:
    """`{columns, rows, is_cut}`. ToolFailed says what is wrong with the question. Blocks."""
    try:
        connection = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True, timeout=database.seconds, isolation_level=None)
    except sqlite3.Error as error:
        raise WebUnavailable(f"The database cannot be opened: {error}.") from None
    with closing(connection):
        connection.execute("PRAGMA query_only = ON")
        connection.execute("PRAGMA trusted_schema = OFF")
        until = time.monotonic() + database.seconds
        connection.set_authorizer(_may)
        connection.set_progress_handler(lambda: int(time.monotonic() > until), LOOKS)
        connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, 10_000_000)
        try:
            cursor = connection.execute(sql, values)
            rows = cursor.fetchmany(database.rows + 1)
        except sqlite3.Warning as error:
            raise ToolFailed(f"Ask one question at a time: {error}.") from None
        except sqlite3.Error as error:
            raise _wrong(error, until, database) from None
        columns = [column[0] for column in cursor.description or ()]
    return _told(columns, rows, database.rows)


def _may(action: int, first: str | None, second: str | None, _database: str | None, _trigger: str | None) -> int:
    if action == sqlite3.SQLITE_FUNCTION:
        return sqlite3.SQLITE_DENY if (second or "").lower() in _NO_FUNCTIONS else sqlite3.SQLITE_OK
    return sqlite3.SQLITE_OK if action in _READING else sqlite3.SQLITE_DENY


def _wrong(error: sqlite3.Error, until: float, database: Database) -> Exception:
    words = str(error)
    if words == "interrupted" or time.monotonic() > until:
        return ToolFailed(f"It took longer than {database.seconds:g} s.", hint="Ask for less.")
    if words in ("not authorized", "attempt to write a readonly database") or "authorized" in words or "prohibited" in words:
        return ToolFailed("This database can only be read, with SELECT.")
    if isinstance(error, sqlite3.OperationalError) and ("locked" in words or "unable to open" in words or "disk I/O" in words):
        return WebUnavailable(f"The database cannot be read just now: {words}.")
    return ToolFailed(f"The question cannot be answered: {words}.")


def _told(columns: list[str], rows: Sequence[Sequence[Any]], most: int) -> JsonValue:
    told: list[JsonValue] = []
    size = 0
    for row in rows[:most]:
        cells = [_cell(value) for value in row]
        size += sum(len(cell) if isinstance(cell, str) else len(dumps(cell)) for cell in cells)
        if size > MOST_ANSWER:
            break
        told.append(cells)
    return {"columns": list(columns), "rows": told, "is_cut": len(told) < len(rows)}


def _cell(value: Any) -> JsonValue:
    match value:
        case bytes():
            return f"[{len(value):,} bytes]"
        case str():
            return value if len(value) <= MOST_CELL else f"{value[:MOST_CELL]}[cut here]"
        case float() if value != value or value in (float("inf"), float("-inf")):
            return str(value)
        case int() if abs(value) > 2**53:
            return str(value)
        case _:
            return value
