"""What a setting would be worth, over HTTP: the engine's own evaluator over a run, pins or examples."""

from typing import Any

import pytest
from starlette.testclient import TestClient

from engine import Role
from tests.unit.app.conftest import bearer

DOCUMENT: dict[str, Any] = {
    "format": "signalbox/1",
    "name": "Preview",
    "vars": {"limit": 10},
    "nodes": [
        {
            "id": "start",
            "kind": "start",
            "config": {
                "inputs": {
                    "type": "object",
                    "properties": {"name": {"type": "string", "default": "nobody"}, "amount": {"type": "number", "examples": [3]}},
                }
            },
        },
        {"id": "sum", "kind": "set", "config": {"values": {"total": "inputs.amount * 2"}}},
        {"id": "done", "kind": "end", "config": {"output": {"total": "nodes.sum.total"}}},
    ],
    "edges": [{"source": "start", "target": "sum"}, {"source": "sum", "target": "done"}],
}


@pytest.fixture(scope="module")
def workflow(client: TestClient) -> str:
    made = client.post("/api/v1/workflows", json=DOCUMENT).json()["id"]
    client.post(f"/api/v1/workflows/{made}/publish", json={"note": ""})
    return made


@pytest.fixture(scope="module")
def run(client: TestClient, workflow: str) -> str:
    started = client.post(f"/api/v1/workflows/{workflow}/runs?wait=10", json={"inputs": {"name": "Ada", "amount": 21}})
    assert started.status_code == 200, started.text
    return started.json()["id"]


def previewed(client: TestClient, workflow: str, **body: Any) -> dict[str, Any]:
    answer = client.post(f"/api/v1/workflows/{workflow}/preview", json={"node": "done", **body})
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_a_template_is_filled_in_with_the_values_of_a_run(client: TestClient, workflow: str, run: str) -> None:
    told = previewed(client, workflow, template="{{ inputs.name }} pays {{ nodes.sum.total }}", run_id=run)
    assert told == {"value": "Ada pays 42", "error": None, "is_cut": False}


def test_an_expression_keeps_its_type(client: TestClient, workflow: str, run: str) -> None:
    assert previewed(client, workflow, expression="nodes.sum.total > vars.limit", run_id=run)["value"] is True


def test_without_a_run_the_schema_gives_the_examples(client: TestClient, workflow: str) -> None:
    assert previewed(client, workflow, expression="[inputs.name, inputs.amount, visit]")["value"] == ["nobody", 3, 1]


def test_a_pinned_output_counts_before_the_run(client: TestClient, workflow: str, run: str) -> None:
    pins = {"sum": {"total": 7}}
    assert previewed(client, workflow, expression="nodes.sum.total", run_id=run, pins=pins)["value"] == 7
    assert previewed(client, workflow, expression="nodes.sum.total", pins=pins)["value"] == 7


def test_a_value_that_is_not_there_is_told_as_such(client: TestClient, workflow: str) -> None:
    told = previewed(client, workflow, expression="nodes.sum.total")
    assert told["error"]["code"] == "missing_value" and told["value"] is None


def test_what_is_no_expression_tells_its_place(client: TestClient, workflow: str) -> None:
    told = previewed(client, workflow, template="a {{ 1 + }}")
    assert told["error"]["code"] == "syntax" and told["error"]["position"] >= 4


def test_in_a_box_the_first_item_stands_for_all_of_them(client: TestClient) -> None:
    box = {"id": "each", "kind": "map", "config": {"items": "[{'n': 4}, {'n': 5}]", "collect": "item.n"}}
    inside = {"id": "add", "kind": "set", "parent": "each", "config": {"values": {"more": "item.n + 1"}}}
    made = client.post("/api/v1/workflows", json={**DOCUMENT, "nodes": [*DOCUMENT["nodes"], box, inside]}).json()["id"]
    for node in ("add", "each"):
        answer = client.post(f"/api/v1/workflows/{made}/preview", json={"node": node, "expression": "[item.n, index]"})
        assert answer.json()["value"] == [4, 0], node
    outside = client.post(f"/api/v1/workflows/{made}/preview", json={"node": "done", "expression": "item.n"})
    assert outside.json()["error"]["code"] == "missing_value"


def test_a_long_value_is_cut(client: TestClient, workflow: str) -> None:
    told = previewed(client, workflow, expression='map(split("a a a a a a a a a a"), "x -> split(inputs.name, \'\')")', pins={})
    assert told["is_cut"] is False or len(told["value"]) <= 4000
    long = previewed(client, workflow, template="x" * 5000)
    assert long["is_cut"] is True and long["value"] == "x" * 4000


def test_work_is_bounded(client: TestClient, workflow: str) -> None:
    numbers = "[" + ", ".join(["1"] * 300) + "]"
    inner = f"count({numbers}, 'y -> y > x')"
    told = previewed(client, workflow, expression=f'map({numbers}, "x -> {inner}")')
    assert told["error"]["code"] == "too_costly"


@pytest.mark.parametrize("body", [{}, {"template": "a", "expression": "1"}])
def test_one_of_both_has_to_be_given(client: TestClient, workflow: str, body: dict[str, Any]) -> None:
    assert client.post(f"/api/v1/workflows/{workflow}/preview", json={"node": "done", **body}).status_code == 422


def test_a_run_that_is_not_there_is_not_found(client: TestClient, workflow: str) -> None:
    answer = client.post(f"/api/v1/workflows/{workflow}/preview", json={"node": "done", "expression": "1", "run_id": "run_nothing"})
    assert answer.status_code == 404


def test_whoever_may_not_read_workflows_gets_no_preview(anonymous: TestClient, workflow: str, tokens: dict[Role, str]) -> None:
    body = {"node": "done", "expression": "1"}
    assert anonymous.post(f"/api/v1/workflows/{workflow}/preview", json=body).status_code == 401
    assert anonymous.post(f"/api/v1/workflows/{workflow}/preview", json=body, headers=bearer(tokens[Role.VIEWER])).status_code == 200


def test_the_worst_case_is_told_for_each_step(client: TestClient) -> None:
    told = client.post("/api/v1/workflows/validate", json=DOCUMENT).json()
    assert {step: most["steps"] for step, most in told["steps"].items()} == {"start": 1, "sum": 1, "done": 1}
    assert sum(most["steps"] for most in told["steps"].values()) == told["worst_case"]["steps"]
