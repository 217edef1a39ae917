"""Servers of tools over HTTP: kept with the reason why they cannot be reached, allowed by digest, removed."""

from __future__ import annotations

import pytest
from starlette.testclient import TestClient

from tests.unit.app.conftest import error_of

SERVERS = "/api/v1/mcp-servers"


def test_a_server_that_cannot_be_reached_is_kept_and_says_why(client: TestClient) -> None:
    told = client.put(f"{SERVERS}/metadata", json={"url": "http://169.254.169.254/mcp"})
    assert told.status_code == 200, told.text
    view = told.json()
    assert view.keys() == {"name", "transport", "url", "secret", "state", "message", "looked_at", "updated_by", "tools"}
    assert (view["state"], view["transport"], view["tools"]) == ("unreachable", "http", []) and "was not called" in view["message"]
    assert [one["name"] for one in client.get(SERVERS).json()["items"]] == ["metadata"]
    allowed = client.post(f"{SERVERS}/metadata/allow", json={"tools": {"find": {"digest": "0" * 64}}})
    assert allowed.status_code == 409 and "does not offer find" in error_of(allowed)["message"]
    assert client.delete(f"{SERVERS}/metadata").status_code == 204
    assert client.post(f"{SERVERS}/metadata/look").status_code == client.delete(f"{SERVERS}/metadata").status_code == 404
    assert client.get(SERVERS).json()["items"] == []


@pytest.mark.parametrize(
    ("name", "body", "field"),
    [
        ("Shop", {"url": "https://shop.example/mcp"}, "name"),
        ("shop", {"url": "ftp://shop.example/mcp"}, "url"),
        ("shop", {"url": "https:///mcp"}, "url"),
        ("shop", {"url": "https://shop.example/mcp?" + "x" * 2_000}, "url"),
        ("shop", {}, "url"),
        ("shop", {"url": "https://shop.example/mcp", "command": ["rm", "-rf", "/"]}, "command"),
    ],
)
def test_what_is_wrong_with_a_server_is_named(client: TestClient, name: str, body: dict[str, object], field: str) -> None:
    answer = client.put(f"{SERVERS}/{name}", json=body)
    assert answer.status_code == 422, answer.text
    assert field in [problem["field"] for problem in error_of(answer)["problems"]]
    assert client.get(SERVERS).json()["items"] == []
