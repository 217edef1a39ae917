"""One history, drawn from one number: processes that die, take over and come back, on one disk, in a world that fails them."""

from __future__ import annotations

import asyncio
import gc
import hashlib
import json
import logging
import shutil
import sqlite3
import tempfile
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

from engine.faultpoints import armed
from engine.graph.validate import check
from engine.ids import CountingIds
from engine.security.audit import AuditLog
from engine.security.secrets import open_key
from engine.storage.migrate import migrate
from engine.storage.sqlite import DATABASE_NAME
from tests.simulation.checks import looked_at
from tests.simulation.loop import SimulatedLoop, Stuck
from tests.simulation.people import People
from tests.simulation.process import GONE, Process, Told
from tests.simulation.world import HERE, World, documents, registry

ACTS = 80
CALM_ROUNDS = 300
_AUDIT = "(SELECT seq, at, actor, action, subject, details FROM audit)"
"""Its hashes hang on a key that every home makes for itself."""
TABLES = ("runs", "journal", "approvals", "timers", "waits", "children", "spending", "blobs", _AUDIT)
_SHM = Path("/dev/shm")


@dataclass
class Outcome:
    """What came of one history."""

    seed: int
    digest: str
    """SHA-256 over every row of every table of the engine."""
    breaches: list[str]
    counted: Counter[str] = field(default_factory=Counter)


class Simulation:
    """Plays one history in a folder of its own."""

    def __init__(self, seed: int, folder: Path) -> None:
        self.seed, self.random = seed, Random(seed)
        self.home = folder
        self.loop = SimulatedLoop(Random(self.random.random()))
        self.world = World(self.random, self.loop.time)
        self.kinds = registry(self.world)
        self.slugs: dict[str, str] = {}
        """Short name of a workflow -> hash of its document."""
        self.most_runs = self.random.randint(2, 8)
        self.processes: list[Process] = []
        self.breaches: list[str] = []
        self._ids = CountingIds()
        self._audit = AuditLog(open_key(folder).derive("audit"))
        self.is_alone = self.random.random() < 0.5
        """Nobody takes a run from a process that lives: as long as one lives, it has to bring everything to its end."""
        self._tasks: list[asyncio.Task[Any]] = []
        self._database = sqlite3.connect(folder / DATABASE_NAME, isolation_level=None)
        self._database.execute("PRAGMA synchronous = OFF")
        self._publish()
        self.people = People(self)

    def rows(self, sql: str, *values: Any) -> list[Any]:
        return self._database.execute(sql, values).fetchall()

    def alive(self) -> list[Process]:
        return [process for process in self.processes if process.is_alive]

    def _publish(self) -> None:
        for slug, document in documents(self.random, self.kinds).items():
            plan = check(document, self.kinds).plan
            assert plan is not None
            self.world.plans[plan.hash], self.slugs[slug] = plan, plan.hash
            body = json.dumps(document)
            self.rows("INSERT OR IGNORE INTO documents VALUES (?, 'main', ?)", plan.hash, body)
            self.rows(
                "INSERT INTO workflows (id, workspace_id, slug, name, revision, document, live_version, created_by, updated_by, created_at,"
                " updated_at) VALUES (?, 'main', ?, ?, 1, ?, 1, 'ann', 'ann', 0, 0)",
                *(slug, slug, slug, body),
            )
            self.rows(
                "INSERT INTO versions (workflow_id, version, workspace_id, hash, edited_by, published_by, published_at)"
                " VALUES (?, 1, 'main', ?, 'ann', 'ann', 0)",
                *(slug, plan.hash),
            )

    # Playing

    def play(self) -> Outcome:
        told = Told()
        log = logging.getLogger("signalbox.run")
        log.addHandler(told)
        propagated, log.propagate = log.propagate, False
        self.loop.set_exception_handler(self._unheard)
        self.loop.set_task_factory(self._task)
        try:
            with armed(lambda name: HERE.get().reached(name)):
                self.loop.run_until_complete(self._history())
        except Stuck:
            self.breaches.append("nothing is ready and nothing will ever be, and the history is not over")
        finally:
            log.removeHandler(told)
            log.propagate = propagated
            for process in self.processes:
                process.journal._connection.close()
            self._drop_what_is_left()
        self.breaches += [f"defect: {defect}" for defect in told.defects]
        for process in self.processes:
            self.breaches += process.breaches
        digest = self._digest()
        self._database.close()
        counted = Counter(self.world.troubles)
        self.breaches += looked_at(self, counted)
        return Outcome(self.seed, digest, self.breaches, counted)

    def _task(self, loop: Any, work: Any, **more: Any) -> asyncio.Task[Any]:
        self._tasks.append(task := asyncio.Task(work, loop=loop, **more))
        return task

    def _unheard(self, _loop: Any, context: dict[str, Any]) -> None:
        error = context.get("exception")
        # Whoever asked a process that has died since hears nothing any more.
        if error is not None and GONE not in str(error):
            self.breaches.append(f"nobody heard of {error!r}: {context.get('message')}")

    def _drop_what_is_left(self) -> None:
        """What dead processes were about to do is dropped, as their memory was."""
        self.loop.set_exception_handler(lambda *_: None)
        for task in self._tasks:
            if task.done():
                # Asked now, in their order, and not whenever memory is tidied up.
                if task._log_traceback and (error := task.exception()) is not None and GONE not in str(error):  # type: ignore[attr-defined]
                    self.breaches.append(f"nobody heard of {error!r} of {task.get_coro()!r}")
                task._log_traceback = False  # type: ignore[attr-defined]
                continue
            task._log_destroy_pending = False  # type: ignore[attr-defined]
            with suppress(RuntimeError):
                # Whatever it does on its way out finds the process dead.
                task.get_coro().close()  # type: ignore[union-attr]
        self.loop._ready.clear()  # type: ignore[attr-defined]
        self.loop._scheduled.clear()  # type: ignore[attr-defined]
        self.loop.close()

    async def _history(self) -> None:
        await self._open()
        for _ in range(ACTS):
            await asyncio.sleep(self.random.choice((0.001, 0.05, 1.0, 10.0)))
            await self._chance()
            self.people.act()
        await self._calm_down()
        await self._finish()

    async def _open(self) -> None:
        """A process takes over, beside whatever still runs."""
        lives_on = self.world.is_calm or self.random.random() < (0.5 if self.is_alone else 0.2)
        dies_after = None if lives_on else self.random.choice((3, 50, 200, 600))
        number = len(self.processes) + 1
        process = Process(
            self.world,
            self.loop,
            self.home / DATABASE_NAME,
            ids=self._ids,
            audit=self._audit,
            number=number,
            refuses=0.015 if self.is_alone else 0.004,
            dies_after=dies_after if dies_after is None else self.random.randint(0, dies_after),
        )
        self.processes.append(process)
        error = await process.later(process.executor.recover) if self.world.is_calm else process.later(process.executor.recover)
        if self.world.is_calm and isinstance(error, Exception):
            self.breaches.append(f"a calm start was refused: {error!r}")

    async def _chance(self) -> None:
        world, random, alive = self.world, self.random, self.alive()
        if not alive or (not self.is_alone and random.random() < 0.03):
            # Without one that is alive it is a restart, else somebody believes that the other one is dead.
            world.trouble("takeovers from a process that lives" if alive else "starts after a death")
            await self._open()
        if len(alive) > 1 and random.random() < 0.2:
            random.choice(alive).die()
        if random.random() < 0.05:
            world.trouble("clocks set")
            world.clock_off_us += random.choice((-7200, -5, 5, 3600)) * 1_000_000
        for process in alive:
            if process.is_disk_full:
                process.is_disk_full = random.random() < 0.6
            elif random.random() < 0.03:
                world.trouble("disks full")
                process.is_disk_full = True

    async def _calm_down(self) -> None:
        self.world.is_calm = True
        alive = self.alive()
        for process in alive:
            process.is_disk_full, process._dies_after = False, None
        if not self.is_alone or not alive:
            for process in alive:
                process.die()
            await self._open()

    async def _finish(self) -> None:
        """Within so many rounds everything has ended, or stands still and says why."""
        process = self.alive()[-1]
        HERE.set(process)
        for _ in range(CALM_ROUNDS):
            if not self.people.bring_to_an_end(process):
                break
            await asyncio.sleep(self.random.choice((5.0, 100.0, 3000.0)))
        else:
            still = self.rows("SELECT run_id, status, reason FROM runs WHERE status IN ('queued', 'running', 'waiting')")
            self.breaches.append(f"these runs do not come to an end: {still}")
        await process.close()

    def _digest(self) -> str:
        digest = hashlib.sha256()
        for table in TABLES:
            for row in sorted(repr(row) for row in self.rows(f"SELECT * FROM {table}")):
                digest.update(row.encode())
        return digest.hexdigest()


_template: list[bytes] = []


def prepared(folder: Path) -> None:
    """An empty database of the present schema; it is made once."""
    database = folder / DATABASE_NAME
    if not _template:
        migrate(database)
        _template.append(database.read_bytes())
    for left in folder.glob(f"{DATABASE_NAME}*"):
        left.unlink()
    database.write_bytes(_template[0])


def play(seed: int, *, keep: Callable[[Path], None] | None = None) -> Outcome:
    """One history; `keep` sees its home before it is thrown away."""
    folder = Path(tempfile.mkdtemp(prefix="signalbox-", dir=_SHM if _SHM.is_dir() else None))
    try:
        prepared(folder)
        outcome = Simulation(seed, folder).play()
        if keep is not None:
            keep(folder)
        return outcome
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        gc.collect(0)
