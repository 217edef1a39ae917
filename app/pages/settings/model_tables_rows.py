"""The tables of models, told in words: what is asked instead, what a model costs, and how much it may be asked."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from engine import SetPace, SetPrice

PRICE_FIELDS = ("input", "output", "cached_input")
LIMIT_FIELDS = ("requests_per_min", "tokens_per_min", "at_once")


@dataclass(frozen=True)
class TableRow:
    """A model with what is set for it; `typed` are the fields of the dialog in their order, empty where nothing is set."""

    name: str
    told: str
    now: str
    typed: list[str]


def price_rows(prices: Mapping[str, SetPrice]) -> list[TableRow]:
    """Models with a price of their own."""
    return [TableRow(name, _price(price), "", [_number(getattr(price, part)) for part in PRICE_FIELDS]) for name, price in prices.items()]


def limit_rows(limits: Mapping[str, SetPace], lines: Sequence[Any]) -> list[TableRow]:
    """Models with limits, and who is there just now."""
    now = {line.model: line for line in lines}
    return [
        TableRow(name, _limit(limit), _now(now.get(name)), [_number(getattr(limit, part)) for part in LIMIT_FIELDS])
        for name, limit in limits.items()
    ]


def names_of(text: str) -> list[str]:
    """The names that somebody typed, with commas or on lines of their own."""
    return [name for part in re.split(r"[,\n]", text) if (name := part.strip())]


def typed_price(text: str) -> Any:
    """`0.15`, `$2`; nothing is None, and what is no number stays a text, which the engine refuses by name."""
    text = text.strip().removeprefix("$").strip()
    try:
        return float(text) if text else None
    except ValueError:
        return text


def typed_limit(text: str) -> Any:
    """`60`, `100,000`; nothing is None, and what is no whole number stays a text."""
    plain = re.sub(r"(?<=\d)[, ](?=\d{3}\b)", "", text.strip())
    return int(plain) if re.fullmatch(r"\d{1,15}", plain, re.ASCII) else plain or None


def _price(price: SetPrice) -> str:
    if not (price.input or price.output or price.cached_input):
        return "Costs nothing"
    cached = "" if price.cached_input is None else f", ${price.cached_input:g} in from a cache"
    return f"${price.input:g} in, ${price.output:g} out{cached}, for a million tokens"


def _limit(limit: SetPace) -> str:
    parts = [
        (limit.requests_per_min, "question a minute", "questions a minute"),
        (limit.tokens_per_min, "token a minute", "tokens a minute"),
        (limit.at_once, "at once", "at once"),
    ]
    told = [f"{most:,} {one if most == 1 else many}" for most, one, many in parts if most is not None]
    return f"At most {', '.join(told)}" if told else "No limit"


def _now(line: Any) -> str:
    if line is None:
        return ""
    return f"{line.running} asked just now" + (f", {line.waiting} waiting in line" if line.waiting else "")


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.10g}"
