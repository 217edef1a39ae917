"""That no expression takes more time, memory or stack than it may."""

from __future__ import annotations

import inspect
import sys
import threading
import warnings
from typing import Any

import pytest

from engine.expressions import ExpressionError, compile_expression, compile_template
from engine.expressions.frame import MAX_DEPTH, MAX_FUEL, MAX_NODES, MAX_SOURCE, MAX_TEXT, MAX_WIDE_NODES
from tests.unit.expressions.evaluation import code_of, error_of, value_of


def test_a_source_has_at_most_2000_characters() -> None:
    assert value_of("1 " + " " * (MAX_SOURCE - 2)) == 1
    error = error_of("1 " + " " * (MAX_SOURCE - 1))
    assert (error.code, error.position) == ("syntax", MAX_SOURCE)


@pytest.mark.parametrize(("opening", "closing"), [("[", "]"), ("-", ""), ("not ", ""), ("{'a':", "}"), ("len(", ")"), ("1 if 1 else ", "")])
def test_an_expression_has_at_most_40_levels(opening: str, closing: str) -> None:
    levels = MAX_DEPTH - 1
    deepest = opening * levels + "inputs" + closing * levels
    compile_expression(deepest)
    assert code_of(opening * (levels + 1) + "inputs" + closing * (levels + 1)) == "syntax"


def test_a_body_counts_towards_the_levels_around_it() -> None:
    inner = "[" * 30 + "x" + "]" * 30
    assert value_of(f"map([1], 'x -> {inner}')")
    assert code_of("[" * 10 + f"map([1], 'x -> {inner}')" + "]" * 10) == "syntax"


@pytest.mark.parametrize(
    "source",
    ["(" * 1000, "(" * 900 + ")" * 900, "[" * 1000, "not " * 499 + "1", "-" * 1999 + "1", "~" * 1000, "a." * 900 + "a", "a[" * 900,
     "1+" * 900 + "1", "lambda:" * 250 + "1",
     "1 if 1 else " * 150 + "1", "f'{" * 300, "'a'" * 600 + "+1", "a and " * 330 + "1", "len(" * 400, "{1:" * 500, "await " * 300,
     "*" * 1999],
)  # fmt: skip
def test_deep_and_long_sources_end_as_placed_errors(source: str) -> None:
    error = error_of(source)
    assert 0 <= error.position <= len(source)


@pytest.mark.parametrize(
    "source",
    [
        "map(inputs.n, 'x -> map(inputs.n, \"y -> x * y\")')",
        "where(inputs.n, 'x -> x in inputs.n')",
        "map(inputs.n, 'x -> inputs.n == inputs.n')",
        "map(inputs.n, 'x -> json(inputs.n)')",
        "map(inputs.n, 'x -> sum(inputs.n)')",
        "map(inputs.n, 'x -> sort(inputs.n)')",
        "map(inputs.n, 'x -> unique(inputs.n)')",
        "map(inputs.n, 'x -> len(flat([inputs.n, inputs.n]))')",
        "map(inputs.n, 'x -> len(flat(map(inputs.z, \"y -> []\")))')",
        "map(inputs.n, 'x -> len(inputs.n + inputs.n)')",
        "map(inputs.n, 'x -> len(inputs.t + inputs.t)')",
        "map(inputs.n, 'x -> len(upper(inputs.t))')",
        "map(inputs.n, 'x -> \"q\" in inputs.t')",
        "map(inputs.n, 'x -> inputs.t == inputs.u')",
        "map(inputs.n, 'x -> inputs.t < inputs.u')",
        "map(inputs.n, 'x -> len(split(inputs.t, \"q\"))')",
        "map(inputs.n, 'x -> len(join(inputs.n, \"q\"))')",
        "map(inputs.n, 'x -> matches(inputs.t, \"(a?){50}b\")')",
        "map(inputs.n, 'x -> matches(\"a\", str(x))')",
        "map(inputs.n, 'x -> str(inputs.n)')",
        "map(inputs.n, 'x -> len(str(inputs.t))')",
        "map(inputs.n, 'x -> parse_json(inputs.j)')",
        "map(inputs.n, 'x -> startswith(inputs.t, inputs.u)')",
        "map(inputs.n, 'x -> min(inputs.n)')",
        "map(inputs.n, 'x -> keys(inputs.o)')",
        "map(inputs.n, 'x -> any(inputs.z)')",
        "sort(map(inputs.n, 'x -> inputs.t'))",
        "unique(map(inputs.n, 'x -> inputs.t'))",
        "join(map(inputs.n, 'x -> str(inputs.t)'), '')",
        "map(inputs.n, 'x -> default(inputs.o.nothing, [1, 1, 1, 1, 1, 1, 1, 1])')",
        "map(inputs.n, 'x -> [inputs.t + inputs.t] == [inputs.t + inputs.t]')",
    ],
)
def test_work_is_charged_by_the_size_of_what_is_worked_on(source: str) -> None:
    data: dict[str, Any] = {
        "n": list(range(2_000)), "t": "a" * 9_000, "u": "a" * 9_000 + "b", "j": "[" + "1," * 500 + "1]",
        "o": {str(i): i for i in range(1_000)}, "z": [0] * 1_000,
    }  # fmt: skip
    error = error_of(source, inputs=data)
    assert (error.code, error.position >= 0) == ("too_costly", True)


def test_ordinary_work_fits_well() -> None:
    rows = [{"amount": i, "name": f"customer {i}", "from": "a@example.org"} for i in range(1_000)]
    assert len(value_of("where(inputs, 'r -> r.amount > 10 and r.from == \"a@example.org\"')", inputs=rows)) == 989
    assert value_of("sum(map(inputs, 'r -> r.amount'))", inputs=rows) == 499_500
    assert value_of("sort(inputs, 'r -> r.name')[0].name", inputs=rows) == "customer 0"
    assert value_of("count(inputs, 'r -> matches(r.from, \"@example[.]org$\")')", inputs=rows) == 1_000
    assert value_of("contains(lower(inputs), 'needle')", inputs="hay " * 50_000 + "Needle") is True
    assert value_of("len(json(inputs))", inputs=rows) > 50_000


def test_a_result_has_at_most_20000_values() -> None:
    assert len(value_of("inputs", inputs=[0] * (MAX_NODES - 1))) == MAX_NODES - 1
    assert code_of("inputs", inputs=[0] * MAX_NODES) == "too_large"
    assert code_of("inputs + inputs", inputs=[0] * 15_000) == "too_large"


def test_a_whole_list_of_records_is_handed_on_where_one_is_expected() -> None:
    expression = compile_expression("inputs.rows")
    rows = [{"n": i, "name": "x" * 200} for i in range(10_000)]
    with pytest.raises(ExpressionError):
        expression.evaluate({"inputs": {"rows": rows}})
    found = expression.evaluate_wide({"inputs": {"rows": rows}})
    assert found == rows and found is not rows
    with pytest.raises(ExpressionError) as raised:
        expression.evaluate_wide({"inputs": {"rows": [0] * MAX_WIDE_NODES}})
    assert raised.value.code == "too_large"


def test_a_result_has_at_most_a_million_characters() -> None:
    assert len(value_of("inputs", inputs="x" * MAX_TEXT)) == MAX_TEXT
    assert code_of("inputs", inputs="x" * (MAX_TEXT + 1)) == "too_large"
    assert code_of("[inputs, inputs]", inputs="x" * 600_000) == "too_large"
    assert code_of("inputs + inputs", inputs="x" * 600_000) == "too_large"
    assert code_of("join([inputs, inputs])", inputs="x" * 600_000) == "too_large"
    assert code_of("inputs", inputs={"x" * (MAX_TEXT + 1): 1}) == "too_large"


def test_shared_lists_count_every_time_they_appear() -> None:
    shared = "first(map([inputs], 'a -> [a, a, a, a, a, a, a, a, a, a]'))"
    for variable in "bcdef":
        shared = f"first(map([{shared}], '{variable} -> [{', '.join(variable * 10)}]'))"
    assert len(shared) < MAX_SOURCE
    assert code_of(shared, inputs=[1]) == "too_large"
    assert value_of(f"len({shared})", inputs=[1]) == 10
    nested: dict[str, Any] = {"l0": [0] * 10}
    for level in range(1, 9):
        nested[f"l{level}"] = [nested[f"l{level - 1}"]] * 10
    assert code_of("inputs.l8", inputs=nested) == "too_large"
    assert code_of("json(inputs.l8)", inputs=nested) == "too_large"
    assert code_of("str(inputs.l8)", inputs=nested) == "too_large"
    assert code_of("inputs.l8 == inputs.l8", inputs=nested) == "too_costly"
    assert code_of("unique(inputs.l8)", inputs=nested) == "too_costly"


def test_values_nested_too_deep_are_refused() -> None:
    deep: Any = 1
    for _ in range(70):
        deep = [deep]
    assert code_of("inputs", inputs=deep) == "too_large"
    for _ in range(100):
        deep = [deep]
    assert code_of("inputs == inputs", inputs=deep) == "too_large"
    assert code_of("unique([inputs])", inputs=deep) == "too_large"


def test_a_stack_that_is_nearly_used_up_ends_as_our_error() -> None:
    expression = compile_expression("[" * 30 + "inputs.a" + "]" * 30)
    template = compile_template("a {{ [[[[[[[[[[[[[[[[inputs]]]]]]]]]]]]]]]] }}")
    outcomes = set[str]()

    def descend(left: int) -> None:
        if left:
            descend(left - 1)
            return
        for evaluate in (expression.evaluate, template.evaluate):
            try:
                evaluate({"inputs": {"a": 1}})
                outcomes.add("value")
            except ExpressionError as error:
                outcomes.add(error.code)

    depth = len(inspect.stack(0))
    for spare in range(30, 120, 5):
        descend(sys.getrecursionlimit() - depth - spare)
    assert outcomes == {"value", "too_costly"}


def test_reading_an_expression_warns_nobody_and_leaves_the_filters_alone() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        before = list(warnings.filters)
        assert value_of(r"len('\d') + (1 if '\q' == 'x' else 2)") == 4
        assert code_of("1 is 1") == "syntax"
        assert warnings.filters == before


def test_threads_may_share_one_expression() -> None:
    expression = compile_expression("sum(map(inputs, 'x -> x * inputs[0]'))")
    wrong = list[int]()

    def work(factor: int) -> None:
        data = {"inputs": [factor, *range(50)]}
        expected = sum(x * factor for x in data["inputs"])
        wrong.extend(factor for _ in range(200) if expression.evaluate(data) != expected)

    threads = [threading.Thread(target=work, args=(factor,)) for factor in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_the_limits_are_those_of_the_contract() -> None:
    assert (MAX_SOURCE, MAX_DEPTH, MAX_FUEL, MAX_NODES, MAX_TEXT) == (2_000, 40, 10_000, 20_000, 1_000_000)
