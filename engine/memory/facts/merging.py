"""How two entities become one, and two again: facts keep the entity that they were told about, only what they stand for changes."""

from __future__ import annotations

from typing import Any

from sqlmodel import col, or_, select

from engine.errors import Conflict, Invalid, NotFound
from engine.memory.facts import judging, review
from engine.memory.facts.asserting import ask_about, related, rivals, settle
from engine.memory.facts.desk import Desk
from engine.memory.facts.entities import group
from engine.memory.facts.judging import judge
from engine.memory.facts.keeping import spell, touch, write
from engine.storage.tables import Entity, EntityMerge, Fact

_RESTORED = ("status", "reason", "valid_from", "valid_to", "ended_by", "supersedes_id", "disputes_id")


def merge(desk: Desk, *, keep: str, drop: str, reason: str) -> EntityMerge:
    """Says that two entities are one. Facts that contradict each other now are judged like new ones; what is unclear waits for a person.

    NotFound, Invalid where they are one already or are seen by different people.
    """
    kept, dropped = _root(desk, keep), _root(desk, drop)
    if kept.id == dropped.id:
        raise Invalid("These two are one already.", details={"problems": [{"field": "drop", "message": "They are one already."}]})
    if kept.scope_key != dropped.scope_key:
        message = "They belong to different people or workflows: what one of them knows would be told to the other."
        raise Invalid(message, details={"problems": [{"field": "drop", "message": message}]})
    moved = group(desk.session, dropped.id)
    dropped.merged_into = kept.id
    for entity in desk.session.exec(select(Entity).where(col(Entity.id).in_(moved))).all():
        entity.root_id = kept.id
        desk.session.add(entity)
    desk.session.add(dropped)
    desk.session.flush()
    made = EntityMerge(
        id=desk.ids.new("merge"), workspace_id=desk.workspace_id, keep_id=kept.id, drop_id=dropped.id, changed=_reconciled(desk, moved),
        reason=reason, created_at=desk.now_us, created_by=desk.by,
    )  # fmt: skip
    desk.session.add(made)
    desk.session.flush()
    _touch_all(desk, moved)
    for pair in ((keep, drop), (drop, keep)):
        review.close(desk, review.twins_path(*pair), status="done", decision=review.MERGE)
    return made


def _root(desk: Desk, id_: str) -> Entity:
    entity = desk.session.get(Entity, id_)
    top = desk.session.get(Entity, entity.root_id) if entity else None
    if top is None or top.workspace_id != desk.workspace_id:
        raise NotFound(f"There is no entity {id_[:80]}.")
    return top


def _facts_of(desk: Desk, ids: tuple[str, ...]) -> list[Fact]:
    wanted = select(Fact).where(or_(col(Fact.subject_id).in_(ids), col(Fact.object_id).in_(ids)))
    return [*desk.session.exec(wanted.order_by(col(Fact.valid_from), col(Fact.id))).all()]


def _touch_all(desk: Desk, ids: tuple[str, ...]) -> None:
    for fact in _facts_of(desk, ids):
        touch(desk, fact)


def _reconciled(desk: Desk, moved: tuple[str, ...]) -> list[dict[str, Any]]:
    """Judges what was known of the one against what was known of the other; each fact that changed, as it was before."""
    before: dict[str, dict[str, Any]] = {}
    for fact in _facts_of(desk, moved):
        rule = desk.rule(fact.predicate)
        for one in rivals(fact, rule, related(desk, fact, rule)):
            if fact.status not in judging.BELIEVED or not spell(one.fact).meets(spell(fact)):
                continue
            # The later one is judged, whichever was merged: what is confirmed is not ended by what comes from a lesser source.
            new, old = (fact, one.fact) if fact.valid_from >= one.fact.valid_from else (one.fact, fact)
            for changed in (new, old):
                before.setdefault(changed.id, {name: getattr(changed, name) for name in _RESTORED})
            settle(desk, new, judge(spell(new), [spell(old)]), "merge")
            if new.status == judging.DISPUTED:
                ask_about(desk, new)
    kept: list[dict[str, Any]] = []
    for id_, was in before.items():
        fact = desk.session.get_one(Fact, id_)
        if any(getattr(fact, name) != value for name, value in was.items()):
            kept.append({"fact": id_, "version": fact.version, "before": was})
    return kept


def unmerge(desk: Desk, merge_id: str) -> list[str]:
    """Makes them two again: facts are as they were, but for those that somebody has changed since, which are named.

    NotFound, Conflict where it was undone already.
    """
    made = desk.session.get(EntityMerge, merge_id)
    if made is None or made.workspace_id != desk.workspace_id:
        raise NotFound(f"There is no merge {merge_id[:80]}.")
    if made.undone_at is not None:
        raise Conflict("This merge was undone already.")
    dropped = desk.session.get_one(Entity, made.drop_id)
    moved = _below(desk, dropped.id)
    dropped.merged_into = ""
    for entity in desk.session.exec(select(Entity).where(col(Entity.id).in_(moved))).all():
        entity.root_id = dropped.id
        desk.session.add(entity)
    made.undone_at, made.undone_by = desk.now_us, desk.by
    desk.session.add(made)
    desk.session.flush()
    left = _restored(desk, made.changed)
    _touch_all(desk, moved)
    return left


def _below(desk: Desk, id_: str) -> tuple[str, ...]:
    """The entity and all that were merged into it, at any remove."""
    found, looked = [id_], [id_]
    while looked:
        looked = [*desk.session.exec(select(Entity.id).where(col(Entity.merged_into).in_(looked))).all()]
        found += looked
    return tuple(found)


def _restored(desk: Desk, changed: list[dict[str, Any]]) -> list[str]:
    left: list[str] = []
    for one in changed:
        fact = desk.session.get(Fact, one["fact"])
        if fact is None or fact.version != one["version"]:
            left.append(one["fact"])
            continue
        was = dict(one["before"])
        reason = was.pop("reason")
        write(desk, fact, "unmerge", reason, **was)
        if fact.status not in judging.WAITING:
            review.close(desk, review.fact_path(fact.id), status="void")
    return left
