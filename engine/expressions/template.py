"""Texts with {{ expressions }} in them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import lru_cache
from typing import Any, TypeVar

from engine.expressions.compile import Reference
from engine.expressions.errors import ExpressionError, NotReadable, ResultTooLarge, TooCostly
from engine.expressions.expression import ROOT_NAMES, Expression, compile_expression
from engine.expressions.frame import MAX_FUEL, MAX_SOURCE, MAX_TEXT, Frame, text_fits
from engine.expressions.render import as_text
from engine.expressions.source import end_of_placeholder
from engine.expressions.values import is_clean, plain
from engine.jsonvalue import JsonValue

MAX_PLACEHOLDERS = 500

_CACHED = 512
_LONGEST_CACHED = 10_000
_Made = TypeVar("_Made")
_EXHAUSTED = (RecursionError, MemoryError, OverflowError)


class Template:
    """A compiled template; it never changes, so threads may share it."""

    __slots__ = ("_parts", "references", "source")

    def __init__(self, source: str, parts: tuple[str | tuple[int, Expression], ...]) -> None:
        self.source = source
        self._parts = parts
        self.references: tuple[Reference, ...] = tuple(
            replace(reference, position=reference.position + start)
            for start, expression in (part for part in parts if not isinstance(part, str))
            for reference in expression.references
        )

    def __repr__(self) -> str:
        return f"Template({self.source!r})"

    def evaluate(self, scope: Mapping[str, Any]) -> JsonValue:
        """The text with every placeholder filled in; or, if it is exactly one placeholder, its value in its own type.

        null becomes "", texts stand as they are, numbers as JSON numbers, booleans as true and false, lists and objects as
        compact JSON. The fuel of one expression must do for the whole template. ExpressionError with its position in the
        whole text; MissingValue among them.
        """
        parts = self._parts
        frame = Frame(scope, MAX_FUEL, None)
        if len(parts) == 1:
            only = parts[0]
            return only if isinstance(only, str) else _worked_out(only, frame, _as_it_is)
        filled, length = list[str](), 0
        for part in parts:
            text = part if isinstance(part, str) else _worked_out(part, frame, _as_text)
            length += len(text)
            if length > MAX_TEXT:
                at = 0 if isinstance(part, str) else part[0]
                raise ResultTooLarge(f"The text would have more than {MAX_TEXT:,} characters", position=at)
            filled.append(text)
        return "".join(filled)


def _as_it_is(_frame: Frame, value: Any) -> JsonValue:
    return plain(value)


def _as_text(frame: Frame, value: Any) -> str:
    text = as_text(frame, value)
    plain(text)
    return text


def _worked_out(part: tuple[int, Expression], frame: Frame, finish: Callable[[Frame, Any], _Made]) -> _Made:
    start, expression = part
    try:
        return finish(frame, expression.work_out(frame))
    except ExpressionError as error:
        error.place(0)
        error.position += start
        raise
    except _EXHAUSTED:
        raise TooCostly("The values are too large or nested too deep to be worked with", position=start) from None


def compile_template(source: str, *, names: frozenset[str] = ROOT_NAMES) -> Template:
    """Reads a text with {{ expressions }}; equal sources may give the same object.

    `names` are the roots that its expressions may start from. To show two opening braces write {{ "{{" }}.
    ExpressionError with the position in the whole text: code `syntax` if a `{{` is never closed.
    """
    if type(source) is not str:
        raise NotReadable("A template is a text", position=0)
    return _compile_cached(source, names) if len(source) <= _LONGEST_CACHED else _compile(source, names)


def _compile(source: str, names: frozenset[str]) -> Template:
    try:
        text_fits(len(source))
    except ExpressionError as error:
        error.place(0)
        raise
    if not is_clean(source):
        at = next(i for i, character in enumerate(source) if "\ud800" <= character <= "\udfff")
        raise NotReadable("There is half a character here (a lone surrogate)", position=at)
    if "{{" not in source:
        return Template(source, (source,))
    return Template(source, tuple(_parts(source, names)))


def _parts(source: str, names: frozenset[str]) -> list[str | tuple[int, Expression]]:
    parts, index, placeholders = list[str | tuple[int, Expression]](), 0, 0
    while (opening := source.find("{{", index)) >= 0:
        if opening > index:
            parts.append(source[index:opening])
        start = opening + 2
        end = end_of_placeholder(source, start, MAX_SOURCE)
        if end is None:
            raise NotReadable("The `{{` here is never closed", position=opening, hint="Write {{ expression }}.")
        placeholders += 1
        if placeholders > MAX_PLACEHOLDERS:
            raise NotReadable(f"A template holds at most {MAX_PLACEHOLDERS} expressions", position=opening)
        try:
            parts.append((start, compile_expression(source[start:end], names=names)))
        except ExpressionError as error:
            error.position += start
            raise
        index = end + 2
    if index < len(source):
        parts.append(source[index:])
    return parts


_compile_cached = lru_cache(maxsize=_CACHED)(_compile)
