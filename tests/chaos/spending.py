"""Runs that race for one budget while their process is killed: `python -m tests.chaos.spending --folder DIR --calls 1500 --seed 1`.

The provider is an append-only file: it bills a call when the call reaches it, whoever lives to hear of it. What may be spent is written
there too, before the engine is told, so that the bill can be compared with it line by line.
"""

import argparse
import asyncio
import json
import os
import random
import signal
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from engine import Engine
from engine.clock import SystemClock
from engine.errors import WrongState
from engine.llm.gateway import Gateway, GatewaySettings
from engine.llm.messages import Bound, ModelAnswer, ModelRequest, Usage
from engine.nodes.registry import Registry
from tests.chaos.killing import LAST_PATIENCE_S, fork, get_ready, lived_to_its_end
from tests.chaos.life import append_only
from tests.chaos.workload import ANN, settings_of

BILL = "bill"
WORKERS = 64
MOST = 200
"""Micro-USD that one call may cost; it costs a part of that."""
KILLED_AFTER = (1, 100)
"""Calls that a process lives to make."""
ALLOWANCE = 7_000
"""Micro-USD that the workspace may spend more, whenever what it may spend is used up."""
DOCUMENT: dict[str, Any] = {
    "format": "signalbox/1",
    "name": "races",
    "limits": {"steps": 1_000_000, "tokens": 10**9, "llm_calls": 100_000, "cost_usd": 1000},
    "nodes": [
        {"id": "start", "kind": "start"},
        {"id": "each", "kind": "map", "config": {"items": "[1, 2, 3, 4, 5, 6]", "collect": "nodes.ask.text", "concurrency": 3}},
        {"id": "ask", "kind": "llm", "agent": "mara", "parent": "each", "config": {"model": "billed", "prompt": "?", "max_tokens": 64}},
        {"id": "done", "kind": "end"},
    ],
    "edges": [
        {"source": "start", "target": "each"},
        {"source": "each", "port": "item", "target": "ask"},
        {"source": "each", "target": "done"},
    ],
}


class Billing(Gateway):
    """Bills each call as it arrives, then answers after a while."""

    def __init__(self, bill: int, chance: random.Random) -> None:
        settings = GatewaySettings(default_model=None, practice_ms_per_token=0, find_ollama=lambda: None)
        super().__init__(settings, clock=SystemClock())
        self._bill = bill
        self._chance = chance

    def bound(self, request: ModelRequest, fallbacks: Sequence[str] = ()) -> Bound:
        return Bound(request.max_tokens, MOST)

    async def complete(self, request: ModelRequest, *, on_token: Callable[[str], None] | None = None, on_wait: Any = None) -> ModelAnswer:
        cost = self._chance.randint(1, MOST)
        await asyncio.sleep(self._chance.random() * 0.002)
        os.write(self._bill, f"billed {cost}\n".encode())
        await asyncio.sleep(self._chance.random() * 0.01)
        return ModelAnswer("Yes.", request.model, Usage(1, 1, 0, cost), "stop", False)


class Life:
    """One process: as many runs at once as there are workers, each resumed when more may be spent."""

    def __init__(self, engine: Engine, bill: int, *, calls: int) -> None:
        self._engine = engine
        self._bill = bill
        self._calls = calls

    async def work(self, bill: Path) -> None:
        """Until that many calls have been billed in all."""
        async with asyncio.TaskGroup() as group:
            allowing = group.create_task(self._allow())
            starting = group.create_task(self._keep_busy())
            while billed(bill)[0] < self._calls:
                await asyncio.sleep(0.005)
            starting.cancel()
            # What runs is let go on to its end, which may need more money.
            while (await self._engine.runs.list(ANN, status="queued,running", limit=1)).items:
                await asyncio.sleep(0.02)
            allowing.cancel()

    async def _keep_busy(self) -> None:
        while True:
            missing = WORKERS - self._engine._core.executor.active_count
            for _ in range(missing):
                await self._engine.runs.start(ANN, "races")
            await asyncio.sleep(0.002)

    async def _allow(self) -> None:
        """More may be spent as soon as runs were stopped by the budget; they go on then."""
        while True:
            stopped = (await self._engine.runs.list(ANN, status="stopped", limit=200)).items
            if stopped:
                (budget,) = (await self._engine.budgets.list(ANN)).items
                allowed = round((budget.limit_usd or 0) * 1e6) + ALLOWANCE
                os.write(self._bill, f"allowed {allowed}\n".encode())
                await self._engine.budgets.set(ANN, "workspace", "", limit_usd=allowed / 1e6)
            for run in stopped:
                try:
                    await self._engine.runs.resume(ANN, run.id)
                except WrongState:
                    continue
            await asyncio.sleep(0.01)


def billed(bill: Path) -> tuple[int, int]:
    """(calls, micro-USD) that the provider has billed so far. AssertionError where that was ever more than was allowed."""
    calls, spent, allowed = 0, 0, 0
    for line in bill.read_text().splitlines():
        what, amount = line.split()
        if what == "allowed":
            allowed = int(amount)
            continue
        calls, spent = calls + 1, spent + int(amount)
        assert spent <= allowed, f"{spent} of {allowed} micro-USD after {calls} calls"
    return calls, spent


async def _live(folder: Path, kinds: Registry, *, number: int, seed: int, calls: int) -> None:
    bill = append_only(folder / BILL)
    gateway = Billing(bill, random.Random(f"{seed}:{number}"))
    engine = await Engine.open(settings_of(folder / "home"), gateway=gateway, registry=kinds)
    await Life(engine, bill, calls=calls).work(folder / BILL)
    await engine.close()


async def _first(folder: Path, kinds: Registry) -> None:
    os.write(append_only(folder / BILL), f"allowed {ALLOWANCE}\n".encode())
    engine = await Engine.open(settings_of(folder / "home"), registry=kinds)
    saved = await engine.workflows.create(ANN, DOCUMENT)
    await engine.workflows.publish(ANN, saved.id)
    await engine.budgets.set(ANN, "workspace", "", limit_usd=ALLOWANCE / 1e6)
    await engine.close()


def _wait_for_calls(bill: Path, wanted: int, child: int) -> None:
    end = time.monotonic() + LAST_PATIENCE_S
    while time.monotonic() < end and os.waitid(os.P_PID, child, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
        if billed(bill)[0] >= wanted:
            return
        time.sleep(0.002)


def main() -> None:
    """Prints the figures as JSON."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--calls", type=int, required=True)
    parser.add_argument("--seed", type=int, required=True)
    arguments = parser.parse_args()
    folder, seed, kills, kinds = arguments.folder, arguments.seed, 0, Registry.builtin()
    get_ready([DOCUMENT], kinds)
    assert lived_to_its_end(fork(folder, _first(folder, kinds)))
    chance = random.Random(seed)
    while (calls := billed(folder / BILL)[0]) < arguments.calls:
        child = fork(folder, _live(folder, kinds, number=kills, seed=seed, calls=10**9))
        _wait_for_calls(folder / BILL, calls + chance.randint(*KILLED_AFTER), child)
        os.kill(child, signal.SIGKILL)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL
        kills += 1
    is_finished = lived_to_its_end(fork(folder, _live(folder, kinds, number=kills, seed=seed, calls=0)))
    calls, spent = billed(folder / BILL)
    print(json.dumps({"seed": seed, "kills": kills, "calls": calls, "billed_micro": spent, "finished": is_finished}))


if __name__ == "__main__":
    main()
