"""The database has kept something and its answer is lost, or it refuses for a moment: nothing is written twice and nobody is forgotten."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from engine.errors import StorageUnavailable
from engine.faultpoints import armed
from tests.faults.arming import refusal
from tests.integration.running import ANN, Bench, edge, gated, node, opened, work

CHAIN = [node("start", "start"), gated("a"), work("b"), node("done", "end")]
CHAIN_EDGES = [edge(e) for e in ("start -> a", "a -> b", "b -> done")]


@contextmanager
def refusing(*points: str) -> Iterator[list[str]]:
    """Each of these borders refuses once, the first time."""
    left = list(points)

    def at(name: str) -> None:
        if name in left:
            left.remove(name)
            raise refusal(name)

    with armed(at):
        yield left


async def held(bench: Bench) -> str:
    run = await bench.start(CHAIN, CHAIN_EDGES)
    await bench.called("a")
    return run


async def test_a_commit_whose_answer_is_lost_is_looked_up_and_not_written_again(tmp_path: Path) -> None:
    async with opened(tmp_path / "home") as bench:
        run = await held(bench)
        with refusing("journal.committed") as left:
            bench.works.gate("a").set()
            assert (await bench.until(run)).status == "succeeded"
            assert not left
        kinds = [event.type for event in await bench.events(run)]
        assert kinds.count("step_done") == 4 and "run_recovered" not in kinds
        assert bench.works.calls == {"a": 1, "b": 1}


async def test_a_run_whose_commit_nobody_can_look_up_stands_still_and_is_read_again(tmp_path: Path) -> None:
    async with opened(tmp_path / "home") as bench:
        run = await held(bench)
        with refusing("journal.committed", "journal.unsure") as left:
            bench.works.gate("a").set()
            stopped = await bench.until(run, "stopped")
            assert not left and "not known" in stopped.reason
        await bench.engine.runs.resume(ANN, run)
        assert (await bench.until(run)).status == "succeeded"
        kinds = [event.type for event in await bench.events(run)]
        assert kinds.count("step_done") == 4, "what was kept counts"
        bench.replayed(run)


async def test_a_start_of_which_nobody_knows_is_set_going_when_it_is_sent_again(tmp_path: Path) -> None:
    async with opened(tmp_path / "home") as bench:
        slug = await bench.publish(CHAIN, CHAIN_EDGES)
        bench.works.gate("a").set()
        with refusing("journal.committed", "journal.unsure"), pytest.raises(StorageUnavailable):
            await bench.engine.runs.start(ANN, slug, key="once")
        again = await bench.engine.runs.start(ANN, slug, key="once")
        await bench.engine.runs.start(ANN, slug, key="once")
        assert (await bench.until(again.run_id)).status == "succeeded"
        assert [view.id for view in (await bench.engine.runs.list(ANN)).items] == [again.run_id]


@pytest.mark.parametrize("first", [work("a"), {"id": "a", "kind": "wait", "config": {"seconds": 0.05}}], ids=["works", "waits"])
async def test_a_start_of_which_nobody_knows_goes_on_although_nobody_sends_it_again(tmp_path: Path, first: dict[str, object]) -> None:
    async with opened(tmp_path / "home") as bench:
        slug = await bench.publish([node("start", "start"), first, node("done", "end")], [edge("start -> a"), edge("a -> done")])
        with refusing("journal.committed", "journal.unsure"), pytest.raises(StorageUnavailable):
            await bench.engine.runs.start(ANN, slug)
        run = (await bench.engine.runs.list(ANN)).items[0].id
        assert (await bench.until(run)).status == "succeeded"


async def test_a_start_that_is_sent_twice_at_once_is_one_run_that_runs_once(tmp_path: Path) -> None:
    async with opened(tmp_path / "home") as bench:
        run = await held(bench)
        assert (await bench.until(run, "running")).status == "running"
        slug = (await bench.engine.workflows.list(ANN)).items[0].slug
        key = "once"
        first = await bench.engine.runs.start(ANN, slug, key=key)
        second = await bench.engine.runs.start(ANN, slug, key=key)
        assert first.run_id == second.run_id
        bench.works.gate("a").set()
        assert (await bench.until(first.run_id)).status == "succeeded"
        assert "run_recovered" not in [event.type for event in await bench.events(first.run_id)]


async def parent_and_child(bench: Bench) -> str:
    child = await bench.publish(
        [node("start", "start"), gated("c"), node("done", "end")], [edge("start -> c"), edge("c -> done")], name="Child"
    )
    call = {"id": "call", "kind": "subflow", "config": {"workflow": child, "inputs": {}}}
    run = await bench.start([node("start", "start"), call, node("done", "end")], [edge("start -> call"), edge("call -> done")])
    await bench.called("c")
    return run


@pytest.mark.parametrize("point", ["child.telling", "run.read"])
async def test_a_parent_hears_of_its_child_although_the_database_refuses_for_a_moment(tmp_path: Path, point: str) -> None:
    async with opened(tmp_path / "home") as bench:
        run = await parent_and_child(bench)
        with refusing(point) as left:
            bench.works.gate("c").set()
            assert (await bench.until(run)).status == "succeeded"
            assert not left


async def test_a_timer_fires_although_the_database_refuses_for_a_moment(tmp_path: Path) -> None:
    async with opened(tmp_path / "home") as bench:
        rest = {"id": "rest", "kind": "wait", "config": {"seconds": 0.05}}
        with refusing("run.read") as left:
            run = await bench.start([node("start", "start"), rest, node("done", "end")], [edge("start -> rest"), edge("rest -> done")])
            assert (await bench.until(run)).status == "succeeded"
            assert not left
