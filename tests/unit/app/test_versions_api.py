"""What the pages of workflows and versions ask: lines with their last runs, differences, and bringing back."""

import asyncio
import copy
import json
from typing import Any

import pytest
from starlette.testclient import TestClient

from app.gate import COMMAND_LINE
from engine import EngineThread, Role, WorkflowLine
from tests.unit.app.conftest import ASK, HELLO, bearer, error_of, publish


def lines(thread: EngineThread, **asked: Any) -> list[WorkflowLine]:
    return asyncio.run(thread.call(thread.engine.shelf.lines(COMMAND_LINE, **asked)))


def line(thread: EngineThread, workflow: str) -> WorkflowLine:
    return next(found for found in lines(thread) if found.id == workflow)


def edit(client: TestClient, workflow: str, document: dict[str, Any]) -> None:
    revision = client.get(f"/api/v1/workflows/{workflow}").json()["revision"]
    assert client.put(f"/api/v1/workflows/{workflow}", json={"revision": revision, "document": document}).status_code == 200


def greeting(words: str) -> dict[str, Any]:
    document = copy.deepcopy(HELLO)
    document["nodes"][1]["config"]["output"]["greeting"] = f"'{words} ' + inputs.name"
    return document


def test_publishing_then_editing_then_promoting_back_is_told_as_differences(client: TestClient, thread: EngineThread) -> None:
    workflow = publish(client, HELLO)
    address = f"/api/v1/workflows/{workflow}"
    assert client.get(f"{address}/diff").json()["is_same"]
    assert not line(thread, workflow).has_unpublished
    edit(client, workflow, greeting("Good day"))
    assert line(thread, workflow).has_unpublished
    found = client.get(f"{address}/diff").json()
    assert (found["before"], found["after"], found["nodes"]) == ("version 1", "draft", {"done": "changed"})
    assert found["sections"][0]["changes"] == [
        {"text": "Output › greeting changed.", "before": "'Hello ' + inputs.name", "after": "'Good day ' + inputs.name"}
    ]
    assert client.post(f"{address}/publish", json={"note": "friendlier"}).json()["version"] == 2
    client.post(f"{address}/versions/1/promote")
    newest, first = client.get(f"{address}/versions").json()["items"]
    assert (newest["note"], newest["is_live"], newest["published_by_name"]) == ("friendlier", False, "Administrator")
    assert first["is_live"]
    assert client.get(f"{address}/diff?from=2&to=live").json()["sections"][0]["changes"][0]["after"] == "'Hello ' + inputs.name"


def test_before_the_first_version_everything_is_new(client: TestClient) -> None:
    workflow = client.post("/api/v1/workflows", json=HELLO).json()["id"]
    found = client.get(f"/api/v1/workflows/{workflow}/diff").json()
    assert (found["before"], set(found["nodes"].values())) == ("nothing", {"added"})
    assert len(found["edges"]) == 1


@pytest.mark.parametrize(("asked", "status"), [("from=9", 404), ("to=0", 404), ("from=x", 422), ("from=-1", 422), ("to=live", 200)])
def test_a_version_that_is_not_there_is_told(client: TestClient, asked: str, status: int) -> None:
    answer = client.get(f"/api/v1/workflows/{publish(client, HELLO)}/diff?{asked}")
    assert answer.status_code == status
    if status != 200:
        error_of(answer)


def test_a_version_counts_its_runs_and_those_that_have_not_ended(client: TestClient, thread: EngineThread) -> None:
    workflow = publish(client, ASK)
    started = [client.post(f"/api/v1/workflows/{workflow}/runs", json={"inputs": {}}).json()["run_id"] for _ in range(3)]
    client.post(f"/api/v1/runs/{started[0]}/cancel")
    (version,) = client.get(f"/api/v1/workflows/{workflow}/versions").json()["items"]
    assert (version["runs"], version["active"]) == (3, 2)
    assert [mark.id for mark in line(thread, workflow).runs] == started
    assert line(thread, workflow).runs[0].status == "cancelled"


def test_lines_are_found_sorted_and_say_what_is_wrong_first(client: TestClient, thread: EngineThread) -> None:
    for name in ("Zebra crossing", "apple pie", "Mending 100 %"):
        client.post("/api/v1/workflows", json={"format": "signalbox/1", "name": name, "nodes": [], "edges": []})
    assert [found.name for found in lines(thread, query="100 %")] == ["Mending 100 %"]
    assert lines(thread, query="%_%") == []
    names = [found.name for found in lines(thread, order="name")]
    assert names == sorted(names, key=str.lower)
    assert lines(thread)[0].name == "Mending 100 %"
    assert "start" in lines(thread, query="Zebra")[0].first_problem
    published = publish(client, {**HELLO, "name": "Zz runs now"})
    client.post(f"/api/v1/workflows/{published}/runs?wait=10", json={"inputs": {"name": "Ann"}})
    assert lines(thread, order="run")[0].id == published


def test_a_deleted_workflow_comes_back_with_its_versions(client: TestClient, anonymous: TestClient, tokens: dict[Role, str]) -> None:
    workflow = publish(client, {**HELLO, "name": "Gone for a moment"})
    address = f"/api/v1/workflows/{workflow}"
    slug = client.get(address).json()["slug"]
    client.delete(address)
    assert client.get(address).status_code == 404
    taken = client.post("/api/v1/workflows", json={**HELLO, "name": "Gone for a moment"}).json()["slug"]
    assert taken == slug
    assert anonymous.post(f"{address}/restore", headers=bearer(tokens[Role.VIEWER])).status_code == 403
    assert client.post(f"{address}/restore").json()["slug"] == f"{slug}-2"
    assert client.get(address).json()["live_version"] == 1
    assert client.post(f"{address}/restore").status_code == 200
    assert client.post("/api/v1/workflows/nothing/restore").status_code == 404


def test_a_document_comes_out_as_it_went_in_and_goes_in_again_the_same(client: TestClient, tokens: dict[Role, str]) -> None:
    client.headers.update(bearer(tokens[Role.ADMIN]))
    written = {**dict(reversed(HELLO.items())), "description": "Z before a"}
    workflow = client.post("/api/v1/workflows", json=written).json()["id"]
    exported = client.get(f"/api/v1/workflows/{workflow}/document").text
    assert exported == json.dumps(written, indent=1, ensure_ascii=False)
    again = client.post("/api/v1/workflows", content=exported).json()["id"]
    assert client.get(f"/api/v1/workflows/{again}/document").text == exported
    assert json.dumps(client.get(f"/api/v1/workflows/{again}").json()["document"]) == json.dumps(written)
