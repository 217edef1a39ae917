"""Try-outs, pins and last steps over HTTP, as whoever builds the builder may rely on them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.acceptance.served import Up, served

WORKFLOWS = "/api/v1/workflows"
FLOW: dict[str, Any] = {
    "format": "signalbox/1",
    "name": "Answer a message",
    "nodes": [
        {
            "id": "start",
            "kind": "start",
            "config": {"inputs": {"type": "object", "required": ["message"], "properties": {"message": {"type": "string"}}}},
        },
        {"id": "draft", "kind": "llm", "title": "Draft a reply", "config": {"prompt": "Answer: {{ inputs.message }}", "max_tokens": 80}},
        {"id": "tidy", "kind": "set", "title": "Tidy up", "config": {"values": {"reply": "upper(nodes.draft.text)"}}},
        {"id": "tell", "kind": "notify", "title": "Tell the desk", "config": {"message": "{{ nodes.tidy.reply }}"}},
        {"id": "done", "kind": "end", "config": {"output": {"reply": "nodes.tidy.reply", "sent": "nodes.tell.delivered"}}},
    ],
    "edges": [
        {"source": "start", "target": "draft"},
        {"source": "draft", "target": "tidy"},
        {"source": "tidy", "target": "tell"},
        {"source": "tell", "target": "done"},
    ],
}
INPUTS = {"inputs": {"message": "I lost my card"}}


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    with served(tmp_path_factory.mktemp("tryouts") / "home") as up:
        yield up


@pytest.fixture
def flow(up: Up) -> str:
    return up.call("POST", WORKFLOWS, FLOW).body["id"]


def tried(up: Up, flow: str, **body: Any) -> Any:
    answer = up.call("POST", f"{WORKFLOWS}/{flow}/runs?wait=60", {"mode": "test", **body})
    assert answer.status == 200, answer
    return answer.body


def steps(up: Up, run: str) -> dict[str, Any]:
    return {step["path"]: step for step in up.call("GET", f"/api/v1/runs/{run}/steps").body["items"]}


def problem(answer: Any, status: int) -> dict[str, Any]:
    assert answer.status == status, answer
    assert answer.body["error"]["hint"]
    return answer.body["error"]


def test_a_draft_is_tried_step_by_step(up: Up, flow: str) -> None:
    missing = problem(up.call("POST", f"{WORKFLOWS}/{flow}/runs", {"mode": "test", "try": {"only": "tidy"}, **INPUTS}), 422)
    assert missing["code"] == "step_missing" and "Run “Draft a reply” first, or pin its output." in missing["message"]
    assert missing["problems"][0]["node"] == "draft"
    until = tried(up, flow, **INPUTS, **{"try": {"until": "draft"}})
    assert until["status"] == "succeeded" and until["output"] is None and list(steps(up, until["id"])) == ["start", "draft"]
    only = tried(up, flow, **{"try": {"only": "tidy"}})
    assert only["tried"] == {"what": "only", "node": "tidy", "base": until["id"]} and only["inputs"] == INPUTS["inputs"]
    assert only["effects"] == "simulated" and only["spent"]["cost_usd"] == 0 and only["spent"]["llm_calls"] == 0
    assert steps(up, only["id"])["draft"]["reused"] == until["id"]
    rest = tried(up, flow, **{"try": {"from": "tidy", "base": until["id"]}})
    told = steps(up, rest["id"])
    assert rest["output"]["sent"] is True and rest["limits"] == until["limits"]
    assert {path: (s["reused"], s["simulated"], s["pinned"]) for path, s in told.items()} == {
        "start": (None, False, False),
        "draft": (until["id"], False, False),
        "tidy": (None, False, False),
        "tell": (None, True, False),
        "done": (None, False, False),
    }
    assert told["tell"]["inputs"]["message"] == rest["output"]["reply"]
    events = up.call("GET", f"/api/v1/runs/{rest['id']}/events").body["items"]
    assert [(e["path"], e["data"]["reused"]) for e in events if "reused" in e["data"]] == [("draft", until["id"])]
    assert [e["path"] for e in events if e["data"].get("simulated")] == ["tell"]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"mode": "live", "try": {"only": "draft"}}, "try"),
        ({"try": {"only": "draft"}}, "try"),
        ({"mode": "test", "try": {}}, "try"),
        ({"mode": "test", "try": {"only": "nobody"}}, "try.only"),
        ({"mode": "test", "try": {"only": "draft", "from": "draft"}}, "try"),
        ({"mode": "test", "try": {"step": "draft"}}, "try.step"),
        ({"mode": "test", "effects": "some"}, "effects"),
        ({"mode": "test", "limits": {"tokens": 1.5}}, "limits.tokens"),
    ],
)
def test_what_cannot_be_tried_is_a_422_with_its_field(up: Up, flow: str, body: dict[str, Any], field: str) -> None:
    assert problem(up.call("POST", f"{WORKFLOWS}/{flow}/runs", {**INPUTS, **body}), 422)["problems"][0]["field"] == field


def test_pins_are_put_listed_applied_and_deleted(up: Up, flow: str) -> None:
    pins = f"{WORKFLOWS}/{flow}/pins"
    assert up.call("GET", pins).body == {"items": [], "next": None}
    put = up.call("PUT", f"{pins}/draft", {"outputs": {"text": "hello"}})
    assert put.status == 200 and put.body["node"] == "draft" and put.body["port"] == "out" and put.body["set_by"] and put.body["set_at"]
    assert up.call("GET", pins).body["items"] == [put.body]
    run = tried(up, flow, **INPUTS)
    assert run["output"]["reply"] == "HELLO" and run["spent"]["llm_calls"] == 0 and steps(up, run["id"])["draft"]["pinned"]
    wrong = problem(up.call("PUT", f"{pins}/draft", {"outputs": {"text": 1}}), 422)
    assert wrong["problems"][0]["field"] == "outputs.text"
    problem(up.call("PUT", f"{pins}/nobody", {"outputs": {}}), 404)
    problem(up.call("PUT", f"{pins}/draft", {"outputs": []}), 422)
    assert up.call("DELETE", f"{pins}/draft").status == 200
    problem(up.call("DELETE", f"{pins}/draft"), 404)


def test_last_steps_say_what_is_stale_and_where_the_bodies_are(up: Up, flow: str) -> None:
    address = f"{WORKFLOWS}/{flow}/last-steps"
    assert up.call("GET", address).body == {"items": [], "next": None}
    run = tried(up, flow, **INPUTS)
    items = up.call("GET", address).body["items"]
    assert [item["node"] for item in items] == ["start", "draft", "tidy", "tell", "done"]
    assert all(not item["is_stale"] and item["run_id"] == run["id"] and "outputs" not in item for item in items)
    assert set(items[0]) == {
        "node", "path", "run_id", "mode", "version", "status", "port", "attempt", "started_at", "ended_at", "spent",
        "pinned", "simulated", "reused", "is_stale", "stale_reason",
    }  # fmt: skip
    body = up.call("GET", f"/api/v1/runs/{items[2]['run_id']}/steps/{items[2]['path']}").body
    assert body["outputs"]["reply"] == run["output"]["reply"]
    edit = {"op": "update", "target": "node", "id": "draft", "value": {"config": {"prompt": "Be brief: {{ inputs.message }}"}}}
    saved = up.call("POST", f"{WORKFLOWS}/{flow}/ops", {"revision": 1, "ops": [edit]})
    assert saved.body["worst_case"]["llm_calls"] == 1 == up.call("GET", f"{WORKFLOWS}/{flow}").body["worst_case"]["llm_calls"]
    stale = {item["node"]: item["stale_reason"] for item in up.call("GET", address).body["items"] if item["is_stale"]}
    assert stale == {
        "draft": "Its settings have changed since.",
        "tidy": "“Draft a reply” has changed since, and this step uses its result.",
        "tell": "“Draft a reply” has changed since, and this step's inputs depend on it.",
        "done": "“Draft a reply” has changed since, and this step's inputs depend on it.",
    }


def test_the_api_describes_what_can_be_tried(up: Up) -> None:
    schemas = up.call("GET", "/api/v1/openapi.json").body["components"]["schemas"]
    assert set(schemas["Try"]["properties"]) == {"only", "until", "from", "base"} and "try" in schemas["Start"]["properties"]
    assert all(field.get("description") for field in schemas["Try"]["properties"].values())
