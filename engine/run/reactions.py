"""What each happening makes of a run: the events that a turn records for it."""

from __future__ import annotations

from typing import Any

from engine.errors import AlreadyDecided, ConsentRefused, InDoubt, StaleApproval, StepTimedOut, WrongState
from engine.nodes.contract import Answer, Capability, Outcome, refused_values
from engine.run import asked_limits, asking, children, events, guards, waiting
from engine.run.decide import MeetLimit, run_status
from engine.run.doubt import ask_there, leave_in_doubt, resolve
from engine.run.frontier import Step
from engine.run.halts import PAUSED
from engine.run.happenings import (
    Answered,
    Cancel,
    ChildChosen,
    ChildEnded,
    Finished,
    GoOn,
    Happening,
    Pause,
    Recover,
    Resume,
    SecondsUp,
    TimerDue,
    Woken,
)
from engine.run.prepare import wrapped
from engine.run.programs import forget_program
from engine.run.routing import leaving_port
from engine.run.turn import Turn


def take(turn: Turn, happening: Happening) -> None:
    """Turns what happened into events. Raises a UserError where a person asked for what cannot be."""
    _TAKERS[type(happening)](turn, happening)


def _finished(turn: Turn, done: Finished) -> None:
    step = turn.state.steps.get(done.path)
    if step is None or step.status != "running" or step.attempt != done.attempt:
        # Given up, or started anew since: a late answer changes nothing.
        return
    kind: Any = step.node.kind
    if Capability.CODE in kind.uses:
        turn.statements.append(forget_program(turn.owner.run_id, done.path))
    if step.is_unsafe and isinstance(done.error, InDoubt | StepTimedOut):
        # No answer is no proof that nothing happened.
        if step.can_be_asked and not done.was_asked and ask_there(turn, step):
            return
        leave_in_doubt(turn, step, f"got no answer: {done.error.message}", spent=step.reserved)
        return
    if done.error is not None or done.outcome is None:
        turn.fail(done)
        return
    outcome, node = done.outcome, step.node
    port = leaving_port(turn.state, step.frame, node, outcome.port) if node.ports else None
    consent = turn.state.consents_in(step.within).get(node.id)
    event = events.StepDone(
        started_at=step.started_at,
        port=port,
        outputs=outcome.outputs,
        inputs=done.given if kind.keeps_inputs and step.stand_in != "pinned" else None,
        spent=done.spent,
        note=done.note,
        pinned=step.stand_in == "pinned",
        simulated=step.stand_in == "simulated",
        labels=done.labels,
    )
    turn.record(event, done.path, done.attempt)
    guards.tell(turn, step, "done", outcome.outputs)
    if consent is not None:
        turn.action_status(consent.approval, consent.attempt, "done", outcome.outputs)


def _answered(turn: Turn, answered: Answered) -> None:
    if turn.state.asked and answered.item == turn.state.asked:
        if answered.digest != turn.state.asked_digest:
            raise StaleApproval
        asked_limits.resolve(turn, answered)
        return
    step = turn.state.steps.get(answered.path)
    if step is None or step.item != answered.item or step.status not in ("waiting", "in_doubt"):
        raise AlreadyDecided
    if answered.digest != step.digest:
        raise StaleApproval
    if step.status == "in_doubt":
        resolve(turn, step, answered)
        return
    if step.is_guarded:
        guards.resolve(turn, step, answered)
        return
    given = step.inputs or {}
    kind: Any = step.node.kind
    ask = kind.ask(step.node.config, given)
    values = kind.accepted(ask, answered.values)
    quorum = int(ask.approvers.get("quorum", 1))
    if answered.by in step.votes:
        raise AlreadyDecided("You have decided already; others have to agree too.")
    if quorum > 1 and answered.values and answered.decision == "approved":
        message = "Values cannot be edited where several people have to agree."
        raise refused_values({next(iter(answered.values)): message}, "Reject it with a reason instead.")
    turn.audits += [answered.audit] if answered.audit is not None else []
    if answered.decision == "approved" and len(step.votes) + 1 < quorum:
        turn.record(events.Voted(by=answered.by, name=answered.by_name, reason=answered.reason), answered.path, step.attempt)
        turn.statements.append(asking.voted(step.item, list(step.votes)))
        return
    answer = Answer(answered.decision, answered.by_email or answered.by_name, answered.reason, values)
    _resolve_item(turn, step, answer, by=answered.by, by_name=answered.by_name)


def _resolve_item(turn: Turn, step: Step, answer: Answer, *, by: str | None, by_name: str | None) -> None:
    given, node = step.inputs or {}, step.node
    kind: Any = node.kind
    outcome: Outcome = kind.answered(node.config, given, answer)
    consent = None
    action = node.action
    if outcome.outputs.get("decision") == "approved" and action:
        consent = _consent(turn, step, action, answer)
    event = events.StepDone(
        started_at=step.started_at,
        port=leaving_port(turn.state, step.frame, node, outcome.port),
        outputs=outcome.outputs,
        inputs=given,
        note={"decision": answer.decision, "by": by, "by_name": by_name, "reason": answer.reason, "item": step.item},
        consent=consent,
    )
    votes = [*step.votes, *([by] if by else [])]
    turn.statements.append(asking.clear_timer(turn.owner.run_id, step.path))
    turn.statements.append(asking.decided(step.item, decision=answer.decision, by=by, at=turn.at, votes=votes, outputs=outcome.outputs))
    turn.record(event, step.path, step.attempt)
    if step.void_for and outcome.outputs.get("decision") != "approved":
        action_step = turn.state.action_of(step)
        turn.fail(Finished(action_step.path, action_step.attempt, {}, error=ConsentRefused()))


def _consent(turn: Turn, step: Step, action: str, answer: Answer) -> str:
    """The digest of what was allowed: of the action as the card showed it, with the values and the person of this answer.

    Where the action would do something else by now, the consent stays with the card: it is void when the action starts.
    """
    given = step.inputs or {}
    kind: Any = step.node.kind
    unanswered = asking.unanswered(kind.ask(step.node.config, given))
    now = asking.action_digest(turn.action(step, action, unanswered, given, at=step.started_at), unanswered.values)
    if now != step.digest:
        return step.digest
    return asking.action_digest(turn.action(step, action, answer, given, at=turn.at), answer.values)


def _timer(turn: Turn, due: TimerDue) -> None:
    step = turn.state.steps.get(due.path)
    if step is None or step.attempt != due.attempt or turn.state.failure is not None:
        return
    waiting.come_due(turn, step, due.kind)
    # A retry is no event of its own: decide() sees that its time has come, and the start that follows is what the journal keeps.
    if due.kind == "expire" and step.status == "waiting" and step.due_at is not None and step.due_at <= turn.at:
        kind: Any = step.node.kind
        try:
            ask = kind.ask(step.node.config, step.inputs or {})
            _resolve_item(turn, step, Answer("expired", None, "Nobody answered in time.", dict(ask.editable)), by=None, by_name=None)
        except Exception as error:  # what silence would allow cannot be worked out any more: the step fails, never the engine
            turn.statements += [asking.clear_timer(turn.owner.run_id, due.path), asking.given_up(turn.owner.run_id, due.path)]
            turn.fail(Finished(due.path, due.attempt, step.inputs or {}, error=wrapped(error)))


def _seconds_up(turn: Turn, _happening: SecondsUp) -> None:
    state = turn.state
    allowed, busy = state.ledger.limits.busy_us, state.busy_us(turn.at)
    if not state.running or busy < allowed:
        return
    running = [step for step in state.steps.values() if step.status == "running"]
    doubtful = [step for step in running if step.is_unsafe]
    turn.meet(MeetLimit("busy_us", busy, 0, allowed), tuple(step.path for step in running if not step.is_unsafe))
    turn.cancelled += [step.path for step in running]
    for step in doubtful:
        leave_in_doubt(turn, step, "was cut off by the limit of seconds", spent=step.reserved)


def _resume(turn: Turn, resume: Resume) -> None:
    state = turn.state
    if state.status not in ("stopped", "paused", "failed") and not state.asked and state.halted != PAUSED:
        raise WrongState(f"The run is {run_status(state)}; only a paused, stopped or failed run can be resumed.")
    if not state.steps and not state.used_up and not any(f.back for f in state.frames.values()):
        raise WrongState("The run has nothing left to do: it reached an end that counts as a failure.")
    if state.parent and any(amount > getattr(state.ledger.limits, name) for name, amount in resume.limits.items()):
        raise WrongState(f"The limits of this run are a part of those of {state.parent}.", hint="Cancel it, and raise the limits there.")
    turn.audits += [resume.audit] if resume.audit is not None else []
    asked_limits.give_up(turn)
    turn.record(events.RunResumed(limits=resume.limits, by=resume.by, by_name=resume.by_name))


def _pause(turn: Turn, pause: Pause) -> None:
    state = turn.state
    if state.status != "running" or state.halted or state.failure is not None:
        raise WrongState(f"The run is {run_status(state)}; only a run that moves or waits can be paused.")
    turn.audits += [pause.audit] if pause.audit is not None else []
    turn.record(events.RunPaused(by=pause.by, by_name=pause.by_name, reason=pause.reason))


def _cancel(turn: Turn, cancel: Cancel) -> None:
    if turn.state.status in ("succeeded", "failed", "cancelled"):
        raise WrongState(f"The run is over: it {turn.state.status}.")
    turn.audits += [cancel.audit] if cancel.audit is not None else []
    asked_limits.give_up(turn)
    doubtful = tuple(step.path for step in turn.state.steps.values() if step.status == "in_doubt" or _is_in_flight(step))
    turn.record(events.RunCancelled(by=cancel.by, reason=cancel.reason, by_name=cancel.by_name, doubtful=doubtful))


def _is_in_flight(step: Step) -> bool:
    return step.status == "running" and step.is_unsafe


def _recover(turn: Turn, _happening: Recover) -> None:
    state = turn.state
    lost = [step for step in state.steps.values() if step.status == "running"]
    doubtful = [step for step in lost if step.is_unsafe]
    turn.record(events.RunRecovered(lost=tuple(step.path for step in lost if not step.is_unsafe)))
    for step in doubtful:
        if step.can_be_asked and ask_there(turn, step):
            continue
        leave_in_doubt(turn, step, "was running when the process died", spent=step.reserved)


def _nothing(_turn: Turn, _happening: GoOn) -> None:
    """The turn before has left something to decide; that is all."""


_TAKERS: dict[type, Any] = {
    Finished: _finished,
    Answered: _answered,
    TimerDue: _timer,
    Woken: waiting.wake,
    ChildChosen: children.begin,
    ChildEnded: children.returned,
    SecondsUp: _seconds_up,
    Resume: _resume,
    Pause: _pause,
    Cancel: _cancel,
    Recover: _recover,
    GoOn: _nothing,
}
