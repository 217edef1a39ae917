"""workflow.md, "Running" 1 to 7: what a sentence says and no other test is named after, shown at the engine's facade."""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from engine.errors import Transient
from engine.nodes.kinds.branch import Branch
from tests.acceptance.benched import Held, ask, begin, branch, ended, let_it_run, settled
from tests.acceptance.by_contract import START, doc, ends, errors, link, node, problems, sets
from tests.integration.running import ANN, Bench, gated, opened, work
from tests.unit.app.javascript import run as javascript


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    async with opened(tmp_path / "home") as bench:
        yield bench


# 1. Start is durable


async def test_a_run_id_is_returned_only_after_the_inputs_and_the_hash_of_the_version_are_on_disk(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    document = doc([START, ask("ok"), ends()], ["start -> ok", "ok.approved -> done"])
    saved = await bench.engine.workflows.create(ANN, document)
    published = await bench.engine.workflows.publish(ANN, saved.id)
    # Each commit of this connection is an fsync: 2 is FULL (sqlite.org/pragma.html#pragma_synchronous).
    assert bench.engine._core.journal._connection.execute("PRAGMA synchronous").fetchone() == (2,)
    held = Held(bench, monkeypatch, b'"run_started"')
    starting = asyncio.ensure_future(bench.engine.runs.start(ANN, saved.id, inputs={"n": 7}))
    await held.reached.wait()
    await let_it_run()
    assert not starting.done()
    held.let_go.set()
    run = (await starting).run_id
    async with opened(bench.copy()) as after:
        stored = after.engine._core.reader.run(run)
        assert stored is not None and stored.doc_hash == published.hash
        assert (await after.engine.runs.get(ANN, run)).inputs == {"n": 7}


async def test_a_run_keeps_its_version_to_the_end(tmp_path: Path) -> None:
    def version(said: str) -> dict[str, Any]:
        return doc(
            [START, ask("ok"), sets("say", v=f'"{said}"'), ends(v="nodes.say.v")], ["start -> ok", "ok.approved -> say", "say -> done"]
        )

    async with opened(tmp_path / "home") as bench:
        saved = await bench.engine.workflows.create(ANN, version("first"))
        await bench.engine.workflows.publish(ANN, saved.id)
        run = (await bench.engine.runs.start(ANN, saved.id)).run_id
        await bench.until(run, "waiting")
        await bench.engine.workflows.replace(ANN, saved.id, document=version("second"), revision=saved.revision)
        await bench.engine.workflows.publish(ANN, saved.id)
    async with opened(tmp_path / "home") as bench:
        await bench.decide(await bench.item())
        view = await bench.until(run)
        assert (view.version, view.output) == (1, {"v": "first"})
        newer = (await bench.engine.runs.start(ANN, saved.id)).run_id
        await bench.decide(await bench.item())
        view = await bench.until(newer)
        assert (view.version, view.output) == (2, {"v": "second"})


# 2. Ready


async def test_an_untaken_port_kills_its_edges_and_death_spreads(bench: Bench) -> None:
    nodes = [START, branch("b", no="false"), sets("x", v="1"), sets("y", v="1"), sets("z", v="1"), ends(v="default(nodes.z.v, 'dead')")]
    document = doc(nodes, ["start -> b", "b.no -> x", "x -> y", "y -> z", "z -> done", "b.else -> done"])
    view = await ended(bench, document)
    # Were one edge of the chain still open, the join in front of the end would wait for ever.
    assert (view.status, view.output) == ("succeeded", {"v": "dead"})
    assert set(await bench.steps(view.id)) == {"start", "b", "done"}


# 3. End


async def test_a_run_ends_when_nothing_is_ready_running_or_waiting(bench: Bench) -> None:
    document = doc(
        [START, gated("slow"), sets("after", v="1"), ask("ok"), ends("early")],
        ["start -> early", "start -> slow", "slow -> after", "start -> ok"],
    )
    run = await begin(bench, document)
    item = await bench.item()
    await bench.called("slow")
    await let_it_run()
    assert (await bench.engine.runs.get(ANN, run)).status == "running"
    bench.works.gate("slow").set()
    assert (await bench.until(run, "waiting")).ended_at is None
    # What became ready in the meantime has run too; only the person is missing.
    assert (await bench.steps(run))["after"].status == "done"
    await bench.decide(item)
    assert (await bench.until(run)).status == "succeeded"


async def test_a_fail_starts_nothing_new_cancels_waits_and_lets_running_calls_finish(bench: Bench) -> None:
    document = doc(
        [START, gated("slow"), work("after"), ask("w"), gated("first"), node("no", "fail", {"message": "Not today."}), ends()],
        ["start -> slow", "slow -> after", "after -> done", "start -> w", "w.approved -> done", "start -> first", "first -> no"],
    )
    run = await begin(bench, document)
    item = await bench.item()
    await bench.called("slow")
    bench.works.gate("first").set()
    await settled(bench, run, lambda steps: steps.get("no") == "failed")
    assert (await bench.engine.runs.get(ANN, run)).ended_at is None
    bench.works.gate("slow").set()
    view = await bench.until(run)
    assert view.status == "failed" and "Not today." in view.reason
    assert {p: s.status for p, s in (await bench.steps(run)).items()} == {
        "start": "done", "slow": "done", "w": "cancelled", "first": "done", "no": "failed",
    }  # fmt: skip
    assert (await bench.engine.approvals.get(ANN, item.id)).status == "cancelled" and not bench.works.calls["after"]


# 4. Cycles


async def test_a_cycle_is_a_natural_loop_when_the_target_of_its_back_edge_dominates_its_source(bench: Bench) -> None:
    nodes = [START, branch("side", past="inputs.past"), sets("h", v="visit"), branch("b", again="visit < 2"), ends(v="nodes.h.v")]
    edges: list[Any] = ["start -> side", "side.else -> h", "h -> b", link("b.again -> h", max_visits=3), "b.else -> done"]
    # Every way to b leads through h, although not every way leads to h.
    assert (await ended(bench, doc(nodes, edges), past=False)).output == {"v": 2}
    # With a second way to b that passes h by, h no longer dominates it.
    (error,) = errors(await problems(bench.engine, doc(nodes, [*edges, "side.past -> b"])))
    assert "h" in error["message"] and "b" in error["message"]


async def test_the_body_is_the_loop_plus_side_branches_that_only_the_loop_reaches_and_that_reach_no_end(bench: Bench) -> None:
    names = ["only", "further", "shared", "telling"]
    document = doc(
        [START, sets("h", v="visit"), *[sets(n, v="1") for n in names], branch("b", again="visit < 2"), ends("told"), ends()],
        ["start -> h", "start -> shared", "h -> b", "h -> only", "only -> further", "b.else -> shared", "b.else -> telling",
         "telling -> told", link("b.again -> h", max_visits=2), "b.else -> done"],
    )  # fmt: skip
    view = await ended(bench, document)
    assert set(await bench.steps(view.id)) == {
        "start", "h#1", "h#1/b", "h#1/only", "h#1/further", "h#2", "h#2/b", "h#2/only", "h#2/further", "shared", "telling", "told", "done",
    }  # fmt: skip


async def test_a_visit_ends_when_nothing_in_the_body_is_ready_running_or_waiting(bench: Bench) -> None:
    document = doc(
        [START, sets("h", v="visit"), gated("slow"), work("after"), ask("ok"), branch("b", again="visit < 2"), ends(v="nodes.h.v")],
        ["start -> h", "h -> b", "h -> slow", "slow -> after", "h -> ok", link("b.again -> h", max_visits=2), "b.else -> done"],
    )
    run = await begin(bench, document)
    item = await bench.item()
    await bench.called("slow")
    steps = await settled(bench, run, lambda steps: steps.get("h#1/b") == "done")
    assert steps["h#1/slow"] == "running" and "h#2" not in steps
    bench.works.gate("slow").set()
    await bench.until(run, "waiting")
    steps = await bench.steps(run)
    assert steps["h#1/after"].status == "done" and "h#2" not in steps, "what became ready has run, and a person is waited for"
    await bench.decide(item)
    item = await bench.item()
    await bench.until(run, "waiting")
    assert item.path == "h#2/ok" and "done" not in await bench.steps(run)
    await bench.decide(item)
    assert (await bench.until(run)).output == {"v": 2}


async def test_a_back_edge_taken_starts_the_next_visit(bench: Bench) -> None:
    document = doc(
        [START, sets("h", v="visit"), branch("b", again="visit < 4"), ends(v="nodes.h.v")],
        ["start -> h", "h -> b", link("b.again -> h", max_visits=9), "b.else -> done"],
    )
    view = await ended(bench, document)
    steps = await bench.steps(view.id)
    assert [steps[f"h#{visit}"].outputs["v"] for visit in (1, 2, 3, 4)] == [1, 2, 3, 4]
    assert [steps[f"h#{visit}/b"].port for visit in (1, 2, 3, 4)] == ["again", "again", "again", "else"]
    assert "h#5" not in steps


# 5. Map box


def boxed(*body: dict[str, Any], edges: tuple[Any, ...] = (), items: str = "inputs.list", **config: Any) -> dict[str, Any]:
    nodes = [START, node("each", "map", {"items": items, **config}), *[{**n, "parent": "each"} for n in body], ends(r="nodes.each.results")]
    return doc(nodes, ["start -> each", f"each.item -> {body[0]['id']}", *edges, "each -> done"])


async def test_nodes_of_the_body_of_a_box_carry_its_id_as_their_parent(bench: Bench) -> None:
    document = boxed(sets("check", v="item"), collect="nodes.check.v")
    assert (await ended(bench, document, list=[1, 2])).output == {"r": [1, 2]}
    check = next(n for n in document["nodes"] if n["id"] == "check")
    assert check["parent"] == "each"
    for wrong in ("nowhere", "start", None):
        check["parent"] = wrong
        assert errors(await problems(bench.engine, document)), wrong


async def test_edges_from_item_lead_to_the_first_nodes_of_the_body_and_out_goes_on_when_all_items_ended(bench: Bench) -> None:
    document = boxed(gated("a", say="a{{ item }}"), work("b"), work("c"), edges=("each.item -> b", "a -> c"))
    run = await begin(bench, document, list=[1, 2])
    await bench.called("b", 2)
    await bench.called("a1")
    bench.works.gate("a1").set()
    steps = await settled(bench, run, lambda steps: steps.get("each[0]/c") == "done")
    await let_it_run()
    assert {"each[0]/a", "each[0]/b", "each[1]/a", "each[1]/b"} <= set(steps)
    assert "done" not in await bench.steps(run)
    bench.works.gate("a2").set()
    assert (await bench.until(run)).status == "succeeded" and "done" in await bench.steps(run)


async def test_collect_is_evaluated_per_item_and_results_keep_the_order_of_the_items(bench: Bench) -> None:
    document = boxed(gated("a", say="{{ item }}"), concurrency=3, collect="[index, nodes.a.said]")
    run = await begin(bench, document, list=["x", "y", "z"])
    for at, name in enumerate("zyx"):
        await bench.called(name)
        bench.works.gate(name).set()
        await settled(bench, run, lambda steps, at=at: steps[f"each[{2 - at}]/a"] == "done")
    assert (await bench.until(run)).output == {"r": [[0, "x"], [1, "y"], [2, "z"]]}


# 6. Paths

PLACES = doc(
    [
        START, sets("draft", v="visit"), branch("ok", again="visit < 2"), node("each", "map", {"items": "[1, 2]"}),
        {**work("check"), "parent": "each"}, ends(),
    ],
    ["start -> draft", "draft -> ok", link("ok.again -> draft", max_visits=2), "ok.else -> each", "each.item -> check", "each -> done"],
)  # fmt: skip
"""A loop, and a box behind it."""


async def test_at_the_top_level_the_path_of_a_step_is_its_id(bench: Bench) -> None:
    view = await ended(bench, PLACES)
    outside = {path: step.node for path, step in (await bench.steps(view.id)).items() if step.parent is None and "#" not in path}
    assert outside == {"start": "start", "each": "each", "done": "done"}


async def test_in_a_loop_paths_carry_the_visit_of_the_header_and_the_header_itself_too(bench: Bench) -> None:
    view = await ended(bench, PLACES)
    assert {"draft#1", "draft#1/ok", "draft#2", "draft#2/ok"} == {path for path in await bench.steps(view.id) if "#" in path}


async def test_items_in_paths_are_counted_from_0(bench: Bench) -> None:
    view = await ended(bench, PLACES)
    assert {path for path in await bench.steps(view.id) if "[" in path} == {"each[0]/check", "each[1]/check"}


FOLD = """
import { emptyRun, fold } from "./fold.js";
---
[...fold(emptyRun(), given).steps.values()].map((step) => step.path)
"""


async def test_journal_idempotency_keys_timeline_and_api_all_use_the_paths(bench: Bench) -> None:
    view = await ended(bench, PLACES)
    paths = {"start", "draft#1", "draft#1/ok", "draft#2", "draft#2/ok", "each", "each[0]/check", "each[1]/check", "done"}
    events = [event.model_dump() for event in await bench.events(view.id)]
    assert {event["path"] for event in events if event["type"] == "step_done"} == paths
    assert set(javascript(FOLD, events, folder="app/components/timeline")) == paths
    assert set(await bench.steps(view.id)) == paths
    for path in paths:
        step = await bench.engine.runs.step(ANN, view.id, path)
        assert step.path == path
        if step.node == "check":
            assert step.outputs["key"] == hashlib.sha256(f"{view.id}:{path}".encode()).hexdigest()


async def test_start_and_end_are_steps(bench: Bench) -> None:
    view = await ended(bench, doc([START, ends(v="inputs.n")], ["start -> done"]), n=3)
    assert {path: (step.kind, step.status) for path, step in (await bench.steps(view.id)).items()} == {
        "start": ("start", "done"), "done": ("end", "done"),
    }  # fmt: skip
    assert view.spent["steps"] == 2


async def test_there_is_one_step_per_path_and_its_attempts_are_counted(bench: Bench) -> None:
    bench.works.failures["a"] = [Transient("Not now."), Transient("Not now.")]
    document = doc([START, work("a", retry={"attempts": 3, "backoff_s": 0.001}), ends()], ["start -> a", "a -> done"])
    view = await ended(bench, document)
    told = (await bench.engine.runs.steps(ANN, view.id, limit=100)).items
    assert [(step.path, step.attempt) for step in told] == [("start", 1), ("a", 3), ("done", 1)]
    assert bench.works.calls["a"] == 3


# 7. Checkpoint after every node


async def test_one_journal_row_holds_outputs_chosen_port_settled_cost_and_the_intents_of_what_starts_next(bench: Bench) -> None:
    document = doc(
        [START, node("l", "llm", {"prompt": "Say something."}), branch("b", yes="true"), work("x", tokens=40), work("y", tokens=2), ends()],
        ["start -> l", "l -> b", "b.yes -> x", "b.yes -> y", "x -> done", "y -> done"],
    )
    view = await ended(bench, document)
    rows = await bench.events(view.id)
    of = {path: [row for row in rows if row.path == path] for path in ("l", "b", "x")}
    assert [len(found) for found in of.values()] == [1, 1, 1], "one row a step"
    asked, chosen = of["l"][0].data, of["b"][0].data
    assert asked["outputs"]["text"] and asked["spent"]["llm_calls"] == 1 and asked["spent"]["tokens"] == view.spent["tokens"]
    assert [start["path"] for start in asked["starts"]] == ["b"]
    assert (chosen["outputs"], chosen["port"]) == ({"case": "yes"}, "yes")
    assert {start["path"]: start["reserved"]["tokens"] for start in chosen["starts"]} == {"x": 40, "y": 2}


async def test_the_successor_starts_after_the_commit(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    held = Held(bench, monkeypatch, b'"said":"a"')
    run = await begin(bench, doc([START, work("a"), work("b"), ends()], ["start -> a", "a -> b", "b -> done"]))
    await held.reached.wait()
    await let_it_run()
    assert bench.works.calls == {"a": 1}
    held.let_go.set()
    await bench.until(run)
    assert bench.works.calls == {"a": 1, "b": 1}


async def test_routing_is_recorded_so_resuming_or_replaying_never_evaluates_it_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    evaluated = 0
    work_out = Branch.work

    def counted(self: Any, config: Any, given: Any) -> Any:
        nonlocal evaluated
        evaluated += 1
        return work_out(self, config, given)

    monkeypatch.setattr(Branch, "work", counted)
    document = doc(
        [START, branch("b", left="true"), work("l"), work("r"), ends("left"), ends("right")],
        ["start -> b", "b.left -> l", "b.else -> r", "l -> left", "r -> right"],
        limits={"steps": 2},
    )
    async with opened(tmp_path / "home") as bench:
        run = await begin(bench, document)
        await bench.until(run, "stopped")
    async with opened(tmp_path / "home") as bench:
        # Worked out once more, it would come out otherwise.
        monkeypatch.setattr(Branch, "work", lambda *_: pytest.fail("evaluated again"))
        await bench.engine.runs.resume(ANN, run, limits={"steps": 10})
        await bench.until(run)
        assert set(await bench.steps(run)) == {"start", "b", "l", "left"}
        bench.replayed(run)
    assert evaluated == 1
