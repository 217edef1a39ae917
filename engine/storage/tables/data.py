"""The tables of a workspace's own tables and their rows."""

# pyright: reportIncompatibleVariableOverride=false
from __future__ import annotations

from typing import Any, ClassVar

from sqlalchemy import Index, text
from sqlmodel import Field, SQLModel

from engine.storage.tables.columns import JsonText, count, instant, primary, word

_THERE = text("key_value IS NOT NULL")
_CALLED = text("call_key <> ''")


class DataTable(SQLModel, table=True):
    """A table that people have made."""

    __tablename__: ClassVar[str] = "data_tables"
    __table_args__ = (Index("data_tables_slug", "workspace_id", "slug", unique=True),)

    id: str = primary()
    workspace_id: str
    slug: str
    """What steps name it by; it never changes."""
    name: str
    description: str
    columns: Any = Field(sa_type=JsonText, nullable=False)
    """`[{name, title, type, required, choices, description}]`."""
    key: str = word()
    """The column whose values are unique; empty: none."""
    rows: int = count()
    last_row: int = count()
    """The number of the row that was added last; numbers are not used twice."""
    revision: int
    """Of its columns and words; rows have their own."""
    created_at: int = instant()
    updated_by: str
    updated_at: int = instant()


class DataRow(SQLModel, table=True):
    """A row."""

    __tablename__: ClassVar[str] = "data_rows"
    __table_args__ = (
        Index("data_rows_key", "table_id", "key_value", unique=True, sqlite_where=_THERE, postgresql_where=_THERE),
        Index("data_rows_call", "table_id", "call_key", unique=True, sqlite_where=_CALLED, postgresql_where=_CALLED),
    )

    table_id: str = primary()
    number: int = primary()
    workspace_id: str
    key_value: str | None = None
    """Of the key column, as canonical JSON."""
    data: Any = Field(sa_type=JsonText, nullable=False)
    """Column → value; a column without a value is left out."""
    call_key: str = word()
    """Idempotency key of the step that added it."""
    revision: int
    updated_by: str
    updated_at: int = instant()
