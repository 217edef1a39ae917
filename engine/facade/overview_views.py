"""What the shelf of workflows and Home tell: last runs, spend and outcomes."""

from __future__ import annotations

from pydantic import BaseModel, Field

from engine.facade.views import WorkflowRow


class RunMark(BaseModel):
    """One run of a strip."""

    id: str
    status: str
    at: str | None


class WorkflowLine(WorkflowRow):
    """A workflow as the page of workflows shows it."""

    description: str = ""
    has_unpublished: bool = False
    """Whether the draft differs from the live version."""
    first_problem: str = ""
    runs: list[RunMark] = Field(default_factory=list)
    """The latest live runs, the newest last."""


class DaySpend(BaseModel):
    """What the runs that started on one day (UTC, ISO 8601) have cost."""

    day: str
    usd: float


class SpendView(BaseModel):
    """What runs have cost."""

    today_usd: float
    total_usd: float
    days: list[DaySpend]
    """The oldest first; the last one is today."""


class OutcomesView(BaseModel):
    """How live runs went."""

    done_alone: int
    """Succeeded without asking anybody."""
    asked: int
    stopped: int
    failed: int
    in_doubt: int
