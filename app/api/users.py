"""People over HTTP: who works here, and what each of them may do."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter
from pydantic import BaseModel, Field

from app.api.paging import page_of
from app.api.reading import AskingOf, Body, CursorOf, LimitOf, StrictRoute
from engine import Invalid, Page, UserView, iso

router = APIRouter(prefix="/api/v1/users", tags=["users"], route_class=StrictRoute)

Text = Annotated[str, Field(max_length=1000)]
Roles = Annotated[list[str], Field(max_length=20)]


class NewUser(Body):
    """An account to add; without a password it can only have API tokens."""

    email: Text
    name: Text = ""
    roles: Roles
    password: Text | None = None


class UserChange(Body):
    """What becomes different; what is left out stays."""

    roles: Roles | None = None
    disabled: bool | None = None
    password: Text | None = None


class Person(BaseModel):
    """One person."""

    id: str
    email: str
    name: str
    roles: list[str]
    created_at: str | None
    disabled_at: str | None
    has_password: bool


def told(user: UserView) -> Person:
    """A person as the API tells it."""
    return Person(
        id=user.id,
        email=user.email,
        name=user.name,
        roles=sorted(str(role) for role in user.roles),
        created_at=iso(user.created_at),
        disabled_at=iso(user.disabled_at),
        has_password=user.has_password,
    )


@router.get("")
async def listed(asking: AskingOf, cursor: CursorOf, limit: LimitOf = 100) -> Page[Person]:
    """List the people."""
    found = await asking.look(lambda: asking.engine.accounts.list(asking.actor))
    return page_of([told(user) for user in found], limit=limit, cursor=cursor)


@router.post("", status_code=201)
async def add(asking: AskingOf, body: NewUser) -> Person:
    """Add a person."""
    name = body.name or body.email.partition("@")[0]
    return told(
        await asking.look(
            lambda: asking.engine.accounts.add(asking.actor, email=body.email, name=name, roles=body.roles, password=body.password)
        )
    )


@router.patch("/{user}")
async def change(asking: AskingOf, user: str, body: UserChange) -> Person:
    """Change a person's roles or password, disable or enable them."""
    return told(await asking.look(lambda: _changed(asking, user, body)))


def _changed(asking: AskingOf, user: str, body: UserChange) -> UserView:
    accounts, by = asking.engine.accounts, asking.actor
    if body.password is not None:
        accounts.set_password(by, user, password=body.password)
    found: UserView | None = None
    if body.roles is not None:
        found = accounts.set_roles(by, user, roles=body.roles)
    if body.disabled is not None:
        found = accounts.disable(by, user) if body.disabled else accounts.enable(by, user)
    # A password alone changes nothing that is told.
    found = found or next((person for person in accounts.list(by) if person.id == user and body.password is not None), None)
    if found is None:
        raise Invalid("There is nothing to change.", hint="Send roles, disabled or password.")
    return found
