"""The tools that a workspace's tables offer to steps and agents: look for rows, add, change and remove one."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any, Literal

from sqlmodel import Session, col, select

from engine.errors import Conflict, Invalid, NotFound, SignalboxError, ToolFailed
from engine.jsonvalue import JsonValue
from engine.people.records import Records
from engine.storage.tables import DataRow, DataTable
from engine.tools.messages import Tool
from engine.tools.tables import rows
from engine.tools.tables.columns import Column, schema_of
from engine.tools.tables.rows import TESTS, Where, columns_of
from engine.tools.toolbox import Known

Verb = Literal["find", "add", "change", "remove"]
VERBS: tuple[Verb, ...] = ("find", "add", "change", "remove")
BY = "step"
"""Who a row says has changed it, where a step has."""
FOUND_AT_ONCE, MOST_FOUND = 20, 100
_ROW: dict[str, JsonValue] = {"type": "integer", "minimum": 1, "description": "The number of the row."}
_TITLES = {"find": "Look for rows of", "add": "Add a row to", "change": "Change a row of", "remove": "Remove a row of"}
Work = Callable[[Session, DataTable, Mapping[str, Any], str, int], JsonValue]


def names_of_table(slug: str) -> list[str]:
    """The names of its tools."""
    return [f"{verb}_{slug}" for verb in VERBS]


def table_tools(records: Records, workspace_id: str) -> list[Known]:
    """The tools of every table of the workspace. Blocks."""
    with records.reading() as session:
        tables = session.exec(select(DataTable).where(DataTable.workspace_id == workspace_id).order_by(col(DataTable.slug))).all()
    return [_known(records, table, verb) for table in tables for verb in VERBS]


def _known(records: Records, table: DataTable, verb: Verb) -> Known:
    tool, work = _tool(table, verb), _WORK[verb]

    def act_now(arguments: Mapping[str, Any], key: str) -> JsonValue:
        opened = records.reading if verb == "find" else records.writing
        try:
            with opened() as session:
                there = session.get(DataTable, table.id)
                if there is None:
                    raise ToolFailed(f"The table {table.name} is gone.")
                return work(session, there, arguments, key, records.clock.now_us())
        except (Invalid, NotFound, Conflict) as error:
            raise _told(error) from None

    async def act(arguments: Mapping[str, Any], key: str) -> JsonValue:
        return await asyncio.to_thread(act_now, arguments, key)

    return Known(tool, act, "table", table.updated_by, f"{_TITLES[verb]} {table.name}")


def _told(error: SignalboxError) -> ToolFailed:
    return ToolFailed(error.message, hint=error.next_step, details=error.details)


def _tool(table: DataTable, verb: Verb) -> Tool:
    words = {
        "find": f"Looks for rows of the table {table.name}. {table.description}",
        "add": f"Adds a row to the table {table.name}. {table.description}",
        "change": f"Changes a row of the table {table.name}: what is left out stays, null takes a value away.",
        "remove": f"Removes a row of the table {table.name} for good.",
    }
    effect = "idempotent" if verb == "find" else "reconcilable"
    parameters = _PARAMETERS[verb](table, columns_of(table))
    # What it tells is the house's own; what is written there stays in the house.
    return Tool(f"{verb}_{table.slug}", words[verb].strip(), parameters, effect, origins=("private",), carries=False)


def _finding(table: DataTable, columns: list[Column]) -> dict[str, JsonValue]:
    names: list[JsonValue] = [column.name for column in columns]
    where: dict[str, JsonValue] = {
        "type": "object",
        "additionalProperties": False,
        "required": ["column", "test"],
        "properties": {"column": {"type": "string", "enum": names}, "test": {"type": "string", "enum": [*TESTS]}, "value": {}},
    }
    told = ", ".join(f"{column.name} ({column.type}{': ' + column.description if column.description else ''})" for column in columns)
    properties: dict[str, JsonValue] = {
        "where": {"type": "array", "items": where, "maxItems": rows.MOST_CONDITIONS, "description": f"All must hold. Columns: {told}"},
        "words": {"type": "string", "maxLength": 200, "description": "Words that stand in any column."},
        "sort": {"type": "string", "maxLength": 50, "description": "A column; with - before it from high to low."},
        "limit": {
            "type": "integer",
            "minimum": 1,
            "maximum": MOST_FOUND,
            "description": f"At most so many; {FOUND_AT_ONCE} if left out.",
        },
        "offset": {"type": "integer", "minimum": 0, "maximum": rows.MOST_ROWS, "description": "How many to pass over."},
    }
    return {"type": "object", "additionalProperties": False, "properties": properties}


def _adding(table: DataTable, columns: list[Column]) -> dict[str, JsonValue]:
    return schema_of(columns, needs_required=True, key=table.key)


def _changing(table: DataTable, columns: list[Column]) -> dict[str, JsonValue]:
    values = schema_of([column.model_copy(update={"required": False}) for column in columns], needs_required=False)
    properties: dict[str, JsonValue] = values["properties"] if isinstance(values["properties"], dict) else {}
    loose: JsonValue = {name: {"anyOf": [told, {"type": "null"}]} for name, told in properties.items()}
    given: JsonValue = {"type": "object", "additionalProperties": False, "properties": loose}
    return _object(row=_row(table), set=given)


def _removing(table: DataTable, columns: list[Column]) -> dict[str, JsonValue]:
    return _object(row=_row(table))


def _object(**properties: JsonValue) -> dict[str, JsonValue]:
    return {"type": "object", "additionalProperties": False, "required": [*properties], "properties": {**properties}}


def _row(table: DataTable) -> dict[str, JsonValue]:
    return _ROW | {"description": f"The number of the row, as find_{table.slug} tells it."}


_PARAMETERS: dict[Verb, Callable[[DataTable, list[Column]], dict[str, JsonValue]]] = {
    "find": _finding,
    "add": _adding,
    "change": _changing,
    "remove": _removing,
}


def _find(session: Session, table: DataTable, arguments: Mapping[str, Any], _key: str, now_us: int) -> JsonValue:
    where = [Where(one["column"], one["test"], one.get("value")) for one in arguments.get("where") or []]
    limit, offset = arguments.get("limit") or FOUND_AT_ONCE, arguments.get("offset") or 0
    words, sort = arguments.get("words") or "", arguments.get("sort") or ""
    found, number = rows.find(session, table, where, words=words, sort=sort, limit=limit, offset=offset)
    return {"rows": [rows.told(row) for row in found], "found": number}


def _add(session: Session, table: DataTable, arguments: Mapping[str, Any], key: str, now_us: int) -> JsonValue:
    return rows.told(rows.add(session, table, arguments, by=BY, now_us=now_us, call_key=key))


def _change(session: Session, table: DataTable, arguments: Mapping[str, Any], _key: str, now_us: int) -> JsonValue:
    row = rows.row_of(session, table, arguments["row"])
    return rows.told(rows.change(session, table, row, arguments["set"], by=BY, now_us=now_us))


def _remove(session: Session, table: DataTable, arguments: Mapping[str, Any], _key: str, now_us: int) -> JsonValue:
    row = session.get(DataRow, (table.id, arguments["row"]))
    # Removed already: a second call, after a crash, finds what it wanted.
    if row is not None:
        rows.remove(session, table, row)
    return {"removed": row is not None}


_WORK: dict[Verb, Work] = {"find": _find, "add": _add, "change": _change, "remove": _remove}
