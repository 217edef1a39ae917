"""A full disk, a locked database, a torn log: runs stop and say why, nothing acknowledged is lost, and they go on afterwards."""

import asyncio
import os
import random
import shutil
import sqlite3
import subprocess
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any, ClassVar

import pytest

from engine import Engine, Settings
from engine.clock import SystemClock
from engine.errors import Bug, SignalboxError, StorageUnavailable
from engine.llm.gateway import Gateway, GatewaySettings
from engine.nodes.contract import CallKind, Effect, NodeConfig, Outcome
from engine.nodes.registry import Registry
from engine.storage import journal, sqlite
from engine.storage.sqlite import DATABASE_NAME
from tests.integration.modelled import ANN, published, rested, until

TORN = 200
"""Positions at which the log is cut."""


class HoldConfig(NodeConfig):
    """Nothing to set."""


class Hold(CallKind[HoldConfig]):
    """Waits until the test lets it go; remembers how often it was called."""

    kind = "hold"
    title = "Hold"
    effect = Effect.IDEMPOTENT
    Config = HoldConfig
    gate: ClassVar[asyncio.Event]
    calls: ClassVar[int] = 0

    async def execute(self, config: HoldConfig, given: Mapping[str, Any], ctx: Any) -> Outcome:
        Hold.calls += 1
        await Hold.gate.wait()
        return Outcome({"x": 1})


@asynccontextmanager
async def opened(home: Path) -> AsyncIterator[Engine]:
    Hold.gate, Hold.calls = asyncio.Event(), 0
    clock = SystemClock()
    gateway = Gateway(GatewaySettings(default_model="practice", practice_ms_per_token=0, find_ollama=lambda: None), clock=clock)
    kinds = Registry([*Registry.builtin().all(), Hold()])
    engine = await Engine.open(Settings.load({"SIGNALBOX_HOME": str(home)}), clock=clock, gateway=gateway, registry=kinds)
    try:
        yield engine
    finally:
        await engine.close()


def document(*nodes: dict[str, Any], edges: list[tuple[str, ...]], output: dict[str, str] | None = None) -> dict[str, Any]:
    return {
        "format": "signalbox/1",
        "name": "Faulty",
        "nodes": [{"id": "start", "kind": "start"}, *nodes, {"id": "done", "kind": "end", "config": {"output": output or {}}}],
        "edges": [{"source": e[0], "target": e[-1], **({"port": e[1]} if len(e) == 3 else {})} for e in edges],
    }


def _set(name: str, value: str) -> dict[str, Any]:
    return {"id": name, "kind": "set", "config": {"values": {"x": value}}}


HELD = document(
    _set("a", "1"),
    {"id": "hold", "kind": "hold"},
    _set("b", "nodes.a.x + nodes.hold.x"),
    edges=[("start", "a"), ("a", "hold"), ("hold", "b"), ("b", "done")],
    output={"x": "nodes.b.x"},
)
ASKED = document(
    {"id": "ok", "kind": "approval", "config": {"title": "Go on?"}}, edges=[("start", "ok"), ("ok", "approved", "done")], output={"x": "3"}
)
EXPIRING = document(
    {"id": "ok", "kind": "approval", "config": {"title": "Go on?", "expires_after_s": 0.3}},
    edges=[("start", "ok"), ("ok", "expired", "done")],
)
QUICK = document(_set("a", "1"), _set("b", "2"), edges=[("start", "a"), ("a", "b"), ("b", "done")], output={"x": "nodes.b.x"})


# Ways in which a database takes no writes


class Fault:
    """A database that can be made to take no writes."""

    reason: str

    def __init__(self, home: Path) -> None:
        self.home = home

    def begin(self, engine: Engine) -> None:
        raise NotImplementedError

    def end(self, engine: Engine | None) -> None:
        raise NotImplementedError


class Faulty:
    """A connection that fails at the statements that `breaks` names."""

    def __init__(self, connection: sqlite3.Connection, breaks: Callable[[str, Any], Exception | None]) -> None:
        self._connection = connection
        self._breaks = breaks

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)

    def execute(self, sql: str, parameters: Any = ()) -> Any:
        if (error := self._breaks(sql, parameters)) is not None:
            raise error
        return self._connection.execute(sql, parameters)


def _full() -> sqlite3.OperationalError:
    error = sqlite3.OperationalError("database or disk is full")
    error.sqlite_errorcode = sqlite3.SQLITE_FULL
    return error


class FullDisk(Fault):
    """A small file system of its own, filled to the last byte."""

    reason = "full"

    def begin(self, engine: Engine) -> None:
        with (self.home.parent / "filler").open("ab", buffering=0) as filler:
            for size in (65536, 4096, 512, 1):
                try:
                    while True:
                        filler.write(b"x" * size)
                except OSError:
                    continue

    def end(self, engine: Engine | None) -> None:
        (self.home.parent / "filler").unlink()


class Refusing(Fault):
    """The journal's connection says what SQLite says on a full disk, where no file system can be mounted."""

    reason = "full"

    def begin(self, engine: Engine) -> None:
        self._plain = engine._core.journal._connection
        faulty = Faulty(self._plain, lambda sql, _: _full() if "INSERT INTO" in sql else None)
        engine._core.journal._connection = faulty  # type: ignore[assignment]

    def end(self, engine: Engine | None) -> None:
        if engine is not None:
            engine._core.journal._connection = self._plain


class Locked(Fault):
    """Another program holds the write lock, longer than anybody waits."""

    reason = "locked"

    def begin(self, engine: Engine) -> None:
        self._other = sqlite3.connect(self.home / DATABASE_NAME, isolation_level=None)
        self._other.execute("BEGIN IMMEDIATE")

    def end(self, engine: Engine | None) -> None:
        self._other.execute("ROLLBACK")
        self._other.close()


@contextmanager
def _small_disk(folder: Path) -> Iterator[None]:
    folder.mkdir()
    mounted = shutil.which("mount") and subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=80m", "tmpfs", str(folder)], capture_output=True, check=False
    )
    if not mounted or mounted.returncode:
        pytest.skip("no file system can be mounted here")
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


@pytest.fixture(params=[FullDisk, Refusing, Locked], ids=["full disk", "refusing", "locked"])
def fault(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Fault]:
    monkeypatch.setattr(journal, "LOCK_WAIT_S", 0.05)
    monkeypatch.setattr(sqlite, "_PRAGMAS", tuple(p.replace("5000", "50") for p in sqlite._PRAGMAS))
    if request.param is FullDisk:
        with _small_disk(tmp_path / "disk"):
            yield FullDisk(tmp_path / "disk" / "home")
    else:
        yield request.param(tmp_path / "home")


# What the database tells, without the engine


def journal_of(home: Path, run: str) -> list[str]:
    """The kinds of its rows; their seq is dense and the runs table agrees."""
    with sqlite3.connect(home / DATABASE_NAME) as database:
        rows = database.execute("SELECT seq, kind, path FROM journal WHERE run_id = ? ORDER BY seq", (run,)).fetchall()
        head = database.execute("SELECT head_seq FROM runs WHERE run_id = ?", (run,)).fetchone()
    database.close()
    assert [row[0] for row in rows] == list(range(1, len(rows) + 1))
    assert head == (len(rows),)
    return [f"{kind} {path}".strip() for _, kind, path in rows]


def count_runs(home: Path) -> int:
    database = sqlite3.connect(home / DATABASE_NAME)
    found = database.execute("SELECT count(*) FROM runs").fetchone()[0]
    database.close()
    return found


async def held(engine: Engine, workflow: str) -> str:
    """A run that stands in its call."""
    before = Hold.calls
    run = (await engine.runs.start(ANN, workflow)).run_id
    async with asyncio.timeout(30):
        while Hold.calls == before:
            await asyncio.sleep(0.005)
    return run


# Full or locked


async def test_a_run_stops_with_the_reason_and_goes_on_where_it_was(fault: Fault) -> None:
    async with opened(fault.home) as engine:
        run = await held(engine, await published(engine, HELD))
        before = journal_of(fault.home, run)
        fault.begin(engine)
        Hold.gate.set()
        stopped = await until(engine, run, lambda view: view.status == "stopped")
        assert fault.reason in stopped.reason
        assert (await engine.health())["status"] == "degraded"
        assert (await engine.health())["runs"]["standing_still"] == 1
        assert journal_of(fault.home, run) == before, "what could not be kept was never there"
        with pytest.raises(StorageUnavailable):
            await engine.runs.resume(ANN, run)
        assert (await engine.runs.get(ANN, run)).status == "stopped"
        fault.end(engine)
        await engine.runs.resume(ANN, run)
        ended = await rested(engine, run)
        assert (ended.status, ended.output) == ("succeeded", {"x": 2})
        assert (await engine.health())["runs"]["standing_still"] == 0
        after = journal_of(fault.home, run)
        assert after[: len(before)] == before
        assert "run_recovered" in after
        assert after.count("step_done hold") == 1


async def test_a_restart_goes_on_too(fault: Fault) -> None:
    async with opened(fault.home) as engine:
        run = await held(engine, await published(engine, HELD))
        fault.begin(engine)
        Hold.gate.set()
        await until(engine, run, lambda view: view.status == "stopped")
    fault.end(None)
    async with opened(fault.home) as engine:
        Hold.gate.set()
        assert (await rested(engine, run)).output == {"x": 2}
        assert (await engine.health())["status"] == "ok"


async def test_a_start_that_cannot_be_kept_is_refused_and_leaves_nothing(fault: Fault) -> None:
    async with opened(fault.home) as engine:
        workflow = await published(engine, QUICK)
        first = await rested(engine, (await engine.runs.start(ANN, workflow, key="first")).run_id)
        fault.begin(engine)
        for _ in range(3):
            with pytest.raises(StorageUnavailable) as refused:
                await engine.runs.start(ANN, workflow, key="second")
            assert refused.value.status == 503
        async with asyncio.TaskGroup() as group:
            many = [group.create_task(_outcome(engine.runs.start(ANN, workflow))) for _ in range(20)]
        assert {type(task.result()) for task in many} == {StorageUnavailable}
        assert count_runs(fault.home) == 1
        assert (await engine.runs.get(ANN, first.id)).status == "succeeded"
        fault.end(engine)
        again = await engine.runs.start(ANN, workflow, key="second")
        assert (await rested(engine, again.run_id)).output == {"x": 2}
        assert count_runs(fault.home) == 2


async def _outcome(work: Any) -> Any:
    try:
        return await work
    except SignalboxError as error:
        return error


async def test_a_decision_that_cannot_be_kept_is_not_acknowledged(fault: Fault) -> None:
    async with opened(fault.home) as engine:
        run = (await engine.runs.start(ANN, await published(engine, ASKED))).run_id
        item = (await engine.approvals.list(ANN, status="pending")).items[0]
        fault.begin(engine)
        with pytest.raises(StorageUnavailable):
            await engine.approvals.decide(ANN, item.id, decision="approve", digest=item.digest)
        assert (await engine.approvals.get(ANN, item.id)).status == "pending"
        fault.end(engine)
        decided = await engine.approvals.decide(ANN, item.id, decision="approve", digest=item.digest)
        assert decided.decision == "approved"
        assert (await rested(engine, run)).output == {"x": 3}
        assert (await engine.health())["status"] == "ok"


async def test_an_item_that_expires_meanwhile_expires_when_the_run_goes_on(fault: Fault) -> None:
    async with opened(fault.home) as engine:
        run = (await engine.runs.start(ANN, await published(engine, EXPIRING))).run_id
        fault.begin(engine)
        await until(engine, run, lambda view: view.status == "stopped")
        fault.end(engine)
        await engine.runs.resume(ANN, run)
        assert (await rested(engine, run)).status == "succeeded"


async def test_a_retry_that_comes_due_meanwhile_is_made_when_the_run_goes_on(fault: Fault) -> None:
    flaky = {"prompt": "Hello", "model": "practice/flaky"}
    retried = {"id": "ask", "kind": "llm", "config": flaky, "retry": {"attempts": 3, "backoff_s": 0.3}}
    async with opened(fault.home) as engine:
        workflow = await published(engine, document(retried, edges=[("start", "ask"), ("ask", "done")]))
        run = (await engine.runs.start(ANN, workflow)).run_id
        await until(engine, run, lambda view: view.status == "waiting")
        fault.begin(engine)
        await until(engine, run, lambda view: view.status == "stopped")
        fault.end(engine)
        await engine.runs.resume(ANN, run)
        assert (await rested(engine, run)).status == "succeeded"


async def test_runs_that_need_nothing_kept_meanwhile_notice_nothing(fault: Fault) -> None:
    async with opened(fault.home) as engine:
        stopped, waiting = await published(engine, HELD), await published(engine, ASKED)
        asked = (await engine.runs.start(ANN, waiting)).run_id
        run = await held(engine, stopped)
        fault.begin(engine)
        Hold.gate.set()
        await until(engine, run, lambda view: view.status == "stopped")
        assert (await engine.runs.get(ANN, asked)).status == "waiting"
        fault.end(engine)
        # Nobody has resumed the one; the other goes on.
        item = (await engine.approvals.list(ANN, status="pending")).items[0]
        await engine.approvals.decide(ANN, item.id, decision="approve", digest=item.digest)
        assert (await rested(engine, asked)).status == "succeeded"
        assert (await engine.runs.get(ANN, run)).status == "stopped"


# What only refuses belongs to a connection, and is gone with it: here the database itself must be at fault.
@pytest.mark.parametrize("fault", [FullDisk, Locked], ids=["full disk", "locked"], indirect=True)
async def test_an_engine_starts_while_nothing_can_be_kept_and_says_what_stands_still(fault: Fault) -> None:
    async with opened(fault.home) as engine:
        run = await held(engine, await published(engine, HELD))
        fault.begin(engine)
    if isinstance(fault, FullDisk):
        # Closing has folded the log into the database, and so made room again.
        fault.begin(engine)
    try:
        async with asyncio.timeout(30), opened(fault.home) as engine:
            view = await until(engine, run, lambda view: view.status == "stopped")
            assert fault.reason in view.reason
            fault.end(engine)
            Hold.gate.set()
            await engine.runs.resume(ANN, run)
            assert (await rested(engine, run)).output == {"x": 2}
    except StorageUnavailable:
        # Refused with the reason is as good.
        fault.end(None)
        async with opened(fault.home) as engine:
            Hold.gate.set()
            assert (await rested(engine, run)).output == {"x": 2}


async def test_a_lock_shorter_than_the_wait_is_noticed_by_nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal, "LOCK_WAIT_S", 20.0)
    fault = Locked(tmp_path / "home")
    async with opened(fault.home) as engine:
        workflow = await published(engine, QUICK)
        fault.begin(engine)
        starting = [asyncio.ensure_future(engine.runs.start(ANN, workflow)) for _ in range(5)]
        await asyncio.sleep(0.2)
        assert not any(start.done() for start in starting)
        fault.end(engine)
        for start in starting:
            assert (await rested(engine, (await start).run_id)).status == "succeeded"


async def test_a_run_whose_starter_went_away_meanwhile_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal, "LOCK_WAIT_S", 20.0)
    fault = Locked(tmp_path / "home")
    async with opened(fault.home) as engine:
        workflow = await published(engine, QUICK)
        fault.begin(engine)
        starting = asyncio.ensure_future(engine.runs.start(ANN, workflow, key="mine"))
        await asyncio.sleep(0.1)
        starting.cancel()
        await asyncio.gather(starting, return_exceptions=True)
        fault.end(engine)
        again = await engine.runs.start(ANN, workflow, key="mine")
        assert (await rested(engine, again.run_id)).status == "succeeded"
        assert count_runs(fault.home) == 1


# A database that fails in other ways


async def test_a_checkpoint_that_fails_takes_no_commit_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal, "CHECKPOINT_BYTES", 1)
    async with opened(tmp_path / "home") as engine:
        workflow = await published(engine, QUICK)
        plain = engine._core.journal._connection
        engine._core.journal._connection = Faulty(plain, lambda sql, _: _full() if "wal_checkpoint" in sql else None)  # type: ignore[assignment]
        async with asyncio.timeout(20):
            run = (await engine.runs.start(ANN, workflow)).run_id
            assert (await rested(engine, run)).status == "succeeded"
            many = [await engine.runs.start(ANN, workflow) for _ in range(5)]
            assert {(await rested(engine, one.run_id)).status for one in many} == {"succeeded"}
        engine._core.journal._connection = plain


async def test_one_run_that_cannot_be_kept_does_not_take_others_along(tmp_path: Path) -> None:
    async with opened(tmp_path / "home") as engine:
        workflow = await published(engine, HELD)
        bad, *good = [await held(engine, workflow) for _ in range(20)]
        plain = engine._core.journal._connection

        def breaks(sql: str, parameters: Any) -> Exception | None:
            is_bad = sql.lstrip().startswith("INSERT INTO journal") and parameters[0] == bad
            return sqlite3.IntegrityError("UNIQUE constraint failed") if is_bad else None

        engine._core.journal._connection = Faulty(plain, breaks)  # type: ignore[assignment]
        Hold.gate.set()
        async with asyncio.timeout(30):
            assert {(await rested(engine, run)).status for run in good} == {"succeeded"}
            assert "UNIQUE" in (await until(engine, bad, lambda view: view.status == "stopped")).reason
        engine._core.journal._connection = plain
        await engine.runs.resume(ANN, bad)
        assert (await rested(engine, bad)).output == {"x": 2}


async def test_a_database_that_fails_in_an_unforeseen_way_is_answered_not_waited_for(tmp_path: Path) -> None:
    async with opened(tmp_path / "home") as engine:
        quick, asked = await published(engine, QUICK), await published(engine, ASKED)
        run = (await engine.runs.start(ANN, asked)).run_id
        item = (await engine.approvals.list(ANN, status="pending")).items[0]
        plain = engine._core.journal._connection
        damaged = sqlite3.DatabaseError("database disk image is malformed")
        engine._core.journal._connection = Faulty(plain, lambda sql, _: damaged if "INSERT INTO journal" in sql else None)  # type: ignore[assignment]
        async with asyncio.timeout(10):
            with pytest.raises((SignalboxError, sqlite3.DatabaseError)):
                await engine.runs.start(ANN, quick)
            with pytest.raises((SignalboxError, sqlite3.DatabaseError)):
                await engine.approvals.decide(ANN, item.id, decision="approve", digest=item.digest)
            assert "malformed" in (await engine.runs.get(ANN, run)).reason
        engine._core.journal._connection = plain
        await engine.approvals.decide(ANN, item.id, decision="approve", digest=item.digest)
        assert (await rested(engine, run)).status == "succeeded"


async def test_one_journal_that_cannot_be_read_keeps_no_engine_from_starting(tmp_path: Path) -> None:
    home = tmp_path / "home"
    async with opened(home) as engine:
        workflow = await published(engine, HELD)
        bad, good = await held(engine, workflow), await held(engine, workflow)
    with sqlite3.connect(home / DATABASE_NAME) as database:
        database.execute("UPDATE journal SET payload = substr(payload, 1, 15) WHERE run_id = ? AND seq = 2", (bad,))
    database.close()
    async with opened(home) as engine:
        Hold.gate.set()
        assert (await rested(engine, good)).status == "succeeded"
        assert "cannot be read" in (await engine.runs.list(ANN, status="running")).items[0].reason
        assert (await engine.health())["status"] == "degraded"
        with pytest.raises((Bug, StorageUnavailable, SignalboxError)):
            await engine.runs.resume(ANN, bad)


# A torn log


async def test_whatever_of_the_log_a_power_cut_leaves_is_a_prefix_that_goes_on(tmp_path: Path) -> None:
    home, kept = tmp_path / "home", tmp_path / "kept"
    kept.mkdir()
    async with opened(home) as engine:
        held_up, asked, quick = [await published(engine, each) for each in (HELD, ASKED, QUICK)]
    acknowledged: list[tuple[int, str, int]] = []
    """(bytes of the log that are synced by then, run, its rows)."""
    log = home / f"{DATABASE_NAME}-wal"
    async with opened(home) as engine:
        for number in range(30):
            run = (await engine.runs.start(ANN, [held_up, asked, quick][number % 3])).run_id
            acknowledged.append((log.stat().st_size, run, len(journal_of(home, run))))
        await asyncio.sleep(0.05)
        acknowledged += [(log.stat().st_size, run, len(journal_of(home, run))) for _, run, _ in acknowledged]
        # No checkpoint has run: the database is as it was, the log only grows, so a copy is what a power cut leaves.
        for name in (DATABASE_NAME, f"{DATABASE_NAME}-wal", "secret.key"):
            shutil.copy(home / name, kept / name)
    chance = random.Random(20_260_103)
    size = (kept / log.name).stat().st_size
    for number in range(TORN):
        await _torn(kept, tmp_path / f"torn{number}", chance.randint(size // 4, size), acknowledged, chance)


async def _torn(kept: Path, home: Path, cut: int, acknowledged: list[tuple[int, str, int]], chance: random.Random) -> None:
    shutil.copytree(kept, home)
    log = home / f"{DATABASE_NAME}-wal"
    os.truncate(log, cut)
    if chance.random() < 0.5:
        # A disk writes sectors in any order: some of the last ones are still what was there before.
        with log.open("r+b") as handle:
            handle.seek(max(0, cut - chance.randint(1, 16) * 512))
            handle.write(b"\0" * 512)
            cut = min(cut, handle.tell() - 512)
    with sqlite3.connect(home / DATABASE_NAME) as database:
        runs = [row[0] for row in database.execute("SELECT run_id FROM runs")]
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    database.close()
    left = {run: len(journal_of(home, run)) for run in runs}
    for synced, run, rows in acknowledged:
        if synced <= cut:
            assert left.get(run, 0) >= rows, f"cut at {cut}: {run} has {left.get(run)} rows, {rows} were synced at {synced}"
    async with opened(home) as engine:
        Hold.gate.set()
        for run in runs:
            view = await until(engine, run, lambda view: view.status not in ("queued", "running"))
            assert view.status in ("succeeded", "waiting"), view
            assert view.status != "waiting" or "inbox" in view.reason
    shutil.rmtree(home)
