"""Whoever has lost a run writes nothing more of it: commits are fenced by epoch and head of the journal."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from engine.errors import FencedOut
from engine.facade import sweeping
from engine.storage.journal import Commit, Head, Row
from tests.integration.running import ANN, Bench, edge, node, opened


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    async with opened(tmp_path / "home") as bench:
        yield bench


async def waiting(bench: Bench) -> Any:
    """A run that waits, as it is stored."""
    ask = node("ok", "approval", config={"title": "Go on?"})
    run = await bench.start([node("start", "start"), ask, node("done", "end")], [edge(e) for e in ("start -> ok", "ok.approved -> done")])
    await bench.until(run, "waiting")
    return bench.engine._core.reader.run(run)


def row(stored: Any, *, epoch: int, expected_epoch: int) -> Commit:
    """One more row of the run, by somebody who believes to own it."""
    head = Head("waiting", "?", 0, 0, 0, stored.steps, 0, 0, stored.started_at, None)
    told = Row(stored.head_seq + 1, stored.started_at, "steps_started", "", 0, b'{"type":"steps_started"}')
    return Commit(stored.run_id, stored.workspace_id, epoch, expected_epoch, stored.head_seq, [told], head)


async def test_whoever_was_overtaken_writes_nothing_more(bench: Bench) -> None:
    stored = await waiting(bench)
    journal = bench.engine._core.journal
    # Another one has taken the run over, and written nothing yet.
    head = row(stored, epoch=0, expected_epoch=0).head
    taken = Commit(stored.run_id, stored.workspace_id, stored.epoch + 1, stored.epoch, stored.head_seq, [], head)
    await journal.commit(taken)
    with pytest.raises(FencedOut):
        await journal.commit(row(stored, epoch=stored.epoch, expected_epoch=stored.epoch))
    assert len(bench.engine._core.reader.rows(stored.run_id)) == stored.head_seq


async def test_two_writers_of_one_epoch_never_both_win(bench: Bench) -> None:
    stored = await waiting(bench)
    journal = bench.engine._core.journal
    both = [journal.commit(row(stored, epoch=stored.epoch, expected_epoch=stored.epoch)) for _ in range(2)]
    outcomes = await asyncio.gather(*both, return_exceptions=True)
    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["FencedOut", "NoneType"]
    rows = bench.engine._core.reader.rows(stored.run_id)
    assert [one.seq for one in rows] == list(range(1, stored.head_seq + 2))
    assert (await bench.engine.runs.get(ANN, stored.run_id)).status == "waiting"


async def test_whoever_has_read_a_run_before_it_left_memory_reads_it_again(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    asks = [node(name, "approval", config={"title": f"{name}?"}) for name in ("first", "second")]
    ways = ("start -> first", "first.approved -> second", "second.approved -> done")
    run = await bench.start([node("start", "start"), *asks, node("done", "end")], [edge(e) for e in ways])
    await bench.until(run, "waiting")
    executor = bench.engine._core.executor
    load, behind = executor._load, await executor._load_now(run)
    # Somebody answers: the run is loaded, writes its rows and waits again, out of memory.
    await bench.decide(await bench.item())
    await bench.see(lambda: asyncio.sleep(0, executor.active_count), lambda active: active == 0)
    read = [behind]

    async def late(run_id: str) -> Any:
        return read.pop() if read else await load(run_id)

    monkeypatch.setattr(executor, "_load", late)
    await bench.decide(await bench.item())
    assert (await bench.until(run)).status == "succeeded" and not read
    bench.replayed(run)


async def test_a_run_that_begins_under_the_id_of_a_deleted_one_is_read_as_it_is(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sweeping, "DAY_US", 1)
    ask = node("ok", "approval", config={"title": "Go on?"})
    workflow = await bench.publish(
        [node("start", "start"), ask, node("done", "end")], [edge(e) for e in ("start -> ok", "ok.approved -> done")]
    )
    for _ in range(2):
        # The key names the run: the second one has the id of the first, which is deleted by then.
        run = (await bench.engine.runs.start(ANN, workflow, key="the same")).run_id
        await bench.decide(await bench.item())
        assert (await bench.until(run)).status == "succeeded"
        await bench.engine.storage.keep(ANN, workflow, days=1)
        await bench.see(bench.engine.storage.sweeper.sweep, lambda deleted: bool(deleted))
        await bench.engine.storage.keep(ANN, workflow, days=None)
