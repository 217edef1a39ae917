"""Runs: started, looked at, watched, stopped and resumed."""

from __future__ import annotations

import asyncio
import re
from dataclasses import replace
from typing import Any

from sqlmodel import col, or_, select

from engine.clock import from_iso
from engine.errors import NotFound, WrongState
from engine.facade import cursors
from engine.facade.core import Core
from engine.facade.finding import find_even_deleted
from engine.facade.forks import Forks
from engine.facade.quick import too_large
from engine.facade.run_events import RunEvents
from engine.facade.run_views import run_row, run_view, step_views
from engine.facade.starting import Asked, Starting, field_problem, parsed_limits
from engine.facade.timelines import Timelines
from engine.facade.views import ForkBill, Page, RunStarted, RunView, StepView
from engine.people.permissions import Actor, Permission, require
from engine.run import codec, events
from engine.run.beginning import ForkSpec
from engine.run.children import waiting_for
from engine.run.happenings import Cancel, Pause, Resume
from engine.run.loading import read_run, whole_or_gone
from engine.storage.journal import Row
from engine.storage.journal_reader import StoredRun
from engine.storage.tables import Run

MODES = ("live", "test")
CANCEL_WAIT_S = 10.0
QUEUED = "It waits for money that is set aside for calls of other runs: it goes on when they have ended, or when a budget is raised."
STATUSES = ("queued", "running", "waiting", "paused", "stopped", "succeeded", "failed", "cancelled")


class Runs(RunEvents):
    """Every call takes the actor first and checks its permission."""

    def __init__(self, core: Core) -> None:
        super().__init__(core)
        self._starting = Starting(core)
        self._forks = Forks(core)
        self._timelines = Timelines(core.reader)

    async def start(
        self,
        actor: Actor,
        workflow: str,
        *,
        inputs: Any = None,
        version: int | None = None,
        limits: dict[str, Any] | None = None,
        mode: str = "live",
        effects: str | None = None,
        tried: dict[str, Any] | None = None,
        key: str | None = None,
    ) -> RunStarted:
        """Returns when the run is on disk. `key` makes a repeated call answer with the first run.

        `tried` is `{only | until | from: node, base?: run}`: what of the workflow a test run executes. NotPublished, InvalidInputs
        (problems name the fields), Invalid for limits, StepMissing for a value that a try-out lacks, WorkflowHasProblems for a bad draft.
        """
        asked = Asked(inputs, version, limits, mode, effects, tried)
        self._starting.allow(actor, asked)
        spec = await self._core.quick.read(lambda in_passing: self._starting.spec(actor, workflow, asked, key=key, in_passing=in_passing))
        run_id = spec.owner.run_id
        status = await self._core.executor.start(spec)
        if status is None:
            status = (await self._core.in_thread(lambda: self._stored(actor, run_id))).status
        return RunStarted(run_id=run_id, status=status)

    async def get(self, actor: Actor, run_id: str) -> RunView:
        """One run with its inputs, output, use and limits. NotFound."""
        require(actor, Permission.RUN_READ)
        return await self._core.quick.read(lambda in_passing: self._view(actor, run_id, in_passing))

    def _stored(self, actor: Actor, run_id: str) -> StoredRun:
        stored = self._core.reader.run(run_id)
        if stored is None or stored.workspace_id != actor.workspace_id:
            raise NotFound(f"There is no run {run_id[:80]}.")
        return self._as_it_stands(stored)

    def _as_it_stands(self, stored: StoredRun) -> StoredRun:
        executor = self._core.executor
        # The database refused to keep why it stands still, so the process that runs it tells.
        if (reason := executor.faults.get(stored.run_id)) is not None:
            return replace(stored, status="stopped", reason=reason)
        return replace(stored, reason=QUEUED) if executor.budgets.waits(stored.run_id) else stored

    def _view(self, actor: Actor, run_id: str, in_passing: bool) -> RunView:
        stored = self._stored(actor, run_id)
        with whole_or_gone(self._core.reader, run_id):
            return run_view(stored, self._decoded(self._core.reader.run_edges(stored), in_passing=in_passing))

    def _decoded(self, rows: list[Row], *, in_passing: bool) -> list[events.Event]:
        return [codec.from_row(row, too_large if in_passing else self._core.reader.blob) for row in rows]

    async def wait(self, actor: Actor, run_id: str, *, seconds: float) -> RunView | None:
        """The run once it has ended; None if it has not within `seconds`."""
        require(actor, Permission.RUN_READ)
        watcher = self._core.hub.watch(run_id, only_end=True)
        # A run that works here has not ended, and tells when it does: nothing needs to be read.
        works_here = self._core.executor.is_working(run_id, actor.workspace_id)
        try:
            async with asyncio.timeout(seconds):
                while True:
                    if works_here:
                        await watcher.wake.wait()
                    # Before looking: an end while we look wakes us once more.
                    watcher.wake.clear()
                    view = await self.get(actor, run_id)
                    if view.ended_at is not None:
                        return view
                    works_here = True
        except TimeoutError:
            return None
        finally:
            self._core.hub.leave(run_id, watcher)

    async def list(
        self,
        actor: Actor,
        *,
        status: str | None = None,
        mode: str | None = None,
        workflow: str | None = None,
        query: str | None = None,
        cost_gt: float | None = None,
        since: str | None = None,
        until: str | None = None,
        limit: int = 100,
        cursor: str | None = None,
    ) -> Page[RunView]:
        """Runs, newest first. `since` and `until` are ISO 8601 and bound the start; `cost_gt` is in USD, `mode` live or test."""
        require(actor, Permission.RUN_READ)
        size = cursors.page_size(limit)
        wanted = select(Run).where(Run.workspace_id == actor.workspace_id)
        if status:
            asked = status.split(",")
            if unknown := [s for s in asked if s not in STATUSES]:
                raise field_problem("status", f"`{unknown[0][:40]}` is no status; there are {', '.join(STATUSES)}.")
            wanted = wanted.where(col(Run.status).in_(asked))
        if mode:
            if mode not in MODES:
                raise field_problem("mode", f"A run's mode is {' or '.join(MODES)}.")
            wanted = wanted.where(Run.mode == mode)
        if query:
            columns = (Run.run_id, Run.workflow_name, Run.reason)
            wanted = wanted.where(or_(*(col(c).icontains(query, autoescape=True) for c in columns)))
        if cost_gt is not None:
            wanted = wanted.where(col(Run.cost_micro) > round(cost_gt * 1e6))
        if since:
            wanted = wanted.where(col(Run.started_at) >= _moment("from", since))
        if until:
            wanted = wanted.where(col(Run.started_at) <= _moment("to", until))
        if cursor:
            at, last = cursors.decode(cursor, parts=2)
            wanted = wanted.where(or_(col(Run.started_at) < at, (col(Run.started_at) == at) & (col(Run.run_id) < last)))
        ordered = wanted.order_by(col(Run.started_at).desc(), col(Run.run_id).desc()).limit(size + 1)
        return await self._core.in_thread(lambda: self._list(actor, workflow, ordered, size))

    def _list(self, actor: Actor, workflow: str | None, wanted: Any, size: int) -> Page[RunView]:
        with self._core.records.reading() as session:
            if workflow:
                wanted = wanted.where(Run.workflow_id == find_even_deleted(session, actor, workflow).id)
            found = session.exec(wanted).all()
        names = StoredRun.__dataclass_fields__
        stored = [self._as_it_stands(StoredRun(**{name: getattr(run, name) for name in names})) for run in found[:size]]
        last = found[size - 1] if len(found) > size else None
        bounds = [(run, self._decoded(self._core.reader.run_edges(run), in_passing=False)) for run in stored]
        # Without its first row it was deleted just now.
        items = [run_row(run, known) for run, known in bounds if known]
        return Page(items=items, next=cursors.encode([last.started_at, last.run_id]) if last else None)

    async def steps(self, actor: Actor, run_id: str, *, limit: int = 100, cursor: str | None = None) -> Page[StepView]:
        """The steps in the order they started; bodies over 8 kB by reference."""
        require(actor, Permission.RUN_READ)
        size = cursors.page_size(limit)
        skip = int(cursors.decode(cursor, parts=1)[0]) if cursor else 0
        return await self._core.in_thread(lambda: self._steps(actor, run_id, skip, size))

    async def step(self, actor: Actor, run_id: str, path: str) -> StepView:
        """One step with its bodies whole. NotFound."""
        require(actor, Permission.RUN_READ)
        return await self._core.in_thread(lambda: self._step(actor, run_id, path))

    def _steps(self, actor: Actor, run_id: str, skip: int, size: int) -> Page[StepView]:
        stored = self._stored(actor, run_id)
        found, count = self._timelines.steps(run_id, skip, skip + size)
        views = step_views(found, run_id=run_id, plan_of=self._core.plans.of, doc_hash=stored.doc_hash, is_whole=False)
        return Page(items=views, next=cursors.encode([skip + size]) if count > skip + size else None)

    def _step(self, actor: Actor, run_id: str, path: str) -> StepView:
        stored = self._stored(actor, run_id)
        found = self._timelines.step(run_id, path)
        if found is None:
            raise NotFound(f"The run has no step {path[:200]}.")
        return step_views([found], run_id=run_id, plan_of=self._core.plans.of, doc_hash=stored.doc_hash, is_whole=True)[0]

    async def cancel(self, actor: Actor, run_id: str, *, reason: str = "") -> RunView:
        """Ends a run that has not ended. WrongState otherwise."""
        require(actor, Permission.RUN_CONTROL)
        await self._core.in_thread(lambda: self._stored(actor, run_id))
        audit = self._core.audit_entry(actor, "run.cancel", run_id, {"reason": reason[:500]})
        told = f"Cancelled by {actor.name}." + (f" {reason[:500]}" if reason else "")
        await self._core.executor.deliver(run_id, Cancel(by=actor.user_id or actor.label, by_name=actor.name, reason=told, audit=audit))
        # It is over when the runs that it has started are; they are told at once.
        return await self.wait(actor, run_id, seconds=CANCEL_WAIT_S) or await self.get(actor, run_id)

    async def pause(self, actor: Actor, run_id: str, *, reason: str = "") -> RunView:
        """Lets a run stand still at its next checkpoint; steps that run end first. WrongState for one that does not move or wait."""
        require(actor, Permission.RUN_CONTROL)
        await self._core.in_thread(lambda: self._stored(actor, run_id))
        audit = self._core.audit_entry(actor, "run.pause", run_id, {"reason": reason[:500]})
        pause = Pause(by=actor.user_id or actor.label, by_name=actor.name, reason=reason[:500], audit=audit)
        await self._core.executor.deliver(run_id, pause)
        return await self.get(actor, run_id)

    async def retry(self, actor: Actor, run_id: str) -> RunView:
        """Goes on with a failed run from the step that failed, with the limits it has. WrongState for any other."""
        require(actor, Permission.RUN_CONTROL)
        found = await self._core.in_thread(lambda: self._stored(actor, run_id))
        if found.status != "failed":
            raise WrongState(f"The run is {found.status}; only a failed run can be retried.", hint="A stopped or paused run is resumed.")
        await self._core.in_thread(lambda: self._check_wanted(found))
        audit = self._core.audit_entry(actor, "run.retry", run_id, {})
        await self._core.executor.deliver(run_id, Resume({}, by=actor.user_id or actor.label, by_name=actor.name, audit=audit))
        return await self.get(actor, run_id)

    def _check_wanted(self, stored: StoredRun) -> None:
        """A run that another one has started goes on only while that one waits for it: else its work would be done twice. Blocks."""
        if stored.parent_run is None:
            return
        core = self._core
        _, state = read_run(core.reader, core.plans.of, stored.run_id)
        # One that is deleted had ended.
        is_there = core.reader.run(stored.parent_run) is not None
        parent = read_run(core.reader, core.plans.of, stored.parent_run)[1] if is_there else None
        if parent is None or waiting_for(parent, state.parent_path, stored.run_id) is None:
            message = f"The run {stored.parent_run}, which has started this one, does not wait for it any more."
            raise WrongState(message, hint="Fork this run, or go on with that one.")

    async def fork_bill(self, actor: Actor, run_id: str, path: str) -> ForkBill:
        """What a fork from that step would reuse, do again and cost. NotFound."""
        require(actor, Permission.RUN_READ)
        return await self._core.in_thread(lambda: self._forks.bill(self._stored(actor, run_id), path))

    async def fork(
        self,
        actor: Actor,
        run_id: str,
        path: str,
        *,
        changes: dict[str, Any] | None = None,
        limits: dict[str, Any] | None = None,
        mode: str | None = None,
        effects: str | None = None,
    ) -> RunStarted:
        """Starts another run that shares everything before that step and goes on from there with other values.

        `changes` are named as expressions name them: `inputs.amount`, `nodes.draft.text`. NotFound, Invalid, InvalidInputs.
        """
        require(actor, Permission.RUN_CONTROL)

        def prepared() -> ForkSpec:
            stored = self._stored(actor, run_id)
            return self._forks.spec(actor, stored, path, changes=changes or {}, limits=limits, mode=mode, effects=effects)

        spec = await self._core.in_thread(prepared)
        status = await self._core.executor.start(spec)
        if status is None:
            raise NotFound(f"The run {run_id[:80]} was kept long enough and is deleted.")
        return RunStarted(run_id=spec.owner.run_id, status=status)

    async def resume(self, actor: Actor, run_id: str, *, limits: dict[str, Any] | None = None) -> RunView:
        """Goes on with a stopped or failed run from where it stood; `limits` are absolute. WrongState, Invalid."""
        require(actor, Permission.RUN_RAISE_LIMITS)
        await self._core.in_thread(lambda: self._check_wanted(self._stored(actor, run_id)))
        changed = parsed_limits(limits or {})
        audit = self._core.audit_entry(actor, "run.resume", run_id, {"limits": dict(changed)})
        if run_id in self._core.executor.faults:
            await self._core.executor.revive(run_id)
        else:
            resume = Resume(limits=changed, by=actor.user_id or actor.label, by_name=actor.name, audit=audit)
            await self._core.executor.deliver(run_id, resume)
        return await self.get(actor, run_id)


def _moment(field: str, text: str) -> int:
    try:
        # The + of a zone that was not written %2B arrives as a space.
        return from_iso(re.sub(r"(T.*) (\d\d:?\d\d)$", r"\1+\2", text))
    except ValueError:
        raise field_problem(field, "Write a time as ISO 8601, e.g. 2026-11-24T09:00:00Z.") from None
