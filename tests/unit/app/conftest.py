"""One running engine behind the application, and a token for every role."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from app.gate import COMMAND_LINE
from app.server import create_app
from engine import EngineThread, Role, Settings

ADMIN = "sbx_admin_of_the_tests"
PASSWORD = "a long enough pass phrase"

HELLO: dict[str, Any] = {
    "format": "signalbox/1",
    "name": "Hello",
    "nodes": [
        {
            "id": "start",
            "kind": "start",
            "config": {"inputs": {"type": "object", "required": ["name"], "properties": {"name": {"type": "string"}}}},
        },
        {"id": "done", "kind": "end", "config": {"output": {"greeting": "'Hello ' + inputs.name"}}},
    ],
    "edges": [{"source": "start", "target": "done"}],
}

ASK: dict[str, Any] = {
    "format": "signalbox/1",
    "name": "Ask first",
    "nodes": [
        {"id": "start", "kind": "start", "config": {"inputs": {"type": "object", "properties": {}}}},
        {"id": "ok", "kind": "approval", "config": {"title": "May it?", "message": "Please", "approvers": {"roles": ["approver"]}}},
        {"id": "done", "kind": "end", "config": {"output": {"decision": "nodes.ok.decision"}}},
        {"id": "no", "kind": "end", "config": {"output": {"decision": "nodes.ok.decision"}}},
    ],
    "edges": [
        {"source": "start", "target": "ok"},
        {"source": "ok", "port": "approved", "target": "done"},
        {"source": "ok", "port": "rejected", "target": "no"},
    ],
}


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home") / "data"


@pytest.fixture(scope="module")
def thread(home: Path) -> Iterator[EngineThread]:
    thread = EngineThread.open(Settings.load({"SIGNALBOX_HOME": str(home), "SIGNALBOX_ADMIN_TOKEN": ADMIN}))
    yield thread
    thread.close()


@pytest.fixture(scope="module")
def client(thread: EngineThread) -> Iterator[TestClient]:
    with TestClient(create_app(thread), follow_redirects=False, headers=bearer(ADMIN)) as client:
        yield client


@pytest.fixture(scope="module")
def anonymous(thread: EngineThread) -> Iterator[TestClient]:
    with TestClient(create_app(thread), follow_redirects=False) as client:
        yield client


@pytest.fixture(scope="module")
def tokens(thread: EngineThread) -> dict[Role, str]:
    """One token for each role, of a person who has just that role."""
    made = {}
    for role in Role:
        user = thread.engine.accounts.add(COMMAND_LINE, email=f"{role}@example.com", name=str(role), roles=[role], password=PASSWORD)
        made[role] = thread.engine.tokens.create(COMMAND_LINE, name="test", roles=[role], user_id=user.id).text
    return made


def publish(client: TestClient, document: dict[str, Any]) -> str:
    """The id of a workflow that is live."""
    saved = client.post("/api/v1/workflows", json=document)
    assert saved.status_code == 201, saved.text
    workflow = saved.json()["id"]
    published = client.post(f"/api/v1/workflows/{workflow}/publish", json={"note": "first"})
    assert published.status_code == 200, published.text
    return workflow


def error_of(answer: Any) -> dict[str, Any]:
    """The error of an answer, once it has the shape that the contract promises."""
    body = json.loads(answer.content)
    assert answer.headers["content-type"] == "application/json"
    assert {"code", "message", "hint"} <= body["error"].keys()
    assert list(body) == ["error"]
    return body["error"]
