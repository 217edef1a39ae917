"""The table of colleagues."""

# pyright: reportIncompatibleVariableOverride=false
from __future__ import annotations

from typing import Any, ClassVar

from sqlalchemy import Index, text
from sqlmodel import Field, SQLModel

from engine.storage.tables.columns import JsonText, instant, instant_or_none, primary


class AgentRow(SQLModel, table=True):
    """A colleague. What it may spend a day is a budget, under its slug."""

    __tablename__: ClassVar[str] = "agents"
    __table_args__ = (
        # Of those that are there only: the slug of one that is gone is free again.
        Index(
            "agents_slug",
            "workspace_id",
            "slug",
            unique=True,
            sqlite_where=text("deleted_at IS NULL"),
            postgresql_where=text("deleted_at IS NULL"),
        ),
    )

    id: str = primary()
    workspace_id: str
    slug: str
    """What steps name it by; it never changes."""
    name: str
    face: Any = Field(sa_type=JsonText, nullable=False)
    """`{mark, colour}`."""
    duty: str
    duties: Any = Field(sa_type=JsonText, nullable=False)
    """Lines."""
    instructions: str
    model: str
    tools: Any = Field(sa_type=JsonText, nullable=False)
    """`[{tool, policy, preconditions: [{that, otherwise, because}]}]`."""
    max_turns: int | None = None
    calls_per_turn: int | None = None
    revision: int
    """Goes up with every change."""
    created_at: int = instant()
    updated_by: str
    updated_at: int = instant()
    deleted_at: int | None = instant_or_none()
