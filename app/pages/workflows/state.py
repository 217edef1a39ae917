"""The State of the page of workflows: what is looked for, what was found, and which dialog is open."""

from __future__ import annotations

from typing import Any, Literal, cast

import reflex as rx

from app.api.reading import Asking
from app.pages.workflows.rows import Line, line
from app.ui.actions import SIGNED_IN, action
from engine import Permission

PAGE = 50
ORDERS = ("changed", "name", "run")
EMPTY: dict[str, Any] = {"format": "signalbox/1", "name": "New workflow", "nodes": [], "edges": []}


class Workflows(rx.State):
    """Lines as the page shows them; one facade call each time."""

    lines: rx.Field[list[Line]] = rx.field(default_factory=list)
    query: rx.Field[str] = rx.field(default="")
    order: rx.Field[str] = rx.field(default="changed")
    most: rx.Field[int] = rx.field(default=PAGE)
    has_more: rx.Field[bool] = rx.field(default=False)
    is_loaded: rx.Field[bool] = rx.field(default=False)
    dialog: rx.Field[str] = rx.field(default="")
    """`import`, `versions`, `delete`, or nothing."""
    chosen: rx.Field[str] = rx.field(default="")
    """Of the workflow that the dialog is about."""
    chosen_name: rx.Field[str] = rx.field(default="")
    gone: rx.Field[str] = rx.field(default="")
    """Of the workflow that was just deleted."""

    @action(Permission.WORKFLOW_READ)
    async def open(self, asking: Asking) -> None:
        """A page that was just opened has no dialog and looks for nothing in particular."""
        self.query, self.most, self.dialog, self.gone = "", PAGE, "", ""

    @action(Permission.WORKFLOW_READ)
    async def load(self, asking: Asking) -> None:
        """The workflows that are looked for."""
        order = cast("Literal['changed', 'name', 'run']", self.order)
        found = await asking.ask(asking.engine.shelf.lines(asking.actor, query=self.query, order=order, limit=self.most + 1))
        now = asking.engine.now()
        self.lines, self.has_more, self.is_loaded = [line(one, now=now) for one in found[: self.most]], len(found) > self.most, True

    @action(Permission.WORKFLOW_READ)
    async def search(self, asking: Asking, words: str) -> Any:
        """Looks for workflows by their name."""
        self.query, self.most = str(words)[:200], PAGE
        return Workflows.load

    @action(Permission.WORKFLOW_READ)
    async def sort(self, asking: Asking, order: str) -> Any:
        """Another order."""
        self.order = order if order in ORDERS else "changed"
        return Workflows.load

    @action(Permission.WORKFLOW_READ)
    async def more(self, asking: Asking) -> Any:
        """A longer list."""
        self.most += PAGE
        return Workflows.load

    @action(Permission.WORKFLOW_EDIT)
    async def create(self, asking: Asking) -> Any:
        """Makes an empty draft and opens it."""
        made = await asking.ask(asking.engine.workflows.create(asking.actor, EMPTY))
        return rx.redirect(f"/workflows/{made.id}")

    @action(SIGNED_IN)
    async def show(self, asking: Asking, dialog: str, workflow: str, name: str) -> None:
        """Opens a dialog about a workflow, or about none."""
        self.dialog, self.chosen, self.chosen_name = dialog, workflow, name

    @action(SIGNED_IN)
    async def close(self, asking: Asking) -> None:
        """Closes the dialog."""
        self.dialog = ""

    @action(Permission.WORKFLOW_EDIT)
    async def delete(self, asking: Asking) -> Any:
        """Deletes the chosen workflow; for a while it can be taken back."""
        self.dialog = ""
        await asking.ask(asking.engine.workflows.delete(asking.actor, self.chosen))
        self.gone = self.chosen
        return Workflows.load

    @action(Permission.WORKFLOW_EDIT)
    async def undo(self, asking: Asking) -> Any:
        """Brings back what was just deleted."""
        gone, self.gone = self.gone, ""
        await asking.ask(asking.engine.workflows.restore(asking.actor, gone))
        return Workflows.load

    @action(SIGNED_IN)
    async def forget(self, asking: Asking) -> None:
        """The time to take it back is over."""
        self.gone = ""

    @action(Permission.WORKFLOW_READ)
    async def published(self, asking: Asking, version: int) -> Any:
        """Another version is live."""
        return Workflows.load


FRESH: list[Any] = [Workflows.load]
"""What is asked again while somebody looks."""
