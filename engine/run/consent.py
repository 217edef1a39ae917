"""What an approval would allow: its action as it would run after an answer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from engine.clock import iso
from engine.errors import NotFound
from engine.graph.plan import Plan
from engine.nodes.contract import Answer, Outcome
from engine.run import asking, codec
from engine.run.frontier import Step
from engine.run.state import RunState, fold, new_state
from engine.storage.journal_reader import JournalReader, StoredRun


def action_after(state: RunState, step: Step, action: str, answer: Answer, given: dict[str, Any], *, at: int) -> dict[str, Any]:
    """The action as it would run after this answer, were it started at `at`. Raises ExpressionError."""
    node = state.plan.nodes[action]
    asking_kind: Any = step.node.kind
    outcome: Outcome = asking_kind.answered(step.node.config, given, answer)
    scope = state.scope(state.frames[step.frame], iso(at) or "", iso(state.started_at) or "")
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
    kind: Any = step.node.kind
    ask = kind.ask(step.node.config, given)
    if ask.action is None:
        return None
    return action_after(state, step, ask.action, Answer("approved", None, "", {**ask.editable, **values}), given, at=at)


def read_run(reader: JournalReader, plan_of: Callable[[str], Plan], run_id: str) -> tuple[StoredRun, RunState]:
    """A run as its journal tells it. NotFound; blocks."""
    stored = reader.run(run_id)
    if stored is None:
        raise NotFound(f"There is no run {run_id}.")
    state = new_state(plan_of(stored.doc_hash), run_id)
    for row in reader.every_row(run_id):
        fold(state, codec.from_row(row, reader.blob), at=row.at, path=row.path, attempt=row.attempt)
    return stored, state
