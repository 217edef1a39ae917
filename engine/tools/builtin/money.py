"""What does it come to? Exact sums of money, to the last cent, which models get wrong."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import ROUND_HALF_EVEN, ROUND_HALF_UP, Decimal, InvalidOperation, localcontext
from typing import Any

from engine.errors import ToolFailed
from engine.jsonvalue import JsonValue
from engine.tools.messages import Tool
from engine.tools.toolbox import Known

DIGITS = {
    0: "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF",
    3: "BHD IQD JOD KWD LYD OMR TND",
    4: "CLF UYW",
}
"""Digits behind the point, where they are not two (ISO 4217, list one)."""
_DIGITS_OF = {currency: digits for digits, named in DIGITS.items() for currency in named.split()}
MOST_AMOUNTS = 1_000
_NUMBER = {"type": "string", "maxLength": 40, "pattern": r"^-?[0-9]+(\.[0-9]+)?$", "description": 'As text, such as "12.50".'}
_PART = {"type": "integer", "minimum": 0, "maximum": 1_000_000}
PARAMETERS = {
    "type": "object",
    "additionalProperties": False,
    "required": ["do", "currency", "amounts"],
    "properties": {
        "do": {
            "enum": ["add", "subtract", "multiply", "percent", "share", "round", "compare"],
            "description": "add: all `amounts`. subtract: the later ones from the first. multiply: the first by `by`. percent: `by` "
            "percent of the first, and the first with it added and taken off. share: the first among `parts` (such as [1, 1, 2]), no "
            "cent lost. round: the first to what can be paid. compare: the first with the second.",
        },
        "currency": {"type": "string", "pattern": "^[A-Z]{3}$", "description": "Its code, such as EUR."},
        "amounts": {"type": "array", "items": _NUMBER, "minItems": 1, "maxItems": MOST_AMOUNTS},
        "by": _NUMBER,
        "parts": {
            "type": "array",
            "items": {"type": "integer", "minimum": 0, "maximum": 1_000_000},
            "minItems": 1,
            "maxItems": MOST_AMOUNTS,
        },
        "rounding": {"enum": ["half_up", "half_even"], "description": "half_up where it is left out, as people do."},
    },
}
TOOL = Tool(
    "work_out_money",
    "Works sums of money out exactly: adds, subtracts, multiplies, percentages, shares without losing a cent, rounds to what the currency "
    "can pay, compares. Amounts are texts, so that nothing is lost.",
    PARAMETERS,
    "pure",
    origins=(),
    carries=False,
)


async def _act(arguments: Mapping[str, Any], _key: str) -> JsonValue:
    return worked_out(arguments)


KNOWN = Known(TOOL, _act, title="Money")


def worked_out(arguments: Mapping[str, Any]) -> dict[str, JsonValue]:
    """`{amount currency}` and what else was asked for, amounts as texts. ToolFailed says what is missing."""
    with localcontext() as context:
        context.prec = 100
        amounts = [Decimal(text) for text in arguments["amounts"]]
        work: dict[str, Callable[[list[Decimal], Mapping[str, Any]], dict[str, JsonValue]]] = {
            "add": lambda all_, given: {"amount": _paid(sum(all_, Decimal(0)), given)},
            "subtract": lambda all_, given: {"amount": _paid(all_[0] - sum(all_[1:], Decimal(0)), given)},
            "multiply": lambda all_, given: {"amount": _paid(all_[0] * _by(given), given)},
            "percent": _percent,
            "share": _shared,
            "round": lambda all_, given: {"amount": _paid(all_[0], given)},
            "compare": _compared,
        }
        try:
            told = work[arguments["do"]](amounts, arguments)
        except InvalidOperation:
            raise ToolFailed("The amounts are too large to be worked out exactly.") from None
    return told | {"currency": arguments["currency"]}


def _by(given: Mapping[str, Any]) -> Decimal:
    if given.get("by") is None:
        raise ToolFailed(f"`by` is missing: {given['do']} needs it.")
    return Decimal(given["by"])


def _smallest(given: Mapping[str, Any]) -> Decimal:
    return Decimal(1).scaleb(-_DIGITS_OF.get(given["currency"], 2))


def _rounded(amount: Decimal, given: Mapping[str, Any]) -> Decimal:
    how = ROUND_HALF_EVEN if given.get("rounding") == "half_even" else ROUND_HALF_UP
    return amount.quantize(_smallest(given), rounding=how)


def _paid(amount: Decimal, given: Mapping[str, Any]) -> str:
    rounded = _rounded(amount, given)
    return f"{rounded:f}" if rounded else f"{abs(rounded):f}"


def _percent(amounts: list[Decimal], given: Mapping[str, Any]) -> dict[str, JsonValue]:
    part = _rounded(amounts[0] * _by(given) / 100, given)
    return {"amount": _paid(part, given), "added": _paid(amounts[0] + part, given), "taken_off": _paid(amounts[0] - part, given)}


def _shared(amounts: list[Decimal], given: Mapping[str, Any]) -> dict[str, JsonValue]:
    parts = given.get("parts")
    if not parts or not sum(parts):
        raise ToolFailed("`parts` is missing, or all of them are 0: share needs at least one.")
    smallest, total = _smallest(given), sum(parts)
    units = int(_rounded(amounts[0], given) / smallest)
    sign, units = (-1, -units) if units < 0 else (1, units)
    shares = [units * part // total for part in parts]
    # What is left goes to those who were cut most, the first ones first: largest remainders.
    order = sorted(range(len(parts)), key=lambda at: (-(units * parts[at] % total), at))
    for at in order[: units - sum(shares)]:
        shares[at] += 1
    return {"amount": _paid(amounts[0], given), "shares": [_paid(sign * share * smallest, given) for share in shares]}


def _compared(amounts: list[Decimal], given: Mapping[str, Any]) -> dict[str, JsonValue]:
    if len(amounts) != 2:
        raise ToolFailed("`amounts` must be two: compare needs both.")
    first, second = amounts
    word = "equal" if first == second else "less" if first < second else "more"
    return {"amount": _paid(first - second, given), "first_is": word}
