"""Code steps in whole runs: they end as they say, go on after a crash, and hold up nobody else."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from engine.errors import SandboxMissing
from engine.run import programs
from engine.sandbox import monty
from engine.sandbox.program import Suspended
from engine.sandbox.sealed import Place, seal, unseal
from engine.security.secrets import open_key
from engine.storage.retention import RunRemover
from engine.storage.sizes import SizeMeter
from engine.storage.sqlite import DATABASE_NAME
from engine.storage.suspended import KeptProgram, SuspendedPrograms
from tests.integration.code_life import EDGES, LAST, NODES, live
from tests.integration.running import ANN, Bench, node, opened

ROOT = Path(__file__).resolve().parents[2]
TOTAL = sum(range(LAST))
RESULT = {"total": TOTAL, "times": LAST, "distinct": LAST}
PRINTED = "".join(f"{number}\n" for number in range(LAST))
KILLED_AFTER = 17


def die(home: Path, after: int) -> None:
    """A life that is killed when so many checkpoints of its program are kept."""
    command = [sys.executable, "-m", "tests.integration.code_life", str(home), str(after)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == -signal.SIGKILL, done.stderr


@pytest.fixture(scope="module")
def dead(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The home of an engine that was killed in the middle of a code step."""
    home = tmp_path_factory.mktemp("dead") / "home"
    die(home, KILLED_AFTER)
    return home


@pytest.fixture
def home(dead: Path, tmp_path: Path) -> Path:
    """A copy of it."""
    return Path(shutil.copytree(dead, tmp_path / "home"))


def database(home: Path) -> sqlite3.Connection:
    return sqlite3.connect(home / DATABASE_NAME)


def rows_of_programs(home: Path) -> int:
    with closing(database(home)) as connection:
        return connection.execute("SELECT count(*) FROM suspended_programs").fetchone()[0]


async def test_a_killed_engine_goes_on_from_the_checkpoint(home: Path) -> None:
    assert rows_of_programs(home) == 1
    told = await live(home)
    assert (told["status"], told["output"]) == ("succeeded", {"result": RESULT})
    # What came before the crash is neither done again nor lost: the new process has come past the other checkpoints only.
    assert told["kept"] == LAST - KILLED_AFTER
    assert told["note"] == {"code": {"printed": PRINTED, "checkpoints": LAST, "resumed_at": KILLED_AFTER}}
    assert told["attempt"] == 2
    assert rows_of_programs(home) == 0, "the step is over: nothing is kept of it"


async def test_a_program_that_is_killed_twice_comes_to_its_end(home: Path) -> None:
    await asyncio.to_thread(die, home, 10)
    told = await live(home)
    assert (told["output"], told["kept"]) == ({"result": RESULT}, LAST - KILLED_AFTER - 10)


def _flip(connection: sqlite3.Connection, column: str, part: float) -> None:
    (value,) = connection.execute(f"SELECT {column} FROM suspended_programs").fetchone()
    changed = bytearray(value)
    changed[int((len(value) - 1) * part)] ^= 1
    connection.execute(f"UPDATE suspended_programs SET {column} = ?", (bytes(changed),))


def _of_another_run(connection: sqlite3.Connection, home: Path) -> None:
    """What the same program has kept in another run, sealed by the same key."""
    key = open_key(home).derive("suspended programs")
    run, path, attempt, program, body, proof = connection.execute(
        "SELECT run_id, path, attempt, program, body, proof FROM suspended_programs"
    ).fetchone()
    suspended = unseal(key, Place(run, path, program), attempt, body, proof)
    body, proof = seal(key, Place("run_another", path, program), attempt, suspended)
    connection.execute("UPDATE suspended_programs SET body = ?, proof = ?", (body, proof))


CHANGED = {
    "body, first byte": lambda connection, _home: _flip(connection, "body", 0),
    "body, in the middle": lambda connection, _home: _flip(connection, "body", 0.5),
    "body, last byte": lambda connection, _home: _flip(connection, "body", 1),
    "proof": lambda connection, _home: _flip(connection, "proof", 0.5),
    "attempt": lambda connection, _home: connection.execute("UPDATE suspended_programs SET attempt = 0"),
    "program": lambda connection, _home: connection.execute("UPDATE suspended_programs SET program = 'another'"),
    "run": _of_another_run,
}


@pytest.mark.parametrize("what", CHANGED)
async def test_what_was_changed_is_refused_and_the_step_begins_anew(what: str, home: Path) -> None:
    with closing(database(home)) as connection, connection:
        CHANGED[what](connection, home)
    told = await live(home)
    assert (told["status"], told["output"]) == ("succeeded", {"result": RESULT})
    assert told["kept"] == LAST, "it has come past every checkpoint once more"
    reason = "its code, its inputs or the sandbox are others now" if what == "program" else "what was kept of it was changed"
    assert told["note"]["code"] == {"printed": PRINTED, "checkpoints": LAST, "anew": reason}


async def _worker_of(bench: Bench) -> int:
    """The process of the program that runs now."""
    running = bench.engine._core.programs._sandbox._running

    async def look() -> int | None:
        return next((job.pid for job in running.values() if job.pid is not None), None)

    return await bench.see(look, lambda pid: pid is not None)


ENDLESS = "while True: pass"
START, END = node("start", "start"), node("done", "end")


def counting(code: str) -> dict[str, Any]:
    """The node `count` with this code."""
    return node("count", "code") | {"config": {"code": code}}


async def test_a_worker_that_is_killed_fails_its_step_alone(tmp_path: Path) -> None:
    async with opened(tmp_path / "home") as bench:
        step = counting(ENDLESS) | {"retry": {"attempts": 1}}
        run = await bench.start([START, step, END], EDGES)
        os.kill(await _worker_of(bench), signal.SIGKILL)
        assert (await bench.until(run)).status == "failed"
        assert (await bench.steps(run))["count"].error["code"] == "sandbox_crashed"
        again = await bench.start(NODES, EDGES, inputs={"last": 3})
        assert (await bench.until(again)).output == {"result": {"total": 3, "times": 3, "distinct": 3}}


async def test_a_worker_that_is_killed_lets_the_step_try_again(tmp_path: Path) -> None:
    async with opened(tmp_path / "home") as bench:
        code = "total = 0\nfor number in range(3000000): total += number\ntotal"
        step = counting(code) | {"retry": {"attempts": 2, "backoff_s": 0.001}}
        run = await bench.start([START, step, NODES[2]], EDGES)
        os.kill(await _worker_of(bench), signal.SIGKILL)
        view = await bench.until(run)
        assert (view.status, view.output) == ("succeeded", {"result": sum(range(3_000_000))})
        assert (await bench.steps(run))["count"].attempt == 2


async def test_a_run_that_is_cancelled_ends_its_worker(tmp_path: Path) -> None:
    async with opened(tmp_path / "home") as bench:
        run = await bench.start([START, counting(ENDLESS), END], EDGES)
        pid = await _worker_of(bench)
        await bench.engine.runs.cancel(ANN, run, reason="Enough.")

        async def is_there() -> bool:
            return Path(f"/proc/{pid}").exists()

        await bench.see(is_there, lambda there: not there)


async def test_endless_programs_hold_up_no_other_run(tmp_path: Path) -> None:
    async with opened(tmp_path / "home") as bench:
        endless = [START, counting(ENDLESS), END]
        runs = [await bench.start(endless, EDGES, name=f"Endless {i}") for i in range(2)]
        await _worker_of(bench)
        quick = await bench.start([START, "count", END], EDGES, name="Quick")
        assert (await bench.until(quick)).status == "succeeded"
        await asyncio.gather(*(bench.engine.runs.cancel(ANN, run, reason="Enough.") for run in runs))


async def test_what_a_failing_program_has_printed_stands_with_its_error(tmp_path: Path) -> None:
    async with opened(tmp_path / "home") as bench:
        code = "print('before')\nx = {}\nx['missing']"
        run = await bench.start([START, counting(code), END], EDGES)
        await bench.until(run)
        error = (await bench.steps(run))["count"].error
        assert (error["code"], error["type"], error["line"], error["printed"]) == ("code_failed", "KeyError", 3, "before\n")


async def test_without_a_sandbox_nothing_runs_and_nothing_is_published(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with opened(tmp_path / "home") as bench:
        slug = await bench.publish(NODES, EDGES)

        def gone() -> Path:
            raise SandboxMissing("Code cannot run here: it was taken away.")

        monkeypatch.setattr(monty, "worker_binary", gone)
        with pytest.raises(SandboxMissing):
            await bench.engine.workflows.publish(ANN, slug)
        problems = (await bench.engine.workflows.get(ANN, slug)).problems
        assert [(p["code"], p["severity"]) for p in problems] == [("sandbox_missing", "warning")]
        run = (await bench.engine.runs.start(ANN, slug, inputs={"last": 3})).run_id
        assert (await bench.until(run)).status == "failed"
        assert (await bench.steps(run))["count"].error["code"] == "sandbox_missing"


async def test_a_checkpoint_that_cannot_be_kept_stops_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Suspended] = []
    async with opened(tmp_path / "home") as bench:
        monkeypatch.setattr(programs, "KEEP_EVERY_S", 0.0)
        monkeypatch.setattr(type(bench.engine._core.programs), "keep", lambda _self, _place, _attempt, suspended: asked.append(suspended))
        run = await bench.start(NODES, EDGES, inputs={"last": LAST})
        assert (await bench.until(run)).output == {"result": RESULT}
    assert len(asked) == LAST


def test_a_program_keeps_at_most_one_checkpoint_in_a_while() -> None:
    """Thousands of checkpoints are one write: the clock stands still here."""

    class Still:
        kept = 0

        def now_s(self) -> float:
            return 1.0

        def keep(self, _place: Any, _attempt: int, _suspended: Suspended) -> None:
            self.kept += 1

    keeping = programs._Keeping(still := Still(), Place("run", "path", "hash"), 1)  # type: ignore[arg-type]
    for number in range(1000):
        if keeping.is_due():
            keeping.keep(Suspended(b"", "", number))
    assert still.kept == 1


async def test_what_a_crash_left_behind_counts_in_the_sizes_and_goes_with_the_run(home: Path) -> None:
    told = await live(home)
    assert told["status"] == "succeeded"
    with closing(database(home)) as connection, connection:
        # As a checkpoint that was kept in the instant in which its step was given up.
        connection.execute(
            "INSERT INTO suspended_programs SELECT run_id, 'count', workspace_id, 1, 'hash', x'00', zeroblob(5000) FROM runs LIMIT 1"
        )
    async with opened(home) as bench:
        workflow = (await bench.engine.workflows.list(ANN)).items[0]
        sizes, total, _ = await asyncio.to_thread(SizeMeter(home / DATABASE_NAME).measure, "main")
        assert sizes[workflow.id].snapshots >= 5000 and total >= 5000
        remover = RunRemover(home / DATABASE_NAME)
        assert await asyncio.to_thread(lambda: remover.hide(workflow.id, ended_before=2**62, tell=lambda _connection, _count: None)) == 1
        while await asyncio.to_thread(remover.purge):
            pass
        remover.close()
    assert rows_of_programs(home) == 0


async def test_a_checkpoint_of_a_run_that_is_over_is_not_kept(home: Path) -> None:
    await live(home)
    with closing(database(home)) as connection:
        (run,) = connection.execute("SELECT run_id FROM runs").fetchone()
    kept = SuspendedPrograms(home / DATABASE_NAME)
    assert not await asyncio.to_thread(kept.keep, run, "count", KeptProgram(1, "hash", b"", b""))
    assert not await asyncio.to_thread(kept.keep, "run_gone", "count", KeptProgram(1, "hash", b"", b""))
    kept.close()
    assert rows_of_programs(home) == 0
