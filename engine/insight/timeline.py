"""The steps of a run, folded from its journal rows alone."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from engine.clock import iso
from engine.errors import SignalboxError
from engine.graph.plan import Plan
from engine.run import events
from engine.run.budget import spent_as_json
from engine.run.paths import node_of, parent_of
from engine.storage.journal import Row


@dataclass(slots=True)
class StepRecord:
    """What the journal tells of one step, its latest attempt; times in microseconds."""

    path: str
    node: str
    parent: str | None
    status: str
    attempt: int
    started_at: int | None
    ended_at: int | None = None
    spent: dict[str, Any] = field(default_factory=dict)
    inputs: Any = None
    outputs: Any = None
    error: Any = None
    port: str | None = None
    note: Any = None
    is_pinned: bool = False
    is_simulated: bool = False
    reused: str = ""
    """The run that its outputs come from, where it was not executed in this one."""
    labels: tuple[str, ...] = ()
    goes_on: str | None = None
    """How the run went on behind a step that failed: `port` or `default`."""


def box_of(item: str) -> str:
    """Path of the box whose item this is: `draft#2/each` of `draft#2/each[7]`."""
    return item.rsplit("[", 1)[0]


def steps_of(rows: Iterable[tuple[Row, events.Event]]) -> list[StepRecord]:
    """The steps in the order in which they first started."""
    steps: dict[str, StepRecord] = {}
    for row, event in rows:
        fold_row(steps, row, event)
    return list(steps.values())


def fold_row(steps: dict[str, StepRecord], row: Row, event: events.Event) -> None:
    """What one more row tells; `steps` are those of the rows before it, by their paths."""
    if isinstance(event, events.StepFailed) and row.path not in steps:
        # An action that was refused before it started.
        steps[row.path] = StepRecord(row.path, node_of(row.path), parent_of(row.path), "failed", row.attempt, None)
    if isinstance(event, events.StepGuarded) and row.path not in steps:
        # A person looks before it starts.
        steps[row.path] = StepRecord(row.path, node_of(row.path), parent_of(row.path), "waiting", row.attempt, None)
    if isinstance(event, events.StepDone) and row.path not in steps:
        # Taken over, or a value that a try-out reads: it never started in this run.
        steps[row.path] = StepRecord(row.path, node_of(row.path), parent_of(row.path), "done", row.attempt, row.at)
    _fold(steps, row, event)
    _fold_wait(steps, row, event)
    _fold_box(steps, row, event)
    for path in event.skipped:
        steps[path] = StepRecord(path, node_of(path), parent_of(path), "skipped", 0, None)
    for path in event.cancelled:
        if path in steps and steps[path].status in ("running", "waiting", "ready"):
            steps[path].status, steps[path].ended_at = "cancelled", row.at
    for start in event.starts:
        known = steps.get(start.path)
        record = StepRecord(start.path, node_of(start.path), parent_of(start.path), "running", start.attempt, row.at)
        if known is not None:
            # Its place in the order and what earlier attempts have cost stay.
            record.spent = known.spent
        steps[start.path] = record


def _fold(steps: dict[str, StepRecord], row: Row, event: events.Event) -> None:
    record = steps.get(row.path)
    match event:
        case events.StepDone() if record:
            record.status, record.ended_at, record.outputs, record.port = "done", row.at, event.outputs, event.port
            record.inputs, record.note = event.inputs if event.inputs is not None else record.inputs, event.note or record.note
            record.is_pinned, record.is_simulated, record.reused = event.pinned, event.simulated, event.reused
            record.labels = event.labels
            _charge(record, event.spent, row.at)
        case events.StepFailed() if record:
            record.status = "ready" if event.retry_at is not None else "failed"
            record.ended_at, record.error, record.goes_on = row.at, event.error, event.goes_on
            record.note, record.labels = event.note or record.note, event.labels
            record.inputs = event.inputs if event.inputs is not None else record.inputs
            _charge(record, event.spent, row.at)
        case events.LimitMet():
            for path in event.interrupted:
                steps[path].status, steps[path].ended_at = "ready", row.at
        case events.RunRecovered():
            for path in event.lost:
                steps[path].status, steps[path].ended_at = "ready", row.at
        case events.RunCancelled():
            for path in event.doubtful:
                steps[path].status, steps[path].ended_at = "in_doubt", row.at
        case events.RunEnded():
            for step in steps.values():
                if step.status in ("running", "waiting", "ready"):
                    step.status, step.ended_at = "cancelled", row.at
        case _:
            return


def _leave(steps: dict[str, StepRecord], origin: str) -> None:
    """What had ended by then is the other run's; what was under way starts anew in this one."""
    for path, step in list(steps.items()):
        if step.status == "done":
            step.reused, step.spent, step.attempt = step.reused or origin, {}, 0
        elif step.status != "skipped":
            del steps[path]


def _fold_wait(steps: dict[str, StepRecord], row: Row, event: events.Event) -> None:
    record = steps.get(row.path)
    match event:
        case events.StepWaiting() if record:
            record.status, record.inputs = "waiting", event.inputs
            record.note = {"item": event.item, "card": event.card, "digest": event.digest, "expires_at": event.expires_at}
        case events.StepGuarded() if record:
            record.status, record.inputs = "waiting", event.inputs
            record.note = {"item": event.item, "card": event.card, "digest": event.digest, "expires_at": None}
        case events.GuardAnswered() if record:
            record.status = "ready"
        case events.StepPaused() if record:
            record.status, record.inputs = "waiting", event.inputs
            record.note = {"until": iso(event.until), "event": event.event or None, "key": event.key or None}
        case events.ChildStarted() if record:
            record.inputs = event.inputs
            record.note = {
                "run": event.child.run,
                "workflow": event.child.workflow,
                "name": event.child.name,
                "version": event.child.version,
            }
        case events.ChildPostponed() if record:
            record.status = "ready"
        case events.ChildReturned() if record:
            _charge(record, event.spent, row.at)
        case events.StepInDoubt() if record:
            record.status, record.ended_at = "in_doubt", row.at
            record.note = {"item": event.item, "card": event.card, "digest": event.digest, "why": event.why}
            _charge(record, event.spent, row.at)
        case events.DoubtResolved() if record:
            record.status, record.ended_at = "ready", None
        case events.ConsentVoid() if record:
            record.status = "waiting"
        case events.RunForked():
            _leave(steps, event.origin)
        case _:
            return


def _fold_box(steps: dict[str, StepRecord], row: Row, event: events.Event) -> None:
    match event:
        case events.BoxOpened() if (box := steps.get(row.path)) is not None:
            box.inputs, box.note = event.inputs, {"items": len(event.inputs["items"]), "ended": 0, "failed": 0}
        case events.ItemEnded() if (box := steps.get(box_of(row.path))) is not None and box.note:
            box.note["ended"] += 1
            box.note["failed"] += event.error is not None
        case _:
            return


def _charge(record: StepRecord, spent: events.Spent, at: int) -> None:
    if not record.attempt:
        # It was not executed in this run.
        return
    used = spent_as_json(spent) | {"steps": 1, "seconds": max(0, at - (record.started_at or at)) / 1e6}
    record.spent = {name: record.spent.get(name, 0) + amount for name, amount in used.items()}


def kind_and_title(plan: Plan | None, node: str) -> tuple[str, str]:
    """A node's kind and title in the version that ran; empty when the version cannot be read."""
    planned = plan.nodes.get(node) if plan else None
    return (planned.kind.kind, planned.title) if planned else ("", "")


def plan_or_none(plan_of: Any, digest: str) -> Plan | None:
    """The plan, or None when this version of Signalbox cannot read the document any more: the timeline is shown all the same."""
    try:
        return plan_of(digest)
    except SignalboxError:
        return None
