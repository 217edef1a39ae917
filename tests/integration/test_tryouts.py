"""Try-outs of a draft: one step, up to a step, from a step on; pins; effects that are only simulated."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from engine.errors import Invalid, InvalidInputs, NotFound, StepMissing
from tests.integration.running import ANN, Bench, opened, work
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
