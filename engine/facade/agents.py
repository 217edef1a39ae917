"""Colleagues: who they are, what they may call and how freely, and what they may spend."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlmodel import Session, col, func, or_, select

from engine.clock import iso
from engine.errors import ConfigInvalid, NotFound, StaleRevision, ToolUnusable
from engine.facade.budgets import keep_budget
from engine.facade.colleague_fields import MOST_SLUG, Written, read, slug_of, slug_problems
from engine.facade.colleague_places import places_of, works_in
from engine.facade.colleague_shelf import find_colleague
from engine.facade.colleague_views import (
    AgentChange,
    AgentLimitsView,
    AgentSpentView,
    AgentToolView,
    AgentView,
    AgentWarning,
    FaceView,
    WorksIn,
)
from engine.facade.core import Core
from engine.facade.naming import names_of
from engine.facade.views import Page
from engine.jsonvalue import loads
from engine.people.permissions import Actor, Permission, require
from engine.people.records import Problem, refuse
from engine.run.budgets import period_of
from engine.storage.tables import AgentRow, Audit, Budget, Spent

SCOPE = "agent"
MOST_CHANGES = 100


class Agents:
    """Every call takes the actor first and checks its permission."""

    def __init__(self, core: Core) -> None:
        self._core = core

    async def introduce(self) -> None:
        """Tells the budgets under which short name each colleague spends; once, before any run goes on."""
        for row in await self._core.in_thread(self._all):
            self._core.executor.budgets.know_as(row.workspace_id, row.id, row.slug)

    async def list(self, actor: Actor) -> Page[AgentView]:
        """All colleagues, by name."""
        require(actor, Permission.AGENT_READ)
        return Page(items=[await self._warned(actor, view) for view in await self._core.in_thread(lambda: self._list(actor))])

    async def get(self, actor: Actor, agent: str) -> AgentView:
        """One, by id or slug. NotFound."""
        require(actor, Permission.AGENT_READ)
        return await self._warned(actor, await self._core.in_thread(lambda: self._get(actor, agent)))

    async def create(self, actor: Actor, definition: dict[str, Any], *, slug: str = "") -> AgentView:
        """Makes one; without a slug it gets one from its name. Invalid names each field."""
        require(actor, Permission.AGENT_MANAGE)
        written = read(definition)
        refuse(slug_problems(slug) if slug else [])
        view = await self._core.in_thread(lambda: self._create(actor, written, slug))
        self._core.executor.budgets.know_as(actor.workspace_id, view.id, view.slug)
        return await self._settled(actor, view)

    async def change(self, actor: Actor, agent: str, definition: dict[str, Any], *, revision: int) -> AgentView:
        """Puts a definition in the place of what was; it holds from the next agent step on. StaleRevision; Invalid names each field."""
        require(actor, Permission.AGENT_MANAGE)
        written = read(definition)
        return await self._settled(actor, await self._core.in_thread(lambda: self._change(actor, agent, written, revision)))

    async def remove(self, actor: Actor, agent: str) -> None:
        """Steps that name it fail from now on; its budget stays until it is taken away. NotFound."""
        require(actor, Permission.AGENT_MANAGE)
        await self._core.in_thread(lambda: self._remove(actor, agent))

    async def changes(self, actor: Actor, agent: str) -> list[AgentChange]:
        """Who changed it and when, the latest first. NotFound."""
        require(actor, Permission.AGENT_READ)
        return await self._core.in_thread(lambda: self._changes(actor, agent))

    async def _settled(self, actor: Actor, view: AgentView) -> AgentView:
        daily = view.limits.cost_usd_per_day
        self._core.executor.budgets.allow((actor.workspace_id, SCOPE, view.slug), None if daily is None else _micro(daily))
        return await self._warned(actor, view)

    async def _warned(self, actor: Actor, view: AgentView) -> AgentView:
        """With what is not there: a model or tools that nobody knows (any more)."""
        if view.model:
            try:
                await self._core.in_thread(lambda: self._core.gateway.resolve(view.model))
            except ConfigInvalid as error:
                view.warnings.append(AgentWarning(field="model", message=f"{error.message} {error.next_step}"))
        for place, tool in enumerate(view.tools):
            try:
                await self._core.shelf.described(actor.workspace_id, [tool.tool])
            except ToolUnusable as error:
                view.warnings.append(AgentWarning(field=f"tools.{place}.tool", message=error.message))
        return view

    def _all(self) -> list[AgentRow]:
        with self._core.records.reading() as session:
            return list(session.exec(select(AgentRow)))

    def _list(self, actor: Actor) -> list[AgentView]:
        wanted = select(AgentRow).where(AgentRow.workspace_id == actor.workspace_id, col(AgentRow.deleted_at).is_(None))
        with self._core.records.reading() as session:
            rows = session.exec(wanted.order_by(func.lower(AgentRow.name), col(AgentRow.id))).all()
            everywhere = works_in(session, actor.workspace_id) if rows else {}
            return [self._view(session, actor, row, everywhere) for row in rows]

    def _get(self, actor: Actor, agent: str) -> AgentView:
        with self._core.records.reading() as session:
            row = _find(session, actor, agent)
            return self._view(session, actor, row, works_in(session, actor.workspace_id))

    def _create(self, actor: Actor, written: Written, slug: str) -> AgentView:
        records, now = self._core.records, self._core.clock.now_us()
        with records.writing() as session:
            if slug and find_colleague(session, actor.workspace_id, slug) is not None:
                refuse([Problem("slug", f"There is a colleague {slug} already.")])
            row = AgentRow(
                id=self._core.ids.new("agent"),
                workspace_id=actor.workspace_id,
                slug=slug or _free_slug(session, actor.workspace_id, written.name),
                revision=1,
                created_at=now,
                updated_by=actor.user_id or actor.label,
                updated_at=now,
                **written.columns(),
            )
            session.add(row)
            self._allow(session, actor, row, written)
            records.tell(session, actor, action="agent.add", subject=row.id, details={"slug": row.slug, "name": row.name})
            made = row.id
        # Every document is looked through for it: not while the database is held.
        return self._get(actor, made)

    def _change(self, actor: Actor, agent: str, written: Written, revision: int) -> AgentView:
        records = self._core.records
        with records.writing() as session:
            row = _find(session, actor, agent)
            if row.revision != revision:
                raise StaleRevision(f"{row.name} is at revision {row.revision} by now.", details={"revision": row.revision})
            details = _difference(row, columns := written.columns())
            for name, value in columns.items():
                setattr(row, name, value)
            is_other = self._allow(session, actor, row, written)
            if details["changed"] or is_other:
                row.revision += 1
                row.updated_by, row.updated_at = actor.user_id or actor.label, self._core.clock.now_us()
                details["changed"] += ["cost_usd_per_day"] if is_other else []
                session.add(row)
                records.tell(session, actor, action="agent.change", subject=row.id, details={**details, "revision": row.revision})
            changed = row.id
        return self._get(actor, changed)

    def _allow(self, session: Session, actor: Actor, row: AgentRow, written: Written) -> bool:
        """Keeps its budget of a day, which stands where all budgets stand; whether that changes anything."""
        daily = written.limits.cost_usd_per_day
        wanted = None if daily is None else _micro(daily)
        there = session.get(Budget, (actor.workspace_id, SCOPE, row.slug))
        if (there.limit_micro if there else None) == wanted:
            return False
        require(actor, Permission.BUDGET_MANAGE)
        keep_budget(session, self._core.records, actor, scope=SCOPE, subject=row.slug, limit_micro=wanted)
        return True

    def _remove(self, actor: Actor, agent: str) -> None:
        with self._core.records.writing() as session:
            row = _find(session, actor, agent)
            row.deleted_at = self._core.clock.now_us()
            session.add(row)
            self._core.records.tell(session, actor, action="agent.remove", subject=row.id, details={"slug": row.slug, "name": row.name})

    def _changes(self, actor: Actor, agent: str) -> list[AgentChange]:
        with self._core.records.reading() as session:
            row = _find(session, actor, agent)
            told = (col(Audit.subject) == row.id) & col(Audit.action).startswith("agent.")
            told |= (col(Audit.subject) == row.slug) & (col(Audit.action) == "budget.set")
            wanted = select(Audit).where(Audit.workspace_id == actor.workspace_id, col(Audit.at) >= row.created_at, or_(told))
            found = session.exec(wanted.order_by(col(Audit.seq).desc()).limit(MOST_CHANGES)).all()
            names = names_of(session, {one.actor for one in found})
        return [
            AgentChange(at=iso(one.at), by=names.get(one.actor, one.actor), action=one.action, details=loads(one.details)) for one in found
        ]

    def _view(self, session: Session, actor: Actor, row: AgentRow, everywhere: dict[str, list[WorksIn]]) -> AgentView:
        budget = session.get(Budget, (actor.workspace_id, SCOPE, row.slug))
        names = names_of(session, {row.updated_by})
        return AgentView(
            id=row.id,
            slug=row.slug,
            name=row.name,
            face=FaceView.model_validate(row.face),
            duty=row.duty,
            duties=row.duties,
            instructions=row.instructions,
            model=row.model,
            tools=[AgentToolView.model_validate(tool) for tool in row.tools],
            limits=AgentLimitsView(
                max_turns=row.max_turns,
                calls_per_turn=row.calls_per_turn,
                cost_usd_per_day=None if budget is None else budget.limit_micro / 1e6,
            ),
            revision=row.revision,
            created_at=iso(row.created_at),
            updated_at=iso(row.updated_at),
            updated_by=names.get(row.updated_by, row.updated_by),
            works_in=places_of(row, everywhere),
            spent=self._spent(session, actor, row) if actor.may(Permission.COST_READ) else None,
            warnings=[],
        )

    def _spent(self, session: Session, actor: Actor, row: AgentRow) -> AgentSpentView:
        now = self._core.clock.now_us()
        today = self._core.executor.budgets.spent((actor.workspace_id, SCOPE, row.slug), now)
        month = period_of(SCOPE, now)[:8]
        wanted = select(func.sum(Spent.cost_micro)).where(
            Spent.workspace_id == actor.workspace_id, Spent.scope == SCOPE, Spent.subject == row.slug, col(Spent.period).startswith(month)
        )
        return AgentSpentView(today_usd=today / 1e6, month_usd=max(session.exec(wanted).one() or 0, today) / 1e6)


def _find(session: Session, actor: Actor, agent: str) -> AgentRow:
    row = find_colleague(session, actor.workspace_id, agent)
    if row is None:
        raise NotFound(f"There is no colleague {agent[:80]}.", hint="Use an id or short name from the list of agents.")
    return row


def _free_slug(session: Session, workspace_id: str, name: str) -> str:
    wanted = slug_of(name)
    slug, number = wanted, 1
    while find_colleague(session, workspace_id, slug) is not None:
        number += 1
        slug = f"{wanted[: MOST_SLUG - 1 - len(str(number))]}-{number}"
    return slug


def _difference(row: AgentRow, columns: Mapping[str, Any]) -> dict[str, Any]:
    """The fields that change, and of each tool whose policy does what it becomes; null for one that is taken away."""
    changed = [name for name, value in columns.items() if getattr(row, name) != value]
    before = {tool["tool"]: tool["policy"] for tool in row.tools}
    after = {tool["tool"]: tool["policy"] for tool in columns["tools"]}
    policies = {name: after.get(name) for name in {**before, **after} if before.get(name) != after.get(name)}
    return {"changed": changed, "policies": policies}


def _micro(usd: float) -> int:
    return round(usd * 1e6)
