"""Talks to a Signalbox that is served from the same home; the one place of the command line that speaks HTTP."""

from __future__ import annotations

import os
import threading
import time
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote

import httpx

from engine.errors import ProviderUnavailable, SignalboxError

PATIENCE_S = 60.0
PAUSES_S = (0.1, 0.3, 1.0, 2.0, 4.0)
"""Before each further try; the supervisor has a dead server back within three seconds."""
REPEATABLE = ("GET", "POST")
"""A POST carries a key of its own; a PUT or DELETE that is repeated would meet what it has done itself."""


class ServedError(SignalboxError):
    """What the server has refused."""

    def __init__(self, status: int, told: dict[str, Any]) -> None:
        details = {name: value for name, value in told.items() if name not in ("code", "message", "hint")}
        super().__init__(str(told.get("message", "")), hint=str(told.get("hint", "")), details=details)
        self.status = status  # pyright: ignore[reportAttributeAccessIssue]
        self.code = str(told.get("code", "error"))  # pyright: ignore[reportAttributeAccessIssue]


class ServerGone(ProviderUnavailable):
    """The server does not answer."""

    code = "server_gone"
    hint = "Look whether ./signalbox up still runs, then repeat the command."


class Client:
    """Calls the API, from any number of threads; every error is a SignalboxError."""

    def __init__(self, *, url: str, token: str) -> None:
        self._url, self._token = url, token
        self._mine = threading.local()
        self._all: list[httpx.Client] = []

    def call(self, method: str, path: str, *, body: Any = None, query: dict[str, Any] | None = None) -> Any:
        """The answer's JSON. ServedError, ServerGone."""
        headers = {"Idempotency-Key": os.urandom(16).hex()} if method == "POST" else {}
        # A dead server is started again within seconds, and the key keeps what is asked twice from being done twice.
        pauses = list(PAUSES_S) if method in REPEATABLE else []
        while True:
            try:
                answer = self._http.request(method, path, json=body, params=query, headers=headers)
                told = answer.json()
                break
            except (httpx.HTTPError, OSError, ValueError) as error:
                if not pauses:
                    raise ServerGone(f"The server does not answer: {error or type(error).__name__}.") from None
            time.sleep(pauses.pop(0))
        if answer.is_error:
            raise ServedError(answer.status_code, told.get("error", {}))
        return told

    @property
    def _http(self) -> httpx.Client:
        """This thread's own connections: shared ones are closed by one thread while another looks at them."""
        if (found := getattr(self._mine, "client", None)) is None:
            # No proxy of the environment: the server is on this machine, and the token must not leave it.
            headers = {"Authorization": f"Bearer {self._token}"}
            found = httpx.Client(base_url=f"{self._url}/api/v1", headers=headers, timeout=PATIENCE_S, trust_env=False)
            self._mine.client = found
            self._all.append(found)
        return found

    def all(self, path: str, *, query: dict[str, Any] | None = None) -> list[dict[str, Any]]:
        """Every item of a list."""
        items: list[dict[str, Any]] = []
        cursor: str | None = None
        while True:
            asked = {"limit": 1000, **(query or {}), **({"cursor": cursor} if cursor else {})}
            page = self.call("GET", path, query=asked)
            items += page["items"]
            cursor = page["next"]
            if cursor is None:
                return items

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        for client in self._all:
            client.close()


def segment(text: str) -> str:
    """A text as one part of an address."""
    return quote(text, safe="")
