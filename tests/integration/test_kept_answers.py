"""An answer to the very same question is given again where a step asks for it: at no cost, bounded, and to nobody else."""

from pathlib import Path
from typing import Any

import pytest

from engine.clock import ManualClock
from engine.facade import kept_answers
from engine.facade.kept_answers import KeptAnswers
from engine.ids import SystemIds
from engine.llm.messages import ModelAnswer, ModelInfo, ModelRequest, Usage
from engine.llm.remembering import key_of
from engine.people.records import Records
from engine.security.audit import AuditLog
from engine.storage.migrate import migrate
from engine.storage.sqlite import open_engine
from tests.fakes.provider import FakeProvider, failing, text, value
from tests.integration.modelled import ANN, document, llm, opened, published, rested, run_through, steps_of

ANSWER = ModelAnswer("Yes.", "m", Usage(3, 1, cost_micro=9), "stop", False)
INFO = ModelInfo("m", "openai", "m", False, 1.0, 1.0, "http://127.0.0.1:1/v1", True, "")


def asking(**config: Any) -> Any:
    step = llm("q", "Is {{ inputs.what }} open?", config={"cache_s": 3600, **config})
    return document(step, output={"t": "nodes.q.text"}, edges=[("start", "q"), ("q", "done")])


async def test_the_second_answer_costs_nothing_and_says_so(tmp_path: Path) -> None:
    with FakeProvider() as provider:
        provider.default = text("It is.")
        async with opened(tmp_path, provider) as engine:
            drawn = asking()
            first = await run_through(engine, drawn, what="the shop")
            second = await run_through(engine, drawn, what="the shop")
            assert first.output == second.output == {"t": "It is."} and len(provider.calls) == 1
            assert first.spent["cost_usd"] > 0
            assert (second.spent["cost_usd"], second.spent["tokens"], second.spent["llm_calls"]) == (0, 0, 0)
            step = (await steps_of(engine, second.id))["q"]
            assert step.note["calls"] == [{"model": "fake-1", "practice": False, "cached": True, "cost_usd": 0.0}]
            assert step.outputs["usage"] == {"tokens_in": 0, "tokens_out": 0, "cost_usd": 0.0, "cached": True}
            assert (await run_through(engine, drawn, what="the bank")).spent["llm_calls"] == 1, "another question is asked"
            assert (await run_through(engine, asking(temperature=0.5), what="the shop")).spent["llm_calls"] == 1
            assert (await run_through(engine, asking(cache_s=0), what="the shop")).spent["llm_calls"] == 1, "only who asks for it"


async def test_it_outlives_a_restart_but_an_answer_that_was_of_no_use_is_not_kept(tmp_path: Path) -> None:
    schema = {"type": "object", "required": ["n"], "properties": {"n": {"type": "integer"}}}
    with FakeProvider() as provider:
        async with opened(tmp_path, provider) as engine:
            drawn = asking(output=schema, repairs=0)
            provider.then(text("nonsense"), value({"n": 1}))
            assert (await run_through(engine, drawn, what="x")).status == "failed"
            assert (await run_through(engine, drawn, what="x")).status == "succeeded"
        async with opened(tmp_path, provider) as engine:
            assert (await run_through(engine, drawn, what="x")).spent["llm_calls"] == 0
            refused = asking(checks=["polite"])
            provider.then(text("You idiot."), text("Gladly."))
            assert (await run_through(engine, refused, what="y")).output is None
            assert (await run_through(engine, refused, what="y")).output == {"t": "Gladly."}, "what is not good enough is asked anew"


async def test_a_repaired_answer_comes_back_with_its_repair(tmp_path: Path) -> None:
    schema = {"type": "object", "required": ["n"], "properties": {"n": {"type": "integer"}}}
    with FakeProvider() as provider:
        async with opened(tmp_path, provider) as engine:
            provider.then(text("nonsense"), value({"n": 1}))
            drawn = asking(output=schema)
            assert (await run_through(engine, drawn, what="x")).spent["llm_calls"] == 2
            again = await run_through(engine, drawn, what="x")
            assert (again.status, again.spent["cost_usd"], len(provider.calls)) == ("succeeded", 0, 2)


async def test_the_practice_model_that_stands_in_is_never_remembered_but_one_that_is_named_is(tmp_path: Path) -> None:
    async with opened(tmp_path, None) as engine:
        for model, calls in (("default", 1), ("practice", 0)):
            await run_through(engine, asking(model=model), what="x")
            assert (await run_through(engine, asking(model=model), what="x")).spent["llm_calls"] == calls


async def test_a_known_answer_of_the_first_model_goes_before_the_fallback(tmp_path: Path) -> None:
    with FakeProvider() as provider:
        async with opened(tmp_path, provider) as engine:
            workflow = await published(engine, asking(fallback_models=["practice"]))
            provider.then(text("First."), failing(500))
            for _ in range(2):
                started = await engine.runs.start(ANN, workflow, inputs={"what": "x"})
                assert (await rested(engine, started.run_id)).output == {"t": "First."}
            assert len(provider.calls) == 1


@pytest.fixture
def kept(tmp_path: Path) -> tuple[KeptAnswers, ManualClock]:
    migrate(tmp_path / "signalbox.db")
    clock = ManualClock()
    records = Records(db=open_engine(tmp_path / "signalbox.db"), clock=clock, ids=SystemIds(), audit=AuditLog(b"k" * 32))
    return KeptAnswers(records), clock


async def test_nobody_gets_the_answer_of_another_workspace(kept: tuple[KeptAnswers, ManualClock]) -> None:
    answers, _ = kept
    await answers.keep("ours", {"k": ANSWER})
    assert (await answers.find("ours", "k", at_most_s=60)) is not None
    assert (await answers.find("theirs", "k", at_most_s=60)) is None


async def test_an_answer_is_too_old_when_the_step_says_so_and_has_used_nothing(kept: tuple[KeptAnswers, ManualClock]) -> None:
    answers, clock = kept
    await answers.keep("w", {"k": ANSWER})
    clock.advance(59)
    found = await answers.find("w", "k", at_most_s=60)
    assert found is not None and (found.text, found.usage) == ("Yes.", Usage(0, 0))
    clock.advance(1)
    assert await answers.find("w", "k", at_most_s=60) is None
    assert await answers.find("w", "k", at_most_s=3600) is not None


async def test_there_is_room_for_so_many_and_the_oldest_go(kept: tuple[KeptAnswers, ManualClock], monkeypatch: pytest.MonkeyPatch) -> None:
    answers, clock = kept
    monkeypatch.setattr(kept_answers, "MOST_ANSWERS", 10)
    for number in range(25):
        await answers.keep("w", {str(number): ANSWER})
        clock.advance(1)
    found = [number for number in range(25) if await answers.find("w", str(number), at_most_s=3600)]
    assert 8 <= len(found) <= 10 and found == list(range(25 - len(found), 25))
    monkeypatch.setattr(kept_answers, "LARGEST_BYTES", 3)
    await answers.keep("w", {"long": ANSWER})
    assert await answers.find("w", "long", at_most_s=3600) is None


def test_everything_that_is_sent_is_part_of_the_key() -> None:
    request = ModelRequest("default", "s", "p", {"type": "object"}, 0.0, 10, 1.0)
    others = [
        ModelRequest("default", "x", "p", {"type": "object"}, 0.0, 10, 1.0),
        ModelRequest("default", "s", "x", {"type": "object"}, 0.0, 10, 1.0),
        ModelRequest("default", "s", "p", None, 0.0, 10, 1.0),
        ModelRequest("default", "s", "p", {"type": "object"}, None, 10, 1.0),
        ModelRequest("default", "s", "p", {"type": "object"}, 0.0, 11, 1.0),
    ]
    assert len({key_of(one, INFO) for one in [request, *others]}) == 6
    assert key_of(ModelRequest("m", "s", "p", {"type": "object"}, 0.0, 10, 9.0), INFO) == key_of(request, INFO)
    elsewhere = ModelInfo("m", "openai", "m", False, 1.0, 1.0, None, True, "")
    assert key_of(request, elsewhere) != key_of(request, INFO)
