"""A limit is reached and a person says how the run goes on: more, cheaper, with what there is, not at all (workflow.md, Running 8)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from engine.errors import SignalboxError
from engine.graph.plan import FIELDS
from engine.jsonvalue import digest
from engine.nodes.contract import refused_values
from engine.run import asking, events
from engine.run.budget import Exceeds, fit, limits_as_json, told
from engine.run.decide import counted_limit, halt_reason
from engine.run.finishing import may_finish
from engine.run.happenings import Answered
from engine.run.prepare import estimate_of

if TYPE_CHECKING:
    from engine.run.turn import Turn

CHEAP = "cheap"


def ask(turn: Turn) -> None:
    """Puts the question into the inbox; the run waits and holds nothing."""
    state = turn.state
    name = FIELDS.get(state.halted, "")
    title = f"The limit {name} is reached" if name else "A loop has used up its visits"
    # A run that another one has started has its part of that one's limits, and no more.
    is_open = not (name and state.parent)
    more = {name: _suggested(turn, name)} if name and is_open else {}
    choices = [
        *(["extend"] if is_open else []),
        *(["cheaper"] if _would_fit_cheaper(turn) else []),
        *(["finish"] if may_finish(state) else []),
        "stop",
    ]
    card: dict[str, Any] = {
        "type": "limit",
        "title": title,
        "message": halt_reason(state),
        "choices": choices,
        "show": {},
        "editable": more,
        "approvers": {},
        "action": None,
    }
    bound = digest({"title": title, "message": card["message"], "choices": choices, "run": turn.owner.run_id, "number": state.asks + 1})
    item = turn.world.ids.new("apr")
    turn.record(events.LimitAsked(item=item, card=card, digest=bound))
    # It belongs to the run, not to a step: no path, and numbers that no attempt has.
    opened = asking.open_item(turn.owner, card, item=item, path="", attempt=-state.asks, digest=bound, at=turn.at, expires_at=None)
    turn.statements.append(opened)


def resolve(turn: Turn, answered: Answered) -> None:
    """What a person says. Invalid where the limits they give would not let it go on."""
    state = turn.state
    if answered.decision == "extend" and (name := FIELDS.get(state.halted)) is not None:
        given, now = answered.values.get(state.halted), getattr(state.ledger.limits, state.halted)
        if given is None or given <= now:
            allowed = told(state.halted, now)
            raise refused_values({name: f"{name} must be above {allowed}: that much is allowed already."}, "Write the new limit.")
    turn.audits += [answered.audit] if answered.audit is not None else []
    turn.statements.append(
        asking.decided(state.asked, decision=answered.decision, by=answered.by, at=turn.at, votes=[answered.by], outputs=answered.values)
    )
    match answered.decision:
        case "stop":
            turn.record(events.RunStopped(reason=halt_reason(state), by=answered.by, by_name=answered.by_name))
        case "cheaper":
            turn.record(events.RunResumed(limits={}, by=answered.by, by_name=answered.by_name, model=CHEAP))
        case "finish":
            turn.record(events.RunResumed(limits={}, by=answered.by, by_name=answered.by_name, finishes=True))
        case _:
            turn.record(events.RunResumed(limits=answered.values, by=answered.by, by_name=answered.by_name))


def give_up(turn: Turn) -> None:
    """Nobody needs to answer any more."""
    if turn.state.asked:
        turn.statements.append(asking.given_up(turn.owner.run_id, ""))


def _suggested(turn: Turn, name: str) -> float | int:
    return 2 * limits_as_json(turn.state.ledger.limits)[name]


def _would_fit_cheaper(turn: Turn) -> bool:
    """Whether every step that waits for the limit would fit with the cheaper model."""
    state = turn.state
    if state.halted not in ("cost_micro", "tokens") or state.model or counted_limit(state, turn.at) is not None:
        return False
    ready = [step for step in state.steps.values() if step.status == "ready" and hasattr(step.node.config, "model")]
    for step in ready:
        try:
            estimate = estimate_of(step.node, turn.given(step) | {"model": CHEAP}, turn.world.pricing)
        except SignalboxError:
            return False
        if isinstance(fit(state.ledger, estimate), Exceeds):
            return False
    return bool(ready)
