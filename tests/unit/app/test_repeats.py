"""One Idempotency-Key, one effect: however often and however fast the request comes."""

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from app.server import create_app
from engine import EngineThread, Role, Settings
from engine.clock import SystemClock
from tests.unit.app.conftest import ADMIN, HELLO, bearer, error_of, publish


def key(text: str) -> dict[str, str]:
    return {"Idempotency-Key": text}


def count(client: TestClient, path: str) -> int:
    return len(client.get(f"{path}?limit=1000").json()["items"])


def test_the_same_request_gets_the_first_answer_again(client: TestClient) -> None:
    before = count(client, "/api/v1/workflows")
    first = client.post("/api/v1/workflows", json=HELLO, headers=key("same"))
    second = client.post("/api/v1/workflows", json=HELLO, headers=key("same"))
    assert (first.status_code, first.content) == (second.status_code, second.content)
    assert first.status_code == 201
    assert count(client, "/api/v1/workflows") == before + 1


def test_another_body_under_the_same_key_is_refused(client: TestClient) -> None:
    client.post("/api/v1/workflows", json=HELLO, headers=key("other-body"))
    answer = client.post("/api/v1/workflows", json={**HELLO, "name": "Other"}, headers=key("other-body"))
    assert answer.status_code == 409
    assert error_of(answer)["code"] == "idempotency_mismatch"
    elsewhere = client.post("/api/v1/workflows/validate", json=HELLO, headers=key("other-body"))
    assert elsewhere.status_code == 409


def test_a_refusal_is_repeated_too(client: TestClient) -> None:
    for _ in range(2):
        answer = client.post("/api/v1/workflows", content=b"[]", headers=key("refused"))
        assert answer.status_code == 400
        assert error_of(answer)["code"] == "not_a_document"


def test_a_refusal_for_lack_of_a_role_is_not_kept(client: TestClient, anonymous: TestClient, tokens: dict[Role, str]) -> None:
    for _ in range(2):
        assert anonymous.post("/api/v1/workflows", json=HELLO, headers=bearer(tokens[Role.VIEWER]) | key("role")).status_code == 403


def test_keys_of_two_people_do_not_meet(client: TestClient, anonymous: TestClient, tokens: dict[Role, str]) -> None:
    mine = client.post("/api/v1/workflows", json=HELLO, headers=key("mine")).json()["id"]
    theirs = anonymous.post("/api/v1/workflows", json={**HELLO, "name": "x"}, headers=bearer(tokens[Role.EDITOR]) | key("mine"))
    assert theirs.status_code == 201
    assert theirs.json()["id"] != mine


@pytest.mark.parametrize("text", ["", " ", "x" * 256, "with space"])
def test_a_key_that_is_none_is_refused(client: TestClient, text: str) -> None:
    answer = client.post("/api/v1/workflows", json=HELLO, headers=key(text))
    assert answer.status_code == 422
    assert error_of(answer)["problems"][0]["field"] == "Idempotency-Key"


def test_without_a_key_every_request_counts(client: TestClient) -> None:
    before = count(client, "/api/v1/workflows")
    for _ in range(2):
        client.post("/api/v1/workflows", json=HELLO)
    assert count(client, "/api/v1/workflows") == before + 2


def test_twenty_at_once_start_one_run(client: TestClient) -> None:
    workflow = publish(client, {**HELLO, "name": "Race"})
    together = threading.Barrier(20)

    def start(_: int) -> tuple[int, bytes]:
        together.wait()
        answer = client.post(f"/api/v1/workflows/{workflow}/runs", json={"inputs": {"name": "Ann"}}, headers=key("race"))
        return answer.status_code, answer.content

    with ThreadPoolExecutor(20) as pool:
        answers = set(pool.map(start, range(20)))
    assert len(answers) == 1
    assert next(iter(answers))[0] == 202
    assert len(client.get(f"/api/v1/runs?workflow={workflow}").json()["items"]) == 1


def test_waiting_longer_is_the_same_request(client: TestClient) -> None:
    workflow = publish(client, {**HELLO, "name": "Patience"})
    body = {"inputs": {"name": "Ann"}}
    first = client.post(f"/api/v1/workflows/{workflow}/runs", json=body, headers=key("patience"))
    second = client.post(f"/api/v1/workflows/{workflow}/runs?wait=5", json=body, headers=key("patience"))
    assert first.content == second.content


def test_a_token_that_was_made_is_not_kept_in_the_database_for_a_repeat(client: TestClient, home: Path) -> None:
    body = {"name": "repeated", "roles": ["viewer"]}
    first = client.post("/api/v1/tokens", json=body, headers=key("token"))
    second = client.post("/api/v1/tokens", json=body, headers=key("token"))
    assert first.status_code == 201
    assert second.content == first.content
    text = first.json()["token"].encode()
    assert not [path.name for path in home.rglob("*") if path.is_file() and text in path.read_bytes()]


class Ahead(SystemClock):
    """The machine's clock, set ahead by so many hours."""

    hours = 0

    def now_us(self) -> int:
        return super().now_us() + self.hours * 3_600_000_000


def test_a_key_is_free_again_after_24_hours(tmp_path: Path) -> None:
    clock = Ahead()
    thread = EngineThread.open(Settings.load({"SIGNALBOX_HOME": str(tmp_path / "home"), "SIGNALBOX_ADMIN_TOKEN": ADMIN}), clock=clock)
    try:
        with TestClient(create_app(thread), headers=bearer(ADMIN)) as client:
            workflow = publish(client, HELLO)
            path, body = f"/api/v1/workflows/{workflow}/runs", {"inputs": {"name": "Ann"}}
            first, runs = client.post(path, json=body, headers=key("day")).json(), [1]
            for hours, expected in ((23, 1), (25, 2), (26, 2), (50, 3)):
                clock.hours = hours
                again = client.post(path, json=body, headers=key("day")).json()
                assert (again == first) == (expected == 1), hours
                runs.append(count(client, "/api/v1/runs"))
            assert runs == [1, 1, 2, 2, 3]
    finally:
        thread.close()
