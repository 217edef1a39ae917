"""What is wrong with the tables of models: fallbacks behind an alias, prices, and how much a model may be asked."""

from __future__ import annotations

import math
from collections.abc import Iterable

from engine.errors import SignalboxError
from engine.facade.settings_views import ModelChoices
from engine.llm.catalog import ALIASES, Catalog
from engine.people.records import Problem

MOST_FALLBACKS = 5
MOST_ROWS = 200
MOST_USD = 1_000_000.0
MOST_A_MINUTE = 1_000_000_000
MOST_NAME = 200


def place_of(loc: Iterable[object]) -> str:
    """The field that a problem belongs to: `prices/gpt-4o-mini/input`; a model's name may hold dots."""
    return "/".join(str(part) for part in loc)


def table_problems(chosen: ModelChoices) -> list[Problem]:
    """What the tables say that cannot be, without looking a model up."""
    return [*_fallback_problems(chosen), *_price_problems(chosen), *_limit_problems(chosen)]


def unknown_in_tables(catalog: Catalog, chosen: ModelChoices) -> list[Problem]:
    """Names in the tables that mean no model; blocks."""
    places = [(f"fallbacks/{alias}/{i}", name) for alias, names in chosen.fallbacks.items() for i, name in enumerate(names)]
    places += [(f"{table}/{name}/name", name) for table in ("prices", "limits") for name in getattr(chosen, table)]
    problems: list[Problem] = []
    for place, name in places:
        try:
            catalog.resolve(name)
        except SignalboxError as error:
            problems.append(Problem(place, error.message))
    return problems


def _fallback_problems(chosen: ModelChoices) -> list[Problem]:
    problems = [
        Problem(f"fallbacks/{name}", f"There is no such name; there are {', '.join(ALIASES)}.")
        for name in chosen.fallbacks
        if name not in ALIASES
    ]
    for alias, names in chosen.fallbacks.items():
        if len(names) > MOST_FALLBACKS:
            problems.append(Problem(f"fallbacks/{alias}", f"At most {MOST_FALLBACKS} models can stand in for another one."))
        for i, name in enumerate(names):
            if name in ALIASES:
                # What stands behind that alias would have to be counted too, and could lead in a circle.
                problems.append(Problem(f"fallbacks/{alias}/{i}", "Name the model itself here."))
    return problems


def _price_problems(chosen: ModelChoices) -> list[Problem]:
    problems = _name_problems("prices", chosen.prices)
    for name, price in chosen.prices.items():
        for part in ("input", "output", "cached_input"):
            usd = getattr(price, part)
            if usd is not None and not (math.isfinite(usd) and 0 <= usd <= MOST_USD):
                problems.append(
                    Problem(f"prices/{name}/{part}", "A price is a number of US dollars for a million tokens, 0 if it is free.")
                )
    return problems


def _limit_problems(chosen: ModelChoices) -> list[Problem]:
    problems = _name_problems("limits", chosen.limits)
    for name, limit in chosen.limits.items():
        for part in ("requests_per_min", "tokens_per_min", "at_once"):
            most = getattr(limit, part)
            if most is not None and not 1 <= most <= MOST_A_MINUTE:
                problems.append(Problem(f"limits/{name}/{part}", "A limit is a whole number from 1; leave it empty for none."))
    return problems


def _name_problems(table: str, rows: Iterable[str]) -> list[Problem]:
    names = list(rows)
    problems = [Problem(table, f"At most {MOST_ROWS} rows can be kept.")] if len(names) > MOST_ROWS else []
    for name in names:
        if name in ALIASES:
            problems.append(Problem(f"{table}/{name}/name", "Name the model itself: what this name means may change."))
        elif not name.strip() or len(name) > MOST_NAME:
            problems.append(Problem(f"{table}/{name[:MOST_NAME]}/name", "Write the model's name, as steps name it."))
    return problems
