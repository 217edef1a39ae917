"""Workflows that run other workflows: in a fixed version, within the limits of the parent, through crashes, and never twice."""

import asyncio
import threading
from collections.abc import AsyncIterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from engine.errors import Permanent, StorageUnavailable, WrongState
from tests.integration.running import ANN, Bench, Works, edge, node, opened, work

INPUTS = {"type": "object", "required": ["n"], "properties": {"n": {"type": "integer"}}}


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    async with opened(tmp_path / "home") as bench:
        yield bench


async def child(bench: Bench, *steps: Any, name: str = "Child", edges: list[str] | None = None, **more: Any) -> str:
    """The slug of start -> steps -> done, which answers with twice its input."""
    nodes = [node("start", "start", config={"inputs": INPUTS}), *steps]
    nodes.append(node("done", "end", config={"output": {"twice": "inputs.n * 2"}}))
    names = [n["id"] for n in nodes]
    ways = edges or [f"{a} -> {b}" for a, b in pairwise(names)]
    return await bench.publish(nodes, [edge(e) for e in ways], name=name, **more)


def parent(slug: str, *, n: str = "inputs.n", **more: Any) -> tuple[list[Any], list[Any]]:
    """start -> call -> done, which answers with what the child has answered."""
    nodes = [
        node("start", "start", config={"inputs": INPUTS}),
        node("call", "subflow", title="The other one", config={"workflow": slug, "inputs": {"n": n}, **more.pop("config", {})}, **more),
        node("done", "end", config={"output": {"twice": "nodes.call.twice"}}),
    ]
    return nodes, [edge(e) for e in ("start -> call", "call -> done")]


async def children_of(bench: Bench, run: str) -> list[Any]:
    found = (await bench.engine.runs.list(ANN, limit=1000)).items
    views = [await bench.engine.runs.get(ANN, one.id) for one in found]
    return [view for view in views if view.parent == run]


async def test_a_step_runs_another_workflow_and_goes_on_with_its_output(bench: Bench) -> None:
    run = await bench.start(*parent(await child(bench, work("a", say="a"))), inputs={"n": 21})
    ended = await bench.until(run)
    assert (ended.status, ended.output) == ("succeeded", {"twice": 42})
    [other] = await children_of(bench, run)
    assert (other.status, other.inputs, other.parent_path, other.mode) == ("succeeded", {"n": 21}, "call", "live")
    step = (await bench.steps(run))["call"]
    assert (step.status, step.inputs, step.note["run"]) == ("done", {"n": 21}, other.id)
    assert ended.spent["steps"] == 3 + other.spent["steps"], "what the child uses is used of the parent's limits"
    bench.replayed(run)
    bench.replayed(other.id)


async def test_the_parent_holds_nothing_while_the_child_waits_for_a_person(bench: Bench) -> None:
    ask = node("ok", "approval", config={"title": "Go on?"})
    slug = await child(bench, ask, edges=["start -> ok", "ok.approved -> done"])
    run = await bench.start(*parent(slug), inputs={"n": 1})
    item = await bench.item()
    seen = await bench.until(run, "waiting")
    assert seen.reason == f"The other one waits for the run {item.run_id} of Child."
    await bench.see(lambda: asyncio.sleep(0, bench.engine._core.executor.active_count), lambda active: active == 0)
    await bench.decide(item)
    assert (await bench.until(run)).output == {"twice": 2}


async def test_the_version_is_fixed_when_the_step_starts(bench: Bench) -> None:
    ask = node("ok", "approval", config={"title": "Go on?"})
    slug = await child(bench, ask, edges=["start -> ok", "ok.approved -> done"])
    run = await bench.start(*parent(slug), inputs={"n": 1})
    item = await bench.item()
    draft = (await bench.engine.workflows.get(ANN, slug)).document
    draft["nodes"][-1]["config"]["output"]["twice"] = "0"
    await bench.engine.workflows.replace(ANN, slug, revision=1, document=draft)
    await bench.engine.workflows.publish(ANN, slug)
    await bench.decide(item)
    assert (await bench.until(run)).output == {"twice": 2}
    named = await bench.start(*parent(slug, config={"version": 1}), inputs={"n": 4}, name="Named")
    await bench.decide(await bench.item())
    assert (await bench.until(named)).output == {"twice": 8}


@pytest.mark.parametrize(
    ("slug", "config", "told"),
    [
        ("nobody", {}, "There is no workflow nobody."),
        ("child", {"version": 9}, "Child has no version 9."),
        ("child", {"inputs": {"n": "'many'"}}, "Child cannot start with this: inputs.n"),
    ],
)
async def test_what_cannot_be_started_fails_the_step_and_says_why(bench: Bench, slug: str, config: dict[str, Any], told: str) -> None:
    await child(bench)
    nodes, edges = parent(slug)
    nodes[1]["config"] |= config
    run = await bench.start(nodes, edges, inputs={"n": 1})
    ended = await bench.until(run)
    assert ended.status == "failed" and told in ended.reason
    assert await children_of(bench, run) == []


async def test_a_child_that_fails_fails_the_step_as_the_step_says(bench: Bench) -> None:
    bench.works.failures["a"] = [Permanent("It broke."), Permanent("It broke.")]
    slug = await child(bench, work("a", say="a"))
    run = await bench.start(*parent(slug), inputs={"n": 1})
    ended = await bench.until(run)
    assert ended.status == "failed" and "of Child has failed: a: It broke." in ended.reason
    nodes, edges = parent(slug, on_error="default", default_output={"twice": -1})
    other = await bench.start(nodes, edges, inputs={"n": 1}, name="Calm")
    assert (await bench.until(other)).output == {"twice": -1}


async def test_a_parent_that_is_retried_starts_a_new_child(bench: Bench) -> None:
    bench.works.failures["a"] = [Permanent("It broke.")]
    run = await bench.start(*parent(await child(bench, work("a", say="a"))), inputs={"n": 1})
    await bench.until(run)
    await bench.engine.runs.retry(ANN, run)
    assert (await bench.until(run, "succeeded")).output == {"twice": 2}
    assert sorted(other.status for other in await children_of(bench, run)) == ["failed", "succeeded"]


async def test_cancelling_a_run_cancels_what_it_has_started_all_the_way_down(bench: Bench) -> None:
    ask = node("ok", "approval", config={"title": "Go on?"})
    inner = await child(bench, ask, name="Inner", edges=["start -> ok", "ok.approved -> done"])
    middle = await bench.publish(*parent(inner), name="Middle")
    run = await bench.start(*parent(middle), inputs={"n": 1}, name="Outer")
    item = await bench.item()
    await bench.engine.runs.cancel(ANN, run)
    [other] = await children_of(bench, run)
    assert (await bench.until(other.id)).status == "cancelled"
    assert (await bench.until(item.run_id)).status == "cancelled"
    assert (await bench.engine.approvals.get(ANN, item.id)).status == "cancelled"


async def test_a_child_that_somebody_cancels_fails_the_step(bench: Bench) -> None:
    ask = node("ok", "approval", config={"title": "Go on?"})
    slug = await child(bench, ask, edges=["start -> ok", "ok.approved -> done"])
    run = await bench.start(*parent(slug), inputs={"n": 1})
    await bench.engine.runs.cancel(ANN, (await bench.item()).run_id)
    ended = await bench.until(run)
    assert ended.status == "failed" and "was cancelled" in ended.reason


async def test_what_nobody_needs_any_more_is_given_up_with_its_child(bench: Bench) -> None:
    ask = node("ok", "approval", config={"title": "Go on?"})
    slug = await child(bench, ask, edges=["start -> ok", "ok.approved -> done"])
    nodes = [
        node("start", "start", config={"inputs": INPUTS}),
        node("call", "subflow", config={"workflow": slug, "inputs": {"n": "1"}}),
        work("quick", kind="gated", say="quick"),
        node("first", "set", join="any", config={"values": {"x": "1"}}),
        node("done", "end"),
    ]
    edges = [edge(e) for e in ("start -> call", "start -> quick", "call -> first", "quick -> first", "first -> done")]
    run = await bench.start(nodes, edges, inputs={"n": 1})
    item = await bench.item()
    bench.works.gate("quick").set()
    assert (await bench.until(run)).status == "succeeded"
    assert (await bench.until(item.run_id)).status == "cancelled"


async def test_a_workflow_that_runs_itself_comes_to_an_end(bench: Bench) -> None:
    slug = await child(bench, name="Snake")
    draft = (await bench.engine.workflows.get(ANN, slug)).document
    nodes, edges = parent(slug)
    await bench.engine.workflows.replace(ANN, slug, revision=1, document=draft | {"nodes": nodes, "edges": edges})
    await bench.engine.workflows.publish(ANN, slug)
    run = (await bench.engine.runs.start(ANN, slug, inputs={"n": 1})).run_id
    ended = await bench.until(run)
    assert ended.status == "failed" and "more than 8 deep" in ended.reason
    assert len((await bench.engine.runs.list(ANN, limit=100)).items) == 9


async def test_a_child_cannot_use_more_than_its_parent_has_left(bench: Bench) -> None:
    slug = await child(bench, work("a", say="a", tokens=160), limits={"tokens": 1000})
    nodes, edges = parent(slug)
    run = await bench.start(nodes, edges, inputs={"n": 1}, limits={"tokens": 100})
    ended = await bench.until(run)
    assert ended.status == "failed" and "was stopped by a limit" in ended.reason
    [other] = await children_of(bench, run)
    assert other.limits["tokens"] == 100
    assert ended.spent["tokens"] <= 100
    assert (await bench.until(other.id)).status == "cancelled"


async def test_a_child_cannot_be_given_more_than_its_part(bench: Bench) -> None:
    slug = await child(bench, work("a", say="a"), work("b", say="b"), limits={"steps": 2}, on_limit="ask")
    run = await bench.start(*parent(slug), inputs={"n": 1})
    item = await bench.item()
    assert (item.type, item.choices, item.editable) == ("limit", ["stop"], {})
    with pytest.raises(WrongState) as refused:
        await bench.engine.runs.resume(ANN, item.run_id, limits={"steps": 50})
    assert run in refused.value.message
    await bench.decide(item, "stop", by=ANN)
    assert "was stopped by a limit" in (await bench.until(run)).reason


async def test_a_test_run_runs_its_children_as_test_runs(bench: Bench) -> None:
    slug = await child(bench, node("tell", "notify", config={"subject": "s", "message": "m"}))
    saved = await bench.publish(*parent(slug), name="Tried")
    run = (await bench.engine.runs.start(ANN, saved, inputs={"n": 1}, mode="test")).run_id
    assert (await bench.until(run)).status == "succeeded"
    [other] = await children_of(bench, run)
    assert (other.mode, other.effects) == ("test", "simulated")
    assert (await bench.steps(other.id))["tell"].simulated


async def test_children_go_on_after_a_restart_and_are_started_once(tmp_path: Path) -> None:
    ask = node("ok", "approval", config={"title": "Go on?"})
    works = Works()
    async with opened(tmp_path / "home", works) as bench:
        slug = await child(bench, work("a", say="a"), ask, edges=["start -> a", "a -> ok", "ok.approved -> done"])
        run = await bench.start(*parent(slug), inputs={"n": 3})
        await bench.item()
    async with opened(tmp_path / "home", works) as bench:
        await bench.decide(await bench.item())
        assert (await bench.until(run)).output == {"twice": 6}
        assert len(await children_of(bench, run)) == 1
        assert works.calls == {"a": 1}


async def test_what_a_crash_cut_off_between_parent_and_child_is_found_again(tmp_path: Path) -> None:
    """The parent's row is durable, and the process dies before the child has started, or before the parent has heard of its end."""
    from engine.run.families import Families

    async with opened(tmp_path / "home") as bench:
        slug = await child(bench)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(Families, "_start", lambda self, *_: asyncio.sleep(0))
            unstarted = await bench.start(*parent(slug), inputs={"n": 1})
            await bench.until(unstarted, "waiting")
            patch.undo()
            patch.setattr(Families, "_tell_parent", lambda self, *_: asyncio.sleep(0))
            untold = await bench.start(*parent(slug), inputs={"n": 2}, name="Untold")
            await bench.see(lambda: children_of(bench, untold), lambda found: found and found[0].status == "succeeded")
            assert (await bench.engine.runs.get(ANN, untold)).status == "waiting"
            assert await children_of(bench, unstarted) == []
    async with opened(tmp_path / "home") as bench:
        assert (await bench.until(unstarted)).output == {"twice": 2}
        assert (await bench.until(untold)).output == {"twice": 4}
        assert [len(await children_of(bench, run)) for run in (unstarted, untold)] == [1, 1]


async def test_a_list_is_worked_through_by_another_workflow(bench: Bench) -> None:
    slug = await child(bench, work("a", say="a"))
    nodes = [
        node("start", "start"),
        node("each", "map", config={"items": "[1, 2, 3, 4]", "concurrency": 2, "collect": "nodes.call.twice"}),
        node("call", "subflow", parent="each", config={"workflow": slug, "inputs": {"n": "item"}}),
        node("done", "end", config={"output": {"all": "nodes.each.results"}}),
    ]
    run = await bench.start(nodes, [edge(e) for e in ("start -> each", "each.item -> call", "each.out -> done")])
    assert (await bench.until(run)).output == {"all": [2, 4, 6, 8]}
    assert sorted(other.parent_path for other in await children_of(bench, run)) == [f"each[{i}]/call" for i in range(4)]
    bench.replayed(run)


# What a second pair of eyes has found


async def test_a_run_that_has_failed_starts_no_child_that_was_still_being_chosen(bench: Bench) -> None:
    slug = await child(bench, work("a", say="a"))
    executor, gate = bench.engine._core.executor, threading.Event()
    plan_of = executor.plan_of

    def slowly(digest: str) -> Any:
        if bench.works.calls["bad"]:
            gate.wait(10)
        return plan_of(digest)

    bench.works.failures["bad"] = [Permanent("No.")]
    nodes = [
        node("start", "start"),
        work("bad", say="bad"),
        work("ready", kind="gated", say="ready"),
        node("call", "subflow", config={"workflow": slug, "inputs": {"n": "1"}}),
        node("done", "end"),
    ]
    edges = [edge(e) for e in ("start -> bad", "start -> ready", "ready -> call", "bad -> done", "call -> done")]
    nodes[1] = work("bad", kind="gated", say="bad")
    executor.plan_of = slowly
    run = await bench.start(nodes, edges)
    await bench.called("ready")
    bench.works.gate("ready").set()
    await bench.called("bad")
    bench.works.gate("bad").set()
    await bench.see(lambda: bench.engine.runs.events(ANN, run, limit=1000), lambda page: any(e.type == "step_failed" for e in page.items))
    gate.set()
    assert (await bench.until(run)).status == "failed"
    assert [other.status for other in await children_of(bench, run) if other.status != "cancelled"] == []
    assert bench.works.calls["a"] == 0


async def test_children_side_by_side_share_the_limits_one_after_the_other(bench: Bench) -> None:
    slug = await child(bench, work("a", say="a", tokens=10))
    nodes = [node("start", "start")]
    nodes += [node(f"c{i}", "subflow", config={"workflow": slug, "inputs": {"n": "1"}}) for i in range(3)]
    nodes += [node("done", "end")]
    run = await bench.start(nodes, [edge(e) for i in range(3) for e in (f"start -> c{i}", f"c{i} -> done")])
    assert (await bench.until(run)).status == "succeeded"
    assert {other.limits["tokens"] for other in await children_of(bench, run)} == {200_000}
    bench.replayed(run)


async def test_children_side_by_side_never_use_more_steps_than_their_parent_has(bench: Bench) -> None:
    slug = await child(bench, *(work(f"a{i}", say="a") for i in range(6)))
    nodes = [node("start", "start")]
    nodes += [node(f"c{i}", "subflow", config={"workflow": slug, "inputs": {"n": "1"}}) for i in range(6)]
    nodes += [node("done", "end")]
    edges = [edge(e) for i in range(6) for e in (f"start -> c{i}", f"c{i} -> done")]
    run = await bench.start(nodes, edges, limits={"steps": 17})
    seen = await bench.until(run, "failed", "stopped")
    assert seen.spent["steps"] <= 17


async def test_a_child_that_was_given_up_is_charged_with_what_it_has_used(bench: Bench) -> None:
    slug = await child(bench, work("a", kind="gated", say="a", tokens=10))
    bench.works.failures["bad"] = [Permanent("No.")]
    nodes = [node("start", "start"), node("call", "subflow", config={"workflow": slug, "inputs": {"n": "1"}})]
    nodes += [work("bad", kind="gated", say="bad"), node("done", "end")]
    run = await bench.start(nodes, [edge(e) for e in ("start -> call", "start -> bad", "call -> done", "bad -> done")])
    await bench.called("a")
    bench.works.gate("bad").set()
    failed = await bench.until(run)
    [other] = await children_of(bench, run)
    assert (failed.status, other.status) == ("failed", "cancelled")
    assert failed.spent["tokens"] == other.spent["tokens"]
    bench.works.gate("a").set()
    await bench.engine.runs.retry(ANN, run)
    assert (await bench.until(run, "succeeded")).status == "succeeded"
    assert bench.engine._core.reader.children() == []


async def test_a_child_that_nobody_waits_for_is_not_done_a_second_time(bench: Bench) -> None:
    bench.works.failures["a"] = [Permanent("It broke.")]
    run = await bench.start(*parent(await child(bench, work("a", say="a"))), inputs={"n": 1})
    await bench.until(run)
    [other] = await children_of(bench, run)
    with pytest.raises(WrongState) as refused:
        await bench.engine.runs.retry(ANN, other.id)
    assert run in refused.value.message


async def test_the_end_of_a_child_reaches_a_parent_that_stood_still(bench: Bench) -> None:
    slug = await child(bench, work("a", kind="gated", say="a"))
    run = await bench.start(*parent(slug), inputs={"n": 1})
    await bench.called("a")
    journal = bench.engine._core.executor._journal
    commit = journal.commit

    async def refuse(what: Any) -> None:
        if what.run_id == run:
            raise StorageUnavailable("The disk is full.")
        await commit(what)

    journal.commit = refuse  # pyright: ignore[reportAttributeAccessIssue]
    bench.works.gate("a").set()
    await bench.until(run, "stopped")
    journal.commit = commit  # pyright: ignore[reportAttributeAccessIssue]
    await bench.engine.runs.resume(ANN, run)
    assert (await bench.until(run)).output == {"twice": 2}


async def test_children_that_wait_for_room_do_not_wake_each_other(bench: Bench) -> None:
    slug = await child(bench, node("ok", "approval", config={"title": "Go on?"}), edges=["start -> ok", "ok.approved -> done"])
    nodes = [node("start", "start")]
    nodes += [node(f"c{i}", "subflow", config={"workflow": slug, "inputs": {"n": "1"}}) for i in range(3)]
    nodes += [node("done", "end")]
    run = await bench.start(nodes, [edge(e) for i in range(3) for e in (f"start -> c{i}", f"c{i} -> done")])
    await bench.item()
    await bench.until(run, "waiting")
    before = len(await bench.events(run))
    await asyncio.sleep(0.5)
    assert len(await bench.events(run)) == before < 12, "while one waits for a person, the others stand still"
    for _ in range(3):
        await bench.decide(await bench.item())
    assert (await bench.until(run)).status == "succeeded"


async def test_the_worst_case_counts_what_the_other_workflow_may_use(bench: Bench) -> None:
    slug = await child(bench, node("a", "llm", config={"prompt": "Hello"}), work("b"), limits={"steps": 50, "llm_calls": 7})
    nodes, edges = parent(slug)
    document = {"format": "signalbox/1", "name": "Parent", "nodes": nodes, "edges": edges}
    told = await bench.engine.workflows.validate(ANN, document)
    assert told.worst_case is not None
    assert (told.worst_case["steps"], told.worst_case["llm_calls"]) == (3 + 4, 1)
    assert told.steps["call"]["steps"] == 5
    saved = await bench.engine.workflows.create(ANN, document)
    assert saved.worst_case == told.worst_case


async def test_what_runs_beside_a_child_never_uses_the_steps_that_are_set_aside_for_it(bench: Bench) -> None:
    ask = node("ok", "approval", config={"title": "Go on?"})
    slug = await child(bench, ask, edges=["start -> ok", "ok.approved -> done"], limits={"steps": 6})
    nodes, edges = parent(slug)
    again = node("again", "branch", config={"cases": [{"port": "more", "when": "visit < 9"}]})
    drawn = [
        *edges,
        edge("start -> beside"),
        edge("beside -> again"),
        edge("again.more -> beside", max_visits=9),
        edge("again.else -> done"),
    ]
    run = await bench.start([*nodes, work("beside"), again], drawn, inputs={"n": 1}, limits={"steps": 16})
    seen = await bench.until(run, "waiting")
    item = await bench.item()
    await bench.see(lambda: bench.engine.runs.get(ANN, run), lambda view: "steps that are set aside" in view.reason)
    held = await bench.engine.runs.get(ANN, run)
    [other] = await children_of(bench, run)
    assert seen.status == "waiting" and held.spent["steps"] + other.limits["steps"] == 16 and other.limits["steps"] >= 3
    # Three of them are used, the others are given back, and that is not enough for what is left.
    await bench.decide(item)
    ended = await bench.until(run, "stopped")
    assert ended.spent["steps"] <= 16 and ended.reason.startswith("The limit steps is reached: ")
    bench.replayed(run)


async def test_a_child_that_nothing_runs_beside_may_use_all_that_is_left(bench: Bench) -> None:
    slug = await child(bench, *(work(f"s{i}") for i in range(6)))
    nodes, edges = parent(slug)
    # A box whose items could need far more than the limit has ended by then.
    box = node("each", "map", config={"items": "[1]", "collect": "item", "max_items": 1000})
    drawn = [e for e in edges if e["target"] != "call"] + [edge(e) for e in ("start -> each", "each.item -> in_it", "each.out -> call")]
    run = await bench.start([*nodes, box, work("in_it", parent="each")], drawn, inputs={"n": 4}, limits={"steps": 14})
    assert (await bench.until(run)).output == {"twice": 8}
    [other] = await children_of(bench, run)
    assert (other.limits["steps"], other.spent["steps"]) == (10, 8)
