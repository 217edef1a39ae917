"""Storage as Settings tells it: sizes in words, and what a shorter time would delete."""

from datetime import UTC, datetime

import pytest

from app.pages.settings.rows import size
from app.pages.settings.storage_rows import over_told, storage_rows
from engine import OverView, WorkflowStorage

NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)


def line(*, size: int = 0, runs: int = 0, days: int | None = None, oldest: str | None = None) -> WorkflowStorage:
    return WorkflowStorage(id="w", name="Digest", runs=runs, bytes=size, retention_days=days, oldest_ended_at=oldest, is_deleted=False)


def test_bars_are_parts_of_the_whole_and_nothing_is_no_part() -> None:
    rows = storage_rows([line(size=3000, runs=2, oldest="2026-11-28T12:00:00Z"), line(size=1000, runs=1), line()], now=NOW)
    assert [row.width for row in rows] == ["75.0%", "25.0%", "0.0%"]
    assert [row.told for row in rows] == ["2 runs · oldest ended 2 days ago", "1 run", "No runs"]
    assert [row.width for row in storage_rows([line()], now=NOW)] == ["0.0%"]


@pytest.mark.parametrize(
    ("days", "kept", "choice"),
    [(None, "Kept for ever", "ever"), (30, "Kept for 30 days", "30"), (1, "Kept for 1 day", "other"), (14, "Kept for 14 days", "other")],
)
def test_how_long_runs_are_kept_is_told_and_found_in_the_list(days: int | None, kept: str, choice: str) -> None:
    (row,) = storage_rows([line(days=days)], now=NOW)
    assert (row.kept, row.choice, row.days) == (kept, choice, "" if days is None else str(days))


def test_what_would_be_deleted_is_told_in_numbers() -> None:
    assert over_told(OverView(runs=1, bytes=2_500_000), 1).startswith("1 run that ended more than 1 day ago, 2.5 MB of journals, will")
    assert over_told(OverView(runs=30, bytes=0), 7).startswith("30 runs that ended more than 7 days ago, 0 kB of journals, will")


@pytest.mark.parametrize(("number", "told"), [(0, "0 kB"), (640_000, "640 kB"), (1_200_000, "1.2 MB"), (3_400_000_000, "3.4 GB")])
def test_sizes_are_told_in_the_unit_that_fits(number: int, told: str) -> None:
    assert size(number) == told
