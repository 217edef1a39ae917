"""Steps that wait for a time or for an event of the outside world: how they lie down, and what wakes them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from engine.errors import AlreadyDecided
from engine.nodes.contract import Outcome, WaitKind
from engine.run import asking, events
from engine.run.frontier import Step
from engine.run.happenings import Finished, Woken
from engine.run.labels import EXTERNAL
from engine.run.prepare import Prepared, wrapped
from engine.run.routing import leaving_port

if TYPE_CHECKING:
    from engine.run.turn import Turn

WAKE, EXPIRE = "wake", "expire"
"""Kinds of timers: the time that was waited for has come; nothing came in time."""


def lie_down(turn: Turn, step: Step, prepared: Prepared) -> None:
    """The step waits and holds nothing; it fails where its settings name no time and no event."""
    kind: WaitKind[Any] = step.node.kind  # pyright: ignore[reportAssignmentType]
    try:
        pause = kind.pause(step.node.config, prepared.given, turn.at)
    except Exception as error:  # a time that is none, a kind's own code: the step fails, never the engine
        turn.fail(Finished(step.path, step.attempt, prepared.given, error=wrapped(error)))
        return
    paused = events.StepPaused(inputs=prepared.given, until=pause.until_us, event=pause.event, key=pause.key, started_at=step.started_at)
    turn.record(paused, step.path, step.attempt)
    if pause.event:
        turn.statements.append(asking.wait_for(turn.owner, step.path, step.attempt, event=pause.event, key=pause.key))
    if pause.until_us is not None:
        turn.timer_at(step.path, step.attempt, EXPIRE if pause.event else WAKE, pause.until_us)


def come_due(turn: Turn, step: Step, timer: str) -> None:
    """The time has come that the step has waited for, or until which it has waited."""
    if step.status == "asleep" and step.due_at is not None and step.due_at <= turn.at:
        _wake(turn, step, None, is_expired=timer == EXPIRE)


def wake(turn: Turn, woken: Woken) -> None:
    """The event has happened. AlreadyDecided where the step waits no more."""
    step = turn.state.steps.get(woken.path)
    if step is None or step.status != "asleep" or step.attempt != woken.attempt or not step.event:
        raise AlreadyDecided(f"{woken.path} does not wait for an event any more.")
    turn.audits += [woken.audit] if woken.audit is not None else []
    _wake(turn, step, woken.payload, is_expired=False)


def _wake(turn: Turn, step: Step, payload: Any, *, is_expired: bool) -> None:
    kind: WaitKind[Any] = step.node.kind  # pyright: ignore[reportAssignmentType]
    turn.statements += [asking.clear_timer(turn.owner.run_id, step.path), asking.clear_waits(turn.owner.run_id, step.path)]
    try:
        outcome: Outcome = kind.woken(step.node.config, payload, is_expired=is_expired)
    except Exception as error:  # a kind's own code: the step fails, never the engine
        turn.fail(Finished(step.path, step.attempt, step.inputs or {}, error=wrapped(error)))
        return
    port = leaving_port(turn.state, step.frame, step.node, outcome.port)
    # What an event brings along was written by whoever sent it.
    labels = (EXTERNAL,) if payload is not None else ()
    done = events.StepDone(started_at=step.started_at, port=port, outputs=outcome.outputs, inputs=step.inputs, labels=labels)
    turn.record(done, step.path, step.attempt)
