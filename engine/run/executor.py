"""Advances runs: one driver per active run takes what happened, makes it durable, then does what follows.

A run that waits or has ended is not here at all: it is loaded from its journal when something happens to it. Every
commit is fenced by (epoch, head_seq); whoever loads a run takes the next epoch with its first commit.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from engine.clock import Clock
from engine.errors import Bug, FencedOut, SignalboxError, StorageUnavailable
from engine.faultpoints import reach
from engine.graph.plan import Plan
from engine.ids import Ids
from engine.nodes.child import ChildKind
from engine.run.active import Active, Departed, tell_all
from engine.run.asking import Owner
from engine.run.beginning import ForkSpec, NewRunSpec, opening, work
from engine.run.budgets import Budgets, Spending
from engine.run.calls import carried_out
from engine.run.context import Services, StepContext
from engine.run.decide import seconds_left
from engine.run.families import Families
from engine.run.happenings import Finished, GoOn, Happening, Recover, SecondsUp, TimerDue
from engine.run.keeping import Growth, Keeper
from engine.run.live import Hub
from engine.run.loading import load_run
from engine.run.prepare import Prepared
from engine.run.reactions import take
from engine.run.state import ENDED, RunState
from engine.run.timers import Timers
from engine.run.turn import Turn, World
from engine.storage.journal import Journal
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
        keeper: Keeper,
        name: str,
    ) -> None:
        self._journal = journal
        self.reader = reader
        self.plan_of = plan_of
        self._services = services
        self.clock = clock
        self._hub = hub
        self.keeper = keeper
        self._name = name
        self.budgets = Budgets(self._spending, self._wake, clock.now_us)
        self._world = World(clock, ids, services.models, self.budgets)
        self._beginning: dict[int, Spending] = {}
        """Runs whose first commit is on its way."""
        self._active: dict[str, Active] = {}
        self._departed = Departed()
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

    async def _start(self, spec: NewRunSpec | ForkSpec) -> str | None:
        turn, head, new = opening(spec, self._world, at=self.clock.now_us(), by_process=self._name)
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
        self._departed.forget(spec.owner.run_id)
        self.keeper.after(active, commit)
        self._after(active, turn, commit.rows)
        self._perform(active, turn)
        if turn.waits_for_others:
            # Whoever it waits for may have ended while this was written.
            active.inbox.append((GoOn(), None))
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
        self.budgets.recovered()
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
        await self.keeper.close()

    def _spending(self) -> Iterator[Spending]:
        yield from self._beginning.values()
        yield from (Spending(active.owner, active.state) for active in self._active.values())

    def _wake(self, run_id: str) -> None:
        if (active := self._active.get(run_id)) is not None:
            active.tell(GoOn())

    def state_of(self, run_id: str) -> RunState | None:
        """The live state of a run in memory; only to be read."""
        active = self._active.get(run_id)
        return None if active is None else active.state

    def is_working(self, run_id: str, workspace_id: str) -> bool:
        """Whether a run of that workspace is in memory and not over; its end will be told to whoever watches."""
        active = self._active.get(run_id)
        return active is not None and active.owner.workspace_id == workspace_id and active.state.status not in ENDED

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
                if run_id in self._active or loaded.driver is not None or self._departed.is_behind(loaded):
                    # Somebody else was faster, and may be gone again already: what was loaded may be behind by now.
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
        stored, loaded = await asyncio.to_thread(load_run, self.reader, self.plan_of, run_id)
        reach("run.read")
        if run_id in self.faults:
            # What came due while the run stood still has fired in vain.
            self._timers.set_again(run_id, await asyncio.to_thread(self.reader.timers))
        owner = Owner(run_id, stored.workspace_id, stored.workflow_id, stored.workflow_name)
        growth = Growth.of(loaded)
        return Active(loaded.state, owner, epoch=stored.epoch + 1, stored_epoch=stored.epoch, head=stored.head_seq, growth=growth)

    def _activate(self, active: Active) -> None:
        run_id = active.owner.run_id
        self._active[run_id] = active
        self.budgets.float_again(run_id)
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
                if not active.calls and not active.state.running and not self.budgets.waits(run_id) and self._idle(active):
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
        self._departed.note(active)
        return True

    def _give_up(self, active: Active, reason: str, *, is_ours: bool = True) -> None:
        run_id = active.owner.run_id
        self._active.pop(run_id, None)
        self._departed.note(active)
        for call in active.calls.values():
            call.cancel()
        self.budgets.strand(run_id, Spending(active.owner, active.state), active.charging)
        if is_ours:
            self.faults[run_id] = reason
        else:
            self.budgets.float_again(run_id)
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
        was_woken = self.budgets.leave(active.owner.run_id)
        active.charging = turn.charges
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
            tell_all(dict.fromkeys(told, error if isinstance(error, SignalboxError) else Bug(str(error))))
            raise
        tell_all(told)
        self._perform(active, turn)
        if was_woken:
            self.budgets.settled()

    async def _commit(self, active: Active, turn: Turn) -> None:
        commit = turn.commit(epoch=active.epoch, expected_epoch=active.stored_epoch, expected_head=active.head)
        await self._journal.commit(commit)
        active.stored_epoch = active.epoch
        active.head = commit.rows[-1].seq
        active.charging = []
        self.keeper.after(active, commit)
        self._after(active, turn, commit.rows)

    def _after(self, active: Active, turn: Turn, rows: list[Any]) -> None:
        run_id = active.owner.run_id
        if self._hub.is_watched(run_id):
            self._hub.publish(run_id, rows)
        for due_at, path, attempt, kind in turn.timers:
            self._timers.add(due_at, run_id, path, attempt, kind)
        self._families.after(active, turn)
        if turn.gives_back:
            self.budgets.settled()
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
            if prepared.instead is not None or prepared.node.kind.is_inline:
                active.inbox.append((work(prepared), None))
                continue
            is_child = isinstance(prepared.node.kind, ChildKind)
            work_of = self._families.choose(active, prepared) if is_child else self._call(active, prepared)
            active.calls[prepared.path] = asyncio.get_running_loop().create_task(work_of)
        if turn.is_unfinished:
            active.inbox.append((GoOn(), None))

    async def _call(self, active: Active, prepared: Prepared) -> None:
        run_id = active.owner.run_id
        teller, workspace_id = self._hub.teller(run_id, prepared.path), active.owner.workspace_id
        ctx = StepContext(run_id, workspace_id, prepared, self._services, teller)
        reach("call.begins")
        outcome, error = await carried_out(prepared, ctx, self.clock)
        await ctx.keep_answers(outcome)
        reach("call.answered")
        if active.calls.get(prepared.path) is asyncio.current_task():
            del active.calls[prepared.path]
        # What a call of which it was asked whether it happened had cost before, nobody knows: all that was set aside stays charged.
        spent = prepared.reserved if prepared.asks else ctx.spent
        told = Finished(prepared.path, prepared.attempt, prepared.given, outcome, error, spent, ctx.note(), ctx.labels, prepared.asks)
        active.tell(told)

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
