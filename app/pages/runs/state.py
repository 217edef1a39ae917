"""The State of the list of runs: which are asked for, and the page of them that is shown."""

from __future__ import annotations

from typing import Any

import reflex as rx

from app.api.reading import Asking
from app.pages.runs.rows import STATUSES, Choice, RunRow, run_row
from app.ui.actions import SIGNED_IN, action
from engine import Permission

FEW = 25
MOST_WORKFLOWS = 200


class Runs(rx.State):
    """Filters as the page holds them; `trail` are the cursors of the pages before."""

    rows: rx.Field[list[RunRow]] = rx.field(default_factory=list)
    workflows: rx.Field[list[Choice]] = rx.field(default_factory=list)
    status: rx.Field[str] = rx.field(default="")
    workflow: rx.Field[str] = rx.field(default="")
    query: rx.Field[str] = rx.field(default="")
    cost: rx.Field[str] = rx.field(default="")
    since: rx.Field[str] = rx.field(default="")
    until: rx.Field[str] = rx.field(default="")
    trail: rx.Field[list[str]] = rx.field(default_factory=list)
    older: rx.Field[str] = rx.field(default="")
    is_filtered: rx.Field[bool] = rx.field(default=False)
    is_loaded: rx.Field[bool] = rx.field(default=False)

    @action(SIGNED_IN)
    async def open(self, asking: Asking) -> None:
        """Starts with what the address asks for."""
        asked = self.router.url.query_parameters.get("status", "")
        self._forget(status=asked if any(asked == choice.value for choice in STATUSES) else "")

    @action(Permission.WORKFLOW_READ)
    async def load_workflows(self, asking: Asking) -> None:
        """The workflows that can be asked for."""
        found = await asking.ask(asking.engine.workflows.list(asking.actor, limit=MOST_WORKFLOWS))
        self.workflows = [Choice(workflow.id, workflow.name) for workflow in found.items]

    @action(Permission.RUN_READ)
    async def load(self, asking: Asking) -> None:
        """The runs that fit."""
        found = await asking.ask(asking.engine.runs.list(asking.actor, limit=FEW, **self._asked()))
        self.rows = [run_row(run, now=asking.engine.now()) for run in found.items]
        self.older, self.is_loaded, self.is_filtered = found.next or "", True, self._is_filtered()

    @action(SIGNED_IN)
    async def ask_for(self, asking: Asking, name: str, value: str) -> Any:
        """Changes one filter; the first page of what fits is shown."""
        if name in FILTERS:
            setattr(self, name, value[:200])
            self.trail = []
        return Runs.load

    @action(SIGNED_IN)
    async def ask_for_all(self, asking: Asking) -> Any:
        """Puts all filters back."""
        self._forget(status="")
        return Runs.load

    @action(SIGNED_IN)
    async def go_older(self, asking: Asking) -> Any:
        """The page behind this one."""
        self.trail = [*self.trail, self.older] if self.older else self.trail
        return Runs.load

    @action(SIGNED_IN)
    async def go_newer(self, asking: Asking) -> Any:
        """The page before this one."""
        self.trail = self.trail[:-1]
        return Runs.load

    def _forget(self, *, status: str) -> None:
        self.status, self.trail, self.is_loaded = status, [], False
        self.workflow = self.query = self.cost = self.since = self.until = ""

    def _is_filtered(self) -> bool:
        return any(getattr(self, name) for name in FILTERS)

    def _asked(self) -> dict[str, Any]:
        return {
            "status": self.status or None,
            "workflow": self.workflow or None,
            "query": self.query or None,
            "cost_gt": _usd(self.cost),
            "since": self.since or None,
            "until": self.until or None,
            "cursor": self.trail[-1] if self.trail else None,
        }


FILTERS = ("status", "workflow", "query", "cost", "since", "until")
FRESH: list[Any] = [Runs.load]
"""What is asked again while somebody looks."""


def _usd(text: str) -> float | None:
    try:
        amount = float(text)
    except ValueError:
        # Somebody is still typing.
        return None
    return amount if 0 <= amount < 1e9 else None
