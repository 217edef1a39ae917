"""What the operators do with JSON values."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from typing import Any

from engine.expressions.errors import Absent, DivisionByZero, TypeMismatch, suggestion
from engine.expressions.frame import ITEMS_A_UNIT, Frame, list_fits, text_fits
from engine.expressions.values import checked, equal, is_number, is_object, kind_of


def add(frame: Frame, a: Any, b: Any) -> Any:
    """Numbers add up, texts and lists are joined."""
    if is_number(a) and is_number(b):
        return checked(a + b)
    if type(a) is str and type(b) is str:
        text_fits(len(a) + len(b))
        frame.spend_text(len(a) + len(b))
        return a + b
    if type(a) is list and type(b) is list:
        list_fits(len(a) + len(b))
        frame.spend((len(a) + len(b)) // ITEMS_A_UNIT)
        return a + b
    hint = "Write str(…) around the number, or use a template." if "a text" in (kind_of(a), kind_of(b)) else ""
    raise TypeMismatch(f"`+` joins two numbers, two texts or two lists, not {kind_of(a)} and {kind_of(b)}", hint=hint)


def subtract(_frame: Frame, a: Any, b: Any) -> Any:
    """Numbers only."""
    _numbers("-", a, b)
    return checked(a - b)


def multiply(_frame: Frame, a: Any, b: Any) -> Any:
    """Numbers only; a text is never repeated."""
    _numbers("*", a, b)
    return checked(a * b)


def divide(_frame: Frame, a: Any, b: Any) -> Any:
    """Numbers only; the result is a number with a fraction, as in Python: 4 / 2 is 2.0."""
    _divisible("/", a, b)
    return checked(a / b)


def divide_down(_frame: Frame, a: Any, b: Any) -> Any:
    """Numbers only; rounded down, as in Python: -7 // 2 is -4."""
    _divisible("//", a, b)
    return checked(a // b)


def remainder(_frame: Frame, a: Any, b: Any) -> Any:
    """Numbers only; takes the sign of the divisor, as in Python: -7 % 2 is 1."""
    _divisible("%", a, b)
    return checked(a % b)


def _numbers(sign: str, a: Any, b: Any) -> None:
    if not (is_number(a) and is_number(b)):
        raise TypeMismatch(f"`{sign}` takes two numbers, not {kind_of(a)} and {kind_of(b)}")


def _divisible(sign: str, a: Any, b: Any) -> None:
    _numbers(sign, a, b)
    if b == 0:
        raise DivisionByZero(f"`{sign}` would divide by zero")


def negate(value: Any) -> Any:
    """A number with the other sign."""
    if not is_number(value):
        raise TypeMismatch(f"`-` takes a number, not {kind_of(value)}")
    return checked(-value)


def affirm(value: Any) -> Any:
    """A number as it is."""
    if not is_number(value):
        raise TypeMismatch(f"`+` in front of a value takes a number, not {kind_of(value)}")
    return value


def is_equal(frame: Frame, a: Any, b: Any) -> bool:
    """Strict JSON equality."""
    return equal(frame, a, b)


def is_different(frame: Frame, a: Any, b: Any) -> bool:
    """The opposite of strict JSON equality."""
    return not equal(frame, a, b)


def _ordering(sign: str, compare: Callable[[Any, Any], bool]) -> Callable[[Frame, Any, Any], bool]:
    def ordered(frame: Frame, a: Any, b: Any) -> bool:
        if is_number(a) and is_number(b):
            return compare(a, b)
        if type(a) is str and type(b) is str:
            frame.spend_text(min(len(a), len(b)))
            return compare(a, b)
        raise TypeMismatch(f"`{sign}` compares two numbers or two texts, not {kind_of(a)} and {kind_of(b)}")

    return ordered


less = _ordering("<", operator.lt)
less_or_equal = _ordering("<=", operator.le)
greater = _ordering(">", operator.gt)
greater_or_equal = _ordering(">=", operator.ge)


def is_in(frame: Frame, part: Any, whole: Any) -> bool:
    """A text in a text, a value in a list, a key in an object."""
    if type(whole) is list:
        frame.spend(1 + len(whole) // ITEMS_A_UNIT)
        return any(equal(frame, part, item) for item in whole)
    if type(part) is str and type(whole) is str:
        frame.spend_search(whole, part)
        return part in whole
    if type(part) is str and is_object(whole):
        return part in whole
    raise TypeMismatch(
        f"`in` looks for a text in a text, a value in a list or a key in an object, not for {kind_of(part)} in {kind_of(whole)}"
    )


def is_not_in(frame: Frame, part: Any, whole: Any) -> bool:
    """The opposite of `in`."""
    return not is_in(frame, part, whole)


def look_up(holder: Any, key: Any, told: str, holder_told: str) -> Any:
    """`holder[key]`: a key of an object, an item of a list or a character of a text; never a Python attribute.

    Absent if there is none, or the holder is null. TypeMismatch if the key does not fit the holder.
    `told` is the whole chain of look-ups and `holder_told` the part up to the holder, as the source spells them.
    """
    if holder is None:
        raise Absent(lambda: f"`{told}` has no value: `{holder_told}` is null")
    if is_object(holder):
        if type(key) is not str:
            raise TypeMismatch(f"`{holder_told}` is an object, so its keys are texts, not {kind_of(key)}")
        return _value_of(holder, key, told, holder_told)
    kind = kind_of(holder)
    if kind not in ("a list", "a text"):
        raise TypeMismatch(f"`{holder_told}` is {kind}, so nothing can be looked up in it")
    if type(key) is not int:
        raise TypeMismatch(f"`{holder_told}` is {kind}, so its places are whole numbers, not {_key_told(key)}")
    size = len(holder)
    if not -size <= key < size:
        raise Absent(
            lambda: f"`{told}` has no value: `{holder_told}` has {size} {'items' if kind == 'a list' else 'characters'}, none at {key}"
        )
    return holder[key]


def _key_told(key: Any) -> str:
    return f"`{key[:40]}`" if type(key) is str else "numbers with a fraction" if type(key) is float else kind_of(key)


def _value_of(holder: Mapping[str, Any], key: str, told: str, holder_told: str) -> Any:
    if key in holder:
        return holder[key]
    raise Absent(lambda: missing_key(holder, key, told, holder_told))


def missing_key(holder: Mapping[str, Any], key: str, told: str, holder_told: str) -> str:
    """The message for a key that is not there, with the nearest key that is."""
    if holder_told == "nodes":
        return f"`{told}` has no value: the node `{key[:60]}` has not run on this way"
    return f"`{told}` has no value: `{holder_told}` has no `{key[:60]}`{suggestion(key, holder)}"
