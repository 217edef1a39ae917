"""What workflows are built from, over HTTP: node kinds, models and templates."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter
from pydantic import Field

from app.api.reading import AskingOf, Body, CursorOf, LimitOf, StrictRoute
from engine import ModelTried, Page, WorkflowSaved

router = APIRouter(prefix="/api/v1", tags=["building"], route_class=StrictRoute)


@router.get("/kinds")
async def kinds(asking: AskingOf, cursor: CursorOf, limit: LimitOf = 100) -> Page[dict[str, Any]]:
    """The node kinds with their settings, ports and outputs."""
    return _page(await asking.look(lambda: asking.engine.kinds(asking.actor)), limit, cursor)


@router.get("/models")
async def models(asking: AskingOf, cursor: CursorOf, limit: LimitOf = 100) -> Page[dict[str, Any]]:
    """The models that can be used, and their prices."""
    return _page(await asking.ask(asking.engine.models(asking.actor)), limit, cursor)


class Trial(Body):
    """Which model to ask."""

    model: Annotated[str, Field(max_length=200)] = "default"


@router.post("/models/try")
async def try_model(asking: AskingOf, body: Trial | None = None) -> ModelTried:
    """Ask a model one short question: whether it answers, and what that cost."""
    return await asking.ask(asking.engine.model_settings.try_out(asking.actor, (body or Trial()).model))


@router.get("/templates")
async def templates(asking: AskingOf, cursor: CursorOf, limit: LimitOf = 100) -> Page[dict[str, Any]]:
    """Workflows to begin with."""
    return _page(await asking.look(lambda: asking.engine.templates(asking.actor)), limit, cursor)


@router.post("/templates/{slug}/workflows", status_code=201)
async def begin(asking: AskingOf, slug: str) -> WorkflowSaved:
    """Create a draft from a template."""
    return await asking.ask(asking.engine.workflows.create_from_template(asking.actor, slug))


def _page(items: list[dict[str, Any]], limit: int, cursor: str | None) -> Page[dict[str, Any]]:
    # These lists are as long as the program text makes them: the place in the list is cursor enough.
    start = int(cursor) if cursor and cursor.isascii() and cursor.isdigit() and len(cursor) < 10 else 0
    return Page(items=items[start : start + limit], next=str(start + limit) if len(items) > start + limit else None)
