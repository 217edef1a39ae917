"""Which entity a name means: one that is known by it, or a new one; whether two are one a person decides."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm.util import identity_key
from sqlmodel import Session, col, or_, select

from engine.memory.facts.desk import Desk
from engine.memory.facts.wording import likeness, norm_key
from engine.memory.scope import Scope, Visibility
from engine.storage.tables import Entity, EntityAlias, EntityMerge

MOST_NAME = 200
LIKE = 0.6
"""Names that share that much of their trigrams may be one: `jon smith` and `john smith` share .62."""
_LOOKED_AT = 200


@dataclass(frozen=True, slots=True)
class Resolved:
    """The entity that a name means."""

    id: str
    name: str
    is_new: bool = False
    may_be: tuple[str, ...] = ()
    """Entities that it may be the same as."""


def resolve(desk: Desk, name: str, kind: str, scope: Scope, *, sensitivity: int, trust: int) -> Resolved:
    """By its exact name or another one that it has, in the fact's own scope first, then in wider ones; else a new one."""
    key, keys = norm_key(name), _keys(scope)
    named = _named(desk.session, keys, key)
    for scope_key in keys:
        found = _of_kind([entity for entity in named if entity.scope_key == scope_key], key, kind)
        if len({entity.root_id for entity in found}) == 1:
            entity = found[0]
            if sensitivity < entity.sensitivity and scope_key == scope.key:
                entity.sensitivity = sensitivity
                desk.session.add(entity)
            return Resolved(entity.id, entity.name)
        if found:
            return _new(desk, name, kind, scope, sensitivity, trust, [entity.id for entity in found])
    alike = _alike(desk.session, keys, key, kind)
    return _new(desk, name, kind, scope, sensitivity, trust, alike[:1])


def _keys(scope: Scope) -> list[str]:
    wider = [Scope(scope.workspace_id), Scope(scope.workspace_id, Visibility.ORGANISATION)]
    if scope.visibility is Visibility.ORGANISATION:
        wider = []
    return list(dict.fromkeys([scope.key, *(one.key for one in wider)]))


def _named(session: Session, scope_keys: Sequence[str], key: str) -> Sequence[Entity]:
    """Those that have that name, or have it beside their own."""
    also = select(EntityAlias.entity_id).where(col(EntityAlias.scope_key).in_(scope_keys), EntityAlias.alias_norm == key)
    by_name = (col(Entity.scope_key).in_(scope_keys)) & (col(Entity.norm_key) == key)
    return session.exec(select(Entity).where(or_(by_name, col(Entity.id).in_(also))).order_by(col(Entity.id))).all()


def _of_kind(named: Sequence[Entity], key: str, kind: str) -> Sequence[Entity]:
    """Where one has that name and is of that very kind it alone; else all that may be."""
    if exact := [entity for entity in named if entity.kind == kind and entity.norm_key == key]:
        return exact
    return [entity for entity in named if not kind or entity.kind in ("", kind)]


def _alike(session: Session, scope_keys: Sequence[str], key: str, kind: str) -> list[str]:
    """Those whose names are nearly that, the likest first; only names that begin like it are looked at."""
    wanted = select(Entity).where(
        col(Entity.scope_key).in_(scope_keys), col(Entity.norm_key).startswith(key[:2], autoescape=True), Entity.merged_into == ""
    )
    looked = session.exec(wanted.order_by(col(Entity.norm_key)).limit(_LOOKED_AT)).all()
    scored = [(likeness(key, one.norm_key), one.id) for one in looked if not kind or one.kind in ("", kind)]
    return [id_ for score, id_ in sorted(scored, key=lambda pair: (-pair[0], pair[1])) if score >= LIKE]


def _new(desk: Desk, name: str, kind: str, scope: Scope, sensitivity: int, trust: int, may_be: Sequence[str]) -> Resolved:
    id_, key = desk.ids.new("entity"), norm_key(name)
    entity = Entity(
        id=id_, workspace_id=desk.workspace_id, visibility=scope.visibility.value, owner=scope.owner, scope_key=scope.key,
        sensitivity=sensitivity, trust=trust, name=name.strip(), kind=kind, norm_key=key, description="", root_id=id_,
        created_at=desk.now_us, created_by=desk.by,
    )  # fmt: skip
    desk.session.add(entity)
    desk.session.flush()
    return Resolved(id_, entity.name, is_new=True, may_be=tuple(may_be))


def group(session: Session, entity_id: str) -> tuple[str, ...]:
    """All entities that are said to be the same as this one, itself among them."""
    root = select(Entity.root_id).where(Entity.id == entity_id).scalar_subquery()
    return tuple(session.exec(select(Entity.id).where(Entity.root_id == root).order_by(col(Entity.id))).all()) or (entity_id,)


def group_of(entity_id: str) -> Any:
    """The same as a condition: which ids those are."""
    root = select(Entity.root_id).where(Entity.id == entity_id).scalar_subquery()
    return select(Entity.id).where(Entity.root_id == root)


def groups(session: Session, one: str, other: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The groups of two entities; the second may be none."""
    tops = select(Entity.root_id).where(col(Entity.id).in_((one, other)))
    found = session.exec(select(Entity.id, Entity.root_id).where(col(Entity.root_id).in_(tops)).order_by(col(Entity.id))).all()
    root_of = dict(found)
    mine = tuple(id_ for id_, root in found if root == root_of.get(one))
    return mine or (one,), tuple(id_ for id_, root in found if other and root == root_of.get(other))


def group_then(session: Session, entity_id: str, at_us: int) -> tuple[str, ...]:
    """The same, as it was believed at a moment: by the merges that stood then."""
    found, looked = {entity_id}, [entity_id]
    while looked:
        touching = or_(col(EntityMerge.keep_id).in_(looked), col(EntityMerge.drop_id).in_(looked))
        near = {id_ for made in session.exec(select(EntityMerge).where(touching, *_stood(at_us))) for id_ in (made.keep_id, made.drop_id)}
        looked = sorted(near - found)
        found |= near
    return tuple(sorted(found))


def _stood(at_us: int) -> list[Any]:
    undone = col(EntityMerge.undone_at)
    return [col(EntityMerge.created_at) <= at_us, or_(undone.is_(None), undone > at_us)]


def rows(session: Session, ids: Iterable[str]) -> dict[str, Entity]:
    """The entities by id; what this transaction has read already is not read again."""
    wanted = sorted({id_ for id_ in ids if id_})
    at_hand = {id_: session.identity_map.get(identity_key(Entity, id_)) for id_ in wanted}
    found = {id_: entity for id_, entity in at_hand.items() if isinstance(entity, Entity)}
    missing = [id_ for id_ in wanted if id_ not in found]
    for at in range(0, len(missing), 500):
        found |= {row.id: row for row in session.exec(select(Entity).where(col(Entity.id).in_(missing[at : at + 500]))).all()}
    return found


def roots(session: Session, ids: Iterable[str]) -> dict[str, Entity]:
    """What each of these entities stands for, by its own id."""
    own = rows(session, ids)
    tops = own | rows(session, {entity.root_id for entity in own.values()} - own.keys())
    return {id_: tops.get(entity.root_id, entity) for id_, entity in own.items()}


def roots_then(session: Session, ids: Iterable[str], at_us: int) -> dict[str, Entity]:
    """The same, as it was believed at a moment."""
    tops = {id_: id_ for id_ in ids if id_}
    while True:
        wanted = select(EntityMerge).where(col(EntityMerge.drop_id).in_(sorted(set(tops.values()))), *_stood(at_us))
        into = {made.drop_id: made.keep_id for made in session.exec(wanted)}
        if not into:
            break
        tops = {id_: into.get(top, top) for id_, top in tops.items()}
    known = rows(session, tops.values())
    return {id_: known[top] for id_, top in tops.items() if top in known}


def add_alias(desk: Desk, entity: Entity, alias: str) -> bool:
    """Another name for it; False where it has it already."""
    key = norm_key(alias)
    if key == entity.norm_key or desk.session.get(EntityAlias, (entity.id, key)) is not None:
        return False
    desk.session.add(
        EntityAlias(
            entity_id=entity.id, alias_norm=key, workspace_id=entity.workspace_id, scope_key=entity.scope_key, alias=alias.strip(),
            sensitivity=entity.sensitivity, created_at=desk.now_us, created_by=desk.by,
        )
    )  # fmt: skip
    desk.session.flush()
    return True
