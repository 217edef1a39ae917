"""What is known, now or as it was believed on a day, and where it is known from: as far as whoever asks may read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlmodel import Session, col, or_, select

from engine.memory.facts import judging
from engine.memory.facts.entities import group, group_of, group_then, roots, roots_then
from engine.memory.facts.keeping import scope_of
from engine.memory.facts.predicates import Rule, registry
from engine.memory.facts.wording import sentence, told_of
from engine.memory.scope import Reader, readable
from engine.memory.texts import FACTS
from engine.storage.tables import Entity, EntityAlias, Fact, FactSource, FactState, MemoryText

MOST_WORDS = 20


@dataclass(frozen=True, slots=True)
class Known:
    """A fact as it is told, with what was believed of it at the time that was asked about."""

    id: str
    text: str
    subject_id: str
    subject: str
    predicate: str
    object_id: str
    object: Any
    is_negated: bool
    status: str
    reason: str
    confidence: float
    trust: int
    valid_from: int
    valid_to: int | None
    recorded_at: int
    confirmed_by: str
    confirmed_at: int | None
    supersedes: str
    disputes: str
    visibility: str
    owner: str
    sensitivity: int
    scope_key: str
    version: int


@dataclass(frozen=True, slots=True)
class Asked:
    """Which facts are wanted. Times are microseconds."""

    entity_id: str = ""
    predicate: str = ""
    statuses: tuple[str, ...] = ()
    as_of: int | None = None
    """Only what held then."""
    known_at: int | None = None
    """As it was believed then."""
    words: str = ""
    """All of them stand in its sentence or in a quote."""
    ids: tuple[str, ...] | None = None
    after: str = ""
    """Only those with a smaller id: newest first."""
    limit: int = 100


def find(session: Session, reader: Reader, asked: Asked) -> list[Known]:
    """The facts that fit, newest first; with `as_of` only what is believed to have held then."""
    believed_only = asked.as_of is not None and not asked.statuses
    statuses = judging.BELIEVED if believed_only else asked.statuses
    table = Fact if asked.known_at is None else FactState
    where = [readable(reader, Fact), *_fitting(session, asked), *_holding(table, statuses, asked.as_of)]
    if asked.known_at is None:
        rows = session.exec(select(Fact).where(*where).order_by(col(Fact.id).desc()).limit(asked.limit)).all()
        return told(session, reader, [(row, None) for row in rows])
    ends = col(FactState.believed_to)
    where += [col(FactState.believed_from) <= asked.known_at, or_(ends.is_(None), ends > asked.known_at)]
    both = select(Fact, FactState).join(FactState, col(FactState.fact_id) == col(Fact.id)).where(*where)
    pairs = session.exec(both.order_by(col(Fact.id).desc()).limit(asked.limit)).all()
    return told(session, reader, [(fact, state) for fact, state in pairs], known_at=asked.known_at)


def _fitting(session: Session, asked: Asked) -> list[Any]:
    where: list[Any] = []
    if asked.entity_id:
        then = asked.known_at
        ids: Any = group_of(asked.entity_id) if then is None else group_then(session, asked.entity_id, then)
        where.append(or_(col(Fact.subject_id).in_(ids), col(Fact.object_id).in_(ids)))
    if asked.predicate:
        where.append(col(Fact.predicate) == asked.predicate)
    if asked.words:
        texts = select(MemoryText.row_id).where(MemoryText.store == FACTS)
        for word in asked.words.split()[:MOST_WORDS]:
            texts = texts.where(or_(*(col(words).icontains(word, autoescape=True) for words in (MemoryText.text, MemoryText.lead))))
        where.append(col(Fact.id).in_(texts))
    if asked.ids is not None:
        where.append(col(Fact.id).in_(asked.ids))
    if asked.after:
        where.append(col(Fact.id) < asked.after)
    return where


def _holding(table: Any, statuses: Sequence[str], as_of: int | None) -> list[Any]:
    where = [col(table.status).in_(statuses)] if statuses else []
    if as_of is not None:
        where += [col(table.valid_from) <= as_of, or_(col(table.valid_to).is_(None), col(table.valid_to) > as_of)]
    return where


def about(session: Session, reader: Reader, entity_id: str, *, as_of: int, known_at: int | None = None, predicate: str = "") -> list[Known]:
    """What is believed of an entity to have held at a moment, as known now or then."""
    return find(session, reader, Asked(entity_id, predicate, as_of=as_of, known_at=known_at, limit=1000))


def believed(session: Session, reader: Reader, ids: Sequence[str], *, as_of: int) -> dict[str, Known]:
    """Of these facts those that hold at a moment, by id: whoever gives facts to a step checks them with this."""
    return {known.id: known for known in find(session, reader, Asked(ids=tuple(ids), as_of=as_of, limit=len(ids)))}


def told(
    session: Session, reader: Reader, rows: Sequence[tuple[Fact, FactState | None]], *, known_at: int | None = None
) -> list[Known]:  # fmt: skip
    """Facts as they are told. The name of an entity that the reader may not read is left out of them."""
    named = [id_ for fact, _ in rows for id_ in (fact.subject_id, fact.object_id)]
    tops = roots(session, named) if known_at is None else roots_then(session, named, known_at)
    rules: dict[str, dict[str, Rule]] = {}
    found: list[Known] = []
    for fact, state in rows:
        known = rules.setdefault(fact.workspace_id, registry(session, fact.workspace_id))
        found.append(_known(fact, state, reader, tops, known.get(fact.predicate)))
    return found


def _known(fact: Fact, state: FactState | None, reader: Reader, tops: dict[str, Entity], rule: Rule | None) -> Known:
    subject, target = _named(tops.get(fact.subject_id), reader), _named(tops.get(fact.object_id), reader)
    value = target[1] if fact.object_id else fact.object_value
    words = rule.words if rule and rule.words else fact.predicate.replace("_", " ")
    then = state or fact
    return Known(
        id=fact.id, text=sentence(subject[1], words, told_of(value), is_negated=fact.is_negated), subject_id=subject[0], subject=subject[1],
        predicate=fact.predicate, object_id=target[0], object=value, is_negated=fact.is_negated, status=then.status, reason=then.reason,
        confidence=then.confidence, trust=then.trust, valid_from=then.valid_from, valid_to=then.valid_to, recorded_at=fact.recorded_at,
        confirmed_by=fact.confirmed_by, confirmed_at=fact.confirmed_at, supersedes=fact.supersedes_id, disputes=fact.disputes_id,
        visibility=fact.visibility, owner=fact.owner, sensitivity=fact.sensitivity, scope_key=fact.scope_key, version=fact.version,
    )  # fmt: skip


def _named(entity: Entity | None, reader: Reader) -> tuple[str, str]:
    if entity is None:
        return "", ""
    return (entity.id, entity.name) if reader.may_read(scope_of(entity), entity.sensitivity) else ("", "somebody")


def one(session: Session, reader: Reader, fact_id: str) -> tuple[Fact, Known] | None:
    """A fact and how it is told; None where there is none that the reader may read."""
    row = session.exec(select(Fact).where(Fact.id == fact_id, readable(reader, Fact))).first()
    return (row, told(session, reader, [(row, None)])[0]) if row is not None else None


def why(session: Session, reader: Reader, fact_id: str) -> list[FactSource]:
    """Where a fact is known from. A source that the reader may not read is not mentioned, neither by its words nor by its number."""
    wanted = select(FactSource).where(FactSource.fact_id == fact_id, readable(reader, FactSource))
    return [*session.exec(wanted.order_by(col(FactSource.created_at), col(FactSource.id))).all()]


def states(session: Session, fact_id: str) -> list[FactState]:
    """What was believed of a fact, one state after the other."""
    return [*session.exec(select(FactState).where(FactState.fact_id == fact_id).order_by(col(FactState.version))).all()]


def history(session: Session, reader: Reader, fact: Fact) -> list[Known]:
    """Every fact with the same predicate about the same entity that the reader may read, by when it began to hold."""
    ids = group(session, fact.subject_id)
    wanted = select(Fact).where(col(Fact.subject_id).in_(ids), Fact.predicate == fact.predicate, readable(reader, Fact))
    rows = session.exec(wanted.order_by(col(Fact.valid_from), col(Fact.recorded_at), col(Fact.id)).limit(500)).all()
    return told(session, reader, [(row, None) for row in rows])


def aliases(session: Session, reader: Reader, entity: Entity) -> list[str]:
    """Other names of an entity, those of what was merged into it too."""
    ids = group(session, entity.id)
    also = select(EntityAlias).where(col(EntityAlias.entity_id).in_(ids), col(EntityAlias.sensitivity) <= int(reader.clearance))
    names = [row.alias for row in session.exec(also).all()]
    merged = select(Entity).where(col(Entity.id).in_(ids), readable(reader, Entity))
    names += [row.name for row in session.exec(merged).all()]
    return sorted({name for name in names if name != entity.name})


def entities(session: Session, reader: Reader, *, words: str = "", kind: str = "", after: str = "", limit: int = 100) -> list[Entity]:
    """Entities that stand for themselves, newest first; those that only a suspicious source names are left out."""
    doubtful = (judging.QUARANTINED, judging.RETRACTED)
    named = select(Fact.id).where(
        or_(col(Fact.subject_id) == col(Entity.id), col(Fact.object_id) == col(Entity.id)), readable(reader, Fact)
    )
    wanted = select(Entity).where(readable(reader, Entity), Entity.merged_into == "")
    wanted = wanted.where(or_(named.where(col(Fact.status).not_in(doubtful)).exists(), ~named.exists()))
    if words:
        also = select(EntityAlias.entity_id).where(col(EntityAlias.alias_norm).contains(words, autoescape=True))
        wanted = wanted.where(or_(col(Entity.norm_key).contains(words, autoescape=True), col(Entity.id).in_(also)))
    wanted = wanted.where(Entity.kind == kind) if kind else wanted
    wanted = wanted.where(col(Entity.id) < after) if after else wanted
    return [*session.exec(wanted.order_by(col(Entity.id).desc()).limit(limit)).all()]
