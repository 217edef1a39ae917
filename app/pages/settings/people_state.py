"""The State of people: who works here, what each may do, and one's own password."""

from __future__ import annotations

from typing import Any

import reflex as rx

from app.api.reading import Asking
from app.pages.settings.rows import PersonRow, person_row
from app.ui.actions import SIGNED_IN, action
from engine import Permission, Role, SignalboxError


class People(rx.State):
    """Rows, and the dialog that is open."""

    rows: rx.Field[list[PersonRow]] = rx.field(default_factory=list)
    dialog: rx.Field[str] = rx.field(default="")
    """`add`, `roles`, `password`, `disable`, or nothing."""
    id: rx.Field[str] = rx.field(default="")
    name: rx.Field[str] = rx.field(default="")
    roles: rx.Field[list[str]] = rx.field(default_factory=list)
    problem: rx.Field[str] = rx.field(default="")
    own_problem: rx.Field[str] = rx.field(default="")

    @action(Permission.USER_READ)
    async def load(self, asking: Asking) -> None:
        """Everybody."""
        found = await asking.look(lambda: asking.engine.accounts.list(asking.actor))
        self.rows = [person_row(user, me=asking.actor.user_id) for user in found]

    @action(SIGNED_IN)
    async def show(self, asking: Asking, dialog: str, person: str, name: str, roles: list[str]) -> None:
        """Opens a dialog about a person."""
        self.dialog, self.id, self.name, self.roles, self.problem = dialog, person, name, roles, ""

    @action(SIGNED_IN)
    async def close(self, asking: Asking) -> None:
        """Closes it."""
        self.dialog = self.problem = ""

    @action(Permission.USER_MANAGE)
    async def add(self, asking: Asking, form: dict[str, Any]) -> Any:
        """Adds a person."""
        email, name = str(form.get("email", "")), str(form.get("name", "")) or str(form.get("email", "")).partition("@")[0]
        roles, password = _ticked(form), str(form.get("password", "")) or None
        add = asking.engine.accounts.add
        return await self._done(asking, lambda: add(asking.actor, email=email, name=name, roles=roles, password=password))

    @action(Permission.USER_MANAGE)
    async def change_roles(self, asking: Asking, form: dict[str, Any]) -> Any:
        """Other roles."""
        person, roles = self.id, _ticked(form)
        return await self._done(asking, lambda: asking.engine.accounts.set_roles(asking.actor, person, roles=roles))

    @action(Permission.USER_MANAGE)
    async def change_password(self, asking: Asking, form: dict[str, Any]) -> Any:
        """A new password for somebody."""
        person, password = self.id, str(form.get("password", ""))
        return await self._done(asking, lambda: asking.engine.accounts.set_password(asking.actor, person, password=password))

    @action(Permission.USER_MANAGE)
    async def disable(self, asking: Asking) -> Any:
        """Signs a person out and keeps them out."""
        person = self.id
        return await self._done(asking, lambda: asking.engine.accounts.disable(asking.actor, person))

    @action(Permission.USER_MANAGE)
    async def enable(self, asking: Asking, person: str) -> Any:
        """Lets a person in again."""
        return await self._done(asking, lambda: asking.engine.accounts.enable(asking.actor, person))

    @action(SIGNED_IN)
    async def change_own(self, asking: Asking, form: dict[str, Any]) -> Any:
        """One's own password; everybody who is signed in as this person is signed out by it."""
        old, new = str(form.get("old", "")), str(form.get("new", ""))
        try:
            await asking.look(lambda: asking.engine.accounts.change_password(asking.actor, old=old, new=new))
        except SignalboxError as error:
            self.own_problem = error.message
            return None
        self.own_problem = ""
        return rx.redirect("/login")

    async def _done(self, asking: Asking, work: Any) -> Any:
        try:
            await asking.look(work)
        except SignalboxError as error:
            self.problem = f"{error.message} {error.next_step}".strip()
            return None
        self.dialog = self.problem = ""
        return People.load


def _ticked(form: dict[str, Any]) -> list[str]:
    return [str(role) for role in Role if form.get(f"role-{role}")]
