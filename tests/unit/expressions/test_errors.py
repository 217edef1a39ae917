"""What an error says, and where it points."""

from __future__ import annotations

import pytest

from engine.errors import ExpressionFailed, Permanent
from engine.expressions import ExpressionError, MissingValue, compile_expression
from tests.unit.expressions.evaluation import error_of

INPUTS = {"total": 5, "name": "Ada", "rows": [{"n": 1}, {"n": "a"}, {}], "none": None}

# The mark ¦ stands where the error must point.
PLACES = [
    "1 +¦", "¦(1", "1¦)", "1 ¦} + 2", "¦'abc", "inputs.total + ¦'abc", "1 + ¦foo", "¦inputz.a", "1 + ¦lenn('a')", "¦inputs.totl",
    "1 + ¦inputs.totl", "inputs.total ¦+ 'a'",
    "(inputs.total) ¦+ 'a'", "(inputs.total\n) ¦+ 'a'", "'é𝔘' + inputs.name ¦+ 1", "'é' ¦* 2", "1 < 2 ¦< 'a'", "inputs.total ¦/ 0",
    "1 + (2 ¦** 3)", "[1, ¦(2, 3)]", "[1, ¦lambda: 1]", "¦-inputs.name", "inputs.name ¦in 1", "len(¦inputs.x)", "1 + ¦len(1)",
    "2 * ¦round(1, 'a')", "matches('a', ¦'(')",
    'map(inputs.rows, "x -> x.n ¦+ 1")', 'map(inputs.rows, "x -> ¦x.m")', 'map(inputs.rows, "x ->  1 +¦")', 'map(inputs.rows, "x -> ¦y")',
    "map(inputs.rows, ¦'x')",
    "map(inputs.rows, ¦'x -> x + \\'a\\'')", "map(inputs.rows, ¦inputs.name)", "¦nodes", "1 + ¦nodes[0]", "[¦{1, 2}]", "inputs.rows[¦0:1]",
    "¦1 2",
    "\n\n  inputs.total\n ¦+ 'a'", "\r\n¦inputs.x", "a¦\x00", "'a' + '¦\ud800'", "1 + ¦99999999999999999999", "¦{{ inputs.total }}", "¦",
    "¦round(1, digits=2)",
    "inputs.rows¦[", "¦split('a', '')", "1 + ¦date('x')", "{¦1: 2}", "¦ｉnputs", "inputs.rows[0].n ¦+ inputs.rows[1].n", "¦item",
]  # fmt: skip


@pytest.mark.parametrize("marked", PLACES)
def test_an_error_points_at_what_is_wrong(marked: str) -> None:
    source = marked.replace("¦", "")
    assert error_of(source, inputs=INPUTS, nodes={}).position == marked.index("¦")


MESSAGES = [
    ("nodes.ok.text", "`nodes.ok.text` has no value: `nodes.ok` has no `text`; did you mean `texts`?"),
    ("nodes.gone.text", "`nodes.gone.text` has no value: the node `gone` has not run on this way"),
    ("inputs.none.a", "`inputs.none.a` has no value: `inputs.none` is null"),
    ("inputs.rows[7].n", "`inputs.rows[7].n` has no value: `inputs.rows` has 3 items, none at 7"),
    ("inputs.name[7]", "`inputs.name[7]` has no value: `inputs.name` has 3 characters, none at 7"),
    ("item.x", "`item` has no value: it exists only inside a map box"),
    ("inputs.name.first", "`inputs.name` is a text, so its places are whole numbers, not `first`"),
    ("inputs.total.x", "`inputs.total` is a number, so nothing can be looked up in it"),
    ("inputs.total + 'a'", "`+` joins two numbers, two texts or two lists, not a number and a text"),
    ("totl", "There is no `totl` here"),
    ("input.total", "There is no `input` here; did you mean `inputs`?"),
    ("lenn('a')", "There is no function `lenn`; did you mean `len`?"),
    ("round(1, 2, 3)", "`round` takes 1 to 2 arguments, not 3"),
    ("len()", "`len` takes 1 argument, not 0"),
]


@pytest.mark.parametrize(("source", "message"), MESSAGES)
def test_a_message_names_what_is_wrong_in_plain_words(source: str, message: str) -> None:
    assert error_of(source, inputs=INPUTS, nodes={"ok": {"texts": 1}}).message == message


@pytest.mark.parametrize(
    ("source", "hint"),
    [("a && b", "Write `and` instead of `&&`."), ("a || b", "Write `or` instead of `||`."),
     ("a === 1", "Write `==` or `!=`; it is strict already."),
     ("a = 1", "Write `==` to compare; expressions cannot set anything."), ("!a", "Write `not` instead of `!`."),
     ("{{ inputs.a }}", "In an expression field write the expression itself, without {{ }}."),
     ("inputs.name.upper()", "Write upper(text)."),
     ("filter(inputs.rows, 'x -> x')", 'Write where(list, "x -> condition").')],
)  # fmt: skip
def test_spellings_of_other_languages_are_answered_with_ours(source: str, hint: str) -> None:
    assert error_of(source).next_step == hint


def test_the_error_as_json_has_code_message_hint_and_position() -> None:
    assert error_of("1 + inputs.totl", inputs=INPUTS).as_json() == {
        "code": "missing_value",
        "message": "`inputs.totl` has no value: `inputs` has no `totl`; did you mean `total`?",
        "hint": "Write default(…, fallback) if the value may be missing.",
        "position": 4,
    }


def test_a_missing_value_is_a_class_of_its_own_and_all_are_permanent() -> None:
    with pytest.raises(MissingValue):
        compile_expression("inputs.a").evaluate({"inputs": {}})
    assert issubclass(MissingValue, ExpressionError)
    assert issubclass(ExpressionError, ExpressionFailed)
    assert issubclass(ExpressionError, Permanent)


def test_the_codes_are_those_of_the_contract() -> None:
    assert {error.code for error in ExpressionError.__subclasses__()} == {
        "syntax", "unknown_name", "unknown_function", "missing_value", "type_mismatch", "division_by_zero", "too_costly", "too_large",
        "bad_argument", "bad_pattern", "bad_date",
    }  # fmt: skip


def test_messages_can_be_stored_even_when_the_data_is_not_clean() -> None:
    error = error_of("inputs[inputs.k]", inputs={"k": "\ud800", "\ud801": 1})
    assert error.message.encode("utf-8")


@pytest.mark.parametrize("source", [None, 1, b"1", ["1"]])
def test_what_is_no_text_is_no_expression(source: object) -> None:
    with pytest.raises(ExpressionError) as caught:
        compile_expression(source)  # pyright: ignore[reportArgumentType]
    assert caught.value.code == "syntax"
