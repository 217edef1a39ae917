"""What each piece of an expression becomes: a closure that takes the frame and returns the value.

The common case of each is written out, because a condition is worked out far more often than it is read.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from engine.expressions.errors import Absent, ExpressionError, suggestion
from engine.expressions.frame import Frame
from engine.expressions.operators import look_up
from engine.expressions.values import is_true

Step = Callable[[Frame], Any]
Operator = Callable[[Frame, Any, Any], Any]

_Placed = (ExpressionError, Absent)
_SHORT = 256  # characters that are compared without asking for fuel


def constant(value: Any) -> Step:
    """Always the same value."""
    return lambda _frame: value


def root(name: str, at: int) -> Step:
    """The value of a root name. Absent where there is none, as `item` outside a map box."""

    def get(frame: Frame) -> Any:
        try:
            return frame.scope[name]
        except KeyError:
            raise Absent(lambda: _absent_root(name, frame), at) from None

    return get


def _absent_root(name: str, frame: Frame) -> str:
    if name in ("item", "index"):
        return f"`{name}` has no value: it exists only inside a map box"
    return f"`{name}` has no value here{suggestion(name, frame.scope)}"


def variable(slot: int) -> Step:
    """The variable of a body."""

    def get(frame: Frame) -> Any:
        return frame.slots[slot]  # pyright: ignore[reportOptionalSubscript]  # a body always has slots

    return get


def key(holder: Step, name: str | int | None, told: str, holder_told: str, at: int) -> Step:
    """Looks up a key or place that the source spells out."""

    def get(frame: Frame) -> Any:
        found = holder(frame)
        if type(found) is dict and name in found:
            return found[name]
        try:
            return look_up(found, name, told, holder_told)
        except _Placed as error:
            error.place(at)
            raise

    return get


def index(holder: Step, place: Step, told: str, holder_told: str, at: int) -> Step:
    """Looks up a key or place that is worked out."""

    def get(frame: Frame) -> Any:
        found, wanted = holder(frame), place(frame)
        try:
            return look_up(found, wanted, told, holder_told)
        except _Placed as error:
            error.place(at)
            raise

    return get


def unary(operator: Callable[[Any], Any], operand: Step, at: int) -> Step:
    """An operator in front of a value."""

    def work(frame: Frame) -> Any:
        try:
            return operator(operand(frame))
        except _Placed as error:
            error.place(at)
            raise

    return work


def binary(operator: Operator, left: Step, right: Step, at: int) -> Step:
    """An operator between two values."""

    def work(frame: Frame) -> Any:
        a, b = left(frame), right(frame)
        try:
            return operator(frame, a, b)
        except _Placed as error:
            error.place(at)
            raise

    return work


def comparison(operator: Operator, plain: Callable[[Any, Any], bool], left: Step, right: Step, at: int) -> Step:
    """A comparison; `plain` decides it for two integers or two short texts."""

    def work(frame: Frame) -> Any:
        a, b = left(frame), right(frame)
        kind = type(a)
        if kind is type(b) and (kind is int or (kind is str and len(a) < _SHORT and len(b) < _SHORT)):
            return plain(a, b)
        try:
            return operator(frame, a, b)
        except _Placed as error:
            error.place(at)
            raise

    return work


def chain(first: Step, links: Sequence[tuple[Operator, Step, int]]) -> Step:
    """`a < b <= c`: each value is worked out once, and none behind the first comparison that is false."""

    def work(frame: Frame) -> Any:
        left = first(frame)
        for operator, step, at in links:
            right = step(frame)
            try:
                if not operator(frame, left, right):
                    return False
            except _Placed as error:
                error.place(at)
                raise
            left = right
        return True

    return work


def both(left: Step, right: Step) -> Step:
    """`a and b`: the deciding operand, as in Python."""

    def work(frame: Frame) -> Any:
        found = left(frame)
        return right(frame) if found is True or (found is not False and is_true(found)) else found

    return work


def either(left: Step, right: Step) -> Step:
    """`a or b`: the deciding operand, as in Python."""

    def work(frame: Frame) -> Any:
        found = left(frame)
        return found if found is True or (found is not False and is_true(found)) else right(frame)

    return work


def first_with(truth: bool, steps: Sequence[Step]) -> Step:
    """`and` or `or` between many: the first operand of that truth, else the last; a loop, for the stack is short."""
    *others, final = steps

    def work(frame: Frame) -> Any:
        for step in others:
            found = step(frame)
            if is_true(found) is truth:
                return found
        return final(frame)

    return work


def negation(operand: Step) -> Step:
    """`not`."""
    return lambda frame: not is_true(operand(frame))


def choice(condition: Step, then: Step, otherwise: Step) -> Step:
    """`x if c else y`: only the chosen side is worked out."""
    return lambda frame: then(frame) if is_true(condition(frame)) else otherwise(frame)


def fallback(wanted: Step, instead: Step) -> Step:
    """`default`: the only place where a missing value is caught."""

    def work(frame: Frame) -> Any:
        try:
            found = wanted(frame)
        except Absent:
            return instead(frame)
        return instead(frame) if found is None else found

    return work


def make_list(items: Sequence[Step]) -> Step:
    """`[a, b]`."""
    return lambda frame: [item(frame) for item in items]


def make_object(pairs: Sequence[tuple[Step, Step]]) -> Step:
    """`{"a": b}`; the keys are known to be texts."""
    return lambda frame: {name(frame): value(frame) for name, value in pairs}


def call(run: Callable[..., Any], arguments: Sequence[Step], at: int) -> Step:
    """A function, called with the frame and its arguments."""

    def work(frame: Frame) -> Any:
        found = [argument(frame) for argument in arguments]
        try:
            return run(frame, *found)
        except _Placed as error:
            error.place(at)
            raise

    return work


def body(expression: Step, slot: int, cost: int) -> Step:
    """`"x -> expression"` as an argument: a callable that works the expression out for one value, for `cost` units."""

    def bind(frame: Frame) -> Callable[[Any], Any]:
        slots, spend = frame.slots, frame.spend

        def each(value: Any) -> Any:
            spend(cost)
            slots[slot] = value  # pyright: ignore[reportOptionalSubscript]  # a body always has slots
            return expression(frame)

        return each

    return bind
