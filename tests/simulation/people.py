"""What people, programs and chance do to the simulated processes."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from engine.errors import StorageUnavailable
from engine.run.asking import Owner
from engine.run.beginning import NewRunSpec
from engine.run.happenings import Answered, Cancel, Pause, Resume, TimerDue, Woken
from engine.security.audit import AuditEntry

if TYPE_CHECKING:
    from tests.simulation.process import Process
    from tests.simulation.simulation import Simulation

DECISIONS = {"approve": "approved", "reject": "rejected", "submit": "submitted"}
MORE = {"cost_micro": 10_000, "tokens": 500, "steps": 40, "llm_calls": 10, "tool_calls": 10, "busy_us": 10**10}


class People:
    """Ann, who starts runs, Bea, who answers, and whoever delivers things twice."""

    def __init__(self, simulation: Simulation) -> None:
        self._simulation = simulation
        self._random = simulation.random
        self.started: list[str] = []
        """Acknowledged."""
        self.decided: list[tuple[str, str]] = []
        """(item, decision), acknowledged."""
        self._asked = 0
        self._fired: list[tuple[str, TimerDue]] = []
        self._resumed: dict[str, int] = {}

    def act(self) -> None:
        """One thing happens, to one of the processes that are alive."""
        alive = self._simulation.alive()
        if not alive:
            return
        process, random = self._random.choice(alive), self._random
        acts: list[tuple[int, Callable[[Process], None]]] = [
            (6, self.start if self._asked < self._simulation.most_runs else self.answer),
            (10, self.answer),
            (3, self.wake),
            (2, self.fire_again),
            (2, self.tell_child_again),
            (3, self.revive),
            (2, self.resume),
            (1, self.pause),
            (1, self.cancel),
        ]
        random.choices([act for _, act in acts], [weight for weight, _ in acts])[0](process)

    def _rows(self, sql: str, *values: Any) -> list[Any]:
        return self._simulation.rows(sql, *values)

    def start(self, process: Process) -> None:
        slug = self._random.choice(list(self._simulation.slugs))
        self._asked += 1
        run = f"run_{self._asked:03d}"
        self._begin(process, slug, run)
        if self._simulation.world.happens(0.2):
            # The request is sent again before anybody has answered.
            self._begin(self._random.choice(self._simulation.alive()), slug, run)

    def _begin(self, process: Process, slug: str, run: str) -> None:
        world = self._simulation.world
        plan = world.plans[self._simulation.slugs[slug]]
        entry = AuditEntry(workspace_id="main", at=world.now_us(), actor="user:ann", action="run.start", subject=run)
        spec = NewRunSpec(Owner(run, "main", slug, slug), plan, 1, {}, asdict(plan.limits), "live", "ann", audit=entry)

        async def start() -> None:
            try:
                await process.executor.start(spec)
            except StorageUnavailable:
                # Nobody knows whether it was kept: it is sent again.
                await asyncio.sleep(1.0)
                await start()

        self._do(process, start, lambda _: self.started.append(run))

    def _do(self, process: Process, work: Callable[[], Awaitable[Any]], then: Callable[[Any], None] | None = None) -> None:
        async def do() -> None:
            result = await work()
            # What a dead process says nobody hears.
            if process.is_alive and then is not None:
                then(result)

        process.later(do)

    def answer(self, process: Process) -> None:
        pending = self._rows("SELECT id, run_id, path, digest, card, type FROM approvals WHERE status = 'pending' ORDER BY id")
        if pending:
            item = self._random.choice(pending)
            self._answer(process, item)
            if self._simulation.world.happens(0.2):
                self._simulation.world.trouble("decisions delivered twice")
                self._answer(self._random.choice(self._simulation.alive()), item)

    def _answer(self, process: Process, item: Any) -> None:
        id_, run, path, digest, card, kind = item
        choices = json.loads(card)["choices"]
        chosen = self._random.choice(choices)
        decision = DECISIONS.get(chosen, chosen)
        values = self._more(process, run) if kind == "limit" and chosen == "extend" else {}
        told = Answered(path, id_, digest, decision, "bea", "Bea", values, "")
        self._do(process, lambda: process.executor.deliver(run, told), lambda _: self.decided.append((id_, decision)))

    def _more(self, process: Process, run: str) -> dict[str, int]:
        state = process.executor.state_of(run)
        limits = asdict(state.ledger.limits) if state is not None else asdict(self._plan_of(run).limits)
        return {name: limits.get(name, 0) + more * 5 for name, more in MORE.items()}

    def _plan_of(self, run: str) -> Any:
        return self._simulation.world.plans[self._rows("SELECT doc_hash FROM runs WHERE run_id = ?", run)[0][0]]

    def wake(self, process: Process) -> None:
        for run, path, attempt in self._rows("SELECT run_id, path, attempt FROM waits ORDER BY run_id, path")[:1]:
            for _ in range(2 if self._simulation.world.happens(0.3) else 1):
                self._do(process, lambda: process.executor.deliver(run, Woken(path, attempt, {"x": 1})))  # noqa: B023  used at once

    def fire_again(self, process: Process) -> None:
        now = process.executor.clock.now_us()
        due = self._rows("SELECT run_id, path, attempt, kind FROM timers WHERE due_at <= ? ORDER BY run_id, path", now)
        self._fired += [(run, TimerDue(path, attempt, kind)) for run, path, attempt, kind in due]
        if self._fired:
            self._simulation.world.trouble("timers fired again")
            run, timer = self._random.choice(self._fired)
            self._do(process, lambda: process.executor._fire(run, timer))

    def tell_child_again(self, process: Process) -> None:
        ended = self._rows("SELECT run_id FROM runs WHERE parent_run IS NOT NULL AND ended_at IS NOT NULL ORDER BY run_id")
        if ended:
            self._simulation.world.trouble("children told again")
            child = self._random.choice(ended)[0]
            self._do(process, lambda: process.executor._families._tell_parent(child))

    def revive(self, process: Process) -> None:
        for run in list(process.executor.faults)[:1]:
            self._do(process, lambda: process.executor.revive(run))  # noqa: B023  used at once

    def resume(self, process: Process, *, everything: bool = False) -> bool:
        """True when there was something to resume that was not resumed too often."""
        still = self._rows("SELECT run_id, status FROM runs WHERE status IN ('stopped', 'paused', 'failed') ORDER BY run_id")
        wanted = [run for run, status in still if status == "paused" or self._resumed.get(run, 0) < 3]
        for run in wanted if everything else self._random.sample(wanted, min(1, len(wanted))):
            self._resumed[run] = self._resumed.get(run, 0) + 1
            has_parent = self._rows("SELECT parent_run FROM runs WHERE run_id = ?", run)[0][0]
            limits = {} if has_parent else self._more(process, run)
            self._do(process, lambda run=run, limits=limits: process.executor.deliver(run, Resume(limits, "ann")))
        return bool(wanted)

    def pause(self, process: Process) -> None:
        self._on_a_run(process, Pause("ann", "Ann"))

    def cancel(self, process: Process) -> None:
        self._on_a_run(process, Cancel("ann", "Not needed."))

    def _on_a_run(self, process: Process, what: Any) -> None:
        runs = self._rows("SELECT run_id FROM runs WHERE status IN ('running', 'waiting') ORDER BY run_id")
        if runs:
            run = self._random.choice(runs)[0]
            self._do(process, lambda: process.executor.deliver(run, what))

    def bring_to_an_end(self, process: Process) -> bool:
        """Answers and wakes everything, lets everything go on that stands still; False when nothing is left to do."""
        for run in list(process.executor.faults):
            self._do(process, lambda run=run: process.executor.revive(run))
        pending = self._rows("SELECT id, run_id, path, digest, card, type FROM approvals WHERE status = 'pending' ORDER BY id")
        ended = {run for (run,) in self._rows("SELECT run_id FROM runs WHERE ended_at IS NOT NULL AND status != 'failed'")}
        for item in pending:
            if item[1] not in ended:
                self._answer(process, item)
        self.wake(process)
        moving = self._rows("SELECT run_id FROM runs WHERE status IN ('queued', 'running', 'waiting')")
        has_resumed = self.resume(process, everything=True)
        return bool(moving) or has_resumed
