"""Tables of the workspace over HTTP: their columns, their rows, and sheets."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Response
from pydantic import Field

from app.api.reading import AskingOf, Body, CursorOf, LimitOf, StrictRoute
from engine import Invalid, NotJsonValue, Page, RowView, SheetRead, TableView, parse_strict

router = APIRouter(prefix="/api/v1/tables", tags=["tables"], route_class=StrictRoute)

COLUMN = {"name": "state", "title": "State", "type": "choice", "choices": ["open", "closed"], "required": True}
ColumnEntry = Annotated[dict[str, Any], Field(examples=[COLUMN])]
WhereOf = Annotated[str | None, Query(max_length=10_000, description='JSON: `[{"column": "state", "test": "is", "value": "open"}]`.')]


class TableBody(Body):
    """A table. Of its columns `type` is text, number, integer, boolean, date, datetime, choice or json."""

    name: str
    description: str = ""
    columns: list[ColumnEntry]
    key: str = ""
    """The column whose values are unique; empty: none."""


class NewTable(TableBody):
    """A table to make, under the short name that its tools have."""

    slug: str


class ChangedTable(TableBody):
    """The whole table as it is to be, the revision that it was read at, and the columns whose values go."""

    revision: Annotated[int, Field(ge=0, le=2**53)]
    drop: list[str] = Field(default_factory=list)


class NewRow(Body):
    """A row to add: column → value."""

    values: dict[str, Any]


class ChangedRow(Body):
    """Other values; what is left out stays, null takes a value away. With a revision it must still be at it."""

    values: dict[str, Any]
    revision: Annotated[int | None, Field(ge=0, le=2**53)] = None


class Sheet(Body):
    """Comma-separated values whose heading names columns."""

    csv: str
    skip_mistakes: bool = False
    """Keep the lines that fit though others do not."""


@router.get("")
async def listed(asking: AskingOf) -> Page[TableView]:
    """List the tables."""
    return await asking.ask(asking.engine.tables.list(asking.actor))


@router.post("", status_code=201)
async def created(asking: AskingOf, body: NewTable) -> TableView:
    """Make a table; steps and agents have its tools from then on."""
    return await asking.ask(asking.engine.tables.create(asking.actor, body.model_dump()))


@router.get("/{table}")
async def got(asking: AskingOf, table: str) -> TableView:
    """Get one by id or short name."""
    return await asking.ask(asking.engine.tables.get(asking.actor, table))


@router.put("/{table}")
async def put(asking: AskingOf, table: str, body: ChangedTable) -> TableView:
    """Put other words and columns in the place of what was."""
    changed = asking.engine.tables.change(asking.actor, table, body.model_dump(exclude={"revision"}), revision=body.revision)
    return await asking.ask(changed)


@router.delete("/{table}", status_code=204)
async def removed(asking: AskingOf, table: str) -> Response:
    """Remove a table with its rows, for good."""
    await asking.ask(asking.engine.tables.remove(asking.actor, table))
    return Response(status_code=204)


@router.get("/{table}/rows")
async def rows(
    asking: AskingOf,
    table: str,
    where: WhereOf = None,
    q: Annotated[str, Query(max_length=200, description="Words that stand in any column.")] = "",
    sort: Annotated[str, Query(max_length=50, description="A column; with - before it from high to low.")] = "",
    limit: LimitOf = 100,
    cursor: CursorOf = None,
) -> Page[RowView]:
    """List rows."""
    asked = asking.engine.tables.rows(asking.actor, table, where=_where(where), words=q, sort=sort, limit=limit, cursor=cursor)
    return await asking.ask(asked)


@router.post("/{table}/rows", status_code=201)
async def added(asking: AskingOf, table: str, body: NewRow) -> RowView:
    """Add a row."""
    return await asking.ask(asking.engine.tables.add_row(asking.actor, table, body.values))


@router.get("/{table}/rows/{number}")
async def row(asking: AskingOf, table: str, number: int) -> RowView:
    """Get a row."""
    return await asking.ask(asking.engine.tables.row(asking.actor, table, number))


@router.patch("/{table}/rows/{number}")
async def changed(asking: AskingOf, table: str, number: int, body: ChangedRow) -> RowView:
    """Change values of a row."""
    return await asking.ask(asking.engine.tables.change_row(asking.actor, table, number, body.values, revision=body.revision))


@router.delete("/{table}/rows/{number}", status_code=204)
async def gone(asking: AskingOf, table: str, number: int) -> Response:
    """Remove a row."""
    await asking.ask(asking.engine.tables.remove_row(asking.actor, table, number))
    return Response(status_code=204)


@router.post("/{table}/import")
async def taken_in(asking: AskingOf, table: str, body: Sheet) -> SheetRead:
    """Add the lines of a sheet; where the table has a key, a line whose key is there changes that row."""
    return await asking.ask(asking.engine.tables.read_sheet(asking.actor, table, body.csv, skips_mistakes=body.skip_mistakes))


@router.get("/{table}/export", response_class=Response, responses={200: {"content": {"text/csv": {}}}})
async def written(asking: AskingOf, table: str) -> Response:
    """All rows as comma-separated values."""
    view = await asking.ask(asking.engine.tables.get(asking.actor, table))
    text = await asking.ask(asking.engine.tables.write_sheet(asking.actor, table))
    headers = {"Content-Disposition": f'attachment; filename="{view.slug}.csv"'}
    return Response(text, media_type="text/csv; charset=utf-8", headers=headers)


def _where(text: str | None) -> list[dict[str, Any]]:
    if not text:
        return []
    try:
        found = parse_strict(text.encode())
    except NotJsonValue:
        found = None
    if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
        problem = {"field": "where", "message": "It is JSON: a list of conditions, each {column, test, value}."}
        raise Invalid(problem["message"], hint="Correct it and try again.", details={"problems": [problem]})
    return found
