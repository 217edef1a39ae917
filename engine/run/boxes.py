"""Boxes in a turn: their items become known, end, and let the box go on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from engine.errors import Bug, ItemFailed
from engine.jsonvalue import loads_kept
from engine.nodes.contract import Outcome
from engine.run import events
from engine.run.frontier import Step
from engine.run.happenings import Finished
from engine.run.prepare import Prepared, wrapped
from engine.run.routing import leaving_port

if TYPE_CHECKING:
    from engine.run.turn import Turn


def open_box(turn: Turn, step: Step, prepared: Prepared) -> None:
    """The box knows its items, or fails."""
    kind: Any = step.node.kind
    try:
        items = kind.items(step.node.config, prepared.given)
    except Exception as error:  # no list, too long a list, a kind's own code: the step fails, never the engine
        turn.fail(Finished(step.path, step.attempt, prepared.given, error=wrapped(error)))
        return
    turn.record(events.BoxOpened(started_at=step.started_at, inputs={"items": items}), step.path, step.attempt)


def end_item(turn: Turn, key: str) -> None:
    """What came of the item is collected."""
    item = turn.state.items[key]
    step = turn.state.steps[item.box]
    kind: Any = step.node.kind
    turn.items_ended += 1
    if item.error is not None:
        turn.record(events.ItemEnded(error=item.error), key)
        return
    try:
        result = kind.collected(step.node.config, step.node.fields, turn.scope(key, turn.at))
    except Exception as raised:  # `collect` cannot be worked out: the item fails, never the engine
        error = wrapped(raised)
        if kind.on_item_error(step.node.config) == "stop":
            turn.fail(Finished(step.path, step.attempt, {}, error=ItemFailed(f"{key}: {error.message}", hint=error.next_step)))
        else:
            turn.record(events.ItemEnded(error={**error.as_json(), "path": key}), key)
        return
    turn.record(events.ItemEnded(outputs={"result": result}), key)


def close_box(turn: Turn, path: str) -> None:
    """The box goes on with what was collected, or fails with one of its items."""
    step = turn.state.steps[path]
    node, box = step.node, step.box
    kind: Any = node.kind
    if box is None:
        raise Bug(f"{path} is no open box.")
    if box.failure is not None:
        error = ItemFailed(f"{box.failure.get('path')}: {box.failure.get('message')}")
        turn.fail(Finished(path, step.attempt, {}, error=error))
        return
    results = [None if body is None else loads_kept(body) for body in box.results]
    outcome: Outcome = kind.closed(node.config, results, box.errors)
    consent = turn.state.consents_in(step.within).get(node.id)
    port = leaving_port(turn.state, step.frame, node, outcome.port)
    turn.record(events.StepDone(started_at=step.started_at, port=port, outputs=outcome.outputs), path, step.attempt)
    if consent is not None:
        turn.action_status(consent.approval, consent.attempt, "done", outcome.outputs)
