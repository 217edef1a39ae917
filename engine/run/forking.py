"""A run that goes its own way from a checkpoint of another one: what it shares, what it does anew, what that would cost."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from engine.graph.plan import Limits
from engine.run import events
from engine.run.budget import Ledger
from engine.run.events import NOTHING
from engine.run.frontier import Consent

if TYPE_CHECKING:
    from engine.graph.plan import Plan
    from engine.run.state import RunState
    from engine.storage.journal import Row


def on_forked(state: RunState, event: events.RunForked, at: int, _path: str, _attempt: int) -> None:
    """What had ended stays; what was under way starts anew; consents are asked for again; nothing is charged yet."""
    state.ledger, state.running, state.busy_since = Ledger(Limits(**event.limits)), 0, 0
    state.status, state.reason, state.failure, state.halted, state.used_up = "running", "", None, "", ""
    state.is_stopped, state.asked, state.model, state.paused_by = False, "", "", ""
    state.parent, state.parent_path, state.parent_attempt, state.depth = "", "", 0, 0
    state.ended_at = 0
    state.started_at, state.started_by, state.mode, state.effects = at, event.by, event.mode, event.effects
    state.inputs = {**state.inputs, **event.inputs}
    for node, outputs in event.outputs.items():
        state.outputs[node] = {**state.outputs.get(node, {}), **outputs}
    state.leaving.clear()
    state.steps_aside = 0
    for step in list(state.steps.values()):
        if step.is_given_up:
            # Nobody needs its result in the other run either.
            del state.steps[step.path]
            continue
        step.attempt = step.base = 0
        step.child = None
        step.allowed, step.asked = "", 0
        step.reserved = NOTHING
        if step.status == "waiting" and not step.item:
            # An action whose approval is asked again goes on waiting for that.
            continue
        if step.box is None:
            step.rest()
        else:
            step.status = "open"
    # What was allowed was allowed once, and in the other run.
    for consents in (state.consents, *(item.consents for item in state.items.values())):
        for action, consent in list(consents.items()):
            is_waived = consent.is_waived and event.effects == "simulated"
            consents[action] = Consent(consent.approval, consent.attempt, "", consent.editable, is_waived)


def checkpoint_before(rows: Iterable[tuple[Row, events.Event]], path: str) -> int | None:
    """The row with which the step first started: up to it everything that came before it has ended. None if it never did."""
    return next((row.seq for row, event in rows if any(start.path == path for start in event.starts)), None)


@dataclass
class Bill:
    """What a fork would reuse and do again; money in micro-USD."""

    reused: int = 0
    repeated: int = 0
    cost_micro: int = 0
    tokens: int = 0
    effects: list[dict[str, Any]] = field(default_factory=list)
    """Steps that have touched the world in the other run and would do so again: `{path, kind, title, effect}`."""


BILLED = ("child_returned", "step_done", "step_failed", "step_in_doubt")
"""Kinds of rows that a bill is made of."""


def bill_of(later: Iterable[tuple[Row, events.Event]], plan: Plan, node_of_path: Any, *, reused: int, state: RunState) -> Bill:
    """Counted from the other run: what was done after the checkpoint, told by the rows `later`, would be done again.

    `reused` is how many steps had ended by then, `state` is the one at the checkpoint: of what was under way or in doubt
    there, nobody knows that it did not happen.
    """
    bill, again = Bill(reused), set[str]()
    for step in state.steps.values():
        kind: Any = step.node.kind
        if step.attempt and not step.is_given_up and not step.stand_in and kind.touches_world(step.node.config):
            bill.effects.append(_effect(step.path, step.node))
    for row, event in later:
        if isinstance(event, events.ChildReturned):
            bill.cost_micro, bill.tokens = bill.cost_micro + event.spent.cost_micro, bill.tokens + event.spent.tokens
            if (called := plan.nodes.get(node_of_path(row.path))) is not None:
                bill.effects.append({**_effect(row.path, called), "effect": "unknown"})
        if not isinstance(event, events.StepDone | events.StepFailed | events.StepInDoubt):
            continue
        again.add(row.path)
        bill.cost_micro, bill.tokens = bill.cost_micro + event.spent.cost_micro, bill.tokens + event.spent.tokens
        node = plan.nodes.get(node_of_path(row.path))
        kind = node.kind if node else None
        has_run = isinstance(event, events.StepInDoubt) or not (isinstance(event, events.StepDone) and (event.simulated or event.pinned))
        if node is None or not has_run or not kind.touches_world(node.config):
            continue
        if all(effect["path"] != row.path for effect in bill.effects):
            bill.effects.append(_effect(row.path, node))
    bill.repeated = len(again)
    return bill


def _effect(path: str, node: Any) -> dict[str, Any]:
    return {"path": path, "kind": node.kind.kind, "title": node.title or node.id, "effect": str(node.kind.effect_of(node.config))}
