"""Tables about money: what may be spent, and what was."""

# pyright: reportIncompatibleVariableOverride=false
from __future__ import annotations

from typing import ClassVar

from sqlmodel import SQLModel

from engine.storage.tables.columns import instant, primary


class Budget(SQLModel, table=True):
    """What a workflow or an agent may spend a day, or a workspace a month."""

    __tablename__: ClassVar[str] = "budgets"

    workspace_id: str = primary()
    scope: str = primary()
    """`workflow`, `agent` or `workspace`."""
    subject: str = primary()
    """Id of the workflow, name of the agent; empty for the workspace."""
    limit_micro: int
    set_by: str
    set_at: int = instant()


class Spent(SQLModel, table=True):
    """What a workflow, an agent or a workspace has spent in a day or month (UTC)."""

    __tablename__: ClassVar[str] = "spending"

    workspace_id: str = primary()
    scope: str = primary()
    subject: str = primary()
    period: str = primary()
    cost_micro: int
