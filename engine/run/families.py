"""What happens between a run and the runs that it has started, beside their own turns: starting, telling, giving up, finding again."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from functools import partial
from typing import TYPE_CHECKING, Any

from engine.errors import NotFound, StorageUnavailable, WrongState
from engine.faultpoints import reach
from engine.nodes.child import ChildKind
from engine.run import children, codec, events
from engine.run.asking import Owner
from engine.run.beginning import NewRunSpec
from engine.run.children import Parent, Starting
from engine.run.events import Spent
from engine.run.happenings import Cancel, ChildChosen, ChildEnded, Finished
from engine.run.loading import read_run
from engine.run.prepare import Prepared, wrapped
from engine.run.state import ENDED, RunState
from engine.security.audit import AuditEntry

if TYPE_CHECKING:
    from engine.run.active import Active
    from engine.run.executor import Executor
    from engine.run.turn import Turn
    from engine.storage.journal_reader import StoredRun

log = logging.getLogger("signalbox.run")
AGAIN_S = 1.0
"""Until a child whose start the database refused is started again."""
LEFT_ALONE = Cancel(by="signalbox", by_name="Signalbox", reason="The run that has started it does not wait for it any more.")


class Families:
    """Belongs to one executor and its loop."""

    def __init__(self, executor: Executor) -> None:
        self._executor = executor
        self._tasks: set[asyncio.Task[None]] = set()

    async def choose(self, active: Active, prepared: Prepared) -> None:
        """Finds what the step would run; the next turn of the parent makes it durable."""
        kind: ChildKind[Any] = prepared.node.kind  # pyright: ignore[reportAssignmentType]
        executor, told = self._executor, None
        try:
            reach("child.choosing")
            call = kind.child(prepared.node.config, prepared.given)
            where = (executor.reader, executor.plan_of, active.owner.workspace_id, call)
            child, inputs = await asyncio.to_thread(children.chosen, *where, depth=active.state.depth + 1)
            told = ChildChosen(prepared.path, prepared.attempt, child, inputs)
        except Exception as raised:  # no such workflow, inputs that do not fit, a kind's own code: the step fails, never the engine
            told = Finished(prepared.path, prepared.attempt, prepared.given, error=wrapped(raised))
        if active.calls.get(prepared.path) is asyncio.current_task():
            del active.calls[prepared.path]
        active.tell(told)

    def after(self, active: Active, turn: Turn) -> None:
        """A turn is durable: its children start, those that nobody waits for any more go, and a parent hears of the end."""
        for starting in turn.children:
            self.in_background(partial(self._start, active.owner, active.state, starting))
        for child in turn.orphans:
            self.in_background(partial(self._drop, active.owner.run_id, "", child))
        state = active.state
        if state.parent and (state.status in ENDED or state.status == "stopped"):
            self.in_background(partial(self._tell_parent, active.owner.run_id))

    def mend(self, run_id: str) -> None:
        """Brings a run that stood still together with its children."""
        self.in_background(partial(self.find_again, run_id))

    async def find_again(self, only: str = "") -> None:
        """What a crash has cut off between parents and children goes on; `only` those of one parent."""
        for parent, path, _, child in await asyncio.to_thread(self._executor.reader.children):
            if only and parent != only:
                continue
            try:
                await self._mend(parent, path, child)
            except StorageUnavailable:
                self.in_background(partial(self._mend, parent, path, child))
            except Exception as error:  # one run that cannot be read must not keep the others from going on
                log.error("the run %s and its child %s cannot be brought together: %s", parent, child, error)

    async def close(self) -> None:
        """Starts and tells nothing more."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _mend(self, parent: str, path: str, child: str) -> None:
        executor = self._executor
        stored, state = await asyncio.to_thread(read_run, executor.reader, executor.plan_of, parent)
        starting = children.waiting_for(state, path, child)
        found: StoredRun | None = await asyncio.to_thread(executor.reader.run, child)
        if found is not None and (found.ended_at is not None or found.status == "stopped"):
            await self._tell_parent(child)
        elif starting is None:
            await self._drop(parent, path, child)
        elif found is None:
            await self._start(Owner(parent, stored.workspace_id, stored.workflow_id, stored.workflow_name), state, starting)

    def in_background(self, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Does it beside everything else, as soon as the database lets it."""
        task = asyncio.get_running_loop().create_task(self._until_possible(work))
        self._tasks.add(task)
        task.add_done_callback(self._done)

    async def _until_possible(self, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Again and again while the database refuses: nobody else would do it before the next start. Doing it twice is harmless."""
        while True:
            try:
                return await work()
            except StorageUnavailable as error:
                log.warning("between a run and its child, once more in a moment: %s", error)
                await self._executor.clock.sleep(AGAIN_S)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            # The next start of the engine finds it again.
            log.error("between a run and its child: %s", error)

    async def _start(self, owner: Owner, state: RunState, starting: Starting) -> None:
        executor, child = self._executor, starting.child
        plan = await asyncio.to_thread(executor.plan_of, child.hash)
        spec = NewRunSpec(
            owner=Owner(child.run, owner.workspace_id, child.workflow, child.name),
            plan=plan,
            version=child.version,
            inputs=starting.inputs,
            limits=child.limits,
            mode=state.mode,
            by=state.started_by,
            effects="simulated" if state.effects == "simulated" else "real",
            parent=Parent(owner.run_id, starting.path, starting.attempt, state.depth + 1, state.labels),
            audit=AuditEntry(
                workspace_id=owner.workspace_id,
                at=executor.clock.now_us(),
                actor=f"run:{owner.run_id}",
                action="run.start",
                subject=child.run,
                details={"workflow": child.workflow, "version": child.version, "mode": state.mode, "step": starting.path},
            ),
        )
        # It may have been given up in the meantime, by whoever holds the parent now.
        if await self._is_wanted(owner.run_id, starting.path, child.run):
            reach("child.starting")
            await executor.start(spec)
            reach("child.started")
        if not await self._is_wanted(owner.run_id, starting.path, child.run):
            await self._drop(owner.run_id, starting.path, child.run)

    async def _is_wanted(self, parent: str, path: str, child: str) -> bool:
        executor = self._executor
        state = executor.state_of(parent)
        if state is None:
            _, state = await asyncio.to_thread(read_run, executor.reader, executor.plan_of, parent)
        return children.waiting_for(state, path, child) is not None

    async def _drop(self, parent: str, path: str, child: str) -> None:
        reach("child.dropping")
        try:
            await self._executor.deliver(child, LEFT_ALONE)
        except NotFound:
            # It never began: there is nothing to wait for.
            told = ChildEnded(path, 0, child, "", "cancelled", "", None, Spent(), 0, 0)
            await self._executor.tell(parent, told)
        except WrongState:
            # It has ended by itself, and tells so itself.
            return

    async def _tell_parent(self, child: str) -> None:
        reach("child.telling")
        ended = await asyncio.to_thread(self._report, child)
        if ended is not None:
            await self._executor.tell(ended[0], ended[1])
            reach("child.told")

    def _report(self, child: str) -> tuple[str, ChildEnded] | None:
        executor = self._executor
        stored, state = read_run(executor.reader, executor.plan_of, child)
        if not state.parent or not (state.status in ENDED or state.status == "stopped"):
            return None
        bounds = [codec.from_row(row, executor.reader.blob) for row in executor.reader.run_bounds(child)]
        ledger = state.ledger
        told = ChildEnded(
            path=state.parent_path,
            attempt=state.parent_attempt,
            run=child,
            name=stored.workflow_name,
            status=state.status,
            reason=state.reason,
            output=next((event.output for event in reversed(bounds) if isinstance(event, events.RunEnded)), None),
            # What a run that was stopped has still set aside may yet be used up.
            spent=Spent(*(getattr(ledger, name) + getattr(ledger, f"reserved_{name}") for name in children.RESERVED)),
            steps=ledger.steps,
            busy_us=ledger.busy_us,
            labels=state.labels,
        )
        return state.parent, told
