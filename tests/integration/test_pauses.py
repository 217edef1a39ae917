"""Runs that people let stand still, and failed ones that are tried again from the step that failed."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from engine import NotAllowed, Role
from engine.clock import ManualClock
from engine.errors import Permanent, WrongState
from tests.integration.running import ANN, Bench, actor, edge, gated, node, opened, work

OPERATOR = actor("ope", Role.OPERATOR)


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    async with opened(tmp_path / "home") as bench:
        yield bench


CHAIN = [edge(e) for e in ("start -> a", "a -> b", "b -> done")]


def chain(*steps: object) -> list[object]:
    return [node("start", "start"), *steps, node("done", "end", config={"output": {"b": "nodes.b.said"}})]


async def test_a_paused_run_ends_what_runs_and_starts_nothing_until_it_is_resumed(bench: Bench) -> None:
    run = await bench.start(chain(gated("a", say="a"), work("b", say="b")), CHAIN)
    await bench.called("a")
    await bench.engine.runs.pause(OPERATOR, run, reason="Lunch.")
    bench.works.gate("a").set()
    seen = await bench.until(run, "paused")
    assert seen.reason == "Paused by Ope. Lunch. Resume it to go on."
    assert bench.works.calls == {"a": 1}
    assert (await bench.steps(run))["a"].status == "done"
    await bench.engine.runs.resume(OPERATOR, run)
    assert (await bench.until(run)).output == {"b": "b"}
    assert bench.works.calls == {"a": 1, "b": 1}
    bench.replayed(run)


async def test_a_paused_run_stays_paused_through_a_restart(tmp_path: Path) -> None:
    async with opened(tmp_path / "home") as bench:
        run = await bench.start(chain(gated("a", say="a"), work("b", say="b")), CHAIN)
        await bench.called("a")
        await bench.engine.runs.pause(OPERATOR, run)
        bench.works.gate("a").set()
        await bench.until(run, "paused")
    async with opened(tmp_path / "home") as bench:
        assert (await bench.engine.runs.get(ANN, run)).status == "paused"
        await bench.engine.runs.resume(OPERATOR, run)
        assert (await bench.until(run)).status == "succeeded"


async def test_what_is_answered_while_a_run_is_paused_counts_when_it_goes_on(bench: Bench) -> None:
    nodes = [node("start", "start"), node("ok", "approval", config={"title": "Go on?"}), work("b", say="b"), node("done", "end")]
    run = await bench.start(nodes, [edge(e) for e in ("start -> ok", "ok.approved -> b", "b -> done")])
    item = await bench.item()
    assert (await bench.engine.runs.pause(OPERATOR, run)).status == "paused"
    await bench.decide(item)
    assert (await bench.engine.runs.get(ANN, run)).status == "paused"
    assert bench.works.calls == {}
    await bench.engine.runs.resume(OPERATOR, run)
    assert (await bench.until(run)).status == "succeeded"


async def test_a_time_that_comes_while_a_run_is_paused_does_not_set_it_going(tmp_path: Path) -> None:
    clock = ManualClock()
    async with opened(tmp_path / "home", clock=clock) as bench:
        nodes = [node("start", "start"), node("pause", "wait", config={"seconds": 60}), work("b", say="b"), node("done", "end")]
        run = await bench.start(nodes, [edge(e) for e in ("start -> pause", "pause -> b", "b -> done")])
        await bench.until(run, "waiting")
        await bench.engine.runs.pause(OPERATOR, run)
        clock.advance(120)
        await bench.see(lambda: bench.steps(run), lambda steps: steps["pause"].status == "done")
        assert ((await bench.engine.runs.get(ANN, run)).status, bench.works.calls) == ("paused", {})
        await bench.engine.runs.resume(OPERATOR, run)
        assert (await bench.until(run)).status == "succeeded"


async def test_only_a_run_that_moves_or_waits_is_paused_and_only_by_whoever_may(bench: Bench) -> None:
    run = await bench.start(chain(work("a", say="a"), work("b", say="b")), CHAIN)
    await bench.until(run)
    with pytest.raises(WrongState):
        await bench.engine.runs.pause(OPERATOR, run)
    with pytest.raises(NotAllowed):
        await bench.engine.runs.pause(actor("vic", Role.VIEWER, Role.APPROVER, Role.EDITOR), run)


async def test_a_paused_run_is_cancelled_like_any_other(bench: Bench) -> None:
    nodes = [node("start", "start"), node("ok", "approval", config={"title": "Go on?"}), node("done", "end")]
    run = await bench.start(nodes, [edge(e) for e in ("start -> ok", "ok.approved -> done")])
    item = await bench.item()
    await bench.engine.runs.pause(OPERATOR, run)
    await bench.engine.runs.cancel(OPERATOR, run)
    assert (await bench.engine.approvals.get(ANN, item.id)).status == "cancelled"


async def test_a_failed_run_is_tried_again_from_the_step_that_failed(bench: Bench) -> None:
    bench.works.failures["b"] = [Permanent("Not today.")]
    run = await bench.start(chain(work("a", say="a"), work("b", say="b")), CHAIN)
    assert (await bench.until(run)).status == "failed"
    await bench.engine.runs.retry(OPERATOR, run)
    assert (await bench.until(run, "succeeded")).output == {"b": "b"}
    assert bench.works.calls == {"a": 1, "b": 2}
    with pytest.raises(WrongState):
        await bench.engine.runs.retry(OPERATOR, run)


async def test_limits_that_were_raised_while_a_step_ran_on_are_told_at_once(bench: Bench) -> None:
    run = await bench.start([node("start", "start"), gated("a")], [edge("start -> a")])
    await bench.called("a")
    await bench.engine.runs.pause(ANN, run)
    await bench.engine.runs.resume(ANN, run, limits={"steps": 777})
    view = await bench.engine.runs.get(ANN, run)
    (row,) = (await bench.engine.runs.list(ANN)).items
    bench.works.gate("a").set()
    ended = await bench.until(run)
    assert [one.limits["steps"] for one in (view, row, ended) if one.limits] == [777, 777, 777]
