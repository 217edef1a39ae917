"""Advances runs: one driver per active run takes what happened, makes it durable, then does what follows.

A run that waits or has ended is not here at all: it is loaded from its journal when something happens to it. Every
commit is fenced by (epoch, head_seq); whoever loads a run takes the next epoch with its first commit.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

from engine.clock import Clock
from engine.errors import Bug, FencedOut, SignalboxError, StepTimedOut, StorageUnavailable
from engine.faultpoints import reach
from engine.graph.plan import Plan
from engine.ids import Ids
from engine.nodes.child import ChildKind
from engine.nodes.contract import InlineKind
from engine.run.active import Active
from engine.run.asking import Owner
from engine.run.beginning import ForkSpec, NewRunSpec, first_turn, fork_turn, work
from engine.run.budgets import Budgets, Spending
from engine.run.consent import read_run
from engine.run.context import Services, StepContext
from engine.run.decide import seconds_left
from engine.run.families import Families
from engine.run.happenings import Finished, GoOn, Happening, Recover, SecondsUp, TimerDue
from engine.run.live import Hub, Token
from engine.run.prepare import Prepared, checked, wrapped
from engine.run.reactions import take
from engine.run.state import ENDED, RunState
from engine.run.timers import Timers
from engine.run.turn import Turn, World
from engine.storage.journal import Journal, NewRun
from engine.storage.journal_reader import JournalReader

log = logging.getLogger("signalbox.run")
AGAIN_US = 1_000_000


class Executor:
    """Owns all runs in memory. Belongs to one event loop."""

    def __init__(
        self,
        journal: Journal,
        reader: JournalReader,
        *,
        plan_of: Callable[[str], Plan],
        services: Services,
        clock: Clock,
        ids: Ids,
        hub: Hub,
        name: str,
    ) -> None:
        self._journal = journal
        self.reader = reader
        self.plan_of = plan_of
        self._services = services
        self.clock = clock
        self._hub = hub
        self._name = name
        self.budgets = Budgets(self._spending)
        self._world = World(clock, ids, services.models, self.budgets)
        self._beginning: dict[int, Spending] = {}
        """Runs whose first commit is on its way."""
        self._active: dict[str, Active] = {}
        self._loading: dict[str, asyncio.Task[Active]] = {}
        self._timers = Timers(clock, self._fire)
        self._starting: set[asyncio.Task[str | None]] = set()
        self._families = Families(self)
        self.faults: dict[str, str] = {}
        """Runs that stand still because the database refused their rows, with the reason."""

    # What the facade asks for

    async def start(self, spec: NewRunSpec | ForkSpec) -> str | None:
        """Makes a run durable and sets it going; its status, None when a run of that id exists already."""
        # Whoever asked may go away while it is written: a run that is on disk is set going all the same.
        starting = asyncio.get_running_loop().create_task(self._start(spec))
        self._starting.add(starting)
        starting.add_done_callback(self._starting.discard)
        return await asyncio.shield(starting)

    def _new(self, owner: Owner, turn: Turn, version: int | None, mode: str, by: str, forked: tuple[str | None, int | None]) -> NewRun:
        names = (owner.workflow_id, owner.workflow_name, version, turn.state.plan.hash)
        return NewRun(*names, mode, by, turn.at, self._name, *forked, parent_run=turn.state.parent or None)

    async def _start(self, spec: NewRunSpec | ForkSpec) -> str | None:
        if isinstance(spec, ForkSpec):
            turn, head = fork_turn(spec, self._world, at=self.clock.now_us()), spec.seq
            event, forked = spec.event, (spec.event.origin, spec.seq)
            new = self._new(spec.owner, turn, spec.version, event.mode, event.by, forked)
        else:
            turn, head = first_turn(spec, self._world, at=self.clock.now_us()), 0
            new = self._new(spec.owner, turn, spec.version, spec.mode, spec.by, (None, None))
        active = Active(turn.state, spec.owner, epoch=1, stored_epoch=1, head=head)
        # Not by the run's id: a request that is repeated meanwhile begins the same run once more, in vain.
        self._beginning[id(active)] = Spending(spec.owner, turn.state)
        commit = turn.commit(epoch=1, expected_epoch=1, expected_head=head, new=new)
        try:
            await self._journal.commit(commit)
        except FencedOut:
            await self._set_going(spec.owner.run_id)
            return None
        except StorageUnavailable:
            # Nothing of it was kept, or nobody knows: then it is looked up as soon as that is possible.
            self._families.in_background(partial(self._set_going, spec.owner.run_id))
            raise
        finally:
            del self._beginning[id(active)]
        active.head = commit.rows[-1].seq
        self._after(active, turn, commit.rows)
        self._perform(active, turn)
        if active.inbox or active.calls or active.state.running:
            self._activate(active)
        return commit.head.status

    async def _set_going(self, run_id: str) -> None:
        """A run that exists although whoever started it was told that it was not kept: nobody else would set it going."""
        stored = await asyncio.to_thread(self.reader.run, run_id)
        if stored is None or stored.ended_at is not None or run_id in self._active or run_id in self.faults:
            return
        self._timers.set_again(run_id, await asyncio.to_thread(self.reader.timers))
        if stored.status == "running":
            # Loaded, it recovers by itself; had somebody else been faster, this would change nothing.
            await self.tell(run_id, GoOn())

    async def deliver(self, run_id: str, happening: Happening) -> None:
        """Hands a happening to a run and returns when what follows is durable. Raises what the run answers."""
        reach("answer.given")
        answer: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        await self.tell(run_id, happening, answer)
        await answer
        reach("answer.durable")

    async def revive(self, run_id: str) -> None:
        """Goes on with a run that stood still because the database refused its rows; it is read again from disk."""
        await self.tell(run_id, Recover(), answer := asyncio.get_running_loop().create_future())
        await answer

    async def recover(self) -> int:
        """Takes over every run that a dead process left running; returns how many."""
        reach("recovery.begun")
        self.budgets.load(*await asyncio.to_thread(self.reader.budgets))
        stored = await asyncio.to_thread(self.reader.unfinished)
        reach("recovery.found")
        for run in stored:
            try:
                await self.tell(run.run_id, Recover())
                reach("recovery.told")
            except Exception as error:
                # One unreadable journal must not keep the other runs from going on; it is told and left as it is.
                log.error("run %s cannot be taken over: %s", run.run_id, error)
                self.faults[run.run_id] = f"Its journal cannot be read: {error}"
        self._timers.start(await asyncio.to_thread(self.reader.timers))
        reach("recovery.timers_set")
        await self._families.find_again()
        return len(stored)

    async def close(self) -> None:
        """Stops at the next checkpoint of every run; nothing is lost, the next start goes on."""
        await self._timers.close()
        await self._families.close()
        await asyncio.gather(*self._starting, return_exceptions=True)
        tasks = [task for active in self._active.values() for task in (active.driver, *active.calls.values()) if task]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._active.clear()

    def _spending(self) -> Iterator[Spending]:
        yield from self._beginning.values()
        yield from (Spending(active.owner, active.state) for active in self._active.values())

    def state_of(self, run_id: str) -> RunState | None:
        """The live state of a run in memory; only to be read."""
        active = self._active.get(run_id)
        return None if active is None else active.state

    @property
    def active_count(self) -> int:
        """Runs in memory."""
        return len(self._active)

    # Loading

    async def tell(self, run_id: str, happening: Happening, answer: asyncio.Future[None] | None = None) -> None:
        """Hands a happening to a run, which is loaded if it is not in memory."""
        while True:
            active = self._active.get(run_id)
            if active is None:
                loaded = await self._load(run_id)
                if run_id in self._active or loaded.driver is not None:
                    # Somebody else was faster; what was loaded may be behind by now.
                    continue
                active = loaded
                if active.state.running and not isinstance(happening, Recover):
                    # It stood still while steps were under way: nobody carries them out any more.
                    active.tell(Recover())
            active.tell(happening, answer)
            if active.driver is None:
                self._activate(active)
            return

    async def _load(self, run_id: str) -> Active:
        loading = self._loading.get(run_id)
        if loading is None:
            loading = self._loading[run_id] = asyncio.get_running_loop().create_task(self._load_now(run_id))
            loading.add_done_callback(lambda _: self._loading.pop(run_id, None))
        return await asyncio.shield(loading)

    async def _load_now(self, run_id: str) -> Active:
        stored, state = await asyncio.to_thread(read_run, self.reader, self.plan_of, run_id)
        reach("run.read")
        if run_id in self.faults:
            # What came due while the run stood still has fired in vain.
            self._timers.set_again(run_id, await asyncio.to_thread(self.reader.timers))
        owner = Owner(run_id, stored.workspace_id, stored.workflow_id, stored.workflow_name)
        return Active(state, owner, epoch=stored.epoch + 1, stored_epoch=stored.epoch, head=stored.head_seq)

    def _activate(self, active: Active) -> None:
        run_id = active.owner.run_id
        self._active[run_id] = active
        if self.faults.pop(run_id, None) is not None:
            # What its children told meanwhile was told in vain.
            self._families.mend(run_id)
        active.driver = asyncio.get_running_loop().create_task(self._drive(active))

    # Driving

    async def _drive(self, active: Active) -> None:
        run_id = active.owner.run_id
        try:
            while True:
                while active.inbox:
                    await self._turn(active)
                if not active.calls and not active.state.running and self._idle(active):
                    return
                await self._wait(active)
        except StorageUnavailable as error:
            self._give_up(active, error.message)
        except FencedOut as error:
            log.warning("run %s is fenced out: %s", run_id, error)
            self._give_up(active, "", is_ours=False)
        except asyncio.CancelledError:
            raise
        except Exception as error:  # a defect: this run stands still and says so, the others go on
            log.exception("run %s stands still", run_id)
            self._give_up(active, f"Signalbox has a defect: {type(error).__name__}: {error}")

    def _idle(self, active: Active) -> bool:
        """Waits for people or timers, or has ended: the run leaves memory. False when it has just got new work."""
        if active.inbox:
            return False
        self._active.pop(active.owner.run_id, None)
        return True

    def _give_up(self, active: Active, reason: str, *, is_ours: bool = True) -> None:
        run_id = active.owner.run_id
        self._active.pop(run_id, None)
        for call in active.calls.values():
            call.cancel()
        if is_ours:
            self.faults[run_id] = reason
        error = StorageUnavailable(reason) if is_ours else FencedOut()
        for _, answer in active.inbox:
            if answer is not None and not answer.done():
                answer.set_exception(error)

    async def _wait(self, active: Active) -> None:
        active.wake.clear()
        if active.inbox:
            return
        state = active.state
        if not state.running:
            await active.wake.wait()
            return
        try:
            async with asyncio.timeout(max(0.0, seconds_left(state, self.clock.now_us()))):
                await active.wake.wait()
        except TimeoutError:
            active.tell(SecondsUp())

    async def _turn(self, active: Active) -> None:
        turn = Turn(active.state, active.owner, self._world, self.clock.now_us())
        told: dict[asyncio.Future[None], SignalboxError | None] = {}
        try:
            while active.inbox:
                happening, answer = active.inbox.popleft()
                if answer is None:
                    take(turn, happening)
                    continue
                told[answer], kept = None, (len(turn.statements), len(turn.audits))
                try:
                    take(turn, happening)
                except SignalboxError as refusal:
                    # Nothing of it may stay behind. It is told after the commit: what this turn does may be the reason.
                    del turn.statements[kept[0] :], turn.audits[kept[1] :]
                    told[answer] = refusal
            turn.settle()
            if turn.recorded:
                await self._commit(active, turn)
        except BaseException as error:
            _tell_all(dict.fromkeys(told, error if isinstance(error, SignalboxError) else Bug(str(error))))
            raise
        _tell_all(told)
        self._perform(active, turn)

    async def _commit(self, active: Active, turn: Turn) -> None:
        commit = turn.commit(epoch=active.epoch, expected_epoch=active.stored_epoch, expected_head=active.head)
        await self._journal.commit(commit)
        active.stored_epoch = active.epoch
        active.head = commit.rows[-1].seq
        self._after(active, turn, commit.rows)

    def _after(self, active: Active, turn: Turn, rows: list[Any]) -> None:
        run_id = active.owner.run_id
        if self._hub.is_watched(run_id):
            self._hub.publish(run_id, rows)
        for due_at, path, attempt, kind in turn.timers:
            self._timers.add(due_at, run_id, path, attempt, kind)
        self._families.after(active, turn)
        for path in turn.cancelled:
            if (call := active.calls.pop(path, None)) is not None:
                call.cancel()
        if active.state.status in ENDED:
            for call in active.calls.values():
                call.cancel()
            active.calls.clear()

    # Performing

    def _perform(self, active: Active, turn: Turn) -> None:
        reach("calls.before")
        for prepared in turn.performs:
            if prepared.instead is not None or isinstance(prepared.node.kind, InlineKind):
                active.inbox.append((work(prepared), None))
                continue
            is_child = isinstance(prepared.node.kind, ChildKind)
            work_of = self._families.choose(active, prepared) if is_child else self._call(active, prepared)
            active.calls[prepared.path] = asyncio.get_running_loop().create_task(work_of)
        if turn.is_unfinished:
            active.inbox.append((GoOn(), None))

    async def _call(self, active: Active, prepared: Prepared) -> None:
        run_id = active.owner.run_id
        on_token: Callable[[str], None] | None = None
        if self._hub.is_watched(run_id):

            def tell(text: str) -> None:
                self._hub.publish(run_id, [Token(prepared.path, text)])

            on_token = tell

        ctx = StepContext(run_id, prepared, self._services, on_token)
        outcome, error = None, None
        kind: Any = prepared.node.kind
        limit = asyncio.timeout(prepared.node.timeout_s)
        try:
            async with limit:
                reach("call.begins")
                outcome = checked(prepared.node, await kind.execute(prepared.node.config, prepared.given, ctx))
        except Exception as raised:  # the border of a kind's own code: whatever it is becomes the step's error
            error = StepTimedOut(f"It took longer than {prepared.node.timeout_s:g} s.") if limit.expired() else wrapped(raised)
        except asyncio.CancelledError:
            if (task := asyncio.current_task()) is None or task.cancelling():
                raise
            error = Bug("Something that the step waited for was cancelled.")
        reach("call.answered")
        if active.calls.get(prepared.path) is asyncio.current_task():
            del active.calls[prepared.path]
        active.tell(Finished(prepared.path, prepared.attempt, prepared.given, outcome, error, ctx.spent, ctx.note()))

    async def _fire(self, run_id: str, due: TimerDue) -> None:
        if run_id in self.faults:
            # It is set again when somebody resumes the run.
            return
        try:
            await self.tell(run_id, due)
        except StorageUnavailable:
            # It cannot be read just now: once more in a moment, or nothing would wake it before the next start.
            self._timers.add(self.clock.now_us() + AGAIN_US, run_id, due.path, due.attempt, due.kind)
        except Exception as error:  # whatever keeps this run from being read must not keep the others from waking
            log.error("the timer of run %s cannot fire: %s", run_id, error)


def _tell_all(told: Mapping[asyncio.Future[None], SignalboxError | None]) -> None:
    for answer, error in told.items():
        if answer.done():
            continue
        if error is None:
            answer.set_result(None)
        else:
            answer.set_exception(error)
