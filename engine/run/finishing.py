"""A run at a limit that ends with what there is, where that is drawn: `on_exhausted` of a loop, `on_item_error: collect` of a box. Pure.

The innermost loop or box around each step that the limit holds back ends early: a loop as if it had no visit left, a box with the
results it has and an error for every item that is missing. What comes behind it still has to fit the limit.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from engine.graph.plan import Edge
from engine.nodes.contract import BoxKind
from engine.run.frontier import Frame, Step
from engine.run.routing import Router

if TYPE_CHECKING:
    from engine.run.state import RunState

COUNTED = ("steps", "busy_us")
"""Limits that nothing behind the loop or box would fit either."""


def may_finish(state: RunState) -> bool:
    """Whether every step that the limit holds back stands in something that is drawn to end early."""
    if state.halted in COUNTED:
        return False
    places = _places(state)
    return bool(places) and None not in places.values()


def finish(state: RunState, limit: str) -> None:
    """Ends those loops and boxes. Pure, and the same whenever it is replayed."""
    error = {"code": "limit_reached", "message": f"The limit {limit} was reached before it was done.", "hint": "Allow more at the start."}
    for place in dict.fromkeys(place for place in _places(state).values() if place is not None):
        if (frame := state.frames.get(place)) is not None and (edge := _way_out(state, frame)) is not None:
            Router(state).exhaust(frame, edge)
        elif (step := state.steps.get(place)) is not None:
            _end_items(state, step, error)


def _places(state: RunState) -> dict[str, str | None]:
    """Frame of a step that is held back -> the loop's frame or the box's step that would end; None where nothing is drawn."""
    held = {step.frame for step in state.steps.values() if step.status == "ready"}
    if state.used_up and state.used_up in state.frames:
        held.add(state.frames[state.used_up].parent)
    return {key: next(_drawn(state, key), None) for key in sorted(held)}


def _drawn(state: RunState, key: str) -> Iterator[str]:
    """From the inside out."""
    frame = state.frames[key]
    while frame.key:
        item = state.items.get(frame.key)
        if item is not None:
            node = state.steps[item.box].node
            if isinstance(node.kind, BoxKind) and node.kind.on_item_error(node.config) == "collect":
                yield item.box
        elif _way_out(state, frame) is not None:
            yield frame.key
        frame = state.frames[frame.parent]


def _way_out(state: RunState, frame: Frame) -> Edge | None:
    """The back edge of this loop whose node leaves it by `on_exhausted`, once that node has come to something."""
    region = state.plan.regions[frame.region]
    known = state.visible(frame.within) if frame.within else state.outputs
    for edge in state.plan.edges:
        if edge.is_back and edge.on_exhausted is not None and state.plan.nodes[edge.target].heads == frame.region and edge.source in known:
            ways = state.plan.nodes[edge.source].edges.get(edge.on_exhausted, ())
            if all(way in region.exits for way in ways):
                return edge
    return None


def _end_items(state: RunState, step: Step, error: dict[str, Any]) -> None:
    box = step.box
    if box is None:
        return
    for index in range(box.opened, len(box.items)):
        box.errors[index] = {**error, "path": f"{step.path}[{index}]"}
        box.items[index] = None
    box.opened = len(box.items)
    for item in [item for item in state.items.values() if item.box == step.path and item.key not in state.ended]:
        item.error = {**error, "path": item.key}
        Router(state).clear(item.key)
