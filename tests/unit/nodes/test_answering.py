"""Answers that do not fit are asked for again, within what was set aside; checks send an answer that is not good by a way of its own."""

import pytest

from engine.errors import OutputInvalid
from engine.llm.messages import ModelRequest
from engine.nodes.answering import MOST_SHOWN_BYTES, most_of
from engine.nodes.contract import Capability
from tests.unit.nodes.fakes import REGISTRY, Prices, World, given_for, outcome_of

LLM = REGISTRY.get("llm")
SCHEMA = {"type": "object", "required": ["n"], "properties": {"n": {"type": "integer"}}}
CONFIG = {"prompt": "How many {braces}?", "output": SCHEMA, "max_tokens": 100}
SOURCES = "The shop opens at 9 and closes at 18. Refunds take five working days. Anna Berger runs the shop in Graz."


def world(*answers: str) -> World:
    return World(LLM.uses, answers=list(answers))


async def test_the_model_is_shown_its_answer_and_what_is_wrong_and_asked_again() -> None:
    here = world('{"n": "five"}', '{"n": 5}')
    outcome = await outcome_of(LLM, CONFIG, {}, world=here)
    assert outcome.outputs["json"] == {"n": 5}
    first, second = here.requests
    assert first.prompt == "How many {braces}?" and second.prompt.startswith(first.prompt)
    assert '{"n": "five"}' in second.prompt and "n " in second.prompt and second.schema == SCHEMA
    assert second.model == "other", "a repair asks the model that has answered"
    assert [answer for answer, _ in here.refused] == ['{"n": "five"}'] and here.refused[0][1]
    assert outcome.outputs["usage"]["tokens_in"] + outcome.outputs["usage"]["tokens_out"] == here.tokens


@pytest.mark.parametrize("repairs", [0, 1, 3])
async def test_it_is_asked_again_so_often_and_no_more(repairs: int) -> None:
    here = world(*["nonsense"] * 9)
    with pytest.raises(OutputInvalid):
        await outcome_of(LLM, CONFIG | {"repairs": repairs}, {}, world=here)
    assert len(here.requests) == len(here.refused) == repairs + 1
    assert LLM.most_calls(LLM.Config.model_validate(CONFIG | {"repairs": repairs})) == (repairs + 1, 0)


async def test_a_text_is_never_repaired() -> None:
    config = LLM.Config.model_validate({"prompt": "x", "repairs": 3})
    assert LLM.most_calls(config) == (1, 0) and LLM.estimate(config, given_for(LLM, {"prompt": "x"}, {})[1], Prices()).llm_calls == 1


@pytest.mark.parametrize("answer", ["ü" * 40_000, "{" * 40_000, "\ud800 lone", '{"n": ' + '"x"' * 9_000 + "}"])
@pytest.mark.parametrize("max_tokens", [1, 100, 50_000])
async def test_no_repair_is_longer_than_what_was_set_aside_for_it(answer: str, max_tokens: int) -> None:
    here = world(*[answer] * 4)
    config, given = given_for(LLM, CONFIG | {"repairs": 3, "max_tokens": max_tokens}, {})
    with pytest.raises(OutputInvalid):
        await LLM.execute(config, given, here)
    most = LLM.estimate(config, given, Prices())
    assert sum(Prices().bound(request).tokens for request in here.requests) <= most.tokens
    assert sum(Prices().bound(request).cost_micro for request in here.requests) <= most.cost_micro
    assert len(here.requests) == most.llm_calls == 4
    assert all(len(request.prompt.encode("utf-8", "replace")) < MOST_SHOWN_BYTES + 3_000 for request in here.requests)


def test_fallbacks_add_up_and_a_repair_costs_what_the_dearest_of_them_does() -> None:
    request = ModelRequest("a", "", "x", SCHEMA, None, 10, 1.0)
    one, two = most_of(request, (), Prices()), most_of(request, ("b",), Prices())
    repaired = most_of(request, ("b",), Prices(), repairs=1)
    assert (one.llm_calls, two.llm_calls, repaired.llm_calls) == (1, 2, 3)
    assert two.cost_micro == 2 * one.cost_micro and repaired.cost_micro > two.cost_micro + one.cost_micro


def checked(*checks: str) -> dict:
    return {"prompt": "x", "checks": list(checks), "sources": SOURCES}


def test_the_port_for_what_is_not_good_is_there_exactly_when_something_is_checked() -> None:
    plain, with_checks = LLM.Config.model_validate({"prompt": "x"}), LLM.Config.model_validate(checked("polite"))
    assert LLM.ports(plain) == ("out",) and LLM.ports(with_checks) == ("out", "not_good")
    assert "checks" not in (LLM.output_names(plain) or ()) and "checks" in (LLM.output_names(with_checks) or ())


async def test_an_answer_that_passes_goes_on_and_tells_what_was_checked() -> None:
    here = world("Refunds take five working days.")
    outcome = await outcome_of(LLM, checked("grounded", "polite", "no_personal_data"), {}, world=here)
    assert outcome.port == "out"
    assert [(one["check"], one["passed"]) for one in outcome.outputs["checks"]] == [
        ("grounded", True), ("polite", True), ("no_personal_data", True),
    ]  # fmt: skip
    assert outcome.outputs["checks"][0]["sentences"][0]["source"] == "Refunds take five working days."


async def test_what_is_not_good_enough_says_which_sentence_and_why() -> None:
    here = world("Refunds take five working days. The shop closes at 21. Are you an idiot? Write to anna@example.org.")
    outcome = await outcome_of(LLM, checked("grounded", "polite", "no_personal_data"), {}, world=here)
    assert outcome.port == "not_good" and LLM.port_of(LLM.Config.model_validate(checked("polite")), outcome.outputs) == "not_good"
    grounds, tone, personal = outcome.outputs["checks"]
    assert "The shop closes at 21." in [one["text"] for one in grounds["problems"]]
    assert any("do not say 21" in one["why"] for one in grounds["problems"])
    assert tone["problems"] == [{"text": "idiot", "why": "a rude word"}]
    assert personal["problems"] == [{"text": "an…rg", "why": "an e-mail address"}]


async def test_the_texts_in_a_value_are_what_is_checked() -> None:
    here = world('{"n": 5, "to": ["bob@example.org"]}')
    outcome = await outcome_of(LLM, CONFIG | {"checks": ["no_personal_data"]}, {}, world=here)
    assert outcome.port == "not_good"


def test_grounds_need_sources() -> None:
    config = LLM.Config.model_validate({"prompt": "x", "checks": ["grounded"]})
    assert [problem.field for problem in LLM.problems(config)] == ["sources"]
    assert Capability.MEANING in LLM.uses
