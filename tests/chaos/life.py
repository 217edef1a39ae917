"""One process's life: it opens the home, takes over what is there, starts and decides runs, and tells of every acknowledgement.

What it tells is written only after the engine has answered, by one append that outlives the process.
"""

import asyncio
import json
import os
import random
from pathlib import Path
from typing import Any

from engine import Engine, SignalboxError
from engine.errors import AlreadyDecided, StaleApproval, WrongState
from engine.nodes.registry import Registry
from tests.chaos.workload import ANN, DOCUMENTS, LEDGER, Marked, opened

ACKS = "acknowledged"
AT_ONCE = 13
"""Unfinished runs at once: more would only be carried from life to life."""
NAMES = tuple(DOCUMENTS)


class Life:
    """What one process does until it is killed."""

    def __init__(self, engine: Engine, told: int, *, number: int, seed: int) -> None:
        self._engine = engine
        self._told = told
        self._number = number
        self._seed = seed
        self._chance = random.Random(f"{seed}:{number}")
        self._watched: dict[str, asyncio.Task[None]] = {}
        self._starting = 0

    def tell(self, what: str, **more: Any) -> None:
        os.write(self._told, (json.dumps({"what": what, "life": self._number, **more}) + "\n").encode())

    async def work(self) -> None:
        """Until killed."""
        self.tell("open")
        async with asyncio.TaskGroup() as group:
            group.create_task(self._start_runs(group))
            group.create_task(self._decide_items())
            group.create_task(self._interfere(group))

    async def finish(self) -> None:
        """Starts nothing new and returns when nothing moves or waits any more."""
        async with asyncio.TaskGroup() as group:
            deciding = group.create_task(self._decide_items(patience=1.0))
            while (await self._engine.runs.list(ANN, status="queued,running,waiting", limit=1)).items:
                await asyncio.sleep(0.05)
            deciding.cancel()

    async def _start_runs(self, group: asyncio.TaskGroup) -> None:
        count = 0
        while True:
            active = self._engine._core.executor.active_count + self._starting
            for _ in range(min(self._chance.randint(1, 4), AT_ONCE - active)):
                count += 1
                group.create_task(self._start(group, self._chance.choice(NAMES), f"{self._number}-{count}"))
            if self._number > 1 and self._chance.random() < 0.3:
                # The request of an earlier life is repeated, as a client does that got no answer.
                group.create_task(self._start(group, "chain", f"{self._chance.randint(1, self._number - 1)}-1"))
            await asyncio.sleep(self._chance.random() * 0.01)

    async def _start(self, group: asyncio.TaskGroup, workflow: str, key: str) -> None:
        n = number_of(key)
        key = f"{self._seed}-{workflow}-{key}"
        # What is asked for and not there yet counts too: a pile of requests would only slow each other down.
        self._starting += 1
        started = await self._engine.runs.start(ANN, workflow, inputs={"n": n}, key=key)
        self._starting -= 1
        self.tell("start", run=started.run_id, key=key, workflow=workflow, n=n)
        if started.run_id not in self._watched:
            self._watched[started.run_id] = group.create_task(self._watch(started.run_id))

    async def _watch(self, run: str) -> None:
        async for seen in self._engine.runs.watch(ANN, run):
            if (seq := getattr(seen, "seq", None)) is not None:
                self.tell("row", run=run, seq=seq, type=seen.type, path=seen.path, attempt=seen.attempt)

    async def _decide_items(self, patience: float = 0.5) -> None:
        while True:
            for item in (await self._engine.approvals.list(ANN, status="pending")).items:
                if item.title == "Anybody?" or self._chance.random() > patience:
                    continue
                choices = ["done", "retry", "retry", "fail"] if item.type == "in_doubt" else ["approve", "approve", "reject"]
                decision = self._chance.choice(choices)
                try:
                    decided = await self._engine.approvals.decide(ANN, item.id, decision=decision, digest=item.digest)
                except (AlreadyDecided, StaleApproval):
                    continue
                self.tell("decided", item=item.id, run=item.run_id, path=item.path, decision=decided.decision)
            await asyncio.sleep(0.01)

    async def _interfere(self, group: asyncio.TaskGroup) -> None:
        """Some runs are cancelled, and people resume some that failed because an unsafe step did."""
        while True:
            await asyncio.sleep(self._chance.random() * 0.05)
            if self._chance.random() < 0.5:
                group.create_task(self._cancel())
            else:
                group.create_task(self._resume())

    async def _cancel(self) -> None:
        for run in (await self._engine.runs.list(ANN, status="running,waiting", limit=3)).items[:1]:
            if self._chance.random() < 0.3:
                try:
                    await self._engine.runs.cancel(ANN, run.id, reason="chaos")
                except WrongState:
                    continue
                self.tell("cancelled", run=run.id)

    async def _resume(self) -> None:
        for run in (await self._engine.runs.list(ANN, status="failed", workflow="unsafe", limit=1)).items:
            try:
                await self._engine.runs.resume(ANN, run.id)
            except WrongState:
                continue
            self.tell("resumed", run=run.id)


def number_of(key: str) -> int:
    """The input of the run of a key: the same whenever it is started."""
    return sum(key.encode()) % 97


def append_only(path: Path) -> int:
    return os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)


async def live(home: Path, kinds: Registry, *, number: int, seed: int, is_last: bool = False) -> None:
    """Opens, works and never returns, except in the last life, which finishes what is left."""
    Marked.ledger = append_only(home.parent / LEDGER)
    Marked.chance.seed(f"{seed}:{number}")
    engine = await opened(home, kinds)
    life = Life(engine, append_only(home.parent / ACKS), number=number, seed=seed)
    if not is_last:
        await life.work()
        raise SignalboxError("A life ended by itself.")
    await life.finish()
    await engine.close()
