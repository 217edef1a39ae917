"""What day is it then? Exact sums with dates, business days and time zones, which models get wrong."""

from __future__ import annotations

import calendar
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from engine.clock import Clock
from engine.errors import ToolFailed
from engine.jsonvalue import JsonValue
from engine.tools.messages import Tool
from engine.tools.toolbox import Known

WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
MOST_DAYS = 366 * 500
_WHOLE = {"type": "integer", "minimum": -MOST_DAYS, "maximum": MOST_DAYS}
_DATE = {"type": "string", "maxLength": 40, "description": "2026-12-24, or with a time: 2026-12-24T09:30 or 2026-12-24T09:30:00+01:00"}
PARAMETERS = {
    "type": "object",
    "additionalProperties": False,
    "required": ["do"],
    "properties": {
        "do": {
            "enum": ["now", "add", "between", "next_weekday", "month_end", "in_zone"],
            "description": "now: the current time in `zone`. add: `date` plus `years months weeks days business_days hours minutes` "
            "(negative ones subtract). between: from `date` to `other`. next_weekday: the first `weekday` after `date`. "
            "month_end: the last day of the month of `date`. in_zone: the moment `date` as clocks in `zone` show it.",
        },
        "date": _DATE,
        "other": _DATE,
        **dict.fromkeys(("years", "months", "weeks", "days", "business_days", "hours", "minutes"), _WHOLE),
        "weekday": {"enum": list(WEEKDAYS)},
        "zone": {"type": "string", "maxLength": 64, "description": "Such as Europe/Berlin; UTC where it is left out."},
    },
}
TOOL = Tool(
    "work_out_dates",
    "Works dates out exactly: adds to them, tells the days and business days between two, weekdays, ends of months and time zones, and "
    "what time it is now. Business days are Monday to Friday.",
    PARAMETERS,
    "idempotent",
    origins=(),
    carries=False,
)


def known(clock: Clock) -> Known:
    """The tool, with that clock."""

    async def act(arguments: Mapping[str, Any], _key: str) -> JsonValue:
        return worked_out(arguments, datetime.fromtimestamp(clock.now_us() / 1e6, UTC))

    return Known(TOOL, act, title="Dates")


def worked_out(arguments: Mapping[str, Any], now: datetime) -> dict[str, JsonValue]:
    """`{date weekday}`, and of `between` `{days weeks_and_days business_days}`. ToolFailed says what is missing or cannot be."""
    work: dict[str, Callable[[Mapping[str, Any], datetime], dict[str, JsonValue]]] = {
        "now": lambda given, at: _told(at.astimezone(_zone(given)).replace(microsecond=0)),
        "add": lambda given, _: _told(_added(_date(given, "date"), given)),
        "between": lambda given, _: _between(_date(given, "date"), _date(given, "other")),
        "next_weekday": lambda given, _: _told(_next(_date(given, "date"), given)),
        "month_end": lambda given, _: _told(_month_end(_date(given, "date"))),
        "in_zone": lambda given, _: _told(_moved(_date(given, "date"), _zone(given))),
    }
    try:
        return work[arguments["do"]](arguments, now)
    except OverflowError:
        raise ToolFailed("That day is before the year 1 or after the year 9999.") from None


def _date(given: Mapping[str, Any], name: str) -> date:
    text = given.get(name)
    if text is None:
        raise ToolFailed(f"`{name}` is missing: {given['do']} needs it.")
    try:
        return date.fromisoformat(text) if len(text) == 10 else datetime.fromisoformat(text)
    except ValueError:
        raise ToolFailed(f"`{name}` is no date: {text[:40]}. Write it as 2026-12-24 or 2026-12-24T09:30.") from None


def _zone(given: Mapping[str, Any]) -> ZoneInfo:
    name = given.get("zone") or "UTC"
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ToolFailed(f"There is no time zone {name[:64]}. Write it as Europe/Berlin.") from None


def _added(day: date, given: Mapping[str, Any]) -> date:
    months = given.get("years", 0) * 12 + given.get("months", 0)
    whole = day.year * 12 + day.month - 1 + months
    year, month = divmod(whole, 12)
    if not 1 <= year <= 9999:
        raise OverflowError
    # The 31st of a month without one is its last day.
    day = day.replace(year=year, month=month + 1, day=min(day.day, calendar.monthrange(year, month + 1)[1]))
    day += timedelta(weeks=given.get("weeks", 0), days=given.get("days", 0))
    day = _business(day, given.get("business_days", 0))
    hours, minutes = given.get("hours", 0), given.get("minutes", 0)
    if (hours or minutes) and not isinstance(day, datetime):
        raise ToolFailed("`date` has no time of day, so hours and minutes cannot be added. Write it as 2026-12-24T09:30.")
    return day + timedelta(hours=hours, minutes=minutes)


def _business(day: date, count: int) -> date:
    step = timedelta(days=1 if count > 0 else -1)
    weeks, left = divmod(abs(count), 5)
    if count:
        # From a weekend it is counted as from the working day before it, in the direction of the count.
        while day.weekday() > 4:
            day -= step
        day += timedelta(days=7 * weeks) * (1 if count > 0 else -1)
    while left:
        day += step
        left -= day.weekday() < 5
    return day


def _between(first: date, last: date) -> dict[str, JsonValue]:
    if isinstance(first, datetime) != isinstance(last, datetime):
        first, last = _day(first), _day(last)
    if isinstance(first, datetime) and isinstance(last, datetime):
        if (first.tzinfo is None) != (last.tzinfo is None):
            raise ToolFailed("One of the two has a time zone and the other has none, so nobody can say what lies between.")
        hours = (last - first).total_seconds() / 3600
        return {"days": _days(_day(first), _day(last)), "hours": round(hours, 4)} | _spans(_day(first), _day(last))
    return {"days": _days(first, last)} | _spans(first, last)


def _day(value: date) -> date:
    return value.date() if isinstance(value, datetime) else value


def _days(first: date, last: date) -> int:
    return (last - first).days


def _spans(first: date, last: date) -> dict[str, JsonValue]:
    days = _days(first, last)
    sign, (start, end) = (1, (first, last)) if days >= 0 else (-1, (last, first))
    weeks, left = divmod((end - start).days, 7)
    business = weeks * 5 + sum((start + timedelta(days=n)).weekday() < 5 for n in range(1, left + 1))
    return {"weeks_and_days": [sign * weeks, sign * left], "business_days": sign * business}


def _next(day: date, given: Mapping[str, Any]) -> date:
    if (wanted := given.get("weekday")) is None:
        raise ToolFailed("`weekday` is missing: next_weekday needs it.")
    return day + timedelta(days=(WEEKDAYS.index(wanted) - day.weekday() - 1) % 7 + 1)


def _month_end(day: date) -> date:
    return day.replace(day=calendar.monthrange(day.year, day.month)[1])


def _moved(day: date, zone: ZoneInfo) -> date:
    if not isinstance(day, datetime) or day.tzinfo is None:
        raise ToolFailed("`date` names no moment: write it with its time and its own zone, as 2026-12-24T09:30:00+01:00.")
    return day.astimezone(zone)


def _told(day: date) -> dict[str, JsonValue]:
    return {"date": day.isoformat(), "weekday": WEEKDAYS[day.weekday()]}
