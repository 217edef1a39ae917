"""The functions about points in time and about how numbers and dates are written."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

from engine.expressions.errors import BadArgument, BadDate, TypeMismatch
from engine.expressions.frame import Frame
from engine.expressions.functions.numbers import DECIMALS, round_half_up
from engine.expressions.functions.table import define, text_of
from engine.expressions.values import checked, is_number, kind_of

_DATE = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,9}))?)?(?:\s?(Z|[+-]\d\d:?\d\d))?)?", re.ASCII
)  # fmt: skip
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LAST_SECOND = 253_402_300_799  # 9999-12-31T23:59:59Z
_LONGEST_DATE = 40
_NUMBER_PATTERN = re.compile(r"(0,0|0)(?:\.(0{1,15}))?(%)?")
_TOKEN = re.compile(r"\[[^\]]*\]|YYYY|MM|DD|HH|mm|ss")
_LONGEST_PATTERN = 200
_LARGEST_SHOWN = 1e40


def moment(name: str, value: Any) -> datetime:
    """The point in time that an ISO 8601 text or a number of seconds since 1970 tells, in UTC. BadDate, TypeMismatch."""
    try:
        if is_number(value):
            if not -_LAST_SECOND <= value <= _LAST_SECOND:
                raise ValueError
            return _EPOCH + timedelta(seconds=value)
        if type(value) is not str:
            raise TypeMismatch(f"`{name}` takes a date as a text or as seconds since 1970, not {kind_of(value)}")
        found = _DATE.fullmatch(value.strip()) if len(value) <= _LONGEST_DATE else None
        if not found:
            raise ValueError
        return _moment_of(found)
    except (ValueError, OverflowError):
        told = str(value)[:_LONGEST_DATE]
        raise BadDate(f"`{told}` is not a date") from None


def _moment_of(found: re.Match[str]) -> datetime:
    year, month, day, hour, minute, second = (int(part or 0) for part in found.groups()[:6])
    microsecond = int((found.group(7) or "0").ljust(6, "0")[:6])
    zone = found.group(8)
    local = datetime(year, month, day, hour, minute, second, microsecond, tzinfo=UTC)
    if not zone or zone == "Z":
        return local
    hours, minutes = int(zone[1:3]), int(zone[-2:])
    if hours > 23 or minutes > 59:
        raise ValueError
    ahead = timedelta(hours=hours, minutes=minutes)
    return local - ahead if zone[0] == "+" else local + ahead


def date(_frame: Frame, value: Any) -> str:
    """date(value)

    A point in time in one spelling, UTC with microseconds, so that `<` compares times; takes ISO 8601 texts
    (without a zone they are UTC) and seconds since 1970.

    date("2026-11-24") => "2026-11-24T00:00:00.000000Z"
    date("2026-11-24 10:30+01:00") => "2026-11-24T09:30:00.000000Z"
    date("2026-11-24") < date(now) => true
    """
    found = moment("date", value)
    return f"{found.year:04}-{found:%m-%dT%H:%M:%S.%f}Z"


def _between(name: str, start: Any, end: Any, unit: timedelta) -> int | float:
    passed = moment(name, end) - moment(name, start)
    return passed // unit if passed % unit == timedelta(0) else passed / unit


def days_between(_frame: Frame, start: Any, end: Any) -> int | float:
    """days_between(start, end)

    How many days of 24 hours pass from the first date to the second, with a fraction; negative if the second is earlier.

    days_between("2026-11-20", "2026-11-24") => 4
    days_between("2026-11-24", "2026-11-23T12:00:00Z") => -0.5
    """
    return _between("days_between", start, end, timedelta(days=1))


def hours_between(_frame: Frame, start: Any, end: Any) -> int | float:
    """hours_between(start, end)

    How many hours pass from the first date to the second, with a fraction; negative if the second is earlier.

    hours_between("2026-11-24T09:00:00Z", "2026-11-24T10:30:00Z") => 1.5
    """
    return _between("hours_between", start, end, timedelta(hours=1))


def formatted(frame: Frame, value: Any, pattern: Any) -> str:
    """format(value, pattern)

    A number by `0`, `0.00`, `0,0.00` (thousands), `0%` or `0.0%`; a date (in UTC) by YYYY MM DD HH mm ss, where text in
    [brackets] and everything else stands as it is.

    format(1234.5, "0,0.00") => "1,234.50"
    format(0.256, "0.0%") => "25.6%"
    format("2026-11-24T09:30:00Z", "DD.MM.YYYY HH:mm") => "24.11.2026 09:30"
    """
    pattern = text_of("format", pattern)
    frame.spend(4)
    if len(pattern) > _LONGEST_PATTERN:
        raise BadArgument(f"A format has at most {_LONGEST_PATTERN} characters")
    if is_number(value):
        return _number_text(checked(value), pattern)
    if type(value) is not str:
        raise TypeMismatch(f"`format` takes a number or a date, not {kind_of(value)}")
    return _date_text(moment("format", value), pattern)


def _number_text(value: int | float, pattern: str) -> str:
    found = _NUMBER_PATTERN.fullmatch(pattern)
    if not found:
        raise BadArgument(f"`{pattern[:40]}` is not a format for numbers", hint="Use 0, 0.00, 0,0.00, 0% or 0.0%.")
    if abs(value) > _LARGEST_SHOWN:
        raise BadArgument("The number is too large to be written out")
    decimals, percent = len(found.group(2) or ""), found.group(3) or ""
    exact = round_half_up(value, decimals + 2).scaleb(2, DECIMALS) if percent else round_half_up(value, decimals)
    exact = exact.copy_abs() if exact == 0 else exact
    grouping = "," if found.group(1) == "0,0" else ""
    return f"{exact:{grouping}.{decimals}f}{percent}"


def _date_text(value: datetime, pattern: str) -> str:
    parts = {
        "YYYY": f"{value.year:04}", "MM": f"{value.month:02}", "DD": f"{value.day:02}",
        "HH": f"{value.hour:02}", "mm": f"{value.minute:02}", "ss": f"{value.second:02}",
    }  # fmt: skip
    if not _TOKEN.search(pattern):
        raise BadArgument(f"`{pattern[:40]}` is not a format for dates", hint="Use YYYY, MM, DD, HH, mm and ss.")
    return _TOKEN.sub(lambda token: parts.get(token.group(), token.group()[1:-1]), pattern)


DATES = tuple(define(f, subject="Dates and formats") for f in (date, days_between, hours_between, formatted))
