"""Workflows over HTTP: drafts, their checks and versions, and starting a run."""

from __future__ import annotations

import json
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Header, Path, Query, Request, Response
from pydantic import Field

from app.api.reading import DOCUMENT, AskingOf, Body, CursorOf, DocumentOf, LimitOf, StrictRoute
from app.repeats import HOLDS_SECRET
from engine import (
    Checked,
    DifferenceView,
    Page,
    Published,
    RunStarted,
    RunView,
    VersionView,
    WorkflowRow,
    WorkflowSaved,
    WorkflowView,
)

router = APIRouter(prefix="/api/v1/workflows", tags=["workflows"], route_class=StrictRoute)

VersionOf = Annotated[int, Path(ge=1, le=2**31)]
MAX_WAIT_S = 300


class Replacement(Body):
    """A whole document in the draft's place."""

    revision: Annotated[int, Field(ge=0, le=2**53)]
    document: Any


class Edits(Body):
    """Changes of a draft, all or none."""

    revision: Annotated[int, Field(ge=0, le=2**53)]
    ops: list[dict[str, Any]]


class Publication(Body):
    """What a version is published with."""

    note: str | None = None


class Start(Body):
    """What a run starts with."""

    inputs: Any = None
    version: Annotated[int, Field(ge=1, le=2**31)] | None = None
    limits: dict[str, Any] | None = None
    mode: Literal["live", "test"] | None = None
    effects: Literal["simulated", "real"] | None = None


class Deleted(Body):
    """What was deleted."""

    deleted: str


@router.post("", status_code=201, openapi_extra=DOCUMENT)
async def create(asking: AskingOf, document: DocumentOf) -> WorkflowSaved:
    """Create a draft from a document."""
    return await asking.ask(asking.engine.workflows.create(asking.actor, document))


@router.get("")
async def listed(
    asking: AskingOf, cursor: CursorOf, limit: LimitOf = 100, q: Annotated[str, Query(max_length=200)] = ""
) -> Page[WorkflowRow]:
    """List the workflows."""
    return await asking.ask(asking.engine.workflows.list(asking.actor, query=q, limit=limit, cursor=cursor))


@router.post("/validate", openapi_extra=DOCUMENT)
async def validate(asking: AskingOf, document: DocumentOf) -> Checked:
    """Check a document without storing it; runs nothing."""
    return await asking.ask(asking.engine.workflows.validate(asking.actor, document))


@router.get("/{workflow}")
async def one(asking: AskingOf, workflow: str) -> WorkflowView:
    """One workflow with its draft."""
    return await asking.ask(asking.engine.workflows.get(asking.actor, workflow))


@router.put("/{workflow}")
async def replace(asking: AskingOf, workflow: str, body: Replacement) -> WorkflowSaved:
    """Replace the draft."""
    return await asking.ask(asking.engine.workflows.replace(asking.actor, workflow, revision=body.revision, document=body.document))


@router.delete("/{workflow}")
async def delete(asking: AskingOf, workflow: str) -> Deleted:
    """Delete a workflow; its runs and versions stay readable."""
    await asking.ask(asking.engine.workflows.delete(asking.actor, workflow))
    return Deleted(deleted=workflow)


@router.get("/{workflow}/document", response_class=Response)
async def document(asking: AskingOf, workflow: str) -> Response:
    """The draft alone, as a file that can be imported again."""
    found = await asking.ask(asking.engine.workflows.get(asking.actor, workflow))
    text = json.dumps(found.document, indent=1, ensure_ascii=False)
    # A slug has letters, digits and hyphens only: nothing in it could end the header.
    headers = {"Content-Disposition": f'attachment; filename="{found.slug}.json"'}
    return Response(text, media_type="application/json", headers=headers)


@router.post("/{workflow}/restore")
async def restore(asking: AskingOf, workflow: str) -> WorkflowSaved:
    """Bring a deleted workflow back."""
    return await asking.ask(asking.engine.workflows.restore(asking.actor, workflow))


@router.get("/{workflow}/diff")
async def diff(
    asking: AskingOf,
    workflow: str,
    before: Annotated[str, Query(alias="from", max_length=20, description="draft, live, nothing, or a version's number.")] = "live",
    after: Annotated[str, Query(alias="to", max_length=20, description="The same.")] = "draft",
) -> DifferenceView:
    """What changes between two states of a workflow, in sentences."""
    return await asking.ask(asking.engine.changes.between(asking.actor, workflow, before=before, after=after))


@router.post("/{workflow}/ops")
async def edit(asking: AskingOf, workflow: str, body: Edits) -> WorkflowSaved:
    """Edit the draft by operations."""
    return await asking.ask(asking.engine.workflows.edit(asking.actor, workflow, revision=body.revision, ops=body.ops))


@router.post("/{workflow}/publish")
async def publish(request: Request, asking: AskingOf, workflow: str, body: Publication | None = None) -> Published:
    """Publish the draft as an immutable version and put it live; secrets of its triggers are shown this once."""
    published = await asking.ask(asking.engine.workflows.publish(asking.actor, workflow, note=(body and body.note) or ""))
    if any(trigger.secret for trigger in published.triggers):
        setattr(request.state, HOLDS_SECRET, True)
    for trigger in published.triggers:
        # Only whoever asks knows under which name this server is reached.
        if trigger.url is not None:
            trigger.url = str(request.base_url).rstrip("/") + trigger.url
    return published


@router.get("/{workflow}/versions")
async def versions(asking: AskingOf, workflow: str, cursor: CursorOf, limit: LimitOf = 100) -> Page[VersionView]:
    """List the published versions, newest first."""
    return await asking.ask(asking.engine.workflows.versions(asking.actor, workflow, limit=limit, cursor=cursor))


@router.get("/{workflow}/versions/{version}")
async def version(asking: AskingOf, workflow: str, version: VersionOf) -> VersionView:
    """One version with its document."""
    return await asking.ask(asking.engine.workflows.version(asking.actor, workflow, version))


@router.post("/{workflow}/versions/{version}/promote")
async def promote(asking: AskingOf, workflow: str, version: VersionOf) -> VersionView:
    """Put an earlier version live again."""
    return await asking.ask(asking.engine.workflows.promote(asking.actor, workflow, version))


@router.post("/{workflow}/runs", status_code=202, responses={200: {"model": RunView, "description": "It ended within ?wait="}})
async def start(
    asking: AskingOf,
    response: Response,
    workflow: str,
    body: Start | None = None,
    wait: Annotated[float, Query(ge=0, le=MAX_WAIT_S, allow_inf_nan=False, description="Seconds to wait for its end.")] = 0,
    idempotency_key: Annotated[str | None, Header()] = None,
) -> RunStarted | RunView:
    """Start a run of the live version; with `?wait=` the answer is the run if it ended."""
    given, runs = body or Start(), asking.engine.runs
    started = await asking.ask(
        runs.start(
            asking.actor,
            workflow,
            inputs=given.inputs,
            version=given.version,
            limits=given.limits,
            mode=given.mode or "live",
            effects=given.effects,
            key=idempotency_key,
        )
    )
    if not wait:
        return started
    if (ended := await asking.ask(runs.wait(asking.actor, started.run_id, seconds=wait))) is not None:
        response.status_code = 200
        return ended
    now = await asking.ask(runs.get(asking.actor, started.run_id))
    return RunStarted(run_id=now.id, status=now.status)
