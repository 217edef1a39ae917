"""How somebody's fact becomes one that the memory can check: for whom it is, what it cites, and as whom it is looked up."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from sqlmodel import Session

from engine.errors import NotAllowed
from engine.facade.core import Core
from engine.insight.timeline import node_of, plan_or_none
from engine.memory.facts.desk import Cited, Desk, Said, SourceWords
from engine.memory.scope import CUSTOMER, USER, Origin, OriginKind, Reader, Scope, Sensitivity, Trust, Visibility
from engine.people.permissions import Actor
from engine.people.records import Problem, refuse
from engine.roles import Role
from engine.run import codec, events

_SAID_BY_A_MODEL = ("llm", "agent")


class GivenSource(BaseModel):
    """Where a fact is said."""

    model_config = ConfigDict(extra="forbid")

    kind: str = "person"
    quote: str = ""
    run_id: str = ""
    path: str = ""
    row_id: str = ""
    said_at: str | None = None


class GivenFact(BaseModel):
    """A fact as a person or a line of a file tells it."""

    model_config = ConfigDict(extra="forbid")

    subject: str
    predicate: str
    object: Any
    subject_kind: str = ""
    object_kind: str = ""
    negated: bool = False
    valid_from: str | None = None
    valid_to: str | None = None
    confidence: float = Field(default=0.9, gt=0, le=1)
    visibility: Visibility = Visibility.WORKSPACE
    owner: str = ""
    sensitivity: int = Field(default=int(Sensitivity.INTERNAL), ge=0, le=3)
    source: GivenSource = GivenSource()


def reader_of(actor: Actor) -> Reader:
    """As whom somebody with an account reads the memory: what is confidential only auditors, what is secret only administrators."""
    clearance = Sensitivity.INTERNAL
    if Role.AUDITOR in actor.roles:
        clearance = Sensitivity.CONFIDENTIAL
    if Role.ADMIN in actor.roles:
        clearance = Sensitivity.SECRET
    person = f"{USER}{actor.user_id}" if actor.user_id else ""
    return Reader(actor.workspace_id, person=person, clearance=clearance, keeper=True)


def open_desk(core: Core, session: Session, actor: Actor) -> Desk:
    """For what a person does, in a transaction."""
    return Desk(
        session, core.clock.now_us(), core.ids, actor.workspace_id, actor.user_id or actor.label, reader_of(actor),
        core.key.derive("memory tombstones"), lambda run, path: run_words(core, actor.workspace_id, run, path),
    )  # fmt: skip


def run_words(core: Core, workspace_id: str, run_id: str, path: str) -> SourceWords | None:
    """The words that a step of a run has answered. What a model has said is trusted like an agent, anything else like the outside."""
    run = core.reader.run(run_id)
    if run is None or run.workspace_id != workspace_id:
        return None
    rows = core.reader.done(run_id, path)
    event = codec.from_row(rows[-1], core.reader.blob) if rows else None
    if not isinstance(event, events.StepDone):
        return None
    plan = plan_or_none(core.plans.of, run.doc_hash)
    node = plan.nodes.get(node_of(path)) if plan else None
    trust = Trust.AGENT if node is not None and node.kind.kind in _SAID_BY_A_MODEL else Trust.OUTSIDE
    words = "\n".join(_texts(event.outputs))
    return SourceWords(words, Scope(workspace_id), int(Sensitivity.INTERNAL), int(trust), f"{run_id}/{path}", core.clock.now_us())


def _texts(value: Any) -> Iterator[str]:
    match value:
        case str():
            yield value
        case dict():
            for one in value.values():
                yield from _texts(one)
        case list():
            for one in value:
                yield from _texts(one)
        case bool() | None:
            return
        case _:
            yield str(value)


def parsed(given: Any) -> GivenFact:
    """A fact as it was sent. Invalid names each field."""
    try:
        return GivenFact.model_validate(given)
    except ValidationError as error:
        found = error.errors(include_input=False, include_url=False)
        refuse([Problem(".".join(map(str, one["loc"])) or "fact", one["msg"]) for one in found])
        raise


def said_by(actor: Actor, given: GivenFact, *, brought_in: bool = False) -> Said:
    """The fact as its teller vouches for it; `brought_in` without being vouched for. Invalid, NotAllowed for another person's memory."""
    scope = Scope(actor.workspace_id, given.visibility, _owner(actor, given))
    kind = OriginKind.IMPORT if brought_in else OriginKind.PERSON
    cited = given.source
    source = Cited(
        "import" if brought_in else cited.kind, cited.quote, run_id=cited.run_id, path=cited.path, row_id=cited.row_id,
        said_at=moment(cited.said_at, "source.said_at"),
    )  # fmt: skip
    return Said(
        given.subject, given.predicate, given.object, scope, Origin(kind, actor.user_id or actor.label), source,
        subject_kind=given.subject_kind, object_kind=given.object_kind, is_negated=given.negated,
        valid_from=moment(given.valid_from, "valid_from"), valid_to=moment(given.valid_to, "valid_to"), confidence=given.confidence,
        sensitivity=given.sensitivity,
    )  # fmt: skip


def _owner(actor: Actor, given: GivenFact) -> str:
    mine = f"{USER}{actor.user_id}" if actor.user_id else ""
    if given.visibility is not Visibility.PRIVATE:
        return given.owner
    owner = given.owner or mine
    if owner != mine and not owner.startswith(CUSTOMER):
        raise NotAllowed(
            "What is private to somebody with an account only they can tell.", hint=f"Leave owner empty, or begin it with {CUSTOMER}"
        )
    return owner


def moment(told: str | None, field: str) -> int | None:
    """A day or a time in ISO 8601, as microseconds; without a zone it is UTC. Invalid names the field."""
    if told is None or told == "":
        return None
    try:
        at = datetime.fromisoformat(told) if len(told) > 10 else datetime.combine(date.fromisoformat(told), datetime.min.time())
    except ValueError:
        refuse([Problem(field, f"{told[:40]!r} is neither a day, 2026-03-01, nor a time, 2026-03-01T09:00:00Z.")])
        raise
    at = at.replace(tzinfo=UTC) if at.tzinfo is None else at
    return int(at.timestamp() * 1_000_000)
