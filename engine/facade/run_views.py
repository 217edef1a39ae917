"""Runs, steps and events as the API shows them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import quote

import msgspec

from engine.clock import iso
from engine.facade.views import EventView, RunView, StepView, TryView
from engine.graph.plan import Limits, Plan
from engine.insight.timeline import StepRecord, kind_and_title, plan_or_none
from engine.jsonvalue import dumps
from engine.run import events
from engine.run.budget import limits_as_json, spent_as_json
from engine.storage.journal import Row
from engine.storage.journal_reader import StoredRun

BODY_BYTES = 8 * 1024
_BODIES = frozenset({"inputs", "outputs", "output", "card", "error", "note", "pins"})
"""What an event may hold much of."""


def run_row(stored: StoredRun, bounds: list[events.Event]) -> RunView:
    """A run in a list: bodies over 8 kB by reference."""
    view = run_view(stored, bounds)
    address = f"/api/v1/runs/{stored.run_id}"
    view.inputs, view.output = _by_reference(view.inputs, address, "inputs"), _by_reference(view.output, address, "output")
    return view


def run_view(stored: StoredRun, bounds: list[events.Event]) -> RunView:
    """`bounds` are the events that started, resumed and ended it, in order; without them inputs, output and limits are left out."""
    view = RunView(
        id=stored.run_id,
        workflow=stored.workflow_id,
        workflow_name=stored.workflow_name,
        version=stored.version,
        mode=stored.mode,
        status=stored.status,
        reason=stored.reason,
        spent=spent_as_json(stored),
        started_by=stored.started_by,
        started_at=iso(stored.started_at),
        ended_at=iso(stored.ended_at),
    )
    limits: dict[str, int] = {}
    for event in bounds:
        match event:
            case events.RunStarted():
                view.inputs, limits = event.inputs, dict(event.limits)
                view.effects, view.tried = event.effects, _tried(event.trial)
                view.parent, view.parent_path = event.parent or None, event.parent_path or None
            case events.RunForked():
                view.inputs, limits, view.output = {**(view.inputs or {}), **event.inputs}, dict(event.limits), None
                view.parent, view.parent_path = None, None
                view.effects, view.fork_of, view.forked_at = event.effects, event.origin, event.at_step
            case events.RunResumed():
                limits |= event.limits
                view.output = None
            case events.RunEnded():
                view.output = event.output
            case _:
                continue
    view.limits = limits_as_json(Limits(**limits)) if limits else None
    return view


def _tried(trial: events.Trial | None) -> TryView | None:
    return TryView(what=trial.what, node=trial.node, base=trial.base or None) if trial else None


def step_views(
    steps: Iterable[StepRecord], *, run_id: str, plan_of: Callable[[str], Plan], doc_hash: str, is_whole: bool
) -> list[StepView]:
    """Steps of a run; unless `is_whole`, of bodies over 8 kB `{$ref, field, bytes}`: the address that has them in that field."""
    plan = plan_or_none(plan_of, doc_hash)
    views = []

    def told(step: StepRecord, field: str) -> Any:
        address = f"/api/v1/runs/{run_id}/steps/{quote(step.path)}"
        return getattr(step, field) if is_whole else _by_reference(getattr(step, field), address, field)

    for step in steps:
        kind, title = kind_and_title(plan, step.node)
        views.append(
            StepView(
                path=step.path,
                node=step.node,
                kind=kind,
                title=title,
                parent=step.parent,
                status=step.status,
                attempt=step.attempt,
                started_at=iso(step.started_at),
                ended_at=iso(step.ended_at),
                spent=step.spent or spent_as_json(None),
                inputs=told(step, "inputs"),
                outputs=told(step, "outputs"),
                error=told(step, "error"),
                port=step.port,
                note=told(step, "note"),
                pinned=step.is_pinned,
                simulated=step.is_simulated,
                reused=step.reused or None,
                labels=list(step.labels),
            )
        )
    return views


def _by_reference(body: Any, address: str, name: str) -> Any:
    if body is None or not body:
        return body
    size = len(dumps(body))
    return body if size <= BODY_BYTES else {"$ref": address, "field": name, "bytes": size}


def event_view(row: Row, event: events.Event, *, address: str | None) -> EventView:
    """One journal row; with an `address`, the one that has it whole, bodies over 8 kB stand there only."""
    data = msgspec.to_builtins(event)
    data.pop("type", None)
    if address is not None:
        for name in _BODIES & data.keys():
            data[name] = _by_reference(data[name], address, f"data.{name}")
    return EventView(seq=row.seq, type=row.kind, at=iso(row.at), path=row.path, attempt=row.attempt, data=data)


def event_json(row: Row, event_of: Callable[[Row], events.Event], *, address: str | None) -> bytes:
    """The same as JSON. A row without large values is told as it stands: a run of 10,000 steps is read in one go by every visitor."""
    tag = b'{"type":"%b"' % row.kind.encode()
    is_small = len(row.payload) <= BODY_BYTES and b'"blobs"' not in row.payload
    if not is_small or not row.payload.startswith(tag):
        return event_view(row, event_of(row), address=address).model_dump_json().encode()
    rest = row.payload[len(tag) :].removeprefix(b",")
    head = f'{{"seq":{row.seq},"type":"{row.kind}","at":"{iso(row.at)}","path":{dumps(row.path).decode()},"attempt":{row.attempt},"data":{{'
    return head.encode() + rest + b"}"
