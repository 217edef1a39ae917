"""Budgets, told in words: what may be spent, what was, and when the day or the month is over."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from app.ui import words
from engine import BudgetView

KINDS = {"workspace": "Every workflow together", "workflow": "Workflow", "agent": "Agent"}
ICONS = {"workspace": "layers", "workflow": "workflow", "agent": "bot"}
WHOLE = "The whole workspace"
NEARLY = 80
"""Percent from which a budget is told to be nearly used up."""


@dataclass(frozen=True)
class BudgetRow:
    """One budget: whose, `spent` of `limit`, and how much of the bar is filled."""

    scope: str
    subject: str
    title: str
    kind: str
    spent: str
    limit: str
    amount: str
    """The limit as it is typed."""
    width: str
    left: str
    tone: str
    """Empty while there is plenty left."""
    word: str


@dataclass(frozen=True)
class Period:
    """The budgets of one length of time, and when it starts anew."""

    name: str
    title: str
    anew: str
    rows: list[BudgetRow]


def periods(budgets: Sequence[BudgetView], *, now: datetime) -> list[Period]:
    """The month and the day, each only where it has a budget."""
    at = now.astimezone(UTC)
    found = [
        Period("month", f"This month ({at:%B %Y})", _anew(_next_month(at), now=at), _rows(budgets, "month")),
        Period("day", f"Today ({at.day} {at:%B})", _anew(_midnight(at), now=at), _rows(budgets, "day")),
    ]
    return [period for period in found if period.rows]


def budget_row(budget: BudgetView) -> BudgetRow:
    """One budget."""
    limit = budget.limit_usd or 0.0
    share = 100.0 if budget.spent_usd >= limit else 100 * budget.spent_usd / limit
    tone, word = ("limit", "Used up") if share >= 100 else ("waiting", "Nearly used up") if share >= NEARLY else ("", "")
    return BudgetRow(
        scope=budget.scope,
        subject=budget.subject,
        title=budget.name or WHOLE,
        kind=KINDS.get(budget.scope, budget.scope),
        spent=words.money(budget.spent_usd),
        limit=f"${limit:,.2f}" if limit == round(limit, 2) else words.money(limit),
        amount=f"{limit:.6f}".rstrip("0").rstrip("."),
        width=f"{share:.1f}%",
        left=f"{words.money(limit - budget.spent_usd)} left" if share < 100 else "nothing left",
        tone=tone,
        word=word,
    )


def _rows(budgets: Sequence[BudgetView], period: str) -> list[BudgetRow]:
    return [budget_row(budget) for budget in sorted(budgets, key=lambda one: (one.scope, one.name.lower())) if budget.period == period]


def _midnight(at: datetime) -> datetime:
    return at.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)


def _next_month(at: datetime) -> datetime:
    first = at.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    return (first + timedelta(days=32)).replace(day=1)


def _anew(moment: datetime, *, now: datetime) -> str:
    return f"Starts anew in {words.length((moment - now).total_seconds())}, on {moment.day} {moment:%b} at 00:00 UTC"
