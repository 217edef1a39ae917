"""What is told of facts, entities and predicates."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel

from engine.clock import iso
from engine.memory.facts.predicates import Rule
from engine.memory.facts.reading import Known
from engine.storage.tables import EntityMerge, FactSource, FactState


class FactView(BaseModel):
    """One thing that is known of an entity."""

    id: str
    text: str
    """As a sentence."""
    subject: str
    subject_id: str
    predicate: str
    object: Any
    object_id: str
    """Empty where it is a value."""
    negated: bool
    status: str
    """candidate, active, confirmed, disputed, superseded, retracted or quarantined."""
    reason: str
    confidence: float
    trust: int
    """0 from outside, 1 from an agent, 2 recorded by the engine, 3 from a person."""
    valid_from: str | None
    valid_to: str | None
    recorded_at: str | None
    confirmed_by: str
    confirmed_at: str | None
    supersedes: str
    disputes: str
    visibility: str
    owner: str
    sensitivity: int


class SourceView(BaseModel):
    """Where a fact is known from."""

    kind: str
    """run, message, document, episode, person or import."""
    quote: str
    run_id: str
    path: str
    row_id: str
    char_start: int | None
    char_end: int | None
    origin: str
    trust: int
    confidence: float
    said_at: str | None
    recorded_at: str | None
    model: str


class StateView(BaseModel):
    """What was believed of a fact, from one moment to the next."""

    believed_from: str | None
    believed_to: str | None
    status: str
    valid_from: str | None
    valid_to: str | None
    confidence: float
    trust: int
    action: str
    reason: str
    by: str


class FactDetail(FactView):
    """A fact with its receipts."""

    sources: list[SourceView]
    """Those that whoever asks may read; others are not mentioned."""
    states: list[StateView]
    history: list[FactView]
    """Everything known of the same entity by the same predicate, by when it began to hold."""
    item: str = ""
    """The inbox item that waits for a decision about it."""


class AssertedView(BaseModel):
    """What became of a fact that was told."""

    result: str
    """added, reinforced, superseded (it is history), disputed, candidate, quarantined or rejected."""
    fact: str
    why: str
    ended: list[str]
    duplicates: list[str]
    item: str


class EntityView(BaseModel):
    """Somebody or something that facts are about."""

    id: str
    name: str
    kind: str
    description: str
    visibility: str
    owner: str
    sensitivity: int
    merged_into: str = ""


class MergeView(BaseModel):
    """That two entities were said to be one."""

    id: str
    keep: str
    drop: str
    reason: str
    at: str | None
    by: str
    undone_at: str | None
    changed: list[str]
    """Facts that contradicted each other."""
    left: list[str] = []
    """Of an undone one: facts that somebody has changed since, which stay as they are."""


class EntityDetail(EntityView):
    """An entity with what is known of it now."""

    aliases: list[str]
    about: list[FactView]
    merges: list[MergeView]


class PredicateView(BaseModel):
    """What can be said about an entity."""

    name: str
    cardinality: str
    value_type: str
    words: str
    inverse: str
    symmetric: bool
    description: str
    built_in: bool


class FactsRead(BaseModel):
    """What came of lines that were brought in."""

    lines: int
    results: dict[str, int]
    rejected: list[dict[str, Any]]
    """`{line, why}`, the first hundred."""


def fact_fields(known: Known) -> dict[str, Any]:
    """The fields of a FactView."""
    return dict(
        id=known.id, text=known.text, subject=known.subject, subject_id=known.subject_id, predicate=known.predicate, object=known.object,
        object_id=known.object_id, negated=known.is_negated, status=known.status, reason=known.reason, confidence=known.confidence,
        trust=known.trust, valid_from=iso(known.valid_from), valid_to=iso(known.valid_to), recorded_at=iso(known.recorded_at),
        confirmed_by=known.confirmed_by, confirmed_at=iso(known.confirmed_at), supersedes=known.supersedes, disputes=known.disputes,
        visibility=known.visibility, owner=known.owner, sensitivity=known.sensitivity,
    )  # fmt: skip


def source_view(row: FactSource) -> SourceView:
    """As it is told."""
    return SourceView(
        kind=row.kind, quote=row.quote, run_id=row.run_id, path=row.path, row_id=row.row_id, char_start=row.char_start,
        char_end=row.char_end, origin=row.origin, trust=row.trust, confidence=row.confidence, said_at=iso(row.said_at),
        recorded_at=iso(row.created_at), model=row.model,
    )  # fmt: skip


def state_view(row: FactState) -> StateView:
    """As it is told."""
    return StateView(
        believed_from=iso(row.believed_from), believed_to=iso(row.believed_to), status=row.status, valid_from=iso(row.valid_from),
        valid_to=iso(row.valid_to), confidence=row.confidence, trust=row.trust, action=row.action, reason=row.reason, by=row.by,
    )  # fmt: skip


def merge_view(row: EntityMerge, left: list[str] | None = None) -> MergeView:
    """As it is told."""
    return MergeView(
        id=row.id, keep=row.keep_id, drop=row.drop_id, reason=row.reason, at=iso(row.created_at), by=row.created_by,
        undone_at=iso(row.undone_at), changed=[one["fact"] for one in row.changed], left=left or [],
    )  # fmt: skip


def predicate_view(rule: Rule) -> PredicateView:
    """As it is told."""
    return PredicateView(
        name=rule.name, cardinality=rule.cardinality, value_type=rule.value_type, words=rule.words, inverse=rule.inverse,
        symmetric=rule.symmetric, description=rule.description, built_in=rule.is_built_in,
    )  # fmt: skip
