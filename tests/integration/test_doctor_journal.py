"""`doctor journal` holds journals against the table of runs and snapshots against journals; `doctor` tells what runs take."""

import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from engine import Settings
from engine.cli.journals import examine_journals
from engine.insight.installation import Finding
from engine.insight.space import space
from engine.run import snapshots
from engine.storage.sizes import SizeMeter, grown
from tests.integration.running import ANN, Bench, edge, node, opened


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    async with opened(tmp_path / "home") as bench:
        yield bench


async def looped(bench: Bench, *, visits: int = 120, size: int = 1000, name: str = "Loop") -> str:
    """A run of built-in steps alone, long enough for a snapshot."""
    nodes = [
        "start",
        node("a", "set", config={"values": {"x": f"'{'x' * size}'"}}),
        node("more", "branch", config={"cases": [{"port": "again", "when": "true"}]}),
        node("done", "end", config={"output": {"x": "nodes.a.x"}}),
    ]
    back = edge("more.again -> a", max_visits=visits, on_exhausted="else")
    edges = [edge("start -> a"), edge("a -> more"), back, edge("more.else -> done")]
    run = await bench.start(nodes, edges, limits={"steps": 3 * visits + 10}, name=name)
    assert (await bench.until(run)).status == "succeeded"
    await bench.engine._core.executor.keeper.settle()
    return run


def examined(bench: Bench) -> list[Finding]:
    return list(examine_journals(Settings.load({"SIGNALBOX_HOME": str(bench.home)})))


def query(bench: Bench, sql: str, *parameters: Any) -> list[Any]:
    with closing(sqlite3.connect(bench.home / "signalbox.db", isolation_level=None)) as database:
        return database.execute(sql, parameters).fetchall()


async def test_runs_their_forks_and_their_snapshots_agree(bench: Bench) -> None:
    run = await looped(bench)
    fork = (await bench.engine.runs.fork(ANN, run, "done")).run_id
    again = (await bench.engine.runs.fork(ANN, fork, "done")).run_id
    for one in (fork, again):
        await bench.until(one)
    assert [found.told for found in examined(bench) if not found.is_well] == []
    rows = sum(bench.replayed(one).seq for one in (run, fork, again))
    assert examined(bench)[-1].told == f"3 of 3 runs agree with their journals ({rows} rows, 1 snapshots)"


async def test_a_snapshot_that_tells_something_else_is_found(bench: Bench) -> None:
    run = await looped(bench)
    core = bench.engine._core
    plan = core.plans.of(core.reader.run(run).doc_hash)  # pyright: ignore[reportOptionalMemberAccess]
    ((seq, body),) = query(bench, "SELECT seq, state FROM snapshots")
    wrong = snapshots.decode(body, plan, run_id=run, of=run, seq=seq)
    wrong.ledger.steps += 1
    query(bench, "UPDATE snapshots SET state = ?", snapshots.encode(wrong, run))
    (found,) = [found for found in examined(bench) if not found.is_well]
    assert found.subject == run and f"its snapshot at row {seq} tells something else than its rows" in found.told
    query(bench, "DELETE FROM snapshots")
    assert all(found.is_well for found in examined(bench)), "it is only a cache"


@pytest.mark.parametrize(
    ("sql", "told"),
    [
        ("UPDATE snapshots SET state = x'1234'", "cannot be used"),
        ("UPDATE snapshots SET seq = 100000", "a snapshot tells of row 100000, which there is not"),
    ],
)
async def test_a_damaged_snapshot_is_found(bench: Bench, sql: str, told: str) -> None:
    await looped(bench)
    query(bench, sql)
    (found,) = [found for found in examined(bench) if not found.is_well]
    assert told in found.told


async def test_a_snapshot_of_another_version_is_no_fault(bench: Bench) -> None:
    await looped(bench)
    query(bench, "UPDATE snapshots SET codec = '0/old'")
    assert all(found.is_well for found in examined(bench))
    assert "0 snapshots" in examined(bench)[-1].told


async def test_a_journal_row_of_a_fork_that_is_missing_is_found(bench: Bench) -> None:
    run = await looped(bench, visits=5)
    fork = (await bench.engine.runs.fork(ANN, run, "done")).run_id
    await bench.until(fork)
    query(bench, "DELETE FROM journal WHERE run_id = ? AND seq = 3", run)
    assert {found.subject for found in examined(bench) if not found.is_well} == {run, fork}, "they share it"


async def test_doctor_tells_what_runs_take_and_writes_nothing(bench: Bench) -> None:
    await looped(bench, name="Busy")
    await looped(bench, visits=2, name="Idle")
    before = query(bench, "SELECT count(*) FROM run_sizes")
    told = [f"{found.subject}: {found.told}" for found in space(bench.home)]
    assert query(bench, "SELECT count(*) FROM run_sizes") == before == [(0,)]
    assert told[0].startswith("storage: runs take ") and "free for new rows" in told[0]
    assert [line.split(":")[0] for line in told[1:]] == ["runs of Busy", "runs of Idle"]
    assert "in 1 runs, kept for ever" in told[1]
    await bench.engine.storage.get(ANN)
    assert [f"{found.subject}: {found.told}" for found in space(bench.home)][1:] == told[1:], "measured or remembered, it is the same"


async def test_what_was_measured_is_not_measured_again(bench: Bench) -> None:
    run = await looped(bench)
    meter = SizeMeter(bench.home / "signalbox.db")
    sizes, total, _ = meter.measure("main")
    rows = query(bench, "SELECT sum(length(payload) + 200) FROM journal")[0][0]
    kept = query(bench, "SELECT sum(length(state)) FROM snapshots")[0][0]
    (size,) = sizes.values()
    assert (size.journal, size.snapshots, size.bytes, total) == (rows, kept, rows + kept, rows + kept)
    with closing(sqlite3.connect(bench.home / "signalbox.db")) as database:
        heard: list[str] = []
        database.set_trace_callback(heard.append)
        assert list(grown(database)) == [] and not any("FROM journal" in sql for sql in heard)
    fork = (await bench.engine.runs.fork(ANN, run, "done")).run_id
    await bench.until(fork)
    with closing(sqlite3.connect(bench.home / "signalbox.db")) as database:
        assert [measured.run_id for measured in grown(database)] == [fork]
    again, _, _ = meter.measure("main")
    own = query(bench, "SELECT sum(length(payload) + 200) FROM journal WHERE run_id = ?", fork)[0][0]
    assert again[size.workflow_id].journal == size.journal + own, "what a fork shares counts for the run that wrote it"


async def test_a_large_value_counts_once_for_a_workflow_and_once_in_all(bench: Bench) -> None:
    one, two = await looped(bench, visits=1, name="One", size=1500), await looped(bench, visits=1, name="Two", size=1500)
    for run in (one, two):
        workflow = (await bench.engine.runs.get(ANN, run)).workflow
        query(bench, "INSERT INTO blobs (hash, workspace_id, body) VALUES ('h', 'main', zeroblob(50000)) ON CONFLICT DO NOTHING")
        query(bench, "INSERT INTO blob_refs (run_id, hash, workspace_id, bytes) VALUES (?, 'h', 'main', 50000)", run)
        sizes, total, _ = SizeMeter(bench.home / "signalbox.db").measure("main")
        assert sizes[workflow].values == 50_000
    assert total == sum(size.journal + size.snapshots for size in sizes.values()) + 50_000


def test_without_a_database_there_is_nothing_to_tell(tmp_path: Path) -> None:
    assert list(space(tmp_path)) == []
    assert [found.told for found in examine_journals(Settings.load({"SIGNALBOX_HOME": str(tmp_path)}))] == ["there is no database yet"]
