"""What a model's provider does not take at once: calls wait in line, refusals are tried again, and neither costs anything."""

import asyncio
import threading
from pathlib import Path

from engine.llm.gateway import GatewaySettings
from engine.llm.pacing import Pace
from tests.fakes.provider import FakeProvider, failing, hanging, rate_limited, text
from tests.integration.modelled import (
    ANN,
    document,
    events_of,
    ledger_of,
    llm,
    opened,
    published,
    rested,
    run_through,
    steps_of,
    until,
)  # fmt: skip

ONE = document(llm("q"), output={"t": "nodes.q.text"}, edges=[("start", "q"), ("q", "done")])


def limited(engine, provider: FakeProvider, **paces: Pace) -> None:
    settings = GatewaySettings(
        default_model="fake-1",
        base_url=provider.base_url,
        price=(1.0, 2.0),
        key_for=lambda name: "k",
        paces=paces,
        find_ollama=lambda: None,
    )
    engine._core.gateway.reconfigure(settings)


async def test_calls_at_once_never_exceed_the_limit_and_the_wait_is_told_and_costs_nothing(tmp_path: Path) -> None:
    go = threading.Event()
    with FakeProvider() as provider:
        async with opened(tmp_path, provider) as engine:
            provider.default = text("ok", until=go)
            limited(engine, provider, **{"fake-1": Pace(at_once=2)})
            workflow = await published(engine, ONE)
            runs = [await engine.runs.start(ANN, workflow, inputs={}) for _ in range(6)]
            async with asyncio.timeout(60):
                while (
                    not (line := [one for one in (await engine.model_settings.get(ANN)).lines if one.running == 2]) or line[0].waiting < 4
                ):
                    await asyncio.sleep(0.01)
            assert line[0].model == "fake-1"
            go.set()
            ended = [await rested(engine, run.run_id) for run in runs]
            assert {run.status for run in ended} == {"succeeded"} and provider.max_concurrency == 2
            notes = [(await steps_of(engine, run.id))["q"].note["calls"][0] for run in ended]
            assert len([note for note in notes if note.get("waited_s", 0) > 0]) == 4
            assert sum(round(run.spent["cost_usd"] * 1e6) for run in ended) == provider.total_cost_micro(1.0, 2.0)


async def test_the_time_of_a_step_does_not_run_while_it_waits_in_line(tmp_path: Path) -> None:
    go = threading.Event()
    with FakeProvider() as provider:
        async with opened(tmp_path, provider) as engine:
            await run_through(engine, ONE)
            provider.then(text("first", until=go))
            limited(engine, provider, **{"fake-1": Pace(at_once=1)})
            first = await engine.runs.start(ANN, await published(engine, ONE), inputs={})
            hurried = document(llm("q", timeout_s=1.0), output={"t": "nodes.q.text"}, edges=[("start", "q"), ("q", "done")])
            second = await engine.runs.start(ANN, await published(engine, hurried), inputs={})
            async with asyncio.timeout(60):
                while sum(one.waiting for one in (await engine.model_settings.get(ANN)).lines) < 1:
                    await asyncio.sleep(0.01)
                # Longer than the step may take: what is tried is that nothing happens.
                await asyncio.sleep(1.2)
            go.set()
            assert (await rested(engine, first.run_id)).status == (await rested(engine, second.run_id)).status == "succeeded"


async def test_a_run_that_is_cancelled_in_line_leaves_it(tmp_path: Path) -> None:
    with FakeProvider() as provider:
        async with opened(tmp_path, provider) as engine:
            provider.then(hanging())
            limited(engine, provider, **{"fake-1": Pace(at_once=1)})
            workflow = await published(engine, ONE)
            first = await engine.runs.start(ANN, workflow, inputs={})
            second = await engine.runs.start(ANN, workflow, inputs={})
            async with asyncio.timeout(60):
                while sum(one.waiting for one in (await engine.model_settings.get(ANN)).lines) < 1:
                    await asyncio.sleep(0.01)
            for run in (second, first):
                await engine.runs.cancel(ANN, run.run_id)
            assert (await run_through(engine, ONE)).status == "succeeded", "the place is free again"
            assert (await engine.model_settings.get(ANN)).lines == []


async def test_a_provider_that_is_busy_is_asked_again_after_the_pause_it_names_at_no_cost(tmp_path: Path) -> None:
    with FakeProvider() as provider:
        provider.then(rate_limited("0.1"), failing(503))
        async with opened(tmp_path, provider) as engine:
            run = await run_through(engine, ONE)
            assert run.status == "succeeded" and len(provider.calls) == 3
            failures = await events_of(engine, run.id, "step_failed")
            assert [bool(event.data["retry_at"]) for event in failures] == [True, True]
            assert round(run.spent["cost_usd"] * 1e6) == provider.total_cost_micro(1.0, 2.0)
            ledger_of(engine, run.id)


async def test_what_may_have_cost_something_is_not_repeated_unless_the_step_says_so(tmp_path: Path) -> None:
    with FakeProvider() as provider:
        async with opened(tmp_path, provider) as engine:
            once = document(llm("q", retry={"attempts": 1}), output={}, edges=[("start", "q"), ("q", "done")])
            for how, drawn in ((failing(502), ONE), (failing(401), ONE), (failing(503), once), (rate_limited("0.1"), once)):
                before = len(provider.calls)
                provider.then(how)
                assert (await run_through(engine, drawn)).status == "failed"
                assert len(provider.calls) == before + 1


async def test_what_settings_put_behind_an_alias_is_asked_when_its_model_does_not_answer(tmp_path: Path) -> None:
    with FakeProvider() as provider:
        async with opened(tmp_path, provider) as engine:
            settings = GatewaySettings(
                default_model="fake-1", base_url=provider.base_url, price=(1.0, 2.0), fallbacks={"default": ["fake-2", "practice"]},
                find_ollama=lambda: None,
            )  # fmt: skip
            engine._core.gateway.reconfigure(settings)
            provider.then(failing(500), text("I am the second."))
            workflow = await published(engine, ONE)
            run = await rested(engine, (await engine.runs.start(ANN, workflow, inputs={})).run_id)
            assert run.output == {"t": "I am the second."} and [call.model for call in provider.calls] == ["fake-1", "fake-2"]
            assert run.spent["llm_calls"] == 2
            ledger_of(engine, run.id)
            assert (await until(engine, run.id, lambda one: True)).limits["llm_calls"] >= 3
