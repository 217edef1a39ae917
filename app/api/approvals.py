"""The inbox over HTTP: everything that waits for a person, and the decisions."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import Field

from app.api.reading import AskingOf, Body, CursorOf, LimitOf, SeveralOf, StrictRoute, joined
from engine import ApprovalView, BatchResult, Decided, Page

router = APIRouter(prefix="/api/v1/approvals", tags=["approvals"], route_class=StrictRoute)


class Decision(Body):
    """One of the item's choices, bound to what was seen by its digest."""

    decision: Annotated[str, Field(max_length=40)]
    digest: Annotated[str, Field(max_length=200)]
    values: dict[str, Any] | None = None
    reason: Annotated[str | None, Field(max_length=5000)] = None


class Batch(Body):
    """Several decisions, `{id, decision, digest, values?, reason?}`, each with its own result."""

    items: list[dict[str, Any]]


@router.get("")
async def listed(
    asking: AskingOf,
    cursor: CursorOf,
    limit: LimitOf = 100,
    status: SeveralOf = None,
    type_: Annotated[SeveralOf, Query(alias="type")] = None,
) -> Page[ApprovalView]:
    """List what waits, or waited, for a person."""
    statuses, types = joined(status), joined(type_)
    return await asking.ask(asking.engine.approvals.list(asking.actor, status=statuses, type=types, limit=limit, cursor=cursor))


# Stands before /{item}/decide only in the file: the number of parts of the address keeps them apart.
@router.post("/decide")
async def decide_many(asking: AskingOf, body: Batch) -> Page[BatchResult]:
    """Decide several items; each has its own result."""
    return Page(items=await asking.ask(asking.engine.approvals.decide_many(asking.actor, body.items)))


@router.get("/{item}")
async def one(asking: AskingOf, item: str) -> ApprovalView:
    """One item with everything that the decision is about."""
    return await asking.ask(asking.engine.approvals.get(asking.actor, item))


@router.post("/{item}/decide")
async def decide(asking: AskingOf, item: str, body: Decision) -> Decided:
    """Decide one item."""
    return await asking.ask(
        asking.engine.approvals.decide(
            asking.actor, item, decision=body.decision, digest=body.digest, values=body.values, reason=body.reason or ""
        )
    )
