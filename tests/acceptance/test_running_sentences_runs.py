"""workflow.md, "Running" 10 to 12, people and whole runs: sentences that no other test is named after, at the engine's facade."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from app.pages.inbox.rows import requests
from engine import StepView
from engine.errors import Invalid, NotFound, Permanent, Transient
from engine.facade.runs import STATUSES as RUN_STATUSES
from tests.acceptance.benched import ask, begin, branch, ended, let_it_run, llm, modelled, settled
from tests.acceptance.by_contract import START, doc, ends, link, node, sets, straight
from tests.integration.modelled import ANN, published, rested
from tests.integration.running import Bench, gated, opened, work
from tests.integration.test_test_runs import Sends


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    async with opened(tmp_path / "home") as bench:
        yield bench


# 10. Approvals


async def test_approvals_of_one_box_are_shown_as_one_grid(bench: Bench) -> None:
    box = node("each", "map", {"items": "[1, 2, 3]", "concurrency": 3})
    document = doc([START, box, {**ask("ok"), "parent": "each"}, ends()], ["start -> each", "each.item -> ok", "each -> done"])
    await begin(bench, document)
    page = await bench.see(lambda: bench.engine.inbox.list(ANN, is_waiting=True), lambda page: len(page.items) == 3)
    assert len(requests(page.items, now=bench.engine.now(), new=set())) == 1


async def test_approvals_hold_no_worker(bench: Bench) -> None:
    run = await begin(bench, straight(ask("ok")))
    await bench.until(run, "waiting")
    await bench.see(let_it_run, lambda _: bench.engine.active_runs == 0)
    await bench.decide(await bench.item())
    assert (await bench.until(run)).status == "succeeded"


# 11. Statuses


async def test_the_statuses_of_a_run_are_these_eight(bench: Bench) -> None:
    eight = ["queued", "running", "waiting", "paused", "stopped", "succeeded", "failed", "cancelled"]
    # `queued` has a name and a filter; a run of an engine that is alone moves at once.
    assert list(RUN_STATUSES) == eight
    for status in eight:
        assert (await bench.engine.runs.list(ANN, status=status)).items == []
    with pytest.raises(Invalid):
        await bench.engine.runs.list(ANN, status="sleeping")
    bench.works.failures["bad"] = [Permanent("It broke.")]
    running = await begin(bench, straight(gated("a"), ends()))
    waiting = await begin(bench, straight(node("w", "wait", {"seconds": 3600}), ends()))
    paused = await begin(bench, straight(node("w", "wait", {"seconds": 3600}), ends()))
    cancelled = await begin(bench, straight(node("w", "wait", {"seconds": 3600}), ends()))
    for run in (waiting, paused, cancelled):
        await bench.until(run, "waiting")
    await bench.engine.runs.pause(ANN, paused)
    await bench.engine.runs.cancel(ANN, cancelled)
    stopped = await begin(bench, straight(sets("a", v="1"), ends(), limits={"steps": 2}))
    succeeded = await begin(bench, straight(sets("a", v="1"), ends()))
    failed = await begin(bench, straight(work("bad"), ends()))
    wanted = {
        "running": running, "waiting": waiting, "paused": paused, "stopped": stopped, "succeeded": succeeded, "failed": failed,
        "cancelled": cancelled,
    }  # fmt: skip
    for status, run in wanted.items():
        assert (await bench.until(run, status)).status == status
        assert [view.id for view in (await bench.engine.runs.list(ANN, status=status)).items] == [run]


async def test_the_statuses_of_a_step_are_these_eight(bench: Bench) -> None:
    bench.works.failures |= {"again": [Transient("Not now.")], "bad": [Permanent("It broke.")]}
    steps = [
        gated("busy"), ask("asks"), sets("off", v="1") | {"disabled": True}, work("again", retry={"attempts": 2, "backoff_s": 3600}),
        work("bad", on_error="port"), work("pay", kind="unsafe", timeout_s=0.05), gated("late"), work("quick"),
        sets("first", v="1") | {"join": "any"},
    ]  # fmt: skip
    edges = [f"start -> {step['id']}" for step in steps[:-1]]
    run = await begin(bench, doc([START, *steps, ends()], [*edges, "late -> first", "quick -> first", "first -> done"]))
    expected = {
        "start": "done", "busy": "running", "asks": "waiting", "off": "skipped", "again": "ready", "bad": "failed", "pay": "in_doubt",
        "late": "cancelled", "quick": "done", "first": "done", "done": "done",
    }  # fmt: skip
    assert await settled(bench, run, lambda found: found == expected) == expected
    assert len(set(expected.values())) == 8


ASKED = doc([START, work("a"), ends()], ["start -> a", "a -> done"], limits={"steps": 1}, on_limit="ask")
SLEEPS = straight(node("w", "wait", {"seconds": 3600}), ends())
TRIED_AGAIN = straight(work("again", retry={"attempts": 2, "backoff_s": 3600}), ends())
DOUBTED = straight(work("pay", kind="unsafe", timeout_s=0.05), ends())
STANDSTILLS: dict[str, tuple[dict[str, Any], str, str, str]] = {
    "a person": (straight(ask("ok")), "waiting", "ok waits for an answer", "in the inbox"),
    "a time": (SLEEPS, "waiting", "w waits", "until 20"),
    "an event": (straight(node("w", "wait", {"event": "paid", "key": "7"}), ends()), "waiting", "w waits", "for the event paid 7"),
    "another attempt": (TRIED_AGAIN, "waiting", "again", "is tried again later"),
    "a doubt": (DOUBTED, "waiting", "in doubt", "say in the inbox whether it happened"),
    "a question": (ASKED, "waiting", "The limit steps is reached", "say in the inbox how it goes on"),
    "a limit": ({**ASKED, "on_limit": "stop"}, "stopped", "The limit steps is reached: 1 steps of 1 steps", "Raise it and resume"),
    "a loop": (
        doc([START, branch("b", again="true"), ends()], ["start -> b", link("b.again -> b", max_visits=1), "b.else -> done"]),
        "stopped", "has used up its visits", "Resume to allow as many again",
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", STANDSTILLS)
async def test_every_run_that_is_not_moving_says_why_and_what_would_move_it(bench: Bench, what: str) -> None:
    document, status, why, moves = STANDSTILLS[what]
    bench.works.failures["again"] = [Transient("Not now.")]
    run = await begin(bench, document)
    reason = (await bench.until(run, status)).reason
    assert why in reason and moves in reason, reason


async def test_a_paused_a_failed_and_a_parent_run_say_why_they_do_not_move_and_what_would_move_them(bench: Bench) -> None:
    slept = await bench.engine.workflows.create(ANN, SLEEPS)
    await bench.engine.workflows.publish(ANN, slept.id)
    parent = await begin(bench, straight(node("child", "subflow", {"workflow": slept.id}), ends()))
    view = await bench.until(parent, "waiting")
    child = (await bench.steps(parent))["child"].note["run"]
    assert f"child waits for the run {child}" in view.reason
    await bench.see(lambda: bench.engine.runs.list(ANN, status="waiting"), lambda page: child in [run.id for run in page.items])
    await bench.engine.runs.pause(ANN, child, reason="Lunch.")
    assert (await bench.engine.runs.get(ANN, child)).reason == "Paused by Ann. Lunch. Resume it to go on."
    bench.works.failures["bad"] = [Permanent("It broke.", hint="Mend it and retry.")]
    failed = await ended(bench, straight(work("bad"), ends()))
    assert failed.reason == "bad: It broke." and (await bench.steps(failed.id))["bad"].error["hint"] == "Mend it and retry."


# 12. Cancel, retry, resume, fork, test


async def test_a_fork_from_any_checkpoint_with_changed_values_says_first_what_it_reuses_reruns_costs_and_repeats(bench: Bench) -> None:
    tell = node("tell", "notify", {"subject": "s", "message": "{{ nodes.sum.x }}"})
    document = straight(work("a", tokens=30), sets("sum", x="inputs.n"), tell, ends(x="nodes.sum.x"))
    run = (await ended(bench, document, n=1)).id
    paths = ["a", "sum", "tell", "done"]
    for at_, path in enumerate(paths):
        before = (dict(bench.works.calls), len((await bench.engine.runs.list(ANN)).items))
        bill = await bench.engine.runs.fork_bill(ANN, run, path)
        assert before == (dict(bench.works.calls), len((await bench.engine.runs.list(ANN)).items)), "the bill starts nothing"
        assert (bill.from_path, bill.reuses, bill.reruns) == (path, 1 + at_, len(paths) - at_)
        assert bill.cost_usd == 0 and [effect.path for effect in bill.effects] == (["tell"] if at_ <= 2 else [])
        changes: dict[str, Any] = {"inputs.n": 5} if at_ <= 1 else {"nodes.sum.x": 5}
        other = (await bench.engine.runs.fork(ANN, run, path, changes=changes)).run_id
        view = await bench.until(other)
        assert (view.status, view.output, view.fork_of, view.spent["steps"]) == ("succeeded", {"x": 5}, run, bill.reruns)
    with pytest.raises(NotFound):
        await bench.engine.runs.fork_bill(ANN, run, "nowhere")


async def test_a_run_is_cancelled_retried_from_the_failed_step_and_resumed(bench: Bench) -> None:
    cancelled = await begin(bench, SLEEPS)
    await bench.until(cancelled, "waiting")
    assert (await bench.engine.runs.cancel(ANN, cancelled)).status == "cancelled"
    bench.works.failures["b"] = [Permanent("It broke.")]
    failed = (await ended(bench, straight(work("a"), work("b"), ends()))).id
    await bench.engine.runs.retry(ANN, failed)
    assert (await bench.until(failed, "succeeded")).status == "succeeded" and bench.works.calls == {"a": 1, "b": 2}
    stopped = await begin(bench, ASKED | {"on_limit": "stop"})
    await bench.until(stopped, "stopped")
    await bench.engine.runs.resume(ANN, stopped, limits={"steps": 3})
    assert (await bench.until(stopped)).status == "succeeded"


async def test_a_test_run_uses_the_draft_simulates_unsafe_nodes_applies_pins_and_counts_in_cost_but_not_in_success(tmp_path: Path) -> None:
    works = Sends()
    works.gate("send").set()

    def document(said: str) -> dict[str, Any]:
        return straight(llm(), work("pinned"), work("send", kind="unsafe"), ends(v=f"'{said}'", p="nodes.pinned.said", s="nodes.send.said"))

    async def send_step(run: str) -> StepView:
        return await engine.runs.step(ANN, run, "send")

    async with modelled(tmp_path / "home", registry=works.registry(), default_model="practice", price=(1.0, 1.0)) as engine:
        flow = await published(engine, document("published"))
        saved = await engine.workflows.get(ANN, flow)
        await engine.workflows.replace(ANN, flow, revision=saved.revision, document=document("draft"))
        await engine.pins.set(ANN, flow, "pinned", outputs={"said": "by hand"})

        tried = await rested(engine, (await engine.runs.start(ANN, flow, mode="test")).run_id)
        assert tried.output == {"v": "draft", "p": "by hand", "s": "an example"} and not works.calls
        assert (await send_step(tried.id)).simulated and (await engine.runs.step(ANN, tried.id, "pinned")).pinned
        real = await rested(engine, (await engine.runs.start(ANN, flow, mode="test", effects="real")).run_id)
        assert real.output == {"v": "draft", "p": "by hand", "s": "send"} and works.calls == {"send": 1}
        assert not (await send_step(real.id)).simulated

        assert (await engine.overview.outcomes(ANN)).done_alone == 0
        cost = float(tried.spent["cost_usd"]) + float(real.spent["cost_usd"])
        assert cost > 0 and (await engine.overview.spend(ANN)).total_usd == pytest.approx(cost)
        live = await rested(engine, (await engine.runs.start(ANN, flow)).run_id)
        assert live.output == {"v": "published", "p": "pinned", "s": "send"}
        assert (await engine.overview.outcomes(ANN)).done_alone == 1
        assert (await engine.overview.spend(ANN)).total_usd == pytest.approx(cost + float(live.spent["cost_usd"]))
