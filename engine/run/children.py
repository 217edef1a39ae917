"""Runs that a step of another run has started: chosen, started, waited for, charged and given up with it.

The parent's row holds the intent (`child_started`) before the child starts, under an id that follows from parent, path and
attempt: starting it twice is harmless. Its end is told to the parent; what a crash cuts off in between is found again
through the `children` table when the engine starts.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import msgspec

from engine.errors import ChildFailed, ConfigInvalid
from engine.graph.plan import Plan
from engine.graph.worst_case import bounds_of
from engine.nodes.child import MOST_DEPTH, ChildCall, ChildKind
from engine.run import asking, events
from engine.run.events import NOTHING, Child, Spent
from engine.run.frontier import Step
from engine.run.happenings import ChildChosen, ChildEnded, Finished
from engine.run.prepare import wrapped
from engine.run.routing import leaving_port
from engine.schemas import problems_of, with_defaults

if TYPE_CHECKING:
    from engine.run.state import RunState
    from engine.run.turn import Turn
    from engine.storage.journal_reader import JournalReader

RESERVED = ("cost_micro", "tokens", "llm_calls", "tool_calls")


@dataclass(frozen=True, slots=True)
class Parent:
    """The step that waits for a run."""

    run_id: str
    path: str
    attempt: int
    depth: int
    """Of the child: 1 for a run that a run without a parent has started."""
    labels: tuple[str, ...] = ()
    """Of everything that the run has seen in which the step stands."""


@dataclass(frozen=True, slots=True)
class Starting:
    """A child that starts once its parent's row is durable."""

    path: str
    attempt: int
    child: Child
    inputs: dict[str, Any]


def child_id(parent: str, path: str, attempt: int) -> str:
    """The same for the same attempt at the same step, however often it is asked."""
    return f"run_{hashlib.sha256(f'child:{parent}:{path}:{attempt}'.encode()).hexdigest()[:26].upper()}"


# Choosing: off the loop, before anything is durable


def chosen(
    reader: JournalReader, plan_of: Callable[[str], Plan], workspace: str, call: ChildCall, *, depth: int
) -> tuple[Child, dict[str, Any]]:  # fmt: skip
    """What would run: its version is fixed from here on. ConfigInvalid where it cannot be started; blocks."""
    if depth > MOST_DEPTH:
        raise ConfigInvalid(f"Workflows run each other more than {MOST_DEPTH} deep.", hint="Look whether a workflow runs itself.")
    found = reader.beginning(workspace, call.workflow, call.version)
    if found is None:
        raise ConfigInvalid(f"There is no workflow {call.workflow[:100]}.", hint="Name it by its id or its short name.")
    if found.version is None or found.doc_hash is None:
        what = f"no version {found.version}" if found.version is not None else "no live version"
        raise ConfigInvalid(f"{found.workflow_name} has {what}.", hint="Publish it first.")
    plan = plan_of(found.doc_hash)
    inputs = with_defaults(call.inputs, plan.input_schema)
    if problems := problems_of(inputs, plan.input_schema):
        told = f"inputs{problems[0].path}: {problems[0].message}"
        raise ConfigInvalid(f"{found.workflow_name} cannot start with this: {told}.", hint="Look at the step's setting `inputs`.")
    child = Child(
        workflow=found.workflow_id,
        name=found.workflow_name,
        version=found.version,
        hash=found.doc_hash,
        limits=plan.limits.as_dict(),
    )
    return child, inputs


# In a turn of the parent


def begin(turn: Turn, known: ChildChosen) -> None:
    """The child gets what its document allows, as far as the parent has that much left; what others have set aside is waited for."""
    state = turn.state
    step = state.steps.get(known.path)
    if step is None or step.status != "running" or step.attempt != known.attempt:
        return
    limits, is_short = _part(state, step, known.child.limits, turn.at)
    stands_still = state.failure is not None or state.is_tried or bool(state.halted)
    if stands_still or (is_short and _others(state)):
        turn.record(events.ChildPostponed(), step.path, step.attempt)
        return
    reserved = Spent(*(limits[name] for name in RESERVED))
    run = child_id(turn.owner.run_id, step.path, step.attempt)
    child = msgspec.structs.replace(known.child, run=run, limits=limits)
    started = events.ChildStarted(started_at=step.started_at, child=child, inputs=known.inputs, reserved=reserved)
    turn.record(started, step.path, step.attempt)
    turn.statements.append(asking.add_child(turn.owner, step.path, step.attempt, child=run))
    turn.children.append(Starting(step.path, step.attempt, child, known.inputs))


def _others(state: RunState) -> list[Child]:
    """The runs that have a part of the limits set aside."""
    return [step.child for step in (*state.steps.values(), *state.leaving.values()) if step.child is not None]


def _part(state: RunState, step: Step, wanted: dict[str, int], at: int) -> tuple[dict[str, int], bool]:
    """What the child gets of each limit, and whether that is less than its document allows because others hold it."""
    ledger, others = state.ledger, _others(state)
    left = {name: ledger.left(name) for name in RESERVED}
    steps = ledger.limits.steps - ledger.steps - state.steps_aside
    if any(other is not step and other.status != "open" for other in state.steps.values()):
        # What runs beside it must not stand still until it has ended: it keeps what it may need, up to half of what is left.
        steps = max(steps - (bounds_of(state.plan).steps or steps), steps // 2)
    left["steps"] = steps
    left["busy_us"] = ledger.limits.busy_us - state.busy_us(at) - sum(child.limits.get("busy_us", 0) for child in others)
    part = {name: max(0, min(amount, left.get(name, amount))) for name, amount in wanted.items()}
    return part, any(part[name] < amount for name, amount in wanted.items())


def returned(turn: Turn, ended: ChildEnded) -> None:
    """The child has ended: what it has used is charged, and the step ends as it did."""
    state = turn.state
    told = events.ChildReturned(run=ended.run, status=ended.status, spent=ended.spent, steps=ended.steps, busy_us=ended.busy_us)
    if ended.run in state.leaving:
        turn.record(told, ended.path, ended.attempt)
        turn.statements.append(asking.remove_child(ended.run))
        return
    step = state.steps.get(ended.path)
    if step is None or step.child is None or step.child.run != ended.run:
        return
    kind: ChildKind[Any] = step.node.kind  # pyright: ignore[reportAssignmentType]
    turn.record(told, step.path, step.attempt)
    turn.statements.append(asking.remove_child(ended.run))
    if ended.status == "stopped":
        # Nobody could take its result any more.
        turn.orphans.append(ended.run)
    if ended.status != "succeeded":
        error = ChildFailed(f"The run {ended.run} of {ended.name} {_ended(ended.status)}: {ended.reason}".rstrip(": "))
        turn.fail(Finished(step.path, step.attempt, {}, error=error, labels=ended.labels))
        return
    try:
        outcome = kind.returned(step.node.config, ended.output or {})
    except Exception as error:  # a kind's own code: the step fails, never the engine
        turn.fail(Finished(step.path, step.attempt, {}, error=wrapped(error)))
        return
    port = leaving_port(turn.state, step.frame, step.node, outcome.port)
    done = events.StepDone(started_at=step.started_at, port=port, outputs=outcome.outputs, note={"run": ended.run}, labels=ended.labels)
    turn.record(done, step.path, step.attempt)


def _ended(status: str) -> str:
    return {"failed": "has failed", "cancelled": "was cancelled", "stopped": "was stopped by a limit"}.get(status, status)


# In the state


def on_started(state: RunState, event: events.ChildStarted, _at: int, path: str, _attempt: int) -> None:
    """The step waits for another run, for which its part of the limits is set aside."""
    step = state.steps[path]
    state.settle(step, NOTHING)
    step.status, step.child, step.inputs, step.reserved = "child", event.child, event.inputs, event.reserved
    state.ledger.reserve(event.reserved)
    state.steps_aside += event.child.limits.get("steps", 0)


def on_postponed(state: RunState, _event: events.ChildPostponed, _at: int, path: str, _attempt: int) -> None:
    """The step starts anew once something was given back, or when the run goes on."""
    step = state.steps[path]
    step.base += 1
    # It has not been executed, so it counts as no step.
    state.ledger.steps -= 1
    state.settle(step, NOTHING)
    step.status = "ready" if state.halted or state.failure is not None or state.is_tried else "postponed"


def wake_postponed(state: RunState) -> None:
    """Something was given back: whoever waits for it looks once more."""
    for step in state.steps.values():
        if step.status == "postponed":
            step.status = "ready"


def on_returned(state: RunState, event: events.ChildReturned, _at: int, path: str, _attempt: int) -> None:
    """What the other run has used is charged; the end of the step, if it still waits, is the next event."""
    step = state.leaving.pop(event.run, None) or state.steps[path]
    state.ledger.release(step.reserved)
    state.steps_aside -= step.child.limits.get("steps", 0) if step.child is not None else 0
    state.ledger.charge(event.spent)
    state.ledger.steps += event.steps
    state.ledger.busy_us += event.busy_us
    step.reserved, step.child = NOTHING, None
    wake_postponed(state)


def give_up(state: RunState, step: Step) -> None:
    """Nobody waits for the run any more: it is cancelled. Its part stays set aside until its end tells what it has used."""
    if step.child is not None:
        state.orphans.append(step.child.run)
        state.leaving[step.child.run] = replace(step, box=None)
    step.reserved, step.child = NOTHING, None


def waiting_for(state: RunState, path: str, child: str) -> Starting | None:
    """What the step that waits for this child wanted to start; None where it waits for it no more."""
    step = state.steps.get(path)
    if step is None or step.child is None or step.child.run != child:
        return None
    return Starting(path, step.attempt, step.child, step.inputs or {})
