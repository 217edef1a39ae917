"""Home's State: what waits, what stopped, what runs, and the workflows."""

from __future__ import annotations

from typing import Any

import reflex as rx

from app.api.reading import Asking
from app.pages.home.rows import Row, TemplateRow, run_row, waiting_row, workflow_row
from app.ui.actions import action
from engine import Permission

FEW = 5


class Home(rx.State):
    """Rows as Home shows them; each list is one facade call."""

    waiting: rx.Field[list[Row]] = rx.field(default_factory=list)
    stopped: rx.Field[list[Row]] = rx.field(default_factory=list)
    running: rx.Field[list[Row]] = rx.field(default_factory=list)
    recent: rx.Field[list[Row]] = rx.field(default_factory=list)
    workflows: rx.Field[list[Row]] = rx.field(default_factory=list)
    templates: rx.Field[list[TemplateRow]] = rx.field(default_factory=list)
    is_loaded: rx.Field[bool] = rx.field(default=False)

    @action(Permission.APPROVAL_READ)
    async def load_waiting(self, asking: Asking) -> None:
        """What waits for a person."""
        found = await asking.ask(asking.engine.approvals.list(asking.actor, status="pending", limit=FEW))
        self.waiting = [waiting_row(item, now=asking.engine.now()) for item in found.items]

    @action(Permission.RUN_READ)
    async def load_stopped(self, asking: Asking) -> None:
        """Runs that cannot go on by themselves."""
        self.stopped = await _runs(asking, "stopped,failed,paused")

    @action(Permission.RUN_READ)
    async def load_running(self, asking: Asking) -> None:
        """Runs under way."""
        self.running = await _runs(asking, "queued,running,waiting")

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

    @action(Permission.WORKFLOW_READ)
    async def load_templates(self, asking: Asking) -> None:
        """What a workflow can be started from."""
        found = await asking.look(lambda: asking.engine.templates(asking.actor))
        self.templates = [TemplateRow(t["slug"], t["name"], t["description"]) for t in found]

    @action(Permission.WORKFLOW_EDIT)
    async def start_from(self, asking: Asking, slug: str) -> Any:
        """Makes a draft from a template."""
        await asking.ask(asking.engine.workflows.create_from_template(asking.actor, slug))
        return Home.load_workflows


FRESH: list[Any] = [Home.load_waiting, Home.load_stopped, Home.load_running, Home.load_recent, Home.load_workflows]
"""What is asked again while somebody looks."""


async def _runs(asking: Asking, statuses: str) -> list[Row]:
    found = await asking.ask(asking.engine.runs.list(asking.actor, status=statuses, limit=FEW))
    now = asking.engine.now()
    return [run_row(run, now=now) for run in found.items]
