"""Home's State: what waits, what stopped, what runs, and the workflows."""

from __future__ import annotations

from typing import Any

import reflex as rx

from app.api.reading import Asking
from app.pages.home.rows import Bar, Outcome, Row, bars, on_the_way, outcomes, run_row, waiting_row, workflow_row
from app.ui import words
from app.ui.actions import action
from engine import Permission, RunView

FEW = 5
MOST_STEPS = 60
"""A run with more steps is told in words only: its way would be read from its whole journal every few seconds."""


class Home(rx.State):
    """Rows as Home shows them; each list is one facade call."""

    waiting: rx.Field[list[Row]] = rx.field(default_factory=list)
    stopped: rx.Field[list[Row]] = rx.field(default_factory=list)
    running: rx.Field[list[Row]] = rx.field(default_factory=list)
    recent: rx.Field[list[Row]] = rx.field(default_factory=list)
    workflows: rx.Field[list[Row]] = rx.field(default_factory=list)
    spent_today: rx.Field[str] = rx.field(default="")
    spent_all: rx.Field[str] = rx.field(default="")
    days: rx.Field[list[Bar]] = rx.field(default_factory=list)
    outcomes: rx.Field[list[Outcome]] = rx.field(default_factory=list)
    is_loaded: rx.Field[bool] = rx.field(default=False)

    @action(Permission.APPROVAL_READ)
    async def load_waiting(self, asking: Asking) -> None:
        """What waits for a person."""
        found = await asking.ask(asking.engine.approvals.list(asking.actor, status="pending", limit=FEW))
        self.waiting = [waiting_row(item, now=asking.engine.now()) for item in found.items]

    @action(Permission.RUN_READ)
    async def load_stopped(self, asking: Asking) -> None:
        """Live runs that cannot go on by themselves; whoever tries a draft sees in the builder how that went."""
        self.stopped = await _runs(asking, "stopped,failed,paused", mode="live")

    @action(Permission.RUN_READ)
    async def load_running(self, asking: Asking) -> None:
        """Runs under way."""
        found = await asking.ask(asking.engine.runs.list(asking.actor, status="queued,running,waiting", limit=FEW))
        self.running = [await _under_way(asking, run) for run in found.items]

    @action(Permission.RUN_READ)
    async def load_recent(self, asking: Asking) -> None:
        """Runs that ended well or were cancelled."""
        self.recent = await _runs(asking, "succeeded,cancelled")

    @action(Permission.WORKFLOW_READ)
    async def load_workflows(self, asking: Asking) -> None:
        """The workflows; Home is complete with them."""
        found = await asking.ask(asking.engine.workflows.list(asking.actor, limit=FEW))
        self.workflows = [workflow_row(workflow) for workflow in found.items]
        self.is_loaded = True

    @action(Permission.COST_READ)
    async def load_spend(self, asking: Asking) -> None:
        """What was spent today and on the days before."""
        spend = await asking.ask(asking.engine.overview.spend(asking.actor))
        self.spent_today, self.spent_all, self.days = words.money(spend.today_usd), words.money(spend.total_usd), bars(spend)

    @action(Permission.RUN_READ)
    async def load_outcomes(self, asking: Asking) -> None:
        """How the runs of the last days went."""
        self.outcomes = outcomes(await asking.ask(asking.engine.overview.outcomes(asking.actor)))


FRESH: list[Any] = [
    Home.load_waiting,
    Home.load_stopped,
    Home.load_running,
    Home.load_recent,
    Home.load_workflows,
    Home.load_spend,
    Home.load_outcomes,
]
"""What is asked again while somebody looks."""
SLOW: list[Any] = [Home.load_spend, Home.load_outcomes]
"""What changes little, and is asked less often."""


async def _runs(asking: Asking, statuses: str, *, mode: str | None = None) -> list[Row]:
    found = await asking.ask(asking.engine.runs.list(asking.actor, status=statuses, mode=mode, limit=FEW))
    now = asking.engine.now()
    return [run_row(run, now=now) for run in found.items]


async def _under_way(asking: Asking, run: RunView) -> Row:
    row = run_row(run, now=asking.engine.now())
    if run.spent.get("steps", 0) > MOST_STEPS:
        return row
    return on_the_way(row, (await asking.ask(asking.engine.runs.steps(asking.actor, run.id, limit=MOST_STEPS))).items)
