"""Does a step's upper bound fit what the run has left? Pure sums, no I/O.

spent + reserved + needed <= limit holds for every limit before a call starts, so parallel branches cannot overspend.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from engine.graph.plan import LIMIT_NAMES, SCALED, Limits
from engine.nodes.contract import Estimate
from engine.run.events import Spent

RESERVED = ("cost_micro", "tokens", "llm_calls", "tool_calls")
"""Limits that a step reserves before it starts; steps and busy time are counted instead."""


@dataclass(slots=True)
class Ledger:
    """What a run has used, what is reserved for calls in flight, and its limits."""

    limits: Limits
    cost_micro: int = 0
    tokens: int = 0
    llm_calls: int = 0
    tool_calls: int = 0
    steps: int = 0
    busy_us: int = 0
    reserved_cost_micro: int = 0
    reserved_tokens: int = 0
    reserved_llm_calls: int = 0
    reserved_tool_calls: int = 0
    open: int = 0
    """Reservations that are not settled yet."""

    def reserve(self, amount: Spent) -> None:
        """Sets `amount` aside."""
        self.open += 1
        self.reserved_cost_micro += amount.cost_micro
        self.reserved_tokens += amount.tokens
        self.reserved_llm_calls += amount.llm_calls
        self.reserved_tool_calls += amount.tool_calls

    def release(self, amount: Spent) -> None:
        """Gives a reservation back; what was really used is charged by `charge`."""
        self.open -= 1
        self.reserved_cost_micro -= amount.cost_micro
        self.reserved_tokens -= amount.tokens
        self.reserved_llm_calls -= amount.llm_calls
        self.reserved_tool_calls -= amount.tool_calls

    def charge(self, amount: Spent) -> None:
        """Counts what was used."""
        self.cost_micro += amount.cost_micro
        self.tokens += amount.tokens
        self.llm_calls += amount.llm_calls
        self.tool_calls += amount.tool_calls

    def left(self, name: str) -> int:
        """What of a reserved limit is neither spent nor reserved."""
        return getattr(self.limits, name) - getattr(self, name) - getattr(self, f"reserved_{name}")

    def left_when_settled(self, name: str) -> int:
        """What would be left if every open reservation came back unused."""
        return getattr(self.limits, name) - getattr(self, name)


@dataclass(frozen=True, slots=True)
class Shared:
    """A budget over many runs that a call has to fit too; money in micro-USD."""

    limit: str
    used: int
    aside: int
    """For calls in flight, of this run and of others."""
    allowed: int


@dataclass(frozen=True, slots=True)
class Fits:
    """The estimate fits: reserve it."""

    amount: Spent


@dataclass(frozen=True, slots=True)
class MustWait:
    """It may fit once the calls in flight are settled."""

    needed: int = 0
    """Micro-USD, where it waits for calls of other runs too; 0 where it waits for its own run alone."""


@dataclass(frozen=True, slots=True)
class Exceeds:
    """It does not fit, whatever comes back."""

    limit: str
    needed: int
    used: int
    allowed: int


def fit(ledger: Ledger, estimate: Estimate, shared: Sequence[Shared] = ()) -> Fits | MustWait | Exceeds:
    """Reserve all, wait, or meet the limit, of the run or of a budget over many runs (workflow.md, Running 8)."""
    waits = False
    for name in RESERVED:
        needed = getattr(estimate, name)
        if needed and needed > ledger.left(name):
            if not ledger.open or needed > ledger.left_when_settled(name):
                return Exceeds(name, needed, getattr(ledger, name), getattr(ledger.limits, name))
            waits = True
    waits_for_others, cost = False, estimate.cost_micro
    for budget in shared:
        if cost and cost > budget.allowed - budget.used - budget.aside:
            if not budget.aside or cost > budget.allowed - budget.used:
                return Exceeds(budget.limit, cost, budget.used, budget.allowed)
            waits_for_others = True
    if waits or waits_for_others:
        return MustWait(cost if waits_for_others else 0)
    return Fits(Spent(estimate.cost_micro, estimate.tokens, estimate.llm_calls, estimate.tool_calls))


def limits_as_json(limits: Limits) -> dict[str, float | int]:
    """`{cost_usd, tokens, seconds, steps, llm_calls, tool_calls}` as documents and the API write them."""
    return {name: _shown(name, getattr(limits, field)) for name, field in LIMIT_NAMES.items()}


def spent_as_json(amounts: Any) -> dict[str, float | int]:
    """The same shape for anything that has the fields of `Ledger`; absent ones count as 0."""
    return {name: _shown(name, getattr(amounts, field, 0)) for name, field in LIMIT_NAMES.items()}


def _shown(name: str, amount: int) -> float | int:
    return amount / 1_000_000 if name in SCALED else amount


def told(name: str, amount: int) -> str:
    """An amount in words: `$0.50`, `20 s`, `100 steps`; `name` is a field of `Limits`."""
    match name:
        case "cost_micro":
            return f"${amount / 1e6:.6f}".rstrip("0").rstrip(".")
        case "busy_us":
            return f"{amount / 1e6:g} s"
        case _:
            return f"{amount} {name.replace('_', ' ')}"
