"""What each kind does, told by its edge cases."""

import pytest

from engine.errors import ConfigInvalid, FailedOnPurpose, OutputInvalid
from engine.expressions import ExpressionError
from engine.nodes.contract import Answer
from tests.unit.nodes.fakes import REGISTRY, World, given_for, outcome_of


def kind(name: str):
    found = REGISTRY.get(name)
    assert found is not None
    return found


def codes(name: str, config: dict) -> list[tuple[str, str]]:
    typed = kind(name).Config.model_validate(config)
    return [(p.code, p.severity) for p in kind(name).problems(typed)]


# branch


async def test_a_branch_takes_the_first_case_that_holds() -> None:
    cases = [{"port": "a", "when": "inputs.n > 5"}, {"port": "b", "when": "inputs.n > 1"}, {"port": "c", "when": "true"}]
    for n, port in ((9, "a"), (3, "b"), (0, "c")):
        outcome = await outcome_of(kind("branch"), {"cases": cases}, {"inputs": {"n": n}})
        assert (outcome.port, outcome.outputs) == (port, {"case": port})


@pytest.mark.parametrize("value", [0, "", [], {}, None, False])
async def test_empty_values_do_not_hold(value) -> None:
    outcome = await outcome_of(kind("branch"), {"cases": [{"port": "a", "when": "inputs.v"}]}, {"inputs": {"v": value}})
    assert outcome.port == "else"


async def test_a_broken_condition_before_the_match_is_an_error() -> None:
    cases = [{"port": "a", "when": "inputs.missing"}, {"port": "b", "when": "true"}]
    with pytest.raises(ExpressionError):
        await outcome_of(kind("branch"), {"cases": cases}, {})


def test_two_cases_may_share_a_port_but_not_take_a_reserved_one() -> None:
    config = {"cases": [{"port": "a", "when": "1"}, {"port": "a", "when": "2"}]}
    assert kind("branch").ports(kind("branch").Config.model_validate(config)) == ("a", "else")
    assert codes("branch", {"cases": [{"port": "else", "when": "1"}, {"port": "error", "when": "1"}]}) == [("reserved_port", "error")] * 2


# llm


async def test_the_practice_model_is_labelled() -> None:
    outcome = await outcome_of(kind("llm"), {"prompt": "Hello"}, {})
    assert outcome.outputs["model"] == "practice" and outcome.outputs["usage"]["practice"] is True
    assert outcome.outputs["json"] is None


async def test_a_real_model_is_not_called_practice() -> None:
    world = World(kind("llm").uses, answers=["Hi"])
    outcome = await outcome_of(kind("llm"), {"prompt": "Hello"}, {}, world=world)
    assert outcome.outputs["text"] == "Hi" and "practice" not in outcome.outputs["usage"]


SCHEMA = {"type": "object", "required": ["n"], "properties": {"n": {"type": "integer"}}}


async def test_an_answer_in_a_schema_is_kept_as_a_value() -> None:
    world = World(kind("llm").uses, answers=['```json\n{"n": 5}\n```'])
    outcome = await outcome_of(kind("llm"), {"prompt": "Hello", "output": SCHEMA}, {}, world=world)
    assert outcome.outputs["json"] == {"n": 5}
    assert world.requests[0].schema == SCHEMA


@pytest.mark.parametrize("answer", ["no json", '{"n": "five"}', "{}", ""])
async def test_an_answer_that_does_not_fit_is_an_error_that_may_be_tried_again(answer) -> None:
    with pytest.raises(OutputInvalid):
        await outcome_of(kind("llm"), {"prompt": "x", "output": SCHEMA, "repairs": 0}, {}, world=World(kind("llm").uses, answers=[answer]))


async def test_a_prompt_that_is_a_value_becomes_text() -> None:
    world = World(kind("llm").uses)
    await outcome_of(kind("llm"), {"prompt": "{{ inputs.data }}", "system": "{{ null }}"}, {"inputs": {"data": {"a": [1]}}}, world=world)
    assert (world.requests[0].prompt, world.requests[0].system) == ('{"a":[1]}', "")


async def test_the_engine_can_lower_the_length_of_the_answer() -> None:
    config, given = given_for(kind("llm"), {"prompt": "x"}, {})
    world = World(kind("llm").uses)
    await kind("llm").execute(config, {**given, "max_tokens": 64}, world)
    assert world.requests[0].max_tokens == 64


async def test_a_model_that_is_not_a_name_is_refused() -> None:
    with pytest.raises(ConfigInvalid):
        await outcome_of(kind("llm"), {"prompt": "x", "model": "{{ 5 }}"}, {})


def test_an_empty_prompt_and_a_bad_schema_are_problems() -> None:
    assert codes("llm", {"prompt": " "}) == [("empty_text", "error")]
    assert codes("llm", {"prompt": "x", "output": {"type": "x"}}) == [("bad_schema", "error")]


# classify

LABELS = [
    {"port": "lost", "description": "card lost or stolen", "examples": ["I lost my card", "my card was stolen"]},
    {"port": "fees", "description": "fees and charges", "examples": ["why was I charged a fee"]},
]


def classify(**more) -> dict:
    return {"text": "{{ inputs.m }}", "labels": LABELS, **more}


async def test_a_text_goes_by_the_label_it_is_most_like() -> None:
    outcome = await outcome_of(kind("classify"), classify(), {"inputs": {"m": "someone has stolen my card"}})
    assert outcome.port == outcome.outputs["label"] == "lost"
    assert outcome.outputs["confidence"] == max(outcome.outputs["scores"].values())
    assert set(outcome.outputs["scores"]) == {"lost", "fees"}


async def test_below_the_least_confidence_it_is_unsure_and_still_tells_the_likeliest() -> None:
    outcome = await outcome_of(kind("classify"), classify(min_confidence=1), {"inputs": {"m": "charged a fee for my card"}})
    assert outcome.port == "unsure" and outcome.outputs["label"] in ("lost", "fees")


@pytest.mark.parametrize("text", ["", "  \n", None])
async def test_an_empty_text_is_unsure_without_any_call(text) -> None:
    for method in ("meaning", "model"):
        outcome = await outcome_of(kind("classify"), classify(method=method), {"inputs": {"m": text}}, world=World(frozenset()))
        assert (outcome.port, outcome.outputs["confidence"]) == ("unsure", 0.0)


async def test_even_without_a_least_confidence_an_empty_text_is_unsure() -> None:
    outcome = await outcome_of(kind("classify"), classify(min_confidence=0), {"inputs": {"m": ""}})
    assert outcome.port == "unsure"


async def test_a_model_can_judge_instead() -> None:
    world = World(kind("classify").uses, answers=['{"label": "fees", "confidence": 0.8}'])
    outcome = await outcome_of(kind("classify"), classify(method="model"), {"inputs": {"m": "x"}}, world=world)
    assert (outcome.port, outcome.outputs["scores"]) == ("fees", {"lost": 0.0, "fees": 0.8})
    assert world.requests[0].schema is not None
    assert world.requests[0].schema["properties"]["label"] == {"enum": ["lost", "fees"]}


@pytest.mark.parametrize("answer", ['{"label": "none of these", "confidence": 1}', '{"label": "fees", "confidence": 7}', "fees"])
async def test_a_model_cannot_answer_outside_the_labels(answer) -> None:
    with pytest.raises(OutputInvalid):
        world = World(kind("classify").uses, answers=[answer])
        await outcome_of(kind("classify"), classify(method="model"), {"inputs": {"m": "x"}}, world=world)


def test_labels_cannot_take_a_reserved_port() -> None:
    assert codes("classify", classify(labels=[{"port": "unsure"}, {"port": "error"}])) == [("reserved_port", "error")] * 2


# approval


async def decided(config: dict, answer: Answer):
    return await outcome_of(kind("approval"), {"title": "?", **config}, {}, answer=answer)


async def test_edited_values_replace_the_original_ones_and_strangers_are_ignored() -> None:
    config = {"editable": {"reply": "'old'", "topic": "'card'"}}
    outcome = await decided(config, Answer("approved", "Ada", "ok", {"reply": "new", "stranger": 1}))
    assert outcome.outputs["values"] == {"reply": "new", "topic": "card"}
    assert outcome.port == "approved"


@pytest.mark.parametrize("port", ["expired", "approved", "rejected"])
async def test_nobody_answering_leaves_by_the_port_that_was_chosen(port) -> None:
    outcome = await decided({"expires_after_s": 5, "on_expire": port}, Answer("expired", None, "Nobody answered in time.", {}))
    assert (outcome.port, outcome.outputs["decision"], outcome.outputs["by"]) == (port, port, None)


def test_the_card_shows_what_was_worked_out() -> None:
    approval = kind("approval")
    config = {
        "title": "Pay {{ inputs.n }}?",
        "show": {"n": "inputs.n"},
        "approvers": {"roles": ["approver"], "four_eyes": True},
        "action": "pay",
    }
    typed, given = given_for(approval, config, {"inputs": {"n": 5}})
    ask = approval.ask(typed, given)
    assert (ask.title, ask.show, ask.choices, ask.action) == ("Pay 5?", {"n": 5}, ("approve", "reject"), "pay")
    assert ask.approvers == {"roles": ["approver"], "users": [], "quorum": 1, "four_eyes": True}


def test_silence_as_consent_is_said_aloud() -> None:
    assert codes("approval", {"title": "?", "expires_after_s": 5, "on_expire": "approved"}) == [("silence_approves", "warning")]
    assert codes("approval", {"title": "?", "on_expire": "rejected"}) == [("unused_setting", "warning")]
    assert codes("approval", {}) == [("empty_text", "warning")]


def test_an_approver_whose_role_nobody_can_hold_is_told() -> None:
    card = {"title": "?", "approvers": {"roles": ["approver", "aprover", "{{ inputs.role }}"]}}
    assert codes("approval", card) == [("unknown_role", "warning")]


# notify, fail, start


async def test_a_message_is_sent_once_however_often_the_step_is_tried() -> None:
    world = World(kind("notify").uses)
    for _ in range(2):
        outcome = await outcome_of(kind("notify"), {"message": "Hello {{ inputs.n }}"}, {"inputs": {"n": "Ada"}}, world=world)
    assert outcome.outputs == {"delivered": True}
    assert list(world.notices.values()) == [("app", "", "Hello Ada")]


async def test_what_cannot_go_by_its_channel_is_kept_in_the_app_and_not_called_delivered() -> None:
    assert codes("notify", {"channel": "email", "message": "x"}) == [("unknown_channel", "warning")]
    assert codes("notify", {"channel": "{{ inputs.c }}", "message": "x"}) == []
    assert codes("notify", {}) == [("missing_key", "error")]
    world = World(kind("notify").uses)
    outcome = await outcome_of(kind("notify"), {"channel": "{{ inputs.c }}", "message": "x"}, {"inputs": {"c": "email"}}, world=world)
    assert outcome.outputs == {"delivered": False}
    assert list(world.notices.values()) == [("app", "[email] ", "x")]


async def test_approvers_may_be_worked_out_but_never_to_nobody() -> None:
    ok = kind("approval")
    typed, given = given_for(
        ok,
        {"title": "t", "approvers": {"users": ["{{ inputs.boss }}", "{{ inputs.team }}"]}},
        {"inputs": {"boss": "a@b.c", "team": ["d", "e"]}},
    )
    assert ok.ask(typed, given).approvers == {"roles": [], "users": ["a@b.c", "d", "e"], "quorum": 1, "four_eyes": False}
    typed, given = given_for(ok, {"title": "t", "approvers": {"users": ["{{ inputs.boss }}"]}}, {"inputs": {"boss": None}})
    with pytest.raises(ConfigInvalid):
        ok.ask(typed, given)


async def test_failing_on_purpose_says_why() -> None:
    with pytest.raises(FailedOnPurpose, match="No stock of 5"):
        await outcome_of(kind("fail"), {"message": "No stock of {{ inputs.n }}"}, {"inputs": {"n": 5}})
    with pytest.raises(FailedOnPurpose, match="A fail step was reached"):
        await outcome_of(kind("fail"), {}, {})


async def test_the_start_hands_on_all_inputs() -> None:
    outcome = await outcome_of(kind("start"), {}, {"inputs": {"a": 1, "b": [2]}})
    assert outcome.outputs == {"a": 1, "b": [2]}


def test_the_names_of_the_inputs_are_known_when_the_schema_allows_no_others() -> None:
    start = kind("start")
    closed = start.Config.model_validate({"inputs": {"properties": {"a": {}}, "additionalProperties": False}})
    assert start.output_names(closed) == {"a"}
    assert start.output_names(start.Config.model_validate({"inputs": {"properties": {"a": {}}}})) is None
