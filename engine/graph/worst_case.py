"""The most that a run can use, known before it starts.

Steps, model calls and tool calls follow from the loops' bounds, the boxes' `max_items` and the retries of steps. What a call
costs is known only where its text does not depend on the run; elsewhere the limit itself is the bound, and is told.
A step that runs another workflow can use what that one can at most, as far as its own limits allow. Nested loops multiply:
beyond 64 bits a number is told as the largest that JSON values here may have.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from engine.graph.plan import Limits, Plan, PlannedNode, Region
from engine.graph.problems import Problem
from engine.jsonvalue import MAX_INT


class Uses(Protocol):
    """The most that one attempt at a node can use; `engine.nodes.contract.Estimate` is one."""

    @property
    def cost_micro(self) -> int:
        """Micro-USD."""
        ...

    @property
    def tokens(self) -> int:
        """Tokens in and out."""
        ...

    @property
    def llm_calls(self) -> int:
        """Model calls."""
        ...

    @property
    def tool_calls(self) -> int:
        """Tool calls."""
        ...


@dataclass(frozen=True, slots=True)
class Bounds:
    """Upper bounds over all runs; None where nothing but the limit bounds it."""

    steps: int | None = 0
    llm_calls: int | None = 0
    tool_calls: int | None = 0
    cost_micro: int | None = 0
    tokens: int | None = 0


UNBOUNDED = Bounds(None, None, None, None, None)
Estimates = Mapping[str, Uses | Bounds]
"""Node -> the most of one attempt; `Bounds` for a node that runs another workflow: of that run."""


def worst_case(plan: Plan, estimates: Estimates | None = None) -> dict[str, Any]:
    """`{steps, llm_calls, tool_calls, cost_usd, tokens}` as the API tells it.

    `estimates`: node -> the most of one attempt, for nodes where that is known before the run. A number that only the
    run decides is told as its limit.
    """
    bounds, limits = bounds_of(plan, estimates or {}), plan.limits
    told = {name: getattr(bounds, name) for name in ("steps", "llm_calls", "tool_calls", "tokens")}
    cost_micro = limits.cost_micro if bounds.cost_micro is None else min(bounds.cost_micro, limits.cost_micro)
    capped = {name: getattr(limits, name) if most is None else most for name, most in told.items()}
    return capped | {"tokens": min(capped["tokens"], limits.tokens), "cost_usd": cost_micro / 1e6}


def bounds_of(plan: Plan, estimates: Estimates | None = None) -> Bounds:
    """The bounds: for every region what one run through it can use at most, times how often it can be run through."""
    visits = _visits(plan)
    total = Bounds()
    for region in plan.regions:
        total = _sum(total, _times(_per_visit(plan, region, estimates or {}), visits[region.index]))
    return total


def worst_case_by_node(plan: Plan, estimates: Estimates | None = None) -> dict[str, dict[str, Any]]:
    """Node -> `{steps, llm_calls, tool_calls, tokens, cost_usd}`; null where nothing but the limit bounds it."""
    return {
        id_: {
            **{name: getattr(most, name) for name in ("steps", "llm_calls", "tool_calls", "tokens")},
            "cost_usd": None if most.cost_micro is None else most.cost_micro / 1e6,
        }
        for id_, most in bounds_by_node(plan, estimates).items()
    }


def bounds_by_node(plan: Plan, estimates: Estimates | None = None) -> dict[str, Bounds]:
    """The same for each node alone: what one attempt can use, times its tries, times how often it can be reached."""
    visits = _visits(plan)
    return {
        id_: _times(_once(plan, id_, estimates or {}), visits[region.index])
        for region in plan.regions
        for id_ in region.nodes
        if not plan.nodes[id_].is_disabled
    }


def _visits(plan: Plan) -> list[int | None]:
    """How often each region can be run through; None for a box whose number of items is not bounded."""
    visits: list[int | None] = []
    for region in plan.regions:
        around = visits[region.parent] if region.index else 1
        own = _items(plan.nodes.get(region.owner)) if region.kind == "box" else region.max_visits
        visits.append(None if around is None or own is None else min(around * own, MAX_INT))
    return visits


def _items(box: PlannedNode | None) -> int | None:
    # Of a draft with errors only the nodes whose settings fit are there.
    if box is None:
        return None
    most = getattr(box.config, "max_items", None)
    return most if isinstance(most, int) else None


def _per_visit(plan: Plan, region: Region, estimates: Estimates) -> Bounds:
    total = Bounds()
    for id_ in region.nodes:
        if not plan.nodes[id_].is_disabled:
            total = _sum(total, _once(plan, id_, estimates))
    return total


def _once(plan: Plan, id_: str, estimates: Estimates) -> Bounds:
    """One time that a node's turn comes, with all its tries."""
    node = plan.nodes[id_]
    llm_calls, tool_calls = node.kind.most_calls(node.config)
    steps = node.kind.counts
    once = Bounds(steps, llm_calls, tool_calls)
    known = estimates.get(id_)
    if isinstance(known, Bounds):
        once = _sum(Bounds(steps), known)
    elif known is not None:
        once = Bounds(steps, known.llm_calls, known.tool_calls, known.cost_micro, known.tokens)
    elif llm_calls or tool_calls:
        once = Bounds(steps, llm_calls, tool_calls, None, None)
    return _times(once, node.retry.attempts)


def _sum(a: Bounds, b: Bounds) -> Bounds:
    return Bounds(*(None if x is None or y is None else min(x + y, MAX_INT) for x, y in zip(_values(a), _values(b), strict=True)))


def _times(bounds: Bounds, factor: int | None) -> Bounds:
    return Bounds(
        *(0 if most == 0 else None if most is None or factor is None else min(most * factor, MAX_INT) for most in _values(bounds))
    )


def _values(bounds: Bounds) -> tuple[int | None, ...]:
    return (bounds.steps, bounds.llm_calls, bounds.tool_calls, bounds.cost_micro, bounds.tokens)


def above_limits(bounds: Bounds, limits: Limits) -> list[Problem]:
    """A warning for every limit that a run could meet by its steps and calls."""
    problems: list[Problem] = []
    for name, told in (("steps", "steps"), ("llm_calls", "model calls"), ("tool_calls", "tool calls")):
        most, limit = getattr(bounds, name), getattr(limits, name)
        if most is not None and most > limit:
            message = f"A run can need up to {most:,} {told}; its limit is {limit:,}."
            hint = f"Raise the limit `{name}`, or lower `max_visits`, `max_items` or the retries."
            problems.append(Problem("worst_case_above_limit", message, hint, "warning", field=f"limits.{name}"))
    return problems
