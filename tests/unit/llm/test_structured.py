"""Reading JSON out of what models really send."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import OutputInvalid
from engine.jsonvalue import dumps
from engine.llm.structured import instruction, parse_json_answer

OBJECT = {"type": "object", "required": ["a"], "properties": {"a": {"type": "integer"}}}


@pytest.mark.parametrize(
    "text",
    [
        '{"a": 1}',
        '  \n{"a": 1}\n',
        '```json\n{"a": 1}\n```',
        '```\n{"a": 1}\n```',
        'Sure! Here it is:\n```json\n{"a": 1}\n```\nAnything else?',
        'Here is the JSON: {"a": 1} Hope it helps {',
        'I use {braces} first, then {"a": 1}',
    ],
)
def test_the_first_value_in_the_text_counts(text: str) -> None:
    assert parse_json_answer(text, OBJECT) == {"a": 1}


@pytest.mark.parametrize(
    ("text", "schema", "value"),
    [
        ("true", {"type": "boolean"}, True),
        ("```json\n12\n```", {"type": "integer"}, 12),
        ('"yes"', {"enum": ["yes", "no"]}, "yes"),
        ("[1, 2]", {"type": "array"}, [1, 2]),
    ],
)
def test_values_that_are_no_objects_are_read_too(text: str, schema: dict, value) -> None:
    assert parse_json_answer(text, schema) == value


def test_what_does_not_fit_is_told_with_its_place() -> None:
    with pytest.raises(OutputInvalid, match=r"\.a must be integer, is string") as caught:
        parse_json_answer('{"a": "one"}', OBJECT)
    assert caught.value.details["problems"][0]["path"] == ".a"


@pytest.mark.parametrize(
    "text", ["", "no json here", "{", '{"a": 1', '{"a": NaN}', "[" * 100_000, "{" * 100_000, '{"a": 1' + "0" * 400 + "}"]
)
def test_text_without_usable_json_is_told(text: str) -> None:
    with pytest.raises(OutputInvalid):
        parse_json_answer(text, OBJECT)


def test_references_to_elsewhere_are_not_followed() -> None:
    with pytest.raises(OutputInvalid):
        parse_json_answer("{}", {"$ref": "http://127.0.0.1:9/schema.json"})


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=20),
    lambda parts: st.lists(parts, max_size=4) | st.dictionaries(st.text(max_size=8), parts, max_size=4),
    max_leaves=10,
)


@given(value=JSON)
def test_every_json_value_comes_back_as_it_was_sent(value) -> None:
    assert parse_json_answer(f"```json\n{dumps(value).decode()}\n```", {}) == value


@given(text=st.text(max_size=200))
def test_any_text_is_a_value_or_a_told_error(text: str) -> None:
    try:
        parse_json_answer(text, OBJECT)
    except OutputInvalid as error:
        assert error.message


def test_the_instruction_holds_the_schema() -> None:
    assert '{"type":"object"' in instruction(OBJECT)


def test_an_answer_that_breaks_off_is_not_read_in_parts() -> None:
    for text in ('{"items": [{"a": 1}, {"a": 2', '{"b": {"a": 1}, "c', '{"type":"object","required":["a"],"', 'So: [{"a": 1}, '):
        with pytest.raises(OutputInvalid, match="breaks off"):
            parse_json_answer(text, OBJECT)


def test_a_value_that_fits_comes_before_one_that_does_not() -> None:
    assert parse_json_answer('You want {"type": "object"}, so: {"a": 3}', OBJECT) == {"a": 3}
