"""How texts with {{ expressions }} are read and filled in."""

from __future__ import annotations

from typing import Any

import pytest

from engine.expressions import ExpressionError, MissingValue, compile_template
from engine.expressions.template import MAX_PLACEHOLDERS
from tests.unit.expressions.evaluation import template_error_of, text_of

SCOPE: dict[str, Any] = {
    "inputs": {"name": "Ada", "n": 3, "f": 2.5, "yes": True, "none": None, "list": [1, "é", None], "object": {"a": {"b": 1.0}},
    "braces": "{{ inputs.n }}", "empty": ""},
    "nodes": {},
}  # fmt: skip

KEPT = [
    ("{{ inputs.n }}", 3), ("{{inputs.f}}", 2.5), ("{{ inputs.yes }}", True), ("{{ inputs.none }}", None),
    ("{{ inputs.list }}", [1, "é", None]),
    ("{{ inputs.object }}", {"a": {"b": 1.0}}), ("{{\n inputs.n\n +\n 1 }}", 4), ("{{ inputs.name }}", "Ada"), ("{{ inputs.n # why }}", 3),
    ("{{ {'a': {'b': 1}} }}", {"a": {"b": 1}}),
    ("{{{'a': {'b': 1}}}}", {"a": {"b": 1}}), ("{{ '}}' }}", "}}"), ('{{ "}}" + \'}}\' + "\\"}}" }}', '}}}}"}}'),
    ("{{ [{'a': '}'}] }}", [{"a": "}"}]), ("{{ '''}}''' }}", "}}"),
    ("{{ {'a': 1}['a'] }}", 1), ("{{ '{{' }}", "{{"), ("{{ '#' }}", "#"),
]  # fmt: skip

TEXTS = [
    ("", ""), ("Hello", "Hello"), ("} }} { {", "} }} { {"), ("Dear {{ inputs.name }},", "Dear Ada,"), (" {{ inputs.n }}", " 3"),
    ("{{ inputs.n }} ", "3 "), ("{{ inputs.n }}\n", "3\n"),
    ("{{ inputs.n }}{{ inputs.n }}", "33"), ("a{{ inputs.none }}b", "ab"), ("a{{ inputs.yes }}b{{ false }}", "atruebfalse"),
    ("{{ inputs.f }} {{ inputs.n }} {{ 1e20 }}", "2.5 3 1e20"),
    ("-{{ inputs.list }}", '-[1,"é",null]'), ("-{{ inputs.object }}", '-{"a":{"b":1.0}}'), ("{{ inputs.braces }}!", "{{ inputs.n }}!"),
    ("{ {{ inputs.n }} }", "{ 3 }"),
    ("{{ inputs.n }}}", "3}"), ("x{{ {'a': 1}.a }}", "x1"),
    ("${inputs.n} {% if 1 %} #{1} <%= 1 %>", "${inputs.n} {% if 1 %} #{1} <%= 1 %>"),
    ("é𝔘{{ inputs.name }}é", "é𝔘Adaé"), ("{{ inputs.name # }}\n", "Ada\n"), ("\x00{{ inputs.n }}", "\x003"),
]  # fmt: skip


@pytest.mark.parametrize(("source", "expected"), [*KEPT, *TEXTS])
def test_a_template_keeps_the_type_of_a_single_value_and_makes_text_of_all_else(source: str, expected: object) -> None:
    found = text_of(source, **SCOPE)
    assert found == expected
    assert type(found) is type(expected)


# The mark ¦ stands where the error must point.
PLACES = [
    ("syntax", "a ¦{{ inputs.n"), ("syntax", "{{ inputs.n }} ¦{{ }"), ("syntax", "¦{{"), ("syntax", "a {{¦}}"), ("syntax", "a {{¦   }}"),
    ("syntax", "a {{ 1 + ¦}}"), ("syntax", "{{ ¦'a }}"),
    ("syntax", "{{ ¦(1 }}"), ("syntax", "{{ 1¦) }}"), ("missing_value", "é {{ 1 }} {{ ¦inputs.x }}"),
    ("type_mismatch", "é {{ inputs.n ¦+ 'a' }}"), ("unknown_name", "x {{ ¦foo }}"),
    ("missing_value", "x {{ map([{}], 'a -> ¦a.b') }}"), ("unknown_function", "{{ 1 }} {{ ¦foo() }}"), ("syntax", "{{ [1] + ¦{{ 1 }} }}"),
    ("syntax", "x {{ ¦nodes }}"),
    ("syntax", "x ¦{{ 1 # }" ), ("syntax", "a¦\ud800 {{ 1 }}"), ("syntax", "a¦\ud800"),
]  # fmt: skip


@pytest.mark.parametrize(("code", "marked"), PLACES)
def test_an_error_carries_its_place_in_the_whole_text(code: str, marked: str) -> None:
    error = template_error_of(marked.replace("¦", ""), **SCOPE)
    assert (error.code, error.position) == (code, marked.index("¦"))


def test_a_text_without_placeholders_is_itself() -> None:
    text = "no braces here " * 100
    assert compile_template(text).evaluate({}) is text
    assert compile_template(text).references == ()


def test_a_missing_value_in_a_template_is_that_class_too() -> None:
    with pytest.raises(MissingValue):
        compile_template("Dear {{ inputs.x }}").evaluate({"inputs": {}})


def test_what_is_filled_in_is_never_read_as_a_template() -> None:
    assert text_of("{{ inputs.braces }}{{ inputs.empty }}", **SCOPE) == "{{ inputs.n }}"


def test_more_roots_can_be_given() -> None:
    assert compile_template("{{ arguments.a }}!", names=frozenset({"arguments"})).evaluate({"arguments": {"a": 1}}) == "1!"


def test_a_template_is_bounded_in_placeholders_fuel_and_text() -> None:
    many = "{{ 1 }}" * (MAX_PLACEHOLDERS + 1)
    assert text_of(many[: -len("{{ 1 }}")]) == "1" * MAX_PLACEHOLDERS
    assert template_error_of(many).code == "syntax"
    assert template_error_of("x" * 1_000_001).code == "too_large"
    numbers = list(range(2_000))
    assert template_error_of("{{ map(inputs, 'x -> x + 1 + 1') }} " * 2, inputs=numbers).code == "too_costly"
    long = "x" * 600_000
    assert template_error_of("{{ inputs }} {{ inputs }}", inputs=long).code == "too_large"
    assert len(text_of("{{ inputs }}!", inputs=long)) == 600_001


def test_a_placeholder_far_too_long_is_refused_quickly() -> None:
    assert template_error_of("{{ " + "a" * 5_000 + " }}").code == "syntax"
    assert template_error_of("{{ '" + "a" * 5_000 + "' }}").code == "syntax"


@pytest.mark.parametrize("source", [None, 1, b"a"])
def test_what_is_no_text_is_no_template(source: object) -> None:
    with pytest.raises(ExpressionError):
        compile_template(source)  # pyright: ignore[reportArgumentType]
