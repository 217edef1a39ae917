"""How rows of a table are looked for, added, changed and removed: SQL inside a session that somebody else commits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

from sqlalchemy import ColumnElement, Numeric, cast, literal
from sqlmodel import Session, col, func, or_, select

from engine.errors import Conflict, Invalid, NotFound
from engine.jsonvalue import JsonValue
from engine.storage.tables import DataRow, DataTable
from engine.tools.tables.columns import Column, Misfit, key_text, read_row, value_of

MOST_ROWS = 100_000
MOST_CONDITIONS = 20
Test = Literal["is", "is_not", "contains", "above", "at_least", "below", "at_most", "empty", "filled"]
TESTS: tuple[Test, ...] = get_args(Test)
_NUMBERS = ("number", "integer")


@dataclass(frozen=True, slots=True)
class Where:
    """A condition on a column; all of several must hold."""

    column: str
    test: Test
    value: JsonValue = None


def columns_of(table: DataTable) -> list[Column]:
    """Its columns."""
    return [Column.model_validate(each) for each in table.columns]


def told(row: DataRow) -> dict[str, JsonValue]:
    """A row as steps and people see it: its number as `row`, and its values."""
    return {"row": row.number, **row.data}


def find(
    session: Session, table: DataTable, where: Sequence[Where] = (), *, words: str = "", sort: str = "", limit: int, offset: int = 0
) -> tuple[list[DataRow], int]:
    """The rows that fit and how many there are in all. `sort` is a column, with `-` before it from high to low. Invalid."""
    fits = [DataRow.table_id == table.id, *_conditions(table, where)]
    if words:
        texts = [_at(column) for column in columns_of(table) if column.type != "json"]
        fits.append(or_(*[_holds(each, words) for each in texts]))
    number = session.exec(select(func.count()).select_from(DataRow).where(*fits)).one() if where or words else table.rows
    wanted = select(DataRow).where(*fits).order_by(*_order(table, sort)).limit(limit).offset(offset)
    return list(session.exec(wanted).all()), number


def add(session: Session, table: DataTable, given: Mapping[str, Any], *, by: str, now_us: int, call_key: str = "") -> DataRow:
    """The new row; the one that was added before under the same call key. Invalid names each column; Conflict."""
    if call_key:
        wanted = select(DataRow).where(DataRow.table_id == table.id, DataRow.call_key == call_key)
        if (there := session.exec(wanted).first()) is not None:
            return there
    if table.rows >= MOST_ROWS:
        raise Conflict(f"{table.name} is full: a table has at most {MOST_ROWS:,} rows.", hint="Remove rows that nobody needs.")
    values = _fitting(table, given, None)
    key = _free_key(session, table, values, None)
    table.last_row, table.rows = table.last_row + 1, table.rows + 1
    row = DataRow(
        table_id=table.id,
        number=table.last_row,
        workspace_id=table.workspace_id,
        key_value=key,
        data=values,
        call_key=call_key,
        revision=1,
        updated_by=by,
        updated_at=now_us,
    )
    session.add(table)
    session.add(row)
    session.flush()
    return row


def change(session: Session, table: DataTable, row: DataRow, given: Mapping[str, Any], *, by: str, now_us: int) -> DataRow:
    """The row with other values; null takes one away. Invalid names each column; Conflict."""
    values = _fitting(table, given, row.data)
    if values != row.data:
        row.key_value = _free_key(session, table, values, row)
        row.data, row.revision, row.updated_by, row.updated_at = values, row.revision + 1, by, now_us
        session.add(row)
        session.flush()
    return row


def remove(session: Session, table: DataTable, row: DataRow) -> None:
    """The row goes; its number is not used again."""
    table.rows -= 1
    session.add(table)
    session.delete(row)
    session.flush()


def row_of(session: Session, table: DataTable, number: int) -> DataRow:
    """The row of a number. NotFound."""
    row = session.get(DataRow, (table.id, number)) if 0 < number < 2**53 else None
    if row is None:
        raise NotFound(f"{table.name} has no row {number}.")
    return row


def row_with_key(session: Session, table: DataTable, value: Any) -> DataRow | None:
    """The row whose key has this value."""
    wanted = select(DataRow).where(DataRow.table_id == table.id, DataRow.key_value == key_text(value))
    return session.exec(wanted).first()


def _fitting(table: DataTable, given: Mapping[str, Any], base: Mapping[str, JsonValue] | None) -> dict[str, JsonValue]:
    values, problems = read_row(columns_of(table), table.key, given, base=base)
    if problems:
        named = [{"field": name or "row", "message": message} for name, message in problems]
        raise Invalid(
            f"{table.name}: {'; '.join(f'{name}: {message}' for name, message in problems[:5])}",
            hint="Correct the values and try again.",
            details={"problems": named},
        )
    return values


def _free_key(session: Session, table: DataTable, values: Mapping[str, JsonValue], row: DataRow | None) -> str | None:
    if not table.key:
        return None
    key = key_text(values.get(table.key))
    there = row_with_key(session, table, values.get(table.key))
    if there is not None and (row is None or there.number != row.number):
        shown = str(values.get(table.key))[:100]
        message = f"{table.name} has a row with {table.key} {shown} already: row {there.number}."
        problem = {"field": table.key, "message": message}
        raise Conflict(message, hint="Change that row, or give another value.", details={"problems": [problem], "row": there.number})
    return key


def _conditions(table: DataTable, where: Sequence[Where]) -> list[ColumnElement[bool]]:
    if len(where) > MOST_CONDITIONS:
        raise _refused("where", f"At most {MOST_CONDITIONS} conditions can be given.")
    by_name = {column.name: column for column in columns_of(table)}
    return [_condition(by_name, one, place) for place, one in enumerate(where)]


def _condition(by_name: Mapping[str, Column], where: Where, place: int) -> ColumnElement[bool]:
    column = by_name.get(where.column)
    if column is None:
        raise _refused(f"where.{place}.column", f"There is no column {where.column[:50]}.")
    found = _at(column)
    if where.test in ("empty", "filled"):
        return found.is_(None) if where.test == "empty" else found.is_not(None)
    if where.test == "contains":
        return _holds(found, str(where.value))
    if column.type == "json":
        raise _refused(f"where.{place}.test", f"{column.name} holds JSON: only `contains`, `empty` and `filled` look through it.")
    try:
        value: Any = value_of(column, where.value)
    except Misfit as misfit:
        raise _refused(f"where.{place}.value", f"{column.name}: {misfit}") from None
    if value is None:
        raise _refused(f"where.{place}.value", f"{column.name}: say what it is compared with, or use `empty`.")
    return _compared(column, found, where.test, int(value) if column.type == "boolean" else value)


def _compared(column: Column, found: Any, test: Test, value: Any) -> ColumnElement[bool]:
    found = cast(found, Numeric(asdecimal=False)) if column.type in _NUMBERS else found
    match test:
        case "is":
            return found == value
        case "is_not":
            return or_(found != value, found.is_(None))
        case "above":
            return found > value
        case "at_least":
            return found >= value
        case "below":
            return found < value
        case _:
            return found <= value


def _at(column: Column) -> Any:
    return func.json_extract(DataRow.data, literal(f'$."{column.name}"'))


def _holds(found: Any, words: str) -> ColumnElement[bool]:
    return func.instr(func.lower(found), func.lower(words)) > 0


def _order(table: DataTable, sort: str) -> list[Any]:
    if not sort:
        return [col(DataRow.number)]
    column = next((one for one in columns_of(table) if one.name == sort.removeprefix("-")), None)
    if column is None:
        raise _refused("sort", f"There is no column {sort[:50]}.")
    found = _at(column)
    return [found.desc() if sort.startswith("-") else found.asc(), col(DataRow.number)]


def _refused(field: str, message: str) -> Invalid:
    return Invalid(message, hint="Correct it and try again.", details={"problems": [{"field": field, "message": message}]})
