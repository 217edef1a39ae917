"""Forks: another run that goes its own way from a step of a run, with the bill before."""

from __future__ import annotations

import re
from typing import Any

from engine.errors import Invalid, NotFound
from engine.facade.core import Core
from engine.facade.starting import checked_inputs, field_problem, lowered
from engine.facade.views import EffectView, ForkBill
from engine.graph.plan import Plan
from engine.jsonvalue import NotJsonValue, check_json, dumps
from engine.people.permissions import Actor
from engine.run import events
from engine.run.asking import Owner
from engine.run.beginning import ForkSpec
from engine.run.forking import BILLED, bill_of, checkpoint_before
from engine.run.loading import load_state
from engine.run.paths import node_of
from engine.run.state import RunState
from engine.storage.journal_reader import StoredRun

_INPUT = re.compile(r"^inputs\.(.+)$", re.DOTALL)
_OUTPUT = re.compile(r"^nodes\.([a-z][a-z0-9_]*)\.(.+)$", re.DOTALL)


class Forks:
    """Everything here blocks: called in a thread."""

    def __init__(self, core: Core) -> None:
        self._core = core

    def bill(self, stored: StoredRun, path: str) -> ForkBill:
        """What a fork from that step would reuse, do again and cost. NotFound for a step that never started."""
        reader, plan = self._core.reader, self._core.plans.of(stored.doc_hash)
        seq = self._checkpoint(stored, path)
        # With the row that starts the step: what has ended in that row is reused, and its effect is not repeated.
        state = load_state(reader, plan, stored.run_id, upto=seq).state
        # Their large values stay where they are: nothing of the bill depends on them.
        later = ((row, events.decode(row.payload)) for row in reader.rows_of(stored.run_id, BILLED, after=seq))
        found = bill_of(later, plan, node_of, reused=reader.count_of(stored.run_id, "step_done", upto=seq), state=state)
        return ForkBill(
            from_path=path,
            reuses=found.reused,
            reruns=found.repeated,
            cost_usd=found.cost_micro / 1e6,
            tokens=found.tokens,
            effects=[EffectView(**effect) for effect in found.effects],
        )

    def spec(
        self, actor: Actor, stored: StoredRun, path: str, *, changes: dict[str, Any], limits: Any, mode: str | None, effects: str | None
    ) -> ForkSpec:
        """The fork, ready to start. NotFound, Invalid that names the change or limit that cannot be."""
        plan, seq = self._core.plans.of(stored.doc_hash), self._checkpoint(stored, path)
        run_id = self._core.ids.new("run")
        state = load_state(self._core.reader, plan, stored.run_id, upto=seq, as_run=run_id).state
        if state.trial is not None:
            raise Invalid("A try-out of single steps cannot be forked.", hint="Fork a run of the whole workflow.")
        inputs, outputs = _changes(plan, state, changes)
        if inputs:
            checked_inputs(plan, {**state.inputs, **inputs})
        mode = mode or stored.mode
        event = events.RunForked(
            origin=stored.run_id,
            at_step=path,
            inputs=inputs,
            outputs=outputs,
            limits=lowered(plan.limits, limits).as_dict(),
            mode=mode,
            effects=_effects(mode, effects, stored, state.effects),
            by=actor.user_id or actor.label,
            by_name=actor.name,
        )
        details: dict[str, object] = {"of": stored.run_id, "from": path, "changes": sorted(changes), "mode": mode, "effects": event.effects}
        return ForkSpec(
            owner=Owner(run_id, stored.workspace_id, stored.workflow_id, stored.workflow_name),
            state=state,
            version=stored.version,
            seq=seq,
            event=event,
            audit=self._core.audit_entry(actor, "run.fork", run_id, details),
        )

    def _checkpoint(self, stored: StoredRun, path: str) -> int:
        rows = self._core.reader.rows_with(stored.run_id, b'"path":' + dumps(path))
        seq = checkpoint_before(((row, events.decode(row.payload)) for row in rows), path)
        if seq is None:
            raise NotFound(f"The run has not started a step {path[:200]}.", hint="Use the path of one of its steps.")
        return seq


def _changes(plan: Plan, state: RunState, changes: dict[str, Any]) -> tuple[dict[str, Any], dict[str, dict[str, Any]]]:
    """`{"inputs.amount": 3, "nodes.draft.text": "…"}`: inputs, and outputs of steps that had ended by then."""
    inputs: dict[str, Any] = {}
    outputs: dict[str, dict[str, Any]] = {}
    for name, value in changes.items():
        field = f"changes.{name[:100]}"
        try:
            check_json(value)
        except NotJsonValue as error:
            raise field_problem(field, str(error)) from None
        if (found := _INPUT.match(name)) is not None:
            inputs[found[1]] = value
        elif (found := _OUTPUT.match(name)) is not None:
            if found[1] not in plan.nodes:
                raise field_problem(field, f"The workflow has no step {found[1]}.")
            if found[1] not in state.outputs:
                raise field_problem(field, f"{found[1]} had no result yet where the fork begins, or stands inside a box.")
            outputs.setdefault(found[1], {})[found[2]] = value
        else:
            raise field_problem(field, "Name a value as expressions do: inputs.amount or nodes.draft.text.")
    return inputs, outputs


def _effects(mode: str, effects: str | None, stored: StoredRun, of_state: str) -> Any:
    if mode not in ("live", "test"):
        raise field_problem("mode", "A run's mode is live or test.")
    if effects not in (None, "simulated", "real"):
        raise field_problem("effects", "The effects are simulated or real.")
    if mode == "live":
        if effects == "simulated":
            raise field_problem("effects", "A live run has real effects; fork it in test mode to simulate them.")
        if stored.mode == "test":
            raise field_problem("mode", "A fork of a test run is a test run.")
        return "real"
    return effects or (of_state if stored.mode == "test" else "simulated")
