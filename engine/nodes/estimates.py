"""What each node of a plan can use at most, as far as that is known before a run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import astuple
from typing import cast

from engine.errors import SignalboxError
from engine.graph.fieldtree import is_fixed
from engine.graph.plan import Plan, PlannedNode
from engine.graph.worst_case import UNBOUNDED, Bounds, Uses, bounds_of
from engine.nodes.child import MOST_DEPTH, ChildKind
from engine.nodes.contract import Pricing
from engine.nodes.registry import AnyKind

Called = Callable[[str, int | None], Plan | None]
"""The plan of a workflow (id or short name) in that version, or in the one that is live; None where there is none."""


def static_estimates(plan: Plan, pricing: Pricing, called: Called) -> dict[str, Uses | Bounds]:
    """Node -> the most of one attempt, for nodes whose settings do not depend on the run and whose price is known.

    A node that runs another workflow has the bounds of that one; none where it is not known yet, or runs itself.
    """
    return _Estimating(pricing, called).of(plan, (plan.hash,))


def _unpriced(node: PlannedNode, more: int) -> Bounds:
    """What a step uses of which only the run knows the text: its calls and `more` of them, money and tokens not known."""
    llm_calls, tool_calls = node.kind.most_calls(node.config)
    return Bounds(0, llm_calls + more, tool_calls, None, None)


class _Estimating:
    """Works every workflow out once, however often others run it."""

    def __init__(self, pricing: Pricing, called: Called) -> None:
        self._pricing = pricing
        self._called = called
        self._known: dict[str, Bounds] = {}
        """By the hash of the plan."""

    def of(self, plan: Plan, above: tuple[str, ...]) -> dict[str, Uses | Bounds]:
        found: dict[str, Uses | Bounds] = {}
        for node in plan.nodes.values():
            if isinstance(node.kind, ChildKind):
                found[node.id] = self._child(node, above)
                continue
            if node.is_hidden or not any(node.kind.most_calls(node.config)):
                # What a hidden step asks grows from turn to turn.
                continue
            if not all(is_fixed(resolver) for resolver in node.fields.values()):
                if (more := self._behind_alias(node)) > 0:
                    found[node.id] = _unpriced(node, more)
                continue
            given = {name: resolver({}) for name, resolver in node.fields.items()}
            try:
                found[node.id] = cast("AnyKind", node.kind).estimate(node.config, given, self._pricing)
            except SignalboxError:
                continue
        return found

    def _behind_alias(self, node: PlannedNode) -> int:
        """Models that Settings put behind the names that the step asks, as far as these are known before the run."""
        names = [resolver({}) for name in ("model", "fallback_models") if (resolver := node.fields.get(name)) and is_fixed(resolver)]
        asked = [part for name in names for part in (name if isinstance(name, list) else [name]) if isinstance(part, str)]
        return len(self._pricing.chain(asked[0], asked[1:])) - len(set(asked)) if asked else 0

    def _child(self, node: PlannedNode, above: tuple[str, ...]) -> Bounds:
        kind = cast("ChildKind[object]", node.kind)  # pyright: ignore[reportInvalidTypeArguments]
        # What it is given may depend on the run; which workflow it is must not.
        fixed = {name: resolver({}) for name, resolver in node.fields.items() if is_fixed(resolver)}
        try:
            call = kind.child(node.config, fixed)
        except (SignalboxError, LookupError):
            return UNBOUNDED
        plan = self._called(call.workflow, call.version)
        if plan is None or plan.hash in above or len(above) > MOST_DEPTH:
            return UNBOUNDED
        if plan.hash not in self._known:
            bounds, limits = bounds_of(plan, self.of(plan, (*above, plan.hash))), plan.limits
            most = (limits.steps, limits.llm_calls, limits.tool_calls, limits.cost_micro, limits.tokens)
            told = (limit if bound is None else min(bound, limit) for bound, limit in zip(astuple(bounds), most, strict=True))
            self._known[plan.hash] = Bounds(*told)
        return self._known[plan.hash]
