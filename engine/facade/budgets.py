"""Budgets over many runs: what a workflow or an agent may spend a day, and the workspace a month."""

from __future__ import annotations

from typing import Any

from sqlmodel import Session, col, select

from engine.errors import Invalid
from engine.facade.colleague_shelf import find_colleague
from engine.facade.core import Core
from engine.facade.finding import find, find_even_deleted
from engine.facade.views import BudgetView, Page
from engine.people.permissions import Actor, Permission, require
from engine.people.records import Records
from engine.run.budgets import PERIOD
from engine.storage.tables import AgentRow, Budget, Workflow

MOST_USD = 1e9


class Budgets:
    """Every call takes the actor first and checks its permission."""

    def __init__(self, core: Core) -> None:
        self._core = core

    async def list(self, actor: Actor) -> Page[BudgetView]:
        """All budgets with what was spent of them in their day or month (UTC)."""
        require(actor, Permission.COST_READ)
        return Page(items=await self._core.in_thread(lambda: self._list(actor)))

    async def set(self, actor: Actor, scope: str, subject: str, *, limit_usd: float | None) -> BudgetView:
        """Sets the budget of a workflow (id or slug), an agent (name) or the workspace; None takes it away. It counts at once.

        Invalid names the field. Runs that have met it are resumed by whoever may.
        """
        require(actor, Permission.BUDGET_MANAGE)
        if scope not in PERIOD:
            raise _problem("scope", f"There are budgets of a {', '.join(PERIOD)}.")
        if limit_usd is not None and not 0 <= limit_usd <= MOST_USD:
            raise _problem("limit_usd", "A budget is an amount in US dollars from 0 to a billion, such as 0.50.")
        if scope == "agent" and not 0 < len(subject.strip()) <= 100:
            raise _problem("subject", "Name the agent, in at most 100 characters.")
        limit = None if limit_usd is None else round(limit_usd * 1e6)
        view = await self._core.in_thread(lambda: self._set(actor, scope, subject.strip(), limit))
        self._core.executor.budgets.allow((actor.workspace_id, scope, view.subject), limit)
        return view

    def _list(self, actor: Actor) -> list[BudgetView]:
        with self._core.records.reading() as session:
            found = session.exec(
                select(Budget).where(Budget.workspace_id == actor.workspace_id).order_by(Budget.scope, Budget.subject)
            ).all()
            ids = [budget.subject for budget in found if budget.scope == "workflow"]
            there = [one for one in ids if session.get(Workflow, one) is not None]
            names = {("workflow", one): find_even_deleted(session, actor, one).name for one in there}
            agents = select(AgentRow).where(AgentRow.workspace_id == actor.workspace_id, col(AgentRow.deleted_at).is_(None))
            names |= {("agent", row.slug): row.name for row in session.exec(agents)}
        return [self._view(actor, b.scope, b.subject, b.limit_micro, names.get((b.scope, b.subject), "")) for b in found]

    def _set(self, actor: Actor, scope: str, subject: str, limit: int | None) -> BudgetView:
        records, name = self._core.records, ""
        with records.writing() as session:
            if scope == "workflow":
                # The budget of a workflow that was deleted can still be taken away.
                workflow = (find if limit is not None else find_even_deleted)(session, actor, subject)
                subject, name = workflow.id, workflow.name
            elif scope == "agent" and (colleague := find_colleague(session, actor.workspace_id, subject)) is not None:
                subject, name = colleague.slug, colleague.name
            subject = "" if scope == "workspace" else subject
            keep_budget(session, records, actor, scope=scope, subject=subject, limit_micro=limit)
        return self._view(actor, scope, subject, limit, name)

    def _view(self, actor: Actor, scope: str, subject: str, limit: int | None, name: str) -> BudgetView:
        spent = self._core.executor.budgets.spent((actor.workspace_id, scope, subject), self._core.clock.now_us())
        return BudgetView(
            scope=scope,
            subject=subject,
            name=name or subject,
            period=PERIOD[scope],
            limit_usd=None if limit is None else limit / 1e6,
            spent_usd=spent / 1e6,
        )


def keep_budget(session: Session, records: Records, actor: Actor, *, scope: str, subject: str, limit_micro: int | None) -> None:
    """Sets a budget or takes it away, inside the transaction of `session`, and tells the audit log."""
    budget = session.get(Budget, (actor.workspace_id, scope, subject))
    if limit_micro is None and budget is not None:
        session.delete(budget)
    elif limit_micro is not None:
        budget = budget or Budget(workspace_id=actor.workspace_id, scope=scope, subject=subject, limit_micro=0, set_by="", set_at=0)
        budget.limit_micro, budget.set_by, budget.set_at = limit_micro, actor.user_id or actor.label, records.clock.now_us()
        session.add(budget)
    details: dict[str, Any] = {"scope": scope, "subject": subject, "limit_micro": limit_micro}
    records.tell(session, actor, action="budget.set", subject=subject or actor.workspace_id, details=details)


def _problem(field: str, message: str) -> Invalid:
    return Invalid(f"{field}: {message}", details={"problems": [{"field": field, "message": message}]})
