"""A step made ready to run: its settings worked out, its upper bound known, its prompt shortened to what is left."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from engine.errors import Bug, SignalboxError
from engine.graph.plan import PlannedNode
from engine.jsonvalue import NotJsonValue, check_json
from engine.nodes.contract import Estimate, Outcome, Pricing
from engine.run.budget import Exceeds, Fits, Ledger, MustWait, Shared, fit
from engine.run.events import Spent

LEAST_TOKENS = 64
LONGEST_PAUSE_S = 31_536_000.0
"""Between two attempts, whatever `backoff_s` and `factor` come to."""
NEVER_SHRUNK = ("llm_calls", "tool_calls")
"""Limits that a shorter answer does not help to keep."""


class Prepared(msgspec.Struct, frozen=True):
    """A step that starts once the turn's commit is durable."""

    path: str
    attempt: int
    node: PlannedNode
    given: dict[str, Any]
    reserved: Spent
    instead: Outcome | None = None
    """What is taken for its outcome without executing it."""
    asks: bool = False
    """Whether it happened is asked first: it may have been called before."""
    is_watched: bool = False
    """Nobody has looked at it and the run has seen both kinds of values: a call that carries something out of the house is not made."""


def estimate_of(node: PlannedNode, given: dict[str, Any], pricing: Pricing) -> Estimate:
    """The most that the step can use. Raises PriceUnknown."""
    kind: Any = node.kind
    return kind.estimate(node.config, given, pricing)


def fitted(
    node: PlannedNode, given: dict[str, Any], estimate: Estimate, pricing: Pricing, ledger: Ledger, shared: Sequence[Shared]
) -> tuple[Fits | MustWait | Exceeds, dict[str, Any]]:  # fmt: skip
    """Whether the step fits what is left, with its settings as they are or, where only that helps, with a shorter answer."""
    answer = fit(ledger, estimate, shared)
    return _shrunk(node, given, pricing, ledger, shared, answer) if isinstance(answer, Exceeds) else (answer, given)


def _shrunk(
    node: PlannedNode, given: dict[str, Any], pricing: Pricing, ledger: Ledger, shared: Sequence[Shared], exceeds: Exceeds
) -> tuple[Fits | MustWait | Exceeds, dict[str, Any]]:
    """Lowers max_tokens until the step fits what is left, not below 64, once no reservation is open (workflow.md, Running 8)."""
    most = getattr(node.config, "max_tokens", None)
    if most is None or exceeds.limit in NEVER_SHRUNK or most <= LEAST_TOKENS:
        return exceeds, given
    least = fit(ledger, estimate_of(node, given | {"max_tokens": LEAST_TOKENS}, pricing), shared)
    if isinstance(least, Exceeds):
        return exceeds, given
    # What comes back when the calls in flight are settled may do for a longer answer.
    if ledger.reserved_cost_micro or ledger.reserved_tokens:
        return MustWait(), given
    if any(budget.limit == exceeds.limit and budget.aside for budget in shared):
        return MustWait(exceeds.needed), given
    if isinstance(least, MustWait):
        return least, given
    low, high, best = LEAST_TOKENS, most, None
    while low <= high:
        middle = (low + high) // 2
        smaller = given | {"max_tokens": middle}
        answer = fit(ledger, estimate_of(node, smaller, pricing), shared)
        if isinstance(answer, Fits):
            best, low = (answer, smaller), middle + 1
        else:
            high = middle - 1
    return best or (exceeds, given)


def checked(node: PlannedNode, outcome: Any) -> Outcome:
    """What a kind of anybody's answered, if it can be kept and leads somewhere. Raises Bug."""
    name = node.kind.kind
    if not isinstance(outcome, Outcome) or not isinstance(outcome.outputs, dict):
        raise Bug(f"The kind {name} answered with something else than an Outcome.")
    if node.ports and outcome.port not in node.ports:
        raise Bug(f"The kind {name} left by the port {outcome.port!r}, which it does not have.")
    try:
        check_json(outcome.outputs)
    except NotJsonValue as error:
        raise Bug(f"The kind {name} answered with a value that cannot be kept: {error}.") from None
    return outcome


def wrapped(error: Exception) -> SignalboxError:
    """Any error as one of ours; what was not foreseen is a defect and says so."""
    if isinstance(error, SignalboxError):
        return error
    return Bug(f"{type(error).__name__}: {error}")
