"""A secret and a provider's key that servers say back in every way they can: nobody finds them anywhere, the browser's wire included."""

import base64
import itertools
import json
import urllib.request
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from playwright.sync_api import Page, expect

from tests.acceptance.served import ADMIN
from tests.fakes.provider import FakeProvider, failing, text
from tests.fakes.web import Asked, Web, answer, serving_beside
from tests.ui.conftest import Opens, Site, fresh_site, ready

SECRET, KEY = "canary+secret/7f3b9c1e5a=", "sk-canary-key-91d4c07b2f"
ADMIN_PAGES = (
    "/",
    "/inbox",
    "/runs",
    "/workflows",
    "/agents",
    "/settings#keys",
    "/settings#models",
    "/settings#tools",
    "/settings#storage",
)


def forms(value: str) -> list[bytes]:
    """The value as it is, and as it is written in addresses, in JSON and in base64 at whatever place in a text."""
    packed = [base64.b64encode(b"x" * shift + value.encode())[4 if shift else 0 : -4] for shift in range(3)]
    return [value.encode(), quote(value, safe="").encode(), json.dumps(value)[1:-1].encode(), value.encode().hex().encode(), *packed]


EVERY = [form for value in (SECRET, KEY) for form in forms(value)]


def found_in(body: bytes) -> list[bytes]:
    return [form for form in EVERY if form in body]


def echo(asked: Asked) -> bytes:
    """Everything that was sent comes back: in the body, in a header, in an error."""
    told = json.dumps({"you sent": dict(asked.headers), "again": [asked.headers.get("authorization", "")]}).encode()
    return answer(told, status=500 if "/fail" in asked.target else 200, X_Echo=asked.headers.get("authorization", "none"))


def flow(web: Web) -> dict[str, Any]:
    call = {"url": f"{web.url}/ok", "secret": "SHOP"}
    steps = [
        {"id": "read", "kind": "http", "config": call},
        {"id": "fail", "kind": "http", "config": call | {"url": f"{web.url}/fail"}, "on_error": "port"},
        {"id": "use", "kind": "tool", "config": {"tool": "shop", "effect": "idempotent"}},
        {"id": "broken", "kind": "llm", "config": {"prompt": "Say hello.", "model": "openai/broken"}, "on_error": "port"},
        {"id": "tells", "kind": "llm", "config": {"prompt": "Say hello.", "model": "openai/tells"}},
    ]
    nodes = [
        {"id": "start", "kind": "start"},
        *steps,
        {"id": "done", "kind": "end", "config": {"output": {"read": "nodes.read", "use": "nodes.use.result"}}},
    ]
    ways: list[dict[str, Any]] = []
    for one, other in itertools.pairwise(nodes):
        ways.append({"source": one["id"], "target": other["id"]})
        if one.get("on_error"):
            ways.append({"source": one["id"], "port": "error", "target": other["id"]})
    for node in nodes:
        if node["id"] in ("use", "tells"):
            node["join"] = "any"
    return {"format": "signalbox/1", "name": "Canary", "nodes": nodes, "edges": ways}


def listened(page: Page) -> list[bytes]:
    """Every frame of its sockets and every body that it was answered."""
    heard: list[bytes] = []

    def frame(payload: bytes | str) -> None:
        heard.append(payload if isinstance(payload, bytes) else payload.encode())

    def socket(connection: Any) -> None:
        connection.on("framereceived", frame)
        connection.on("framesent", frame)

    page.on("websocket", socket)
    page.on("requestfinished", lambda request: heard.append(_body(request)))
    return heard


def _body(request: Any) -> bytes:
    if request.resource_type not in ("fetch", "xhr", "document", "eventsource"):
        return b""
    response = request.response()
    return b"" if response is None or response.status in (204, 301, 302, 304, 307) else response.body()


@pytest.mark.timeout(420)
def test_a_secret_is_found_nowhere_whatever_is_said_back(built: Path, tmp_path: Path, open_page: Opens) -> None:
    with FakeProvider() as provider, serving_beside(echo) as web:
        provider.model("broken", failing(401, error=f"the key {KEY} is wrong")).model("tells", text(f"Your key is {KEY}. Hello."))
        more = {"SIGNALBOX_EGRESS_ALLOW": web.place, "SIGNALBOX_MODEL_BASE_URL": provider.base_url, "SIGNALBOX_MODEL_PRICE": "0,0"}
        with fresh_site(tmp_path / "home", **more) as own:
            call = own.up.call
            assert call("POST", "/api/v1/secrets", {"name": "SHOP", "value": SECRET, "hosts": [web.place]}).status == 201
            assert call("POST", "/api/v1/secrets", {"name": "OPENAI_API_KEY", "value": KEY}).status == 201
            tool = {"description": "Asks.", "url": f"{web.url}/tool", "secret": "SHOP", "effect": "idempotent"}
            assert call("PUT", "/api/v1/tools/shop", tool).status == 200
            made = call("POST", "/api/v1/workflows", flow(web)).body
            assert call("POST", f"/api/v1/workflows/{made['id']}/publish", {"note": ""}).status == 200, made
            run = call("POST", f"/api/v1/workflows/{made['id']}/runs?wait=60", {"inputs": {}}).body
            assert run["status"] == "succeeded", run
            # The servers have really heard it, or nothing would be shown by not finding it.
            assert sum(asked.headers.get("authorization") == f"Bearer {SECRET}" for asked in web.asked) == 3
            assert f"Bearer {KEY}" in {asked.authorization for asked in provider.calls}
            tried = call("POST", "/api/v1/tools/try", {"tool": tool | {"name": "shop"}, "arguments": {}, "send": True})
            assert tried.status == 200 and not found_in(json.dumps(tried.body).encode())
            _crawled(own, made["id"], run["id"])
            page = open_page(own.url, cookie=own.sign_in(), is_forgiven=True)
            heard = listened(page)
            for address in (*ADMIN_PAGES, *(f"/runs/{run['id']}?step={step}" for step in ("read", "fail", "use", "broken", "tells"))):
                page.goto(address)
                ready(page)
                assert not found_in(page.content().encode()), address
            expect(page.get_by_test_id("detail-title")).to_be_visible()
            page.wait_for_timeout(500)
            assert len(heard) > 20
            assert not [body[:300] for body in heard if found_in(body)]
            page.context.close()
            assert not found_in(own.up.output.encode())
            _nowhere_on_disk(tmp_path / "home")
        _nowhere_on_disk(tmp_path / "home")


def _crawled(own: Site, workflow: str, run: str) -> None:
    """Every address that can be read, and the run's events as they are streamed."""
    described = own.up.call("GET", "/api/v1/openapi.json").body["paths"]
    asked = 0
    for path in [path for path, how in described.items() if "get" in how]:
        filled = path.replace("{workflow}", workflow).replace("{run_id}", run).replace("{run}", run)
        filled = filled.replace("{name}", "shop").replace("{path}", "fail").replace("{version}", "1").replace("{id}", workflow)
        told = own.up.call("GET", filled)
        asked += told.status == 200
        assert not found_in(json.dumps(told.body).encode() + str(told.headers).encode()), path
    assert asked > 15, asked
    headers = {"Accept": "text/event-stream", "Authorization": f"Bearer {ADMIN}"}
    with urllib.request.urlopen(urllib.request.Request(f"{own.url}/api/v1/runs/{run}/events", headers=headers), timeout=30) as stream:
        streamed = stream.read()
    assert b"run_ended" in streamed and not found_in(streamed)


def _nowhere_on_disk(home: Path) -> None:
    for file in home.rglob("*"):
        assert not file.is_file() or not found_in(file.read_bytes()), file
