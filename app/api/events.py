"""What programs tell of the outside world, over HTTP."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter
from pydantic import Field

from app.api.reading import AskingOf, Body, StrictRoute
from engine import Delivered

router = APIRouter(prefix="/api/v1/events", tags=["runs"], route_class=StrictRoute)


class Happened(Body):
    """An event, what it is about, and what comes with it."""

    event: Annotated[str, Field(min_length=1, max_length=200)]
    key: Any = ""
    payload: Any = None


@router.post("")
async def send(asking: AskingOf, body: Happened) -> Delivered:
    """Wake every step that waits for this event and key."""
    return await asking.ask(asking.engine.events.send(asking.actor, body.event, key=body.key, payload=body.payload))
