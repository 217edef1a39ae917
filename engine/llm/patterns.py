"""Makes a short text that a regular expression finds, best effort: None where it cannot."""

from __future__ import annotations

import re
from collections.abc import Callable
from re import _constants as op  # pyright: ignore[reportAttributeAccessIssue]  # parsing only: nothing is ever matched with `re`
from re import _parser as parser  # pyright: ignore[reportAttributeAccessIssue]
from typing import Any

_MOST_REPEATS = 200
_MOST_TEXT = 2_000
_PREFERRED = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 -_.,:;/@#"


def text_for(pattern: str, *, pick: Callable[[int], int], at_least: int = 0) -> str | None:
    """A text of `at_least` characters, where the pattern can grow, in which `pattern` is found; `pick(n)` chooses below n."""
    try:
        tree = parser.parse(pattern)
    except (re.error, RecursionError, OverflowError):
        return None
    for more in (0, 1, max(1, at_least), at_least * 2):
        text = _Maker(pick=pick, more=min(more, _MOST_REPEATS)).sequence(tree)
        if text is None or len(text) >= at_least:
            break
    return text


class _Maker:
    """Walks a parsed pattern; `more` is how often a repeat is used beyond its minimum."""

    def __init__(self, *, pick: Callable[[int], int], more: int) -> None:
        self._pick, self._more, self._groups = pick, more, {}

    def sequence(self, tree: Any) -> str | None:
        made = ""
        for code, value in tree:
            part = self._one(code, value)
            if part is None or len(made) > _MOST_TEXT:
                return None
            made += part
        return made

    def _one(self, code: Any, value: Any) -> str | None:
        match code:
            case op.LITERAL:
                return chr(value)
            case op.NOT_LITERAL:
                return next(c for c in _PREFERRED if ord(c) != value)
            case op.ANY:
                return _PREFERRED[self._pick(26)]
            case op.IN:
                return self._from_set(value)
            case op.MAX_REPEAT | op.MIN_REPEAT:
                return self._repeat(*value)
            case op.SUBPATTERN:
                text = self.sequence(value[3])
                self._groups[value[0]] = text
                return text
            case op.BRANCH:
                return self.sequence(value[1][self._pick(len(value[1]))])
            case op.AT:
                return ""
            case op.GROUPREF:
                return self._groups.get(value)
            case _:
                return None

    def _repeat(self, least: int, most: Any, tree: Any) -> str | None:
        times = min(int(most), least + self._more, least + _MOST_REPEATS)
        if times > _MOST_REPEATS:
            return None
        parts = [self.sequence(tree) for _ in range(times)]
        return None if None in parts else "".join(part for part in parts if part is not None)

    def _from_set(self, items: Any) -> str | None:
        refused = items[0][0] is op.NEGATE
        fitting = [c for c in _PREFERRED if _in_set(ord(c), items[1:] if refused else items) is not refused]
        if fitting:
            return fitting[self._pick(min(len(fitting), 26))]
        code, value = items[0]
        return None if refused else chr(value if code is op.LITERAL else value[0]) if code in (op.LITERAL, op.RANGE) else None


def _in_set(point: int, items: Any) -> bool:
    return any(_in_item(point, code, value) for code, value in items)


def _in_item(point: int, code: Any, value: Any) -> bool:
    char = chr(point)
    match code:
        case op.LITERAL:
            return point == value
        case op.RANGE:
            return value[0] <= point <= value[1]
        case op.CATEGORY:
            kinds = {
                op.CATEGORY_DIGIT: char.isdigit(), op.CATEGORY_NOT_DIGIT: not char.isdigit(),
                op.CATEGORY_SPACE: char.isspace(), op.CATEGORY_NOT_SPACE: not char.isspace(),
                op.CATEGORY_WORD: char.isalnum() or char == "_", op.CATEGORY_NOT_WORD: not (char.isalnum() or char == "_"),
            }  # fmt: skip
            return kinds.get(value, False)
        case _:
            return False
