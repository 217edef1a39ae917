"""What each function does, at its edges too."""

from __future__ import annotations

import json
from typing import Any

import pytest

from engine.expressions import EXAMPLE_SCOPE, FUNCTIONS, Function, compile_expression
from tests.unit.expressions.evaluation import code_of, value_of

CONTRACT = (
    "len str number int round abs min max sum any all lower upper trim split join contains startswith endswith matches "
    "keys values first last sort unique flat count where map json parse_json date days_between hours_between format default"
).split()


def test_the_functions_are_exactly_those_of_the_contract() -> None:
    assert sorted(FUNCTIONS) == sorted(CONTRACT)


@pytest.mark.parametrize("function", FUNCTIONS.values(), ids=FUNCTIONS)
def test_every_function_has_help_and_examples_that_are_true(function: Function) -> None:
    assert function.signature.startswith(f"{function.name}(")
    assert function.help.endswith(".")
    assert function.examples
    for source, expected in function.examples:
        assert json.dumps(compile_expression(source).evaluate(EXAMPLE_SCOPE)) == json.dumps(json.loads(expected)), source


VALUES: list[tuple[str, Any]] = [
    ("len('')", 0), ("len({'a': 1})", 1), ("len('𝔘')", 1),
    ("str(null)", ""), ("str('a')", "a"), ("str(true)", "true"), ("str(1.0)", "1.0"), ("str({'a': 'é'})", '{"a":"é"}'),
    ("number(3)", 3), ("number('+4')", 4), ("number('1e2')", 100.0), ("number('007')", 7), ("int('2.9')", 2), ("int(-2.9)", -2),
    ("round(3.5)", 4), ("round(-2.5)", -3), ("round(1.005, 2)", 1.01), ("round(5)", 5), ("round(1e300, 2)", 1e300), ("round(15, -1)", 20),
    ("round(0.4)", 0),
    ("round(1.25, 1)", 1.3), ("round(12.5, -1)", 10), ("round(7, 3)", 7), ("abs(-0.5)", 0.5),
    ("min(3, 1.5)", 1.5), ("min('b', 'a')", "a"), ("max(['a', 'c', 'b'])", "c"), ("max([1])", 1), ("sum([])", 0),
    ("sum([0.1, 0.2])", 0.1 + 0.2),
    ("any([0, ''])", False), ("all([])", True), ("any(['', [0]])", True),
    ("lower('ÄB')", "äb"), ("upper('straße')", "STRASSE"), ("trim('\\n a \\t')", "a"), ("split('', ',')", [""]), ("split('')", []),
    ("split('a--b', '--')", ["a", "b"]),
    ("join([])", ""), ("join(['a', null, true, [1]], '|')", "a||true|[1]"), ("join(['a', 'b'])", "ab"),
    ("contains({'a': 1}, 'a')", True), ("startswith('abc', '')", True), ("endswith('abc', 'bc')", True),
    ("matches('abc', 'b')", True), ("matches('abc', '^b')", False), ("matches('', '^$')", True), ("matches('Äpfel', r'^\\pL+$')", True),
    ("matches('a', inputs.p)", True),
    ("keys({})", []), ("values({'b': 1, 'a': [2]})", [1, [2]]), ("first(['a'])", "a"), ("last([1, null])", None),
    ("sort([])", []), ("sort([2, 1.5, -1])", [-1, 1.5, 2]), ("sort(['b', 'A', 'a'])", ["A", "a", "b"]),
    ("sort(inputs.rows, 'r -> r.n', true)", [{"n": 2}, {"n": 1}]),
    ("sort([[2, 'x'], [1, 'y'], [2, 'z']], 'p -> p[0]')", [[1, "y"], [2, "x"], [2, "z"]]),
    ("unique([])", []), ("unique([[1], [1.0], {'a': 1}, {'a': 1.0}, null, null, 'a', 'a'])", [[1], {"a": 1}, None, "a"]),
    ("unique([0, false, '', null])", [0, False, "", None]),
    ("flat([])", []), ("flat([[], []])", []), ("flat([[1, [2]], ['a'], [null, {'a': []}]])", [1, [2], "a", None, {"a": []}]),
    ("count([])", 0), ("count([1, null, 2], 'x -> x')", 2), ("where([1, 2, 3], 'x -> x % 2')", [1, 3]), ("where([], 'x -> 1 / 0')", []),
    ("map([1, 2], 'x -> [x, index]')", [[1, 7], [2, 7]]), ("map([1], 'item -> item + 1')", [2]),
    ("map([[1, 2], [3]], 'x -> map(x, \"y -> y * len(x)\")')", [[2, 4], [3]]),
    ("map([1, 2], '''x ->\n x + 1''')", [2, 3]), ("map([{'from': 1}], 'm -> m.from')", [1]),
    ("map(map([1], 'x -> x + 1'), 'x -> x * 10')", [20]),
    ("json(null)", "null"), ("json([1.5, 'a'])", '[1.5,"a"]'), ("parse_json('null')", None), ("parse_json(json({'a': [1]}))", {"a": [1]}),
    ("parse_json(' 1 ')", 1),
    ("date('2024-02-29')", "2024-02-29T00:00:00.000000Z"), ("date('2024-01-01T00:00:00.5Z')", "2024-01-01T00:00:00.500000Z"),
    ("date('0001-01-01')", "0001-01-01T00:00:00.000000Z"),
    ("date(0)", "1970-01-01T00:00:00.000000Z"), ("date(1.5)", "1970-01-01T00:00:01.500000Z"),
    ("date('2024-01-01T00:30-0100')", "2024-01-01T01:30:00.000000Z"),
    ("date(' 2024-01-01 10:00:05 +02:00 ')", "2024-01-01T08:00:05.000000Z"), ("date(date('2024-01-01'))", "2024-01-01T00:00:00.000000Z"),
    ("days_between('2024-03-01', '2024-02-29')", -1), ("days_between('2024-01-01', '2024-01-01')", 0),
    ("days_between('2024-01-01', '2024-01-02T06:00')", 1.25),
    ("hours_between('2024-01-01', '2024-01-02')", 24), ("hours_between(0, 5400)", 1.5),
    ("format(0, '0')", "0"), ("format(2.5, '0')", "3"), ("format(-1234567.891, '0,0.0')", "-1,234,567.9"),
    ("format(-0.001, '0.00')", "0.00"), ("format(1, '0.0%')", "100.0%"),
    ("format(0.005, '0%')", "1%"), ("format(1e16, '0,0')", "10,000,000,000,000,000"),
    ("format(9223372036854775807, '0.000000000000000')", "9223372036854775807.000000000000000"),
    ("format('2024-02-03', 'DD.MM.YYYY')", "03.02.2024"),
    ("format('2024-02-03T04:05:06Z', 'YYYYMMDD[ at HH ]HHmmss')", "20240203 at HH 040506"), ("format(0, '0.0')", "0.0"),
]  # fmt: skip


@pytest.mark.parametrize(("source", "expected"), VALUES)
def test_a_function_gives_what_its_help_says(source: str, expected: object) -> None:
    found = value_of(source, inputs={"p": "a", "rows": [{"n": 1}, {"n": 2}]}, index=7)
    assert found == expected
    assert type(found) is type(expected)


ERRORS = {
    "type_mismatch": [
        "len(1)", "len(null)", "len(true)", "number(true)", "number(null)", "number([])", "int({})", "round('1')", "round(1, 1.0)",
        "round(1, true)", "abs('a')", "min(1)",
        "min([1, 'a'])", "max([true])", "min([[]])", "sum(['a'])", "sum('a')", "sum([true])", "any('a')", "all({})", "lower(1)",
        "upper(null)", "trim([])", "split(1)",
        "split('a', 1)", "join('a')", "join([], 1)", "startswith(1, 'a')", "endswith('a', 1)", "matches(1, 'a')", "matches('a', 1)",
        "keys([])", "values('a')", "first('a')",
        "last({})", "sort('a')", "sort([1, 'a'])", "sort([null])", "sort([1], 'x -> x', 1)", "unique({})", "flat('a')", "flat([1])",
        "flat([[1], null])", "flat([{}])", "count('a')",
        "where({}, 'x -> x')", "map('a', 'x -> x')",
        "parse_json(1)", "date(null)", "date(true)", "date([])", "days_between('2024-01-01', [])", "format(true, '0')", "format(1, 0)",
        "format(null, '0')", "contains(1, 1)",
    ],
    "bad_argument": [
        "number('abc')", "number('')", "number('1,5')", "number('1_0')", "number('nan')", "number('Infinity')", "number('٣')",
        "number('0x1')", "number('1e99999')", "int('a')",
        "round(1, 16)", "round(1, -99)", "split('a', '')", "parse_json('{')", "parse_json('NaN')", "parse_json('')",
        "parse_json('\"\\\\ud800\"')", "format(1, '#')",
        "format(1, '')", "format(1, '00')", "format('2024-01-01', 'x')", "format(1e300, '0')", "len()", "len(1, 2)", "min()", "default(1)",
        "map([1])", "days_between(1)",
        "round()", "sort([1], 'x -> x', true, 1)", "parse_json(join(map(split('a a a a a a a a'), 'x -> \"[[[[[[[[[[\"')))",
        "parse_json('99999999999999999999')",
    ],
    "bad_date": [
        "date('today')", "date('2024-02-30')", "date('2024-13-01')", "date('2024-01-01T25:00')", "date('')", "date('24-01-01')",
        "date(1e30)", "date('0001-01-01T00:00+01:00')",
        "date('9999-12-31T23:59-01:00')", "date('2024-01-01T00:00+99:00')", "date('٢٠٢٤-01-01')", "days_between('x', '2024-01-01')",
        "format('x', 'YYYY')", "date(-99999999999)",
        "hours_between('2024-01-01', '')",
    ],
    "bad_pattern": ["matches('a', '(')", "matches('a', '(?=a)')", "matches('a', r'(a)\\1')", "matches('a', 'a{2000}')",
    "matches('a', inputs.bad)", "where([1], 'x -> matches(x, \"(\")')"],
    "missing_value": ["min([])", "max([])", "first([])", "last([])", "map([{}], 'x -> x.a')"],
    "syntax": [
        "where([1], inputs.body)", "where([1], 'x')", "where([1], 'x -> ')", "where([1], '-> x')", "where([1], 'x => x')",
        "map([1], 'true -> 1')", "map([1], 'if -> 1')",
        "map([1], '1 -> 1')", "map([1], 'x, y -> 1')", "map([1], 'x -> x' + '')", "sort([1], 1)", "sort([1], true)",
        "map([1], f'x -> {1}')", "map([1], 'x -> x) + (1')",
    ],
    "unknown_name": ["map([1], 'x -> y')", "map(map([1], 'x -> x'), 'y -> x')", "len", "map"],
    "unknown_function": ["eval('1')", "open('a')", "getattr(inputs, 'a')", "x(1)", "inputs(1)", "Len('a')", "map([1], 'x -> x(1)')",
    "default.x(1)"],
}  # fmt: skip


@pytest.mark.parametrize(("code", "source"), [(code, source) for code, sources in ERRORS.items() for source in sources])
def test_a_function_refuses_what_does_not_fit(code: str, source: str) -> None:
    assert code_of(source, inputs={"body": "x -> x", "bad": "["}) == code
