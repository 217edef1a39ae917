"""How a fact is written: with what was believed until now, what it is found by, and that the graph has to catch up."""

from __future__ import annotations

from typing import Any

from sqlmodel import col, select

from engine.memory.facts import judging
from engine.memory.facts.desk import Desk
from engine.memory.facts.entities import roots
from engine.memory.facts.judging import Spell
from engine.memory.facts.wording import day, sentence, told_of
from engine.memory.scope import Scope, Visibility
from engine.memory.texts import FACTS, Findable, drop_texts, put_texts
from engine.storage.tables import Fact, FactChange, FactSource, FactState


def scope_of(row: Any) -> Scope:
    """Whose a row is."""
    return Scope(row.workspace_id, Visibility(row.visibility), row.owner)


def spell(fact: Fact) -> Spell:
    """As judging needs it."""
    return Spell(fact.id, fact.valid_from, fact.valid_to, fact.trust, is_confirmed=bool(fact.confirmed_by))


def write(desk: Desk, fact: Fact, action: str, reason: str = "", **changes: Any) -> None:
    """Changes a fact: what was believed of it ends now, what is believed from now on begins. For a new one `version` is 0."""
    for name, value in changes.items():
        setattr(fact, name, value)
    now = desk.now_us
    if fact.version:
        last = desk.session.get(FactState, (fact.id, fact.version))
        if last is not None and last.believed_to is None:
            last.believed_to = now
            desk.session.add(last)
    fact.version += 1
    if reason or "status" in changes:
        fact.reason = reason
    fact.retracted_at = (fact.retracted_at or now) if fact.status == judging.RETRACTED else None
    desk.session.add(fact)
    desk.session.add(
        FactState(
            fact_id=fact.id, version=fact.version, workspace_id=fact.workspace_id, believed_from=now, believed_to=None, status=fact.status,
            valid_from=fact.valid_from, valid_to=fact.valid_to, confidence=fact.confidence, trust=fact.trust, action=action,
            reason=reason, by=desk.by,
        )
    )  # fmt: skip
    desk.session.flush()
    touch(desk, fact)


def touch(desk: Desk, fact: Fact) -> None:
    """What it is found by is made anew, and the graph hears of it."""
    desk.session.add(FactChange(workspace_id=fact.workspace_id, fact_id=fact.id, at=desk.now_us))
    if fact.status == judging.RETRACTED:
        drop_texts(desk.session, FACTS, [fact.id], now_us=desk.now_us)
        return
    put_texts(desk.session, [_findable(desk, fact)], now_us=desk.now_us)


def wording_of(desk: Desk, fact: Fact) -> str:
    """The fact as a sentence."""
    tops = roots(desk.session, (fact.subject_id, fact.object_id))
    subject = tops[fact.subject_id].name if fact.subject_id in tops else fact.subject_id
    told = tops[fact.object_id].name if fact.object_id in tops else told_of(fact.object_value)
    rule = desk.rule(fact.predicate)
    return sentence(subject, rule.words or fact.predicate.replace("_", " "), told, is_negated=fact.is_negated)


def _findable(desk: Desk, fact: Fact) -> Findable:
    text = wording_of(desk, fact)
    if fact.valid_to is not None:
        # Whoever reads only this text must not take it for how things are.
        text = f"From {day(fact.valid_from)} until {day(fact.valid_to)}: {text}"
    return Findable(
        FACTS, fact.id, scope_of(fact), text, fact.valid_from, sensitivity=fact.sensitivity, trust=fact.trust, part_of=fact.subject_id,
        stamp=day(fact.valid_from), lead=_quote(desk, fact), is_quarantined=fact.status in judging.WAITING,
    )  # fmt: skip


def _quote(desk: Desk, fact: Fact) -> str:
    """Words of a source that whoever may read the fact may read too."""
    open_to_all = (fact.scope_key, Scope(fact.workspace_id).key, Scope(fact.workspace_id, Visibility.ORGANISATION).key)
    wanted = select(FactSource.quote).where(
        FactSource.fact_id == fact.id, FactSource.sensitivity <= fact.sensitivity, col(FactSource.scope_key).in_(open_to_all)
    )
    return desk.session.exec(wanted.order_by(col(FactSource.created_at), col(FactSource.id)).limit(1)).first() or ""


def weigh(desk: Desk, fact: Fact) -> tuple[int, float]:
    """Trust and confidence of a fact by all its sources."""
    found = desk.session.exec(select(FactSource).where(FactSource.fact_id == fact.id)).all()
    return judging.sure([(row.origin, row.trust, row.confidence) for row in found])
