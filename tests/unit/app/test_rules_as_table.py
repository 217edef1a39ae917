"""A condition shown as a table of rules and written again means the same to the engine; what the table cannot show it does not touch."""

import json
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from engine.expressions import ExpressionError, compile_expression, compile_template

SCRIPT = Path(__file__).with_name("rules_in_node.js")
PATHS = (
    "inputs.amount",
    "inputs.name",
    'inputs["my key"]',
    "nodes.draft.text",
    "nodes.draft.items[0]",
    "nodes.draft.items[-1].price",
    "vars.limit",
    "item",
    "visit",
    "now",
    "inputs.tags",
    "inputs.day",
    "inputs.gone",
    "inputs.flag",
)
LITERALS = (
    "0",
    "-5",
    "1.5",
    "1e3",
    "'a'",
    '"b"',
    '"it\\"s"',
    "'\\u00e4'",
    "true",
    "False",
    "null",
    "None",
    '""',
    '"2026-11-20"',
    "1000",
    '"Ada"',
)
LISTS = ("['a', 'b']", "[1, 2.5, 'x',]", "[]", '["Ada"]', "[true]", "[[1]]")
EMPTIES = ('""', "''", "0")
ODD = (
    "1 < inputs.amount < 10",
    "inputs.amount + 1 > 2",
    "inputs.name if inputs.flag else 'x'",
    "lower(inputs.name) == 'ada'",
    "inputs.amount > 1 # why",
    "r'a' == inputs.name",
    "'a' 'b' == inputs.name",
    "inputs.amount == 0x10",
    "inputs.amount == 1_000",
    "inputs.amount == 12345678901234567890",
    "count(inputs.tags, 'x -> x > 1') > 1",
    "inputs.name == '\\ud83d\\ude00'",
    "inputs.name == '\\x41'",
    "inputs . name == 'Ada'",
    "inputs.tags[inputs.visit] == 1",
    "(inputs.name) == ('Ada')",
    "not not inputs.flag",
    "inputs.amount ==",
    "and",
    "",
    "((((((((((((((((((((((inputs.flag))))))))))))))))))))))",
    "{'a': 1} == inputs.name",
    "inputs['a' 'b']",
    "inputs.from == 1",
    '"""a""" == inputs.name',
    "inputs.name ==\n'Ada'",
    "inputs.amount is 1",
    "-inputs.amount > 1",
    "'a' in ['a']",
    "inputs.amount > -0.0",
    "1 == 1",
    "default(inputs.gone, '') in ['', [], {}] and not (default(inputs.gone, '') in ['', [], {}])",
)
SCOPES: tuple[dict[str, Any], ...] = (
    {
        "inputs": {"amount": 5, "name": "Ada", "my key": "b", "tags": ["a", "b"], "day": "2026-11-20", "flag": True, "from": 1},
        "nodes": {"draft": {"text": "a text with b", "items": [{"price": 3}]}},
        "vars": {"limit": 1000},
        "item": "a",
        "visit": 1,
        "now": "2026-11-25T09:00:00Z",
    },
    {
        "inputs": {"amount": -5, "name": "", "my key": None, "tags": [], "day": 0, "flag": False, "gone": {}},
        "nodes": {},
        "vars": {"limit": 1.5},
        "item": {"a": 1},
        "visit": 2,
        "now": "2026-11-25T09:00:00Z",
    },
    {
        "inputs": {"amount": "1000", "name": "b", "tags": "abc", "day": "2026-01-01T10:00:00Z", "gone": 0},
        "nodes": {"draft": {"text": None, "items": []}},
        "vars": {},
        "now": "2026-11-25T09:00:00Z",
    },
)


def condition(chance: random.Random) -> str:
    path, other = chance.choice(PATHS), chance.choice([*PATHS, *LITERALS, *LITERALS])
    space, sign = chance.choice(["", " ", "  "]), chance.choice(["==", "!=", "<", "<=", ">", ">="])
    return chance.choice(
        [
            path,
            f"{path}{space}{sign}{space}{other}",
            f"{path} {chance.choice(['in', 'not in'])} {chance.choice([*LISTS, *PATHS])}",
            f"{other} {chance.choice(['in', 'not in'])} {path}",
            f"{chance.choice(['contains', 'startswith', 'endswith', 'matches'])}({path},{space}{other})",
            f"len({path}) {sign} {other}",
            f"date({path}) {sign} date({other})",
            f"days_between({path}, now) {sign} {other}",
            f"default({path}, {chance.choice(EMPTIES)}) {chance.choice(['in', 'not in'])} ['', [], {{}}]",
        ]
    )


def expression(chance: random.Random, depth: int = 0) -> str:
    if depth > 2 or chance.random() < 0.35:
        return condition(chance)
    parts = [expression(chance, depth + 1) for _ in range(chance.randint(2, 3))]
    parts = [f"({part})" if chance.random() < 0.5 else part for part in parts]
    joined = f" {chance.choice(['and', 'or'])} ".join(parts)
    return f"not ({joined})" if chance.random() < 0.2 else f"not {parts[0]}" if chance.random() < 0.1 else joined


def told_by_node(lines: list[dict[str, str]]) -> list[dict[str, Any]]:
    node = Path(sys.executable).with_name("node")
    text = "".join(json.dumps(line) + "\n" for line in lines)
    done = subprocess.run([node, "--no-warnings", SCRIPT], input=text, capture_output=True, text=True, timeout=120, check=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


def outcome(source: str, scope: dict[str, Any]) -> tuple[str, Any]:
    try:
        return ("value", json.dumps(compile_expression(source).evaluate(scope), sort_keys=True))
    except ExpressionError as error:
        return ("error", error.code)


@pytest.fixture(scope="module")
def answers() -> dict[str, dict[str, Any]]:
    chance = random.Random(20261125)
    sources = [*dict.fromkeys([*ODD, *(expression(chance) for _ in range(3000))])]
    return dict(zip(sources, told_by_node([{"expression": source} for source in sources]), strict=True))


def test_a_condition_that_went_through_the_table_means_the_same(answers: dict[str, dict[str, Any]]) -> None:
    shown = {source: told["again"] for source, told in answers.items() if told["rules"] is not None}
    assert len(shown) > 600
    for source, again in shown.items():
        for scope in SCOPES:
            assert outcome(again, scope) == outcome(source, scope), (source, again)


def test_what_was_written_by_the_table_is_read_by_it_again(answers: dict[str, dict[str, Any]]) -> None:
    shown = [told for told in answers.values() if told["rules"] is not None]
    for told, second in zip(shown, told_by_node([{"expression": told["again"]} for told in shown]), strict=True):
        assert second["again"] == told["again"]


def test_every_operator_of_the_table_is_met(answers: dict[str, dict[str, Any]]) -> None:
    def operators(rule: dict[str, Any]) -> set[str]:
        return {rule["operator"]} if "operator" in rule else set().union(*(operators(inner) for inner in rule["rules"]))

    met = set[str]().union(*(operators(told["rules"]) for told in answers.values() if told["rules"] is not None))
    assert met == {
        "is", "is_not", "contains", "lacks", "starts", "ends", "matches", "more", "least", "less", "most", "longer", "shorter",
        "among", "not_among", "before", "after", "older", "newer", "yes", "no", "empty", "filled",
    }  # fmt: skip


def test_what_is_no_condition_is_not_shown_as_one(answers: dict[str, dict[str, Any]]) -> None:
    for source, told in answers.items():
        try:
            compile_expression(source)
        except ExpressionError:
            assert told["rules"] is None, source


@pytest.mark.parametrize(
    "template",
    [
        "Dear {{ inputs.name }}, {{inputs.amount}}!",
        "{{ inputs.name }}",
        "no value",
        "",
        'braces {{ "{{" }} and {{ {"a": {"b": "}}"}} }}',
        "never closed {{ inputs.name",
        "{{ 'a}}b' }}{{ inputs.name }}\n\n",
        "}} {{ inputs.name }} {{",
    ],
)
def test_a_template_taken_apart_and_put_together_means_the_same(template: str) -> None:
    told = told_by_node([{"template": template}])[0]
    scope = SCOPES[0]

    def filled(source: str) -> Any:
        try:
            return compile_template(source).evaluate(scope)
        except ExpressionError as error:
            return error.code

    assert filled(told["again"]) == filled(template)
    assert "".join(part.get("text", "") for part in told["parts"]) in template or len(told["parts"]) > 1
