"""Rules that hold for every JSON value, not only for the ones we thought of."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from engine.expressions import ExpressionError, compile_expression, compile_template
from engine.jsonvalue import check_json, dumps

clean = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
whole = st.integers(min_value=-(2**63), max_value=2**63 - 1)
finite = st.floats(allow_nan=False, allow_infinity=False)
scalars = st.none() | st.booleans() | whole | finite | clean
values = st.recursive(scalars, lambda inner: st.lists(inner, max_size=5) | st.dictionaries(clean, inner, max_size=5), max_leaves=20)


def evaluated(source: str, **inputs: Any) -> Any:
    return compile_expression(source).evaluate({"inputs": inputs})


def same(a: Any, b: Any) -> bool:
    """Strict equality, written in another way than ours."""
    if isinstance(a, bool) or isinstance(b, bool) or a is None or b is None:
        return a is b
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(same(x, y) for x, y in zip(a, b, strict=True))
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(same(a[key], b[key]) for key in a)
    if isinstance(a, list | dict | str) or isinstance(b, list | dict | str):
        return isinstance(a, str) and isinstance(b, str) and a == b
    return a == b


@given(values)
def test_a_value_comes_out_as_it_went_in(value: Any) -> None:
    found = evaluated("inputs.a", a=value)
    assert dumps(found) == dumps(value)
    assert dumps(compile_template("{{ inputs.a }}").evaluate({"inputs": {"a": value}})) == dumps(value)


@given(values, values)
def test_equality_is_strict_deep_and_symmetric(a: Any, b: Any) -> None:
    assert evaluated("inputs.a == inputs.b", a=a, b=b) is same(a, b)
    assert evaluated("inputs.b == inputs.a", a=a, b=b) is same(a, b)
    assert evaluated("inputs.a != inputs.b", a=a, b=b) is not same(a, b)
    assert evaluated("inputs.a == inputs.a", a=a) is True
    assert evaluated("len(unique([inputs.a, inputs.b]))", a=a, b=b) == (1 if same(a, b) else 2)
    assert evaluated("inputs.a in [inputs.b]", a=a, b=b) is same(a, b)


@given(values)
def test_truth_is_pythons_truth_of_json(value: Any) -> None:
    assert evaluated("true if inputs.a else false", a=value) is bool(value)
    assert evaluated("not inputs.a", a=value) is (not value)
    assert dumps(evaluated("inputs.a or 'x'", a=value)) == dumps(value or "x")
    assert dumps(evaluated("inputs.a and 'x'", a=value)) == dumps(value and "x")


@given(values)
def test_json_and_parse_json_are_inverse(value: Any) -> None:
    assert evaluated("parse_json(json(inputs.a)) == inputs.a", a=value) is True
    assert same(json.loads(evaluated("json(inputs.a)", a=value)), value)


@given(whole | finite, whole | finite, st.sampled_from(["+", "-", "*", "/", "//", "%", "<", "<=", ">", ">="]))
def test_arithmetic_is_pythons_or_an_error(a: Any, b: Any, sign: str) -> None:
    operations: dict[str, Any] = {
        "+": lambda: a + b, "-": lambda: a - b, "*": lambda: a * b, "/": lambda: a / b, "//": lambda: a // b, "%": lambda: a % b,
        "<": lambda: a < b, "<=": lambda: a <= b, ">": lambda: a > b, ">=": lambda: a >= b,
    }  # fmt: skip
    try:
        found = evaluated(f"inputs.a {sign} inputs.b", a=a, b=b)
    except ExpressionError as error:
        assert error.code in {"division_by_zero", "too_large"}
        return
    assert found == operations[sign]()
    check_json(found)


@given(st.lists(whole | finite, max_size=30))
def test_sorting_gives_the_same_items_in_order(items: list[Any]) -> None:
    assert evaluated("sort(inputs.a)", a=items) == sorted(items)
    assert evaluated("sort(inputs.a, 'x -> x', true)", a=items) == sorted(items, reverse=True)
    assert evaluated("where(inputs.a, 'x -> x >= 0') + where(inputs.a, 'x -> x < 0')", a=items) == [x for x in items if x >= 0] + [
        x for x in items if x < 0
    ]
    assert evaluated("count(inputs.a) == len(map(inputs.a, 'x -> null'))", a=items) is True


@given(clean, clean.filter(bool))
def test_split_and_join_are_inverse(text: str, separator: str) -> None:
    assert evaluated("join(split(inputs.a, inputs.b), inputs.b)", a=text, b=separator) == text


@given(st.lists(clean, max_size=5), values)
def test_a_literal_text_is_itself_whatever_it_holds(texts: list[str], value: Any) -> None:
    for text in texts:
        source = json.dumps(text, ensure_ascii=True) if text.isascii() else repr(text)
        assert evaluated(source) == text
        assert compile_template("{{ " + source + " }}").evaluate({}) == text
    assert evaluated("default(inputs.nothing, inputs.a) == inputs.a", a=value) is True


@given(clean.filter(lambda text: "{{" not in text and not text.endswith("{")), values)
def test_text_around_a_placeholder_stays_as_it_is(text: str, value: Any) -> None:
    filled = compile_template(text + "!{{ inputs.a }}").evaluate({"inputs": {"a": value}})
    assert isinstance(filled, str)
    assert filled == text + "!" + evaluated("str(inputs.a)", a=value)


@given(st.dictionaries(clean, scalars, max_size=6))
def test_every_key_can_be_looked_up_and_no_other(data: dict[str, Any]) -> None:
    for key in data:
        assert same(evaluated("inputs.a[inputs.k]", a=data, k=key), data[key])
    for name in ("items", "get", "__class__", "keys"):
        assert evaluated(f"default(inputs.a.{name}, 'none')", a={k: v for k, v in data.items() if k != name}) == "none"
    assert evaluated("keys(inputs.a)", a=data) == list(data)


@given(st.text(max_size=60))
def test_any_text_at_all_compiles_or_is_an_error_with_a_place(source: str) -> None:
    for compile_it in (compile_expression, compile_template):
        try:
            check_json(compile_it(source).evaluate({"inputs": {}}))
        except ExpressionError as error:
            assert 0 <= error.position <= len(source)
