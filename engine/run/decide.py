"""What a run does next, decided from its state alone. Pure: only reads, no I/O, clock or randomness."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import msgspec

from engine.errors import LoopBothWays
from engine.run.budget import told
from engine.run.frontier import Step
from engine.run.halts import PAUSED
from engine.run.state import ENDED, RunState
from engine.run.trial import named

BUDGETS = {
    "workflow_day": "the workflow for today",
    "agent_day": "the agent for today",
    "workspace_month": "the workspace for this month",
}


class Begin(msgspec.Struct, frozen=True):
    """Start this ready step, if its reservation fits."""

    path: str


@dataclass(frozen=True, slots=True)
class EndItem:
    """Nothing is alive in this item any more: collect what came of it."""

    key: str


@dataclass(frozen=True, slots=True)
class CloseBox:
    """All items of this box have ended, or it fails with one of them."""

    path: str


@dataclass(frozen=True, slots=True)
class MeetLimit:
    """A limit is used up; amounts in the unit of the limit's field."""

    limit: str
    used: int
    needed: int
    allowed: int
    path: str = ""
    """The step that did not fit, or the loop whose visits are used up."""


@dataclass(frozen=True, slots=True)
class AskHow:
    """Nothing runs any more: a person says how it goes on in spite of the limit."""


@dataclass(frozen=True, slots=True)
class Stop:
    """Nothing runs any more, and nothing may start."""

    reason: str


@dataclass(frozen=True, slots=True)
class End:
    """The run is over."""

    status: str
    output: dict[str, Any] | None
    reason: str


Command = Begin | EndItem | CloseBox | MeetLimit | AskHow | Stop | End


def decide(state: RunState, *, at: int) -> list[Command]:
    """The commands that follow from the state at `at` (microseconds); none when the run waits or works."""
    if state.status in ENDED:
        return []
    if state.status == "cancelling":
        # It is over when the runs that it has started are.
        return [] if state.leaving else [End("cancelled", None, state.reason)]
    if state.failure is not None:
        return [] if state.running or state.leaving else [End("failed", None, failure_reason(state))]
    if state.is_tried:
        return [] if state.running or state.leaving else [_end_trial(state)]
    if state.halted:
        return [] if state.running or state.asked else _stand_still(state)
    if state.ended:
        return [EndItem(next(iter(state.ended)))]
    if state.full:
        return [CloseBox(next(iter(state.full)))]
    if state.used_up:
        return [_loop_used_up(state)]
    ready = [step for step in state.steps.values() if _may_start(step, at)]
    if ready:
        if (limit := counted_limit(state, at)) is None:
            return [Begin(step.path) for step in ready]
        return [MeetLimit(limit.limit, limit.used, limit.needed, limit.allowed, ready[0].path)]
    return [] if state.steps or state.leaving else [_end(state)]


def _stand_still(state: RunState) -> list[Command]:
    is_alive = state.steps or state.leaving or state.ended or state.full or state.used_up
    if not is_alive and all(frame.back is None for frame in state.frames.values()):
        # Its last step has ended meanwhile: there is nothing that anybody could resume it for.
        return [_end(state)]
    if state.is_stopped:
        return []
    # A budget over many runs is raised where it was set, not for one run.
    is_asked = state.plan.on_limit == "ask" and state.halted not in (PAUSED, *BUDGETS)
    return [AskHow() if is_asked else Stop(halt_reason(state))]


def _may_start(step: Step, at: int) -> bool:
    return step.status == "ready" or (step.status == "retrying" and step.due_at is not None and step.due_at <= at)


def seconds_left(state: RunState, at: int) -> float:
    """Until the limit of `seconds` is met, if a step keeps running."""
    return (state.ledger.limits.busy_us - state.busy_us(at)) / 1e6


def counted_limit(state: RunState, at: int) -> MeetLimit | None:
    """The limit of steps or seconds, when one more step would pass it."""
    ledger = state.ledger
    if ledger.steps + 1 > ledger.limits.steps:
        return MeetLimit("steps", ledger.steps, 1, ledger.limits.steps)
    busy = state.busy_us(at)
    if busy >= ledger.limits.busy_us:
        return MeetLimit("busy_us", busy, 0, ledger.limits.busy_us)
    return None


def is_held(state: RunState) -> bool:
    """Whether the steps that are left are set aside for runs that this one has started: one more waits until they have ended."""
    ledger = state.ledger
    return state.steps_aside > 0 and ledger.steps + state.steps_aside + 1 > ledger.limits.steps


def _loop_used_up(state: RunState) -> MeetLimit:
    frame = state.frames[state.used_up]
    return MeetLimit("max_visits", frame.visit, 1, frame.allowed, frame.key)


def _end(state: RunState) -> End:
    output: dict[str, Any] = {}
    for order in sorted(state.results):
        output |= state.results[order]
    if state.ended_badly:
        return End("failed", output, f"It ended at {state.ended_badly}, which counts as a failure.")
    if state.results:
        return End("succeeded", output, "")
    if state.may_open is not None:
        return End("succeeded", None, f"It did not reach {_tried(state)}; it left by {state.left_by or 'no port'}.")
    return End("succeeded", None, f"It reached no end; it left by {state.left_by}." if state.left_by else "It reached no end.")


def _end_trial(state: RunState) -> End:
    end = _end(state)
    if state.results:
        return end
    return End("succeeded", None, f"It ended behind {_tried(state)}, as asked.")


def _tried(state: RunState) -> str:
    return named(state.plan.nodes[state.trial.node]) if state.trial else ""


def failure_reason(state: RunState) -> str:
    """Why the run failed, in one sentence."""
    failure = state.failure or {}
    if failure.get("code") == LoopBothWays.code:
        # No step has failed, so nothing else would tell the code.
        return f"{failure.get('path', '')}: {failure.get('message', '')} ({LoopBothWays.code})"
    return f"{failure.get('path', '')}: {failure.get('message', '')}".strip(": ")


def halt_reason(state: RunState) -> str:
    """Which limit stopped the run and what would move it on."""
    if state.halted == PAUSED:
        return f"{state.paused_by} Resume it to go on."
    if state.halted in BUDGETS:
        used, needed, allowed = (told("cost_micro", amount) for amount in state.met)
        whose = BUDGETS[state.halted]
        return f"The budget of {whose} is used up: {used} of {allowed}, and the next step may need {needed}. Raise it, or resume later."
    limits, ledger = state.ledger.limits, state.ledger
    if state.halted == "max_visits":
        return f"The loop {state.used_up} has used up its visits. Resume to allow as many again, or draw on_exhausted."
    name = {"cost_micro": "cost_usd", "busy_us": "seconds"}.get(state.halted, state.halted)
    used = state.busy_us(state.at) if state.halted == "busy_us" else getattr(ledger, state.halted)
    allowed = told(state.halted, getattr(limits, state.halted))
    return f"The limit {name} is reached: {told(state.halted, used)} of {allowed} used, and the next step needs more. Raise it and resume."


def run_status(state: RunState) -> str:
    """queued running waiting stopped succeeded failed cancelled, as the API tells it."""
    if state.status == "running" and state.asked:
        return "waiting"
    if state.status != "running":
        return "running" if state.status == "cancelling" else state.status
    if state.running or state.ended or state.full or (any(step.status == "ready" for step in state.steps.values()) and not is_held(state)):
        return "running"
    return "waiting" if state.steps else "running"
