"""The tables of what is known: entities, facts about them with where each is known from, and what was believed when."""

# pyright: reportIncompatibleVariableOverride=false
from __future__ import annotations

from typing import Any, ClassVar

from sqlalchemy import Index, Integer, text
from sqlmodel import Field, SQLModel

from engine.storage.tables.columns import JsonText, instant, instant_or_none, json_list, long_text, primary, word

_UNDONE = text("undone_at IS NULL")


class Entity(SQLModel, table=True):
    """Somebody or something that facts are about.

    Merging changes nothing but `root_id`: facts keep the entity that they were told about, so that a merge can be undone.
    """

    __tablename__: ClassVar[str] = "entities"
    __table_args__ = (
        Index("entities_name", "scope_key", "norm_key", "kind", unique=True),
        Index("entities_root", "root_id"),
        Index("entities_workspace", "workspace_id", "norm_key"),
    )

    id: str = primary()
    workspace_id: str
    visibility: str
    owner: str = word()
    scope_key: str
    sensitivity: int
    trust: int
    name: str
    kind: str
    norm_key: str
    """The name as names are compared."""
    description: str = long_text()
    merged_into: str = word()
    """The entity that it is the same as, as somebody has said; empty where it stands for itself."""
    root_id: str
    """Where following `merged_into` ends."""
    created_at: int = instant()
    created_by: str


class EntityAlias(SQLModel, table=True):
    """Another name of an entity."""

    __tablename__: ClassVar[str] = "entity_aliases"
    __table_args__ = (Index("entity_aliases_name", "scope_key", "alias_norm"),)

    entity_id: str = primary()
    alias_norm: str = primary()
    workspace_id: str
    scope_key: str
    alias: str
    sensitivity: int
    created_at: int = instant()
    created_by: str


class EntityMerge(SQLModel, table=True):
    """That two entities were said to be one, and what undoing it puts back."""

    __tablename__: ClassVar[str] = "entity_merges"
    __table_args__ = (Index("entity_merges_dropped", "drop_id", unique=True, sqlite_where=_UNDONE, postgresql_where=_UNDONE),)

    id: str = primary()
    workspace_id: str
    keep_id: str
    drop_id: str
    """The root of its own until then."""
    changed: Any = json_list()
    """`[{fact, version, before}]`: facts that contradicted each other once they were about one."""
    reason: str = long_text()
    created_at: int = instant()
    created_by: str
    undone_at: int | None = instant_or_none()
    undone_by: str = word()


class Predicate(SQLModel, table=True):
    """What can be said about an entity, beside what is built in."""

    __tablename__: ClassVar[str] = "predicates"

    workspace_id: str = primary()
    name: str = primary()
    cardinality: str
    """`one`: a newer one takes the place of an older; `many`: they stand beside each other."""
    value_type: str
    """entity, text, number, date, boolean or url."""
    words: str
    """What stands between the two in a sentence."""
    inverse: str = word()
    symmetric: bool = False
    description: str = long_text()
    created_at: int = instant()
    created_by: str


class Fact(SQLModel, table=True):
    """One thing that is known of an entity. `valid_…` is when it holds in the world; what was believed when stands in FactState."""

    __tablename__: ClassVar[str] = "facts"
    __table_args__ = (
        Index("facts_subject", "subject_id", "predicate"),
        Index("facts_object", "object_id"),
        Index("facts_scope", "scope_key", "workspace_id", "status"),
        Index("facts_workspace", "workspace_id", "id"),
    )

    id: str = primary()
    workspace_id: str
    visibility: str
    owner: str = word()
    scope_key: str
    sensitivity: int
    trust: int
    subject_id: str
    """As it was named; the entity that it stands for is that one's root."""
    predicate: str
    object_id: str = word()
    """Where the predicate is about an entity."""
    object_value: Any = Field(default=None, sa_type=JsonText, nullable=True)
    """Where it is about a value."""
    is_negated: bool = False
    confidence: float
    status: str
    """candidate, active, confirmed, disputed, superseded, retracted or quarantined."""
    reason: str = long_text()
    """Why it has this status, in words."""
    valid_from: int = instant()
    valid_to: int | None = instant_or_none()
    """Exclusive; null: it has not ended."""
    stated_to: int | None = instant_or_none()
    """The end that a source has told; `valid_to` is earlier where another fact took its place."""
    ended_by: str = word()
    """The fact that took its place: without that one it holds again."""
    recorded_at: int = instant()
    retracted_at: int | None = instant_or_none()
    supersedes_id: str = word()
    disputes_id: str = word()
    """The fact that speaks against it, while it waits for a person."""
    confirmed_by: str = word()
    confirmed_at: int | None = instant_or_none()
    version: int
    """Of the newest FactState."""
    created_at: int = instant()
    created_by: str


class FactState(SQLModel, table=True):
    """What was believed of a fact, from one moment to the next: written once, only its end is added."""

    __tablename__: ClassVar[str] = "fact_states"
    __table_args__ = (Index("fact_states_at", "fact_id", "believed_from"),)

    fact_id: str = primary()
    version: int = primary()
    workspace_id: str
    believed_from: int = instant()
    believed_to: int | None = instant_or_none()
    status: str
    valid_from: int = instant()
    valid_to: int | None = instant_or_none()
    confidence: float
    trust: int
    action: str
    """assert, reinforce, supersede, confirm, retract, correct, merge, unmerge, decide or rollback."""
    reason: str = long_text()
    by: str


class FactSource(SQLModel, table=True):
    """Where a fact is known from, with the words that say so and whose they are."""

    __tablename__: ClassVar[str] = "fact_sources"
    __table_args__ = (
        Index("fact_sources_fact", "fact_id"),
        Index("fact_sources_row", "kind", "row_id"),
        Index("fact_sources_run", "run_id"),
    )

    id: str = primary()
    workspace_id: str
    fact_id: str
    visibility: str
    owner: str = word()
    scope_key: str
    sensitivity: int
    trust: int
    kind: str
    """run, message, document, episode, person or import."""
    run_id: str = word()
    path: str = word()
    """The step of the run."""
    row_id: str = word()
    """Of the message, the passage or the step of an episode, in its store."""
    quote: str = long_text()
    quote_sha: str
    char_start: int | None = Field(default=None, sa_type=Integer)
    """Where the quote stands in the words of the source; null where it is there only after both are made comparable."""
    char_end: int | None = Field(default=None, sa_type=Integer)
    origin: str
    """Who said so, `kind:id`: the same origin again adds no trust."""
    confidence: float
    extractor: str = word()
    model: str = word()
    said_at: int = instant()
    created_at: int = instant()
    created_by: str


class FactTombstone(SQLModel, table=True):
    """That a fact was forgotten: a keyed hash of it, so that it is not learned again and nobody can read what it was."""

    __tablename__: ClassVar[str] = "fact_tombstones"

    key: str = primary()
    workspace_id: str
    created_at: int = instant()
    created_by: str


class FactChange(SQLModel, table=True):
    """That an edge of the entity graph came, changed or went: the graph catches up by it."""

    __tablename__: ClassVar[str] = "fact_changes"
    __table_args__: ClassVar[dict[str, bool]] = {"sqlite_autoincrement": True}

    seq: int | None = Field(default=None, primary_key=True, sa_type=Integer)
    workspace_id: str
    fact_id: str
    at: int = instant()
