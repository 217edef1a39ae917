"""Budgets over many runs: nothing is overspent, whoever asks at once, and what was spent is known after a restart."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from engine import Engine, Invalid, NotAllowed, NotFound, Role, Settings
from engine.clock import ManualClock
from engine.llm.gateway import Gateway, GatewaySettings
from tests.fakes.provider import FakeProvider
from tests.integration.modelled import ANN, PRICE_IN, PRICE_OUT, published, rested
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


async def test_many_runs_at_once_never_spend_more_than_the_workspace_may(tmp_path: Path, provider: FakeProvider) -> None:
    async with opened(tmp_path / "home", provider, ManualClock()) as engine:
        workflow = await published(engine, asking())
        one = await cost_of_one(engine, workflow)
        await engine.budgets.set(ADMIN, "workspace", "", limit_usd=one + 0.001)
        runs = await asyncio.gather(*(run(engine, workflow) for _ in range(64)))
        spent = (await engine.budgets.list(ADMIN)).items[0].spent_usd
        billed = sum(call.tokens_in * PRICE_IN + call.tokens_out * PRICE_OUT for call in provider.calls) / 1e6
        assert billed == pytest.approx(spent) and spent <= one + 0.001
        done = [view for view in runs if view.status == "succeeded"]
        assert done and {view.status for view in runs} == {"succeeded", "stopped"}
        assert spent == pytest.approx(one + sum(float(view.spent["cost_usd"]) for view in done))


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
