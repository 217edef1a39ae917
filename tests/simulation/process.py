"""One simulated process: an executor on the shared disk, which may die at any border of a commit and may come back as a ghost."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from contextlib import suppress
from pathlib import Path
from random import Random
from typing import Any

from engine.errors import SignalboxError
from engine.ids import CountingIds
from engine.run import codec
from engine.run.context import Services
from engine.run.executor import Active, Executor
from engine.run.keeping import Keeper
from engine.run.live import Hub
from engine.run.state import RunState, fold, new_state
from engine.run.turn import Turn
from engine.security.audit import AuditLog
from engine.storage.journal import Journal, Row
from engine.storage.journal_reader import JournalReader
from engine.storage.snapshots import SnapshotWriter
from tests.faults.arming import COMMITTED, NOTHING_TO_REFUSE, refusal
from tests.simulation.loop import SimulatedLoop, SimulatedThread
from tests.simulation.world import HERE, MachineClock, Models, Nobody, World, no_meaning, no_programs
from tests.unit.run.driving import picture

GONE = "The simulated process is gone."


class Crashed(BaseException):
    """The process is gone: no code of it may go on."""

    def __init__(self) -> None:
        super().__init__(GONE)


class Process:
    """Belongs to one loop, and to the disk at `database` like its predecessors and successors."""

    def __init__(
        self,
        world: World,
        loop: SimulatedLoop,
        database: Path,
        *,
        ids: CountingIds,
        audit: AuditLog,
        number: int,
        dies_after: int | None,
        refuses: float,
    ) -> None:
        self.world, self._loop, self.number = world, loop, number
        self._random: Random = world.random
        self.is_alive = True
        self._dies_after = dies_after
        """Borders that it still reaches; None: it does not die by itself."""
        self.is_disk_full = False
        self.refuses = refuses
        """How likely it is, at each border, that the disk says no."""
        self.breaches: list[str] = []
        self.acknowledged: list[tuple[str, Row]] = []
        self._shadows: dict[int, tuple[Active, RunState]] = {}
        self._tasks: set[asyncio.Task[Any]] = set()
        HERE.set(self)
        self.journal = Journal(database, audit.append_raw)
        self.journal._connection.execute("PRAGMA synchronous = OFF")  # only power loss would tell the difference
        self.journal._thread.shutdown()
        self.journal._thread = SimulatedThread(loop)  # type: ignore[assignment]
        self.reader = JournalReader(database)
        writer = SnapshotWriter(database)
        writer._connection.execute("PRAGMA busy_timeout = 0")  # nobody would let go while one waits: all of it is one thread
        keeper = Keeper(self.reader, world.plans.__getitem__, writer, self.journal.wrote_beside)
        keeper._thread.shutdown()
        keeper._thread = SimulatedThread(loop)  # type: ignore[assignment]
        self.executor = Executor(
            self.journal,
            self.reader,
            plan_of=world.plans.__getitem__,
            services=Services(
                models=Models(world), embed=no_meaning, notifier=Nobody(), web=Nobody(), tools=Nobody(), programs=no_programs()
            ),
            clock=MachineClock(world),
            ids=ids,
            hub=Hub(),
            keeper=keeper,
            name=f"process {number}",
        )
        self._after = self.executor._after
        self.executor._after = self._look  # type: ignore[method-assign]

    # Dying, and disks that refuse

    def check_alive(self) -> None:
        """Nothing outside is done by a dead process."""
        if not self.is_alive:
            raise Crashed

    def reached(self, name: str) -> None:
        """At every border of a commit."""
        self.check_alive()
        if self._dies_after is not None:
            self._dies_after -= 1
            if self._dies_after < 0:
                self.die()
                raise Crashed
        if name in NOTHING_TO_REFUSE or name == "call.begins":
            return
        if self.is_disk_full and name.startswith("journal.") and name not in COMMITTED:
            raise refusal(name)
        # Whoever could not answer can often not be asked either.
        if self.world.happens(0.4 if name == "journal.unsure" else self.refuses):
            self.world.trouble("answers of the disk lost" if name in COMMITTED else "refusals of the disk")
            raise refusal(name)

    def die(self) -> None:
        """From here on it does nothing any more."""
        if self.is_alive:
            self.is_alive = False
            self.world.trouble("processes killed")
            # A dead process holds no lock: what it had written of a transaction is undone by whoever comes next.
            if self.journal._connection.in_transaction:
                self.journal._connection.execute("ROLLBACK")

    # What is done in its name

    def later(self, work: Callable[[], Coroutine[Any, Any, Any]]) -> asyncio.Task[Any]:
        """Does something after a while; refusals are answers too."""

        async def do() -> Any:
            HERE.set(self)
            await asyncio.sleep(self._loop.delay())
            if not self.is_alive:
                return None
            try:
                return await work()
            except SignalboxError as error:
                return error

        task = self._loop.create_task(do())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def close(self) -> None:
        """In good order."""
        with suppress(Crashed):
            await self.executor.close()
            await self.journal.close()
        self.reader.close()

    # Looking at every commit

    def _look(self, active: Active, turn: Turn, rows: list[Any]) -> None:
        """What is durable tells the same as what is in memory, after every commit."""
        run_id = active.owner.run_id
        self.acknowledged += [(run_id, row) for row in rows]
        _, shadow = self._shadows.get(id(active), (active, None))
        if shadow is None:
            shadow = new_state(active.state.plan, run_id)
            rows = self.reader.rows(run_id)
        for row in rows:
            fold(shadow, codec.from_row(row, self.reader.blob), at=row.at, path=row.path, attempt=row.attempt)
        # Kept with its owner: another one must not come to stand at the same address.
        self._shadows[id(active)] = (active, shadow)
        if picture(shadow) != picture(active.state):
            self.breaches.append(f"{run_id}: after row {rows[-1].seq} {rows[-1].kind} the journal tells another state than memory")
        self._after(active, turn, rows)


class Told(logging.Handler):
    """Keeps what the engine says about its own defects."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.defects: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        if record.exc_info and record.exc_info[1] is not None and not isinstance(record.exc_info[1], SignalboxError):
            self.defects.append(f"{record.getMessage()}: {record.exc_info[1]!r}")
