"""What an agent wants called when it asks a person: the call, what the agent said, and each rule with what speaks for and against it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from engine.facade.inbox_views import AskedCall
from engine.graph.plan import Plan, PlannedNode
from engine.run.paths import node_of
from engine.storage.tables import Approval

ASKS = "ask_for_call"
"""Kind of the hidden step that asks."""
Outputs = Callable[[str], dict[str, Any]]
"""Path of a step of the item's run -> what it has left behind; empty where it has not ended."""


def owner_of(plan: Plan | None, path: str) -> PlannedNode | None:
    """The agent that a hidden step stands in; None for a step that was drawn."""
    owner, dot, _ = node_of(path).partition(".")
    return plan.nodes.get(owner) if plan is not None and dot else None


def asked_call(item: Approval, node: PlannedNode, outputs: Outputs) -> AskedCall | None:
    """Of an agent's question whether it may call something; None of any other item."""
    kind: Any = node.kind
    if kind.kind != ASKS:
        return None
    owner, place = node.id.partition(".")[0], item.path.rsplit("/", 1)[0]
    judged, turn = outputs(f"{place}/{owner}.call"), outputs(place.rsplit("/", 1)[0])
    return AskedCall(
        tool=str(judged.get("tool") or ""),
        arguments=judged.get("arguments") or {},
        reason=str(judged.get("reason") or ""),
        said=str(turn.get("text") or ""),
        rules=judged.get("rules") or [],
    )
