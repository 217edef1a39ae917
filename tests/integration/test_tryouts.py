"""Try-outs of a draft: one step, up to a step, from a step on; pins; effects that are only simulated."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from engine.errors import Invalid, InvalidInputs, NotFound, StepMissing
from engine.nodes.contract import Outcome
from tests.integration.running import ANN, Bench, Permanent, edge, gated, node, opened, work
from tests.unit.graph.workflows import document

NAME = {"type": "object", "required": ["name"], "properties": {"name": {"type": "string"}}}
STRAIGHT: tuple[list[Any], list[Any]] = (
    [
        {"id": "start", "kind": "start", "config": {"inputs": NAME}},
        work("a", say="a for {{ inputs.name }}"),
        work("b", say="b after {{ nodes.a.said }}", title="Second"),
        work("c", say="c after {{ nodes.b.said }}"),
        {"id": "done", "kind": "end", "config": {"output": {"said": "nodes.c.said"}}},
    ],
    ["start -> a", "a -> b", "b -> c", "c -> done"],
)


async def draft(bench: Bench, nodes: list[Any], edges: list[Any], **more: Any) -> str:
    return (await bench.engine.workflows.create(ANN, document(nodes, edges, **more))).id


async def tried_out(bench: Bench, workflow: str, tried: dict[str, Any] | None = None, *, by: Any = ANN, **more: Any) -> Any:
    started = await bench.engine.runs.start(by, workflow, mode="test", tried=tried, **more)
    return await bench.until(started.run_id)


async def test_one_step_runs_alone_with_the_values_of_the_run_before(tmp_path: Path) -> None:
    async with opened(tmp_path / "home") as bench:
        flow = await draft(bench, *STRAIGHT)
        whole = await tried_out(bench, flow, inputs={"name": "Ada"})
        only = await tried_out(bench, flow, {"only": "b"})
        assert only.status == "succeeded" and only.output is None and only.reason == "It ended behind “Second”, as asked."
        assert only.inputs == {"name": "Ada"} and (only.tried.what, only.tried.node, only.tried.base) == ("only", "b", whole.id)
        steps = await bench.steps(only.id)
        assert {path: (s.status, s.reused) for path, s in steps.items()} == {"a": ("done", whole.id), "b": ("done", None)}
        assert steps["b"].outputs["said"] == "b after a for Ada" and steps["a"].outputs["said"] == "a for Ada"
        assert steps["a"].attempt == 0 and steps["a"].spent["steps"] == 0 and only.spent["steps"] == 1
        assert bench.works.calls["a for Ada"] == 1 and bench.works.calls["b after a for Ada"] == 2


async def test_up_to_a_step_runs_what_leads_there_and_nothing_else(tmp_path: Path) -> None:
    nodes, edges = STRAIGHT
    async with opened(tmp_path / "home") as bench:
        flow = await draft(bench, [*nodes, work("aside")], [*edges, "a -> aside"])
        until = await tried_out(bench, flow, {"until": "b"}, inputs={"name": "Ada"})
        assert until.status == "succeeded" and until.reason == "It ended behind “Second”, as asked."
        assert list(await bench.steps(until.id)) == ["start", "a", "b"]
        assert not bench.works.calls["aside"]


async def test_from_a_step_on_the_earlier_results_stand_in(tmp_path: Path) -> None:
    async with opened(tmp_path / "home") as bench:
        flow = await draft(bench, *STRAIGHT)
        first = await tried_out(bench, flow, {"until": "b"}, inputs={"name": "Ada"})
        rest = await tried_out(bench, flow, {"from": "b"})
        assert rest.status == "succeeded" and rest.output == {"said": "c after b after a for Ada"}
        steps = await bench.steps(rest.id)
        assert {path: s.reused for path, s in steps.items()} == {"start": None, "a": first.id, "b": None, "c": None, "done": None}
        assert bench.works.calls["a for Ada"] == 1 and rest.spent["steps"] == 4
        bench.replayed(rest.id)


async def test_a_missing_value_is_told_with_the_name_of_the_step_and_starts_nothing(tmp_path: Path) -> None:
    async with opened(tmp_path / "home") as bench:
        flow = await draft(bench, *STRAIGHT)
        for tried, missing in (({"only": "c"}, "“Second”"), ({"from": "c"}, "“a”")):
            with pytest.raises(StepMissing) as told:
                await tried_out(bench, flow, tried, inputs={"name": "Ada"})
            assert f"Run {missing} first, or pin its output." in told.value.message
            assert told.value.details["problems"][0]["node"]
        assert not (await bench.engine.runs.list(ANN)).items


@pytest.mark.parametrize(
    ("tried", "field"),
    [
        ({}, "try"),
        ({"only": "a", "until": "b"}, "try"),
        ({"only": "nobody"}, "try.only"),
        ({"until": "off"}, "try.until"),
        ({"from": "b", "else": 1}, "try.else"),
    ],
)
async def test_what_cannot_be_tried_is_refused(tmp_path: Path, tried: dict[str, Any], field: str) -> None:
    nodes, edges = STRAIGHT
    async with opened(tmp_path / "home") as bench:
        flow = await draft(bench, [*nodes, work("off", disabled=True)], [*edges, "a -> off"])
        with pytest.raises(Invalid) as told:
            await tried_out(bench, flow, tried, inputs={"name": "Ada"})
        assert told.value.details["problems"][0]["field"] == field


async def test_a_live_run_tries_nothing_and_a_base_is_a_run_of_the_same_workflow(tmp_path: Path) -> None:
    async with opened(tmp_path / "home") as bench:
        flow, other = await draft(bench, *STRAIGHT), await draft(bench, *STRAIGHT)
        elsewhere = await tried_out(bench, other, inputs={"name": "Bob"})
        with pytest.raises(Invalid, match="Only a test run"):
            await bench.engine.runs.start(ANN, flow, inputs={"name": "Ada"}, tried={"only": "a"})
        with pytest.raises(Invalid, match="another workflow"):
            await tried_out(bench, flow, {"only": "b", "base": elsewhere.id})
        with pytest.raises(NotFound):
            await tried_out(bench, flow, {"only": "b", "base": "run_nobody"})
        with pytest.raises(InvalidInputs):
            await tried_out(bench, flow, {"only": "a"})


LOOP: tuple[list[Any], list[Any]] = (
    [
        "start",
        work("draft", say="draft {{ visit }} {{ default(nodes.ok.said, 'first') }}"),
        work("ok", ways=["yes", "no"], say="ok {{ visit }}"),
        work("after", say="after {{ nodes.draft.said }}"),
        {"id": "end", "kind": "end", "config": {"output": {"said": "nodes.after.said"}}},
    ],
    ["start -> draft", "draft -> ok", edge("ok.no -> draft", max_visits=5), "ok.yes -> after", "after -> end"],
)


async def looped(bench: Bench) -> tuple[str, Any]:
    """A run whose loop was left in its second visit."""
    flow = await draft(bench, *LOOP)
    bench.works.answers["ok 1"] = Outcome({"said": "better"}, "no")
    return flow, await tried_out(bench, flow)


async def test_a_step_in_a_loop_is_tried_in_its_last_visit(tmp_path: Path) -> None:
    async with opened(tmp_path / "home") as bench:
        flow, whole = await looped(bench)
        assert whole.output == {"said": "after draft 2 better"}
        only = await tried_out(bench, flow, {"only": "draft"})
        steps = await bench.steps(only.id)
        # What it reads of the step behind it is what the visit before has left.
        assert {path: step.reused for path, step in steps.items()} == {"draft#1/ok": whole.id, "draft#2": None}
        assert steps["draft#2"].outputs["said"] == "draft 2 better"
        rest = await tried_out(bench, flow, {"from": "ok"})
        assert rest.output == whole.output
        reused = [path for path, step in (await bench.steps(rest.id)).items() if step.reused]
        assert reused == ["draft#1", "draft#1/ok", "draft#2"]
        head = await tried_out(bench, flow, {"from": "draft"})
        assert [p for p, step in (await bench.steps(head.id)).items() if step.reused] == ["draft#1", "draft#1/ok"]
        assert head.output == whole.output
        bench.replayed(rest.id)


async def test_behind_a_loop_all_of_its_visits_are_taken_over(tmp_path: Path) -> None:
    async with opened(tmp_path / "home") as bench:
        flow, whole = await looped(bench)
        rest = await tried_out(bench, flow, {"from": "after"})
        steps = await bench.steps(rest.id)
        assert [p for p, step in steps.items() if step.reused == whole.id] == ["draft#1", "draft#1/ok", "draft#2", "draft#2/ok"]
        assert rest.output == whole.output and bench.works.calls["draft 2 better"] == 1
        until = await tried_out(bench, flow, {"until": "after"})
        assert list(await bench.steps(until.id)) == ["start", "draft#1", "draft#1/ok", "draft#2", "draft#2/ok", "after"]


async def test_a_newer_try_out_of_one_step_counts_in_what_follows(tmp_path: Path) -> None:
    async with opened(tmp_path / "home") as bench:
        flow = await draft(bench, *STRAIGHT)
        await tried_out(bench, flow, inputs={"name": "Ada"})
        bench.works.answers["b after a for Ada"] = Outcome({"said": "mended"})
        newer = await tried_out(bench, flow, {"only": "b"})
        rest = await tried_out(bench, flow, {"from": "c"})
        steps = await bench.steps(rest.id)
        assert steps["b"].reused == newer.id and rest.output == {"said": "c after mended"}


JOINED: tuple[list[Any], list[Any]] = (
    [
        "start",
        work("a"),
        work("b"),
        work("join", say="{{ nodes.a.said }} {{ nodes.b.said }}"),
        work("last", say="last {{ nodes.join.said }}"),
        work("beside"),
        {"id": "end", "kind": "end", "config": {"output": {"said": "nodes.last.said"}}},
    ],
    ["start -> a", "start -> b", "a -> join", "b -> join", "join -> last", "last -> end", "start -> beside"],
)


async def test_joins_open_in_a_try_out_as_in_a_run(tmp_path: Path) -> None:
    async with opened(tmp_path / "home") as bench:
        flow = await draft(bench, *JOINED)
        until = await tried_out(bench, flow, {"until": "join"})
        assert sorted(await bench.steps(until.id)) == ["a", "b", "join", "start"]
        rest = await tried_out(bench, flow, {"from": "last"})
        assert rest.output == {"said": "last a b"}
        # What stands beside and has no result runs as if the run went on.
        steps = await bench.steps(rest.id)
        assert {p for p, s in steps.items() if s.reused} == {"a", "b", "join"} and steps["beside"].reused is None
        assert bench.works.calls == {"a": 1, "b": 1, "a b": 1, "beside": 1, "last a b": 1}
        second = await tried_out(bench, flow, {"from": "join"})
        assert {p for p, s in (await bench.steps(second.id)).items() if s.reused} == {"a", "b", "beside"}


async def test_a_step_that_waits_is_not_waited_for_when_the_tried_one_has_ended(tmp_path: Path) -> None:
    nodes = ["start", node("ask", "approval"), work("a"), work("join", join="any"), "end"]
    edges = ["start -> ask", "start -> a", "ask.approved -> join", "a -> join", "join -> end"]
    async with opened(tmp_path / "home") as bench:
        flow = await draft(bench, nodes, edges)
        until = await tried_out(bench, flow, {"until": "join"})
        assert until.status == "succeeded" and not await bench.pending()


async def test_the_earlier_run_went_another_way(tmp_path: Path) -> None:
    nodes = [
        "start",
        work("sort", ways=["left", "right"]),
        work("l"),
        work("r"),
        {"id": "el", "kind": "end"},
        {"id": "er", "kind": "end"},
    ]
    edges = ["start -> sort", "sort.left -> l", "sort.right -> r", "l -> el", "r -> er"]
    async with opened(tmp_path / "home") as bench:
        flow = await draft(bench, nodes, edges)
        left = await tried_out(bench, flow)
        bench.works.answers["sort"] = Outcome({"said": "sort"}, "right")
        await tried_out(bench, flow)
        # The latest run that fits is not the latest one.
        rest = await tried_out(bench, flow, {"from": "l"})
        assert (await bench.steps(rest.id))["sort"].reused == left.id and rest.tried.base == left.id
        with pytest.raises(StepMissing, match="another way") as told:
            await tried_out(bench, flow, {"from": "r", "base": left.id})
        assert told.value.details["node"] == "r"
        until = await tried_out(bench, flow, {"until": "l"})
        assert until.status == "succeeded" and until.reason == "It did not reach “l”; it left by sort.right."


async def test_an_end_is_the_output_of_a_try_out(tmp_path: Path) -> None:
    async with opened(tmp_path / "home") as bench:
        flow = await draft(bench, *STRAIGHT)
        await tried_out(bench, flow, inputs={"name": "Ada"})
        only = await tried_out(bench, flow, {"only": "done"})
        assert only.output == {"said": "c after b after a for Ada"} and only.spent["steps"] == 1


async def test_a_failing_step_fails_its_try_out(tmp_path: Path) -> None:
    async with opened(tmp_path / "home") as bench:
        flow = await draft(bench, *STRAIGHT)
        await tried_out(bench, flow, inputs={"name": "Ada"})
        bench.works.failures["b after a for Ada"] = [Permanent("No."), Permanent("No.")]
        for tried in ({"only": "b"}, {"from": "b"}):
            failed = await tried_out(bench, flow, tried)
            assert failed.status == "failed" and failed.reason == "b: No."


async def test_a_try_out_goes_on_after_a_crash(tmp_path: Path) -> None:
    nodes = ["start", work("a"), gated("b", say="b after {{ nodes.a.said }}"), work("c", say="c {{ nodes.b.said }}"), "end"]
    edges = ["start -> a", "a -> b", "b -> c", "c -> end"]
    async with opened(tmp_path / "home") as bench:
        flow = await draft(bench, nodes, edges)
        first = await tried_out(bench, flow, {"until": "a"})
        runs = []
        for tried in ({"only": "b"}, {"from": "b"}, {"until": "b"}):
            runs.append((await bench.engine.runs.start(ANN, flow, mode="test", tried=tried)).run_id)
        await bench.called("b after a", 3)
        home = bench.copy()
    async with opened(home) as again:
        again.works.gate("b after a").set()
        for run_id, paths in zip(runs, (["a", "b"], ["start", "a", "b", "c", "end"], ["start", "a", "b"]), strict=True):
            assert (await again.until(run_id)).status == "succeeded"
            steps = await again.steps(run_id)
            assert list(steps) == paths and steps["b"].attempt == 2
        assert (await again.steps(runs[0]))["a"].reused == first.id and not again.works.calls["a"]
        assert again.works.calls["c b after a"] == 1


BOXED: tuple[list[Any], list[Any]] = (
    [
        "start",
        work("list", say="x"),
        node("each", "map") | {"config": {"items": "[1, 2]", "collect": "nodes.check.said"}},
        work("check", say="{{ nodes.list.said }}{{ item }}", parent="each"),
        work("last", say="last {{ join(nodes.each.results, '-') }}"),
        {"id": "end", "kind": "end", "config": {"output": {"said": "nodes.last.said"}}},
    ],
    ["start -> list", "list -> each", "each.item -> check", "each.out -> last", "last -> end"],
)


async def test_a_box_is_tried_and_taken_over_as_a_whole(tmp_path: Path) -> None:
    async with opened(tmp_path / "home") as bench:
        flow = await draft(bench, *BOXED)
        until = await tried_out(bench, flow, {"until": "each"})
        assert list(await bench.steps(until.id)) == ["start", "list", "each", "each[0]/check", "each[1]/check"]
        only = await tried_out(bench, flow, {"only": "each"})
        steps = await bench.steps(only.id)
        assert list(steps) == ["list", "each", "each[0]/check", "each[1]/check"] and steps["each"].outputs["results"] == ["x1", "x2"]
        rest = await tried_out(bench, flow, {"from": "last"})
        assert rest.output == {"said": "last x1-x2"}
        assert [path for path, step in (await bench.steps(rest.id)).items() if step.reused] == ["list", "each"]
        whole = await tried_out(bench, flow, {"from": "each"})
        assert whole.output == rest.output and bench.works.calls["x1"] == 3
        for tried in ({"only": "check"}, {"until": "check"}, {"from": "check"}):
            with pytest.raises(Invalid, match="runs once per item"):
                await tried_out(bench, flow, tried)
        assert {s.path for s in (await bench.engine.last_steps.list(ANN, flow)).items} >= {"each", "each[1]/check"}
        await bench.engine.pins.set(ANN, flow, "check", outputs={"said": "pinned"})
        assert (await tried_out(bench, flow)).output == {"said": "last pinned-pinned"}
        await bench.engine.pins.set(ANN, flow, "each", outputs={"results": ["all"], "errors": []}, port="out")
        assert (await tried_out(bench, flow)).output == {"said": "last all"}
        with pytest.raises(Invalid, match="port"):
            await bench.engine.pins.set(ANN, flow, "each", outputs={"results": [], "errors": []}, port="item")


async def test_inputs_of_the_run_before_that_do_not_fit_any_more_are_told(tmp_path: Path) -> None:
    async with opened(tmp_path / "home") as bench:
        flow = await draft(bench, *STRAIGHT)
        before = await tried_out(bench, flow, inputs={"name": "Ada"})
        changed = {"config": {"inputs": {**NAME, "properties": {"name": {"type": "integer"}}}}}
        await bench.engine.workflows.edit(ANN, flow, revision=1, ops=[{"op": "update", "target": "node", "id": "start", "value": changed}])
        with pytest.raises(InvalidInputs, match=f"come from the run {before.id}") as told:
            await tried_out(bench, flow, {"from": "b"})
        assert told.value.details["problems"][0]["field"] == "inputs.name"
        assert (await tried_out(bench, flow, {"from": "b"}, inputs={"name": 7})).status == "succeeded"
