"""Forks: another run shares what came before a step and goes its own way from there; the bill comes first."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from engine import Invalid, NotAllowed, NotFound, Role
from engine.errors import InvalidInputs, Permanent
from tests.integration.running import ANN, Bench, actor, edge, gated, node, opened, work
from tests.unit.app.javascript import run as javascript

OPERATOR = actor("ope", Role.OPERATOR)
INPUTS = {"type": "object", "required": ["n"], "properties": {"n": {"type": "integer"}}}


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    async with opened(tmp_path / "home") as bench:
        yield bench


def chain() -> tuple[list[Any], list[Any]]:
    """start -> a -> sum -> b -> done; `sum` adds the input to what `a` counts."""
    nodes = [
        node("start", "start", config={"inputs": INPUTS}),
        work("a", say="a"),
        node("sum", "set", config={"values": {"x": "inputs.n + len(nodes.a.said)"}}),
        work("b", say="b"),
        node("done", "end", config={"output": {"x": "nodes.sum.x", "n": "inputs.n", "said": "nodes.a.said"}}),
    ]
    return nodes, [edge(e) for e in ("start -> a", "a -> sum", "sum -> b", "b -> done")]


async def ran(bench: Bench, *, n: int = 1) -> str:
    run = await bench.start(*chain(), inputs={"n": n})
    assert (await bench.until(run)).status == "succeeded"
    return run


async def fork(bench: Bench, run: str, path: str, **more: Any) -> str:
    return (await bench.engine.runs.fork(OPERATOR, run, path, **more)).run_id


async def test_a_fork_shares_what_came_before_and_does_the_rest_anew(bench: Bench) -> None:
    run = await ran(bench)
    other = await fork(bench, run, "b")
    ended = await bench.until(other)
    assert (ended.output, ended.fork_of, ended.forked_at) == ({"x": 2, "n": 1, "said": "a"}, run, "b")
    assert bench.works.calls == {"a": 1, "b": 2}
    assert ended.spent["steps"] == 2, "only what it has done itself is charged"
    steps = await bench.steps(other)
    assert {path: step.reused for path, step in steps.items()} == {"start": run, "a": run, "sum": run, "b": None, "done": None}
    bench.replayed(other)


async def test_a_fork_writes_no_row_of_what_it_shares(bench: Bench) -> None:
    run = await ran(bench)
    other = await fork(bench, run, "b")
    await bench.until(other)
    reader = bench.engine._core.reader
    shared = reader.run(other).fork_seq  # pyright: ignore[reportOptionalMemberAccess]
    own = reader.lineage(other)[-1]
    assert (own.run_id, own.before) == (other, shared)
    rows = reader.rows(other)
    assert [row.seq for row in rows] == list(range(1, len(rows) + 1))
    assert rows[: shared or 0] == reader.rows(run)[: shared or 0]
    assert (await bench.events(other))[shared or 0].type == "run_forked"


async def test_other_inputs_and_other_results_change_what_follows(bench: Bench) -> None:
    run = await ran(bench)
    other = await fork(bench, run, "sum", changes={"inputs.n": 5, "nodes.a.said": "four"})
    assert (await bench.until(other)).output == {"x": 9, "n": 5, "said": "four"}
    assert bench.works.calls == {"a": 1, "b": 2}
    assert (await bench.engine.runs.get(ANN, run)).output == {"x": 2, "n": 1, "said": "a"}, "the other run stays as it was"
    assert (await bench.engine.runs.get(ANN, other)).inputs == {"n": 5}


async def test_a_fork_of_a_fork_shares_both(bench: Bench) -> None:
    run = await ran(bench)
    first = await fork(bench, run, "sum", changes={"inputs.n": 5})
    await bench.until(first)
    second = await fork(bench, first, "b", changes={"nodes.sum.x": 100})
    assert (await bench.until(second)).output == {"x": 100, "n": 5, "said": "a"}
    assert [segment.run_id for segment in bench.engine._core.reader.lineage(second)] == [run, first, second]
    bench.replayed(second)


async def test_a_fork_survives_a_restart(tmp_path: Path) -> None:
    ask = node("ok", "approval", config={"title": "Go on?"})
    nodes = [node("start", "start"), work("a", say="a"), ask, work("b", say="b"), node("done", "end")]
    edges = [edge(e) for e in ("start -> a", "a -> ok", "ok.approved -> b", "b -> done")]
    async with opened(tmp_path / "home") as bench:
        run = await bench.start(nodes, edges)
        await bench.decide(await bench.item())
        await bench.until(run)
        other = await fork(bench, run, "ok")
        await bench.until(other, "waiting")
    async with opened(tmp_path / "home") as bench:
        await bench.decide(await bench.item())
        assert (await bench.until(other)).status == "succeeded"
        bench.replayed(other)


async def test_what_was_allowed_in_the_other_run_is_asked_for_again(bench: Bench) -> None:
    ask = node("ok", "approval", config={"title": "Send it?", "action": "act"})
    act = node("act", "notify", config={"subject": "s", "message": "m"})
    nodes = [node("start", "start"), ask, act, node("done", "end")]
    run = await bench.start(nodes, [edge(e) for e in ("start -> ok", "ok.approved -> act", "act -> done")])
    await bench.decide(await bench.item())
    await bench.until(run)
    other = await fork(bench, run, "act")
    item = await bench.item()
    assert (item.run_id, (await bench.engine.runs.get(ANN, other)).status) == (other, "waiting")
    await bench.decide(item)
    assert (await bench.until(other)).status == "succeeded"


async def test_a_consent_that_was_asked_for_a_second_time_is_asked_for_in_the_fork(bench: Bench) -> None:
    ask = node("ok", "approval", config={"title": "Send it?", "action": "act"})
    act = node("act", "notify", config={"message": "{{ default(nodes.late.said, 'nothing') }}"})
    nodes = [node("start", "start"), ask, act, gated("late"), gated("later"), work("last"), node("done", "end")]
    edges = ["start -> ok", "ok.approved -> act", "act -> done", "start -> late", "start -> later", "later -> last"]
    run = await bench.start(nodes, [edge(e) for e in edges])
    first = await bench.item()
    bench.works.gate("late").set()
    await bench.see(lambda: bench.steps(run), lambda steps: steps["late"].status == "done")
    await bench.decide(first)
    second = await bench.item()
    # While the action waits for its second consent, another step begins.
    bench.works.gate("later").set()
    await bench.see(lambda: bench.steps(run), lambda steps: "last" in steps and steps["last"].status == "done")
    other = await fork(bench, run, "last")
    await bench.see(lambda: bench.engine.runs.get(ANN, other), lambda view: view.status == "waiting")
    (mine,) = [item for item in (await bench.engine.approvals.list(ANN, status="pending")).items if item.run_id == other]
    assert mine.action is not None and mine.action["config"]["message"] == "late"
    await bench.decide(mine)
    assert (await bench.until(other)).status == "succeeded"
    await bench.decide(second)
    assert (await bench.until(run)).status == "succeeded"
    bench.replayed(other)


async def test_what_ran_beside_the_step_runs_again_and_what_had_ended_does_not(bench: Bench) -> None:
    nodes = [node("start", "start"), work("quick", say="quick"), work("after", say="after"), work("slow", kind="gated", say="slow")]
    nodes += [node("done", "end")]
    edges = [edge(e) for e in ("start -> quick", "start -> slow", "quick -> after", "after -> done", "slow -> done")]
    run = await bench.start(nodes, edges)
    await bench.called("after")
    bench.works.gate("slow").set()
    await bench.until(run)
    other = await fork(bench, run, "after")
    await bench.until(other)
    assert bench.works.calls == {"quick": 1, "after": 2, "slow": 2}


async def test_the_bill_counts_what_is_reused_what_is_done_again_and_what_reaches_people_twice(bench: Bench) -> None:
    nodes = [node("start", "start"), work("a", say="a", tokens=30), work("b", say="b", tokens=50)]
    nodes += [node("tell", "notify", title="Tell them", config={"subject": "s", "message": "m"}), node("done", "end")]
    run = await bench.start(nodes, [edge(e) for e in ("start -> a", "a -> b", "b -> tell", "tell -> done")])
    await bench.until(run)
    bill = await bench.engine.runs.fork_bill(OPERATOR, run, "b")
    spent = (await bench.steps(run))["b"].spent
    assert (bill.reuses, bill.reruns, bill.tokens) == (2, 3, spent["tokens"])
    assert [(effect.path, effect.title) for effect in bill.effects] == [("tell", "Tell them")]
    assert bench.works.calls == {"a": 1, "b": 1}, "the bill runs nothing"


async def test_in_test_mode_a_fork_repeats_no_effect(bench: Bench) -> None:
    nodes = [
        node("start", "start"),
        work("a", say="a"),
        node("tell", "notify", config={"subject": "s", "message": "m"}),
        node("done", "end"),
    ]
    run = await bench.start(nodes, [edge(e) for e in ("start -> a", "a -> tell", "tell -> done")])
    await bench.until(run)
    other = await fork(bench, run, "tell", mode="test")
    ended = await bench.until(other)
    assert (ended.mode, ended.effects) == ("test", "simulated")
    assert (await bench.steps(other))["tell"].simulated


async def test_a_failed_run_is_forked_with_what_it_lacked(bench: Bench) -> None:
    bench.works.failures["b"] = [Permanent("Not like this.")]
    run = await bench.start(*chain(), inputs={"n": 1})
    await bench.until(run)
    other = await fork(bench, run, "b", changes={"nodes.sum.x": 7})
    assert (await bench.until(other)).output == {"x": 7, "n": 1, "said": "a"}
    assert (await bench.engine.runs.get(ANN, run)).status == "failed"


async def test_a_fork_inside_a_loop_goes_on_in_that_visit(bench: Bench) -> None:
    again = {"source": "more", "port": "again", "target": "count", "max_visits": 5}
    nodes = [
        node("start", "start"),
        node("count", "set", config={"values": {"x": "visit"}}),
        work("note", say="note"),
        node("more", "branch", config={"cases": [{"port": "again", "when": "visit < 3"}]}),
        node("done", "end", config={"output": {"x": "nodes.count.x"}}),
    ]
    run = await bench.start(nodes, [edge(e) for e in ("start -> count", "count -> note", "note -> more", "more.else -> done")] + [again])
    await bench.until(run)
    other = await fork(bench, run, "count#2/note")
    assert (await bench.until(other)).output == {"x": 3}
    assert bench.works.calls == {"note": 3 + 2}
    bench.replayed(other)


async def test_a_fork_inside_a_box_keeps_the_items_that_had_ended(bench: Bench) -> None:
    nodes = [
        node("start", "start"),
        node("each", "map", config={"items": "[1, 2, 3]", "concurrency": 1, "collect": "nodes.twice.x"}),
        node("twice", "set", parent="each", config={"values": {"x": "item * 2"}}),
        work("note", say="note", parent="each"),
        node("done", "end", config={"output": {"x": "nodes.each.results"}}),
    ]
    edges = [edge(e) for e in ("start -> each", "each.item -> twice", "twice -> note", "each.out -> done")]
    run = await bench.start(nodes, edges)
    await bench.until(run)
    other = await fork(bench, run, "each[1]/note")
    assert (await bench.until(other)).output == {"x": [2, 4, 6]}
    assert bench.works.calls == {"note": 3 + 2}
    bench.replayed(other)


FOLD = """
import { emptyRun, fold } from "./fold.js";
---
(() => {
  const run = fold(emptyRun(), given);
  const steps = [...run.steps.values()].map((step) => [step.path, step.status, step.reused]);
  return { steps, status: run.status, forkOf: run.forkOf, used: run.used.steps, inputs: run.inputs };
})()
"""


async def test_the_page_of_a_run_tells_forks_children_and_pauses_as_the_engine_does(bench: Bench) -> None:
    slug = await bench.publish(*chain())
    nodes = [
        node("start", "start", config={"inputs": INPUTS}),
        node("call", "subflow", config={"workflow": slug, "inputs": {"n": "inputs.n"}}),
        work("b", say="b"),
        node("done", "end", config={"output": {"x": "nodes.call.x"}}),
    ]
    run = await bench.start(nodes, [edge(e) for e in ("start -> call", "call -> b", "b -> done")], inputs={"n": 1}, name="Calls")
    await bench.until(run)
    other = await fork(bench, run, "b", changes={"inputs.n": 9})
    ended = await bench.until(other)
    for seen in (run, other):
        view, steps = await bench.engine.runs.get(ANN, seen), await bench.steps(seen)
        found = javascript(FOLD, [event.model_dump() for event in await bench.events(seen)], folder="app/components/timeline")
        assert found["steps"] == [[path, step.status, step.reused or ""] for path, step in steps.items()]
        assert (found["status"], found["used"]) == (view.status, view.spent["steps"])
        assert (found["forkOf"], found["inputs"]) == (view.fork_of or "", view.inputs)
    assert ended.fork_of == run


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"nodes.nobody.x": 1}, "has no step nobody"),
        ({"nodes.b.said": "x"}, "b had no result yet"),
        ({"text": 1}, "Name a value as expressions do"),
        ({"vars.x": 1}, "Name a value as expressions do"),
    ],
)
async def test_a_change_that_cannot_be_names_its_field(bench: Bench, changes: dict[str, Any], told: str) -> None:
    run = await ran(bench)
    with pytest.raises(Invalid) as refused:
        await fork(bench, run, "b", changes=changes)
    assert told in refused.value.details["problems"][0]["message"]
    assert refused.value.details["problems"][0]["field"].startswith("changes.")


async def test_inputs_that_do_not_fit_and_steps_that_never_ran_are_refused(bench: Bench) -> None:
    run = await ran(bench)
    with pytest.raises(InvalidInputs):
        await fork(bench, run, "a", changes={"inputs.n": "many"})
    with pytest.raises(NotFound):
        await fork(bench, run, "nowhere")
    with pytest.raises(NotFound):
        await bench.engine.runs.fork_bill(OPERATOR, "run_none", "a")
    with pytest.raises(NotAllowed):
        await bench.engine.runs.fork(actor("vic", Role.VIEWER, Role.EDITOR), run, "a")
    with pytest.raises(Invalid):
        await fork(bench, run, "a", effects="simulated")


# What a second pair of eyes has found


async def test_a_fork_of_a_fork_from_what_both_share(bench: Bench) -> None:
    run = await ran(bench)
    one = await fork(bench, run, "b")
    await bench.until(one)
    two = await fork(bench, one, "a")
    await bench.until(two)
    rows = bench.engine._core.reader.rows(two)
    assert [row.seq for row in rows] == list(range(1, len(rows) + 1))
    bench.replayed(two)


async def test_a_pinned_approval_allows_nothing_real_in_a_fork(bench: Bench) -> None:
    ask = node("ok", "approval", config={"title": "?", "action": "act"})
    nodes = [node("start", "start"), ask, work("act", kind="unsafe", say="act"), node("done", "end")]
    slug = await bench.publish(nodes, [edge(e) for e in ("start -> ok", "ok.approved -> act", "act -> done")])
    answer = {"decision": "approved", "by": "x", "reason": "", "values": {}}
    await bench.engine.pins.set(ANN, slug, "ok", outputs=answer, port="approved")
    run = (await bench.engine.runs.start(ANN, slug, mode="test")).run_id
    await bench.until(run)
    other = await fork(bench, run, "act", effects="real")
    seen = await bench.until(other, "waiting", "succeeded", "failed")
    assert (seen.status, bench.works.calls["act"]) == ("failed", 0)


async def test_the_bill_names_what_is_in_doubt_where_the_fork_begins_and_other_workflows(bench: Bench, tmp_path: Path) -> None:
    pay, ask = work("pay", kind="unsafe", say="pay"), node("ok", "approval", config={"title": "?"})
    nodes = [node("start", "start"), pay, ask, work("z", say="z"), node("done", "end")]
    edges = [edge(e) for e in ("start -> pay", "start -> ok", "ok.approved -> z", "z -> done", "pay -> done")]
    run = await bench.start(nodes, edges)
    await bench.called("pay")
    async with opened(bench.copy()) as after:
        item = next(one for one in await after.pending() if one.type == "approval")
        await after.decide(item)
        await after.called("z")
        bill = await after.engine.runs.fork_bill(OPERATOR, run, "z")
        assert [effect.path for effect in bill.effects] == ["pay"]
    bench.works.gate("pay").set()


async def test_a_start_that_is_repeated_at_the_same_moment_answers_with_the_first(bench: Bench) -> None:
    slug = await bench.publish(*chain())
    both = await asyncio.gather(*(bench.engine.runs.start(ANN, slug, inputs={"n": 1}, key="k") for _ in range(2)))
    assert both[0].run_id == both[1].run_id
