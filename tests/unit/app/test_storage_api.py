"""What runs take and how long they are kept, over HTTP."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from app.server import create_app
from engine import EngineThread, Role, Settings
from tests.unit.app.conftest import ADMIN, HELLO, bearer, error_of, publish
from tests.unit.app.test_runs_api import start


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[TestClient]:
    """An engine of its own: figures are told again for a minute, so each test measures for the first time."""
    thread = EngineThread.open(Settings.load({"SIGNALBOX_HOME": str(tmp_path / "home"), "SIGNALBOX_ADMIN_TOKEN": ADMIN}))
    with TestClient(create_app(thread), headers=bearer(ADMIN)) as client:
        yield client
    thread.close()


def storage(client: TestClient) -> dict:
    answer = client.get("/api/v1/storage")
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_each_workflow_tells_what_its_runs_take(fresh: TestClient, tmp_path: Path) -> None:
    busy, idle = publish(fresh, HELLO), publish(fresh, HELLO | {"name": "Idle"})
    for _ in range(3):
        run = start(fresh, busy, {"name": "x" * 500}).json()
    start(fresh, idle, {"name": "y" * 100_000})
    told = storage(fresh)
    lines = {line["id"]: line for line in told["workflows"]}
    assert [line["id"] for line in told["workflows"]] == [idle, busy], "the largest first"
    assert lines[busy] | {"bytes": 0, "oldest_ended_at": ""} == {
        "id": busy, "name": "Hello", "runs": 3, "bytes": 0, "retention_days": None, "oldest_ended_at": "", "is_deleted": False,
    }  # fmt: skip
    assert 3 * 4 * 200 < lines[busy]["bytes"] < 3 * 10_000
    assert 100_000 < lines[idle]["bytes"] < 320_000
    assert told["total_bytes"] == lines[busy]["bytes"] + lines[idle]["bytes"]
    assert lines[busy]["oldest_ended_at"] < run["ended_at"]
    files = sum(file.stat().st_size for file in (tmp_path / "home").glob("signalbox.db*") if not file.name.endswith("-shm"))
    assert told["total_bytes"] < told["database_bytes"] <= files
    assert 0 <= told["free_bytes"] < told["database_bytes"]


def test_a_workflow_without_runs_takes_nothing_and_a_deleted_one_is_told_while_its_runs_are_there(fresh: TestClient) -> None:
    empty, gone, never = publish(fresh, HELLO), publish(fresh, HELLO), publish(fresh, HELLO)
    start(fresh, gone, {"name": "Ann"})
    for workflow in (gone, never):
        assert fresh.delete(f"/api/v1/workflows/{workflow}").status_code == 200
    lines = {line["id"]: line for line in storage(fresh)["workflows"]}
    assert lines.keys() == {empty, gone}
    assert (lines[empty]["bytes"], lines[empty]["runs"], lines[empty]["oldest_ended_at"]) == (0, 0, None)
    assert lines[gone]["bytes"] > 0 and lines[gone]["is_deleted"]


def test_how_long_runs_are_kept_is_set_told_and_written_down(client: TestClient, anonymous: TestClient, tokens: dict[Role, str]) -> None:
    workflow = publish(client, HELLO)
    address = f"/api/v1/workflows/{workflow}/retention"
    assert client.get(address).json() == {"workflow": workflow, "days": None}
    assert client.put(address, json={"days": 30}).json() == {"workflow": workflow, "days": 30}
    for role in Role:
        assert anonymous.get(address, headers=bearer(tokens[role])).status_code == 200, role
    assert client.get(address).json()["days"] == 30
    assert next(line for line in storage(client)["workflows"] if line["id"] == workflow)["retention_days"] == 30
    assert client.put(address, json={"days": None}).json()["days"] is None
    assert next(line for line in storage(client)["workflows"] if line["id"] == workflow)["retention_days"] is None


@pytest.mark.parametrize("body", [{}, {"days": 0}, {"days": -3}, {"days": 40_000}, {"days": 1.5}, {"days": "x"}, {"days": 1, "more": 2}])
def test_days_that_are_none_are_refused(client: TestClient, body: dict) -> None:
    answer = client.put(f"/api/v1/workflows/{publish(client, HELLO)}/retention", content=json.dumps(body))
    assert answer.status_code in (400, 422), answer.text
    error_of(answer)


def test_an_unknown_workflow_has_no_retention(client: TestClient) -> None:
    for method in ("GET", "PUT"):
        answer = client.request(method, "/api/v1/workflows/nothing/retention", json={"days": 3} if method == "PUT" else None)
        assert answer.status_code == 404 and error_of(answer)["code"] == "not_found"


def test_a_viewer_may_look(anonymous: TestClient, tokens: dict[Role, str]) -> None:
    assert anonymous.get("/api/v1/storage", headers=bearer(tokens[Role.VIEWER])).status_code == 200
    assert anonymous.get("/api/v1/storage").status_code == 401
