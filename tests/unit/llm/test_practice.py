"""The practice model: repeatable, labelled, within its limits, and its JSON fits the schema that was asked for."""

import asyncio
import json
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.clock import SystemClock
from engine.errors import ConfigInvalid, ProviderUnavailable, StepTimedOut
from engine.llm.gateway import Gateway, GatewaySettings
from engine.llm.messages import ModelAnswer, ModelRequest
from engine.schemas import check_schema, problems_of

LETTER = "Answer this message: I lost my card in Berlin yesterday. Please block it and write to anna@example.org. It was order 4711."


def request(
    prompt: str = LETTER, *, model: str = "practice", schema=None, max_tokens: int = 4_000, timeout_s: float = 5.0, system: str = ""
):
    return ModelRequest(
        model=model, system=system, prompt=prompt, schema=schema, temperature=None, max_tokens=max_tokens, timeout_s=timeout_s
    )


def gateway(**settings_) -> Gateway:
    given_ = {"find_ollama": lambda: None, "practice_ms_per_token": 0.0} | settings_
    return Gateway(GatewaySettings(**given_), clock=SystemClock())


def ask(asked: ModelRequest, **settings_) -> ModelAnswer:
    return asyncio.run(gateway(**settings_).complete(asked))


@st.composite
def numbers(draw, kind: str) -> dict:
    whole = kind == "integer"
    low = draw(st.integers(-1_000, 1_000))
    high = low + draw(st.integers(2, 500))
    schema: dict = {"type": kind}
    if draw(st.booleans()):
        schema[draw(st.sampled_from(["minimum", "exclusiveMinimum"]))] = low
    if draw(st.booleans()):
        schema[draw(st.sampled_from(["maximum", "exclusiveMaximum"]))] = high
    if draw(st.booleans()) and len(schema) < 3:
        schema["multipleOf"] = draw(st.sampled_from([1, 2, 5] if whole else [0.5, 0.25, 2, 10]))
    return schema


@st.composite
def texts(draw) -> dict:
    match draw(st.sampled_from(["plain", "length", "pattern", "format"])):
        case "length":
            low = draw(st.integers(0, 200))
            return {"type": "string", "minLength": low, "maxLength": low + draw(st.integers(0, 100))}
        case "pattern":
            patterns = [
                r"^[A-Z]{3}-\d{4}$",
                r"^(yes|no)$",
                r"\d{2,5}",
                r"^[a-z][a-z0-9_]{0,39}$",
                r"^\w+@\w+\.de$",
                "^$",
                r"^[^a-m]+$",
                "é",
            ]
            return {"type": "string", "pattern": draw(st.sampled_from(patterns))}
        case "format":
            return {"type": "string", "format": draw(st.sampled_from(["date", "date-time", "email", "uri", "uuid", "time", "ipv4"]))}
        case _:
            return {"type": "string"}


def objects(parts: st.SearchStrategy, *, is_open: bool = False) -> st.SearchStrategy:
    names = st.sampled_from(["reply", "title", "amount", "email", "date", "items", "note", "is_urgent", "x", "größe"])

    def build(named: dict, required: int, extra, least: int) -> dict:
        schema = {"type": "object", "properties": named, "required": list(named)[:required]}
        if extra is not None:
            schema["additionalProperties"] = extra
        if extra is not False:
            schema["minProperties"] = least
        return schema

    extra = st.sampled_from([None, True] if is_open else [None, False, True])
    return st.builds(build, st.dictionaries(names, parts, max_size=5), st.integers(0, 5), extra, st.integers(0, 7))


def arrays(parts: st.SearchStrategy) -> st.SearchStrategy:
    def build(items: dict, least: int, more: int, bounded: bool) -> dict:
        return {"type": "array", "items": items, "minItems": least} | ({"maxItems": least + more} if bounded else {})

    unique = st.builds(
        lambda choices, least: {"type": "array", "items": {"enum": choices}, "uniqueItems": True, "minItems": min(least, len(choices))},
        st.lists(st.sampled_from(["lost", "stolen", "other", 1, 2, None]), min_size=1, unique_by=repr),
        st.integers(0, 5),
    )
    return st.builds(build, parts, st.integers(0, 4), st.integers(0, 3), st.booleans()) | unique


LEAVES = st.one_of(
    numbers("integer"),
    numbers("number"),
    texts(),
    st.just({"type": "boolean"}),
    st.just({"type": "null"}),
    st.just({"type": ["string", "null"]}),
    st.just({}),
    st.lists(st.sampled_from(["lost card", "other", 3, True, None]), min_size=1, max_size=4).map(lambda choices: {"enum": choices}),
    st.sampled_from(["refund", 5, None, {"a": 1}]).map(lambda value: {"const": value}),
)
SCHEMAS = st.recursive(
    LEAVES,
    lambda parts: st.one_of(
        objects(parts),
        arrays(parts),
        st.lists(parts, min_size=1, max_size=3).map(lambda options: {"anyOf": options}),
        st.builds(lambda one, two: {"allOf": [one, two]}, st.just({"type": "object", "required": ["id"]}), objects(parts, is_open=True)),
    ),
    max_leaves=12,
)
SCHEMAS |= SCHEMAS.map(
    lambda part: {"$defs": {"part": part}, "type": "object", "required": ["a"], "properties": {"a": {"$ref": "#/$defs/part"}}}
)


@settings(max_examples=400)
@given(schema=SCHEMAS, prompt=st.text(max_size=300) | st.just(LETTER))
def test_the_answer_fits_every_schema(schema, prompt: str) -> None:
    assert check_schema(schema) == []
    answer = ask(request(prompt, schema=schema, max_tokens=200_000))
    assert problems_of(json.loads(answer.text), schema) == []


@settings(max_examples=200)
@given(
    system=st.text(max_size=100),
    prompt=st.text(max_size=400),
    schema=st.none() | SCHEMAS,
    max_tokens=st.integers(1, 300),
    price=st.tuples(st.floats(0, 100), st.floats(0, 100)),
)
def test_the_bound_is_never_below_what_a_call_costs(system: str, prompt: str, schema, max_tokens: int, price) -> None:
    asked = request(prompt, system=system, schema=schema, max_tokens=max_tokens)
    door = gateway(price=price)
    bound, usage = door.bound(asked), asyncio.run(door.complete(asked)).usage
    assert usage.tokens_in >= 1 and 1 <= usage.tokens_out <= max_tokens
    assert usage.tokens_in + usage.tokens_out <= bound.tokens
    assert usage.cost_micro <= bound.cost_micro


def test_a_draft_quotes_the_message_and_says_who_wrote_it() -> None:
    answer = ask(request())
    assert answer.text.startswith("[practice model] ")
    assert "lost my card in Berlin" in answer.text
    assert (answer.model, answer.is_practice, answer.finish_reason, answer.usage.cost_micro) == ("practice", True, "stop", 0)


def test_facts_of_the_prompt_go_where_their_names_ask_for_them() -> None:
    named = {"email": {"type": "string"}, "order_number": {"type": "integer"}, "reply": {"type": "string"}, "is_lost": {"type": "boolean"}}
    made = json.loads(ask(request(schema={"type": "object", "properties": named, "required": list(named)})).text)
    assert (made["email"], made["order_number"]) == ("anna@example.org", 4711)
    assert made["reply"].startswith("[practice model] ")


def test_a_choice_is_the_one_that_the_prompt_speaks_of() -> None:
    assert json.loads(ask(request(schema={"enum": ["stolen_bicycle", "lost_card", "birthday"]})).text) == "lost_card"


def test_a_schema_that_holds_itself_comes_to_an_end() -> None:
    tree = {
        "type": "object",
        "required": ["name"],
        "properties": {"name": {"type": "string"}, "sub": {"type": "array", "items": {"$ref": "#"}}},
    }
    assert problems_of(json.loads(ask(request(schema=tree, max_tokens=100_000)).text), tree) == []


def test_equal_prompts_give_equal_answers() -> None:
    assert ask(request()) == ask(request())
    assert ask(request()).text != ask(request("Answer: where is my parcel, sent on 2026-03-01?")).text


def test_max_tokens_cuts_the_answer_and_says_so() -> None:
    answer = ask(request(max_tokens=7))
    assert (answer.usage.tokens_out, answer.finish_reason, len(answer.text)) == (7, "length", 28)


def test_tokens_are_streamed_in_order() -> None:
    seen: list[str] = []
    answer = asyncio.run(gateway(practice_ms_per_token=0.1).complete(request(), on_token=seen.append))
    assert len(seen) == answer.usage.tokens_out > 10
    assert "".join(seen) == answer.text


def test_a_watcher_that_fails_does_not_break_the_call() -> None:
    def fail(_: str) -> None:
        raise ValueError

    assert asyncio.run(gateway().complete(request(), on_token=fail)).text


def test_practice_fail_never_answers() -> None:
    with pytest.raises(ProviderUnavailable):
        ask(request(model="practice/fail"))


async def test_practice_flaky_answers_every_other_time() -> None:
    door, outcomes = gateway(), []
    for _ in range(4):
        try:
            outcomes.append((await door.complete(request(model="practice/flaky"))).model)
        except ProviderUnavailable:
            outcomes.append("failed")
    assert outcomes == ["failed", "practice", "failed", "practice"]


def test_practice_slow_runs_into_a_short_timeout() -> None:
    with pytest.raises(StepTimedOut):
        ask(request(model="practice/slow", timeout_s=0.15))


def test_practice_garbage_sends_no_json() -> None:
    with pytest.raises(ValueError, match="Expecting"):
        json.loads(ask(request(model="practice/garbage", schema={"type": "object"})).text)


def test_other_practice_names_are_told() -> None:
    with pytest.raises(ConfigInvalid):
        ask(request(model="practice/nope"))


def test_hostile_prompts_are_read_in_little_time() -> None:
    for prompt in (" " * 200_000, "a" * 200_000, "." * 200_000, "a@" * 100_000, "1" * 200_000, "\n \t" * 70_000, '"' * 200_000):
        assert ask(request(prompt, timeout_s=2.0)).text


def test_the_practice_model_does_not_load_litellm() -> None:
    # In a process of its own: another test may have loaded it in this one.
    import subprocess

    code = (
        "import asyncio, sys\n"
        "from tests.unit.llm.test_practice import ask, gateway, request\n"
        "ask(request()); gateway().models(); gateway().bound(request(model='gpt-4o-mini'))\n"
        "assert 'litellm' not in sys.modules and 'openai' not in sys.modules\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
