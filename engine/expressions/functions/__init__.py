"""The functions that expressions can call: one table, from which the compiler, the editor's help and the docs are fed."""

from __future__ import annotations

from typing import Any

from engine.expressions.functions.dates import DATES
from engine.expressions.functions.lists import LISTS
from engine.expressions.functions.numbers import NUMBERS
from engine.expressions.functions.table import Function, define
from engine.expressions.functions.texts import TEXTS

__all__ = ["EXAMPLE_SCOPE", "FUNCTIONS", "Function"]


def _default(_frame: Any, value: Any, fallback: Any) -> Any:
    """default(value, fallback)

    The value, or the fallback if there is none or it is null; the fallback is only worked out when needed.

    default(inputs.nickname, inputs.name) => "Ada"
    default(null, 0) => 0
    """
    # The compiler does not call this: it must not work out both arguments.
    return fallback if value is None else value


_ALL = (*TEXTS, *NUMBERS, *LISTS, *DATES, define(_default, subject="Missing values"))

FUNCTIONS: dict[str, Function] = {function.name: function for function in _ALL}
"""Every function by its name."""

EXAMPLE_SCOPE: dict[str, Any] = {
    "inputs": {"name": "Ada", "total": 250, "tier": "gold", "orders": [{"amount": 250, "paid": False}, {"amount": 500, "paid": True}]},
    "nodes": {"draft": {"text": "Dear Ada"}},
    "vars": {},
    "visit": 1,
    "run": {"id": "run_1", "started_at": "2026-11-24T09:00:00.000000Z"},
    "now": "2026-11-24T09:30:00.000000Z",
}
"""What the examples in the help are worked out over."""
