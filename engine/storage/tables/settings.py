"""The table of what people have set for a whole workspace."""

# pyright: reportIncompatibleVariableOverride=false
from __future__ import annotations

from typing import Any, ClassVar

from sqlmodel import Field, SQLModel

from engine.storage.tables.columns import JsonText, instant, primary


class Setting(SQLModel, table=True):
    """One setting; a row that is missing leaves the decision to the environment."""

    __tablename__: ClassVar[str] = "settings"

    workspace_id: str = primary()
    name: str = primary()
    """`models` so far."""
    value: Any = Field(sa_type=JsonText, nullable=False)
    updated_by: str
    updated_at: int = instant()
