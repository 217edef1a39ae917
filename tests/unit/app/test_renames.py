"""A new name reaches every expression that speaks of the old one, and nothing else."""

from typing import Any

import pytest

from engine.expressions import compile_expression
from tests.unit.app.javascript import run

INSPECTOR = "app/components/inspector"
AMOUNT = {"path": ["inputs", "amount"], "to": "total"}
TOPIC = {"read": ["nodes", "topic", "label"], "from": "lost", "to": "Stolen card"}
KINDS = [
    {"kind": "start", "roles": {}},
    {"kind": "classify", "roles": {"text": "template", "labels[].description": "template", "labels[].examples[]": "template"}},
    {"kind": "branch", "roles": {"cases[].when": "expression"}},
    {"kind": "end", "roles": {"output.*": "expression"}},
]


def reworded(expression: str, *renames: dict[str, Any]) -> str:
    script = 'import { reworded } from "./refer.js";\n---\nreworded(given.expression, given.renames)'
    return run(script, {"expression": expression, "renames": renames}, folder=INSPECTOR)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("inputs.amount > 3 and inputs.amounts", "inputs.total > 3 and inputs.amounts"),
        ("inputs[\"amount\"] + inputs['amount']", "inputs[\"total\"] + inputs['total']"),
        ("inputs . amount.cents", "inputs . total.cents"),
        ('"inputs.amount" == inputs.amount', '"inputs.amount" == inputs.total'),
        ("nodes.inputs.amount + item.inputs.amount", "nodes.inputs.amount + item.inputs.amount"),
        ('map(inputs.lines, "x -> x.price * inputs.amount")', 'map(inputs.lines, "x -> x.price * inputs.total")'),
        ("inputs.lines[inputs.amount]", "inputs.lines[inputs.total]"),
    ],
)
def test_a_value_is_read_by_its_new_name(before: str, after: str) -> None:
    assert reworded(before, AMOUNT) == after
    compile_expression(after)


def test_a_name_that_no_dot_can_lead_to_is_read_in_brackets() -> None:
    after = reworded("inputs.amount.x > 1", {**AMOUNT, "to": "order no."})
    assert after == 'inputs["order no."].x > 1'
    compile_expression(after)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("nodes.topic.label == 'lost'", "nodes.topic.label == 'Stolen card'"),
        ('"lost" != nodes.topic.label', '"Stolen card" != nodes.topic.label'),
        ('nodes.topic.label not in ["other", "lost"]', 'nodes.topic.label not in ["other", "Stolen card"]'),
        ('nodes.topic.label == "other" and inputs.word == "lost"', 'nodes.topic.label == "other" and inputs.word == "lost"'),
        ('default(nodes.topic.label, "lost") == "lost"', 'default(nodes.topic.label, "Stolen card") == "Stolen card"'),
        ('nodes["topic"].label == "lost"', 'nodes["topic"].label == "Stolen card"'),
        ('nodes.topics.label == "lost"', 'nodes.topics.label == "lost"'),
    ],
)
def test_a_name_that_is_compared_with_follows(before: str, after: str) -> None:
    assert reworded(before, TOPIC) == after
    compile_expression(after)


def test_every_step_its_templates_and_what_a_schedule_gives_follow_in_one_list_of_operations() -> None:
    start = {"id": "start", "kind": "start", "config": {"inputs": {"properties": {"amount": {}}}}}
    text = "Pay {{ inputs.amount }}, please; not inputs.amount"
    document = {
        "nodes": [
            start,
            {"id": "topic", "kind": "classify", "config": {"text": text, "labels": [{"port": "lost", "description": ""}]}},
            {"id": "big", "kind": "branch", "config": {"cases": [{"port": "a", "when": "inputs.amount > 1"}]}},
            {"id": "done", "kind": "end", "config": {"output": {"x": "1"}}},
        ],
        "edges": [],
        "triggers": [{"kind": "schedule", "inputs": {"amount": 3, "other": 1}}],
    }
    given = {
        "desk": {"document": document, "kinds": KINDS},
        "node": start,
        "config": {"inputs": {"properties": {"total": {}}}},
        "renames": [AMOUNT],
    }
    script = 'import { renameOps } from "./refer.js";\n---\nrenameOps(given.desk, given.node, given.config, given.renames)'
    ops = run(script, given, folder=INSPECTOR)
    told = {op.get("id", "document"): op["value"] for op in ops}
    assert set(told) == {"start", "topic", "big", "document"}
    assert told["start"]["config"] == given["config"]
    assert told["topic"]["config"]["text"] == "Pay {{ inputs.total }}, please; not inputs.amount"
    assert told["big"]["config"] == {"cases": [{"port": "a", "when": "inputs.total > 1"}]}
    assert told["document"]["triggers"][0]["inputs"] == {"total": 3, "other": 1}


def test_a_rename_reaches_every_text_of_a_json_value() -> None:
    body = {"a": "{{ inputs.amount }}", "b": [1, None, {"c": "to pay: {{ inputs.amount }}"}], "d": "inputs.amount"}
    given = {"config": {"body": body, "url": "{{ inputs.amount }}"}, "roles": {"body": "template"}, "renames": [AMOUNT]}
    script = 'import { rewordedConfig } from "./refer.js";\n---\nrewordedConfig(given.config, given.roles, given.renames)'
    now = {"a": "{{ inputs.total }}", "b": [1, None, {"c": "to pay: {{ inputs.total }}"}], "d": "inputs.amount"}
    assert run(script, given, folder=INSPECTOR) == {"body": now, "url": "{{ inputs.amount }}"}
    script = 'import { expressionsOf } from "./available.js";\n---\nexpressionsOf(given.config, given.roles)'
    assert run(script, given, folder=INSPECTOR) == ["inputs.amount", "inputs.amount"]
