"""The names that expressions see in a frame of a run (workflow.md, Values). Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from engine.run.frontier import Frame

if TYPE_CHECKING:
    from engine.run.state import RunState


def scope_of(state: RunState, frame: Frame, now: str, started_at: str) -> dict[str, Any]:
    """The names; `now` and `started_at` in ISO 8601."""
    within = frame.within
    names = {
        "inputs": state.inputs,
        "nodes": state.visible(within) if within else state.outputs,
        "vars": state.plan.vars,
        "visit": frame.innermost_visit,
        "run": {"id": state.run_id, "started_at": started_at},
        "now": now,
    }
    if not within:
        return names
    names |= item_names(state, within)
    if (agent := _agent(state, within)) is not None:
        names["agent"] = agent
    return names


def item_names(state: RunState, within: str) -> dict[str, Any]:
    """`item` and `index` of the item `within`; nothing where it has been given up, or at the top."""
    item = state.items.get(within)
    box = state.steps[item.box].box if item is not None else None
    return {} if item is None or box is None else {"item": box.items[item.index], "index": item.index}


def _agent(state: RunState, within: str) -> dict[str, Any] | None:
    """Of the innermost box around that remembers: its item, what is remembered, and the item names that are seen where it stands."""
    while within and (item := state.items.get(within)) is not None:
        step = state.steps[item.box]
        kind: Any = step.node.kind
        if kind.has_history and step.box is not None:
            around = item_names(state, item.around)
            return {"item": step.box.items[item.index], "history": item.history, "around": around, "labels": state.labels}
        within = item.around
    return None
