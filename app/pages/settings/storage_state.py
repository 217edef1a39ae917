"""The State of storage: what runs take, and the dialogs in which it is chosen how long they are kept."""

from __future__ import annotations

from typing import Any

import reflex as rx

from app.api.reading import Asking
from app.pages.settings.rows import size
from app.pages.settings.storage_rows import CHOICES, FOR_EVER, OTHER, StorageRow, over_told, storage_rows
from app.ui.actions import SIGNED_IN, action
from engine import Invalid, Permission

FEW = 12


class Storage(rx.State):
    """Rows, sums, and the dialog that is open."""

    rows: rx.Field[list[StorageRow]] = rx.field(default_factory=list)
    number: rx.Field[int] = rx.field(default=0)
    """Of all workflows, drawn or not."""
    is_whole: rx.Field[bool] = rx.field(default=False)
    """Whether all of them are drawn."""
    facts: rx.Field[list[list[str]]] = rx.field(default_factory=list)
    """`[amount, what it is]`."""
    is_loaded: rx.Field[bool] = rx.field(default=False)
    dialog: rx.Field[str] = rx.field(default="")
    """`keep`, `confirm`, or nothing."""
    id: rx.Field[str] = rx.field(default="")
    name: rx.Field[str] = rx.field(default="")
    choice: rx.Field[str] = rx.field(default=FOR_EVER)
    days: rx.Field[str] = rx.field(default="")
    told: rx.Field[str] = rx.field(default="")
    """What would be deleted."""
    wrong: rx.Field[str] = rx.field(default="")

    @action(Permission.WORKFLOW_READ)
    async def load(self, asking: Asking) -> None:
        """What everything takes, as of a minute ago at most."""
        view = await asking.ask(asking.engine.storage.get(asking.actor))
        rows = storage_rows(view.workflows, now=asking.engine.now())
        self.rows, self.number, self.is_loaded = rows if self.is_whole else rows[:FEW], len(rows), True
        self.facts = [
            [size(view.total_bytes), "all runs"],
            [size(view.database_bytes), "the database on disk, its log included"],
            [size(view.free_bytes), "of it free for new runs"],
        ]

    @action(SIGNED_IN)
    async def show_all(self, asking: Asking) -> Any:
        """Every workflow."""
        self.is_whole = True
        return Storage.load

    @action(SIGNED_IN)
    async def show(self, asking: Asking, workflow: str, name: str, choice: str, days: str) -> None:
        """Opens the form for one workflow."""
        self.dialog, self.id, self.name, self.choice, self.days, self.wrong = "keep", workflow, name, choice, days, ""

    @action(SIGNED_IN)
    async def choose(self, asking: Asking, choice: str) -> None:
        """Another length of time."""
        self.choice, self.wrong = choice if any(choice == value for value, _ in CHOICES) else self.choice, ""

    @action(SIGNED_IN)
    async def close(self, asking: Asking) -> None:
        """Closes it."""
        self.dialog = self.wrong = ""

    @action(Permission.SETTINGS_MANAGE)
    async def keep(self, asking: Asking, form: dict[str, Any]) -> Any:
        """Sets it at once where nothing would be deleted; else asks first, in numbers."""
        self.days = str(form.get("days", "")).strip() if self.choice == OTHER else self.choice
        try:
            if (days := _number(self.days)) is not None:
                over = await asking.ask(asking.engine.storage.over(asking.actor, self.id, days=days))
                if over.runs:
                    self.dialog, self.wrong, self.told = "confirm", "", over_told(over, days)
                    return None
            return await self._set(asking, days)
        except Invalid as error:
            self.wrong = error.details["problems"][0]["message"]
            return None

    @action(Permission.SETTINGS_MANAGE)
    async def confirm(self, asking: Asking) -> Any:
        """Sets what was asked about."""
        return await self._set(asking, _number(self.days))

    async def _set(self, asking: Asking, days: int | None) -> Any:
        await asking.ask(asking.engine.storage.keep(asking.actor, self.id, days=days))
        self.dialog = self.wrong = ""
        return Storage.load


def _number(text: str) -> int | None:
    """None: for ever. What is no number is no length of time either, and the engine says so."""
    if text == FOR_EVER:
        return None
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0
