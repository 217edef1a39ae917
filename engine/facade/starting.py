"""What a run starts from: which version, which inputs and limits, and for a test run its pins and what is tried of it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import Any

from engine.errors import Invalid, InvalidInputs, NotFound, NotPublished, WorkflowHasProblems
from engine.facade.core import Core
from engine.facade.finding import find, no_such, store_document
from engine.facade.pins import pins_for
from engine.facade.quick import TooMuch, is_small
from engine.facade.repeats import KEPT_US
from engine.facade.tryouts import PreparedTrial, TryOuts, asked_of
from engine.graph.plan import LIMIT_NAMES, SCALED, Limits, Plan
from engine.graph.validate import check
from engine.jsonvalue import NotJsonValue, check_json, loads
from engine.people.permissions import Actor, Permission, require
from engine.run.asking import Owner
from engine.run.beginning import NewRunSpec
from engine.run.labels import EXTERNAL, of_inputs
from engine.schemas import problems_of, with_defaults
from engine.storage.journal_reader import Beginning

MODES = ("live", "test")


@dataclass(frozen=True, slots=True)
class Asked:
    """What somebody wants to start, as it was sent."""

    inputs: Any = None
    version: int | None = None
    limits: dict[str, Any] | None = None
    mode: str = "live"
    effects: str | None = None
    tried: dict[str, Any] | None = None


class Starting:
    """Checks what is asked and makes it the start of a run; starts nothing."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._tryouts = TryOuts(core)

    def allow(self, actor: Actor, asked: Asked) -> None:
        """Returns if the actor may start that. A test run with real effects does what a live run does, so it takes the same permission."""
        require(actor, Permission.RUN_TEST if asked.mode == "test" else Permission.RUN_START)
        check_mode(asked)
        if asked.mode == "test" and asked.effects == "real":
            require(actor, Permission.RUN_START)

    def spec(self, actor: Actor, workflow: str, asked: Asked, *, key: str | None, in_passing: bool = False) -> NewRunSpec:
        """Blocks. NotPublished, InvalidInputs, Invalid for limits and `try`, StepMissing, WorkflowHasProblems for a bad draft.

        TooMuch when that is not done in passing.
        """
        if in_passing and not (asked.mode == "live" and is_small(asked.inputs)):
            raise TooMuch
        found, plan = self._version(actor, workflow, asked.version, asked.mode, in_passing)
        is_test = asked.mode == "test"
        pins = pins_for(self._core.records, found.workflow_id, plan) if is_test else {}
        inputs, tried = asked.inputs, None
        if asked.tried is not None:
            tried = self._tryouts.prepare(actor, found, plan, asked_of(asked.tried, plan), pins=pins)
            inputs = tried.inputs if inputs is None else inputs
        given = {} if tried and inputs is None and not tried.reads_inputs else _fitting_inputs(plan, inputs, asked, tried)
        run_id = self._core.ids.new("run") if key is None else self._run_id_of(actor, found.workflow_id, key)
        details: dict[str, object] = {"workflow": found.workflow_id, "version": found.version, "mode": asked.mode}
        details |= {"effects": asked.effects or "simulated"} if is_test else {}
        details |= {"try": asked.tried} if asked.tried else {}
        return NewRunSpec(
            owner=Owner(run_id, actor.workspace_id, found.workflow_id, found.workflow_name),
            plan=plan,
            version=found.version,
            inputs=given,
            limits=lowered(plan.limits, asked.limits).as_dict(),
            mode=asked.mode,
            by=actor.user_id or actor.label,
            by_name=actor.name,
            audit=self._core.audit_entry(actor, "run.start", run_id, details),
            effects="simulated" if is_test and asked.effects != "real" else "real",
            pins=pins,
            tried=tried.tried if tried else None,
            # Whoever asks with a token is a program, and what it hands on may have been written by anybody.
            labels=of_inputs(plan.input_schema, given, (EXTERNAL,) if actor.kind == "token" else ()),
        )

    def _version(self, actor: Actor, workflow: str, version: int | None, mode: str, in_passing: bool) -> tuple[Beginning, Plan]:
        found = self._core.reader.beginning(actor.workspace_id, workflow, version)
        if found is None:
            raise no_such(workflow)
        if mode == "test" and version is None:
            return replace(found, version=None), self._draft(actor, found.workflow_id)
        if found.version is None:
            raise NotPublished(f"{found.workflow_name} has no live version.")
        if found.doc_hash is None:
            raise NotFound(f"{found.workflow_name} has no version {found.version}.")
        if in_passing and self._core.plans.at_hand(found.doc_hash) is None:
            raise TooMuch
        return found, self._core.plans.of(found.doc_hash)

    def _draft(self, actor: Actor, workflow: str) -> Plan:
        with self._core.records.reading() as session:
            document = loads(find(session, actor, workflow).document)
        checked = check(document, self._core.registry)
        if checked.plan is None:
            raise WorkflowHasProblems(details={"problems": [p.as_json() for p in checked.problems]})
        with self._core.records.writing() as session:
            is_new = store_document(session, actor, document)
        return self._core.plans.keep(checked.plan, checked.plan.hash) if is_new else self._core.plans.of(checked.plan.hash)

    def _run_id_of(self, actor: Actor, workflow: str, key: str) -> str:
        # The same key from the same actor names the same run, so that a repeated request cannot start a second one; it is
        # free again once the first request is forgotten.
        now, run_id = self._core.clock.now_us(), key
        while True:
            run_id = f"run_{hashlib.sha256(f'{actor.label}:{workflow}:{run_id}'.encode()).hexdigest()[:26].upper()}"
            known = self._core.reader.run(run_id)
            if known is None or known.started_at > now - KEPT_US:
                return run_id


def _fitting_inputs(plan: Plan, inputs: Any, asked: Asked, tried: PreparedTrial | None) -> dict[str, Any]:
    try:
        return checked_inputs(plan, inputs)
    except InvalidInputs as error:
        if asked.inputs is not None or tried is None:
            raise
        of_base = f"The inputs come from the run {tried.tried.trial.base} and do not fit any more. " if tried.inputs is not None else ""
        raise InvalidInputs(of_base + error.message, hint="Give inputs that fit the start.", details=error.details) from None


def check_mode(asked: Asked) -> None:
    """Invalid where mode, effects and `try` do not go together."""
    mode, effects = asked.mode, asked.effects
    if mode not in MODES:
        raise field_problem("mode", "The mode is live or test.")
    if effects not in (None, "simulated", "real"):
        raise field_problem("effects", "The effects are simulated or real.")
    if mode == "live" and effects == "simulated":
        # Taken silently, it would send for real what the caller believes to be simulated.
        raise field_problem("effects", "A live run has real effects; only a test run simulates them.")
    if mode == "live" and asked.tried is not None:
        raise field_problem("try", "Only a test run can try a part of a workflow.")


def checked_inputs(plan: Plan, inputs: Any) -> dict[str, Any]:
    """The inputs with the schema's defaults. InvalidInputs names every field that does not fit."""
    if inputs is None:
        inputs = {}
    if not isinstance(inputs, dict):
        raise field_problem("inputs", "The inputs are a JSON object.", InvalidInputs)
    try:
        check_json(inputs)
    except NotJsonValue as error:
        raise field_problem("inputs", f"{error}.", InvalidInputs) from None
    given = with_defaults(inputs, plan.input_schema)
    if problems := problems_of(given, plan.input_schema):
        told = [{"field": f"inputs{p.path}", "message": p.message} for p in problems]
        raise InvalidInputs(f"inputs{problems[0].path}: {problems[0].message}", details={"problems": told})
    return given


def parsed_limits(limits: Any) -> dict[str, int]:
    """Limits as the API writes them -> fields of `Limits`. Invalid names the limit."""
    if not isinstance(limits, dict):
        raise field_problem("limits", "The limits are a JSON object.")
    parsed: dict[str, int] = {}
    for name, amount in limits.items():
        if name not in LIMIT_NAMES:
            raise field_problem(f"limits.{str(name)[:40]}", f"There are the limits {', '.join(LIMIT_NAMES)}.")
        if isinstance(amount, bool) or not isinstance(amount, int | float) or not 0 <= amount <= 1e12:
            raise field_problem(f"limits.{name}", "A limit is a number from 0 on.")
        if name not in SCALED and not float(amount).is_integer():
            raise field_problem(f"limits.{name}", "This limit is a whole number.")
        parsed[LIMIT_NAMES[name]] = round(amount * 1_000_000) if name in SCALED else int(amount)
    return parsed


def lowered(limits: Limits, asked: Any) -> Limits:
    """The document's limits, lowered by those given at the start of a run (workflow.md, Running 8)."""
    parsed = parsed_limits(asked or {})
    return replace(limits, **{name: min(amount, getattr(limits, name)) for name, amount in parsed.items()})


def field_problem(field: str, message: str, error: type[Invalid] = Invalid) -> Invalid:
    """One field that is not as it should be."""
    return error(f"{field}: {message}", details={"problems": [{"field": field, "message": message}]})
