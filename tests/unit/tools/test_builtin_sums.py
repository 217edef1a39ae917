"""Dates and money are worked out exactly."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import ToolFailed
from engine.schemas import check_schema, problems_of
from engine.tools.builtin import dates, money

NOW = datetime(2026, 3, 29, 0, 59, 59, 500_000, tzinfo=UTC)


def day(do: str, **given: Any) -> dict[str, Any]:
    asked = {"do": do, **given}
    assert problems_of(asked, dates.PARAMETERS) == []
    return dates.worked_out(asked, NOW)


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ({"date": "2024-02-29", "years": 1}, "2025-02-28"),
        ({"date": "2026-01-31", "months": 1}, "2026-02-28"),
        ({"date": "2026-03-31", "months": -1}, "2026-02-28"),
        ({"date": "2026-12-31", "days": 1}, "2027-01-01"),
        ({"date": "2026-12-24", "weeks": 2}, "2027-01-07"),
        ({"date": "2026-12-04", "business_days": 1}, "2026-12-07"),
        ({"date": "2026-12-04", "business_days": 5}, "2026-12-11"),
        ({"date": "2026-12-07", "business_days": -1}, "2026-12-04"),
        ({"date": "2026-12-05", "business_days": 1}, "2026-12-07"),
        ({"date": "2026-12-06", "business_days": 5}, "2026-12-11"),
        ({"date": "2026-12-05", "business_days": -1}, "2026-12-04"),
        ({"date": "2026-12-04T23:30", "hours": 1}, "2026-12-05T00:30:00"),
        ({"date": "2026-12-04T09:30:00+01:00", "minutes": -45}, "2026-12-04T08:45:00+01:00"),
    ],
)
def test_a_date_with_something_added(asked: dict[str, Any], told: str) -> None:
    assert day("add", **asked)["date"] == told


@pytest.mark.parametrize(
    ("first", "last", "told"),
    [
        ("2026-12-01", "2026-12-24", {"days": 23, "weeks_and_days": [3, 2], "business_days": 17}),
        ("2026-12-24", "2026-12-01", {"days": -23, "weeks_and_days": [-3, -2], "business_days": -17}),
        ("2026-12-04", "2026-12-07", {"days": 3, "weeks_and_days": [0, 3], "business_days": 1}),
        ("2024-02-28", "2024-03-01", {"days": 2, "weeks_and_days": [0, 2], "business_days": 2}),
        ("2026-12-01", "2026-12-01", {"days": 0, "weeks_and_days": [0, 0], "business_days": 0}),
    ],
)
def test_what_lies_between_two_days(first: str, last: str, told: dict[str, Any]) -> None:
    assert day("between", date=first, other=last) == told


def test_hours_between_two_moments_count_the_hour_that_a_change_of_clocks_takes() -> None:
    assert day("between", date="2026-03-29T00:00:00+01:00", other="2026-03-29T06:00:00+02:00")["hours"] == 5


@given(st.dates(date(1900, 1, 1), date(2100, 1, 1)), st.integers(-2_000, 2_000))
def test_business_days_are_counted_as_they_are_added(first: date, count: int) -> None:
    while first.weekday() > 4:
        first += timedelta(days=1)
    then = day("add", date=first.isoformat(), business_days=count)["date"]
    assert date.fromisoformat(then).weekday() < 5
    assert day("between", date=first.isoformat(), other=then)["business_days"] == count


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ({"do": "now"}, {"date": "2026-03-29T00:59:59+00:00", "weekday": "Sunday"}),
        ({"do": "now", "zone": "Europe/Berlin"}, {"date": "2026-03-29T01:59:59+01:00", "weekday": "Sunday"}),
        ({"do": "next_weekday", "date": "2026-12-01", "weekday": "Tuesday"}, {"date": "2026-12-08", "weekday": "Tuesday"}),
        ({"do": "next_weekday", "date": "2026-12-01", "weekday": "Monday"}, {"date": "2026-12-07", "weekday": "Monday"}),
        ({"do": "month_end", "date": "2024-02-03"}, {"date": "2024-02-29", "weekday": "Thursday"}),
        (
            {"do": "in_zone", "date": "2026-03-29T01:00:00+00:00", "zone": "Europe/Berlin"},
            {"date": "2026-03-29T03:00:00+02:00", "weekday": "Sunday"},
        ),
    ],
)
def test_weekdays_ends_and_zones(asked: dict[str, Any], told: dict[str, Any]) -> None:
    assert day(**asked) == told


@pytest.mark.parametrize(
    ("asked", "reads"),
    [
        ({"do": "add"}, "`date` is missing"),
        ({"do": "add", "date": "24.12.2026"}, "`date` is no date"),
        ({"do": "add", "date": "2026-02-30"}, "`date` is no date"),
        ({"do": "add", "date": "2026-12-24", "hours": 1}, "no time of day"),
        ({"do": "add", "date": "9999-12-31", "days": 1}, "after the year 9999"),
        ({"do": "add", "date": "0001-01-01", "months": -1}, "before the year 1"),
        ({"do": "next_weekday", "date": "2026-12-01"}, "`weekday` is missing"),
        ({"do": "now", "zone": "Mars/Phobos"}, "no time zone"),
        ({"do": "now", "zone": "../../etc/passwd"}, "no time zone"),
        ({"do": "in_zone", "date": "2026-12-24T09:30", "zone": "UTC"}, "names no moment"),
        ({"do": "between", "date": "2026-12-24T09:30", "other": "2026-12-24T09:30:00+01:00"}, "has a time zone"),
    ],
)
def test_what_cannot_be_worked_out_is_told(asked: dict[str, Any], reads: str) -> None:
    with pytest.raises(ToolFailed, match=reads):
        day(**asked)


def paid(do: str, *amounts: str, currency: str = "EUR", **given: Any) -> dict[str, Any]:
    asked = {"do": do, "currency": currency, "amounts": list(amounts), **given}
    assert problems_of(asked, money.PARAMETERS) == []
    return money.worked_out(asked)


@pytest.mark.parametrize(
    ("told", "wanted"),
    [
        (lambda: paid("add", "0.10", "0.20"), {"amount": "0.30"}),
        (lambda: paid("subtract", "10", "3.33", "6.67"), {"amount": "0.00"}),
        (lambda: paid("multiply", "19.99", by="3"), {"amount": "59.97"}),
        (lambda: paid("multiply", "1.005", by="1"), {"amount": "1.01"}),
        (lambda: paid("multiply", "1.005", by="1", rounding="half_even"), {"amount": "1.00"}),
        (lambda: paid("percent", "99.99", by="19"), {"amount": "19.00", "added": "118.99", "taken_off": "80.99"}),
        (lambda: paid("share", "100.00", parts=[1, 1, 1]), {"amount": "100.00", "shares": ["33.34", "33.33", "33.33"]}),
        (lambda: paid("share", "-0.05", parts=[1, 1]), {"amount": "-0.05", "shares": ["-0.03", "-0.02"]}),
        (lambda: paid("share", "10", parts=[0, 1]), {"amount": "10.00", "shares": ["0.00", "10.00"]}),
        (lambda: paid("round", "12.5", currency="JPY"), {"amount": "13"}),
        (lambda: paid("round", "12.3456", currency="KWD"), {"amount": "12.346"}),
        (lambda: paid("round", "-0.004"), {"amount": "0.00"}),
        (lambda: paid("compare", "1.10", "1.1"), {"amount": "0.00", "first_is": "equal"}),
        (lambda: paid("compare", "1.09", "1.1"), {"amount": "-0.01", "first_is": "less"}),
    ],
)
def test_sums_are_exact(told: Any, wanted: dict[str, Any]) -> None:
    found = told()
    found.pop("currency")
    assert found == wanted


@given(st.integers(-(10**12), 10**12), st.lists(st.integers(0, 10**6), min_size=1, max_size=50).filter(sum))
def test_no_cent_is_lost_and_none_is_made_in_sharing(cents: int, parts: list[int]) -> None:
    amount = Decimal(cents).scaleb(-2)
    shares = [Decimal(share) for share in paid("share", f"{amount:f}", parts=parts)["shares"]]
    assert sum(shares) == amount
    for share, part in zip(shares, parts, strict=True):
        assert abs(share - amount * part / sum(parts)) < Decimal("0.01")


@pytest.mark.parametrize(
    ("asked", "reads"),
    [
        ({"do": "multiply", "amounts": ["1"]}, "`by` is missing"),
        ({"do": "share", "amounts": ["1"]}, "`parts` is missing"),
        ({"do": "share", "amounts": ["1"], "parts": [0, 0]}, "all of them are 0"),
        ({"do": "compare", "amounts": ["1"]}, "must be two"),
    ],
)
def test_what_is_missing_is_told(asked: dict[str, Any], reads: str) -> None:
    with pytest.raises(ToolFailed, match=reads):
        money.worked_out({"currency": "EUR", **asked})


@pytest.mark.parametrize("tool", [dates.TOOL, money.TOOL])
def test_a_model_can_be_told_of_them(tool: Any) -> None:
    assert check_schema(tool.parameters) == []
    assert not tool.is_outward and not tool.is_writing and tool.origins == ()
