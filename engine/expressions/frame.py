"""How much one evaluation may cost, and what it carries along: the scope, the variables of bodies and the fuel left."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from engine.expressions.errors import ResultTooLarge, TooCostly

MAX_SOURCE = 2_000  # characters of one expression
MAX_DEPTH = 40  # levels of nesting in an expression, bodies included
MAX_FUEL = 10_000  # units of work in one evaluation
MAX_TEXT = 1_000_000  # characters of any text, and of all texts of a result together
MAX_NODES = 20_000  # values in a result, and items in any list made on the way
MAX_WIDE_TEXT = 20_000_000  # the same where a whole list is handed on: the items of a box, the output of a run
MAX_WIDE_NODES = 500_000
MAX_LEVELS = 64  # levels of nesting in a value

ITEMS_A_UNIT = 8  # items of a list that a built-in loop handles for one unit of fuel
_TEXT_UNIT = 256  # characters that are handled for one unit of fuel


class Frame:
    """One evaluation. `slots` holds the variables of `x -> …` bodies, one place for each body in the source."""

    __slots__ = ("fuel", "scope", "slots")

    def __init__(self, scope: Mapping[str, Any], fuel: int, slots: list[Any] | None) -> None:
        self.scope = scope
        self.fuel = fuel
        self.slots = slots

    def spend(self, units: int) -> None:
        """Takes fuel. TooCostly when none is left."""
        self.fuel -= units
        if self.fuel < 0:
            raise TooCostly(f"This takes more work than one expression may do ({MAX_FUEL:,} units)")

    def spend_text(self, characters: int) -> None:
        """Takes fuel for handling a text of this length once."""
        self.spend(characters // _TEXT_UNIT)

    def spend_search(self, text: str, part: str) -> None:
        """Takes fuel for looking for one text in another; CPython's search is not linear below 30,000 characters."""
        self.spend(len(text) // (_TEXT_UNIT if len(text) >= 30_000 else 64))
        self.spend_text(len(part))


def text_fits(characters: int) -> None:
    """ResultTooLarge unless a text of this length may be made."""
    if characters > MAX_TEXT:
        raise ResultTooLarge(f"The text would have more than {MAX_TEXT:,} characters")


def list_fits(items: int) -> None:
    """ResultTooLarge unless a list of this length may be made."""
    if items > MAX_NODES:
        raise ResultTooLarge(f"The list would have more than {MAX_NODES:,} items")
