"""What a new approval shows of the steps before it."""

from typing import Any

from tests.unit.app.javascript import run

LLM = {"kind": "llm", "outputs": {"text": "", "json": "", "model": "", "usage": ""}}
KINDS = [{"kind": "start"}, {"kind": "branch", "outputs": {"case": ""}}, LLM, {"kind": "classify", "outputs": {"label": "", "scores": ""}}]
INPUTS = {"properties": {"message": {"type": "string"}, "amount": {"type": "number", "title": "Amount to pay"}}}
DRAFT = {"id": "draft", "kind": "llm", "title": "Draft a reply", "config": {}}
START = {"id": "start", "kind": "start", "config": {"inputs": INPUTS}}
BIG = {"id": "big", "kind": "branch", "config": {"cases": [{"port": "yes", "when": "1 < 2"}]}}


def shown(nodes: list[dict[str, Any]], edges: list[tuple[str, str]], source: str, port: str = "out") -> dict[str, str]:
    document = {"nodes": nodes, "edges": [{"source": a, "target": b} for a, b in edges]}
    script = (
        'import { shownBehind } from "./show.js";\n---\nshownBehind(given.document, given.kinds, {source: given.source, port: given.port})'
    )
    return run(script, {"document": document, "kinds": KINDS, "source": source, "port": port}, folder="app/components/canvas")


def test_it_shows_what_a_model_wrote_under_the_name_of_the_step() -> None:
    assert shown([START, DRAFT], [("start", "draft")], "draft") == {"Draft a reply": "nodes.draft.text"}


def test_it_shows_each_part_of_an_answer_in_parts() -> None:
    draft = DRAFT | {"config": {"output": {"properties": {"reply": {"title": "Reply"}, "is_urgent": {}}}}}
    assert shown([START, draft], [("start", "draft")], "draft") == {
        "Reply": "nodes.draft.json.reply",
        "Is urgent": "nodes.draft.json.is_urgent",
    }


def test_behind_a_condition_it_shows_what_the_step_before_that_made() -> None:
    assert shown([START, BIG], [("start", "big")], "big", "yes") == {"Message": "inputs.message", "Amount to pay": "inputs.amount"}
    assert shown([START, DRAFT, BIG], [("start", "draft"), ("draft", "big")], "big", "yes") == {"Draft a reply": "nodes.draft.text"}


def test_in_a_box_it_shows_the_item() -> None:
    assert shown([START, DRAFT], [], "draft", "item") == {"This item": "item"}


def test_nothing_is_made_up_where_nothing_is_known() -> None:
    assert shown([{"id": "start", "kind": "start", "config": {}}], [], "start") == {}
