"""What can be wrong with an expression, each case with its code, its place in the source and the next step."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from difflib import get_close_matches
from itertools import islice
from typing import Any

from engine.errors import ExpressionFailed

_NAMES_TO_COMPARE = 200
_LONGEST_NAME = 60


class ExpressionError(ExpressionFailed):
    """An expression could not be worked out.

    `position` is the 0-based character in the source where it went wrong (0 <= position <= len(source)).
    """

    hint = "Open the expression in the editor; the place is marked."

    def __init__(self, message: str = "", *, position: int = -1, hint: str = "") -> None:
        # Keys and names of the data may hold lone surrogates; a message must always be storable.
        super().__init__(message.encode("utf-8", "replace").decode("utf-8"), hint=hint)
        self.position = position

    def place(self, position: int) -> None:
        """Tells where it happened, unless something further inside has told it already."""
        if self.position < 0:
            self.position = position

    def as_json(self) -> dict[str, Any]:
        """`{code, message, hint, position}`."""
        return {**super().as_json(), "position": self.position}


class NotReadable(ExpressionError):
    """This is not an expression."""

    code = "syntax"
    hint = "Look at the marked place: expressions know values, operators and the listed functions, nothing else."


class UnknownName(ExpressionError):
    """There is no such name."""

    code = "unknown_name"
    hint = "Start from inputs, nodes, item, index, visit, run, vars or now; put quotes around a text."


class UnknownFunction(ExpressionError):
    """There is no such function."""

    code = "unknown_function"
    hint = "Choose one of the functions listed in docs/expressions.md."


class MissingValue(ExpressionError):
    """There is no value here."""

    code = "missing_value"
    hint = "Write default(…, fallback) if the value may be missing."


class TypeMismatch(ExpressionError):
    """This kind of value does not fit here."""

    code = "type_mismatch"
    hint = "Convert it first, for instance with number(…) or str(…)."


class DivisionByZero(ExpressionError):
    """Nothing can be divided by zero."""

    code = "division_by_zero"
    hint = "Test for zero first: `a / b if b != 0 else 0`."


class TooCostly(ExpressionError):
    """The expression needs more work than one expression may do."""

    code = "too_costly"
    hint = "Filter the list in an earlier step, or use a map box or a code step."


class ResultTooLarge(ExpressionError):
    """The value is larger than an expression may make."""

    code = "too_large"
    hint = "Take only the part that the next step needs."


class BadArgument(ExpressionError):
    """The function cannot do this with what it was given."""

    code = "bad_argument"
    hint = "Compare the arguments with the function's example in docs/expressions.md."


class BadPattern(ExpressionError):
    """The pattern is not a regular expression that can be used here."""

    code = "bad_pattern"
    hint = "Patterns are RE2: no look-ahead, no look-behind, no back references."


class BadDate(ExpressionError):
    """This is not a date."""

    code = "bad_date"
    hint = "Write dates as 2026-11-24 or 2026-11-24T09:30:00Z."


class Absent(Exception):
    """A missing value on its way up: `default` swallows it, so the message is only worked out when nothing does."""

    def __init__(self, reason: Callable[[], str], position: int = -1) -> None:
        self.reason = reason
        self.position = position

    def place(self, position: int) -> None:
        """Tells where it happened, unless something further inside has told it already."""
        if self.position < 0:
            self.position = position

    def as_error(self) -> MissingValue:
        """The error that leaves the expression."""
        return MissingValue(self.reason(), position=self.position)


def suggestion(name: str, known: Iterable[object]) -> str:
    """`; did you mean …?` with the nearest of the known names, or nothing. Looks at 200 short names at most."""
    names = [n for n in islice(known, _NAMES_TO_COMPARE) if isinstance(n, str) and len(n) <= _LONGEST_NAME]
    near = get_close_matches(name[:_LONGEST_NAME], names, n=1)
    return f"; did you mean `{near[0]}`?" if near else ""
