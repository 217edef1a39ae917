"""What each node of a plan can use at most, as far as that is known before a run."""

from __future__ import annotations

from typing import cast

from engine.errors import SignalboxError
from engine.graph.fieldtree import is_fixed
from engine.graph.plan import Plan
from engine.nodes.contract import Estimate, Pricing
from engine.nodes.registry import AnyKind


def static_estimates(plan: Plan, pricing: Pricing) -> dict[str, Estimate]:
    """Node -> the most of one attempt, for nodes whose settings do not depend on the run and whose price is known."""
    found: dict[str, Estimate] = {}
    for node in plan.nodes.values():
        if not all(is_fixed(resolver) for resolver in node.fields.values()) or not any(node.kind.most_calls(node.config)):
            continue
        given = {name: resolver({}) for name, resolver in node.fields.items()}
        try:
            found[node.id] = cast("AnyKind", node.kind).estimate(node.config, given, pricing)
        except SignalboxError:
            continue
    return found
