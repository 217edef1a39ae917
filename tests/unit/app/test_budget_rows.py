"""Budgets as Settings tells them: when they start anew, and what is used up."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from app.pages.settings.budgets_rows import budget_row, periods
from app.pages.settings.budgets_state import typed
from app.ui import words
from engine import BudgetView


def budget(scope: str = "workflow", *, spent: float = 0.0, limit: float = 1.0, name: str = "Digest") -> BudgetView:
    period = "month" if scope == "workspace" else "day"
    return BudgetView(scope=scope, subject=name, name=name, period=period, limit_usd=limit, spent_usd=spent)


def test_a_day_and_a_month_end_at_midnight_utc_whatever_zone_the_clock_has() -> None:
    here = datetime(2026, 12, 31, 23, 30, tzinfo=UTC).astimezone(timezone(timedelta(hours=9)))
    month, day = periods([budget(), budget("workspace", name="")], now=here)
    assert (month.title, month.anew) == ("This month (December 2026)", "Starts anew in 30 min, on 1 Jan at 00:00 UTC")
    assert (day.title, day.anew) == ("Today (31 December)", "Starts anew in 30 min, on 1 Jan at 00:00 UTC")
    assert month.rows[0].title == "The whole workspace"


def test_a_period_without_a_budget_is_not_told() -> None:
    assert [period.name for period in periods([budget()], now=datetime(2026, 1, 31, tzinfo=UTC))] == ["day"]


@pytest.mark.parametrize(
    ("spent", "limit", "told"),
    [
        (0.0, 5.0, ("$0", "$5.00", "0.0%", "")),
        (3.9, 5.0, ("$3.90", "$5.00", "78.0%", "")),
        (4.0, 5.0, ("$4.00", "$5.00", "80.0%", "Nearly used up")),
        (5.0, 5.0, ("$5.00", "$5.00", "100.0%", "Used up")),
        (5.1, 5.0, ("$5.10", "$5.00", "100.0%", "Used up")),
        (0.0, 0.0, ("$0", "$0.00", "100.0%", "Used up")),
        (0.0021, 0.05, ("$0.0021", "$0.05", "4.2%", "")),
    ],
)
def test_what_is_spent_is_told_with_its_limit(spent: float, limit: float, told: tuple[str, ...]) -> None:
    row = budget_row(budget(spent=spent, limit=limit))
    assert (row.spent, row.limit, row.width, row.word) == told


@pytest.mark.parametrize(("text", "amount"), [("5", 5.0), (" $0.50 ", 0.5), (".5", 0.5), ("7.", 7.0)])
def test_an_amount_is_read_as_people_type_it(text: str, amount: float) -> None:
    assert typed(text) == amount


@pytest.mark.parametrize("text", ["", "1,50", "1e3", "nan", "-1", "five", "1_000", "٣"])
def test_what_could_mean_something_else_is_no_amount(text: str) -> None:
    assert typed(text) != typed(text)


def test_a_limit_that_is_named_needs_no_names_for_its_amounts() -> None:
    rest = "used, and the next step needs more. Raise it and resume."
    assert words.why(f"The limit llm_calls is reached: 2 llm calls of 2 llm calls {rest}") == (
        "The limit of questions to models is reached: 2 of 2 used."
    )
    assert words.why(f"The limit seconds is reached: 20 s of 20 s {rest}").endswith(" is reached: 20 s of 20 s used.")


def test_a_run_that_a_budget_holds_says_what_moves_it() -> None:
    reason = "The budget of the workflow for today is used up: $0.02 of $0.01, and the next step may need $0.09. Raise it, or resume later."
    assert words.why(reason) == "The budget of the workflow for today is used up: $0.02 of $0.01."
    assert words.next_step("stopped", reason).startswith("Raise the budget in the settings")
