"""An agent at a desk with a shop behind it: what browser tests draw, run and decide."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.acceptance.served import Up, until
from tests.fakes.provider import FakeProvider

ORDER = {
    "type": "object",
    "required": ["order"],
    "properties": {"order": {"type": "string", "title": "Order number"}},
    "additionalProperties": False,
}
AMOUNT = {"type": "number", "description": "In US dollars."}
REFUND = {**ORDER, "required": ["order", "amount"], "properties": {**ORDER["properties"], "amount": AMOUNT}}
BROKEN = {"that": "last(results).result.age_h < 24", "otherwise": "ask", "because": "Only orders of the last 24 hours are refunded."}
HOLDS = {"that": "arguments.amount <= 50", "because": "At most $50 are refunded."}
UNKNOWN = {"that": "last(results).result.vip", "otherwise": "ask", "because": "Only regular customers are refunded."}


@dataclass
class Shop:
    """A web server on loopback with orders."""

    url: str
    place: str
    asked: list[str] = field(default_factory=list)


@contextmanager
def shop() -> Iterator[Shop]:
    """Open while the block runs."""

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

        def do_GET(self) -> None:
            opened.asked.append(f"{self.command} {self.path}")
            body = json.dumps({"order": self.path.rsplit("/", 1)[-1], "age_h": 90, "note": "Fragile. " * 200}).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_POST = do_GET

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    place = f"127.0.0.1:{server.server_address[1]}"
    opened = Shop(f"http://{place}", place)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield opened
    finally:
        server.shutdown()
        server.server_close()


def put_tools(up: Up, url: str) -> None:
    """One that reads and one that writes."""
    look = {"description": "Looks an order up: when it was placed, and what is in it.", "effect": "idempotent", "parameters": ORDER}
    pay = {
        "description": "Pays an order back to the card that it was paid with.",
        "effect": "unsafe",
        "method": "POST",
        "parameters": REFUND,
    }
    for name, tool in (("find_order", look), ("refund", pay)):
        answer = up.call("PUT", f"/api/v1/tools/{name}", tool | {"url": url + "/orders/{{ arguments.order }}"})
        assert answer.status == 200, answer.body


def put_provider(up: Up, provider: FakeProvider) -> None:
    """The default model is its model from now on."""
    answer = up.call("PATCH", "/api/v1/settings", {"models": {"default": "own-model", "base_url": provider.base_url}})
    assert answer.status == 200, answer.body
    up.call("POST", "/api/v1/models/try", {"model": "default"})


def desk(*tools: Any, name: str = "The desk", **config: Any) -> dict[str, Any]:
    """A workflow of one agent; what it says comes out."""
    inputs = {"type": "object", "properties": {"message": {"type": "string", "title": "Message"}}}
    nodes = [
        {"id": "start", "kind": "start", "title": "New message", "config": {"inputs": inputs}},
        {"id": "desk", "kind": "agent", "title": "Refund desk", "config": {"task": "{{ inputs.message }}", "tools": [*tools], **config}},
        {"id": "done", "kind": "end", "title": "Answered", "config": {"output": {"text": "nodes.desk.text"}}},
        {"id": "over", "kind": "end", "title": "A person takes over"},
    ]
    edges = [
        {"source": "start", "target": "desk"},
        {"source": "desk", "target": "done"},
        {"source": "desk", "port": "handover", "target": "over"},
    ]
    return {"format": "signalbox/1", "name": name, "nodes": nodes, "edges": edges}


def waiting(up: Up, run: str) -> dict[str, Any]:
    """What the run waits for in the inbox."""
    return until(
        "it waits", lambda: next((i for i in up.call("GET", "/api/v1/approvals?status=pending").body["items"] if i["run_id"] == run), None)
    )
