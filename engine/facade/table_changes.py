"""What other columns mean for the rows that a table has: which values go, which become something else, and which stand in the way."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlmodel import Session, col, select

from engine.jsonvalue import JsonValue, dumps
from engine.people.records import Problem, refuse
from engine.storage.tables import DataRow, DataTable
from engine.tools.tables.columns import Column, Misfit, key_text, value_in, value_of


@dataclass(frozen=True, slots=True)
class Change:
    """From one list of columns to another."""

    dropped: tuple[str, ...]
    retyped: tuple[str, ...]
    """Whose values have to fit anew."""


def reshaped(before: Sequence[Column], after: Sequence[Column], *, drop: Sequence[str]) -> Change:
    """The change. Invalid for a column that goes without being named in `drop`."""
    names = {column.name for column in after}
    gone = [column.name for column in before if column.name not in names]
    if silent := [name for name in gone if name not in drop]:
        message = f"{silent[0]} is left out, and its values would be lost. Name it in `drop` to remove it."
        refuse([Problem("columns", message)])
    were = {column.name: column for column in before}
    other = [c.name for c in after if c.name in were and (c.type, c.choices) != (were[c.name].type, were[c.name].choices)]
    return Change(tuple(gone), tuple(other))


def recast(session: Session, table: DataTable, columns: Sequence[Column], key: str, change: Change) -> None:
    """Brings every row to the new columns, inside the session. Invalid names the first rows that do not fit."""
    needed = [column for column in columns if column.required or column.name == key]
    if not (change.dropped or change.retyped or needed or key != table.key):
        return
    retyped = {column.name: column for column in columns if column.name in change.retyped}
    problems: list[Problem] = []
    seen: dict[str | None, int] = {}
    for row in session.exec(select(DataRow).where(DataRow.table_id == table.id).order_by(col(DataRow.number))).all():
        values = {name: value for name, value in row.data.items() if name not in change.dropped}
        problems += _fitted(row.number, values, retyped)
        problems += [
            Problem("columns", f"Row {row.number} has no {column.name}, which must be filled in.")
            for column in needed
            if values.get(column.name) in (None, "")
        ]
        keyed = key_text(values.get(key)) if key else None
        if keyed is not None and keyed in seen:
            problems.append(Problem("key", f"Rows {seen[keyed]} and {row.number} have the same {key}."))
        seen[keyed] = row.number
        if len(problems) >= 20:
            break
        if values != row.data or keyed != row.key_value:
            row.data, row.key_value = values, keyed
            session.add(row)
    refuse(problems)
    session.flush()


def _fitted(number: int, values: dict[str, JsonValue], retyped: dict[str, Column]) -> list[Problem]:
    problems: list[Problem] = []
    for name, column in retyped.items():
        if name not in values:
            continue
        try:
            values[name] = _as(column, values[name])
        except Misfit as misfit:
            problems.append(Problem("columns", f"Row {number}, {name}: {misfit}"))
    return problems


def _as(column: Column, value: JsonValue) -> JsonValue:
    try:
        return value_of(column, value)
    except Misfit:
        text = value if isinstance(value, str) else dumps(value).decode()
        return value_in(column, text)
