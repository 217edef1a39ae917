"""What waiting for people, times and events makes of a run's state. Pure: a part of `apply`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.run import events
from engine.run.events import NOTHING
from engine.run.frontier import Consent, Step
from engine.run.paths import node_of

if TYPE_CHECKING:
    from engine.run.state import RunState


def on_waiting(state: RunState, event: events.StepWaiting, at: int, path: str, _attempt: int) -> None:
    """A person is asked."""
    step = state.steps[path]
    state.settle(step, NOTHING)
    step.status, step.due_at = "waiting", event.expires_at
    step.digest, step.item, step.inputs, step.votes = event.digest, event.item, event.inputs, ()


def on_paused(state: RunState, event: events.StepPaused, at: int, path: str, _attempt: int) -> None:
    """A time or an event is waited for."""
    step = state.steps[path]
    state.settle(step, NOTHING)
    step.status, step.due_at, step.inputs, step.event, step.key = "asleep", event.until, event.inputs, event.event, event.key


def on_in_doubt(state: RunState, event: events.StepInDoubt, at: int, path: str, _attempt: int) -> None:
    """A person is asked whether it happened; what was set aside stays charged."""
    step = state.steps[path]
    state.settle(step, event.spent)
    step.status, step.item, step.digest = "in_doubt", event.item, event.digest


def on_doubt_resolved(state: RunState, event: events.DoubtResolved, _at: int, path: str, _attempt: int) -> None:
    """It did not happen: it starts anew, or fails with the next event."""
    step = state.steps[path]
    step.base = step.attempt
    if event.decision == "retry":
        step.rest()


def on_vote(state: RunState, event: events.Voted, _at: int, path: str, _attempt: int) -> None:
    """One of several people agrees."""
    step = state.steps[path]
    step.votes = (*step.votes, event.by)


def on_consent_void(state: RunState, event: events.ConsentVoid, _at: int, path: str, _attempt: int) -> None:
    """The approval that allowed this action is asked again, and the action waits for it."""
    action = state.steps[path]
    action.status = "waiting"
    consent = state.consents_in(action.within).pop(action.node.id)
    if event.approval in state.steps:
        return
    node = state.plan.nodes[node_of(event.approval)]
    frame = state.frames[action.frame]
    frame.live += 1
    again = Step(event.approval, node, action.frame, action.within, attempt=consent.attempt, void_for=action.node.id)
    state.steps[event.approval] = again


def note_consent(state: RunState, step: Step, event: events.StepDone, attempt: int) -> None:
    """What an approval has allowed, or the end of what was allowed."""
    node, consents = step.node, state.consents_in(step.within)
    action = node.action
    if event.consent is not None and action:
        consents[action] = Consent(step.path, attempt, event.consent, event.outputs.get("values", {}))
    elif action and (event.pinned or event.reused) and state.effects == "simulated" and event.port == node.kind.consent_port:
        consents[action] = Consent(step.path, attempt, "", is_waived=True)
    elif node.consent:
        consents.pop(node.id, None)


def consent_again(state: RunState, step: Step, event: events.StepDone) -> None:
    """The second answer has come: the action goes on, or is refused with the next event."""
    # The graph has moved on already; only the action that waited for the second answer is concerned.
    state.frames[step.frame].live -= 1
    action = state.action_of(step)
    if event.outputs.get("decision") == "approved":
        action.status = "ready"
        return
    # It fails with the next event. Consent to nothing: should somebody resume the run, it is asked once more.
    state.consents_in(step.within)[action.node.id] = Consent(step.path, step.attempt, "")
