"""A table as a sheet of comma-separated values: read line by line with every mistake told, and written so that no program runs it."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from engine.jsonvalue import JsonValue, dumps
from engine.tools.tables.columns import Column, Misfit, value_in

MOST_BYTES = 20_000_000
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""How a text begins that a spreadsheet would carry out (owasp.org, CSV Injection)."""


@dataclass(frozen=True, slots=True)
class Line:
    """A line that could be read, and what is wrong with its values."""

    number: int
    """As editors count, the heading is 1."""
    values: dict[str, JsonValue]
    problems: tuple[tuple[str, str], ...]
    """(column, message)."""


class NotASheet(ValueError):
    """The whole cannot be read; the message says why, for people."""


def read(text: str, columns: Sequence[Column]) -> Iterator[Line]:
    """The lines of a sheet whose heading names columns by name or title; columns that it does not name are left empty. NotASheet."""
    if len(text.encode("utf-8", "replace")) > MOST_BYTES:
        raise NotASheet(f"A sheet has at most {MOST_BYTES // 1_000_000} MB.")
    reader = csv.reader(io.StringIO(text.lstrip("\ufeff"), newline=""), delimiter=_delimiter(text), strict=True)
    try:
        heading = next(reader, None)
        if heading is None:
            raise NotASheet("The sheet is empty.")
        named = _named(heading, columns)
        for cells in reader:
            if any(cell.strip() for cell in cells):
                yield _line(reader.line_num, cells, named)
    except csv.Error as error:
        raise NotASheet(f"Line {reader.line_num} cannot be read: {error}.") from None


def write(columns: Sequence[Column], rows: Iterable[dict[str, JsonValue]]) -> str:
    """The sheet: a heading of names, then a line for each row."""
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow([column.name for column in columns])
    for row in rows:
        writer.writerow([_cell(row.get(column.name), column) for column in columns])
    return out.getvalue()


def _delimiter(text: str) -> str:
    first = text.split("\n", 1)[0]
    return max(",;\t", key=first.count) if any(sign in first for sign in ",;\t") else ","


def _named(heading: Sequence[str], columns: Sequence[Column]) -> list[Column]:
    by_word = {column.title.lower(): column for column in columns if column.title} | {column.name: column for column in columns}
    found: list[Column] = []
    for word in heading:
        column = by_word.get(word.strip()) or by_word.get(word.strip().lower())
        if column is None:
            raise NotASheet(
                f"The heading names “{word.strip()[:50]}”, which is no column. There are: {', '.join(c.name for c in columns)}."
            )
        if column in found:
            raise NotASheet(f"The heading names {column.name} twice.")
        found.append(column)
    return found


def _line(number: int, cells: Sequence[str], named: Sequence[Column]) -> Line:
    if len(cells) != len(named):
        return Line(number, {}, (("", f"It has {len(cells)} cells, and the heading {len(named)}."),))
    values: dict[str, JsonValue] = {}
    problems: list[tuple[str, str]] = []
    for column, cell in zip(named, cells, strict=True):
        try:
            value = value_in(column, _unguarded(cell) if column.type in ("text", "choice") else cell)
        except Misfit as misfit:
            problems.append((column.name, str(misfit)))
            continue
        if value is not None:
            values[column.name] = value
    return Line(number, values, tuple(problems))


def _cell(value: JsonValue, column: Column) -> str:
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case str():
            return f"'{value}" if value.lstrip("'").startswith(_FORMULA) else value
        case int() | float():
            return str(value)
        case _:
            text = dumps(value).decode()
            return text


def _unguarded(cell: str) -> str:
    return cell[1:] if cell.startswith("'") and cell[1:].lstrip("'").startswith(_FORMULA) else cell
