"""The table of tools."""

# pyright: reportIncompatibleVariableOverride=false
from __future__ import annotations

from typing import Any, ClassVar

from sqlmodel import Field, SQLModel

from engine.storage.tables.columns import JsonText, instant, primary


class ToolRow(SQLModel, table=True):
    """A tool of a workspace, as it was written down."""

    __tablename__: ClassVar[str] = "tools"

    workspace_id: str = primary()
    name: str = primary()
    kind: str
    """`web` so far."""
    definition: Any = Field(sa_type=JsonText, nullable=False)
    updated_by: str
    updated_at: int = instant()
