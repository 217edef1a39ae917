"""What the command line asks for, answered by the served API or by an engine of its own: the same answers from both."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

from engine.settings import Settings

Answer = dict[str, Any]
SERVER_FILE = "server.json"


class Desk(Protocol):
    """Answers have the shapes of the HTTP API. All methods block and are safe from any thread."""

    def workflows(self, *, query: str) -> list[Answer]:
        """The workflows whose name or slug holds `query`."""
        ...

    def workflow(self, workflow: str) -> Answer:
        """One workflow with its document."""
        ...

    def version(self, workflow: str, version: int) -> Answer:
        """One version with its document."""
        ...

    def create(self, document: Any) -> Answer:
        """A new draft."""
        ...

    def replace(self, workflow: str, *, revision: int, document: Any) -> Answer:
        """The draft, replaced."""
        ...

    def publish(self, workflow: str) -> Answer:
        """A new live version."""
        ...

    def templates(self) -> list[Answer]:
        """The templates."""
        ...

    def start(self, workflow: str, *, inputs: dict[str, Any]) -> str:
        """The id of a run that is on disk."""
        ...

    def wait(self, run_id: str, *, seconds: float) -> Answer:
        """The run, once it no longer moves or after `seconds`."""
        ...

    def steps(self, run_id: str) -> list[Answer]:
        """The run's steps."""
        ...

    def events(self, run_id: str, *, after: int) -> list[Answer]:
        """The run's events behind `after`."""
        ...

    def users(self) -> list[Answer]:
        """The people."""
        ...

    def add_user(self, *, email: str, name: str, roles: list[str], password: str | None) -> Answer:
        """A new account."""
        ...

    def tokens(self) -> list[Answer]:
        """Everybody's tokens."""
        ...

    def create_token(self, *, name: str, roles: list[str], days: int | None, user_id: str) -> Answer:
        """A new token, its text under `token`."""
        ...

    def revoke_token(self, token_id: str) -> Answer:
        """The token, ended."""
        ...


def served_at(home: Path) -> dict[str, Any] | None:
    """Where and with which token the home is served: `{url, token, pid}`; None if nobody serves it."""
    from engine.storage.sqlite import HomeLock

    holder = HomeLock(home).holder()
    if holder is None:
        return None
    try:
        found = json.loads((home / SERVER_FILE).read_text(encoding="utf-8"))
        # A file that a dead server has left says nothing about whoever holds the home now.
        return found if isinstance(found, dict) and found["pid"] == holder else None
    except (OSError, ValueError, KeyError):
        return None


@contextmanager
def open_desk(settings: Settings) -> Iterator[Desk]:
    """The served API if the home is served, else an engine in this process. Conflict if another process holds the home."""
    if served := served_at(settings.home.resolve()):
        from engine.cli.client import Client
        from engine.cli.served import Served

        with Client(url=served["url"], token=served["token"]) as client:
            yield Served(client)
        return
    from engine.cli.embedded import open_embedded

    with open_embedded(settings) as desk:
        yield desk
