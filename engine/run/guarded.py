"""What a guard makes of a run's state: a step that waits for a person before it starts. Pure: a part of `apply`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.run import events

if TYPE_CHECKING:
    from engine.run.state import RunState


def on_guarded(state: RunState, event: events.StepGuarded, _at: int, path: str, _attempt: int) -> None:
    """The step has not started: it waits for a person."""
    step = state.steps[path]
    step.status, step.item, step.digest, step.inputs, step.due_at = "waiting", event.item, event.digest, event.inputs, None
    step.is_guarded, step.allowed, step.asked = True, "", step.asked + 1


def on_answered(state: RunState, event: events.GuardAnswered, _at: int, path: str, _attempt: int) -> None:
    """It is ready, and may be started if it is what was allowed."""
    step = state.steps[path]
    step.rest()
    step.allowed = event.digest
