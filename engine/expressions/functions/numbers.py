"""The functions that make and compare numbers."""

from __future__ import annotations

import re
from decimal import ROUND_HALF_UP, Context, Decimal
from typing import Any

from engine.expressions.errors import Absent, BadArgument, ResultTooLarge, TypeMismatch
from engine.expressions.frame import ITEMS_A_UNIT, Frame
from engine.expressions.functions.table import define, list_of, number_of, whole_of
from engine.expressions.values import checked, is_number, kind_of

_NUMBER = re.compile(r"[+-]?(\d+)(\.\d+)?([eE][+-]?\d{1,4})?", re.ASCII)
_LONGEST_NUMBER = 400
_EXACT_UP_TO = 1e16  # floats beyond have no fraction
DECIMALS = Context(prec=64)


def number(_frame: Frame, value: Any) -> int | float:
    """number(value)

    The number that a text spells, whole when it has no point; numbers stay as they are.

    number("12.50") => 12.5
    number(" -3 ") => -3
    """
    if is_number(value):
        return checked(value)
    if type(value) is not str:
        raise TypeMismatch(f"`number` takes a text or a number, not {kind_of(value)}")
    text = value.strip() if len(value) <= _LONGEST_NUMBER else ""
    found = _NUMBER.fullmatch(text)
    if not found:
        raise BadArgument(f"`{value[:40]}` is not a number", hint="Write numbers like 1234.5, without separators and units.")
    if found.group(2) or found.group(3):
        return checked(float(text))
    return checked(int(text))


def to_int(frame: Frame, value: Any) -> int:
    """int(value)

    The whole number that is left when the fraction is cut off; texts are read as by number().

    int(3.9) => 3
    int("-12") => -12
    """
    return int(checked(int(number(frame, value))))


def round_half_up(value: int | float, digits: int) -> Decimal:
    """The value at `digits` decimals, halves away from zero, judged by the decimal number that is shown for it."""
    return Decimal(repr(value)).quantize(Decimal(1).scaleb(-digits), rounding=ROUND_HALF_UP, context=DECIMALS)


def rounded(_frame: Frame, value: Any, digits: Any = 0) -> int | float:
    """round(number, digits=0)

    Rounds as on an invoice: halves go away from zero. Whole unless digits are asked for.

    round(2.5) => 3
    round(2.675, 2) => 2.68
    round(1250, -2) => 1300
    """
    value = checked(number_of("round", value))
    digits = whole_of("round", digits, -15, 15)
    if type(value) is int and digits >= 0:
        return value
    if abs(value) >= _EXACT_UP_TO and digits >= 0:
        return value if digits else checked(int(value))
    if abs(value) > 1e40:
        raise ResultTooLarge("The number is too large to be rounded to a whole number")
    exact = round_half_up(value, digits)
    return checked(float(exact)) if digits > 0 else checked(int(exact))


def absolute(_frame: Frame, value: Any) -> int | float:
    """abs(number)

    The number without its sign.

    abs(-3) => 3
    """
    return checked(abs(number_of("abs", value)))


def _several(frame: Frame, name: str, values: tuple[Any, ...]) -> list[Any]:
    items = list_of(name, values[0]) if len(values) == 1 else list(values)
    frame.spend(len(items) // ITEMS_A_UNIT)
    if not items:
        raise Absent(lambda: f"`{name}` has no value: the list is empty")
    if all(map(is_number, items)):
        return items
    if all(type(item) is str for item in items):
        frame.spend_text(sum(map(len, items)))
        return items
    raise TypeMismatch(f"`{name}` compares numbers only or texts only")


def smallest(frame: Frame, *values: Any) -> Any:
    """min(list) or min(a, b, …)

    The smallest of several numbers or texts; no value if the list is empty.

    min([3, 1, 2]) => 1
    min(inputs.total, 100) => 100
    """
    return min(_several(frame, "min", values))


def largest(frame: Frame, *values: Any) -> Any:
    """max(list) or max(a, b, …)

    The largest of several numbers or texts; no value if the list is empty.

    max([3, 1, 2]) => 3
    default(max([]), 0) => 0
    """
    return max(_several(frame, "max", values))


def total(frame: Frame, items: Any) -> int | float:
    """sum(list)

    The numbers of the list added up; 0 if it is empty.

    sum([1, 2, 3.5]) => 6.5
    sum(map(inputs.orders, "x -> x.amount")) => 750
    """
    numbers = list_of("sum", items)
    frame.spend(len(numbers) // ITEMS_A_UNIT)
    found: int | float = 0
    for item in numbers:
        found += number_of("sum", item)
    # Checked once: infinities and NaN stay what they are, and Python's integers cannot overflow on the way.
    return checked(found)


NUMBERS = tuple(define(f, subject="Numbers") for f in (number, to_int, rounded, absolute, smallest, largest, total))
