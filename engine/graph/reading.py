"""How the keys of a JSON object are read leniently: what fits is kept, everything else becomes a problem."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from re import Pattern
from typing import Any

from engine.graph.problems import Problem, Severity
from engine.graph.suggest import did_you_mean, listed, shown

MOST_PROBLEMS = 10_000


@dataclass(slots=True)
class ProblemList:
    """Collects problems; beyond 10,000 they are only counted, so that a hostile document cannot fill the memory."""

    found: list[Problem] = field(default_factory=list)
    left_out: int = 0
    worst_left_out: Severity = "warning"

    def add(self, problem: Problem) -> None:
        """Keeps one problem."""
        if len(self.found) < MOST_PROBLEMS:
            self.found.append(problem)
        else:
            self.left_out += 1
            self.worst_left_out = "error" if problem.severity == "error" else self.worst_left_out

    def closed(self) -> list[Problem]:
        """All of them, the last one telling how many were left out."""
        if not self.left_out:
            return self.found
        message = f"There are {self.left_out:,} more problems."
        more = Problem("more_problems", message, "Mend these first, then check again.", self.worst_left_out)
        return [*self.found, more]


class Reader:
    """Reads the keys of one object once each; `finish` reports the keys that nobody asked for."""

    __slots__ = ("_edge", "_known", "_node", "_problems", "_value", "_where")

    def __init__(
        self, value: dict[str, Any], problems: ProblemList, *, where: str = "", node: str | None = None, edge: int | None = None
    ) -> None:
        self._value = value
        self._problems = problems
        self._where = where
        self._node = node
        self._edge = edge
        self._known: list[str] = []

    def problem(self, code: str, message: str, hint: str = "", *, key: str = "", severity: Severity = "error") -> None:
        """Reports a problem at one of the keys."""
        place = self._where + (f".{key}" if self._where and key else key)
        self._problems.add(Problem(code, message, hint, severity, self._node, self._edge, place or None))

    def finish(self) -> None:
        """Reports every key that was not asked for."""
        for key in self._value:
            if key not in self._known:
                hint = did_you_mean(key, self._known, otherwise=f"Known here: {listed(self._known, most=30)}.")
                self.problem("unknown_key", f"`{shown(key)}` is not a setting that exists here.", hint, key=shown(key))

    def raw(self, key: str) -> Any:
        """The value as it stands; None when it is absent."""
        self._known.append(key)
        return self._value.get(key)

    def text(
        self, key: str, default: str = "", *, required: bool = False, most: int = 10_000, like: Pattern[str] | None = None, hint: str = ""
    ) -> str:
        """A text, within its length and of its form."""
        value = self.raw(key)
        if value is None and not required:
            return default
        if value is None:
            self.problem("missing_key", f"`{key}` is missing.", hint or f"Add `{key}`.", key=key)
        elif not isinstance(value, str):
            self._wrong_type(key, "a text")
        elif required and not value.strip():
            self.problem("empty_text", f"`{key}` is empty.", hint or f"Fill in `{key}`.", key=key)
        elif len(value) > most:
            self.problem("too_long", f"`{key}` is longer than {most:,} characters.", "Shorten it.", key=key)
        elif like is not None and not like.fullmatch(value):
            self.problem("bad_value", f"`{shown(value)}` does not fit `{key}`.", hint, key=key)
        else:
            return value
        return default

    def choice(self, key: str, choices: Iterable[str], default: str) -> str:
        """One of a few words; the first problem found leaves the default."""
        value = self.raw(key)
        known = tuple(choices)
        if value is None or value in known:
            return default if value is None else value
        told = f"`{shown(value)}`" if isinstance(value, str) else "This"
        near = did_you_mean(value, known, otherwise="") if isinstance(value, str) else ""
        self.problem("bad_value", f"{told} is not a choice for `{key}`.", near or f"Choose one of: {listed(known)}.", key=key)
        return default

    def flag(self, key: str, default: bool = False) -> bool:
        """True or false."""
        value = self.raw(key)
        if value is None or isinstance(value, bool):
            return default if value is None else value
        self._wrong_type(key, "true or false")
        return default

    def number(self, key: str, default: float, *, least: float = -math.inf, most: float = math.inf, above: float = -math.inf) -> float:
        """A finite number with `least` <= number <= `most` and number > `above`."""
        value = self.raw(key)
        if value is None:
            return default
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
            self._wrong_type(key, "a number")
            return default
        if value < least or value > most or value <= above:
            self._out_of_bounds(key, least, most, above)
            return default
        return value

    def integer(self, key: str, default: int, *, least: int, most: int) -> int:
        """A whole number with `least` <= number <= `most`; 20.0 is 20."""
        value = self.raw(key)
        if value is None:
            return default
        is_whole = isinstance(value, int) or (isinstance(value, float) and value.is_integer())
        if isinstance(value, bool) or not is_whole:
            self._wrong_type(key, "a whole number")
            return default
        if not least <= value <= most:
            self._out_of_bounds(key, least, most, -math.inf)
            return default
        return int(value)

    def mapping(self, key: str) -> dict[str, Any] | None:
        """An object; None when it is absent or something else."""
        value = self.raw(key)
        if value is None or isinstance(value, dict):
            return value
        self._wrong_type(key, "an object")
        return None

    def array(self, key: str) -> list[Any]:
        """An array; empty when it is absent or something else."""
        value = self.raw(key)
        if value is None or isinstance(value, list):
            return value or []
        self._wrong_type(key, "an array")
        return []

    def _wrong_type(self, key: str, wanted: str) -> None:
        self.problem("wrong_type", f"`{key}` must be {wanted}.", f"Write {wanted} or leave `{key}` out.", key=key)

    def _out_of_bounds(self, key: str, least: float, most: float, above: float) -> None:
        low = f"more than {above:g}" if math.isfinite(above) else f"at least {least:g}" if math.isfinite(least) else ""
        high = f"at most {most:g}" if math.isfinite(most) else ""
        bounds = " and ".join(b for b in (low, high) if b)
        self.problem("out_of_bounds", f"`{key}` must be {bounds}.", "Choose a number within these bounds.", key=key)
