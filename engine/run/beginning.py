"""How a run begins: the first turn, whose commit makes it durable."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from engine.errors import Invalid
from engine.graph.plan import Plan
from engine.run import events
from engine.run.asking import Owner
from engine.run.children import Parent
from engine.run.events import StepDone, Trial
from engine.run.happenings import Finished
from engine.run.prepare import Prepared, wrapped
from engine.run.reactions import take
from engine.run.state import RunState, new_state
from engine.run.trial import Reuse
from engine.run.turn import Turn, World
from engine.storage.journal import NewRun

MOST_TAKEN_OVER = 2_000
"""Steps before the one that a try-out begins with: they are written in one commit."""


@dataclass(frozen=True, slots=True)
class TryOut:
    """What is tried of a draft, and the values it goes on with."""

    trial: Trial
    values: tuple[tuple[str, StepDone], ...] = ()
    """For one step alone: path and result of the steps that it reads."""
    reuse: Reuse | None = None
    """For `from`: the steps of the earlier run."""


@dataclass(frozen=True, slots=True)
class NewRunSpec:
    """What starting a run needs, checked before."""

    owner: Owner
    plan: Plan
    version: int | None
    inputs: dict[str, Any]
    limits: dict[str, int]
    mode: str
    by: str
    by_name: str = ""
    audit: Any = None
    effects: Literal["real", "simulated"] = "real"
    pins: dict[str, Any] | None = None
    tried: TryOut | None = None
    parent: Parent | None = None
    labels: tuple[str, ...] = ()
    """What is to be known of the inputs."""


@dataclass(frozen=True, slots=True)
class ForkSpec:
    """What a fork needs, checked before: the other run's state at the checkpoint, under the new run's id."""

    owner: Owner
    state: RunState
    version: int | None
    seq: int
    event: events.RunForked
    audit: Any = None


def fork_turn(spec: ForkSpec, world: World, *, at: int) -> Turn:
    """The fork's first turn."""
    turn = Turn(spec.state, spec.owner, world, at)
    turn.record(spec.event)
    turn.audits += [spec.audit] if spec.audit is not None else []
    turn.settle()
    return turn


def opening(spec: NewRunSpec | ForkSpec, world: World, *, at: int, by_process: str) -> tuple[Turn, int, NewRun]:
    """The first turn of a run or a fork, how many rows lie before it, and the columns of the run that never change."""
    if isinstance(spec, ForkSpec):
        turn, head, forked = fork_turn(spec, world, at=at), spec.seq, (spec.event.origin, spec.seq)
        mode, by = spec.event.mode, spec.event.by
    else:
        turn, head, forked = first_turn(spec, world, at=at), 0, (None, None)
        mode, by = spec.mode, spec.by
    names = (spec.owner.workflow_id, spec.owner.workflow_name, spec.version, turn.state.plan.hash)
    return turn, head, NewRun(*names, mode, by, turn.at, by_process, *forked, parent_run=turn.state.parent or None)


def first_turn(spec: NewRunSpec, world: World, *, at: int) -> Turn:
    """The run's first turn; StepMissing where a try-out lacks a value, and then nothing of it is kept."""
    tried = spec.tried
    state = new_state(spec.plan, spec.owner.run_id)
    turn = Turn(state, spec.owner, world, at, reuse=tried.reuse if tried else None)
    turn.record(_started(spec))
    turn.audits += [spec.audit] if spec.audit is not None else []
    for path, done in tried.values if tried else ():
        turn.record(done, path)
    turn.settle()
    if tried is None or tried.trial.what == "until":
        # The start step only hands the inputs on: it shares the run's first commit.
        _at_once(turn, turn.performs)
    elif turn.reuse is not None:
        _take_over(turn, turn.reuse)
        turn.reuse = None
    return turn


def _started(spec: NewRunSpec) -> events.RunStarted:
    return events.RunStarted(
        workflow=spec.owner.workflow_id,
        hash=spec.plan.hash,
        version=spec.version,
        inputs=spec.inputs,
        limits=spec.limits,
        mode=spec.mode,
        by=spec.by,
        by_name=spec.by_name,
        effects=spec.effects,
        trial=spec.tried.trial if spec.tried else None,
        pins=spec.pins or {},
        parent=spec.parent.run_id if spec.parent else "",
        parent_path=spec.parent.path if spec.parent else "",
        parent_attempt=spec.parent.attempt if spec.parent else 0,
        depth=spec.parent.depth if spec.parent else 0,
        labels=spec.parent.labels if spec.parent else spec.labels,
    )


def _take_over(turn: Turn, reuse: Reuse) -> None:
    taken = 0
    while earlier := [p for p in turn.performs if _is_before(p, reuse)]:
        _at_once(turn, earlier)
        taken += len(earlier)
        if taken > MOST_TAKEN_OVER:
            raise Invalid(f"More than {MOST_TAKEN_OVER:,} steps lie before the one to begin with.", hint="Run the workflow as a whole.")
    if turn.state.failure is None and not turn.state.halted:
        reuse.check_reached()


def _is_before(prepared: Prepared, reuse: Reuse) -> bool:
    node = prepared.node
    is_free = prepared.instead is not None or node.kind.is_inline
    return is_free and (node.id == reuse.plan.start or reuse.is_earlier(node))


def _at_once(turn: Turn, prepared: list[Prepared]) -> None:
    done = list(prepared)
    turn.performs = [p for p in turn.performs if p not in done]
    for each in done:
        take(turn, work(each))
    turn.settle()


def work(prepared: Prepared) -> Finished:
    """Runs a step that ends at once: one that only computes, or one that something stands in for."""
    if prepared.instead is not None:
        return Finished(prepared.path, prepared.attempt, prepared.given, prepared.instead)
    kind: Any = prepared.node.kind
    try:
        outcome = kind.work(prepared.node.config, prepared.given)
    except Exception as raised:  # the border of a kind's own code: whatever it is becomes the step's error
        return Finished(prepared.path, prepared.attempt, prepared.given, error=wrapped(raised))
    return Finished(prepared.path, prepared.attempt, prepared.given, outcome)
