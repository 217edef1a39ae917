"""When a schedule is due: the five parts of a cron text, read as sets of numbers."""

from __future__ import annotations

import re
from dataclasses import dataclass

MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
WEEKDAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
LONGEST_MONTHS = {2: 29, 4: 30, 6: 30, 9: 30, 11: 30}
_ITEM = re.compile(r"(?P<first>\*|\?|[0-9]{1,4}|[A-Za-z]{3})(-(?P<last>[0-9]{1,4}|[A-Za-z]{3}))?(/(?P<step>[0-9]{1,4}))?")


class BadCron(ValueError):
    """Says in a sentence what is wrong with a cron text."""


@dataclass(frozen=True, slots=True)
class _Part:
    name: str
    least: int
    most: int
    names: tuple[str, ...] = ()
    first_name: int = 0


_PARTS = (
    _Part("minute", 0, 59),
    _Part("hour", 0, 23),
    _Part("day", 1, 31),
    _Part("month", 1, 12, MONTHS, 1),
    _Part("weekday", 0, 7, WEEKDAYS),
)


@dataclass(frozen=True, slots=True)
class Cron:
    """The minutes at which something is due. Sunday is 0; where both days are limited, one of them is enough."""

    minutes: frozenset[int]
    hours: frozenset[int]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]
    is_any_day: bool
    is_any_weekday: bool


def parse_cron(text: str) -> Cron:
    """The schedule of `minute hour day month weekday` with `*`, lists, ranges, steps and names. Raises BadCron."""
    words = text.split()
    if len(words) != len(_PARTS):
        raise BadCron(f"It has {len(words)} parts instead of five.")
    minutes, hours, days, months, weekdays = (_numbers(word, part) for word, part in zip(words, _PARTS, strict=True))
    cron = Cron(minutes, hours, days, months, frozenset(day % 7 for day in weekdays), _is_any(words[2]), _is_any(words[4]))
    if cron.is_any_weekday and all(min(days) > LONGEST_MONTHS.get(month, 31) for month in months):
        raise BadCron(f"The day {min(days)} never comes in these months.")
    return cron


def _is_any(word: str) -> bool:
    return word[0] in "*?"


def _numbers(word: str, part: _Part) -> frozenset[int]:
    found: set[int] = set()
    for item in word.split(","):
        match = _ITEM.fullmatch(item)
        if match is None:
            raise BadCron(f"`{item[:40]}` is no {part.name}.")
        found.update(_range(match, part))
    return frozenset(found)


def _range(match: re.Match[str], part: _Part) -> range:
    first, last, step = match["first"], match["last"], match["step"]
    if first == "?" and part.name not in ("day", "weekday"):
        raise BadCron(f"`?` is no {part.name}.")
    if first in ("*", "?"):
        if last is not None:
            raise BadCron(f"`{match[0]}` is no {part.name}.")
        start, end = part.least, part.most
    else:
        start = _number(first, part)
        end = _number(last, part) if last is not None else part.most if step is not None else start
        # A week may end with Sunday: `sat-sun`.
        end = 7 if last is not None and end == 0 and part.names is WEEKDAYS else end
    if start > end:
        raise BadCron(f"The range `{match[0]}` ends before it begins.")
    every = 1 if step is None else int(step)
    if not 1 <= every <= part.most:
        raise BadCron(f"The step of `{match[0]}` must be from 1 to {part.most}.")
    return range(start, end + 1, every)


def _number(text: str, part: _Part) -> int:
    if text.isdigit():
        number = int(text)
    elif text.lower() in part.names:
        number = part.names.index(text.lower()) + part.first_name
    else:
        raise BadCron(f"`{text}` is no {part.name}.")
    if not part.least <= number <= part.most:
        raise BadCron(f"A {part.name} is from {part.least} to {part.most}, not {number}.")
    return number
