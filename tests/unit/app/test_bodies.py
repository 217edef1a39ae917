"""What a body may be, and that whatever else comes is refused clearly."""

import json
from typing import Any

import pytest
from starlette.testclient import TestClient

from tests.unit.app.conftest import HELLO, error_of, publish

WORKFLOWS = "/api/v1/workflows"


def test_a_document_is_kept_with_its_problems(client: TestClient) -> None:
    answer = client.post(WORKFLOWS, json={"format": "signalbox/1", "name": "Draft", "nodes": [{"id": "A"}], "edges": []})
    assert answer.status_code == 201
    assert {"id", "slug", "revision", "problems"} <= answer.json().keys()
    assert answer.json()["problems"]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"nonsense",
        b'{"nodes": [NaN], "edges": []}',
        b'{"nodes": [Infinity], "edges": []}',
        b'{"nodes": [1e999], "edges": []}',
        b'{"nodes": [], "nodes": [], "edges": []}',
        b'{"nodes": ["\\ud800"], "edges": []}',
        b'{"nodes": ["\xff"], "edges": []}',
        b"\xef\xbb\xbf{}",
        b"[" * 100_000,
        b"[" * 100_000 + b"]" * 100_000,
        b'{"nodes": [123456789012345678901234567890], "edges": []}',
    ],
)
def test_what_is_not_json_is_refused(client: TestClient, body: bytes) -> None:
    for path in (WORKFLOWS, f"{WORKFLOWS}/validate"):
        answer = client.post(path, content=body, headers={"Content-Type": "application/json"})
        assert answer.status_code == 400, body[:40]
        assert error_of(answer)["code"] == "not_json"


@pytest.mark.parametrize("value", [None, 1, "text", [], {}, {"nodes": {}, "edges": []}, {"nodes": []}])
def test_what_is_no_document_is_refused(client: TestClient, value: Any) -> None:
    answer = client.post(WORKFLOWS, content=json.dumps(value))
    assert answer.status_code == 400
    assert error_of(answer)["code"] == "not_a_document"


def test_a_body_is_json_whatever_its_content_type_says(client: TestClient) -> None:
    for kind in ("application/x-www-form-urlencoded", "text/plain", "application/vnd.signalbox+json", ""):
        answer = client.post(WORKFLOWS, content=json.dumps(HELLO), headers={"Content-Type": kind})
        assert answer.status_code == 201, kind


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"revision": 1}, "document"),
        ({"revision": "1", "document": HELLO}, "revision"),
        ({"revision": 1.5, "document": HELLO}, "revision"),
        ({"revision": True, "document": HELLO}, "revision"),
        ({"revision": -1, "document": HELLO}, "revision"),
        ({"revision": 10**18, "document": HELLO}, "revision"),
        ({"revision": 1, "document": HELLO, "extra": 1}, "extra"),
    ],
)
def test_problems_name_their_field(client: TestClient, body: dict[str, Any], field: str) -> None:
    workflow = publish(client, HELLO)
    answer = client.put(f"{WORKFLOWS}/{workflow}", json=body)
    assert answer.status_code == 422
    assert [problem["field"] for problem in error_of(answer)["problems"]] == [field]


@pytest.mark.parametrize("body", [[], "text", 1, True])
def test_a_body_of_another_shape_is_refused(client: TestClient, body: Any) -> None:
    for path in ("publish", "runs", "ops"):
        assert client.post(f"{WORKFLOWS}/hello/{path}", json=body).status_code == 422


def test_a_large_body_is_refused_whole_and_in_pieces(client: TestClient) -> None:
    def pieces():
        for _ in range(11):
            yield b" " * 1024 * 1024

    for content in (b" " * (10 * 1024 * 1024 + 1), pieces()):
        answer = client.post(WORKFLOWS, content=content)
        assert answer.status_code == 413
        assert error_of(answer)["code"] == "too_large"


def test_a_body_of_ten_megabytes_is_read(client: TestClient) -> None:
    document = json.dumps({**HELLO, "description": "x"}).encode()
    padded = document + b" " * (10 * 1024 * 1024 - len(document))
    assert client.post(f"{WORKFLOWS}/validate", content=padded).status_code == 200


@pytest.mark.parametrize("limit", ["0", "-1", "1001", "abc", "", "1.5", "99999999999999999999999"])
def test_a_page_holds_1_to_1000_items(client: TestClient, limit: str) -> None:
    for path in ("workflows", "runs", "approvals", "users", "tokens", "kinds", "models", "templates"):
        answer = client.get(f"/api/v1/{path}?limit={limit}")
        assert answer.status_code == 422, path
        assert error_of(answer)["problems"][0]["field"] == "limit"


@pytest.mark.parametrize("cursor", ["x", "%00", "9" * 400, "WyJhIl0", "bnVsbA", "W10", "..", "-1"])
def test_a_cursor_of_somebody_else_is_refused(client: TestClient, cursor: str) -> None:
    run = client.post(f"{WORKFLOWS}/{publish(client, HELLO)}/runs?wait=20", json={"inputs": {"name": "x"}}).json()["id"]
    for path in (
        "workflows",
        "runs",
        "approvals",
        "users",
        "tokens",
        f"runs/{run}/steps",
        f"runs/{run}/events",
        "workflows/hello/versions",
    ):
        answer = client.get(f"/api/v1/{path}?cursor={cursor}")
        assert answer.status_code in (200, 422), (path, answer.text)
        assert answer.status_code == 200 or error_of(answer)


@pytest.mark.parametrize(
    "query",
    [
        "cost_gt=nan",
        "cost_gt=inf",
        "cost_gt=-1",
        "cost_gt=abc",
        "cost_gt=1e300",
        "from=yesterday",
        "to=x",
        "status=happy",
        "from=0001-01-01",
    ],
)
def test_bad_filters_never_break_anything(client: TestClient, query: str) -> None:
    answer = client.get(f"/api/v1/runs?{query}")
    assert answer.status_code in (200, 422), answer.text


@pytest.mark.parametrize("name", ["%00", "%ff", "..%2f..%2fetc", "a" * 5000, "%F0%9F%98%80", "';--", "*", "%25"])
def test_odd_names_are_simply_not_found(client: TestClient, name: str) -> None:
    for path in ("workflows/{}", "runs/{}", "runs/{}/steps", "runs/{}/events", "approvals/{}", "workflows/{}/versions"):
        answer = client.get(f"/api/v1/{path.format(name)}")
        assert answer.status_code == 404, (path, answer.text)
        error_of(answer)


@pytest.mark.parametrize("version", ["0", "-1", "abc", "1.5", "999", "99999999999999999999"])
def test_a_version_that_is_none_is_not_found(client: TestClient, version: str) -> None:
    workflow = publish(client, HELLO)
    assert client.get(f"{WORKFLOWS}/{workflow}/versions/{version}").status_code == 404
    assert client.post(f"{WORKFLOWS}/{workflow}/versions/{version}/promote").status_code == 404


def test_unknown_addresses_and_methods_answer_in_json(client: TestClient) -> None:
    for path in ("/api/v1/nothing", "/api", "/api/", "/hooks/x", "/api/v1/runs/", "/api/v1/workflows/", "/api/v2/runs", "/nothing"):
        answer = client.get(path)
        assert answer.status_code == 404, path
        assert error_of(answer)["code"] == "not_found"
    refused = client.put("/api/v1/runs")
    assert refused.status_code == 405
    assert error_of(refused)["code"] == "method_not_allowed"
    assert "GET" in refused.headers["allow"]
