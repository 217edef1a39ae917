"""The State of the page of colleagues: their cards, and the dialog in which one is made."""

from __future__ import annotations

from typing import Any

import reflex as rx

from app.api.reading import Asking
from app.pages.agents.rows import Card, card
from app.ui.actions import SIGNED_IN, action
from engine import Invalid, Permission


class Agents(rx.State):
    """Cards, and whether the dialog is open."""

    cards: rx.Field[list[Card]] = rx.field(default_factory=list)
    is_loaded: rx.Field[bool] = rx.field(default=False)
    dialog: rx.Field[str] = rx.field(default="")
    """`new`, or nothing."""
    wrong: rx.Field[dict[str, str]] = rx.field(default_factory=dict)
    """Field -> what is wrong with it."""

    @action(Permission.AGENT_READ)
    async def open(self, asking: Asking) -> None:
        """A page that was just opened has no dialog."""
        self.dialog, self.wrong = "", {}

    @action(Permission.AGENT_READ)
    async def load(self, asking: Asking) -> None:
        """All of them, with what they have spent by now."""
        found = await asking.ask(asking.engine.agents.list(asking.actor))
        self.cards, self.is_loaded = [card(agent) for agent in found.items], True

    @action(SIGNED_IN)
    async def show(self, asking: Asking, dialog: str) -> None:
        """Opens a dialog, or closes it."""
        self.dialog, self.wrong = dialog, {}

    @action(Permission.AGENT_MANAGE)
    async def create(self, asking: Asking, form: dict[str, Any]) -> Any:
        """Makes one and opens its page."""
        typed = {name: str(form.get(name, "")) for name in ("name", "duty", "mark", "colour")}
        written = {"name": typed["name"], "duty": typed["duty"], "face": {"mark": typed["mark"], "colour": typed["colour"]}}
        try:
            made = await asking.ask(asking.engine.agents.create(asking.actor, written))
        except Invalid as error:
            self.wrong = {problem["field"]: problem["message"] for problem in error.details["problems"]}
            return None
        self.dialog = ""
        return rx.redirect(f"/agents/{made.slug}")


FRESH: list[Any] = [Agents.load]
"""What is asked again while somebody looks."""
