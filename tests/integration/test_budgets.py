"""Budgets over many runs: nothing is overspent, whoever asks at once, and what was spent is known after a restart."""

import asyncio
import gc
import threading
import warnings
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from engine import Engine, Invalid, NotAllowed, NotFound, Role, RunView, Settings
from engine.clock import ManualClock
from engine.errors import StorageUnavailable
from engine.facade.runs import QUEUED
from engine.llm.gateway import Gateway, GatewaySettings
from engine.storage.journal import Commit
from tests.fakes.provider import Behaviour, FakeProvider
from tests.integration.modelled import ANN, PATIENCE_S, PRICE_IN, PRICE_OUT, bound_of, published, rested, until
from tests.integration.running import actor

ADMIN, VIEWER = actor("ada", Role.ADMIN), actor("vic", Role.VIEWER)
DAY_S = 86_400.0


@pytest.fixture
def provider():
    with FakeProvider() as provider:
        yield provider


@asynccontextmanager
async def opened(home: Path, provider: FakeProvider, clock: ManualClock) -> AsyncIterator[Engine]:
    settings = GatewaySettings(
        default_model="fake-1", base_url=provider.base_url, price=(PRICE_IN, PRICE_OUT), key_for=lambda name: "sk-canary-4711",
        find_ollama=lambda: None,
    )  # fmt: skip
    engine = await Engine.open(Settings.load({"SIGNALBOX_HOME": str(home)}), clock=clock, gateway=Gateway(settings, clock=clock))
    try:
        yield engine
    finally:
        await engine.close()


def asking(name: str = "Asks", **node: Any) -> dict[str, Any]:
    return {
        "format": "signalbox/1",
        "name": name,
        "nodes": [
            {"id": "start", "kind": "start"},
            {"id": "ask", "kind": "llm", "config": {"prompt": "Say something.", "max_tokens": 64}, **node},
            {"id": "done", "kind": "end", "config": {"output": {"said": "nodes.ask.text"}}},
        ],
        "edges": [{"source": "start", "target": "ask"}, {"source": "ask", "target": "done"}],
    }


async def run(engine: Engine, workflow: str) -> Any:
    return await rested(engine, (await engine.runs.start(ANN, workflow)).run_id)


async def cost_of_one(engine: Engine, workflow: str) -> float:
    return float((await run(engine, workflow)).spent["cost_usd"])


async def test_a_workflow_stops_when_its_day_is_used_up_and_goes_on_the_next_day(tmp_path: Path, provider: FakeProvider) -> None:
    clock = ManualClock()
    async with opened(tmp_path / "home", provider, clock) as engine:
        workflow = await published(engine, asking())
        await cost_of_one(engine, workflow)
        budget = await engine.budgets.set(ADMIN, "workflow", workflow, limit_usd=0.000001)
        assert (budget.period, budget.name) == ("day", "Asks") and budget.spent_usd > 0
        stopped = await run(engine, workflow)
        assert stopped.status == "stopped"
        assert stopped.reason.startswith("The budget of the workflow for today is used up: $")
        calls = len(provider.calls)
        # Resuming alone does not help, more money or another day does.
        assert (await engine.runs.resume(ANN, stopped.id)).status == "stopped"
        assert len(provider.calls) == calls
        clock.advance(DAY_S)
        await engine.budgets.set(ADMIN, "workflow", workflow, limit_usd=0.01)
        await engine.runs.resume(ANN, stopped.id)
        assert (await rested(engine, stopped.id)).status == "succeeded"
        assert (await engine.budgets.list(VIEWER)).items[0].spent_usd == (await engine.runs.get(ANN, stopped.id)).spent["cost_usd"]


def running(engine: Engine, run_id: str) -> set[str]:
    state = engine._core.executor.state_of(run_id)
    return {step.node.id for step in state.steps.values() if step.status == "running"} if state else set()


async def called(provider: FakeProvider, times: int) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while len(provider.calls) < times:
            await asyncio.sleep(0.01)
    assert len(provider.calls) == times


async def refuses(_commit: Commit) -> None:
    raise StorageUnavailable("The database does not take writes right now.")


async def started(engine: Engine, workflow: str, runs: int) -> list[str]:
    return [(await engine.runs.start(ANN, workflow)).run_id for _ in range(runs)]


async def all_are(engine: Engine, runs: list[str], is_so: Callable[[RunView], bool]) -> list[RunView]:
    return [await until(engine, run_id, is_so) for run_id in runs]


def bills(provider: FakeProvider) -> float:
    return sum(call.tokens_in * PRICE_IN + call.tokens_out * PRICE_OUT for call in provider.calls) / 1e6


async def test_many_runs_at_once_never_spend_more_than_the_workspace_may(tmp_path: Path, provider: FakeProvider) -> None:
    most, _ = bound_of("Say something.", max_tokens=64)
    async with opened(tmp_path / "home", provider, ManualClock()) as engine:
        workflow = await published(engine, asking())
        allowed = 3.5 * most / 1e6
        await engine.budgets.set(ADMIN, "workspace", "", limit_usd=allowed)
        provider.default = holding = Behaviour(text="Yes. " * 40, until=threading.Event())
        runs = await started(engine, workflow, 64)
        # Every one of them has set something aside by now, or waits: three fit, whatever the others' answers may cost.
        views = await all_are(engine, runs, lambda view: view.reason == QUEUED or "ask" in running(engine, view.id))
        assert [view.reason == QUEUED for view in views].count(False) == 3
        assert holding.until is not None
        holding.until.set()
        views = await all_are(engine, runs, lambda view: view.status in ("succeeded", "stopped"))
        spent = (await engine.budgets.list(ADMIN)).items[0].spent_usd
        assert bills(provider) == pytest.approx(spent) and spent <= allowed
        done = [view for view in views if view.status == "succeeded"]
        # What the first three have given back did for others that had waited.
        assert len(done) > 3 and spent == pytest.approx(sum(float(view.spent["cost_usd"]) for view in done))
        stopped = [view.reason for view in views if view.status == "stopped"]
        assert all(reason.startswith("The budget of the workspace for this month is used up: $") for reason in stopped)


async def test_a_run_that_waits_for_others_goes_on_when_the_budget_is_raised_and_ends_when_it_is_cancelled(
    tmp_path: Path, provider: FakeProvider
) -> None:
    most, _ = bound_of("Say something.", max_tokens=64)
    async with opened(tmp_path / "home", provider, ManualClock()) as engine:
        workflow = await published(engine, asking())
        await engine.budgets.set(ADMIN, "workspace", "", limit_usd=1.5 * most / 1e6)
        provider.default = holding = Behaviour(until=threading.Event())
        first, second, third = await started(engine, workflow, 3)
        await all_are(engine, [second, third], lambda view: view.reason == QUEUED)
        assert (await engine.runs.get(ANN, first)).reason == ""
        assert (await engine.runs.cancel(ANN, third, reason="no longer needed")).status == "cancelled"
        await called(provider, 1)
        await engine.budgets.set(ADMIN, "workspace", "", limit_usd=2 * most / 1e6)
        await all_are(engine, [second], lambda view: "ask" in running(engine, view.id))
        assert holding.until is not None
        holding.until.set()
        assert {view.status for view in await all_are(engine, [first, second], lambda view: view.status != "running")} == {"succeeded"}


async def test_runs_that_wait_for_others_go_on_after_a_restart(tmp_path: Path, provider: FakeProvider) -> None:
    most, _ = bound_of("Say something.", max_tokens=64)
    clock = ManualClock()
    async with opened(tmp_path / "home", provider, clock) as engine:
        workflow = await published(engine, asking())
        await engine.budgets.set(ADMIN, "workspace", "", limit_usd=3 * most / 1e6)
        provider.default = holding = Behaviour(until=threading.Event())
        runs = await started(engine, workflow, 4)
        await all_are(engine, runs[-1:], lambda view: view.reason == QUEUED)
        # Cut off on its way to the provider, a call would leave litellm with a coroutine that nobody awaits.
        await called(provider, 3)
    with warnings.catch_warnings(action="ignore", category=ResourceWarning):
        # A call that is cut off leaves its connection to the collector.
        gc.collect()
    assert holding.until is not None
    holding.until.set()
    async with opened(tmp_path / "home", provider, clock) as engine:
        # What was in flight stays charged in full, for the provider may have answered it: nothing is left for anybody.
        views = await all_are(engine, runs, lambda view: view.status in ("succeeded", "stopped"))
        assert [view.status for view in views] == ["stopped"] * 4
        spent = (await engine.budgets.list(ADMIN)).items[0].spent_usd
        assert spent == pytest.approx(3 * most / 1e6) and bills(provider) <= spent


async def test_the_last_of_a_budget_is_used_for_a_shorter_answer(tmp_path: Path, provider: FakeProvider) -> None:
    most, _ = bound_of("Say something.", max_tokens=500)
    least, _ = bound_of("Say something.", max_tokens=64)
    async with opened(tmp_path / "home", provider, ManualClock()) as engine:
        node = {"config": {"prompt": "Say something.", "max_tokens": 500}}
        workflow = await published(engine, asking(**node))
        await engine.budgets.set(ADMIN, "workflow", workflow, limit_usd=(most + least) / 2e6)
        provider.default = Behaviour(fills=True)
        view = await run(engine, workflow)
        assert view.status == "succeeded" and float(view.spent["cost_usd"]) <= (most + least) / 2e6
        assert 64 < provider.calls[0].body["max_tokens"] < 500
        # Not even the shortest answer fits what is left.
        assert (await run(engine, workflow)).status == "stopped" and len(provider.calls) == 1


async def test_what_a_refused_commit_would_have_charged_is_not_spent(tmp_path: Path, provider: FakeProvider) -> None:
    most, _ = bound_of("Say something.", max_tokens=64)
    async with opened(tmp_path / "home", provider, ManualClock()) as engine:
        workflow = await published(engine, asking())
        await engine.budgets.set(ADMIN, "workspace", "", limit_usd=1)
        provider.default = holding = Behaviour(until=threading.Event())
        (run_id,) = await started(engine, workflow, 1)
        await all_are(engine, [run_id], lambda view: "ask" in running(engine, view.id))
        key = ("main", "workspace", "")
        budgets, now = engine._core.executor.budgets, engine._core.clock.now_us()
        assert (budgets.spent(key, now), budgets.set_aside(key)) == (0, most)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(engine._core.journal, "commit", refuses)
            assert holding.until is not None
            holding.until.set()
            await all_are(engine, [run_id], lambda view: view.status == "stopped")
        # Nobody knows yet what of it is on disk: nothing may be spent twice.
        assert budgets.spent(key, now) + budgets.set_aside(key) >= 1
        await engine.runs.resume(ANN, run_id)
        assert (await rested(engine, run_id)).status == "succeeded"
        spent = float((await engine.runs.get(ANN, run_id)).spent["cost_usd"])
        assert budgets.spent(key, now) == round(spent * 1e6) and budgets.set_aside(key) == 0
        assert (await engine.budgets.list(ADMIN)).items[0].spent_usd == pytest.approx(spent)


async def test_an_agent_has_a_budget_over_all_workflows_it_works_in(tmp_path: Path, provider: FakeProvider) -> None:
    async with opened(tmp_path / "home", provider, ManualClock()) as engine:
        first, second = [await published(engine, asking(name, agent="mara")) for name in ("First", "Second")]
        other = await published(engine, asking("Other"))
        await run(engine, first)
        await engine.budgets.set(ADMIN, "agent", "mara", limit_usd=0.000001)
        stopped = await run(engine, second)
        assert stopped.status == "stopped" and "The budget of the agent for today" in stopped.reason
        assert (await run(engine, other)).status == "succeeded"


async def test_what_was_spent_is_known_after_a_restart(tmp_path: Path, provider: FakeProvider) -> None:
    clock = ManualClock()
    async with opened(tmp_path / "home", provider, clock) as engine:
        workflow = await published(engine, asking())
        one = await cost_of_one(engine, workflow)
        await engine.budgets.set(ADMIN, "workspace", "", limit_usd=one * 1.5)
    async with opened(tmp_path / "home", provider, clock) as engine:
        assert (await engine.budgets.list(ADMIN)).items[0].spent_usd == pytest.approx(one)
        assert (await run(engine, workflow)).status == "stopped"


async def test_the_budget_of_a_deleted_workflow_is_told_by_its_name_and_can_be_taken_away(tmp_path: Path, provider: FakeProvider) -> None:
    async with opened(tmp_path / "home", provider, ManualClock()) as engine:
        workflow = await published(engine, asking())
        await engine.budgets.set(ADMIN, "workflow", workflow, limit_usd=1.0)
        await engine.workflows.delete(ADMIN, workflow)
        assert [(one.name, one.limit_usd) for one in (await engine.budgets.list(VIEWER)).items] == [("Asks", 1.0)]
        with pytest.raises(NotFound):
            await engine.budgets.set(ADMIN, "workflow", workflow, limit_usd=2.0)
        await engine.budgets.set(ADMIN, "workflow", workflow, limit_usd=None)
        assert (await engine.budgets.list(VIEWER)).items == []


async def test_a_budget_that_is_taken_away_holds_nobody(tmp_path: Path, provider: FakeProvider) -> None:
    async with opened(tmp_path / "home", provider, ManualClock()) as engine:
        workflow = await published(engine, asking())
        await engine.budgets.set(ADMIN, "workflow", "asks", limit_usd=0)
        stopped = await run(engine, workflow)
        assert stopped.status == "stopped"
        await engine.budgets.set(ADMIN, "workflow", "asks", limit_usd=None)
        assert (await engine.budgets.list(ADMIN)).items == []
        await engine.runs.resume(ANN, stopped.id)
        assert (await rested(engine, stopped.id)).status == "succeeded"


async def test_bad_budgets_are_refused_by_field_and_only_admins_set_them(tmp_path: Path, provider: FakeProvider) -> None:
    async with opened(tmp_path / "home", provider, ManualClock()) as engine:
        for scope, subject, amount, field in (("team", "x", 1, "scope"), ("agent", " ", 1, "subject"), ("workspace", "", -1, "limit_usd")):
            with pytest.raises(Invalid) as refused:
                await engine.budgets.set(ADMIN, scope, subject, limit_usd=amount)
            assert refused.value.details["problems"][0]["field"] == field
        with pytest.raises(NotFound):
            await engine.budgets.set(ADMIN, "workflow", "nobody", limit_usd=1)
        with pytest.raises(NotAllowed):
            await engine.budgets.set(VIEWER, "workspace", "", limit_usd=1)
