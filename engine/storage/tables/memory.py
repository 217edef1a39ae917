"""The tables that every store of memory shares: what can be found by its words or its meaning, and what changed."""

# pyright: reportIncompatibleVariableOverride=false
from __future__ import annotations

from typing import ClassVar

from sqlalchemy import BigInteger, Index, Integer, UniqueConstraint
from sqlmodel import Field, SQLModel

from engine.storage.tables.columns import count, instant, long_text, primary, word


class MemoryText(SQLModel, table=True):
    """Words of one row of a store. Written, changed and removed in the transaction that does so with the row itself.

    It carries whose it is, so that one check in SQL holds for every index: `engine.memory.scope.readable`.
    """

    __tablename__: ClassVar[str] = "memory_texts"
    __table_args__ = (
        UniqueConstraint("store", "row_id", name="memory_texts_row"),
        Index("memory_texts_part", "store", "part_of", "position"),
        Index("memory_texts_scope", "scope_key", "store", "workspace_id"),
        {"sqlite_autoincrement": True},
    )

    id: int | None = Field(default=None, primary_key=True, sa_type=Integer)
    """What the indexes know it by; never used twice."""
    workspace_id: str
    store: str
    """conversation, episodes, facts, rules or documents."""
    row_id: str
    """In that store."""
    part_of: str = word()
    """The conversation, episode, entity or document it belongs to."""
    position: int = count()
    """In what it is a part of: 0, 1, 2…"""
    visibility: str
    owner: str = word()
    scope_key: str
    sensitivity: int
    trust: int
    stamp: str
    """When it was, in words that people look for: `Tuesday 7 May 2026`."""
    lead: str = long_text()
    """Words that give it its context and count less: what was said before, a heading."""
    text: str = long_text()
    meaning_sha: str
    """Of all its words: the vector of other words is not its own."""
    at: int = instant()
    """When it happened or was said, microseconds since 1970 UTC."""
    is_quarantined: bool = False
    """Not found by any step before a person has looked."""


class MemoryChange(SQLModel, table=True):
    """That a text came, changed or went: the indexes catch up by it."""

    __tablename__: ClassVar[str] = "memory_changes"
    __table_args__: ClassVar[dict[str, bool]] = {"sqlite_autoincrement": True}

    seq: int | None = Field(default=None, primary_key=True, sa_type=Integer)
    workspace_id: str
    text_id: int = Field(sa_type=BigInteger)
    op: str
    """`put`, `drop`, or `vector`: its vector is there."""
    at: int = instant()


class MemoryVector(SQLModel, table=True):
    """What a text means, for one model. Made beside: a text is found by its words before it has one."""

    __tablename__: ClassVar[str] = "memory_vectors"

    text_id: int = Field(primary_key=True, sa_type=BigInteger)
    model: str = primary()
    workspace_id: str
    meaning_sha: str
    """Of the words that it stands for."""
    vector: bytes
    """Half-precision floats, little-endian."""
