"""What runs take in the database, and how long those of a workflow are kept, over HTTP."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter
from pydantic import Field

from app.api.reading import AskingOf, Body, StrictRoute
from engine import RetentionView, StorageView

router = APIRouter(prefix="/api/v1", tags=["storage"], route_class=StrictRoute)


class Retention(Body):
    """How long the runs of a workflow are kept after they have ended; null keeps them for ever."""

    days: Annotated[int | None, Field(ge=1, le=36_500)]


@router.get("/storage")
async def sizes(asking: AskingOf) -> StorageView:
    """What the runs of each workflow take, and the database as a whole; figures may be a minute old."""
    return await asking.ask(asking.engine.storage.get(asking.actor))


@router.get("/workflows/{workflow}/retention")
async def retention(asking: AskingOf, workflow: str) -> RetentionView:
    """How long the runs of a workflow are kept after they have ended."""
    return await asking.ask(asking.engine.storage.retention(asking.actor, workflow))


@router.put("/workflows/{workflow}/retention")
async def keep(asking: AskingOf, workflow: str, body: Retention) -> RetentionView:
    """Set it; runs that are over for longer are deleted within the hour, for good."""
    return await asking.ask(asking.engine.storage.keep(asking.actor, workflow, days=body.days))
