"""What each node of a plan can use at most, as far as that is known before a run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import astuple
from typing import cast

from engine.errors import SignalboxError
from engine.graph.fieldtree import is_fixed
from engine.graph.plan import Plan, PlannedNode
from engine.graph.worst_case import UNBOUNDED, Bounds, Uses, bounds_of
from engine.nodes.child import ChildKind
from engine.nodes.contract import Pricing
from engine.nodes.registry import AnyKind

Called = Callable[[str, int | None], Plan | None]
"""The plan of a workflow (id or short name) in that version, or in the one that is live; None where there is none."""


def static_estimates(plan: Plan, pricing: Pricing, called: Called) -> dict[str, Uses | Bounds]:
    """Node -> the most of one attempt, for nodes whose settings do not depend on the run and whose price is known.

    A node that runs another workflow has the bounds of that one; none where it is not known yet, or runs itself.
    """
    return _estimates(plan, pricing, called, (plan.hash,))


def _estimates(plan: Plan, pricing: Pricing, called: Called, above: tuple[str, ...]) -> dict[str, Uses | Bounds]:
    found: dict[str, Uses | Bounds] = {}
    for node in plan.nodes.values():
        if isinstance(node.kind, ChildKind):
            found[node.id] = _child(node, pricing, called, above)
            continue
        if not all(is_fixed(resolver) for resolver in node.fields.values()) or not any(node.kind.most_calls(node.config)):
            continue
        given = {name: resolver({}) for name, resolver in node.fields.items()}
        try:
            found[node.id] = cast("AnyKind", node.kind).estimate(node.config, given, pricing)
        except SignalboxError:
            continue
    return found


def _child(node: PlannedNode, pricing: Pricing, called: Called, above: tuple[str, ...]) -> Bounds:
    kind = cast("ChildKind[object]", node.kind)  # pyright: ignore[reportInvalidTypeArguments]
    # What it is given may depend on the run; which workflow it is must not.
    known = {name: resolver({}) for name, resolver in node.fields.items() if is_fixed(resolver)}
    try:
        call = kind.child(node.config, known)
    except (SignalboxError, LookupError):
        return UNBOUNDED
    child = called(call.workflow, call.version)
    if child is None or child.hash in above:
        return UNBOUNDED
    bounds = bounds_of(child, _estimates(child, pricing, called, (*above, child.hash)))
    limits = (child.limits.steps, child.limits.llm_calls, child.limits.tool_calls, child.limits.cost_micro, child.limits.tokens)
    return Bounds(*(limit if most is None else min(most, limit) for most, limit in zip(astuple(bounds), limits, strict=True)))
