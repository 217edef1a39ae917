"""What was spent and how runs went, day by day: for the page that people begin their day with."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from sqlmodel import col, func, select

from engine.clock import DAY_US
from engine.facade.core import Core
from engine.facade.overview_views import DaySpend, OutcomesView, SpendView
from engine.people.permissions import Actor, Permission, require
from engine.storage.tables import Approval, Run

DAYS = 14


class Overview:
    """Every call takes the actor first and checks its permission. Days are those of UTC, like every time that is kept."""

    def __init__(self, core: Core) -> None:
        self._core = core

    async def spend(self, actor: Actor) -> SpendView:
        """What runs that started on each of the last DAYS days have cost so far, test runs included: they cost money too."""
        require(actor, Permission.COST_READ)
        return await self._core.in_thread(lambda: self._spend(actor))

    def _spend(self, actor: Actor) -> SpendView:
        first = self._first_day()
        day = col(Run.started_at) // DAY_US
        spent = (
            select(func.min(Run.started_at), func.sum(Run.cost_micro))
            # What a child has cost is in its parent's cost already.
            .where(Run.workspace_id == actor.workspace_id, col(Run.started_at) >= first, col(Run.parent_run).is_(None))
            .group_by(day)
        )
        with self._core.records.reading() as session:
            found = {at // DAY_US: cost / 1e6 for at, cost in session.exec(spent)}
        start = first // DAY_US
        days = [DaySpend(day=_date(number), usd=found.get(number, 0.0)) for number in range(start, start + DAYS)]
        return SpendView(today_usd=days[-1].usd, total_usd=sum(day.usd for day in days), days=days)

    async def outcomes(self, actor: Actor) -> OutcomesView:
        """How the live runs that started within the last DAYS days went; one run may count as asked and as failed."""
        require(actor, Permission.RUN_READ)
        return await self._core.in_thread(lambda: self._outcomes(actor))

    def _outcomes(self, actor: Actor) -> OutcomesView:
        first = self._first_day()
        recent = (Run.workspace_id == actor.workspace_id, Run.mode == "live", col(Run.started_at) >= first)
        asked = select(Approval.run_id).where(Approval.workspace_id == actor.workspace_id, col(Approval.opened_at) >= first)
        by_status = select(Run.status, func.count()).where(*recent).group_by(Run.status)
        with_person = select(func.count()).select_from(Run).where(*recent, col(Run.run_id).in_(asked))
        alone = with_person.where(Run.status == "succeeded")
        doubt = select(func.count(func.distinct(Approval.run_id))).where(
            Approval.workspace_id == actor.workspace_id, col(Approval.opened_at) >= first, Approval.type == "in_doubt"
        )
        with self._core.records.reading() as session:
            counts = {status: number for status, number in session.exec(by_status)}
            helped, helped_done, in_doubt = (session.exec(wanted).one() for wanted in (with_person, alone, doubt))
        return OutcomesView(
            done_alone=counts.get("succeeded", 0) - helped_done,
            asked=helped,
            stopped=counts.get("stopped", 0),
            failed=counts.get("failed", 0),
            in_doubt=in_doubt,
        )

    def _first_day(self) -> int:
        today = self._core.clock.now_us() // DAY_US
        return (today - DAYS + 1) * DAY_US


def _date(days: int) -> str:
    return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(days=days)).date().isoformat()
