"""workflow.md, "Running" 8 and 9, limits and effects: sentences that no other test is named after, at the engine's facade."""

import shutil
import threading
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from engine import Engine
from engine.facade.runs import QUEUED
from engine.nodes.contract import Effect
from engine.run.events import Spent
from tests.acceptance.benched import begin, branch, let_it_run, llm, modelled
from tests.acceptance.by_contract import START, doc, ends, link, node, straight
from tests.fakes.provider import Behaviour, FakeProvider, hanging, text
from tests.integration.modelled import ANN, PRICE_IN, PRICE_OUT, bound_of, published, rested, until
from tests.integration.running import Bench, gated, opened, work
from tests.integration.test_reconciling import Bank, died_in_the_call
from tests.integration.test_reconciling import opened as opened_bank
from tests.unit.run.driving import Trial, call


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    async with opened(tmp_path / "home") as bench:
        yield bench


@pytest.fixture
def provider():
    with FakeProvider() as provider:
        yield provider


def at(provider: FakeProvider, **more: Any) -> dict[str, Any]:
    """Settings of a gateway that asks the provider, at a price."""
    return {"default_model": "fake-1", "base_url": provider.base_url, "price": (PRICE_IN, PRICE_OUT), **more}


async def ran(engine: Engine, document: dict[str, Any], **more: Any) -> Any:
    return await rested(engine, (await engine.runs.start(ANN, await published(engine, document), **more)).run_id)


# 8. Limits


async def test_the_upper_bound_of_a_call_is_reserved_in_all_budgets_at_once_or_not_at_all_and_settled_afterwards(
    tmp_path: Path, provider: FakeProvider
) -> None:
    most, tokens = bound_of("Say something.", max_tokens=64)
    assert most >= len("Say something.") * PRICE_IN + 64 * PRICE_OUT and tokens >= len("Say something.") + 64
    provider.default = holding = Behaviour(text="Yes.", until=threading.Event())
    async with modelled(tmp_path / "home", **at(provider)) as engine:
        workflow = await published(engine, straight(llm(agent="Ada"), ends()))
        for scope, subject, times in (("workflow", workflow, 9), ("agent", "Ada", 1.5), ("workspace", "", 9)):
            await engine.budgets.set(ANN, scope, subject, limit_usd=times * most / 1e6)
        budgets = engine._core.executor.budgets
        keys = [("main", "workflow", workflow), ("main", "agent", "Ada"), ("main", "workspace", "")]

        async def reserved(run: str) -> int:
            state = engine._core.executor.state_of(run)
            return state.ledger.reserved_cost_micro if state else 0

        first = (await engine.runs.start(ANN, workflow)).run_id
        await until(engine, first, lambda _: bool(provider.calls))
        assert await reserved(first) == most and [budgets.set_aside(key) for key in keys] == [most, most, most]
        # The agent has no room for a second one, so nothing is set aside for it anywhere.
        second = (await engine.runs.start(ANN, workflow)).run_id
        await until(engine, second, lambda view: view.reason == QUEUED)
        assert await reserved(second) == 0 and [budgets.set_aside(key) for key in keys] == [most, most, most]
        assert holding.until is not None
        holding.until.set()
        views = [await rested(engine, run) for run in (first, second)]
        spent = sum(float(view.spent["cost_usd"]) for view in views)
        assert [budgets.set_aside(key) for key in keys] == [0, 0, 0] and 0 < spent < 2 * most / 1e6
        assert [view.spent_usd for view in (await engine.budgets.list(ANN)).items] == pytest.approx([spent] * 3)


@pytest.mark.parametrize(("used", "shortened"), [(0, 800), (736, 64), (737, None)])
def test_what_does_not_fit_waits_for_open_reservations_then_shrinks_max_tokens_down_to_64_then_meets_the_limit(
    used: int, shortened: int | None
) -> None:
    run = Trial.of(
        ["start", call("open", tokens=950), call("long", tokens=100, per_token=1, max_tokens=1000), "end"],
        ["start -> open", "start -> long", "open -> end", "long -> end"],
        limits={"tokens": 1000},
    )
    assert (run.live, run.state.halted) == (["open"], ""), "first it waits"
    run.done("open", spent=Spent(tokens=100 + used))
    if shortened is None:
        assert (run.status, run.state.halted) == ("stopped", "tokens")
    else:
        assert run.calls["long"].given["max_tokens"] == shortened


async def test_an_unknown_price_is_refused_unless_one_is_set(tmp_path: Path) -> None:
    elsewhere = {"default_model": "main", "base_url": "https://models.example.com/v1"}
    document = straight(llm(), ends(), limits={"cost_usd": 0})
    async with modelled(tmp_path / "unknown", **elsewhere) as engine:
        view = await ran(engine, document)
        (step,) = [s for s in (await engine.runs.steps(ANN, view.id)).items if s.node == "l"]
        assert view.status == "failed" and step.error["code"] == "price_unknown" and step.error["hint"]
    async with modelled(tmp_path / "set", **elsewhere, price=(1.0, 1.0)) as engine:
        # With a price it is known what the call may cost: here more than is allowed, so that nobody is called.
        view = await ran(engine, document)
        assert view.status == "stopped" and "cost_usd" in view.reason


async def test_the_practice_model_and_loopback_addresses_cost_0_unless_a_price_is_set(tmp_path: Path, provider: FakeProvider) -> None:
    loopback = {"default_model": "fake-1", "base_url": provider.base_url}
    for name, gateway, is_free in (
        ("practice", {}, True),
        ("loopback", loopback, True),
        ("priced practice", {"default_model": "practice", "price": (1.0, 1.0)}, False),
        ("priced loopback", {**loopback, "price": (1.0, 1.0)}, False),
    ):
        async with modelled(tmp_path / name, **gateway) as engine:
            view = await ran(engine, straight(llm(), ends()))
            assert view.status == "succeeded" and view.spent["tokens"] > 0
            assert (view.spent["cost_usd"] == 0) is is_free, name


async def test_on_limit_stop_ends_at_a_checkpoint_keeps_everything_and_is_resumed_with_raised_limits(bench: Bench) -> None:
    document = doc(
        [START, work("a"), gated("slow"), work("b"), ends(a="nodes.a.said", slow="nodes.slow.said", b="nodes.b.said")],
        ["start -> a", "start -> slow", "a -> b", "b -> done", "slow -> done"],
        limits={"steps": 3}, on_limit="stop",
    )  # fmt: skip
    run = await begin(bench, document)
    await bench.called("slow")
    await let_it_run()
    assert (await bench.engine.runs.get(ANN, run)).status == "running", "what runs ends first"
    bench.works.gate("slow").set()
    view = await bench.until(run, "stopped")
    assert "steps" in view.reason and view.spent["steps"] == 3
    assert {p: s.status for p, s in (await bench.steps(run)).items()} == {"start": "done", "a": "done", "slow": "done"}
    await bench.engine.runs.resume(ANN, run, limits={"steps": 5})
    assert (await bench.until(run)).output == {"a": "a", "slow": "slow", "b": "b"}
    assert bench.works.calls == {"a": 1, "slow": 1, "b": 1}


BOX = doc(
    [
        START,
        node("each", "map", {"items": "[1, 2, 3]", "collect": "item", "on_item_error": "collect"}),
        llm(parent="each"),
        ends(r="nodes.each.results"),
    ],
    ["start -> each", "each.item -> l", "each -> done"],
)
LOOP = doc(
    [START, llm(), branch("b", again="true"), ends(r="visit")],
    ["start -> l", "l -> b", link("b.again -> l", max_visits=9, on_exhausted="else"), "b.else -> done"],
)


@pytest.mark.parametrize(
    ("document", "limits", "choices"),
    [
        (straight(llm(), ends()), {"cost_usd": 0.000001}, ["extend", "cheaper", "stop"]),
        (BOX, {"llm_calls": 2}, ["extend", "finish", "stop"]),
        (LOOP, {"llm_calls": 2}, ["extend", "finish", "stop"]),
    ],
    ids=["a step", "on_item_error: collect", "on_exhausted"],
)
async def test_on_limit_ask_puts_it_in_the_inbox_to_extend_take_a_cheaper_model_stop_or_finish_where_it_is_drawn(
    tmp_path: Path, provider: FakeProvider, document: dict[str, Any], limits: dict[str, Any], choices: list[str]
) -> None:
    async with modelled(tmp_path / "home", **at(provider, aliases={"cheap": "practice"})) as engine:
        workflow = await published(engine, {**document, "limits": limits, "on_limit": "ask"})
        statuses = {"extend": "succeeded", "cheaper": "succeeded", "finish": "succeeded", "stop": "stopped"}
        for choice in choices:
            run = (await engine.runs.start(ANN, workflow)).run_id
            await until(engine, run, lambda view: view.status == "waiting")
            (item,) = (await engine.approvals.list(ANN, status="pending")).items
            assert (item.type, item.run_id, item.choices) == ("limit", run, choices)
            values = {next(iter(item.editable)): 100} if choice == "extend" else None
            await engine.approvals.decide(ANN, item.id, decision=choice, digest=item.digest, values=values)
            assert (await rested(engine, run)).status == statuses[choice], choice


# 9. Effects


async def test_every_node_is_pure_idempotent_reconcilable_or_unsafe(bench: Bench) -> None:
    effects = {kind["kind"]: kind["effect"] for kind in bench.engine.kinds(ANN)}
    assert {effect.value for effect in Effect} == {"pure", "idempotent", "reconcilable", "unsafe"} >= set(effects.values())
    assert {effects[name] for name in ("start", "end", "set", "branch", "fail", "approval", "form", "wait", "map")} == {"pure"}
    assert effects["unsafe"] == "unsafe"


async def test_model_calls_are_idempotent_and_a_lost_one_stays_charged_and_is_shown(tmp_path: Path, provider: FakeProvider) -> None:
    most, _ = bound_of("Say something.", max_tokens=64)
    provider.then(hanging(), text("The second answer."))
    async with modelled(tmp_path / "home", **at(provider)) as engine:
        assert {kind["effect"] for kind in engine.kinds(ANN) if kind["kind"] in ("llm", "classify")} == {"idempotent"}
        run = (await engine.runs.start(ANN, await published(engine, straight(llm(), ends(said="nodes.l.text"))))).run_id
        await until(engine, run, lambda _: bool(provider.calls))
        shutil.copytree(tmp_path / "home", tmp_path / "after", ignore=shutil.ignore_patterns("engine.lock"))
    async with modelled(tmp_path / "after", **at(provider)) as engine:
        view = await rested(engine, run)
        assert (view.status, view.output) == ("succeeded", {"said": "The second answer."})
        (recovered,) = [e for e in (await engine.runs.events(ANN, run)).items if e.type == "run_recovered"]
        assert list(recovered.data["lost"]) == ["l"]
        answered = provider.calls[-1]
        billed = round(answered.tokens_in * PRICE_IN + answered.tokens_out * PRICE_OUT)
        assert round(float(view.spent["cost_usd"]) * 1e6) == most + billed and view.spent["llm_calls"] == 2
        assert (await engine.runs.step(ANN, run, "l")).attempt == 2


async def test_the_intent_is_durable_before_an_unsafe_call(bench: Bench) -> None:
    run = await begin(bench, straight(work("pay", kind="unsafe"), ends()))
    await bench.called("pay")
    # What is on disk when the call is made tells a new process of it.
    async with opened(bench.copy()) as after:
        item = await after.item()
        assert (item.type, item.run_id, item.path) == ("in_doubt", run, "pay")
        assert (await after.steps(run))["pay"].status == "in_doubt" and not after.works.calls
    bench.works.gate("pay").set()
    assert (await bench.until(run)).status == "succeeded"


async def test_a_reconcilable_tool_is_asked_else_a_person(tmp_path: Path) -> None:
    knows, silent = Bank(is_lost="after"), Bank(is_lost="after", is_down=1)
    for name, bank in (("knows", knows), ("silent", silent)):
        run = await died_in_the_call(tmp_path / name, bank)
        async with opened_bank(tmp_path / name, bank) as engine:
            if bank is silent:
                await until(engine, run, lambda view: view.status == "waiting")
                (item,) = (await engine.approvals.list(ANN, status="pending")).items
                assert item.type == "in_doubt"
                await engine.approvals.decide(ANN, item.id, decision="done", digest=item.digest, values={"moved": "says Ann"})
            view = await rested(engine, run)
            assert (view.output, bank.questions) == ({"moved": "says Ann" if bank is silent else "before"}, 1)
            assert list(bank.moved.values()) == [1], "the effect has happened once"
