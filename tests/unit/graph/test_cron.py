"""Schedules: what a cron text means, and which ones mean nothing."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.graph.cron import BadCron, parse_cron


def test_the_five_parts_are_sets_of_numbers() -> None:
    cron = parse_cron("*/20 8-10 1,15 jan-mar MON-FRI/2")
    assert (cron.minutes, cron.hours, cron.days) == ({0, 20, 40}, {8, 9, 10}, {1, 15})
    assert (cron.months, cron.weekdays) == ({1, 2, 3}, {1, 3, 5})
    assert not cron.is_any_day and not cron.is_any_weekday


def test_a_week_has_two_names_for_sunday_and_may_end_with_it() -> None:
    assert parse_cron("0 0 * * 0").weekdays == parse_cron("0 0 * * 7").weekdays == parse_cron("0 0 ? * sun").weekdays == {0}
    assert parse_cron("0 0 * * sat-sun").weekdays == {0, 6}
    assert parse_cron("0 0 * * *").weekdays == set(range(7))


def test_a_number_with_a_step_goes_on_to_the_end() -> None:
    assert parse_cron("5/20 0 * * *").minutes == {5, 25, 45}


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("* * * *", "4 parts"),
        ("60 * * * *", "from 0 to 59"),
        ("0 24 * * *", "from 0 to 23"),
        ("0 0 0 * *", "from 1 to 31"),
        ("0 0 1 13 *", "from 1 to 12"),
        ("0 0 1 foo *", "`foo` is no month"),
        ("0 0 * * 8", "from 0 to 7"),
        ("10-5 * * * *", "before it begins"),
        ("*/0 * * * *", "step"),
        ("*/99 * * * *", "step"),
        ("*-5 * * * *", "`*-5` is no minute"),
        ("? * * * *", "`?` is no minute"),
        ("1,,2 * * * *", "`` is no minute"),
        ("0 0 30 2 *", "never comes"),
        ("0 0 31 4,jun *", "never comes"),
        ("0 0 l * *", "`l` is no day"),
        ("0 0 * * 1#2", "`1#2` is no weekday"),
    ],
)
def test_what_means_nothing_says_why(text: str, why: str) -> None:
    with pytest.raises(BadCron, match=why.replace("*", r"\*").replace("?", r"\?")):
        parse_cron(text)


def test_where_a_weekday_is_named_a_day_that_never_comes_does_no_harm() -> None:
    assert parse_cron("0 0 30 2 mon").days == {30}


@given(st.text(alphabet="0123456789*/,-?#LWabcmonfeb \t", max_size=40))
def test_any_text_is_a_schedule_or_says_why_not(text: str) -> None:
    try:
        cron = parse_cron(text)
    except BadCron as error:
        assert str(error)
    else:
        assert cron.minutes and cron.hours and cron.days and cron.months and cron.weekdays
