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
    LastStep,
    Page,
    PinView,
    Previewed,
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


class Try(Body):
    """What of the draft a test run executes; one of `only`, `until` and `from`, each the id of a step."""

    only: Annotated[str | None, Field(max_length=200, description="This step alone, with earlier results of the steps it reads.")] = None
    until: Annotated[str | None, Field(max_length=200, description="What leads to this step, and the step.")] = None
    from_: Annotated[
        str | None, Field(alias="from", max_length=200, description="This step and what follows; earlier results stand in for the rest.")
    ] = None
    base: Annotated[
        str | None, Field(max_length=200, description="The run to take results and inputs from; else the latest ones that fit.")
    ] = None


class Start(Body):
    """What a run starts with."""

    inputs: Any = None
    version: Annotated[int, Field(ge=1, le=2**31)] | None = None
    limits: dict[str, Any] | None = None
    mode: Literal["live", "test"] | None = None
    effects: Annotated[
        Literal["simulated", "real"] | None,
        Field(description="Of a test run: `simulated` (default) gives steps that touch the world their example output; `real` does it."),
    ] = None
    try_: Annotated[Try | None, Field(alias="try", description="Only in test mode; steps that are not executed say why.")] = None


class Pinning(Body):
    """What stands in for running a step."""

    outputs: dict[str, Any]
    port: Annotated[str | None, Field(max_length=200, description="Needed only where the outputs do not tell it.")] = None


class Preview(Body):
    """A template or an expression, and the step of the draft that it stands in."""

    node: Annotated[str, Field(max_length=200)]
    template: str | None = None
    expression: str | None = None
    run_id: Annotated[str, Field(max_length=200)] | None = None
    pins: dict[str, Any] | None = None


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


@router.post("/{workflow}/preview")
async def preview(asking: AskingOf, workflow: str, body: Preview) -> Previewed:
    """What a setting of the draft would be worth, with the values of a run or with examples; changes and runs nothing."""
    return await asking.ask(asking.engine.previews.preview(asking.actor, workflow, **body.model_dump()))


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


@router.get("/{workflow}/pins")
async def pins(asking: AskingOf, workflow: str) -> Page[PinView]:
    """The outputs that stand in for running steps in test runs; all of them."""
    return await asking.ask(asking.engine.pins.list(asking.actor, workflow))


@router.put("/{workflow}/pins/{node}")
async def pin(asking: AskingOf, workflow: str, node: str, body: Pinning) -> PinView:
    """Pin a step's outputs: test runs take them instead of executing it, live runs ignore them."""
    return await asking.ask(asking.engine.pins.set(asking.actor, workflow, node, outputs=body.outputs, port=body.port))


@router.delete("/{workflow}/pins/{node}")
async def unpin(asking: AskingOf, workflow: str, node: str) -> Deleted:
    """Remove a pin: test runs execute the step again."""
    await asking.ask(asking.engine.pins.remove(asking.actor, workflow, node))
    return Deleted(deleted=node)


@router.get("/{workflow}/last-steps")
async def last_steps(asking: AskingOf, workflow: str) -> Page[LastStep]:
    """What each step of the draft did when it last ended, in whichever of the latest runs, and whether it is stale; all of them."""
    return await asking.ask(asking.engine.last_steps.list(asking.actor, workflow))


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
            tried=given.try_.model_dump(by_alias=True, exclude_none=True) if given.try_ else None,
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
