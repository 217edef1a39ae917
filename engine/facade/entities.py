"""Entities and what can be said about them: looked through, given other names, made one and two again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlmodel import Session, col, or_, select

from engine.errors import Conflict, NotFound
from engine.facade.core import Core
from engine.facade.cursors import decode, encode, page_size
from engine.facade.fact_desk import open_desk, reader_of
from engine.facade.fact_views import (
    EntityDetail,
    EntityView,
    FactView,
    MergeView,
    PredicateView,
    fact_fields,
    merge_view,
    predicate_view,
)
from engine.facade.views import Page
from engine.memory.facts import merging, predicates, reading
from engine.memory.facts.entities import MOST_NAME, add_alias, group, roots
from engine.memory.facts.wording import norm_key
from engine.memory.scope import readable
from engine.people.permissions import Actor, Permission, require
from engine.people.records import Problem, refuse
from engine.storage.tables import Entity, EntityMerge, Predicate

MOST_DESCRIPTION = 2_000


class Entities:
    """Every call takes the actor first and checks its permission."""

    def __init__(self, core: Core) -> None:
        self._core = core

    async def list(self, actor: Actor, *, q: str = "", kind: str = "", limit: int = 100, cursor: str | None = None) -> Page[EntityView]:
        """Entities that stand for themselves, newest first; `q` is part of a name."""
        require(actor, Permission.MEMORY_READ)
        size, after = page_size(limit), str(decode(cursor, parts=2)[1]) if cursor else ""

        def work() -> Page[EntityView]:
            with self._core.records.reading() as session:
                reader = reader_of(actor)
                found = reading.entities(session, reader, words=norm_key(q), kind=kind, after=after, limit=size + 1)
            following = encode(["entities", found[size - 1].id]) if len(found) > size else None
            return Page(items=[EntityView(**_fields(one)) for one in found[:size]], next=following)

        return await self._core.in_thread(work)

    async def get(self, actor: Actor, entity: str, *, as_of_us: int | None = None) -> EntityDetail:
        """One, or what it was merged into, with what is known of it. NotFound."""
        require(actor, Permission.MEMORY_READ)
        return await self._core.in_thread(lambda: self._get(actor, entity, as_of_us))

    async def change(self, actor: Actor, entity: str, given: Mapping[str, Any]) -> EntityDetail:
        """Another description, other names beside its own: `{description, aliases}`. NotFound, Invalid."""
        require(actor, Permission.MEMORY_WRITE)
        names = [str(name) for name in given.get("aliases") or []]
        problems = [
            Problem("aliases", f"A name has 1 to {MOST_NAME} characters.") for name in names if not 1 <= len(norm_key(name)) <= MOST_NAME
        ]
        description = given.get("description")
        if description is not None and len(str(description)) > MOST_DESCRIPTION:
            problems.append(Problem("description", f"At most {MOST_DESCRIPTION:,} characters."))
        refuse(problems)

        def work() -> None:
            with self._core.records.writing() as session:
                row, desk = self._found(session, actor, entity), open_desk(self._core, session, actor)
                row.description = row.description if description is None else str(description)
                session.add(row)
                added = [name for name in names if add_alias(desk, row, name)]
                self._core.records.tell(session, actor, action="entity.change", subject=row.id, details={"aliases": added})

        await self._core.in_thread(work)
        return await self.get(actor, entity)

    async def merge(self, actor: Actor, *, keep: str, drop: str, reason: str = "") -> MergeView:
        """Says that two are one; it can be undone. NotFound, Invalid."""
        require(actor, Permission.MEMORY_WRITE)

        def work() -> MergeView:
            with self._core.records.writing() as session:
                self.check_readable(session, actor, [keep, drop])
                made = merging.merge(open_desk(self._core, session, actor), keep=keep, drop=drop, reason=reason)
                details: dict[str, object] = {"keep": made.keep_id, "drop": made.drop_id, "changed": len(made.changed)}
                self._core.records.tell(session, actor, action="entity.merge", subject=made.id, details=details)
                return merge_view(made)

        return await self._core.in_thread(work)

    async def unmerge(self, actor: Actor, merge: str) -> MergeView:
        """Makes them two again. NotFound, Conflict where it was undone already."""
        require(actor, Permission.MEMORY_WRITE)

        def work() -> MergeView:
            with self._core.records.writing() as session:
                there = session.get(EntityMerge, merge)
                if there is None or there.workspace_id != actor.workspace_id:
                    raise NotFound(f"There is no merge {merge[:80]}.")
                self.check_readable(session, actor, [there.keep_id, there.drop_id])
                left = merging.unmerge(open_desk(self._core, session, actor), merge)
                self._core.records.tell(session, actor, action="entity.unmerge", subject=merge, details={"left": left})
                return merge_view(there, left)

        return await self._core.in_thread(work)

    async def predicates(self, actor: Actor) -> Page[PredicateView]:
        """What can be said about an entity, by name."""
        require(actor, Permission.MEMORY_READ)

        def work() -> Page[PredicateView]:
            with self._core.records.reading() as session:
                rules = predicates.registry(session, actor.workspace_id)
            return Page(items=[predicate_view(rules[name]) for name in sorted(rules)])

        return await self._core.in_thread(work)

    async def add_predicate(self, actor: Actor, given: Mapping[str, Any]) -> PredicateView:
        """One more: `{name, cardinality, value_type, words, inverse, symmetric, description}`. Invalid, Conflict."""
        require(actor, Permission.MEMORY_WRITE)
        row = _predicate(actor, given, self._core.clock.now_us())

        def work() -> PredicateView:
            with self._core.records.writing() as session:
                known = predicates.registry(session, actor.workspace_id)
                if row.name in known or predicates.flipped(known, row.name):
                    raise Conflict(f"There is a predicate {row.name} already.", hint="Use it, or choose another name.")
                predicates.add(session, row)
                self._core.records.tell(session, actor, action="predicate.add", subject=row.name, details={"value_type": row.value_type})
                return predicate_view(predicates.registry(session, actor.workspace_id)[row.name])

        return await self._core.in_thread(work)

    def check_readable(self, session: Session, actor: Actor, ids: Sequence[str]) -> None:
        """NotFound where one of them is not there for this actor."""
        for id_ in ids:
            self._found(session, actor, id_)

    def _found(self, session: Session, actor: Actor, entity: str) -> Entity:
        row = session.exec(select(Entity).where(Entity.id == entity, readable(reader_of(actor), Entity))).first()
        if row is None:
            raise NotFound(f"There is no entity {entity[:80]}.")
        return row

    def _get(self, actor: Actor, entity: str, as_of_us: int | None) -> EntityDetail:
        reader, at = reader_of(actor), as_of_us if as_of_us is not None else self._core.clock.now_us()
        with self._core.records.reading() as session:
            named = self._found(session, actor, entity)
            row = roots(session, [named.id])[named.id]
            ids = group(session, row.id)
            merges = session.exec(
                select(EntityMerge)
                .where(or_(col(EntityMerge.keep_id).in_(ids), col(EntityMerge.drop_id).in_(ids)))
                .order_by(col(EntityMerge.created_at))
            ).all()
            return EntityDetail(
                **_fields(row),
                aliases=reading.aliases(session, reader, row),
                about=[FactView(**fact_fields(one)) for one in reading.about(session, reader, row.id, as_of=at)],
                merges=[merge_view(one) for one in merges],
            )


def _fields(row: Entity) -> dict[str, Any]:
    return dict(
        id=row.id, name=row.name, kind=row.kind, description=row.description, visibility=row.visibility, owner=row.owner,
        sensitivity=row.sensitivity, merged_into=row.merged_into,
    )  # fmt: skip


def _predicate(actor: Actor, given: Mapping[str, Any], now_us: int) -> Predicate:
    name, words = str(given.get("name") or ""), str(given.get("words") or "").strip()
    cardinality, value_type = str(given.get("cardinality") or "many"), str(given.get("value_type") or "text")
    inverse, is_symmetric = str(given.get("inverse") or ""), bool(given.get("symmetric"))
    problems: list[Problem] = []
    for field, told in (("name", name), ("inverse", inverse)):
        if (field == "name" or told) and not predicates.NAME.match(told):
            problems.append(Problem(field, "It is of small letters, digits and _, begins with a letter, and has at most 40."))
    if cardinality not in predicates.CARDINALITIES:
        problems.append(Problem("cardinality", f"It is one of {', '.join(predicates.CARDINALITIES)}."))
    if value_type not in predicates.VALUE_TYPES:
        problems.append(Problem("value_type", f"It is one of {', '.join(predicates.VALUE_TYPES)}."))
    if (inverse or is_symmetric) and value_type != "entity":
        problems.append(Problem("value_type", "Only what leads to an entity has an inverse or is symmetric."))
    if len(words) > 100 or len(str(given.get("description") or "")) > MOST_DESCRIPTION:
        problems.append(Problem("words", f"At most 100 characters, and {MOST_DESCRIPTION:,} of description."))
    refuse(problems)
    return Predicate(
        workspace_id=actor.workspace_id, name=name, cardinality=cardinality, value_type=value_type, words=words or name.replace("_", " "),
        inverse=inverse, symmetric=is_symmetric, description=str(given.get("description") or ""), created_at=now_us,
        created_by=actor.user_id or actor.label,
    )  # fmt: skip
