"""What an approval would allow: its action as it would run after an answer."""

from __future__ import annotations

from typing import Any

from engine.clock import iso
from engine.nodes.contract import Answer, Outcome
from engine.run import asking
from engine.run.frontier import Step
from engine.run.scoping import scope_of
from engine.run.state import RunState


def action_after(state: RunState, step: Step, action: str, answer: Answer, given: dict[str, Any], *, at: int) -> dict[str, Any]:
    """The action as it would run after this answer, were it started at `at`. Raises ExpressionError."""
    node = state.plan.nodes[action]
    asking_kind: Any = step.node.kind
    outcome: Outcome = asking_kind.answered(step.node.config, given, answer)
    scope = scope_of(state, state.frames[step.frame], iso(at) or "", iso(state.started_at) or "")
    scope["nodes"] = {**scope["nodes"], step.node.id: outcome.outputs}
    kind: Any = node.kind
    shown = asking.action_shown(node, kind.resolve(node.config, node.fields, scope))
    stand_in = state.stand_in(node)
    # Not part of the digest: it is not about what would be done, but that it will not.
    return {**shown, stand_in: True} if stand_in else shown


def edited_action(state: RunState, path: str, values: dict[str, Any], *, at: int) -> dict[str, Any] | None:
    """The action of the approval that waits at `path`, were it approved with these values; None when it waits no more."""
    step = state.steps.get(path)
    if step is None or step.status != "waiting":
        return None
    given = step.inputs or {}
    if step.is_guarded:
        return asking.action_shown(step.node, given)
    kind: Any = step.node.kind
    ask = kind.ask(step.node.config, given)
    if ask.action is None:
        return None
    return action_after(state, step, ask.action, Answer("approved", None, "", {**ask.editable, **values}), given, at=at)
