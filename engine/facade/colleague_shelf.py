"""The colleagues of a workspace as steps take them on, and where their rows are found."""

from __future__ import annotations

import asyncio

from sqlmodel import Session, col, or_, select

from engine.errors import AgentMissing
from engine.nodes.colleague import Colleague
from engine.people.records import Records
from engine.storage.tables import AgentRow


class ColleagueShelf:
    """Implements `engine.run.context.Colleagues`. Reads the row each time: a change holds from the next agent step on."""

    def __init__(self, records: Records) -> None:
        self._records = records

    async def find(self, workspace_id: str, name: str) -> Colleague | None:
        """By id or slug; None where no such one has ever been. AgentMissing for one that is gone."""
        return await asyncio.to_thread(self._find, workspace_id, name)

    def _find(self, workspace_id: str, name: str) -> Colleague | None:
        with self._records.reading() as session:
            row = find_colleague(session, workspace_id, name)
            gone = find_gone(session, workspace_id, name) if row is None else None
        if gone is not None:
            raise AgentMissing(f"{gone.name} ({name[:80]}), whom this step names, was removed.")
        return None if row is None else colleague_of(row)


def find_colleague(session: Session, workspace_id: str, name: str) -> AgentRow | None:
    """The one that is there under this id or slug."""
    wanted = select(AgentRow).where(
        AgentRow.workspace_id == workspace_id, col(AgentRow.deleted_at).is_(None), or_(AgentRow.id == name, AgentRow.slug == name)
    )
    return session.exec(wanted).first()


def find_gone(session: Session, workspace_id: str, name: str) -> AgentRow | None:
    """The last one that was there under this id or slug and is no more."""
    wanted = select(AgentRow).where(
        AgentRow.workspace_id == workspace_id, col(AgentRow.deleted_at).is_not(None), or_(AgentRow.id == name, AgentRow.slug == name)
    )
    return session.exec(wanted.order_by(col(AgentRow.deleted_at).desc())).first()


def colleague_of(row: AgentRow) -> Colleague:
    """A row as a step takes it on."""
    return Colleague(
        id=row.id,
        slug=row.slug,
        name=row.name,
        face=row.face,
        instructions=row.instructions,
        model=row.model,
        tools=row.tools,
        max_turns=row.max_turns,
        calls_per_turn=row.calls_per_turn,
        revision=row.revision,
    )
