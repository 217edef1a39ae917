"""The State of API tokens: which there are, and the text of a new one until its dialog closes."""

from __future__ import annotations

from typing import Any

import reflex as rx

from app.api.reading import Asking
from app.pages.settings.rows import TokenRow, token_row
from app.ui.actions import SIGNED_IN, action
from engine import Permission, Role, SignalboxError

DAYS = {"30": 30, "90": 90, "365": 365, "never": None}


class Tokens(rx.State):
    """Rows, and the dialog that is open."""

    rows: rx.Field[list[TokenRow]] = rx.field(default_factory=list)
    is_all: rx.Field[bool] = rx.field(default=False)
    own_roles: rx.Field[list[str]] = rx.field(default_factory=list)
    """What a token of one's own can have."""
    dialog: rx.Field[str] = rx.field(default="")
    """`create`, `fresh`, `revoke`, or nothing."""
    id: rx.Field[str] = rx.field(default="")
    name: rx.Field[str] = rx.field(default="")
    fresh: rx.Field[str] = rx.field(default="")
    """Shown once."""
    problem: rx.Field[str] = rx.field(default="")

    @action(Permission.TOKEN_OWN)
    async def load(self, asking: Asking) -> None:
        """One's own tokens."""
        tokens, now = asking.engine.tokens, asking.engine.now()
        found = await asking.look(lambda: tokens.list(asking.actor))
        self.rows, self.is_all = [token_row(token, now=now, owners={}) for token in found], False
        self.own_roles, self.fresh, self.dialog = [str(role) for role in Role if role in asking.actor.roles], "", ""

    @action(Permission.TOKEN_MANAGE)
    async def load_all(self, asking: Asking) -> None:
        """Everybody's tokens."""
        engine, now = asking.engine, asking.engine.now()
        found = await asking.look(lambda: engine.tokens.list_all(asking.actor))
        people = await asking.look(lambda: engine.accounts.list(asking.actor))
        owners = {person.id: person.name for person in people}
        self.rows, self.is_all = [token_row(token, now=now, owners=owners) for token in found], True

    @action(SIGNED_IN)
    async def show(self, asking: Asking, dialog: str, token: str, name: str) -> None:
        """Opens a dialog."""
        self.dialog, self.id, self.name, self.problem = dialog, token, name, ""

    @action(SIGNED_IN)
    async def close(self, asking: Asking) -> Any:
        """Closes it; the text of a new token is gone for good."""
        self.dialog = self.fresh = self.problem = ""

    @action(Permission.TOKEN_OWN)
    async def create(self, asking: Asking, form: dict[str, Any]) -> Any:
        """Makes a token."""
        name, days = str(form.get("name", "")), DAYS.get(str(form.get("days", "")), 30)
        roles = [str(role) for role in Role if form.get(f"role-{role}")]
        try:
            made = await asking.look(lambda: asking.engine.tokens.create(asking.actor, name=name, roles=roles, days=days))
        except SignalboxError as error:
            self.problem = error.message
            return None
        await self._reload(asking)
        self.name, self.fresh, self.dialog, self.problem = name, made.text, "fresh", ""
        return None

    @action(Permission.TOKEN_OWN)
    async def revoke(self, asking: Asking) -> None:
        """Ends a token at once."""
        token, self.dialog = self.id, ""
        await asking.look(lambda: asking.engine.tokens.revoke(asking.actor, token))
        await self._reload(asking)

    async def _reload(self, asking: Asking) -> None:
        engine, now = asking.engine, asking.engine.now()
        found = await asking.look(lambda: (engine.tokens.list_all if self.is_all else engine.tokens.list)(asking.actor))
        people = await asking.look(lambda: engine.accounts.list(asking.actor)) if self.is_all else []
        owners = {person.id: person.name for person in people}
        self.rows = [token_row(token, now=now, owners=owners) for token in found]
