"""The live state of one run and `apply`, the one function that changes it. Pure: no I/O, clock or randomness.

The state holds the frontier (steps that are ready, running or waiting) and the latest outputs, never history, so a step
costs the same whether it is the tenth or the ten-thousandth. How edges settle and loops turn is in `run/routing.py`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from engine.errors import Bug
from engine.graph.plan import ROOT, Limits, Plan, PlannedNode
from engine.jsonvalue import dumps
from engine.run import children, events, forking, guarded, halts, labels, parked
from engine.run.budget import Ledger
from engine.run.events import NOTHING, Spent, Start, Trial
from engine.run.frontier import Box, Consent, Frame, Item, StandIn, Step
from engine.run.paths import node_of
from engine.run.routing import Router, leaving_port, port_without_decision
from engine.run.trial import may_open

ENDED = frozenset({"succeeded", "failed", "cancelled"})


@dataclass(slots=True)
class RunState:
    """Everything about a run that deciding its next step needs."""

    plan: Plan
    run_id: str
    ledger: Ledger
    status: str = "running"
    reason: str = ""
    seq: int = 0
    inputs: dict[str, Any] = field(default_factory=dict)
    started_at: int = 0
    ended_at: int = 0
    """0 while it is not over."""
    started_by: str = ""
    mode: str = "live"
    effects: str = "real"
    trial: Trial | None = None
    pins: dict[str, Any] = field(default_factory=dict)
    """Node -> `{port, outputs}` that stand in for running it."""
    may_open: frozenset[str] | None = None
    """The nodes that a try-out may start; None: all."""
    is_tried: bool = False
    """The step that a try-out ends with has ended: nothing new starts."""
    frames: dict[str, Frame] = field(default_factory=dict)
    steps: dict[str, Step] = field(default_factory=dict)
    outputs: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Node -> its latest outputs; those of a body are kept by its item."""
    consents: dict[str, Consent] = field(default_factory=dict)
    """Action node -> its consent; those of a body are kept by its item."""
    items: dict[str, Item] = field(default_factory=dict)
    """Items that are being worked on."""
    ended: dict[str, None] = field(default_factory=dict)
    """Keys of items in which nothing is alive any more, in the order in which they ended."""
    full: dict[str, None] = field(default_factory=dict)
    """Paths of open boxes that have nothing left to do."""
    running: int = 0
    busy_since: int = 0
    at: int = 0
    """When the last event happened, microseconds."""
    results: dict[int, dict[str, Any]] = field(default_factory=dict)
    """Document order of an `end` -> its output."""
    ended_badly: str = ""
    """Id of an `end` with outcome failure that was reached."""
    left_by: str = ""
    """The last taken port that leads nowhere."""
    failure: dict[str, Any] | None = None
    halted: str = ""
    """Why nothing new starts (a limit that was met, or `paused`); empty while the run moves."""
    paused_by: str = ""
    met: tuple[int, int, int] = (0, 0, 0)
    """Of the limit that was met last: used, needed, allowed."""
    is_stopped: bool = False
    asked: str = ""
    """Id of the inbox item that asks how to go on in spite of the limit."""
    asked_digest: str = ""
    asks: int = 0
    """How often that was asked."""
    model: str = ""
    """What every step asks in place of its own model; empty: its own."""
    cancelled_now: list[str] = field(default_factory=list)
    """Steps given up by the event that was applied last."""
    skipped_now: list[str] = field(default_factory=list)
    charged_now: list[tuple[str | None, int]] = field(default_factory=list)
    """(agent, micro-USD) that the event which was applied last has charged; 0 where money was set aside for nothing."""
    leaving: dict[str, Step] = field(default_factory=dict)
    """Run that nobody waits for any more -> the step that had started it: its part of the limits stays set aside until it has ended."""
    steps_aside: int = 0
    """Steps that are set aside for runs that this one has started."""
    orphans: list[str] = field(default_factory=list)
    """Runs that nobody waits for since the event that was applied last."""
    parent: str = ""
    """The run that has started this one, by the step at `parent_path`."""
    parent_path: str = ""
    parent_attempt: int = 0
    depth: int = 0
    used_up: str = ""
    """Path of a loop that has no visit left and no way out."""
    labels: tuple[str, ...] = ()
    """What is to be known of anything that the run has seen: `private`, `external`."""
    marks: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """Node -> labels of its latest outputs, where it has any; under an empty name those of the inputs."""

    def busy_us(self, at: int) -> int:
        """Wall time so far with at least one step running."""
        return self.ledger.busy_us + (at - self.busy_since if self.running else 0)

    def break_off(self, error: dict[str, Any]) -> None:
        """The run fails: nothing new starts, what waits is given up and would be asked anew."""
        self.failure = self.failure or error
        self._give_up_waits()

    def end_trial(self, step: Step) -> None:
        """The step that was tried has ended: nothing new starts, and nobody needs to answer any more."""
        self.is_tried = True
        self.frames[step.frame].live -= 1
        self._give_up_waits()

    def _give_up_waits(self) -> None:
        for step in self.steps.values():
            # An action that waits for its second consent waits for the approval that is asked again.
            if step.child is not None:
                children.give_up(self, step)
                self.cancelled_now.append(step.path)
                step.rest()
            elif step.status in ("retrying", "asleep", "postponed") or (step.status == "waiting" and step.item):
                self.cancelled_now.append(step.path)
                step.rest()

    def ends_with(self, node: PlannedNode) -> bool:
        """Whether a try-out is over when this node has ended."""
        return self.trial is not None and self.trial.what != "from" and self.trial.node == node.id

    def stand_in(self, node: PlannedNode) -> StandIn:
        """What stands in for executing the node in a test run; the step that is tried is executed even where it is pinned."""
        if self.mode != "test":
            return ""
        if node.id in self.pins and not (self.trial and self.trial.node == node.id):
            return "pinned"
        kind: Any = node.kind
        return "simulated" if self.effects == "simulated" and kind.touches_world(node.config) else ""

    def cancel_step(self, path: str) -> None:
        """A step is given up; what a call in flight has cost is not known, so its reservation stays charged."""
        step = self.steps.pop(path)
        self.full.pop(path, None)
        if step.status == "running":
            self.settle(step, step.reserved)
        elif step.child is not None:
            children.give_up(self, step)
        self.cancelled_now.append(path)

    def settle(self, step: Step, spent: Spent) -> None:
        """A running step runs no longer."""
        self.ledger.release(step.reserved)
        self.ledger.charge(spent)
        if spent.cost_micro or step.reserved.cost_micro:
            self.charged_now.append((step.node.agent, spent.cost_micro))
        # Who gives nothing back wakes nobody: two that wait for room would else wake each other for ever.
        if step.reserved != NOTHING:
            step.reserved = NOTHING
            children.wake_postponed(self)
        self.running -= 1
        if not self.running:
            self.ledger.busy_us += self.at - self.busy_since

    def visible(self, within: str) -> dict[str, dict[str, Any]]:
        """Node -> outputs, as they are seen from inside an item: its own, then those around it."""
        item = self.items.get(within)
        return self.outputs if item is None else {**self.visible(item.around), **item.outputs}

    def consents_in(self, within: str) -> dict[str, Consent]:
        """Action node -> its consent, in an item or at the top; none where the item has been given up."""
        if not within:
            return self.consents
        item = self.items.get(within)
        return {} if item is None else item.consents

    def keep(self, step: Step, outputs: dict[str, Any], marks: tuple[str, ...]) -> None:
        """The latest outputs of a node and their labels; nobody needs those of an item that has been given up."""
        labels.note(self, step.node.id, step.within, marks)
        if not step.within:
            self.outputs[step.node.id] = outputs
        elif (item := self.items.get(step.within)) is not None:
            item.outputs[step.node.id] = outputs
            kind: Any = step.node.kind
            if kind.is_remembered:
                item.history.append({"node": step.node.id.rsplit(".", 1)[-1], **outputs})

    def action_of(self, approval: Step) -> Step:
        """The action whose consent this approval asks for a second time."""
        return next(s for s in self.steps.values() if s.node.id == approval.void_for and s.within == approval.within)


def new_state(plan: Plan, run_id: str) -> RunState:
    """A run before its first event."""
    return RunState(plan, run_id, Ledger(plan.limits))


def apply(state: RunState, event: events.Event, *, at: int, path: str = "", attempt: int = 0) -> None:
    """Changes the state by one event, without its `starts`: `begin` does those. `at` in microseconds."""
    state.cancelled_now.clear()
    state.skipped_now.clear()
    state.orphans.clear()
    state.charged_now.clear()
    now = at
    if type(event) is events.RunRecovered:
        # What happened between the last row and the crash is not known: the clock of `seconds` stops at that row.
        at = state.at
    state.at = at
    _HANDLERS[type(event)](state, event, at, path, attempt)
    if now != at and state.running:
        # Steps of which it is asked whether they happened run on, and the time in which nobody ran them does not count.
        state.ledger.busy_us, state.busy_since = state.busy_us(at), now
    state.seq += 1


def begin(state: RunState, start: Start, *, at: int) -> Step:
    """A ready step starts: it counts as executed, its reservation is set aside, the clock of `seconds` runs."""
    step = state.steps[start.path]
    step.status, step.attempt, step.started_at, step.reserved = "running", start.attempt, at, start.reserved
    step.due_at, step.stand_in = None, state.stand_in(step.node)
    kind: Any = step.node.kind
    state.ledger.steps += kind.counts
    state.ledger.reserve(start.reserved)
    if not state.running:
        state.busy_since = at
    state.running += 1
    return step


def fold(state: RunState, event: events.Event, *, at: int, path: str, attempt: int) -> None:
    """Replays one journal row: no code of a node runs, no condition is worked out again."""
    apply(state, event, at=at, path=path, attempt=attempt)
    for start in event.starts:
        begin(state, start, at=at)


def _on_started(state: RunState, event: events.RunStarted, at: int, _path: str, _attempt: int) -> None:
    state.inputs, state.started_at, state.started_by, state.mode = event.inputs, at, event.by, event.mode
    state.ledger.limits = Limits(**event.limits)
    state.frames[""] = Frame(key="", region=ROOT, parent="", owner="")
    labels.note_inputs(state, event.labels)
    state.effects, state.trial, state.pins = event.effects, event.trial, event.pins
    state.parent, state.parent_path, state.parent_attempt, state.depth = event.parent, event.parent_path, event.parent_attempt, event.depth
    state.may_open = may_open(state.plan, event.trial)
    if event.trial is not None and event.trial.what == "only":
        state.outputs[state.plan.start] = dict(event.inputs)
        Router(state).stand(event.trial.path, state.plan.nodes[event.trial.node])
        return
    Router(state).activate(state.frames[""], state.plan.start)


def _on_done(state: RunState, event: events.StepDone, at: int, path: str, attempt: int) -> None:
    if (event.reused or event.pinned) and path not in state.steps:
        # A value that the one step of a try-out reads; nothing follows from it.
        state.outputs[node_of(path)] = event.outputs
        labels.note(state, node_of(path), "", event.labels)
        return
    step = state.steps.pop(path)
    if step.status == "running":
        state.settle(step, event.spent)
    state.full.pop(path, None)
    node = step.node
    state.keep(step, event.outputs, event.labels)
    parked.note_consent(state, step, event, attempt)
    if node.kind.kind == "end":
        state.results[node.order] = event.outputs
        if getattr(node.config, "outcome", "success") == "failure":
            state.ended_badly = node.id
    if step.is_given_up:
        return
    if step.void_for:
        parked.consent_again(state, step, event)
        return
    if state.ends_with(node):
        state.left_by = f"{node.id}.{event.port}" if event.port else ""
        state.end_trial(step)
        return
    Router(state).leave(step.frame, node, event.port)


def _on_failed(state: RunState, event: events.StepFailed, at: int, path: str, _attempt: int) -> None:
    step = state.steps[path]
    if step.status == "running":
        state.settle(step, event.spent)
    if event.retry_at is not None:
        step.status, step.due_at = "retrying", event.retry_at
        if state.failure is not None:
            # Nothing new starts, and no timer outlives the run; when it is resumed the step starts at once.
            step.rest()
        return
    del state.steps[path]
    # The words of an error come from whatever was reached, and go wherever it is told.
    labels.note(state, step.node.id, step.within, event.labels)
    if step.is_given_up:
        return
    if event.goes_on is None:
        _fail(state, step, event.error)
        return
    if step.box is not None:
        state.full.pop(path, None)
        Router(state).empty(step)
    if event.goes_on == "around":
        _end_around(state, event.ends, {**event.error, "path": event.error.get("path", path)})
        return
    _go_on(state, step, event)


def _go_on(state: RunState, step: Step, event: events.StepFailed) -> None:
    how = event.goes_on
    outputs = dict(step.node.default_output) if how == "default" else {}
    state.keep(step, outputs | {"error": event.error}, event.labels)
    state.consents_in(step.within).pop(step.node.id, None)
    if state.ends_with(step.node):
        state.end_trial(step)
        return
    port = leaving_port(state, step.frame, step.node, "error" if how == "port" else port_without_decision(step.node))
    Router(state).leave(step.frame, step.node, port)


def _end_around(state: RunState, path: str, error: dict[str, Any]) -> None:
    """The item, or the whole box, at `path` ends with an error of something inside it."""
    if (item := state.items.get(path)) is not None:
        item.error = error
        Router(state).clear(item.key)
    elif (step := state.steps.get(path)) is not None and step.box is not None:
        step.box.failure = error
        Router(state).empty(step)
        state.full[path] = None


def _fail(state: RunState, step: Step, error: dict[str, Any]) -> None:
    # What failed and what waited stays in the state as it is, so that a resumed run goes on from here.
    step.status = "failed"
    state.steps[step.path] = step
    state.break_off({**error, "path": step.path})


def _on_box_opened(state: RunState, event: events.BoxOpened, _at: int, path: str, _attempt: int) -> None:
    step = state.steps[path]
    state.settle(step, NOTHING)
    # A list of its own: places are emptied as items end, while the event is still on its way into the journal.
    items = list(event.inputs["items"])
    step.status, step.box = "open", Box(items, [None] * len(items))
    Router(state).open_items(step)


def _on_item_ended(state: RunState, event: events.ItemEnded, _at: int, path: str, _attempt: int) -> None:
    item = state.items[path]
    step = state.steps[item.box]
    if step.box is None:
        raise Bug(f"{item.box} is no open box.")
    if event.error is not None:
        step.box.errors[item.index] = event.error
    else:
        step.box.results[item.index] = dumps(event.outputs["result"])
    step.box.items[item.index] = None
    Router(state).leave_item(step, item)


def _on_steps_started(_state: RunState, _event: events.StepsStarted, _at: int, _path: str, _attempt: int) -> None:
    """All of it is in `starts`."""


_HANDLERS: dict[type, Any] = {
    events.RunStarted: _on_started,
    events.RunForked: forking.on_forked,
    events.ChildStarted: children.on_started,
    events.ChildReturned: children.on_returned,
    events.ChildPostponed: children.on_postponed,
    events.StepDone: _on_done,
    events.StepFailed: _on_failed,
    events.BoxOpened: _on_box_opened,
    events.ItemEnded: _on_item_ended,
    events.StepWaiting: parked.on_waiting,
    events.StepPaused: parked.on_paused,
    events.StepGuarded: guarded.on_guarded,
    events.GuardAnswered: guarded.on_answered,
    events.StepInDoubt: parked.on_in_doubt,
    events.DoubtResolved: parked.on_doubt_resolved,
    events.Voted: parked.on_vote,
    events.ConsentVoid: parked.on_consent_void,
    events.StepsStarted: _on_steps_started,
    events.LimitMet: halts.on_limit,
    events.LimitAsked: halts.on_asked,
    events.RunPaused: halts.on_paused,
    events.RunStopped: halts.on_stopped,
    events.RunResumed: halts.on_resumed,
    events.RunRecovered: halts.on_recovered,
    events.RunCancelled: halts.on_cancelled,
    events.RunEnded: halts.on_ended,
}
