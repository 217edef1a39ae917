"""The table of answers that may be given again."""

# pyright: reportIncompatibleVariableOverride=false
from __future__ import annotations

from typing import ClassVar

from sqlalchemy import Index
from sqlmodel import SQLModel

from engine.storage.tables.columns import instant, long_text, primary


class KeptAnswer(SQLModel, table=True):
    """What a model has answered to one exact question: a cache, which may be deleted at any time."""

    __tablename__: ClassVar[str] = "model_answers"
    __table_args__ = (Index("model_answers_kept", "kept_at"),)

    workspace_id: str = primary()
    key: str = primary()
    """SHA-256 of the model and everything that it was sent."""
    model: str
    text: str = long_text()
    finish: str
    is_practice: int
    bytes: int
    kept_at: int = instant()
