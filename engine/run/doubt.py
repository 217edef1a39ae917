"""Unsafe calls of which nobody knows whether they happened: never repeated by themselves, a person says what came of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from engine.errors import InDoubt, WrongState
from engine.jsonvalue import digest
from engine.nodes.contract import refused_values
from engine.nodes.pinning import PinProblem, pinned_port
from engine.run import asking, events
from engine.run.events import Spent
from engine.run.frontier import Step
from engine.run.happenings import Answered, Finished
from engine.run.prepare import Prepared, wrapped
from engine.run.routing import leaving_port

if TYPE_CHECKING:
    from engine.run.turn import Turn

CHOICES = ("done", "retry", "fail")
HINT = "Write what the step would have answered."
QUESTION = "Nobody knows whether it happened: look there, then say so. It is not repeated by itself."


def ask_there(turn: Turn, step: Step) -> bool:
    """The step goes on running: the other system is asked whether its effect happened. False where what to ask cannot be worked out."""
    try:
        given = turn.given(step)
    except Exception:  # then a person is asked, who sees why on the card
        return False
    turn.performs.append(Prepared(step.path, step.attempt, step.node, given, step.reserved, asks=True))
    return True


def leave_in_doubt(turn: Turn, step: Step, why: str, *, spent: Spent) -> None:
    """The step waits for a person who says whether its effect happened; what was set aside for it stays charged."""
    if step.is_given_up:
        # Nothing depends on it any more; that nobody knows is told all the same.
        turn.fail(
            Finished(step.path, step.attempt, {}, error=InDoubt(f"{step.path} {why}; whether it happened is not known."), spent=spent)
        )
        return
    shown = _shown(turn, step)
    title = f"Did “{step.node.title or step.node.id}” happen?"
    message = f"It {why}. {QUESTION}"
    card = {
        "type": "in_doubt",
        "title": title,
        "message": message,
        "choices": list(CHOICES),
        "show": {},
        "editable": {},
        "approvers": {},
        "action": shown,
    }
    bound = digest({"title": title, "message": message, "action": shown, "path": step.path, "attempt": step.attempt})
    item = turn.world.ids.new("apr")
    doubt = events.StepInDoubt(started_at=step.started_at, why=why, item=item, card=card, digest=bound, spent=spent)
    turn.record(doubt, step.path, step.attempt)
    turn.statements.append(
        asking.open_item(turn.owner, card, item=item, path=step.path, attempt=step.attempt, digest=bound, at=turn.at, expires_at=None)
    )
    _tell_approval(turn, step, "in_doubt", None)


def resolve(turn: Turn, step: Step, answered: Answered) -> None:
    """What a person says: it happened, with this result; it did not, do it now; it did not, and is not to."""
    if turn.state.status in ("succeeded", "cancelled", "cancelling"):
        raise WrongState(f"The run is over: it {turn.state.status}.")
    done = _done(turn, step, answered) if answered.decision == "done" else None
    turn.audits += [answered.audit] if answered.audit is not None else []
    turn.statements.append(
        asking.decided(step.item, decision=answered.decision, by=answered.by, at=turn.at, votes=[answered.by], outputs=answered.values)
    )
    if done is not None:
        turn.record(done, step.path, step.attempt)
        _tell_approval(turn, step, "done", done.outputs)
        return
    told = events.DoubtResolved(
        item=step.item, decision=answered.decision, by=answered.by, by_name=answered.by_name, reason=answered.reason
    )
    turn.record(told, step.path, step.attempt)
    if answered.decision == "fail":
        reason = f": {answered.reason}" if answered.reason else ""
        turn.fail(Finished(step.path, step.attempt, {}, error=InDoubt(f"{answered.by_name} says that it did not happen{reason}.")))
        _tell_approval(turn, step, "failed", None)


def _done(turn: Turn, step: Step, answered: Answered) -> events.StepDone:
    node = step.node
    # Where its outputs do not tell the way on, it is the first one.
    told = node.kind.port_of(node.config, answered.values)  # pyright: ignore[reportAttributeAccessIssue]
    try:
        port = pinned_port(node.kind, node.config, node.ports, outputs=answered.values, port=None if told else next(iter(node.ports), None))
    except PinProblem as problem:
        raise refused_values({problem.field.removeprefix("outputs.").removeprefix("outputs"): str(problem)}, HINT) from None
    note = {"decision": "done", "by": answered.by, "by_name": answered.by_name, "reason": answered.reason, "item": step.item}
    leaves = leaving_port(turn.state, step.frame, node, port)
    return events.StepDone(started_at=step.started_at, port=leaves, outputs=answered.values, note=note)


def _shown(turn: Turn, step: Step) -> dict[str, Any]:
    try:
        given = turn.given(step)
    except Exception as error:  # what it was called with cannot be worked out again: that is told in its place
        given = {"settings": wrapped(error).message}
    return asking.action_shown(step.node, given)


def _tell_approval(turn: Turn, step: Step, status: str, result: Any) -> None:
    consent = turn.state.consents_in(step.within).get(step.node.id)
    if consent is not None and consent.digest:
        turn.action_status(consent.approval, consent.attempt, status, result)
