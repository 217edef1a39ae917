"""Tables of the workspace: made, filled and looked through by people; steps reach them by tools (engine.facade.table_tools)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import ValidationError
from sqlmodel import Session, col, or_, select

from engine.clock import iso
from engine.errors import Conflict, NotFound, StaleRevision
from engine.facade import table_sheets
from engine.facade.core import Core
from engine.facade.cursors import decode, encode, page_size
from engine.facade.naming import names_of
from engine.facade.table_changes import recast, reshaped
from engine.facade.table_tools import names_of_table
from engine.facade.table_views import RowView, SheetRead, TableView
from engine.facade.views import Page
from engine.people.permissions import Actor, Permission, require
from engine.people.records import Problem, refuse
from engine.storage.tables import DataRow, DataTable
from engine.tools.tables import rows
from engine.tools.tables.columns import SLUG, Column, column_problems
from engine.tools.tables.rows import TESTS, Where, columns_of
from engine.tools.tables.sheets import write

MOST_TABLES = 200
MOST_NAME, MOST_DESCRIPTION = 100, 1_000


class DataTables:
    """Every call takes the actor first and checks its permission."""

    def __init__(self, core: Core) -> None:
        self._core = core

    async def list(self, actor: Actor) -> Page[TableView]:
        """All tables, by name."""
        require(actor, Permission.TABLE_READ)
        return Page(items=await self._core.in_thread(lambda: self._list(actor)))

    async def get(self, actor: Actor, table: str) -> TableView:
        """One, by id or slug. NotFound."""
        require(actor, Permission.TABLE_READ)
        return await self._core.in_thread(lambda: self._get(actor, table))

    async def create(self, actor: Actor, given: Mapping[str, Any]) -> TableView:
        """Makes one: `{slug, name, description, columns, key}`. Steps and agents have its tools from then on. Invalid, Conflict."""
        require(actor, Permission.TABLE_MANAGE)
        taken = {known.tool.name for known in await self._core.shelf.known(actor.workspace_id)}
        view = await self._core.in_thread(lambda: self._create(actor, given, taken))
        self._core.shelf.forget(actor.workspace_id)
        return view

    async def change(self, actor: Actor, table: str, given: Mapping[str, Any], *, revision: int) -> TableView:
        """Other words and columns: `{name, description, columns, key, drop}`; `drop` names the columns whose values go.

        StaleRevision; Invalid names each field, and the first row whose value does not fit what its column becomes.
        """
        require(actor, Permission.TABLE_MANAGE)
        view = await self._core.in_thread(lambda: self._change(actor, table, given, revision))
        self._core.shelf.forget(actor.workspace_id)
        return view

    async def remove(self, actor: Actor, table: str) -> None:
        """The table goes with its rows, for good. NotFound."""
        require(actor, Permission.TABLE_MANAGE)
        await self._core.in_thread(lambda: self._remove(actor, table))
        self._core.shelf.forget(actor.workspace_id)

    async def rows(
        self, actor: Actor, table: str, *, where: Sequence[Mapping[str, Any]] = (), words: str = "", sort: str = "",
        limit: int = 100, cursor: str | None = None,
    ) -> Page[RowView]:  # fmt: skip
        """Rows that fit every `{column, test, value}` of `where` and hold `words`, in the order of `sort` or as they were added."""
        require(actor, Permission.TABLE_READ)
        asked = _where(where)
        offset = decode(cursor, parts=1)[0] if cursor is not None else 0
        return await self._core.in_thread(lambda: self._rows(actor, table, asked, words, sort, page_size(limit), offset))

    async def row(self, actor: Actor, table: str, number: int) -> RowView:
        """One row. NotFound."""
        require(actor, Permission.TABLE_READ)
        return await self._core.in_thread(lambda: self._row(actor, table, number))

    async def add_row(self, actor: Actor, table: str, values: Mapping[str, Any]) -> RowView:
        """A new row. Invalid names each column; Conflict for a key that is there, or a table that is full."""
        require(actor, Permission.TABLE_WRITE)
        return await self._core.in_thread(lambda: self._add_row(actor, table, values))

    async def change_row(self, actor: Actor, table: str, number: int, values: Mapping[str, Any], *, revision: int | None) -> RowView:
        """Other values; null takes one away. StaleRevision where a revision is given that it is not at any more."""
        require(actor, Permission.TABLE_WRITE)
        return await self._core.in_thread(lambda: self._change_row(actor, table, number, values, revision))

    async def remove_row(self, actor: Actor, table: str, number: int) -> None:
        """The row goes. NotFound."""
        require(actor, Permission.TABLE_WRITE)
        await self._core.in_thread(lambda: self._remove_row(actor, table, number))

    async def read_sheet(self, actor: Actor, table: str, text: str, *, skips_mistakes: bool = False) -> SheetRead:
        """Adds the lines of a sheet; where the table has a key, a line whose key is there changes that row.

        One mistake and nothing is kept, unless `skips_mistakes`: then the other lines are. Invalid where the whole cannot be read.
        """
        require(actor, Permission.TABLE_WRITE)
        table_id = await self._core.in_thread(lambda: self._find_in(actor, table))
        return await self._core.in_thread(lambda: table_sheets.taken_in(self._core, actor, table_id, text, skips_mistakes))

    async def write_sheet(self, actor: Actor, table: str) -> str:
        """All rows as comma-separated values."""
        require(actor, Permission.TABLE_READ)
        return await self._core.in_thread(lambda: self._sheet(actor, table))

    def _list(self, actor: Actor) -> list[TableView]:
        with self._core.records.reading() as session:
            wanted = select(DataTable).where(DataTable.workspace_id == actor.workspace_id).order_by(col(DataTable.slug))
            return [_view(session, table) for table in session.exec(wanted).all()]

    def _get(self, actor: Actor, table: str) -> TableView:
        with self._core.records.reading() as session:
            return _view(session, _find(session, actor, table))

    def _create(self, actor: Actor, given: Mapping[str, Any], taken: set[str]) -> TableView:
        records, now = self._core.records, self._core.clock.now_us()
        name, description, columns, key = read_table(given)
        slug = str(given.get("slug") or "")
        if not SLUG.match(slug):
            refuse([Problem("slug", "A short name is of small letters, digits and _, begins with a letter, and has at most 32.")])
        if clash := sorted(taken & set(names_of_table(slug))):
            refuse([Problem("slug", f"There is a tool {clash[0]} already. Choose another short name.")])
        with records.writing() as session:
            there = session.exec(select(DataTable.slug).where(DataTable.workspace_id == actor.workspace_id)).all()
            if slug in there:
                refuse([Problem("slug", f"There is a table {slug} already.")])
            if len(there) >= MOST_TABLES:
                raise Conflict(f"A workspace has at most {MOST_TABLES} tables.", hint="Remove one that nobody needs.")
            by, told = actor.user_id or actor.label, [column.model_dump() for column in columns]
            table = DataTable(
                id=self._core.ids.new("table"), workspace_id=actor.workspace_id, slug=slug, name=name, description=description,
                columns=told, key=key, revision=1, created_at=now, updated_by=by, updated_at=now,
            )  # fmt: skip
            session.add(table)
            session.flush()
            records.tell(session, actor, action="table.add", subject=table.id, details={"slug": slug, "columns": [c.name for c in columns]})
            return _view(session, table)

    def _change(self, actor: Actor, table: str, given: Mapping[str, Any], revision: int) -> TableView:
        records = self._core.records
        name, description, columns, key = read_table(given)
        with records.writing() as session:
            there = _find(session, actor, table)
            if there.revision != revision:
                raise StaleRevision(f"{there.name} is at revision {there.revision} by now.", details={"revision": there.revision})
            change = reshaped(columns_of(there), columns, drop=[str(one) for one in given.get("drop") or []])
            recast(session, there, columns, key, change)
            there.name, there.description, there.key = name, description, key
            there.columns = [column.model_dump() for column in columns]
            there.revision += 1
            there.updated_by, there.updated_at = actor.user_id or actor.label, self._core.clock.now_us()
            session.add(there)
            details = {"revision": there.revision, "dropped": list(change.dropped), "retyped": list(change.retyped)}
            records.tell(session, actor, action="table.change", subject=there.id, details=details)
            return _view(session, there)

    def _remove(self, actor: Actor, table: str) -> None:
        with self._core.records.writing() as session:
            there = _find(session, actor, table)
            session.connection().exec_driver_sql("DELETE FROM data_rows WHERE table_id = ?", (there.id,))
            session.delete(there)
            details = {"slug": there.slug, "rows": there.rows}
            self._core.records.tell(session, actor, action="table.remove", subject=there.id, details=details)

    def _rows(
        self, actor: Actor, table: str, where: Sequence[Where], words: str, sort: str, limit: int, offset: int
    ) -> Page[RowView]:  # fmt: skip
        with self._core.records.reading() as session:
            there = _find(session, actor, table)
            found, number = rows.find(session, there, where, words=words, sort=sort, limit=limit, offset=offset)
            names = names_of(session, {row.updated_by for row in found})
        more = encode([offset + limit]) if offset + len(found) < number else None
        return Page(items=[_row_view(row, names) for row in found], next=more)

    def _row(self, actor: Actor, table: str, number: int) -> RowView:
        with self._core.records.reading() as session:
            row = rows.row_of(session, _find(session, actor, table), number)
            return _row_view(row, names_of(session, {row.updated_by}))

    def _add_row(self, actor: Actor, table: str, values: Mapping[str, Any]) -> RowView:
        with self._core.records.writing() as session:
            there, by = _find(session, actor, table), actor.user_id or actor.label
            row = rows.add(session, there, values, by=by, now_us=self._core.clock.now_us())
            self._tell(session, actor, "table.row_add", there, row.number)
            return _row_view(row, names_of(session, {by}))

    def _change_row(self, actor: Actor, table: str, number: int, values: Mapping[str, Any], revision: int | None) -> RowView:
        with self._core.records.writing() as session:
            there, by = _find(session, actor, table), actor.user_id or actor.label
            row = rows.row_of(session, there, number)
            if revision is not None and row.revision != revision:
                raise StaleRevision(f"Row {number} is at revision {row.revision} by now.", details={"revision": row.revision})
            before = row.revision
            rows.change(session, there, row, values, by=by, now_us=self._core.clock.now_us())
            if row.revision != before:
                self._tell(session, actor, "table.row_change", there, number)
            return _row_view(row, names_of(session, {row.updated_by}))

    def _remove_row(self, actor: Actor, table: str, number: int) -> None:
        with self._core.records.writing() as session:
            there = _find(session, actor, table)
            rows.remove(session, there, rows.row_of(session, there, number))
            self._tell(session, actor, "table.row_remove", there, number)

    def _tell(self, session: Session, actor: Actor, action: str, table: DataTable, number: int) -> None:
        self._core.records.tell(session, actor, action=action, subject=table.id, details={"slug": table.slug, "row": number})

    def _find_in(self, actor: Actor, table: str) -> str:
        with self._core.records.reading() as session:
            return _find(session, actor, table).id

    def _sheet(self, actor: Actor, table: str) -> str:
        with self._core.records.reading() as session:
            there = _find(session, actor, table)
            found = session.exec(select(DataRow).where(DataRow.table_id == there.id).order_by(col(DataRow.number))).yield_per(500)
            return write(columns_of(there), (row.data for row in found))


def read_table(given: Mapping[str, Any]) -> tuple[str, str, list[Column], str]:
    """Name, description, columns and key of a definition. Invalid names each field."""
    problems: list[Problem] = []
    columns: list[Column] = []
    for place, one in enumerate(given.get("columns") or []):
        try:
            columns.append(Column.model_validate(one))
        except ValidationError as error:
            found = error.errors(include_input=False)
            problems += [Problem(".".join(map(str, ("columns", place, *each["loc"]))), each["msg"]) for each in found]
    name, description, key = (str(given.get(field) or "").strip() for field in ("name", "description", "key"))
    if not 1 <= len(name) <= MOST_NAME:
        problems.append(Problem("name", f"A table has a name of at most {MOST_NAME} characters."))
    if len(description) > MOST_DESCRIPTION:
        problems.append(Problem("description", f"A description has at most {MOST_DESCRIPTION:,} characters."))
    if not problems:
        problems = [Problem(field, message) for field, message in column_problems(columns, key)]
    refuse(problems)
    return name, description, columns, key


def _where(given: Sequence[Mapping[str, Any]]) -> list[Where]:
    found: list[Where] = []
    for place, one in enumerate(given):
        column, test = one.get("column"), one.get("test")
        if not isinstance(column, str) or test not in TESTS or set(one) - {"column", "test", "value"}:
            refuse([Problem(f"where.{place}", f"A condition is {{column, test, value}}; test is one of {', '.join(TESTS)}.")])
        found.append(Where(str(column), test or "is", one.get("value")))
    return found


def _find(session: Session, actor: Actor, table: str) -> DataTable:
    wanted = select(DataTable).where(DataTable.workspace_id == actor.workspace_id, or_(DataTable.id == table, DataTable.slug == table))
    found = session.exec(wanted).first()
    if found is None:
        raise NotFound(f"There is no table {table[:80]}.", hint="Use a short name from the list of tables.")
    return found


def _view(session: Session, table: DataTable) -> TableView:
    names = names_of(session, {table.updated_by})
    return TableView(
        id=table.id,
        slug=table.slug,
        name=table.name,
        description=table.description,
        columns=columns_of(table),
        key=table.key,
        rows=table.rows,
        tools=names_of_table(table.slug),
        revision=table.revision,
        created_at=iso(table.created_at),
        updated_at=iso(table.updated_at),
        updated_by=names.get(table.updated_by, table.updated_by),
    )


def _row_view(row: DataRow, names: Mapping[str, str]) -> RowView:
    by = names.get(row.updated_by, row.updated_by)
    return RowView(row=row.number, values=row.data, revision=row.revision, updated_at=iso(row.updated_at), updated_by=by)
