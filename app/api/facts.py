"""Facts, entities and what can be said about them, over HTTP."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Response
from pydantic import Field

from app.api.reading import AskingOf, Body, CursorOf, LimitOf, SeveralOf, StrictRoute, joined
from engine import (
    AssertedView,
    EntityDetail,
    EntityView,
    FactDetail,
    FactsRead,
    FactView,
    MergeView,
    Page,
    PredicateView,
)

router = APIRouter(prefix="/api/v1/memory", tags=["memory"], route_class=StrictRoute)

MomentOf = Annotated[str, Query(max_length=40, description="A day, 2026-03-01, or a time in ISO 8601.")]
FACT = {"subject": "Ann Berg", "predicate": "works_at", "object": "Acme", "valid_from": "2026-03-01"}
FactEntry = Annotated[dict[str, Any], Field(examples=[FACT])]


class NewFacts(Body):
    """Facts: each `{subject, predicate, object, …}`.

    Beside these `subject_kind`, `object_kind`, `negated`, `valid_from`, `valid_to`, `confidence`, `visibility`, `owner`, `sensitivity`,
    and `source`: `{kind: run|message|document|episode|person, quote, run_id, path, row_id, said_at}`.
    """

    facts: list[FactEntry]


class Reason(Body):
    """Why."""

    reason: Annotated[str, Field(max_length=2000)] = ""


class Correction(Body):
    """What is to be another; what is left out stays as it is."""

    object: Any = None
    negated: bool | None = None
    valid_from: str | None = None
    valid_to: str | None = None
    quote: Annotated[str, Field(max_length=2000)] = ""
    reason: Annotated[str, Field(max_length=2000)] = ""


class EntityChange(Body):
    """Another description, or other names beside its own."""

    description: str | None = None
    aliases: list[str] = Field(default_factory=list)


class Merge(Body):
    """Two entities that are one: what is dropped is from then on another name of what is kept."""

    keep: str
    drop: str
    reason: Annotated[str, Field(max_length=2000)] = ""


class Unmerge(Body):
    """The merge to undo."""

    merge: str


class NewPredicate(Body):
    """Something that can be said. `cardinality` is one or many, `value_type` entity, text, number, date, boolean or url."""

    name: str
    cardinality: str = "many"
    value_type: str = "text"
    words: str = ""
    inverse: str = ""
    symmetric: bool = False
    description: str = ""


@router.get("/facts")
async def listed(
    asking: AskingOf,
    cursor: CursorOf,
    limit: LimitOf = 100,
    q: Annotated[str, Query(max_length=200, description="Words that stand in the fact or its quote.")] = "",
    entity: Annotated[str, Query(max_length=100)] = "",
    predicate: Annotated[str, Query(max_length=40)] = "",
    status: SeveralOf = None,
    as_of: MomentOf = "",
    known_at: MomentOf = "",
) -> Page[FactView]:
    """List facts: all, what held at a moment (`as_of`), and as it was believed then (`known_at`)."""
    found = asking.engine.facts.list(
        asking.actor, q=q, entity=entity, predicate=predicate, status=joined(status), as_of=as_of, known_at=known_at, limit=limit,
        cursor=cursor,
    )  # fmt: skip
    return await asking.ask(found)


@router.post("/facts", status_code=201)
async def told(asking: AskingOf, body: NewFacts) -> Page[AssertedView]:
    """Tell facts; what became of each, in order. A fact without a receipt that holds is turned away, with the reason."""
    return await asking.ask(asking.engine.facts.tell(asking.actor, body.facts))


# Two words stand here before the address of one fact does: the first that fits answers.
@router.get("/facts/export", response_class=Response, responses={200: {"content": {"application/x-ndjson": {}}}})
async def exported(asking: AskingOf) -> Response:
    """Every fact that is believed, one JSON object a line."""
    text = await asking.ask(asking.engine.facts.export(asking.actor))
    headers = {"Content-Disposition": 'attachment; filename="facts.jsonl"'}
    return Response(text, media_type="application/x-ndjson", headers=headers)


class Lines(Body):
    """Facts as lines of JSON."""

    lines: Annotated[str, Field(max_length=9_000_000)]
    vouched: bool = False
    """Whoever brings them in answers for them; else a person has to look at each."""


@router.post("/facts/import")
async def brought_in(asking: AskingOf, body: Lines) -> FactsRead:
    """Bring in facts that were exported."""
    return await asking.ask(asking.engine.facts.bring_in(asking.actor, body.lines, vouched=body.vouched))


@router.get("/facts/{fact}")
async def got(asking: AskingOf, fact: str) -> FactDetail:
    """One with its quotes and sources, what was believed of it when, and what else was known by the same predicate."""
    return await asking.ask(asking.engine.facts.get(asking.actor, fact))


@router.post("/facts/{fact}/confirm")
async def confirmed(asking: AskingOf, fact: str) -> FactDetail:
    """Say that it is so: what speaks against it gives way."""
    return await asking.ask(asking.engine.facts.confirm(asking.actor, fact))


@router.post("/facts/{fact}/retract")
async def retracted(asking: AskingOf, fact: str, body: Reason) -> FactDetail:
    """Take it back: what it had ended holds again."""
    return await asking.ask(asking.engine.facts.retract(asking.actor, fact, body.reason))


@router.post("/facts/{fact}/correct")
async def corrected(asking: AskingOf, fact: str, body: Correction) -> FactDetail:
    """Put another in its place; the new one."""
    given = {name: getattr(body, name) for name in ("object", "negated", "valid_from", "valid_to") if name in body.model_fields_set}
    if body.quote:
        given["source"] = {"kind": "person", "quote": body.quote}
    return await asking.ask(asking.engine.facts.correct(asking.actor, fact, given, body.reason))


@router.get("/entities")
async def entities(
    asking: AskingOf,
    cursor: CursorOf,
    limit: LimitOf = 100,
    q: Annotated[str, Query(max_length=200, description="A part of the name.")] = "",
    kind: Annotated[str, Query(max_length=100)] = "",
) -> Page[EntityView]:
    """List what facts are about."""
    return await asking.ask(asking.engine.facts.entities.list(asking.actor, q=q, kind=kind, limit=limit, cursor=cursor))


@router.post("/entities/merge")
async def merged(asking: AskingOf, body: Merge) -> MergeView:
    """Say that two are one."""
    return await asking.ask(asking.engine.facts.entities.merge(asking.actor, keep=body.keep, drop=body.drop, reason=body.reason))


@router.post("/entities/unmerge")
async def unmerged(asking: AskingOf, body: Unmerge) -> MergeView:
    """Make them two again."""
    return await asking.ask(asking.engine.facts.entities.unmerge(asking.actor, body.merge))


@router.get("/entities/{entity}")
async def entity(asking: AskingOf, entity: str) -> EntityDetail:
    """One with its other names and what is known of it now."""
    return await asking.ask(asking.engine.facts.entities.get(asking.actor, entity))


@router.patch("/entities/{entity}")
async def entity_changed(asking: AskingOf, entity: str, body: EntityChange) -> EntityDetail:
    """Describe it, or give it other names."""
    return await asking.ask(asking.engine.facts.entities.change(asking.actor, entity, body.model_dump()))


@router.get("/predicates")
async def predicates(asking: AskingOf) -> Page[PredicateView]:
    """List what can be said about an entity."""
    return await asking.ask(asking.engine.facts.entities.predicates(asking.actor))


@router.post("/predicates", status_code=201)
async def predicate_added(asking: AskingOf, body: NewPredicate) -> PredicateView:
    """Add something that can be said."""
    return await asking.ask(asking.engine.facts.entities.add_predicate(asking.actor, body.model_dump()))
