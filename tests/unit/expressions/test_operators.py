"""What literals, names and operators mean."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from engine.expressions import compile_expression
from tests.unit.expressions.evaluation import code_of, error_of, value_of

EQUAL = [
    ("1 == 1.0", True), ("true == 1", False), ("false == 0", False), ("null == false", False), ("null == null", True), ("'1' == 1", False),
    ("[1, [true]] == [1.0, [true]]", True), ("[1] == [true]", False), ("{'a': 1, 'b': 2} == {'b': 2, 'a': 1.0}", True),
    ("{'a': 1} == {'a': true}", False), ("{'a': 1} == {'b': 1}", False), ("[] == {}", False), ("'' == null", False), ("'a' != 'b'", True),
    ("[1, 2] != [1]", True), ("0 == -0.0", True),
]  # fmt: skip

ARITHMETIC = [
    ("1 + 2", 3), ("1 + 0.5", 1.5), ("'a' + 'b'", "ab"), ("[1] + [2]", [1, 2]), ("7 - 10", -3), ("6 * 7", 42), ("4 / 2", 2.0),
    ("7 // 2", 3),
    ("-7 // 2", -4), ("7 % 3", 1), ("-7 % 2", 1), ("-(3)", -3), ("+3", 3), ("- 1.5", -1.5), ("2 + 3 * 4", 14), ("(2 + 3) * 4", 20),
    ("1 - -1", 2),
    ("-9223372036854775808", -(2**63)), ("9223372036854775807", 2**63 - 1),
]  # fmt: skip

LOGIC = [
    ("1 and 2", 2), ("0 and 2", 0), ("'' or 'x'", "x"), ("'a' or 'x'", "a"), ("null or [] or {} or 0", 0), ("not null", True),
    ("not [0]", False),
    ("not 'a'", False), ("not {}", True), ("1 and 'a' and [1]", [1]), ("true and not false", True), ("1 if [] else 2", 2),
    ("1 if [0] else 2", 1),
    ("0.0 or 5", 5), ("true and null", None),
]  # fmt: skip

ORDER = [
    ("1 < 2", True), ("2 <= 2.0", True), ("'a' < 'b'", True), ("'b' > 'a'", True), ("3 >= 4", False), ("1 < 2 < 3", True),
    ("1 < 3 < 2", False),
    ("1 < 2 <= 2 != 3", True), ("3 > 2 == 2", True),
]  # fmt: skip

MEMBERSHIP = [
    ("'oic' in 'invoice'", True), ("'' in 'a'", True), ("2 in [1, 2.0]", True), ("1 in [true]", False), ("[1] in [[1]]", True),
    ("'a' in {'a': null}", True), ("'b' not in {'a': 1}", True), ("null in [null]", True), ("'x' not in ['x']", False),
]  # fmt: skip

LITERALS = [
    ("true", True), ("True", True), ("false", False), ("null", None), ("None", None), ("1_000", 1000), ("0x10", 16), ("1e3", 1000.0),
    ("'a' 'b'", "ab"),
    ('"""a"""', "a"), (r"'\u00e9\n'", "é\n"), (r"r'\d'", r"\d"), (r"'\d'", r"\d"), ("[]", []), ("{}", {}),
    ("{'a': [1, {'b': null}]}", {"a": [1, {"b": None}]}),
    ("[1, 2,]", [1, 2]), ("{inputs.k: 1, 'b': 2}", {"key": 1, "b": 2}), ("( 1\n + 2 )", 3), ("1\n + # more\n 2 # end", 3), ("\t 1", 1),
    ("\n1\n", 1),
]  # fmt: skip


@pytest.mark.parametrize(("source", "expected"), [*EQUAL, *ARITHMETIC, *LOGIC, *ORDER, *MEMBERSHIP, *LITERALS])
def test_an_expression_means_what_the_contract_says(source: str, expected: object) -> None:
    found = value_of(source, inputs={"k": "key"})
    assert found == expected
    assert type(found) is type(expected)


MISMATCHES = [
    "true + 1", "1 + 'a'", "'a' + 1", "[1] + 1", "null + null", "{} + {}", "'a' * 3", "[1] * 3", "'%s' % 1", "true * 2", "null - 1",
    "'a' / 2", "'a' // 2",
    "-'a'", "+'a'", "-true", "-[]", "-null", "1 < 'a'", "true < 2", "null < 1", "[1] < [2]", "{} < {}", "1 in 'a'", "'a' in 1", "1 in {}",
    "'a' in null",
    "1 < 2 < 'a'", "inputs.n.x", "inputs.l.x", "inputs.l[1.0]", "inputs.l['a']", "inputs.l[true]", "inputs.o[1]", "inputs.t['a']",
    "inputs.b[0]",
    "{1: 2}", "{null: 2}",
]  # fmt: skip


@pytest.mark.parametrize("source", MISMATCHES)
def test_kinds_that_do_not_fit_are_told_and_never_converted(source: str) -> None:
    assert code_of(source, inputs={"n": 1, "l": [1, 2], "o": {"a": 1}, "t": "abc", "b": True}) == "type_mismatch"


@pytest.mark.parametrize("source", ["1 / 0", "1 // 0", "1 % 0", "1 / 0.0", "1 / (2 - 2)"])
def test_division_by_zero_has_its_own_code(source: str) -> None:
    assert code_of(source) == "division_by_zero"


@pytest.mark.parametrize(
    "source",
    ["9223372036854775807 + 1", "-9223372036854775808 - 1", "9223372036854775807 * 2", "1e308 * 10", "1e308 + 1e308",
     "-(-9223372036854775808)",
     "1e999", "9223372036854775808", "abs(-9223372036854775808)", "sum([9223372036854775807, 1])", "1e308 // 1e-308", "int(1e30)",
     "number('1e999')"],
)  # fmt: skip
def test_numbers_stay_finite_and_within_64_bits(source: str) -> None:
    assert code_of(source) == "too_large"


LOOK_UPS = [
    ("inputs.a.b", 1), ("inputs['a']['b']", 1), ("inputs.a['b']", 1), ("inputs.l[0]", 1), ("inputs.l[-1]", 3), ("inputs.l[inputs.a.b]", 2),
    ("inputs[inputs.k].b", 1), ("inputs.t[1]", "b"), ("inputs.items", 5), ("inputs.keys", 6), ("inputs._private", 7),
    ("inputs.__class__", "harmless"),
    ("inputs.from", "f"), ("inputs.class.is", "i"), ("inputs.None", 8), ("inputs.True", 9), ("inputs . if", 10), ("inputs.größe", 11),
    ("[1, 2][1]", 2),
    ("{'a': 1}.a", 1), ("'abc'[0]", "a"), ("len", 12),
]  # fmt: skip


@pytest.mark.parametrize(("source", "expected"), LOOK_UPS)
def test_look_ups_read_keys_and_places_only(source: str, expected: object) -> None:
    inputs = {
        "a": {"b": 1}, "l": [1, 2, 3], "k": "a", "t": "abc", "items": 5, "keys": 6, "_private": 7, "__class__": "harmless", "from": "f",
        "class": {"is": "i"}, "None": 8, "True": 9, "if": 10, "größe": 11,
    }  # fmt: skip
    names = frozenset({"inputs", "len"})
    assert compile_expression(source, names=names).evaluate({"inputs": inputs, "len": 12}) == expected


@pytest.mark.parametrize(
    "source",
    ["inputs.x", "inputs.l[3]", "inputs.l[-4]", "inputs.t[9]", "inputs.n.x", "inputs.n[0]", "inputs.o['x y']", "item", "index",
     "nodes.gone.text",
     "nodes.here.nothing", "inputs.l[inputs.nine]", "inputs.__dict__", "inputs.get", "inputs.l[0].x.y.z if inputs.x else 1"],
)  # fmt: skip
def test_what_is_not_there_is_one_error(source: str) -> None:
    data = {"inputs": {"l": [1, 2, 3], "t": "abc", "n": None, "o": {}, "nine": 9}, "nodes": {"here": {}}}
    assert code_of(source, **data) == "missing_value"


def test_each_side_is_worked_out_only_when_it_decides() -> None:
    assert value_of("false and 1 / 0") is False
    assert value_of("true or inputs.nothing") is True
    assert value_of("1 if true else 1 / 0") == 1
    assert value_of("3 < 2 < 1 / 0") is False


def test_default_is_lazy_and_catches_only_missing_values_and_null() -> None:
    assert value_of("default(inputs.a.b[3].c, 'none')", inputs={}) == "none"
    assert value_of("default(null, 2)") == 2
    assert value_of("default(0, 1 / 0)") == 0
    assert value_of("default(false, true)") is False
    assert value_of("default(default(inputs.a, inputs.b), 3)", inputs={}) == 3
    assert code_of("default(1 / 0, 2)") == "division_by_zero"
    assert code_of("default('a'.x, 2)") == "type_mismatch"
    assert code_of("default(inputs.a, inputs.b)", inputs={}) == "missing_value"


class Lazy(Mapping[str, Any]):
    """Outputs that are read one by one; remembers which."""

    secret = "never to be seen"

    def __init__(self, data: dict[str, Any]) -> None:
        self.data = data
        self.read: list[str] = []

    def __getitem__(self, key: str) -> Any:
        self.read.append(key)
        return self.data[key]

    def __contains__(self, key: object) -> bool:
        return key in self.data

    def __iter__(self) -> Iterator[str]:
        return iter(self.data)

    def __len__(self) -> int:
        return len(self.data)


def test_nodes_may_be_any_mapping_and_only_what_is_named_is_read() -> None:
    nodes = Lazy({"a": Lazy({"text": "hi"}), "b": {"x": 1}})
    assert value_of("nodes.a.text + '!'", nodes=nodes) == "hi!"
    assert nodes.read == ["a"]
    assert value_of("nodes.a", nodes=nodes) == {"text": "hi"}
    assert value_of("default(nodes.c.x, 1) + nodes['b'].x", nodes=nodes) == 2
    assert value_of("'text' in nodes.a and len(nodes.a) == 1 and keys(nodes.a) == ['text']", nodes=nodes) is True
    assert code_of("nodes.secret", nodes=nodes) == "missing_value"
    assert code_of("nodes.a.secret", nodes=nodes) == "missing_value"
    assert value_of("nodes.a == {'text': 'hi'}", nodes=nodes) is True


def test_the_result_is_fresh_and_shared_with_nothing() -> None:
    data = {"list": [{"a": 1}]}
    found = value_of("[inputs.list, inputs.list]", inputs=data)
    found[0][0]["a"] = 2
    assert data == {"list": [{"a": 1}]}
    assert found[1] == [{"a": 1}]


def test_one_expression_may_be_worked_out_many_times_over_different_data() -> None:
    compiled = compile_expression("map(inputs.l, 'x -> x + inputs.n')")
    assert [compiled.evaluate({"inputs": {"l": [1, 2], "n": n}}) for n in (1, 2)] == [[2, 3], [3, 4]]


REFUSED = [
    "lambda x: x", "[x for x in inputs]", "{x for x in inputs}", "{x: 1 for x in inputs}", "(x for x in inputs)", "f'{inputs}'", "(x := 1)",
    "[*inputs]", "(1, 2)",
    "1, 2", "()", "{1, 2}", "inputs[1:2]", "inputs[:]", "inputs[0, 1]", "await inputs", "(yield)", "2 ** 3", "1 @ 2", "1 << 2", "1 >> 2",
    "1 | 2", "1 & 2", "1 ^ 2", "~1",
    "inputs is null", "inputs is not null", "b'a'", "1j", "...", "{**inputs}", "round(1.5, digits=1)", "max(*inputs)", "(lambda: 1)()",
    "len(inputs)()",
    "inputs[0]()", "(len)(1)(2)", "a = 1", "import os", "x; y", "nodes", "nodes[0]", "nodes[inputs.x].text", "nodes[-1]", "len(nodes)",
    "nodes == 1", "", "   ", "# nothing",
    "1 2", "not", "1 +", "[1", "1]", "'a", "'''a", "1) + (2", "\x00", "'\ud800'", "'\\ud800'", "$x", "a ? b : c", "a && b", "!a",
    "{{ inputs }}", "True = 1",
]  # fmt: skip


@pytest.mark.parametrize("source", REFUSED)
def test_everything_that_is_not_on_the_list_is_refused_as_syntax(source: str) -> None:
    assert code_of(source, inputs={}) == "syntax"


@pytest.mark.parametrize(
    "source", ["ｉnputs.a", "inputs.ﬁle", "ｌen('a')", "inputs.__ｃlass__", "ｔrue", "𝟙𝟚 if inputs else 1", "inputs.𝓪"]
)
def test_look_alike_letters_are_refused_instead_of_folded(source: str) -> None:
    assert code_of(source, inputs={"file": 1, "a": 1}) in {"syntax", "unknown_function"}


def test_methods_are_refused_with_the_function_to_use_instead() -> None:
    error = error_of("inputs.name.strip()", inputs={"name": "x"})
    assert (error.code, error.next_step) == ("unknown_function", "Write trim(text).")
    assert error_of("lenght('a')").message == "There is no function `lenght`; did you mean `len`?"


def test_more_roots_can_be_given_and_none_is_known_otherwise() -> None:
    names = frozenset({"arguments"})
    assert compile_expression("arguments.amount < 5", names=names).evaluate({"arguments": {"amount": 3}}) is True
    assert code_of("arguments.amount") == "unknown_name"


@pytest.mark.parametrize(
    "value", [object(), {1}, (1, 2), b"x", float("nan"), float("inf"), 2**64, "\ud800", {1: 2}, {"a": [object()]}, len, Lazy]
)
def test_data_that_is_not_json_never_comes_out(value: object) -> None:
    assert code_of("inputs.v", inputs={"v": value}) in {"type_mismatch", "too_large"}
    assert code_of("str([inputs.v])", inputs={"v": value}) in {"type_mismatch", "too_large"}
