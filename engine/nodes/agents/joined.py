"""What an agent's step and its colleague say together: the words before the task, the model, and what a call is judged by. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from engine.expressions import ExpressionError
from engine.jsonvalue import JsonValue
from engine.nodes.colleague import lower, rule_value

ANY_MODEL = "default"
"""The step leaves the model to its colleague."""


def joined(item: Mapping[str, Any], colleague: Mapping[str, Any] | None) -> dict[str, Any]:
    """`{model, system, max_turns}` of a turn: the colleague's instructions stand before what the step adds to them."""
    model, system = item["model"], item["system"]
    if colleague is None:
        return {"model": model, "system": system, "max_turns": None}
    if model.strip() in ("", ANY_MODEL) and colleague["model"]:
        model = colleague["model"]
    parts = [part for part in (colleague["instructions"], system) if part.strip()]
    return {"model": model, "system": "\n\n".join(parts), "max_turns": colleague["max_turns"]}


def calls_allowed(own: int, offer: Mapping[str, Any]) -> int:
    """How many calls one turn may have: the lower of the step's bound and the colleague's."""
    colleague = offer.get("agent")
    return lower(own, colleague["calls_per_turn"] if colleague else None)


def offered_as(offer: Mapping[str, Any], tool: str) -> Mapping[str, Any] | None:
    """What was offered under this name with a colleague's policy and rules; None where there is no colleague or no such tool."""
    if not offer.get("agent"):
        return None
    return next((one for one in offer["tools"] if one["name"] == tool), None)


def held(that: str, scope: Mapping[str, Any]) -> tuple[bool | None, str]:
    """Whether a colleague's precondition holds; null and the reason where that cannot be said."""
    try:
        return truth(rule_value(that, scope))
    except ExpressionError as error:
        return None, error.message


def truth(value: JsonValue) -> tuple[bool | None, str]:
    """A condition's value, which must be true or false."""
    return (value, "") if isinstance(value, bool) else (None, "It is neither true nor false.")
