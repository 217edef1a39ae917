"""Test runs: what is pinned is not executed, what touches the world is only simulated, and last steps tell what is stale."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from engine.errors import Invalid, NotAllowed, NotFound
from engine.nodes.contract import Example, Outcome
from engine.people.permissions import Role
from tests.integration.running import ANN, BEA, Bench, Works, actor, node, opened, work
from tests.unit.graph.workflows import document

EDITOR, VIEWER, OPERATOR = actor("ed", Role.EDITOR), actor("vi", Role.VIEWER), actor("op", Role.OPERATOR)


class Sends(Works):
    """The same kinds; the unsafe one has an example of what it answers."""

    def registry(self) -> Any:
        found = super().registry()
        kind: Any = found.get("unsafe")
        type(kind).examples = (Example("Sent", {"say": "hello"}, outputs={"said": "an example"}),)
        return found


async def kept(bench: Bench, nodes: list[Any], edges: list[Any], **more: Any) -> str:
    return (await bench.engine.workflows.create(ANN, document(nodes, edges, **more))).id


async def tried(bench: Bench, flow: str, *, by: Any = ANN, **more: Any) -> Any:
    return await bench.until((await bench.engine.runs.start(by, flow, mode="test", **more)).run_id)


def ended(name: str, **output: Any) -> dict[str, Any]:
    return {"id": name, "kind": "end", "config": {"output": output}}


SORTED: tuple[list[Any], list[Any]] = (
    ["start", work("sort", ways=["left", "right"]), work("l"), work("r"), ended("end_l", way="'left'"), ended("end_r", way="'right'")],
    ["start -> sort", "sort.left -> l", "sort.right -> r", "l -> end_l", "r -> end_r"],
)


async def test_a_pinned_step_is_not_executed_in_a_test_run_and_is_in_a_live_one(tmp_path: Path) -> None:
    async with opened(tmp_path / "home") as bench:
        flow = await kept(bench, *SORTED)
        pin = await bench.engine.pins.set(ANN, flow, "sort", outputs={"said": "pinned"}, port="right")
        assert (pin.node, pin.port, pin.set_by) == ("sort", "right", "ann") and pin.set_at
        run = await tried(bench, flow)
        assert run.output == {"way": "right"} and not bench.works.calls["sort"]
        steps, events = await bench.steps(run.id), await bench.events(run.id)
        assert steps["sort"].pinned and steps["sort"].outputs == {"said": "pinned"} and not steps["r"].pinned
        assert steps["sort"].spent["cost_usd"] == 0 and steps["sort"].inputs is None
        assert [e.path for e in events if e.data.get("pinned")] == ["sort"]
        bench.replayed(run.id)
        await bench.engine.workflows.publish(ANN, flow)
        live = await bench.until((await bench.engine.runs.start(ANN, flow)).run_id)
        assert live.output == {"way": "left"} and bench.works.calls["sort"] == 1
        await bench.engine.pins.remove(ANN, flow, "sort")
        assert (await tried(bench, flow)).output == {"way": "left"}
        with pytest.raises(NotFound):
            await bench.engine.pins.remove(ANN, flow, "sort")


async def test_a_pin_serves_where_a_step_has_never_run_and_the_tried_step_is_always_executed(tmp_path: Path) -> None:
    nodes = ["start", work("a"), work("b", say="b {{ nodes.a.said }}"), work("c", say="c {{ nodes.b.said }}"), "end"]
    edges = ["start -> a", "a -> b", "b -> c", "c -> end"]
    async with opened(tmp_path / "home") as bench:
        flow = await kept(bench, nodes, edges)
        for name in ("a", "b"):
            await bench.engine.pins.set(ANN, flow, name, outputs={"said": f"pinned {name}"})
        only = await tried(bench, flow, tried={"only": "b"})
        steps = await bench.steps(only.id)
        assert steps["a"].pinned and steps["b"].outputs["said"] == "b pinned a"
        rest = await tried(bench, flow, tried={"from": "c"})
        assert {path: step.pinned for path, step in (await bench.steps(rest.id)).items()} == {
            "start": False, "a": True, "b": True, "c": False, "end": False,
        }  # fmt: skip
        assert bench.works.calls == {"b pinned a": 1, "c pinned b": 1}


async def test_an_approval_that_is_pinned_asks_nobody(tmp_path: Path) -> None:
    nodes = [
        "start",
        node("ok", "approval") | {"config": {"title": "Send?", "action": "send"}},
        work("send", kind="unsafe"),
        ended("end", said="nodes.send.said"),
        ended("no", said="'no'"),
    ]
    edges = ["start -> ok", "ok.approved -> send", "send -> end", "ok.rejected -> no"]
    async with opened(tmp_path / "home", Sends()) as bench:
        flow = await kept(bench, nodes, edges)
        await bench.engine.pins.set(ANN, flow, "ok", outputs={"decision": "approved", "by": "Ada", "reason": "", "values": {}})
        run = await tried(bench, flow)
        assert run.output == {"said": "an example"} and not bench.works.calls["send"]
        # What a pin says is no consent: with real effects somebody has to be asked.
        real = await tried(bench, flow, effects="real")
        assert real.status == "failed" and "runs only after ok has approved it" in real.reason
        only = await tried(bench, flow, tried={"only": "send"}, effects="real")
        assert only.status == "failed" and not bench.works.calls["send"]
        await bench.engine.pins.set(ANN, flow, "ok", outputs={"decision": "rejected"})
        assert (await tried(bench, flow)).output == {"said": "no"}


async def test_an_approval_in_a_test_run_asks_and_says_that_its_action_is_simulated(tmp_path: Path) -> None:
    nodes = ["start", node("ok", "approval") | {"config": {"title": "Send?", "action": "send"}}, work("send", kind="unsafe"), "end"]
    edges = ["start -> ok", "ok.approved -> send", "send -> end"]
    async with opened(tmp_path / "home", Sends()) as bench:
        flow = await kept(bench, nodes, edges)
        started = await bench.engine.runs.start(ANN, flow, mode="test")
        item = await bench.item()
        assert item.action is not None and item.action["simulated"] is True and item.action["config"]["say"] == "send"
        await bench.decide(item)
        run = await bench.until(started.run_id)
        steps = await bench.steps(run.id)
        assert run.status == "succeeded" and steps["send"].simulated and not bench.works.calls["send"]
        assert (await bench.item(status="done")).status == "done"
        bench.works.gate("send").set()
        real = await bench.engine.runs.start(ANN, flow, mode="test", effects="real")
        item = await bench.item()
        assert item.action is not None and "simulated" not in item.action
        await bench.decide(item)
        await bench.until(real.run_id)
        assert bench.works.calls["send"] == 1
        # Taken over from there, the approval is no consent to do it once more.
        again = await tried(bench, flow, tried={"from": "send"}, effects="real")
        assert again.status == "failed" and bench.works.calls["send"] == 1
        simulated = await tried(bench, flow, tried={"from": "send"})
        assert simulated.status == "succeeded" and (await bench.steps(simulated.id))["ok"].reused == real.run_id


async def test_a_message_to_people_is_only_sent_with_real_effects(tmp_path: Path) -> None:
    nodes = ["start", node("tell", "notify"), ended("end", sent="nodes.tell.delivered")]
    async with opened(tmp_path / "home") as bench:
        flow = await kept(bench, nodes, ["start -> tell", "tell -> end"])
        run = await tried(bench, flow)
        step = (await bench.steps(run.id))["tell"]
        assert run.effects == "simulated" and run.output == {"sent": True}
        assert step.simulated and step.inputs["message"] == "Hello" and step.spent["tool_calls"] == 0
        assert not _notifications(bench)
        real = await tried(bench, flow, effects="real")
        assert real.effects == "real" and len(_notifications(bench)) == 1 and not (await bench.steps(real.id))["tell"].simulated
        await bench.engine.workflows.publish(ANN, flow)
        live = await bench.until((await bench.engine.runs.start(ANN, flow)).run_id)
        assert live.effects == "real" and live.tried is None and len(_notifications(bench)) == 2


def _notifications(bench: Bench) -> list[Any]:
    return bench.engine._core.reader._connection.execute("SELECT run_id FROM notifications").fetchall()


async def test_a_simulated_step_that_died_with_its_process_is_not_in_doubt(tmp_path: Path) -> None:
    nodes = ["start", work("hold", kind="gated"), work("send", kind="unsafe"), "end"]
    async with opened(tmp_path / "home", Sends()) as bench:
        flow = await kept(bench, nodes, ["start -> hold", "hold -> send", "send -> end"])
        run_id = (await bench.engine.runs.start(ANN, flow, mode="test")).run_id
        await bench.called("hold")
        home = bench.copy()
    async with opened(home, Sends()) as again:
        again.works.gate("hold").set()
        assert (await again.until(run_id)).status == "succeeded"
        assert (await again.steps(run_id))["send"].simulated and not again.works.calls["send"]


async def test_a_kind_without_an_example_says_that_it_can_be_pinned(tmp_path: Path) -> None:
    async with opened(tmp_path / "home") as bench:
        flow = await kept(bench, ["start", work("send", kind="unsafe"), "end"], ["start -> send", "send -> end"])
        run = await tried(bench, flow)
        error = (await bench.steps(run.id))["send"].error
        assert run.status == "failed" and error["code"] == "config_invalid" and error["hint"] == "Pin the step's output."


async def test_who_may_test_pin_and_touch_the_world(tmp_path: Path) -> None:
    async with opened(tmp_path / "home") as bench:
        flow = await kept(bench, *SORTED)
        pins, runs = bench.engine.pins, bench.engine.runs
        await tried(bench, flow, by=EDITOR)
        await tried(bench, flow, by=OPERATOR, effects="real")
        await pins.set(EDITOR, flow, "l", outputs={"said": "x"})
        await pins.list(VIEWER, flow)
        await bench.engine.last_steps.list(VIEWER, flow)
        for refused in (
            lambda: runs.start(VIEWER, flow, mode="test"),
            lambda: runs.start(VIEWER, flow, mode="test", tried={"only": "l"}),
            lambda: runs.start(EDITOR, flow, mode="test", effects="real"),
            lambda: runs.start(EDITOR, flow, mode="live"),
            lambda: pins.set(VIEWER, flow, "l", outputs={}),
            lambda: pins.set(OPERATOR, flow, "l", outputs={}),
            lambda: pins.remove(VIEWER, flow, "l"),
        ):
            with pytest.raises(NotAllowed):
                await refused()
        rows = bench.engine._core.reader._connection.execute("SELECT actor, action, subject, details FROM audit").fetchall()
        assert [row[:3] for row in rows if row[1].startswith("pin.")] == [("user:ed", "pin.set", flow)]
        assert any(row[1] == "run.start" and '"effects":"real"' in row[3] for row in rows)


@pytest.mark.parametrize(
    ("step", "outputs", "port", "field"),
    [
        ("start", {}, None, "outputs"),
        ("end", {"way": 1}, None, "outputs"),
        ("way", {"case": "nowhere"}, None, "port"),
        ("way", {"case": 7}, None, "outputs.case"),
        ("way", {"case": "yes"}, "no", "port"),
        ("about", {"label": "a", "confidence": "sure"}, None, "outputs.confidence"),
        ("about", {"lable": "a"}, None, "outputs.lable"),
        ("ok", {}, None, "port"),
        ("set", {"y": 1}, None, "outputs.y"),
        ("way", [], None, "outputs"),
        ("set", {"x": "x" * 1_000_001}, None, "outputs"),
    ],
)
async def test_what_a_step_cannot_give_is_not_pinned(tmp_path: Path, step: str, outputs: Any, port: str | None, field: str) -> None:
    async with opened(tmp_path / "home") as bench:
        flow = await kept(bench, *KINDS)
        with pytest.raises(Invalid) as told:
            await bench.engine.pins.set(ANN, flow, step, outputs=outputs, port=port)
        assert told.value.details["problems"][0]["field"] == field
        assert not (await bench.engine.pins.list(ANN, flow)).items


KINDS: tuple[list[Any], list[Any]] = (
    ["start", node("way", "branch"), node("about", "classify"), node("ok", "approval"), node("set", on_error="port"), "end"],
    ["start -> way", "way.yes -> about", "about.a -> ok", "ok.approved -> set", "set -> end"],
)


@pytest.mark.parametrize(
    ("step", "outputs", "port"),
    [
        ("way", {"case": "else"}, "else"),
        ("about", {"label": "b", "confidence": 0.9, "scores": {"a": 0.1, "b": 0.9}}, "b"),
        ("about", {"label": "b", "confidence": 0.1, "scores": {}}, "unsure"),
        ("ok", {"decision": "expired", "by": None}, "expired"),
        ("set", {"x": [1, None]}, "out"),
        ("set", {"error": {"code": "boom", "message": "It went wrong."}}, "error"),
    ],
)
async def test_the_port_follows_from_what_is_pinned(tmp_path: Path, step: str, outputs: Any, port: str) -> None:
    async with opened(tmp_path / "home") as bench:
        flow = await kept(bench, *KINDS)
        assert (await bench.engine.pins.set(ANN, flow, step, outputs=outputs)).port == port
        (listed,) = (await bench.engine.pins.list(ANN, flow)).items
        assert (listed.node, listed.outputs, listed.port) == (step, outputs, port)


async def test_a_pin_whose_port_is_gone_is_told_before_the_run(tmp_path: Path) -> None:
    async with opened(tmp_path / "home") as bench:
        flow = await kept(bench, *KINDS)
        await bench.engine.pins.set(ANN, flow, "way", outputs={"case": "yes"})
        changed = {"config": {"cases": [{"port": "other", "when": "true"}]}}
        await bench.engine.workflows.edit(
            ANN,
            flow,
            revision=1,
            ops=[
                {"op": "update", "target": "node", "id": "way", "value": changed},
                {"op": "update", "target": "edge", "id": "way.yes -> about", "value": {"port": "other"}},
            ],
        )
        with pytest.raises(Invalid, match="does not fit any more") as told:
            await tried(bench, flow)
        assert told.value.details["problems"][0]["node"] == "way"


async def test_pins_go_along_with_their_steps(tmp_path: Path) -> None:
    async with opened(tmp_path / "home") as bench:
        flow = await kept(bench, *SORTED)
        for name in ("sort", "l", "r"):
            await bench.engine.pins.set(ANN, flow, name, outputs={"said": name}, port="left" if name == "sort" else None)

        async def edited(*ops: Any) -> dict[str, str]:
            revision = (await bench.engine.workflows.get(ANN, flow)).revision
            await bench.engine.workflows.edit(ANN, flow, revision=revision, ops=list(ops))
            return {pin.node: pin.outputs["said"] for pin in (await bench.engine.pins.list(ANN, flow)).items}

        def rename(old: str, new: str) -> dict[str, Any]:
            return {"op": "update", "target": "node", "id": old, "value": {"id": new}}

        assert await edited(rename("l", "x"), rename("r", "l"), rename("x", "r")) == {"sort": "sort", "r": "l", "l": "r"}
        assert await edited(rename("l", "left"), rename("left", "lefter")) == {"sort": "sort", "r": "l", "lefter": "r"}
        again = {"op": "add", "target": "node", "value": work("r")}
        assert await edited({"op": "remove", "target": "node", "id": "r"}, again) == {"sort": "sort", "lefter": "r"}
        assert await edited({"op": "update", "target": "node", "id": "lefter", "value": {"kind": "gated"}}) == {"sort": "sort"}
        view = await bench.engine.workflows.get(ANN, flow)
        view.document["nodes"] = [n for n in view.document["nodes"] if n["id"] != "sort"]
        await bench.engine.workflows.replace(ANN, flow, revision=view.revision, document=view.document)
        assert not (await bench.engine.pins.list(ANN, flow)).items


# Last steps


async def last(bench: Bench, flow: str) -> dict[str, Any]:
    return {step.node: step for step in (await bench.engine.last_steps.list(ANN, flow)).items}


CHAIN: tuple[list[Any], list[Any]] = (
    [
        "start",
        work("a", title="First"),
        work("b", say="b {{ nodes.a.said }} {{ vars.tone }}"),
        work("c", say="c {{ nodes.b.said }}"),
        work("d"),
        ended("end"),
    ],
    ["start -> a", "a -> b", "b -> c", "c -> d", "d -> end"],
)


async def test_last_steps_are_the_latest_of_all_runs(tmp_path: Path) -> None:
    async with opened(tmp_path / "home") as bench:
        flow = await kept(bench, *CHAIN, vars={"tone": "kind"})
        assert await last(bench, flow) == {}
        bench.works.failures["d"] = [ValueError("oops")]
        whole = await tried(bench, flow)
        only = await tried(bench, flow, tried={"only": "b"})
        steps = await last(bench, flow)
        assert list(steps) == ["start", "a", "b", "c", "d"]
        assert {node: step.run_id for node, step in steps.items()} == {
            "start": whole.id, "a": only.id, "b": only.id, "c": whole.id, "d": whole.id,
        }  # fmt: skip
        assert steps["a"].reused == whole.id and steps["d"].status == "failed" and steps["b"].status == "done"
        assert steps["b"].spent["steps"] == 1 and steps["b"].mode == "test" and steps["b"].version is None
        assert not any(step.is_stale or step.stale_reason for step in steps.values())
        assert all(step.started_at and step.ended_at for step in steps.values())
        whole_step = await bench.engine.runs.step(ANN, steps["b"].run_id, steps["b"].path)
        assert whole_step.outputs["said"] == "b a kind"


async def test_a_change_makes_a_step_stale_and_those_that_use_its_result(tmp_path: Path) -> None:
    async with opened(tmp_path / "home") as bench:
        flow = await kept(bench, *CHAIN, vars={"tone": "kind"})
        await tried(bench, flow)

        async def changed(target: str, value: Any, id_: str | None = None) -> dict[str, str | None]:
            revision = (await bench.engine.workflows.get(ANN, flow)).revision
            op = {"op": "update", "target": target, "value": value} | ({"id": id_} if id_ else {})
            await bench.engine.workflows.edit(ANN, flow, revision=revision, ops=[op])
            steps = await last(bench, flow)
            assert all(step.is_stale == (step.stale_reason is not None) for step in steps.values())
            return {node: step.stale_reason for node, step in steps.items() if step.is_stale}

        assert await changed("node", {"note": "hm", "title": "Once", "position": {"x": 1, "y": 2}}, "a") == {}
        assert await changed("node", {"config": {"say": "other"}}, "a") == {
            "a": "Its settings have changed since.",
            "b": "“Once” has changed since, and this step uses its result.",
            "c": "“Once” has changed since, and this step's inputs depend on it.",
        }
        assert await changed("node", {"config": {"say": "a", "tokens": 0}}, "a") == {}
        assert await changed("document", {"vars": {"tone": "cold"}}) == {
            "b": "A constant that it uses has changed since.",
            "c": "“b” has changed since, and this step uses its result.",
        }
        # A draft that cannot run at the moment still tells what was.
        assert "b" in await changed("node", {"config": {"say": "{{ nodes."}}, "d")


async def test_what_was_pinned_is_stale_when_the_pin_is_another(tmp_path: Path) -> None:
    async with opened(tmp_path / "home") as bench:
        flow = await kept(bench, *CHAIN, vars={"tone": "kind"})
        await bench.engine.pins.set(ANN, flow, "a", outputs={"said": "one"})
        await tried(bench, flow)
        step = (await last(bench, flow))["a"]
        assert step.pinned and not step.is_stale
        await bench.engine.pins.set(ANN, flow, "a", outputs={"said": "two"})
        assert (await last(bench, flow))["a"].stale_reason == "Another output is pinned now."
        await bench.engine.pins.remove(ANN, flow, "a")
        assert (await last(bench, flow))["a"].stale_reason == "Its output was pinned then, and is not any more."


async def test_a_busy_live_workflow_does_not_hide_its_try_outs(tmp_path: Path) -> None:
    async with opened(tmp_path / "home") as bench:
        flow = await kept(bench, *SORTED)
        bench.works.answers["sort"] = Outcome({"said": "sort"}, "right")
        right = await tried(bench, flow)
        bench.works.answers.clear()
        await bench.engine.workflows.publish(ANN, flow)
        for _ in range(60):
            await bench.until((await bench.engine.runs.start(BEA, flow)).run_id)
        steps = await last(bench, flow)
        assert steps["r"].run_id == right.id and steps["l"].mode == "live"
