"""Secrets over HTTP: names are told, values only ever go in."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter
from pydantic import Field

from app.api.paging import page_of
from app.api.reading import Asking, AskingOf, Body, CursorOf, LimitOf, StrictRoute
from engine import Page, SecretView

router = APIRouter(prefix="/api/v1/secrets", tags=["settings"], route_class=StrictRoute)


class Value(Body):
    """What is kept secret, and where steps may send it; what is left out of `hosts` and `header` stays as it is stored."""

    value: Annotated[str, Field(max_length=20_000, repr=False)]
    hosts: Annotated[list[Annotated[str, Field(max_length=300)]] | None, Field(max_length=1_000)] = None
    header: Annotated[str | None, Field(max_length=200)] = None


class NewSecret(Value):
    """A secret to keep; a model provider's key under its usual name, such as OPENAI_API_KEY."""

    name: Annotated[str, Field(max_length=200)]


class Removed(Body):
    """What is gone."""

    removed: str


@router.get("")
async def listed(asking: AskingOf, cursor: CursorOf, limit: LimitOf = 100) -> Page[SecretView]:
    """List the names of the secrets."""
    found = await asking.look(lambda: asking.engine.secrets.list(asking.actor))
    return page_of(found, limit=limit, cursor=cursor, key="name")


@router.post("", status_code=201)
async def add(asking: AskingOf, body: NewSecret) -> SecretView:
    """Store a secret, or another value in its place."""
    return await asking.look(lambda: _put(asking, body.name, body))


@router.put("/{name}")
async def put(asking: AskingOf, name: str, body: Value) -> SecretView:
    """The same, with the name in the address."""
    return await asking.look(lambda: _put(asking, name, body))


@router.delete("/{name}")
async def remove(asking: AskingOf, name: str) -> Removed:
    """Forget a secret at once."""
    await asking.look(lambda: asking.engine.secrets.remove(asking.actor, name))
    return Removed(removed=name)


def _put(asking: Asking, name: str, body: Value) -> SecretView:
    return asking.engine.secrets.put(asking.actor, name, value=body.value, hosts=body.hosts, header=body.header)
