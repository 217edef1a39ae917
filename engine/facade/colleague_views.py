"""What the facade tells of colleagues."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel


class FaceView(BaseModel):
    """An emoji or initials, on one of the palette's colours."""

    mark: str
    colour: str


class PreconditionView(BaseModel):
    """What must hold before a tool is called."""

    that: str
    otherwise: str
    because: str


class AgentToolView(BaseModel):
    """A tool of a colleague, and how freely it may call it."""

    tool: str
    policy: str
    preconditions: list[PreconditionView]


class AgentLimitsView(BaseModel):
    """Bounds of one step and of a day; null: none of its own."""

    max_turns: int | None
    calls_per_turn: int | None
    cost_usd_per_day: float | None
    """The budget of scope `agent` under its slug."""


class AgentSpentView(BaseModel):
    """What it has spent, by UTC."""

    today_usd: float
    month_usd: float


class WorksIn(BaseModel):
    """A workflow that names a colleague."""

    id: str
    slug: str
    name: str
    is_live: bool
    """Whether the version that is live names it; else only the draft does."""


class AgentWarning(BaseModel):
    """Something that is not as it should be, and does not keep it from being saved."""

    field: str
    message: str


class AgentView(BaseModel):
    """A colleague."""

    id: str
    slug: str
    name: str
    face: FaceView
    duty: str
    duties: list[str]
    instructions: str
    model: str
    """Empty: the step's."""
    tools: list[AgentToolView]
    limits: AgentLimitsView
    revision: int
    created_at: str | None
    updated_at: str | None
    updated_by: str
    works_in: list[WorksIn]
    spent: AgentSpentView | None
    """None for those who may not see costs."""
    warnings: list[AgentWarning]


class AgentChange(BaseModel):
    """A change of a colleague, as the audit log keeps it."""

    at: str | None
    by: str
    action: str
    details: dict[str, Any]
