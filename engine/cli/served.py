"""The command line's questions, asked of a served Signalbox."""

from __future__ import annotations

import time
from typing import Any

from engine.cli.client import Client, segment
from engine.cli.desk import Answer

MOVING = ("queued", "running")


class Served:
    """A Desk over the HTTP API."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def workflows(self, *, query: str) -> list[Answer]:
        return self._client.all("/workflows", query={"q": query})

    def workflow(self, workflow: str) -> Answer:
        return self._client.call("GET", f"/workflows/{segment(workflow)}")

    def version(self, workflow: str, version: int) -> Answer:
        return self._client.call("GET", f"/workflows/{segment(workflow)}/versions/{version}")

    def create(self, document: Any) -> Answer:
        return self._client.call("POST", "/workflows", body=document)

    def replace(self, workflow: str, *, revision: int, document: Any) -> Answer:
        return self._client.call("PUT", f"/workflows/{segment(workflow)}", body={"revision": revision, "document": document})

    def publish(self, workflow: str) -> Answer:
        return self._client.call("POST", f"/workflows/{segment(workflow)}/publish", body={})

    def templates(self) -> list[Answer]:
        return self._client.all("/templates")

    def start(self, workflow: str, *, inputs: dict[str, Any]) -> str:
        return self._client.call("POST", f"/workflows/{segment(workflow)}/runs", body={"inputs": inputs})["run_id"]

    def wait(self, run_id: str, *, seconds: float) -> Answer:
        # Asked again and again in growing steps: a run may also end by waiting, which no open request tells.
        pause_s, until = 0.02, time.monotonic() + seconds
        while True:
            run = self._client.call("GET", f"/runs/{segment(run_id)}")
            if run["status"] not in MOVING or time.monotonic() >= until:
                return run
            time.sleep(pause_s)
            pause_s = min(pause_s * 2, 0.25)

    def steps(self, run_id: str) -> list[Answer]:
        return self._client.all(f"/runs/{segment(run_id)}/steps")

    def events(self, run_id: str, *, after: int) -> list[Answer]:
        return self._client.call("GET", f"/runs/{segment(run_id)}/events", query={"after": after, "limit": 1000})["items"]

    def users(self) -> list[Answer]:
        return self._client.all("/users")

    def add_user(self, *, email: str, name: str, roles: list[str], password: str | None) -> Answer:
        body = {"email": email, "name": name, "roles": roles, "password": password}
        return self._client.call("POST", "/users", body=body)

    def tokens(self) -> list[Answer]:
        return self._client.all("/tokens", query={"all": "true"})

    def create_token(self, *, name: str, roles: list[str], days: int | None, user_id: str) -> Answer:
        return self._client.call("POST", "/tokens", body={"name": name, "roles": roles, "days": days, "user_id": user_id})

    def revoke_token(self, token_id: str) -> Answer:
        return self._client.call("DELETE", f"/tokens/{segment(token_id)}")
