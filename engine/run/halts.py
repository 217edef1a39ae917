"""What stopping, resuming, recovering, cancelling and ending a run make of its state. Pure: a part of `apply`."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from engine.graph.plan import FIELDS
from engine.run import children, events, finishing
from engine.run.frontier import Step
from engine.run.routing import Router

if TYPE_CHECKING:
    from engine.run.state import RunState


PAUSED = "paused"
"""Why nothing new starts, where no limit was met."""


def on_limit(state: RunState, event: events.LimitMet, at: int, path: str, _attempt: int) -> None:
    """Nothing new starts; calls that the limit has cut off are charged in full."""
    state.halted, state.used_up = event.limit, path if event.limit == "max_visits" else ""
    state.met = (event.used, event.needed, event.allowed)
    for lost in event.interrupted:
        _give_back(state, state.steps[lost])


def _give_back(state: RunState, step: Step) -> None:
    # What a call in flight has cost is not known: its reservation stays charged in full.
    state.settle(step, step.reserved)
    step.rest()


def on_paused(state: RunState, event: events.RunPaused, _at: int, _path: str, _attempt: int) -> None:
    """Nothing new starts."""
    state.halted, state.paused_by = PAUSED, f"Paused by {event.by_name or event.by}." + (f" {event.reason}" if event.reason else "")


def on_asked(state: RunState, event: events.LimitAsked, _at: int, _path: str, _attempt: int) -> None:
    """It waits for a person to say how it goes on."""
    state.asked, state.asked_digest, state.asks = event.item, event.digest, state.asks + 1


def on_stopped(state: RunState, event: events.RunStopped, _at: int, _path: str, _attempt: int) -> None:
    """It stands still until somebody resumes it."""
    state.asked = ""
    state.is_stopped, state.status, state.reason = True, "paused" if state.halted == PAUSED else "stopped", event.reason


def on_resumed(state: RunState, event: events.RunResumed, _at: int, _path: str, _attempt: int) -> None:
    """It goes on, with other limits; what failed is tried again."""
    # Only whoever was told that the visits are used up has allowed more of them.
    used_up = state.used_up if state.halted == "max_visits" and not event.finishes else ""
    if event.finishes:
        finishing.finish(state, FIELDS.get(state.halted, "max_visits"))
    state.asked, state.model = "", event.model or state.model
    state.is_stopped, state.status, state.reason, state.halted, state.failure, state.used_up = False, "running", "", "", None, ""
    state.ended_at = 0
    state.ledger.limits = replace(state.ledger.limits, **event.limits)
    for step in state.steps.values():
        step.base = step.attempt
        if step.status == "failed":
            # A box keeps what its items have come to.
            step.status = "ready" if step.box is None else "open"
    Router(state).again(used_up)


def on_recovered(state: RunState, event: events.RunRecovered, _at: int, _path: str, _attempt: int) -> None:
    """What was running when the process died starts anew."""
    for lost in event.lost:
        state.steps[lost].base += 1
        _give_back(state, state.steps[lost])


def on_cancelled(state: RunState, event: events.RunCancelled, at: int, _path: str, _attempt: int) -> None:
    """Nothing of it goes on."""
    for step in state.steps.values():
        if step.status == "running":
            state.settle(step, step.reserved)
        elif step.child is not None:
            children.give_up(state, step)
        state.cancelled_now.append(step.path)
    state.steps.clear()
    state.asked, state.status, state.reason = "", "cancelling", event.reason


def on_ended(state: RunState, event: events.RunEnded, at: int, _path: str, _attempt: int) -> None:
    """It is over."""
    state.ended_at = at
    state.asked, state.status, state.reason = "", event.status, event.reason
