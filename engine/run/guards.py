"""Private data, words from outside and a step that reaches outside, all in one run: a person looks first (security.md 8).

The step waits like one that asks for an approval, with what it would do on the card. The consent is bound to exactly that: what would run
otherwise is asked about again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from engine.errors import ConsentRefused, WrongState
from engine.run import asking, events
from engine.run.events import Start
from engine.run.frontier import Step
from engine.run.happenings import Answered, Finished
from engine.run.state import RunState
from engine.tools.messages import has_both

if TYPE_CHECKING:
    from engine.run.turn import Turn

MESSAGE = "This run has read private data, and words that were written outside may have led it here. Look at what would go out."


def holds(turn: Turn, step: Step, given: dict[str, Any]) -> bool:
    """Whether the step has to wait for a person, who is asked."""
    if not needs_person(turn.state, step, given):
        return False
    action = asking.action_shown(step.node, given)
    bound = asking.action_digest(action, {})
    if step.allowed == bound:
        return False
    _ask(turn, step, given, action, bound)
    return True


def needs_person(state: RunState, step: Step, given: dict[str, Any]) -> bool:
    """Whether it reaches outside in a run that has seen both, and no approval was drawn for it."""
    if not has_both(state.labels):
        return False
    node = step.node
    kind: Any = node.kind
    # What is hidden is judged where it stands: an agent's call by its verdict.
    if node.is_hidden or node.consent is not None or state.stand_in(node):
        return False
    return kind.is_outward(node.config, given)


def is_watched(state: RunState, step: Step) -> bool:
    """Whether a call of which only its door knows that it leads outside must not be made: nobody has looked at it."""
    return has_both(state.labels) and not (step.node.is_hidden or step.node.consent is not None or step.allowed)


def resolve(turn: Turn, step: Step, answered: Answered) -> None:
    """What a person says: it may, or it must not."""
    if turn.state.status in ("succeeded", "failed", "cancelled", "cancelling"):
        raise WrongState(f"The run is over: it {turn.state.status}.")
    turn.audits += [answered.audit] if answered.audit is not None else []
    turn.statements.append(
        asking.decided(step.item, decision=answered.decision, by=answered.by, at=turn.at, votes=[answered.by], outputs={})
    )
    given, allowed = step.inputs or {}, answered.digest if answered.decision == "approved" else ""
    told = events.GuardAnswered(item=step.item, digest=allowed, by=answered.by, by_name=answered.by_name, reason=answered.reason)
    turn.record(told, step.path, step.attempt)
    if not allowed:
        reason = f" {answered.reason}" if answered.reason else ""
        turn.begin_step(step, Start(step.path, step.attempt + 1))
        turn.fail(Finished(step.path, step.attempt, given, error=ConsentRefused(f"{answered.by_name} refused this step.{reason}")))


def tell(turn: Turn, step: Step, status: str, result: Any) -> None:
    """The card that allowed it shows what became of it."""
    if step.allowed:
        turn.action_status(step.path, -step.asked, status, result)


def _ask(turn: Turn, step: Step, given: dict[str, Any], action: dict[str, Any], bound: str) -> None:
    title = f"“{step.node.title or step.node.id}” reaches outside"
    card: dict[str, Any] = {
        "type": "approval",
        "title": title,
        "message": MESSAGE,
        "choices": ["approve", "reject"],
        "show": {},
        "editable": {},
        "approvers": {},
        "action": action,
    }
    item = turn.world.ids.new("apr")
    turn.record(events.StepGuarded(item=item, card=card, digest=bound, inputs=given), step.path, step.attempt)
    # Numbers that no attempt has: the step may be in doubt later, under its own.
    opened = asking.open_item(turn.owner, card, item=item, path=step.path, attempt=-step.asked, digest=bound, at=turn.at, expires_at=None)
    turn.statements.append(opened)
