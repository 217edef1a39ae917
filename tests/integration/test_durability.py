"""What is acknowledged is on disk first: the order of fsync and answer is read from a trace, the price of it is counted."""

import asyncio
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import pytest

from engine import Engine
from engine.storage.journal import Commit
from engine.storage.sqlite import DATABASE_NAME
from tests.integration.modelled import ANN, opened, published, rested
from tests.integration.running import ANN as ANN_
from tests.integration.running import edge, node, work
from tests.integration.running import opened as opened_works

ROOT = Path(__file__).resolve().parents[2]
STARTS, STEPS = 20, 100


def chain(steps: int) -> dict[str, object]:
    """`steps` nodes in a row beside start and end."""
    nodes = [{"id": f"s{i}", "kind": "set", "config": {"values": {"x": str(i)}}} for i in range(steps)]
    names = ["start", *(node["id"] for node in nodes), "done"]
    return {
        "format": "signalbox/1",
        "name": "Chain",
        "limits": {"steps": steps + 2},
        "nodes": [{"id": "start", "kind": "start"}, *nodes, {"id": "done", "kind": "end"}],
        "edges": [{"source": a, "target": b} for a, b in pairwise(names)],
    }


WAITING = {
    "format": "signalbox/1",
    "name": "Waiting",
    "nodes": [{"id": "start", "kind": "start"}, {"id": "ok", "kind": "approval", "config": {"title": "?"}}, {"id": "done", "kind": "end"}],
    "edges": [{"source": "start", "target": "ok"}, {"source": "ok", "port": "approved", "target": "done"}],
}


async def _traced(home: Path, told: int) -> None:
    """What strace looks at: starts one after the other, each acknowledged by one write to `told`, then one long run."""
    async with opened(home, None) as engine:
        waiting, long = await published(engine, WAITING), await published(engine, chain(STEPS))
        os.write(told, b"begin\n")
        for number in range(STARTS):
            await engine.runs.start(ANN, waiting)
            os.write(told, f"started {number}\n".encode())
        run = await engine.runs.start(ANN, long)
        await rested(engine, run.run_id)
        os.write(told, b"end\n")


@dataclass
class Call:
    """One system call, in the order in which they ended."""

    name: str
    file: str
    text: str


_WHOLE = re.compile(r"^\d+ +(\w+)\(\d+<([^>]*)>(.*)$")
_RESUMED = re.compile(r"^(\d+) +<\.\.\. (\w+) resumed>")


def calls(trace: Path) -> Iterator[Call]:
    """The calls of `strace -f -y`; one that another thread interrupted counts when it is over."""
    begun: dict[str, Call] = {}
    for line in trace.read_text().splitlines():
        thread = line.split(" ", 1)[0]
        if found := _WHOLE.match(line):
            call = Call(found[1], found[2], found[3])
            # A write counts from its begin, an fsync from its end: the strictest reading of the order.
            if "<unfinished ...>" in line and call.name in ("fdatasync", "fsync"):
                begun[thread] = call
            else:
                yield call
        elif (found := _RESUMED.match(line)) and thread in begun:
            yield begun.pop(thread)


@pytest.fixture(scope="module")
def trace(tmp_path_factory: pytest.TempPathFactory) -> list[Call]:
    if shutil.which("strace") is None:
        subprocess.run(["apt-get", "install", "-y", "-q", "strace"], capture_output=True, check=False)
    if shutil.which("strace") is None:
        pytest.skip("needs strace: apt-get install strace")
    folder = tmp_path_factory.mktemp("traced")
    out, told = folder / "trace", folder / "told"
    program = [sys.executable, "-m", "tests.integration.test_durability", str(folder / "home"), str(told)]
    traced = ["strace", "-f", "-y", "-e", "trace=fdatasync,fsync,write,pwrite64", "-o", str(out), *program]
    done = subprocess.run(traced, cwd=ROOT, env=os.environ | {"PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=False)
    if "ptrace" in done.stderr.lower() and not out.exists():
        pytest.skip(f"processes cannot be traced here: {done.stderr.strip()[:200]}")
    assert done.returncode == 0, done.stderr
    return list(calls(out))


def test_a_run_is_acknowledged_only_after_fsync(trace: list[Call]) -> None:
    unsynced, since_last, acknowledged = 0, 0, 0
    for call in trace:
        if call.file.endswith("signalbox.db-wal"):
            synced = call.name in ("fdatasync", "fsync")
            unsynced = 0 if synced else unsynced + 1
            since_last += synced
        elif call.file.endswith("/told"):
            if '"started' in call.text:
                assert since_last >= 1, f"{call.text}: no fdatasync since the acknowledgement before it"
                assert unsynced == 0, f"{call.text}: {unsynced} writes of the log were not on disk"
                acknowledged += 1
            since_last = 0
    assert acknowledged == STARTS


def test_a_long_chain_costs_one_fsync_a_step(trace: list[Call]) -> None:
    last = max(i for i, call in enumerate(trace) if call.file.endswith("/told") and '"started' in call.text)
    end = next(i for i, call in enumerate(trace) if call.file.endswith("/told") and '"end' in call.text)
    synced = sum(call.name in ("fdatasync", "fsync") for call in trace[last:end])
    assert STEPS <= synced <= 1.05 * STEPS + 5


async def test_a_long_chain_costs_one_commit_a_step(tmp_path: Path) -> None:
    async with opened(tmp_path / "home", None) as engine:
        workflow = await published(engine, chain(300))
        before = engine.journal_counts.commits
        view = await rested(engine, (await engine.runs.start(ANN, workflow)).run_id)
        assert view.status == "succeeded"
        commits = engine.journal_counts.commits - before
        # Each step is durable before the next one starts, so fewer would be a defect too.
        assert 300 <= commits <= 1.05 * 302


async def test_fifty_runs_at_once_share_their_commits(tmp_path: Path) -> None:
    async with opened(tmp_path / "home", None) as engine:
        workflow = await published(engine, chain(8))
        await _many(engine, workflow, 5)
        before, rows = engine.journal_counts.commits, engine.journal_counts.rows
        await _many(engine, workflow, 200)
        commits, steps = engine.journal_counts.commits - before, 200 * 10
        assert engine.journal_counts.rows - rows >= steps
        print(json.dumps({"steps": steps, "commits": commits, "commits_per_step": commits / steps}))
        assert commits <= 0.1 * steps


async def _many(engine: Engine, workflow: str, count: int) -> None:
    at_once = asyncio.Semaphore(50)

    async def one() -> None:
        async with at_once:
            run = (await engine.runs.start(ANN, workflow)).run_id
            assert (await rested(engine, run)).status == "succeeded"

    async with asyncio.TaskGroup() as group:
        for _ in range(count):
            group.create_task(one())


async def test_the_journal_writes_with_the_full_guarantee(tmp_path: Path) -> None:
    async with opened(tmp_path / "home", None) as engine:
        connection = engine._core.journal._connection
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        # 2 is FULL: the log is synced at each commit (sqlite.org/pragma.html#pragma_synchronous).
        assert connection.execute("PRAGMA synchronous").fetchone() == (2,)
        assert connection.execute("PRAGMA foreign_keys").fetchone() == (1,)
        with engine._core.records.reading() as session:
            raw = session.connection().exec_driver_sql
            assert raw("PRAGMA synchronous").scalar() == 2
            assert raw("PRAGMA journal_mode").scalar() == "wal"


if __name__ == "__main__":
    asyncio.run(_traced(Path(sys.argv[1]), os.open(sys.argv[2], os.O_WRONLY | os.O_CREAT | os.O_APPEND)))


_LOOKED = "import sqlite3, sys; c = sqlite3.connect(sys.argv[1]); print(c.execute('SELECT count(*) FROM runs').fetchone()[0]); c.close()"


async def test_another_program_that_looks_into_the_database_takes_nothing_away(tmp_path: Path) -> None:
    def seen_by_another() -> int:
        asked = [sys.executable, "-c", _LOOKED, str(tmp_path / "home" / DATABASE_NAME)]
        return int(subprocess.run(asked, capture_output=True, check=True, text=True, timeout=60).stdout)

    # Opened twice: the second time, the database is there already.
    for opening in range(2):
        async with opened(tmp_path / "home", None) as engine:
            workflow = await published(engine, chain(3) | {"name": f"Chain {opening}"})
            log = (tmp_path / "home" / f"{DATABASE_NAME}-wal").stat().st_ino
            for number in range(1, 4):
                await rested(engine, (await engine.runs.start(ANN, workflow)).run_id)
                assert seen_by_another() == opening * 3 + number
                assert (tmp_path / "home" / f"{DATABASE_NAME}-wal").stat().st_ino == log, "the log we write to was deleted"


async def test_no_call_is_made_before_its_intent_is_durable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with opened_works(tmp_path / "home") as bench:
        slug = await bench.publish(
            [node("start", "start"), node("a", "set", config={"values": {"x": "1"}}), work("pay", say="pay"), node("done", "end")],
            [edge(e) for e in ("start -> a", "a -> pay", "pay -> done")],
        )
        journal, written = bench.engine._core.journal, asyncio.Event()
        commit = journal.commit

        async def slow(what: Commit) -> None:
            # The row that holds the intent of `pay` is not on disk yet.
            if any(b'"path":"pay"' in row.payload for row in what.rows):
                await written.wait()
            await commit(what)

        monkeypatch.setattr(journal, "commit", slow)
        run = (await bench.engine.runs.start(ANN_, slug)).run_id
        for _ in range(50):
            await asyncio.sleep(0.002)
        assert bench.works.calls == {}
        written.set()
        assert (await bench.until(run)).status == "succeeded"
        assert bench.works.calls == {"pay": 1}
