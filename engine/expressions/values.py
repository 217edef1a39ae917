"""What JSON values mean to expressions: their kinds, when they are true, when they are equal, and what may come out."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from engine.expressions.errors import ResultTooLarge, TypeMismatch
from engine.expressions.frame import MAX_LEVELS, MAX_NODES, MAX_TEXT, MAX_WIDE_NODES, MAX_WIDE_TEXT, Frame
from engine.jsonvalue import MAX_INT, JsonValue

_KINDS: dict[type, str] = {
    type(None): "null", bool: "a boolean", int: "a number", float: "a number", str: "a text", list: "a list", dict: "an object",
}  # fmt: skip
_NOT_JSON = "The data holds something that is not a JSON value"


def kind_of(value: Any) -> str:
    """`null`, `a boolean`, `a number`, `a text`, `a list` or `an object`. TypeMismatch for anything that is not JSON."""
    kind = _KINDS.get(type(value))
    if kind is not None:
        return kind
    if isinstance(value, Mapping):
        return "an object"
    raise TypeMismatch(_NOT_JSON)


def is_number(value: Any) -> bool:
    """Whether it is a number; booleans are none."""
    kind = type(value)
    return kind is int or kind is float


def is_object(value: Any) -> bool:
    """Whether it is an object; any Mapping counts, for the outputs of nodes are read lazily."""
    return type(value) is dict or isinstance(value, Mapping)


def is_true(value: Any) -> bool:
    """False for null, false, 0, "", [] and {}; true for everything else."""
    if value is True:
        return True
    if value is False or value is None:
        return False
    kind_of(value)
    return bool(value)


def checked(value: int | float) -> int | float:
    """The number itself. ResultTooLarge if it is not finite or an integer beyond 64 bits."""
    if type(value) is int:
        if -MAX_INT - 1 <= value <= MAX_INT:
            return value
        raise ResultTooLarge("The number is larger than 64 bits can hold")
    if math.isfinite(value):
        return value
    raise ResultTooLarge("The number is too large to be worked with")


def equal(frame: Frame, a: Any, b: Any, level: int = 0) -> bool:
    """Strict JSON equality, deep: 1 equals 1.0, but true does not equal 1. Costs one unit for each value looked at."""
    ta, tb = type(a), type(b)
    if ta is str and tb is str:
        frame.spend_text(min(len(a), len(b)))
        return a == b
    if (ta is int or ta is float) and (tb is int or tb is float):
        return a == b
    kind = kind_of(a)
    if kind != kind_of(b):
        return False
    if level > MAX_LEVELS * 2:
        raise ResultTooLarge("The values are nested too deep to be compared")
    if kind == "a list":
        frame.spend(min(len(a), len(b)))
        return len(a) == len(b) and all(equal(frame, x, y, level + 1) for x, y in zip(a, b, strict=True))
    if kind == "an object":
        frame.spend(min(len(a), len(b)))
        return len(a) == len(b) and all(key in b and equal(frame, a[key], b[key], level + 1) for key in a)
    return a is b


def identity(frame: Frame, value: Any, level: int = 0) -> Any:
    """A hashable stand-in that is the same for equal values and only for them. Costs one unit for each value in it."""
    frame.spend(1)
    kind = kind_of(value)
    if level > MAX_LEVELS * 2:
        raise ResultTooLarge("The value is nested too deep to be compared")
    match kind:
        case "a text":
            frame.spend_text(len(value))
            return value
        case "a list":
            return ("list", tuple(identity(frame, item, level + 1) for item in value))
        case "an object":
            return ("object", frozenset((key, identity(frame, value[key], level + 1)) for key in value))
        case "a boolean":
            return ("boolean", value)
        case _:
            return value


class _Copy:
    """Counts while it copies: a list that is used twice counts twice, or a short expression could make gigabytes."""

    __slots__ = ("characters", "most_characters", "most_nodes", "nodes")

    def __init__(self, most_nodes: int, most_characters: int) -> None:
        self.nodes = 0
        self.characters = 0
        self.most_nodes = most_nodes
        self.most_characters = most_characters

    def of(self, value: Any, level: int) -> JsonValue:
        self.nodes += 1
        if self.nodes > self.most_nodes:
            raise ResultTooLarge(f"The result has more than {self.most_nodes:,} values")
        if level > MAX_LEVELS:
            raise ResultTooLarge(f"The result is nested deeper than {MAX_LEVELS} levels")
        kind = type(value)
        if kind is str:
            return self.text(value)
        if kind is int or kind is float:
            return checked(value)
        if kind is bool or value is None:
            return value
        if kind is list:
            return [self.of(item, level + 1) for item in value]
        if is_object(value):
            return {self.key(key): self.of(value[key], level + 1) for key in value}
        raise TypeMismatch(_NOT_JSON)

    def key(self, key: Any) -> str:
        if type(key) is not str:
            raise TypeMismatch("The data holds an object whose keys are not texts")
        return self.text(key)

    def text(self, text: str) -> str:
        self.characters += len(text)
        if self.characters > self.most_characters:
            raise ResultTooLarge(f"The result has more than {self.most_characters:,} characters of text")
        if not text.isascii() and not is_clean(text):
            raise TypeMismatch("The data holds a text that is not valid Unicode (a lone surrogate)")
        return text


def is_clean(text: str) -> bool:
    """Whether the text can be written as UTF-8, i.e. holds no lone surrogate."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def plain(value: Any) -> JsonValue:
    """A fresh plain JSON copy, shared with nothing.

    At most 20,000 values, 1,000,000 characters and 64 levels: ResultTooLarge. TypeMismatch if something in it is not JSON.
    """
    if value is None or value is True or value is False:
        return value
    return _Copy(MAX_NODES, MAX_TEXT).of(value, 0)


def plain_wide(value: Any) -> JsonValue:
    """The same with at most 500,000 values and 20,000,000 characters, for what may be a whole list of records."""
    return _Copy(MAX_WIDE_NODES, MAX_WIDE_TEXT).of(value, 0)
