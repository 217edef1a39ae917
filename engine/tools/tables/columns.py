"""What may stand in a table: its columns, their types, and what a value must be to fit. Pure."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from engine.jsonvalue import JsonValue, canonical, dumps, loads

ColumnType = Literal["text", "number", "integer", "boolean", "date", "datetime", "choice", "json"]
TYPES: tuple[ColumnType, ...] = ("text", "number", "integer", "boolean", "date", "datetime", "choice", "json")
NAME = re.compile(r"^[a-z][a-z0-9_]{0,39}$")
SLUG = re.compile(r"^[a-z][a-z0-9_]{0,31}$")
RESERVED = frozenset({"row"})
"""Names that rows carry themselves."""
MOST_COLUMNS = 50
MOST_CHOICES = 100
MOST_TEXT = 10_000
MOST_ROW_BYTES = 64_000
MOST_WHOLE = 2**53
"""Whole numbers beyond it are not the same for everybody who reads JSON."""
_WORDS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
_SCHEMAS: dict[ColumnType, dict[str, JsonValue]] = {
    "text": {"type": "string", "maxLength": MOST_TEXT},
    "number": {"type": "number"},
    "integer": {"type": "integer"},
    "boolean": {"type": "boolean"},
    "date": {"type": "string", "description": "A date: 2026-12-31"},
    "datetime": {"type": "string", "description": "A time: 2026-12-31T09:00:00Z"},
    "choice": {"type": "string"},
    "json": {},
}


class Column(BaseModel):
    """A column. Its name never changes; rows keep their values under it."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    name: str
    title: str = ""
    """What people call it; empty: its name."""
    type: ColumnType = "text"
    required: bool = False
    choices: list[str] = Field(default_factory=list)
    """Of a choice: what it may be."""
    description: str = ""
    """In words for a model."""


class Misfit(ValueError):
    """A value that does not fit its column; the message says why, for people."""


def column_problems(columns: Sequence[Column], key: str) -> list[tuple[str, str]]:
    """(field, message) for everything that is wrong with the columns of a table."""
    found: list[tuple[str, str]] = []
    if not 1 <= len(columns) <= MOST_COLUMNS:
        found.append(("columns", f"A table has 1 to {MOST_COLUMNS} columns."))
    names = [column.name for column in columns]
    for place, column in enumerate(columns):
        at = f"columns.{place}"
        if not NAME.match(column.name) or column.name in RESERVED:
            found.append((f"{at}.name", "A name is of small letters, digits and _, begins with a letter, and is not `row`."))
        elif column.name in names[:place]:
            found.append((f"{at}.name", f"There is another column {column.name}."))
        if len(column.title) > 100 or len(column.description) > 500:
            found.append((f"{at}.title", "A title has at most 100 characters, a description 500."))
        if column.type == "choice" and not (column.choices and len(set(column.choices)) == len(column.choices) <= MOST_CHOICES):
            found.append((f"{at}.choices", f"A choice needs 1 to {MOST_CHOICES} different things to choose from."))
        if column.type != "choice" and column.choices:
            found.append((f"{at}.choices", "Only a choice has things to choose from."))
        if any(not choice.strip() or len(choice) > 200 for choice in column.choices):
            found.append((f"{at}.choices", "Each thing to choose has 1 to 200 characters."))
    keyed = next((column for column in columns if column.name == key), None)
    if key and (keyed is None or keyed.type in ("json", "boolean")):
        found.append(("key", "The key is one of the columns, and no JSON or yes and no."))
    return found


def read_row(columns: Sequence[Column], key: str, given: Mapping[str, Any], *, base: Mapping[str, JsonValue] | None = None) -> Any:
    """`(values, problems)`: the row with what is given in place of `base`; problems are (column, message).

    A value of null takes the old one away. What is left out stays; a new row lacks it.
    """
    by_name = {column.name: column for column in columns}
    values = dict(base or {})
    problems = [(name, f"There is no column {name[:50]}.") for name in given if name not in by_name]
    for name, value in given.items():
        if name not in by_name:
            continue
        try:
            fits = value_of(by_name[name], value)
        except Misfit as misfit:
            problems.append((name, str(misfit)))
            continue
        if fits is None:
            values.pop(name, None)
        else:
            values[name] = fits
    wrong = {name for name, _ in problems}
    needed = [column for column in columns if (column.required or column.name == key) and column.name not in wrong]
    empty = [column for column in needed if values.get(column.name) in (None, "")]
    problems += [(column.name, f"{column.title or column.name} must be filled in.") for column in empty]
    if not problems and len(dumps(values)) > MOST_ROW_BYTES:
        problems.append(("", f"A row takes at most {MOST_ROW_BYTES:,} bytes."))
    return values, problems


def value_of(column: Column, given: Any) -> JsonValue:
    """The value as it is kept; None where there is none. Misfit."""
    if given is None:
        return None
    match column.type:
        case "text":
            return _text(given)
        case "number":
            return _number(given)
        case "integer":
            return _whole(given)
        case "boolean":
            if not isinstance(given, bool):
                raise Misfit("It is yes or no: true or false.")
            return given
        case "date" | "datetime":
            return _time(given, column.type)
        case "choice":
            if given not in column.choices:
                raise Misfit(f"It is one of: {', '.join(column.choices)[:300]}.")
            return given
        case "json":
            return given


def value_in(column: Column, text: str) -> JsonValue:
    """The value that a text of a sheet stands for; an empty one is none. Misfit."""
    plain = text.strip()
    if not plain:
        return None
    match column.type:
        case "text":
            return _text(text)
        case "boolean":
            if plain.lower() not in _WORDS:
                raise Misfit("It is yes or no: true or false.")
            return _WORDS[plain.lower()]
        case "number" | "integer":
            try:
                given = int(plain) if re.fullmatch(r"[+-]?\d{1,20}", plain) else float(plain)
            except ValueError:
                raise Misfit("It is a number, such as 12.5.") from None
            return value_of(column, given)
        case "json":
            try:
                return loads(plain)
            except ValueError:
                raise Misfit("It is JSON, such as [1, 2].") from None
        case _:
            return value_of(column, plain)


def key_text(value: JsonValue) -> str | None:
    """By what a key is compared; None where there is none."""
    return None if value is None else canonical(value).decode()


def schema_of(columns: Iterable[Column], *, needs_required: bool, key: str = "") -> dict[str, JsonValue]:
    """JSON Schema of a row's values."""
    columns = list(columns)
    properties: dict[str, JsonValue] = {column.name: _schema(column) for column in columns}
    told: dict[str, JsonValue] = {"type": "object", "additionalProperties": False, "properties": properties}
    required: list[JsonValue] = [column.name for column in columns if column.required or column.name == key]
    if needs_required and required:
        told["required"] = required
    return told


def _schema(column: Column) -> dict[str, JsonValue]:
    told: dict[str, JsonValue] = {}
    told.update(_SCHEMAS[column.type])
    if column.type == "choice":
        choices: list[JsonValue] = [*column.choices]
        told["enum"] = choices
    words = ". ".join(part for part in (column.title, column.description, str(told.get("description") or "")) if part)
    if words:
        told["description"] = words
    return told


def _text(given: Any) -> str:
    if not isinstance(given, str):
        raise Misfit("It is a text.")
    if len(given) > MOST_TEXT:
        raise Misfit(f"A text has at most {MOST_TEXT:,} characters.")
    return given


def _number(given: Any) -> int | float:
    if isinstance(given, bool) or not isinstance(given, int | float) or not math.isfinite(given):
        raise Misfit("It is a number, such as 12.5.")
    return given


def _whole(given: Any) -> int:
    number = _number(given) if isinstance(given, int | float) and not isinstance(given, bool) else None
    if number is None or number != int(number) or abs(number) > MOST_WHOLE:
        raise Misfit("It is a whole number, such as 12.")
    return int(number)


def _time(given: Any, kind: Literal["date", "datetime"]) -> str:
    try:
        if not isinstance(given, str):
            raise ValueError
        if kind == "date":
            return date.fromisoformat(given.strip()).isoformat()
        moment = datetime.fromisoformat(given.strip())
        if moment.tzinfo is None:
            raise ValueError
    except ValueError:
        words = "a date, such as 2026-12-31" if kind == "date" else "a time with its zone, such as 2026-12-31T09:00:00Z"
        raise Misfit(f"It is {words}.") from None
    return moment.isoformat().replace("+00:00", "Z")
