"""A run's events alone tell the whole run: from the journal and from nothing else, with large bodies by reference."""

import json
import sqlite3
from pathlib import Path
from typing import Any

from starlette.testclient import TestClient

from engine.facade.run_views import event_json, event_view
from engine.run import codec, events
from tests.unit.app.conftest import HELLO, publish
from tests.unit.run.test_codec import ALL

STREAM = {"Accept": "text/event-stream"}
LONG = "A long story. " * 1000

TALK: dict[str, Any] = {
    "format": "signalbox/1",
    "name": "Write and ask",
    "nodes": [
        {"id": "start", "kind": "start", "config": {"inputs": {"type": "object", "properties": {"message": {"type": "string"}}}}},
        {"id": "draft", "kind": "llm", "title": "Draft", "config": {"system": "Be kind.", "prompt": "Answer: {{ inputs.message }}"}},
        {
            "id": "ok",
            "kind": "approval",
            "config": {"title": "Send it?", "show": {"all": "inputs.message"}, "editable": {"reply": "nodes.draft.text"}},
        },
        {"id": "done", "kind": "end", "config": {"output": {"reply": "nodes.ok.values.reply"}}},
    ],
    "edges": [
        {"source": "start", "target": "draft"},
        {"source": "draft", "target": "ok"},
        {"source": "ok", "port": "approved", "target": "done"},
    ],
}


def talked(client: TestClient, message: str = LONG * 3) -> str:
    """A run that asked a model, waited for a person and was approved."""
    workflow = publish(client, TALK)
    run = client.post(f"/api/v1/workflows/{workflow}/runs", json={"inputs": {"message": message}}).json()["run_id"]
    while not (found := [i for i in client.get("/api/v1/approvals?status=pending").json()["items"] if i["run_id"] == run]):
        continue
    body = {"decision": "approve", "digest": found[0]["digest"], "reason": "Reads well."}
    assert client.post(f"/api/v1/approvals/{found[0]['id']}/decide", json=body).status_code == 200
    client.get(f"/api/v1/runs/{run}/events", headers=STREAM)
    return run


def everything_told(client: TestClient, run: str) -> dict[str, Any]:
    """All answers about the run's events, byte by byte."""
    address = f"/api/v1/runs/{run}/events"
    told = {"list": client.get(f"{address}?limit=1000").text, "short": client.get(f"{address}?limit=1000&bodies=reference").text}
    told |= {"stream": client.get(address, headers=STREAM).text, "live": client.get(f"{address}?bodies=reference", headers=STREAM).text}
    for item in json.loads(told["list"])["items"]:
        told[item["seq"]] = client.get(f"{address}/{item['seq']}").text
    return told


def test_every_other_row_of_the_run_can_go_and_the_events_stay_the_same(client: TestClient, home: Path) -> None:
    run = talked(client)
    before = everything_told(client, run)
    emptied = set()
    with sqlite3.connect(home / "signalbox.db") as database:
        tables = [name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        for table in tables:
            columns = {row[1] for row in database.execute(f"PRAGMA table_info({table})")}
            if "run_id" in columns and table != "journal":
                database.execute(f"DELETE FROM {table} WHERE run_id = ?", (run,))
                emptied.add(table)
    assert {"runs", "approvals", "timers", "notifications"} <= emptied
    assert client.get(f"/api/v1/runs/{run}").status_code == 404
    assert everything_told(client, run) == before


def test_the_events_carry_what_a_page_of_the_run_shows(client: TestClient) -> None:
    run = talked(client, "I lost my card.")
    told = client.get(f"/api/v1/runs/{run}/events?limit=1000&bodies=reference").json()["items"]
    by_path = {(event["type"], event["path"]): event["data"] for event in told}
    started = by_path["run_started", ""]
    assert started["by_name"] and started["limits"]["steps"] and started["inputs"] == {"message": "I lost my card."}
    draft = by_path["step_done", "draft"]
    assert draft["inputs"]["prompt"] == "Answer: I lost my card." and draft["inputs"]["system"] == "Be kind."
    assert draft["outputs"]["text"] and draft["spent"]["tokens"] and draft["note"]["calls"][0]["practice"] is True
    waiting = by_path["step_waiting", "ok"]
    assert waiting["card"]["title"] == "Send it?" and waiting["item"] and waiting["inputs"]
    decided = by_path["step_done", "ok"]
    assert decided["note"]["by_name"] and decided["note"]["reason"] == "Reads well." and decided["port"] == "approved"
    assert by_path["run_ended", ""]["output"] == {"reply": draft["outputs"]["text"]}


def test_a_large_body_stands_where_its_reference_says(client: TestClient) -> None:
    run = talked(client)
    address = f"/api/v1/runs/{run}/events"
    whole = {event["seq"]: event for event in client.get(f"{address}?limit=1000").json()["items"]}
    referred = 0
    for event in client.get(f"{address}?limit=1000&bodies=reference").json()["items"]:
        for name, value in event["data"].items():
            if isinstance(value, dict) and "$ref" in value:
                found: Any = client.get(value["$ref"]).json()
                for part in value["field"].split("."):
                    found = found[part]
                assert found == whole[event["seq"]]["data"][name]
                assert value["bytes"] > 8 * 1024
                referred += 1
            else:
                assert value == whole[event["seq"]]["data"][name]
    assert referred >= 4


def test_an_event_is_told_alike_as_an_object_and_as_json() -> None:
    blobs: codec.Blobs = []
    many = [*ALL, events.RunStarted(inputs={"a": "x" * 40_000}), events.StepDone(outputs={"blobs": 'a "blobs" in it', "b": "y" * 9000})]
    rows = [codec.to_row(event, seq=n, at=n * 1_000_001, path="a#2/b", attempt=n, blobs=blobs) for n, event in enumerate(many, 1)]
    kept = dict(blobs)
    for row in rows:
        for address in (None, f"/api/v1/runs/r/events/{row.seq}"):
            expected = event_view(row, codec.from_row(row, kept.get), address=address).model_dump(mode="json")
            told = event_json(row, lambda one: codec.from_row(one, kept.get), address=address)
            assert json.loads(told) == expected, row.kind


def test_a_run_tells_what_it_runs_even_when_its_workflow_is_gone(client: TestClient) -> None:
    workflow = publish(client, HELLO)
    live = client.post(f"/api/v1/workflows/{workflow}/runs", json={"inputs": {"name": "Ann"}}).json()["run_id"]
    draft = client.post(f"/api/v1/workflows/{workflow}/runs", json={"inputs": {"name": "Ann"}, "mode": "test"}).json()["run_id"]
    client.delete(f"/api/v1/workflows/{workflow}")
    for run in (live, draft):
        told = client.get(f"/api/v1/runs/{run}/document").json()
        assert [node["id"] for node in told["document"]["nodes"]] == ["start", "done"]
        started = client.get(f"/api/v1/runs/{run}/events").json()["items"][0]
        assert started["data"]["hash"] == told["hash"]


def test_an_event_that_is_not_there_is_a_404(client: TestClient) -> None:
    run = client.post(f"/api/v1/workflows/{publish(client, HELLO)}/runs", json={"inputs": {"name": "Ann"}}).json()["run_id"]
    assert client.get(f"/api/v1/runs/{run}/events/9999").status_code == 404
    assert client.get("/api/v1/runs/nothing/events/1").status_code == 404
    assert client.get(f"/api/v1/runs/{run}/events/0").status_code == 404
    assert client.get(f"/api/v1/runs/{run}/events?bodies=none").status_code == 422
