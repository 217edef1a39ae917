"""The State of what is kept from models: who must not read it, which kinds, and the workspace's own words."""

from __future__ import annotations

from typing import Any

import reflex as rx

from app.api.reading import Asking
from app.ui.actions import action
from engine import MASKED_KINDS, Invalid, MaskingChoices, Permission


class Masked(rx.State):
    """Fields of the card."""

    mode: rx.Field[str] = rx.field(default="")
    """Empty until it is known."""
    kinds: rx.Field[list[str]] = rx.field(default_factory=list)
    words: rx.Field[str] = rx.field(default="")
    wrong: rx.Field[dict[str, str]] = rx.field(default_factory=dict)
    is_saved: rx.Field[bool] = rx.field(default=False)

    @action(Permission.SETTINGS_READ)
    async def load_masking(self, asking: Asking) -> None:
        """What was chosen."""
        self._take(await asking.ask(asking.engine.masking.get(asking.actor)))
        self.wrong, self.is_saved = {}, False

    @action(Permission.SETTINGS_MANAGE)
    async def save_masking(self, asking: Asking, form: dict[str, Any]) -> None:
        """Another choice, for the calls that start from now on."""
        kinds = [kind for kind in MASKED_KINDS if form.get(f"kind-{kind}")]
        words = [word.strip() for word in str(form.get("words", "")).splitlines()]
        given = {"mode": str(form.get("mode", "off")), "kinds": kinds, "words": [word for word in words if word]}
        try:
            self._take(await asking.ask(asking.engine.masking.change(asking.actor, given)))
        except Invalid as error:
            self.wrong, self.is_saved = {p["field"].split("[")[0]: p["message"] for p in error.details["problems"]}, False
            return
        self.wrong, self.is_saved = {}, True

    def _take(self, chosen: MaskingChoices) -> None:
        self.mode, self.kinds, self.words = chosen.mode, chosen.kinds, "\n".join(chosen.words)
