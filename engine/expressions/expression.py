"""One compiled expression, and the border where every trouble inside becomes an ExpressionError."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

from engine.expressions.compile import Reference, compile_source
from engine.expressions.errors import Absent, ExpressionError, NotReadable, TooCostly
from engine.expressions.frame import MAX_FUEL, MAX_SOURCE, Frame
from engine.expressions.values import plain, plain_wide
from engine.jsonvalue import JsonValue

ROOT_NAMES = frozenset({"inputs", "nodes", "item", "index", "visit", "run", "vars", "now"})
"""The names that expressions of a workflow start from."""

_CACHED = 1024

# What Python itself may raise although every operator checks its operands: the caller's own stack may be nearly used up.
_EXHAUSTED = (RecursionError, MemoryError, OverflowError)


class Expression:
    """A compiled expression; it never changes, so threads may share it."""

    __slots__ = ("_cost", "_slots", "_step", "references", "source")

    def __init__(self, source: str, references: tuple[Reference, ...], step: Callable[[Frame], Any], slots: int, cost: int) -> None:
        self.source = source
        self.references = references
        self._step = step
        self._slots = slots
        self._cost = cost

    def __repr__(self) -> str:
        return f"Expression({self.source!r})"

    def evaluate(self, scope: Mapping[str, Any]) -> JsonValue:
        """The value over `scope`, a mapping from root names to JSON values, as fresh plain JSON.

        MissingValue for a key, place, node or root that is not there; else ExpressionError with another code. At most
        10,000 units of work, 20,000 values and 1,000,000 characters.
        """
        return self._evaluate(scope, plain)

    def evaluate_wide(self, scope: Mapping[str, Any]) -> JsonValue:
        """The same where the value may be a whole list of records: at most 500,000 values and 20,000,000 characters."""
        return self._evaluate(scope, plain_wide)

    def _evaluate(self, scope: Mapping[str, Any], copied: Callable[[Any], JsonValue]) -> JsonValue:
        frame = Frame(scope, MAX_FUEL - self._cost, [None] * self._slots if self._slots else None)
        try:
            try:
                return copied(self._step(frame))
            except Absent as absent:
                raise absent.as_error() from None
        except ExpressionError as error:
            error.place(0)
            raise
        except _EXHAUSTED:
            raise TooCostly("The values are too large or nested too deep to be worked with", position=0) from None

    def work_out(self, frame: Frame) -> Any:
        """The value within a larger evaluation, for templates: not copied, and paid from the frame's fuel. ExpressionError."""
        frame.slots = [None] * self._slots if self._slots else None
        frame.spend(self._cost)
        try:
            return self._step(frame)
        except Absent as absent:
            raise absent.as_error() from None


def compile_expression(source: str, *, names: frozenset[str] = ROOT_NAMES) -> Expression:
    """Reads an expression of at most 2,000 characters and 40 levels; equal sources may give the same object.

    `names` are the roots it may start from. ExpressionError with the position of what is wrong.
    """
    if type(source) is not str:
        raise NotReadable("An expression is a text", position=0)
    if len(source) > MAX_SOURCE:
        return _compile(source, names)
    return _compile_cached(source, names)


def _compile(source: str, names: frozenset[str]) -> Expression:
    try:
        step, unit, cost = compile_source(source, names)
    except ExpressionError as error:
        error.place(0)
        raise
    except _EXHAUSTED:
        raise NotReadable("The expression is nested too deep", position=0) from None
    references = tuple(sorted(unit.references, key=lambda reference: reference.position))
    return Expression(source, references, step, unit.slots, cost)


_compile_cached = lru_cache(maxsize=_CACHED)(_compile)
