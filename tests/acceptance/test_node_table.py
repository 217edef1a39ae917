"""The table "Node kinds" of workflow.md: each row that exists has its settings, ports, outputs, contract tests and docs page."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from engine.nodes.docs import describe, page
from engine.nodes.registry import Registry
from tests.unit.nodes import test_contract

ROOT = Path(__file__).resolve().parents[2]
CONTRACT = ROOT.parent / "shared" / "design" / "workflow.md"
REGISTRY = Registry.builtin()
ROWS = r"""
| `start` | `inputs` (JSON Schema) | out | the inputs |
| `end` | `output` {name: expression}, `outcome` success\|failure | – | – |
| `set` | `values` {name: expression} | out | the values |
| `branch` | `cases` [{port, label, when}] first match wins | each case's port, `else` | `case` |
| `classify` | `text`, `labels` [{port, description, examples}], `min_confidence`, `method` meaning\|model | each label's port, `unsure` | `label confidence scores` |
| `llm` | `model system prompt output` (JSON Schema) `temperature max_tokens` (1024) `fallback_models` | out | `text json model usage` |
| `http` | `method url headers body secret` | out | `status headers body` |
| `agent` | `agent task tools max_turns output` | out, handover | `text json turns calls` |
| `tool` | `tool arguments` {name: expression} | out | `result` |
| `code` | `code inputs` {name: expression} | out | `result` |
| `approval` | `title message show editable approvers {roles, users, quorum: 1, four_eyes: false} action expires_after_s on_expire` | approved, rejected, expired | `decision` (approved\|rejected\|expired) `by reason values` (all editable fields, edited or not) |
| `form` | `title message fields` (JSON Schema) `assignees expires_after_s` | submitted, expired | the fields, `by` |
| `wait` | one of `seconds`, `until`, `event` + `key`; `expires_after_s` | out, expired | `event` |
| `map` | `items` (expression) `concurrency max_items collect` (expression) `on_item_error` stop\|skip\|collect | item (into the body), out | `results errors` |
| `subflow` | `workflow version inputs` | out | the child's output |
| `notify` | `channel subject message` | out | `delivered` |
| `fail` | `message` | – | – |
"""  # noqa: E501
"""The rows that exist, word for word."""
LATER = {"ask", "search", "remember", "recall"}
"""Kinds that later issues bring."""


def rows(text: str) -> dict[str, list[str]]:
    """Kind -> its settings, ports and outputs, as they are written."""
    lines = [line.strip("| ").split(" | ") for line in text.splitlines() if line.startswith("| `")]
    return {name: cells for kinds, *cells in lines for name in re.findall(r"`(\w+)`", kinds)}


def marked(cell: str) -> set[str]:
    """What stands between back-ticks, without what an object holds."""
    return {word for part in re.findall(r"`([^`]*)`", cell) for word in re.sub(r"\{.*?\}", "", part).split()}


WRITTEN = rows(ROWS)
every_row = pytest.mark.parametrize("name", WRITTEN)


def kind_of(name: str) -> Any:
    kind = REGISTRY.get(name)
    assert kind is not None, name
    return kind


@every_row
def test_a_row_of_the_table_has_its_settings_ports_and_outputs(name: str) -> None:
    kind, (settings, ports, outputs) = kind_of(name), WRITTEN[name]
    assert marked(settings) <= set(kind.Config.model_fields)
    found = kind.ports(kind.Config.model_validate(kind.examples[0].config))
    if marked(ports):
        # A port for each case or label, and one for everything else.
        assert len(found) > 1 and found[-1] in marked(ports)
    else:
        assert list(found) == ([] if ports == "–" else [port.split()[0] for port in ports.split(", ")])
    told = describe(kind)["outputs"]
    # As with settings, a kind may have more than the contract asks of it (`llm` tells what its checks found).
    assert told is None or marked(outputs) <= set(told)


@every_row
def test_a_row_of_the_table_has_contract_tests_and_a_generated_docs_page(name: str) -> None:
    kind = kind_of(name)
    assert name in {tested.kind for tested in test_contract.KINDS}
    assert name in {param.values[0].kind for param in test_contract.EXAMPLES}, "its examples are run by the contract tests"
    assert (ROOT / "docs" / "nodes" / f"{name}.md").read_text(encoding="utf-8") == page(kind)


def test_every_kind_has_its_row() -> None:
    assert set(REGISTRY.names()) == set(WRITTEN)


@pytest.mark.skipif(not CONTRACT.exists(), reason="workflow.md lies beside the repository only where it is written")
def test_the_rows_are_those_of_the_contract() -> None:
    told = rows(CONTRACT.read_text(encoding="utf-8").split("\n## Node kinds\n")[1].split("\n## ")[0])
    assert {name: cells for name, cells in told.items() if name not in LATER} == WRITTEN
    assert set(told) - set(WRITTEN) == LATER
