"""Talks to a Signalbox that is served from the same home; the one place of the command line that speaks HTTP."""

from __future__ import annotations

import os
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote

import httpx

from engine.errors import ProviderUnavailable, SignalboxError

PATIENCE_S = 60.0


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
    """Calls the API; every error is a SignalboxError."""

    def __init__(self, *, url: str, token: str) -> None:
        # No proxy of the environment: the server is on this machine, and the token must not leave it.
        self._http = httpx.Client(
            base_url=f"{url}/api/v1", headers={"Authorization": f"Bearer {token}"}, timeout=PATIENCE_S, trust_env=False
        )

    def call(self, method: str, path: str, *, body: Any = None, query: dict[str, Any] | None = None) -> Any:
        """The answer's JSON. ServedError, ServerGone."""
        headers = {"Idempotency-Key": os.urandom(16).hex()} if method == "POST" else {}
        try:
            answer = self._http.request(method, path, json=body, params=query, headers=headers)
            told = answer.json()
        except (httpx.HTTPError, ValueError) as error:
            raise ServerGone(f"The server does not answer: {error or type(error).__name__}.") from None
        if answer.is_error:
            raise ServedError(answer.status_code, told.get("error", {}))
        return told

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
        self._http.close()


def segment(text: str) -> str:
    """A text as one part of an address."""
    return quote(text, safe="")
