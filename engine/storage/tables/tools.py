"""Tables of tools, and of servers that offer some."""

# pyright: reportIncompatibleVariableOverride=false
from __future__ import annotations

from typing import Any, ClassVar

from sqlmodel import Field, SQLModel

from engine.storage.tables.columns import JsonText, instant, instant_or_none, json_list, primary, word


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


class McpServerRow(SQLModel, table=True):
    """A server that offers tools: at an address, or, without one, a program of the operator's file."""

    __tablename__: ClassVar[str] = "mcp_servers"

    workspace_id: str = primary()
    name: str = primary()
    url: str = word()
    secret: str = word()
    seen: list[Any] = json_list()
    """What it offered when it was last asked (`Offer.as_json`)."""
    pinned: list[Any] = json_list()
    """What of it was allowed, as it was then (`Pinned.as_json`)."""
    refused: list[Any] = json_list()
    """Sentences about what it offers and nobody can use."""
    problem: str = word()
    """Why it could not be asked; empty where it could."""
    looked_at: int | None = instant_or_none()
    updated_by: str
    updated_at: int = instant()
