"""Budgets over many runs, over HTTP."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter
from pydantic import Field

from app.api.reading import AskingOf, Body, StrictRoute
from engine import BudgetView, Page

router = APIRouter(prefix="/api/v1/budgets", tags=["money"], route_class=StrictRoute)


class Allowance(Body):
    """What a workflow or an agent may spend a day, or the workspace a month, in USD; null takes the budget away."""

    scope: Literal["workflow", "agent", "workspace"]
    subject: Annotated[str, Field(max_length=200)] = ""
    limit_usd: Annotated[float | None, Field(ge=0, le=1e9, allow_inf_nan=False)]


@router.get("")
async def listed(asking: AskingOf) -> Page[BudgetView]:
    """List the budgets with what was spent of each in its day or month (UTC)."""
    return await asking.ask(asking.engine.budgets.list(asking.actor))


@router.put("")
async def put(asking: AskingOf, body: Allowance) -> BudgetView:
    """Set a budget, or take it away."""
    return await asking.ask(asking.engine.budgets.set(asking.actor, body.scope, body.subject, limit_usd=body.limit_usd))
