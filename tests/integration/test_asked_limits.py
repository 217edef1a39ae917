"""A limit that somebody is asked about, with a dear model and a cheaper one."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from engine import Actor, Engine, Invalid, NotAllowed, Role, Settings
from engine.clock import SystemClock
from engine.llm.gateway import Gateway, GatewaySettings
from tests.fakes.provider import FakeProvider
from tests.integration.modelled import ANN, PRICE_IN, PRICE_OUT, published, rested, until
from tests.integration.running import actor

APPROVER, OPERATOR = actor("abe", Role.APPROVER), actor("ope", Role.OPERATOR)
DEAR: dict[str, Any] = {
    "format": "signalbox/1",
    "name": "Dear",
    "limits": {"cost_usd": 0.000001},
    "on_limit": "ask",
    "nodes": [
        {"id": "start", "kind": "start"},
        {"id": "ask", "kind": "llm", "config": {"prompt": "Say something.", "max_tokens": 64}},
        {"id": "done", "kind": "end", "config": {"output": {"said": "nodes.ask.text", "model": "nodes.ask.model"}}},
    ],
    "edges": [{"source": "start", "target": "ask"}, {"source": "ask", "target": "done"}],
}


@pytest.fixture
async def engine(tmp_path: Path) -> AsyncIterator[Engine]:
    with FakeProvider() as provider:
        settings = GatewaySettings(
            default_model="fake-1",
            base_url=provider.base_url,
            price=(PRICE_IN, PRICE_OUT),
            aliases={"cheap": "practice"},
            key_for=lambda name: "sk-canary-4711",
            practice_ms_per_token=0,
            find_ollama=lambda: None,
        )
        home, clock = Settings.load({"SIGNALBOX_HOME": str(tmp_path / "home")}), SystemClock()
        running = await Engine.open(home, clock=clock, gateway=Gateway(settings, clock=clock))
        try:
            yield running
        finally:
            await running.close()


BOX: dict[str, Any] = DEAR | {
    "name": "Box",
    "limits": {"llm_calls": 2},
    "nodes": [
        {"id": "start", "kind": "start"},
        {"id": "each", "kind": "map", "config": {"items": "[1, 2, 3, 4]", "collect": "item", "on_item_error": "collect"}},
        {"id": "ask", "kind": "llm", "parent": "each", "config": {"prompt": "Say {{ item }}.", "max_tokens": 64}},
        {"id": "done", "kind": "end", "config": {"output": {"said": "nodes.each.results", "missing": "len(nodes.each.errors)"}}},
    ],
    "edges": [
        {"source": "start", "target": "each"},
        {"source": "each", "port": "item", "target": "ask"},
        {"source": "each", "target": "done"},
    ],
}


async def asked(engine: Engine, document: dict[str, Any] = DEAR) -> tuple[str, Any]:
    run = (await engine.runs.start(ANN, await published(engine, document))).run_id
    await until(engine, run, lambda view: view.status == "waiting")
    return run, (await engine.approvals.list(ANN, status="pending", type="limit")).items[0]


async def decide(engine: Engine, item: Any, decision: str, *, by: Actor = OPERATOR, **values: Any) -> Any:
    return await engine.approvals.decide(by, item.id, decision=decision, digest=item.digest, values=values or None)


async def test_the_cheaper_model_does_the_rest(engine: Engine) -> None:
    run, item = await asked(engine)
    assert (item.path, item.choices, item.run_id) == ("", ["extend", "cheaper", "stop"], run)
    decided = await decide(engine, item, "cheaper")
    assert (decided.status, decided.decision) == ("done", "cheaper")
    ended = await rested(engine, run)
    assert (ended.status, ended.spent["cost_usd"]) == ("succeeded", 0)
    assert ended.output["model"] == "practice"


async def test_more_money_lets_the_dear_model_answer(engine: Engine) -> None:
    run, item = await asked(engine)
    assert item.editable == {"cost_usd": 0.000002}
    with pytest.raises(Invalid) as refused:
        await decide(engine, item, "extend", cost_usd=0.000001)
    assert refused.value.details["problems"] == [
        {"field": "values.cost_usd", "message": "cost_usd must be above $0.000001: that much is allowed already."}
    ]
    with pytest.raises(Invalid):
        await decide(engine, item, "extend", euros=3)
    await decide(engine, item, "extend", cost_usd=0.5)
    ended = await rested(engine, run)
    assert (ended.status, ended.output["model"], ended.limits["cost_usd"]) == ("succeeded", "fake-1", 0.5)


async def test_only_whoever_may_raise_limits_answers(engine: Engine) -> None:
    run, item = await asked(engine)
    with pytest.raises(NotAllowed):
        await decide(engine, item, "extend", by=APPROVER, cost_usd=0.5)
    assert (await engine.inbox.card(APPROVER, item.id)).may_decide is False
    assert (await engine.inbox.card(OPERATOR, item.id)).may_decide is True
    await decide(engine, item, "stop")
    assert (await engine.runs.get(ANN, run)).status == "stopped"


async def test_cancelling_the_run_closes_the_question(engine: Engine) -> None:
    run, item = await asked(engine)
    await engine.runs.cancel(ANN, run)
    assert (await engine.approvals.get(ANN, item.id)).status == "cancelled"


async def test_what_is_there_is_enough_where_that_is_drawn(engine: Engine) -> None:
    run, item = await asked(engine, BOX)
    assert item.choices == ["extend", "finish", "stop"]
    decided = await decide(engine, item, "finish")
    assert (decided.status, decided.decision) == ("done", "finish")
    ended = await rested(engine, run)
    assert (ended.status, ended.spent["llm_calls"], ended.limits["llm_calls"]) == ("succeeded", 2, 2)
    assert (sorted(ended.output["said"], key=str), ended.output["missing"]) == ([1, 2, None, None], 2)


async def test_it_cannot_be_finished_where_that_is_not_offered(engine: Engine) -> None:
    run, item = await asked(engine)
    with pytest.raises(Invalid):
        await decide(engine, item, "finish")
    assert (await engine.runs.get(ANN, run)).status == "waiting"
