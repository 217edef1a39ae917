"""What is told of tables and their rows."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel

from engine.tools.tables.columns import Column


class TableView(BaseModel):
    """A table."""

    id: str
    slug: str
    name: str
    description: str
    columns: list[Column]
    key: str
    """The column whose values are unique; empty: none."""
    rows: int
    tools: list[str]
    """The tools that steps and agents reach it by."""
    revision: int
    created_at: str | None
    updated_at: str | None
    updated_by: str


class RowView(BaseModel):
    """A row."""

    row: int
    values: dict[str, Any]
    revision: int
    updated_at: str | None
    updated_by: str
    """A person's name, or `step`."""


class RefusedLine(BaseModel):
    """A line of a sheet that was not taken."""

    line: int
    column: str
    """Empty: the whole line."""
    reason: str


class SheetRead(BaseModel):
    """What came of a sheet."""

    added: int
    changed: int
    refused: list[RefusedLine]
    """The first thousand mistakes."""
    is_kept: bool
    """Whether anything was kept: with mistakes only where that was asked for."""
