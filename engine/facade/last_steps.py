"""What every step of a draft did when it last ran, and whether that is still what it would do."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Mapping
from threading import Lock
from typing import Any

from engine.clock import iso
from engine.errors import SignalboxError
from engine.facade.core import Core
from engine.facade.earlier import EarlierRuns
from engine.facade.finding import find
from engine.facade.pins import pins_of
from engine.facade.views import LastStep, Page
from engine.graph.validate import check
from engine.insight.staleness import Draft, draft_of, stale_reasons
from engine.jsonvalue import loads
from engine.people.permissions import Actor, Permission, require
from engine.run import events
from engine.run.budget import spent_as_json
from engine.run.paths import node_of
from engine.storage.journal_reader import Mark, StoredRun

DRAFTS_KEPT = 50


class LastSteps:
    """Every call takes the actor first and checks its permission."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._earlier = EarlierRuns(core.reader)
        self._drafts: OrderedDict[str, Draft] = OrderedDict()
        self._lock = Lock()

    async def list(self, actor: Actor, workflow: str) -> Page[LastStep]:
        """One item for every step of the draft that has ended in one of the latest runs (25 test runs and 25 live ones)."""
        require(actor, Permission.RUN_READ)
        return await self._core.in_thread(lambda: self._list(actor, workflow))

    def _list(self, actor: Actor, workflow: str) -> Page[LastStep]:
        with self._core.records.reading() as session:
            found = find(session, actor, workflow)
            pins = {pin.node: loads(pin.outputs) for pin in pins_of(session, found.id)}
        draft = self._draft(found.document)
        runs = {run.run_id: run for run in self._earlier.latest(found.id)}
        compared = _Compared(self, draft, pins)
        items: dict[str, LastStep] = {}
        waiting = self._ends(draft, list(runs.values()))
        while waiting:
            # One reading for all nodes; only those whose latest attempt is tried again need a second look.
            read = self._read([ends[0] for ends in waiting.values()])
            for node, (attempts, *_) in waiting.items():
                events_of = [read[mark.run_id, mark.seq] for mark in attempts]
                if not _is_tried_again(events_of[0]):
                    items[node] = _last_step(runs[attempts[0].run_id], attempts, events_of, compared)
            waiting = {node: ends[1:] for node, ends in waiting.items() if node not in items and len(ends) > 1}
        return Page(items=[items[node] for node in draft.nodes if node in items])

    def _ends(self, draft: Draft, runs: list[StoredRun]) -> dict[str, list[list[Mark]]]:
        """Node -> its steps in these runs, the latest first, each with its attempts."""
        found: dict[str, dict[tuple[str, str], list[Mark]]] = {}
        for mark in sorted(self._earlier.ended_steps(runs), key=lambda mark: (mark.at, mark.seq), reverse=True):
            if (node := node_of(mark.path)) in draft.nodes:
                found.setdefault(node, {}).setdefault((mark.run_id, mark.path), []).append(mark)
        return {node: list(steps.values()) for node, steps in found.items()}

    def _read(self, steps: list[list[Mark]]) -> dict[tuple[str, int], Any]:
        by_run: dict[str, list[Mark]] = {}
        for mark in (mark for attempts in steps for mark in attempts):
            by_run.setdefault(mark.run_id, []).append(mark)
        return {(run_id, seq): event for run_id, marks in by_run.items() for seq, event in self._earlier.read(run_id, marks).items()}

    def document_of(self, run_id: str) -> tuple[str, Draft] | None:
        """Hash of the document that a run has executed, and what of it matters; None when it cannot be read any more."""
        run = self._core.reader.run(run_id)
        body = self._core.reader.document(run.doc_hash) if run else None
        return (run.doc_hash, self._draft(body, known=run.doc_hash)) if run and body is not None else None

    def _draft(self, body: str, *, known: str | None = None) -> Draft:
        """The document as far as staleness goes; working out what it reads takes up to a second, so it is kept."""
        # A draft in another order of keys is kept once more; that costs memory, never a wrong answer.
        key = known or hashlib.sha256(body.encode()).hexdigest()
        with self._lock:
            if (kept := self._drafts.get(key)) is not None:
                self._drafts.move_to_end(key)
                return kept
        document = loads(body)
        draft = draft_of(document, self._reads(document))
        with self._lock:
            self._drafts[key] = draft
            while len(self._drafts) > DRAFTS_KEPT:
                self._drafts.popitem(last=False)
        return draft

    def _reads(self, document: Any) -> Mapping[str, Any]:
        try:
            return check(document, self._core.registry).reads
        except SignalboxError:
            # An old document that this version cannot read: what it says can still be compared.
            return {}


class _Compared:
    """Tells what is stale in one draft; every run and every document is compared once."""

    def __init__(self, last_steps: LastSteps, draft: Draft, pins: Mapping[str, Any]) -> None:
        self._last_steps, self._draft, self._pins = last_steps, draft, pins
        self._by_run: dict[str, Mapping[str, str] | None] = {}
        self._by_document: dict[str, Mapping[str, str]] = {}

    def reason(self, node: str, run_id: str, done: events.StepDone | None) -> str | None:
        """Why the result of a step is not what it would give now."""
        if done is not None and done.pinned:
            return self._of_pin(node, done)
        origin = done.reused or run_id if done is not None else run_id
        if origin not in self._by_run:
            self._by_run[origin] = self._reasons(origin)
        reasons = self._by_run[origin]
        return "The run that it comes from cannot be read any more." if reasons is None else reasons.get(node)

    def _of_pin(self, node: str, done: events.StepDone) -> str | None:
        if node not in self._pins:
            return "Its output was pinned then, and is not any more."
        return None if self._pins[node] == done.outputs else "Another output is pinned now."

    def _reasons(self, run_id: str) -> Mapping[str, str] | None:
        found = self._last_steps.document_of(run_id)
        if found is None:
            return None
        hash_, then = found
        if hash_ not in self._by_document:
            self._by_document[hash_] = stale_reasons(self._draft, then)
        return self._by_document[hash_]


def _is_tried_again(event: Any) -> bool:
    return isinstance(event, events.StepFailed) and event.retry_at is not None


def _last_step(run: StoredRun, attempts: list[Mark], ends: list[Any], compared: _Compared) -> LastStep:
    mark, last = attempts[0], ends[0]
    done = last if isinstance(last, events.StepDone) else None
    reason = compared.reason(node_of(mark.path), run.run_id, done)
    return LastStep(
        node=node_of(mark.path),
        path=mark.path,
        run_id=run.run_id,
        mode=run.mode,
        version=run.version,
        status="done" if done else "failed",
        port=done.port if done else None,
        attempt=mark.attempt,
        started_at=iso(last.started_at or mark.at),
        ended_at=iso(mark.at),
        spent=_spent(attempts, ends),
        pinned=done is not None and done.pinned,
        simulated=done is not None and done.simulated,
        reused=(done.reused or None) if done else None,
        is_stale=reason is not None,
        stale_reason=reason,
    )


def _spent(attempts: list[Mark], ends: list[Any]) -> dict[str, float | int]:
    total: dict[str, float | int] = dict(spent_as_json(None))
    for mark, event in zip(attempts, ends, strict=True):
        if mark.attempt:
            used = spent_as_json(event.spent) | {"steps": 1, "seconds": max(0, mark.at - (event.started_at or mark.at)) / 1e6}
            total = {name: total[name] + amount for name, amount in used.items()}
    return total
