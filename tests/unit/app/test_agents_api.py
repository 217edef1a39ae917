"""Colleagues over HTTP: made, read under either name, changed at a revision, removed; what is wrong is told by field."""

from typing import Any

import pytest
from starlette.testclient import TestClient

from engine import Role
from tests.unit.app.conftest import bearer, error_of

AGENTS = "/api/v1/agents"


def body(**more: Any) -> dict[str, Any]:
    tools = ["find_order", {"tool": "refund", "policy": "ask", "preconditions": [{"that": "arguments.sum < 5"}]}]
    return {"name": "Mara Desk", "duty": "Answers.", "tools": tools} | more


@pytest.fixture
def made(client: TestClient) -> Any:
    answer = client.post(AGENTS, json=body(limits={"cost_usd_per_day": 2.5}))
    assert answer.status_code == 201, answer.text
    yield answer.json()
    client.delete(f"{AGENTS}/{answer.json()['id']}")


def test_one_is_made_read_changed_and_removed(client: TestClient, made: dict[str, Any]) -> None:
    assert (made["slug"], made["revision"], made["face"]) == ("mara-desk", 1, {"mark": "MD", "colour": "iris"})
    assert made["tools"][0] == {"tool": "find_order", "policy": "default", "preconditions": []}
    assert made["tools"][1]["preconditions"] == [{"that": "arguments.sum < 5", "otherwise": "stop", "because": ""}]
    assert [warning["field"] for warning in made["warnings"]] == ["tools.0.tool", "tools.1.tool"]
    assert client.get(f"{AGENTS}/mara-desk").json() == client.get(f"{AGENTS}/{made['id']}").json() == made
    assert client.get(AGENTS).json()["items"] == [made]
    budgets = client.get("/api/v1/budgets").json()["items"]
    assert [(one["scope"], one["subject"], one["limit_usd"]) for one in budgets] == [("agent", "mara-desk", 2.5)]
    changed = client.put(f"{AGENTS}/mara-desk", json=body(revision=1, limits={"max_turns": 4}))
    assert (changed.status_code, changed.json()["revision"]) == (200, 2)
    assert changed.json()["limits"] == {"max_turns": 4, "calls_per_turn": None, "cost_usd_per_day": None}
    assert client.get("/api/v1/budgets").json()["items"] == []
    told = client.get(f"{AGENTS}/mara-desk/changes").json()["items"]
    assert [one["action"] for one in told] == ["agent.change", "budget.set", "agent.add", "budget.set"]
    assert client.delete(f"{AGENTS}/mara-desk").status_code == 204
    assert client.get(f"{AGENTS}/{made['id']}").status_code == client.delete(f"{AGENTS}/mara-desk").status_code == 404


def test_a_change_of_what_somebody_else_has_changed_is_refused(client: TestClient, made: dict[str, Any]) -> None:
    assert client.put(f"{AGENTS}/mara-desk", json=body(revision=1, duty="Other.")).status_code == 200
    answer = client.put(f"{AGENTS}/mara-desk", json=body(revision=1))
    assert (answer.status_code, error_of(answer)["code"], error_of(answer)["revision"]) == (409, "stale_revision", 2)
    assert client.get(f"{AGENTS}/mara-desk").json()["duty"] == "Other."


@pytest.mark.parametrize(
    ("more", "field"),
    [
        ({"name": ""}, "name"),
        ({"slug": "Mara Desk"}, "slug"),
        ({"slug": "mara-desk"}, "slug"),
        ({"limits": {"max_turns": 201}}, "limits.max_turns"),
        ({"limits": {"hours": 5}}, "limits.hours"),
        ({"tools": [{"tool": "refund", "preconditions": [{"that": "nodes.a.b"}]}]}, "tools.0.preconditions.0.that"),
        ({"face": {"mark": "\u202eabc"}}, "face.mark"),
    ],
)
def test_what_is_wrong_is_told_by_field(client: TestClient, made: dict[str, Any], more: dict[str, Any], field: str) -> None:
    answer = client.post(AGENTS, json=body(**more))
    assert answer.status_code in (400, 422)
    assert [problem["field"] for problem in error_of(answer)["problems"]] == [field]
    assert len(client.get(AGENTS).json()["items"]) == 1


def test_a_viewer_sees_and_an_operator_changes_all_but_the_money(
    anonymous: TestClient, client: TestClient, made: dict[str, Any], tokens: dict[Role, str]
) -> None:
    viewer, operator = bearer(tokens[Role.VIEWER]), bearer(tokens[Role.OPERATOR])
    assert anonymous.get(f"{AGENTS}/mara-desk", headers=viewer).json()["spent"] == {"today_usd": 0.0, "month_usd": 0.0}
    assert anonymous.put(f"{AGENTS}/mara-desk", json=body(revision=1), headers=viewer).status_code == 403
    kept = {"limits": {"cost_usd_per_day": 2.5}}
    assert anonymous.put(f"{AGENTS}/mara-desk", json=body(revision=1, duty="O.", **kept), headers=operator).status_code == 200
    refused = anonymous.put(f"{AGENTS}/mara-desk", json=body(revision=2), headers=operator)
    assert (refused.status_code, error_of(refused)["permission"]) == (403, "budget.manage")


def test_the_editor_is_told_of_a_colleague_that_is_not_there(client: TestClient) -> None:
    nodes = [{"id": "start", "kind": "start"}, {"id": "desk", "kind": "agent", "config": {"agent": "otto", "task": "x"}}]
    document = {"format": "signalbox/1", "name": "W", "nodes": nodes, "edges": [{"source": "start", "target": "desk"}]}
    told = client.post("/api/v1/workflows/validate", json=document).json()["problems"]
    assert [(p["severity"], p["node"], p["field"]) for p in told if p["code"] == "unknown_agent"] == [("warning", "desk", "config.agent")]
