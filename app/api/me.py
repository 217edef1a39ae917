"""Who one is oneself, over HTTP."""

from __future__ import annotations

from fastapi import APIRouter
from pydantic import BaseModel

from app.api.reading import AskingOf, StrictRoute
from engine import Permission

router = APIRouter(prefix="/api/v1", tags=["people"], route_class=StrictRoute)


class Me(BaseModel):
    """Whoever asks, and what they may do."""

    kind: str
    id: str
    name: str
    email: str
    roles: list[str]
    permissions: list[str]


@router.get("/me")
async def me(asking: AskingOf) -> Me:
    """Who asks, and what they may do."""
    actor = asking.actor
    return Me(
        kind=actor.kind,
        id=actor.id,
        name=actor.name,
        email=actor.email,
        roles=sorted(str(role) for role in actor.roles),
        permissions=[str(permission) for permission in Permission if actor.may(permission)],
    )
