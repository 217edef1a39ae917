"""Runs over HTTP: looking at them, watching them, stopping and resuming them."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Header, Path, Query, Request, Response
from pydantic import BeforeValidator, Field
from starlette.responses import StreamingResponse

from app.api.reading import AskingOf, Body, CursorOf, LimitOf, SeveralOf, StrictRoute, joined, none_if_empty
from app.api.stream import frames
from engine import EventView, ForkBill, Invalid, Page, RunDocument, RunView, StepView

router = APIRouter(prefix="/api/v1/runs", tags=["runs"], route_class=StrictRoute)

STREAM = "text/event-stream"
MAX_SEQ = 2**62
BodiesOf = Annotated[
    Literal["whole", "reference"],
    Query(description="`reference`: in place of a body over 8 kB stands `{$ref, field, bytes}`, the address that has it in that field."),
]
Amount = Annotated[float, Field(ge=0, le=1e9, allow_inf_nan=False)]


class Cancellation(Body):
    """Why a run is cancelled."""

    reason: Annotated[str | None, Field(max_length=2000)] = None


class Resumption(Body):
    """With which limits, absolute ones, a run goes on."""

    limits: dict[str, Any] | None = None


class Fork(Body):
    """From which step, and what differs: values by the names that expressions use, `inputs.amount`, `nodes.draft.text`."""

    from_path: Annotated[str, Field(min_length=1, max_length=1000)]
    changes: dict[str, Any] = Field(default_factory=dict)
    limits: dict[str, Any] | None = None
    mode: Literal["live", "test"] | None = None
    effects: Literal["simulated", "real"] | None = None


@router.get("")
async def listed(
    asking: AskingOf,
    cursor: CursorOf,
    limit: LimitOf = 100,
    status: SeveralOf = None,
    workflow: Annotated[str | None, Query(max_length=200)] = None,
    q: Annotated[str | None, Query(max_length=200)] = None,
    cost_gt: Annotated[Amount | None, BeforeValidator(none_if_empty), Query(description="USD")] = None,
    since: Annotated[str | None, Query(alias="from", max_length=40, description="ISO 8601")] = None,
    until: Annotated[str | None, Query(alias="to", max_length=40, description="ISO 8601")] = None,
) -> Page[RunView]:
    """List the runs, newest first; in place of inputs or output over 8 kB stands `{$ref, field, bytes}`."""
    return await asking.ask(
        asking.engine.runs.list(
            asking.actor,
            status=joined(status),
            workflow=workflow,
            query=q,
            cost_gt=cost_gt,
            since=since,
            until=until,
            limit=limit,
            cursor=cursor,
        )
    )


@router.get("/{run}")
async def one(asking: AskingOf, run: str) -> RunView:
    """One run with its inputs, output, use and limits."""
    return await asking.ask(asking.engine.runs.get(asking.actor, run))


@router.get("/{run}/steps")
async def steps(asking: AskingOf, run: str, cursor: CursorOf, limit: LimitOf = 100) -> Page[StepView]:
    """The steps in the order they started; in place of a body over 8 kB stands `{$ref, field, bytes}`, the address that has it whole."""
    return await asking.ask(asking.engine.runs.steps(asking.actor, run, limit=limit, cursor=cursor))


# Step paths hold slashes and # (draft#2/ok); the latter is written %23 in an address.
@router.get("/{run}/steps/{path:path}")
async def step(asking: AskingOf, run: str, path: str) -> StepView:
    """One step with its bodies whole."""
    return await asking.ask(asking.engine.runs.step(asking.actor, run, path))


@router.get("/{run}/events", response_model=Page[EventView], responses={200: {"content": {STREAM: {}}}})
async def events(
    request: Request,
    asking: AskingOf,
    run: str,
    cursor: CursorOf,
    limit: LimitOf = 100,
    bodies: BodiesOf = "whole",
    last_event_id: Annotated[str | None, Header()] = None,
) -> Response:
    """The journal as JSON, or with `Accept: text/event-stream` as a stream that ends with the run."""
    runs, is_whole = asking.engine.runs, bodies == "whole"
    if STREAM not in request.headers.get("accept", ""):
        after = _seq(cursor, field="cursor")
        told = await asking.ask(runs.events_json(asking.actor, run, after=after, limit=limit, is_whole=is_whole))
        return Response(told, media_type="application/json")
    after = _seq(last_event_id, field="Last-Event-ID") if last_event_id else _seq(cursor, field="after")
    # Asked first: a run that does not exist is a 404, not a stream that ends at once.
    await asking.ask(runs.events(asking.actor, run, limit=1))
    items = runs.watch(asking.actor, run, after=after, is_whole=is_whole)
    return StreamingResponse(frames(items), media_type=STREAM, headers={"X-Accel-Buffering": "no"})


@router.get("/{run}/events/{seq}")
async def event(asking: AskingOf, run: str, seq: Annotated[int, Path(ge=1, le=MAX_SEQ)]) -> EventView:
    """One event with its bodies whole."""
    return await asking.ask(asking.engine.runs.event(asking.actor, run, seq))


@router.get("/{run}/document")
async def document(asking: AskingOf, run: str) -> RunDocument:
    """What the run runs: the document of its version, or the draft as a test run found it."""
    return await asking.ask(asking.engine.runs.document(asking.actor, run))


@router.post("/{run}/cancel")
async def cancel(asking: AskingOf, run: str, body: Cancellation | None = None) -> RunView:
    """Cancel a run."""
    return await asking.ask(asking.engine.runs.cancel(asking.actor, run, reason=(body and body.reason) or ""))


@router.post("/{run}/pause")
async def pause(asking: AskingOf, run: str, body: Cancellation | None = None) -> RunView:
    """Let a run stand still at its next checkpoint, until it is resumed."""
    return await asking.ask(asking.engine.runs.pause(asking.actor, run, reason=(body and body.reason) or ""))


@router.post("/{run}/retry")
async def retry(asking: AskingOf, run: str) -> RunView:
    """Go on with a failed run from the step that failed."""
    return await asking.ask(asking.engine.runs.retry(asking.actor, run))


@router.post("/{run}/fork", status_code=202, responses={200: {"model": ForkBill}})
async def fork(asking: AskingOf, run: str, body: Fork, dry_run: bool = False) -> Response:
    """Start another run from a step of this one with other values; with `dry_run=1` only tell what that would reuse, repeat and cost."""
    runs, actor = asking.engine.runs, asking.actor
    if dry_run:
        bill = await asking.ask(runs.fork_bill(actor, run, body.from_path))
        return Response(bill.model_dump_json(), media_type="application/json")
    asked = runs.fork(actor, run, body.from_path, changes=body.changes, limits=body.limits, mode=body.mode, effects=body.effects)
    return Response((await asking.ask(asked)).model_dump_json(), status_code=202, media_type="application/json")


@router.post("/{run}/resume")
async def resume(asking: AskingOf, run: str, body: Resumption | None = None) -> RunView:
    """Go on with a paused, stopped or failed run, with other limits if they are given."""
    return await asking.ask(asking.engine.runs.resume(asking.actor, run, limits=body.limits if body else None))


def _seq(text: str | None, *, field: Literal["cursor", "after", "Last-Event-ID"]) -> int:
    if text is None:
        return 0
    if not text.isascii() or not text.isdigit() or int(text[:30]) > MAX_SEQ:
        message = "This is the seq of an event: a number from 0 on."
        raise Invalid(f"{field}: {message}", details={"problems": [{"field": field, "message": message}]})
    return int(text)
