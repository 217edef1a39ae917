"""Runs, their events and the inbox over HTTP."""

import json
from typing import Any

import pytest
from starlette.testclient import TestClient

from tests.unit.app.conftest import ASK, HELLO, bearer, error_of, publish

STREAM = {"Accept": "text/event-stream"}


def frames_of(text: str) -> list[dict[str, str]]:
    """The events of a stream, each as its fields."""
    frames = []
    for block in text.split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.split("\n") if line and not line.startswith(":"))
        if "event" in fields:
            frames.append(fields)
    return frames


def start(client: TestClient, workflow: str, inputs: dict[str, Any], *, wait: int = 20) -> Any:
    return client.post(f"/api/v1/workflows/{workflow}/runs?wait={wait}", json={"inputs": inputs})


def waiting(client: TestClient, run: str) -> dict[str, Any]:
    """The item that the run waits for."""
    while True:
        for item in client.get("/api/v1/approvals?status=pending").json()["items"]:
            if item["run_id"] == run:
                return item


def test_a_run_that_ends_in_time_is_the_answer(client: TestClient) -> None:
    answer = start(client, publish(client, HELLO), {"name": "Ann"})
    assert answer.status_code == 200
    run = answer.json()
    assert run["status"] == "succeeded"
    assert run["output"] == {"greeting": "Hello Ann"}
    assert run["spent"].keys() >= {"cost_usd", "tokens", "seconds", "steps", "llm_calls", "tool_calls"}
    assert client.get(f"/api/v1/runs/{run['id']}").json() == run


def test_a_run_that_waits_is_accepted(client: TestClient) -> None:
    workflow = publish(client, ASK)
    answer = start(client, workflow, {}, wait=1)
    assert answer.status_code == 202
    assert answer.json()["status"] == "waiting"
    client.post(f"/api/v1/runs/{answer.json()['run_id']}/cancel")


@pytest.mark.parametrize("inputs", [{}, {"name": 1}, [], "text", None])
def test_inputs_are_held_against_the_schema(client: TestClient, inputs: Any) -> None:
    answer = client.post(f"/api/v1/workflows/{publish(client, HELLO)}/runs", json={"inputs": inputs})
    assert answer.status_code == 422
    assert error_of(answer)["code"] == "invalid_inputs"


@pytest.mark.parametrize(
    "body", [{"limits": {"cost_usd": "1"}}, {"limits": {"money": 1}}, {"mode": "dry"}, {"version": 0}, {"input": {}}, {"effects": "none"}]
)
def test_a_start_that_does_not_fit_is_refused(client: TestClient, body: dict[str, Any]) -> None:
    answer = client.post(f"/api/v1/workflows/{publish(client, HELLO)}/runs", json={"inputs": {"name": "x"}, **body})
    assert answer.status_code == 422
    assert error_of(answer)["problems"]


@pytest.mark.parametrize("wait", ["-1", "nan", "abc", "9999", "inf"])
def test_waiting_has_bounds(client: TestClient, wait: str) -> None:
    assert client.post(f"/api/v1/workflows/hello/runs?wait={wait}", json={"inputs": {}}).status_code == 422


def test_what_is_not_published_does_not_run(client: TestClient) -> None:
    workflow = client.post("/api/v1/workflows", json=HELLO).json()["id"]
    answer = client.post(f"/api/v1/workflows/{workflow}/runs", json={"inputs": {"name": "x"}})
    assert answer.status_code == 409
    assert error_of(answer)["code"] == "not_published"


def test_a_stale_revision_is_refused(client: TestClient) -> None:
    workflow = client.post("/api/v1/workflows", json=HELLO).json()["id"]
    assert client.put(f"/api/v1/workflows/{workflow}", json={"revision": 1, "document": HELLO}).json()["revision"] == 2
    answer = client.put(f"/api/v1/workflows/{workflow}", json={"revision": 1, "document": HELLO})
    assert answer.status_code == 409
    assert error_of(answer)["code"] == "stale_revision"


def test_problems_stand_in_the_way_of_publishing(client: TestClient) -> None:
    workflow = client.post("/api/v1/workflows", json={**HELLO, "nodes": []}).json()["id"]
    answer = client.post(f"/api/v1/workflows/{workflow}/publish")
    assert answer.status_code == 422
    error = error_of(answer)
    assert error["code"] == "workflow_has_problems"
    assert {"code", "severity", "message", "hint"} <= error["problems"][0].keys()


def test_a_deleted_workflow_is_gone_and_its_runs_stay(client: TestClient) -> None:
    workflow = publish(client, HELLO)
    run = start(client, workflow, {"name": "Ann"}).json()["id"]
    assert client.delete(f"/api/v1/workflows/{workflow}").json() == {"deleted": workflow}
    assert client.get(f"/api/v1/workflows/{workflow}").status_code == 404
    assert client.get(f"/api/v1/runs/{run}").status_code == 200


def test_events_are_listed_and_streamed_alike(client: TestClient) -> None:
    run = start(client, publish(client, HELLO), {"name": "Ann"}).json()["id"]
    listed = client.get(f"/api/v1/runs/{run}/events").json()["items"]
    streamed = client.get(f"/api/v1/runs/{run}/events", headers=STREAM)
    assert streamed.headers["content-type"].startswith("text/event-stream")
    assert streamed.headers["cache-control"] == "no-store"
    frames = frames_of(streamed.text)
    assert [json.loads(frame["data"]) for frame in frames] == listed
    assert [(frame["id"], frame["event"]) for frame in frames] == [(str(row["seq"]), row["type"]) for row in listed]
    assert frames[-1]["event"] == "run_ended"
    assert {"seq", "type", "at", "path", "data"} <= listed[0].keys()


def test_a_stream_goes_on_behind_the_last_event_that_was_seen(client: TestClient) -> None:
    run = start(client, publish(client, HELLO), {"name": "Ann"}).json()["id"]
    every = [frame["id"] for frame in frames_of(client.get(f"/api/v1/runs/{run}/events", headers=STREAM).text)]
    for seen in range(len(every) + 1):
        rest = client.get(f"/api/v1/runs/{run}/events", headers={**STREAM, "Last-Event-ID": str(seen)})
        assert [frame["id"] for frame in frames_of(rest.text)] == every[seen:]
        rest = client.get(f"/api/v1/runs/{run}/events?after={seen}", headers=STREAM)
        assert [frame["id"] for frame in frames_of(rest.text)] == every[seen:]


@pytest.mark.parametrize("seen", ["x", "-1", "1.5", "9" * 40, "²"])
def test_an_event_id_that_is_none_is_refused(client: TestClient, seen: str) -> None:
    run = start(client, publish(client, HELLO), {"name": "Ann"}).json()["id"]
    answer = client.get(f"/api/v1/runs/{run}/events", headers={**STREAM, "Last-Event-ID": seen.encode()})
    assert answer.status_code == 422
    error_of(answer)


def test_a_stream_of_nothing_is_a_404_in_json(client: TestClient) -> None:
    answer = client.get("/api/v1/runs/nothing/events", headers=STREAM)
    assert answer.status_code == 404
    error_of(answer)


def test_lists_are_read_page_by_page_without_gaps(client: TestClient) -> None:
    workflow = publish(client, HELLO)
    started = [start(client, workflow, {"name": str(number)}).json()["id"] for number in range(5)]
    lists = [f"/api/v1/runs?workflow={workflow}", f"/api/v1/runs/{started[0]}/events", f"/api/v1/runs/{started[0]}/steps", "/api/v1/kinds"]
    for path in lists:
        sign = "&" if "?" in path else "?"
        whole = client.get(f"{path}{sign}limit=1000").json()
        assert whole["next"] is None
        found: list[Any] = []
        cursor = ""
        while cursor is not None:
            page = client.get(f"{path}{sign}limit=2" + (f"&cursor={cursor}" if cursor else "")).json()
            assert 0 < len(page["items"]) <= 2
            found += page["items"]
            cursor = page["next"]
        assert found == whole["items"]
    assert [run["id"] for run in client.get(lists[0]).json()["items"]] == started[::-1]


def test_runs_are_found_by_status_and_time(client: TestClient) -> None:
    run = start(client, publish(client, {**HELLO, "name": "Findable"}), {"name": "Ann"}).json()
    for query in ("status=succeeded", "q=findable", f"from={run['started_at']}", f"to={run['started_at']}", "status=succeeded,failed"):
        assert run["id"] in [found["id"] for found in client.get(f"/api/v1/runs?{query}").json()["items"]], query
    for query in ("status=failed", "q=nowhere", "from=2999-01-01", "to=2001-01-01", "cost_gt=1"):
        assert run["id"] not in [found["id"] for found in client.get(f"/api/v1/runs?{query}").json()["items"]], query


def test_a_step_is_read_by_its_path(client: TestClient) -> None:
    run = start(client, publish(client, HELLO), {"name": "Ann"}).json()["id"]
    steps = client.get(f"/api/v1/runs/{run}/steps").json()["items"]
    assert [step["path"] for step in steps] == ["start", "done"]
    assert client.get(f"/api/v1/runs/{run}/steps/done").json()["outputs"] == {"greeting": "Hello Ann"}
    assert client.get(f"/api/v1/runs/{run}/steps/draft%232/nothing").status_code == 404


def test_an_approval_is_decided_once_and_only_as_it_was_seen(client: TestClient) -> None:
    run = start(client, publish(client, ASK), {}, wait=0).json()["run_id"]
    item = waiting(client, run)
    assert {"approve", "reject"} <= set(item["choices"])
    decide = f"/api/v1/approvals/{item['id']}/decide"
    stale = client.post(decide, json={"decision": "approve", "digest": "0" * 64})
    assert (stale.status_code, error_of(stale)["code"]) == (409, "stale_approval")
    odd = client.post(decide, json={"decision": "perhaps", "digest": item["digest"]})
    assert odd.status_code == 422
    done = client.post(decide, json={"decision": "approve", "digest": item["digest"], "reason": "fine"})
    assert done.status_code == 200
    again = client.post(decide, json={"decision": "reject", "digest": item["digest"]})
    assert (again.status_code, error_of(again)["code"]) == (409, "already_decided")
    ended = client.get(f"/api/v1/runs/{run}/events", headers=STREAM)
    assert frames_of(ended.text)[-1]["event"] == "run_ended"
    assert client.get(f"/api/v1/runs/{run}").json()["output"] == {"decision": "approved"}


def test_a_batch_answers_for_each_item(client: TestClient) -> None:
    workflow = publish(client, ASK)
    items = [waiting(client, start(client, workflow, {}, wait=0).json()["run_id"]) for _ in range(2)]
    body = [{"id": items[0]["id"], "decision": "approve", "digest": items[0]["digest"]}]
    body.append({"id": items[1]["id"], "decision": "approve", "digest": "0"})
    body.append({"id": "nothing", "decision": "approve", "digest": "0"})
    answer = client.post("/api/v1/approvals/decide", json={"items": body})
    assert answer.status_code == 200
    results = answer.json()["items"]
    assert results[0]["result"] and not results[0]["error"]
    assert [result["error"]["code"] for result in results[1:]] == ["stale_approval", "not_found"]


def test_a_cancelled_run_cannot_be_cancelled_again(client: TestClient) -> None:
    run = start(client, publish(client, ASK), {}, wait=0).json()["run_id"]
    assert client.post(f"/api/v1/runs/{run}/cancel", json={"reason": "enough"}).json()["status"] == "cancelled"
    again = client.post(f"/api/v1/runs/{run}/cancel")
    assert (again.status_code, error_of(again)["code"]) == (409, "wrong_state")


def test_a_run_that_has_succeeded_cannot_be_resumed(client: TestClient) -> None:
    run = start(client, publish(client, HELLO), {"name": "Ann"}).json()["id"]
    answer = client.post(f"/api/v1/runs/{run}/resume", json={"limits": {"steps": 100}})
    assert answer.status_code == 409
    assert client.post(f"/api/v1/runs/{run}/resume", json={"limits": {"money": 1}}).status_code == 422


def test_a_run_that_met_its_limit_goes_on_with_a_higher_one(client: TestClient) -> None:
    workflow = publish(client, HELLO)
    body = {"inputs": {"name": "Ann"}, "limits": {"steps": 1}}
    run = client.post(f"/api/v1/workflows/{workflow}/runs", json=body).json()["run_id"]
    while client.get(f"/api/v1/runs/{run}").json()["status"] in ("queued", "running"):
        continue
    assert client.get(f"/api/v1/runs/{run}").json()["status"] == "stopped"
    assert client.post(f"/api/v1/runs/{run}/resume", json={"limits": {"steps": 10}}).status_code == 200
    assert frames_of(client.get(f"/api/v1/runs/{run}/events", headers=STREAM).text)[-1]["event"] == "run_ended"
    assert client.get(f"/api/v1/runs/{run}").json()["status"] == "succeeded"


def test_people_and_tokens_are_managed(client: TestClient, anonymous: TestClient) -> None:
    added = client.post(
        "/api/v1/users", json={"email": "new@example.com", "name": "New", "roles": ["viewer"], "password": "a fine long password"}
    )
    assert added.status_code == 201
    user = added.json()["id"]
    assert error_of(client.post("/api/v1/users", json={"email": "new@example.com", "roles": ["viewer"]}))["problems"][0]["field"] == "email"
    assert error_of(client.post("/api/v1/users", json={"email": "x@example.com", "roles": ["king"]}))["problems"][0]["field"] == "roles"
    made = client.post("/api/v1/tokens", json={"name": "t", "roles": ["viewer"], "days": 1, "user_id": user})
    assert made.status_code == 201
    token = made.json()["token"]
    assert anonymous.get("/api/v1/me", headers=bearer(token)).json()["roles"] == ["viewer"]
    assert token not in client.get("/api/v1/tokens?all=true").text
    assert client.patch(f"/api/v1/users/{user}", json={"roles": ["editor", "viewer"]}).json()["roles"] == ["editor", "viewer"]
    assert client.patch(f"/api/v1/users/{user}", json={}).status_code == 422
    assert client.patch(f"/api/v1/users/{user}", json={"disabled": True}).json()["disabled_at"]
    assert anonymous.get("/api/v1/me", headers=bearer(token)).status_code == 401
    assert client.patch(f"/api/v1/users/{user}", json={"disabled": False}).json()["disabled_at"] is None
    assert client.delete(f"/api/v1/tokens/{made.json()['id']}").json()["revoked_at"]
    assert anonymous.get("/api/v1/me", headers=bearer(token)).status_code == 401


def test_the_building_blocks_are_listed(client: TestClient) -> None:
    assert "classify" in [kind["kind"] for kind in client.get("/api/v1/kinds").json()["items"]]
    assert client.get("/api/v1/models").json()["items"]
    for template in client.get("/api/v1/templates").json()["items"]:
        made = client.post(f"/api/v1/templates/{template['slug']}/workflows")
        assert made.status_code == 201
        assert [p for p in made.json()["problems"] if p["severity"] == "error"] == []
    assert client.post("/api/v1/templates/nothing/workflows").status_code == 404


BOXED = {
    "format": "signalbox/1",
    "name": "Boxed",
    "nodes": [
        {"id": "start", "kind": "start"},
        {"id": "each", "kind": "map", "config": {"items": "inputs.list", "collect": "nodes.a.x", "on_item_error": "collect"}},
        {"id": "a", "kind": "set", "parent": "each", "config": {"values": {"x": "10 / item"}}},
        {"id": "done", "kind": "end", "config": {"output": {"results": "nodes.each.results"}}},
    ],
    "edges": [
        {"source": "start", "target": "each"},
        {"source": "each", "port": "item", "target": "a"},
        {"source": "each", "target": "done"},
    ],
}


def test_the_items_of_a_box_are_told_by_steps_and_events(client: TestClient) -> None:
    run = start(client, publish(client, BOXED), {"list": [5, 0]}).json()
    assert run["output"] == {"results": [2.0, None]}
    steps = {s["path"]: s for s in client.get(f"/api/v1/runs/{run['id']}/steps").json()["items"]}
    assert {path: s["parent"] for path, s in steps.items()} == {
        "start": None, "each": None, "each[0]/a": "each[0]", "each[1]/a": "each[1]", "done": None,
    }  # fmt: skip
    assert steps["each"]["note"] == {"items": 2, "ended": 2, "failed": 1} and steps["each"]["status"] == "done"
    assert client.get(f"/api/v1/runs/{run['id']}/steps/each%5B0%5D/a").json()["outputs"] == {"x": 2.0}
    events = client.get(f"/api/v1/runs/{run['id']}/events").json()["items"]
    told = [(e["type"], e["path"]) for e in events if e["type"] in ("box_opened", "item_ended")]
    assert told[0] == ("box_opened", "each") and sorted(told[1:]) == [("item_ended", "each[0]"), ("item_ended", "each[1]")]


def test_a_map_box_is_described_as_one(client: TestClient) -> None:
    kinds = {k["kind"]: k for k in client.get("/api/v1/kinds").json()["items"]}
    assert kinds["map"]["is_box"] and kinds["map"]["ports"] == ["item", "out"] and not kinds["set"]["is_box"]
    assert kinds["map"]["roles"] == {"items": "expression", "collect": "expression"}
