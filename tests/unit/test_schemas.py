"""Does a value fit a schema: told in plain words, and safe against hostile schemas."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.schemas import SchemaProblem, check_schema, problems_of, with_defaults


@pytest.mark.parametrize(
    ("value", "schema", "path", "message"),
    [
        ("x", {"type": "integer"}, "", "must be integer, is string"),
        (True, {"type": "integer"}, "", "must be integer, is boolean"),
        ({}, {"required": ["name"]}, "", "`name` is missing"),
        ({"a": [1, "b"]}, {"properties": {"a": {"items": {"type": "number"}}}}, ".a[1]", "must be number, is string"),
        ("c", {"enum": ["a", "b"]}, "", "must be one of `a`, `b`"),
        ({"b": 1}, {"properties": {"a": {}}, "additionalProperties": False}, "", "`b` is not expected here"),
        ("ab", {"pattern": "^a$"}, "", "must match `^a$`"),
        ("ab", {"minLength": 3}, "", "must have at least 3 characters"),
        ([], {"minItems": 1}, "", "must have at least 1 items"),
        (1, {"minimum": 2}, "", "must be at least 2"),
        (
            1,
            {"anyOf": [{"type": "string"}, {"type": "null"}]},
            "",
            "fits none of the possibilities; the closest: must be string, is number",
        ),
    ],
)
def test_what_does_not_fit_is_told_with_its_place(value, schema: dict, path: str, message: str) -> None:
    assert problems_of(value, schema) == [SchemaProblem(path=path, message=message)]


def test_all_missing_keys_are_told() -> None:
    assert [problem.message for problem in problems_of({}, {"required": ["a", "b"]})] == ["`a` is missing", "`b` is missing"]


def test_pattern_properties_and_extra_keys_work_together() -> None:
    schema = {"patternProperties": {"^x_": {"type": "integer"}}, "additionalProperties": {"type": "string"}}
    assert problems_of({"x_a": 1, "b": "c"}, schema) == []
    assert {problem.path for problem in problems_of({"x_a": "1", "b": 2}, schema)} == {".x_a", ".b"}


def test_a_pattern_takes_linear_time() -> None:
    began = time.monotonic()
    assert problems_of("a" * 50_000 + "!", {"pattern": "^(a+)+$"})
    assert time.monotonic() - began < 1


def test_references_stay_inside_the_schema() -> None:
    for reference in ("http://127.0.0.1:9/x", "file:///etc/passwd", "other.json", "#/$defs/none"):
        assert problems_of(1, {"$ref": reference})
        assert check_schema({"$ref": reference})
    inside = {"$defs": {"n": {"type": "integer"}}, "$ref": "#/$defs/n"}
    assert (check_schema(inside), problems_of(1, inside)) == ([], [])


def test_a_schema_bomb_is_stopped() -> None:
    defs: dict = {f"a{n}": {"allOf": [{"$ref": f"#/$defs/a{n + 1}"}] * 2} for n in range(60)}
    began = time.monotonic()
    assert problems_of(1, {"$defs": defs | {"a60": {}}, "$ref": "#/$defs/a0"})
    assert problems_of(1, {"$ref": "#"})
    assert time.monotonic() - began < 10


@pytest.mark.parametrize(
    "schema", [{"type": "nope"}, {"minLength": -1}, {"pattern": "(?=x)"}, {"pattern": "("}, 5, {"properties": {"a": {"type": 1}}}]
)
def test_what_is_no_schema_is_told_and_never_raised(schema) -> None:
    assert check_schema(schema)
    if isinstance(schema, dict):
        problems_of({"a": "x"}, schema)


def test_properties_may_be_called_like_keywords() -> None:
    named = {name: {"type": "string"} for name in ("$ref", "pattern", "unevaluatedProperties", "default", "const")}
    assert check_schema({"type": "object", "properties": named}) == []
    assert problems_of(dict.fromkeys(named, "x"), {"type": "object", "properties": named}) == []


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5),
    lambda parts: st.lists(parts, max_size=3) | st.dictionaries(st.text(max_size=5), parts, max_size=3),
    max_leaves=8,
)
KEYWORDS = st.sampled_from(
    "type properties required items enum const pattern patternProperties additionalProperties minimum multipleOf uniqueItems anyOf oneOf "
    "allOf not if then $ref $defs $dynamicRef $id $anchor contains minContains prefixItems propertyNames dependentRequired format".split()
)


@given(schema=st.dictionaries(KEYWORDS, JSON | st.dictionaries(KEYWORDS, JSON, max_size=3), max_size=4), value=JSON)
def test_no_schema_makes_it_raise(schema: dict, value) -> None:
    told = check_schema(schema)
    assert isinstance(problems_of(value, schema), list)
    assert all(problem.message for problem in told)


def test_defaults_of_properties_fill_what_is_missing_and_nothing_else() -> None:
    schema = {"properties": {"a": {"default": [1]}, "b": {"default": 2}, "c": {}, "d": True}}
    given = {"b": None}
    filled = with_defaults(given, schema)
    assert filled == {"a": [1], "b": None} and given == {"b": None}
    filled["a"].append(2)
    assert with_defaults({}, schema)["a"] == [1]
    assert with_defaults("text", schema) == "text" and with_defaults({}, {}) == {}
