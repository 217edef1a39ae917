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
from engine.insight.staleness import Draft, draft_of, stale_reason
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
        marks = sorted(self._earlier.ended_steps(runs.values()), key=lambda mark: (mark.at, mark.seq), reverse=True)
        by_path: dict[tuple[str, str], list[Mark]] = {}
        for mark in marks:
            by_path.setdefault((mark.run_id, mark.path), []).append(mark)
        items: dict[str, LastStep] = {}
        for (run_id, path), attempts in by_path.items():
            if node_of(path) in draft.nodes and node_of(path) not in items:
                step = self._last_step(runs[run_id], path, attempts, draft, pins)
                if step is not None:
                    items[step.node] = step
        return Page(items=[items[node] for node in draft.nodes if node in items])

    def _last_step(self, run: StoredRun, path: str, attempts: list[Mark], draft: Draft, pins: Mapping[str, Any]) -> LastStep | None:
        read = self._earlier.read(run.run_id, attempts)
        last, node = read[attempts[0].seq], node_of(path)
        if isinstance(last, events.StepFailed) and last.retry_at is not None:
            # It is tried again: it has not ended yet.
            return None
        done = last if isinstance(last, events.StepDone) else events.StepDone()
        reason = self._pin_reason(done, pins.get(node)) if done.pinned else self._stale(done.reused or run.run_id, run, node, draft)
        return LastStep(
            node=node,
            path=path,
            run_id=run.run_id,
            mode=run.mode,
            version=run.version,
            status="done" if last is done else "failed",
            port=done.port,
            attempt=attempts[0].attempt,
            started_at=iso(last.started_at or attempts[0].at),
            ended_at=iso(attempts[0].at),
            spent=_spent(attempts, read),
            pinned=done.pinned,
            simulated=done.simulated,
            reused=done.reused or None,
            is_stale=reason is not None,
            stale_reason=reason,
        )

    def _pin_reason(self, done: events.StepDone, pinned: Any) -> str | None:
        if pinned is None:
            return "Its output was pinned then, and is not any more."
        return None if pinned == done.outputs else "Another output is pinned now."

    def _stale(self, origin: str, run: StoredRun, node: str, draft: Draft) -> str | None:
        made_by = run if origin == run.run_id else self._core.reader.run(origin)
        body = self._core.reader.document(made_by.doc_hash) if made_by else None
        if body is None or made_by is None:
            return "The run that it comes from cannot be read any more."
        return stale_reason(node, draft=draft, then=self._draft(body, known=made_by.doc_hash))

    def _draft(self, body: str, *, known: str | None = None) -> Draft:
        """The document as far as staleness goes; working out what it reads takes up to a second, so it is kept."""
        # Documents are kept in their canonical spelling.
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


def _spent(attempts: list[Mark], read: Mapping[int, Any]) -> dict[str, float | int]:
    total: dict[str, float | int] = dict(spent_as_json(None))
    for mark in attempts:
        if not mark.attempt:
            continue
        event = read[mark.seq]
        used = spent_as_json(event.spent) | {"steps": 1, "seconds": max(0, mark.at - (event.started_at or mark.at)) / 1e6}
        total = {name: total[name] + amount for name, amount in used.items()}
    return total
