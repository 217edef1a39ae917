"""The functions that make and test texts."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import re2

from engine.expressions.errors import BadArgument, BadPattern, TypeMismatch
from engine.expressions.frame import MAX_NODES, Frame, list_fits, text_fits
from engine.expressions.functions.table import define, list_of, text_of
from engine.expressions.operators import is_in
from engine.expressions.render import as_text
from engine.expressions.values import is_clean, kind_of

_LONGEST_PATTERN = 500
_PATTERN_FUEL = 150  # reading a pattern takes up to a millisecond
_PATTERN_MEMORY = 1 << 19


def to_text(frame: Frame, value: Any) -> str:
    """str(value)

    The value as a template shows it: null as "", lists and objects as compact JSON.

    str(12.5) => "12.5"
    str([1, true]) => "[1,true]"
    """
    return as_text(frame, value)


def _made(frame: Frame, text: str) -> str:
    text_fits(len(text))
    frame.spend_text(len(text))
    return text


def lower(frame: Frame, text: Any) -> str:
    """lower(text)

    The text in small letters.

    lower("Ab") => "ab"
    """
    return _made(frame, text_of("lower", text).lower())


def upper(frame: Frame, text: Any) -> str:
    """upper(text)

    The text in capital letters.

    upper("ab") => "AB"
    """
    return _made(frame, text_of("upper", text).upper())


def trim(frame: Frame, text: Any) -> str:
    """trim(text)

    The text without white space at both ends.

    trim("  hi ") => "hi"
    """
    return _made(frame, text_of("trim", text).strip())


def split(frame: Frame, text: Any, separator: Any = None) -> list[str]:
    """split(text, separator=white space)

    The parts of the text between the separators; without one, its words.

    split("a,b,,c", ",") => ["a", "b", "", "c"]
    split(" two  words ") => ["two", "words"]
    """
    text = text_of("split", text)
    text_fits(len(text))
    if separator is not None and not text_of("split", separator):
        raise BadArgument("`split` needs a separator that is not empty")
    frame.spend_search(text, separator or " ")
    parts = text.split(separator, MAX_NODES)
    list_fits(len(parts))
    frame.spend(len(parts) // 8)
    return parts


def join(frame: Frame, items: Any, separator: Any = "") -> str:
    """join(list, separator="")

    One text of all items, each as str() shows it, with the separator between them.

    join(["a", "b"], ", ") => "a, b"
    join([1, 2, 3], "-") => "1-2-3"
    """
    separator = text_of("join", separator)
    frame.spend(len(list_of("join", items)) // 4)
    parts = [as_text(frame, item) for item in items]
    length = sum(map(len, parts)) + len(separator) * max(len(parts) - 1, 0)
    text_fits(length)
    frame.spend_text(length)
    return separator.join(parts)


def contains(frame: Frame, whole: Any, part: Any) -> bool:
    """contains(whole, part)

    Whether a text holds a text, a list a value, an object a key; the same as `part in whole`.

    contains("invoice 12", "voice") => true
    contains([1, 2], 3) => false
    """
    return is_in(frame, part, whole)


def starts_with(frame: Frame, text: Any, part: Any) -> bool:
    """startswith(text, part)

    Whether the text begins with the part.

    startswith("INV-12", "INV-") => true
    """
    frame.spend_text(len(text_of("startswith", part)))
    return text_of("startswith", text).startswith(part)


def ends_with(frame: Frame, text: Any, part: Any) -> bool:
    """endswith(text, part)

    Whether the text ends with the part.

    endswith("scan.pdf", ".pdf") => true
    """
    frame.spend_text(len(text_of("endswith", part)))
    return text_of("endswith", text).endswith(part)


def matches(frame: Frame, text: Any, pattern: Any) -> bool:
    """matches(text, pattern)

    Whether the RE2 pattern is found anywhere in the text; ^ and $ tie it to the ends.

    matches("INV-0012", "^INV-[0-9]+$") => true
    matches("order 66", "^[0-9]+$") => false
    """
    # A pattern that is not written out is read each time: only the source is read in advance.
    frame.spend(_PATTERN_FUEL)
    return _found(frame, text, _pattern(text_of("matches", pattern)))


def matcher(pattern: str) -> Callable[[Frame, Any], bool]:
    """`matches` for a pattern that the source writes out: read once. BadPattern."""
    compiled = _read_pattern(pattern)
    return lambda frame, text: _found(frame, text, compiled)


def _found(frame: Frame, text: Any, pattern: Any) -> bool:
    text = text_of("matches", text)
    # RE2 is linear in text and in pattern: measured, at most 11 ns for each character and instruction.
    frame.spend(2 + len(text) * pattern.programsize // 512)
    if not is_clean(text):
        raise TypeMismatch("`matches` takes a text that is valid Unicode")
    return pattern.search(text) is not None


def _read_pattern(pattern: str) -> Any:
    if len(pattern) > _LONGEST_PATTERN or not is_clean(pattern):
        raise BadPattern(f"A pattern is valid Unicode of at most {_LONGEST_PATTERN} characters")
    options = re2.Options()
    options.log_errors = False
    options.max_mem = _PATTERN_MEMORY
    try:
        return re2.compile(pattern, options)
    except re2.error as error:
        reason = error.args[0] if error.args else "not readable"
        told = reason.decode("utf-8", "replace") if isinstance(reason, bytes) else str(reason)
        raise BadPattern(f"The pattern cannot be used: {told}") from None


_pattern = lru_cache(maxsize=64)(_read_pattern)


def length(_frame: Frame, value: Any) -> int:
    """len(value)

    How many characters a text, items a list or keys an object has.

    len("abc") => 3
    len([1, 2]) => 2
    """
    kind = kind_of(value)
    if kind not in ("a text", "a list", "an object"):
        raise TypeMismatch(f"`len` takes a text, a list or an object, not {kind}")
    return len(value)


TEXTS = tuple(
    define(f, subject="Texts")
    for f in (length, to_text, lower, upper, trim, split, join, contains, starts_with, ends_with, matches)
)  # fmt: skip
