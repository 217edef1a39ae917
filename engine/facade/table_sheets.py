"""How a sheet is taken into a table: in one transaction, every line told that does not fit."""

from __future__ import annotations

from sqlmodel import Session

from engine.errors import Conflict, Invalid, NotFound
from engine.facade.core import Core
from engine.facade.table_views import RefusedLine, SheetRead
from engine.people.permissions import Actor
from engine.people.records import Problem, refuse
from engine.storage.tables import DataTable
from engine.tools.tables import rows
from engine.tools.tables.rows import columns_of
from engine.tools.tables.sheets import Line, NotASheet, read

MOST_TOLD = 1_000


class _Undone(Exception):
    """Nothing of this is kept."""


def taken_in(core: Core, actor: Actor, table_id: str, text: str, skips_mistakes: bool) -> SheetRead:
    """What came of it. Invalid names `csv` where the whole cannot be read; NotFound. Blocks."""
    told = SheetRead(added=0, changed=0, refused=[], is_kept=True)
    try:
        with core.records.writing() as session:
            table = session.get(DataTable, table_id)
            if table is None:
                raise NotFound("The table is gone.")
            _take(session, core, actor, table, text, told)
            if told.refused and not skips_mistakes:
                raise _Undone
            details = {"slug": table.slug, "added": told.added, "changed": told.changed, "refused": len(told.refused)}
            core.records.tell(session, actor, action="table.import", subject=table.id, details=details)
    except NotASheet as error:
        refuse([Problem("csv", str(error))])
    except _Undone:
        told = told.model_copy(update={"is_kept": False})
    return told


def _take(session: Session, core: Core, actor: Actor, table: DataTable, text: str, told: SheetRead) -> None:
    by, now = actor.user_id or actor.label, core.clock.now_us()
    for line in read(text, columns_of(table)):
        try:
            _take_line(session, table, line, by=by, now_us=now, told=told)
        except (Invalid, Conflict) as error:
            found = error.details.get("problems") or [{"field": "", "message": error.message}]
            _refuse(told, line, [(str(one["field"]), str(one["message"])) for one in found])
        if len(told.refused) >= MOST_TOLD:
            break


def _take_line(session: Session, table: DataTable, line: Line, *, by: str, now_us: int, told: SheetRead) -> None:
    if line.problems:
        _refuse(told, line, list(line.problems))
        return
    there = rows.row_with_key(session, table, line.values.get(table.key)) if table.key and table.key in line.values else None
    if there is None:
        rows.add(session, table, line.values, by=by, now_us=now_us)
        told.added += 1
    else:
        before = there.revision
        rows.change(session, table, there, line.values, by=by, now_us=now_us)
        told.changed += there.revision != before


def _refuse(told: SheetRead, line: Line, problems: list[tuple[str, str]]) -> None:
    told.refused += [RefusedLine(line=line.number, column=column, reason=message) for column, message in problems]
