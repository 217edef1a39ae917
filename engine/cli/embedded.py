"""The command line's questions, answered by an engine in this very process."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from engine import Actor, EngineThread, Role
from engine.cli.desk import Answer
from engine.clock import iso
from engine.people.accounts import UserView
from engine.people.api_tokens import TokenView
from engine.settings import Settings

MOVING = ("queued", "running")
COMMAND_LINE = Actor(kind="system", id="command-line", name="Command line", email="", roles=frozenset({Role.ADMIN}), workspace_id="main")
"""Whoever may open the home directory owns the installation."""


@contextmanager
def open_embedded(settings: Settings) -> Iterator[Embedded]:
    """An engine on the home of `settings`. Conflict if another process holds it."""
    thread = EngineThread.open(settings)
    try:
        yield Embedded(thread)
    finally:
        thread.close()


class Embedded:
    """A Desk over an engine of its own."""

    def __init__(self, thread: EngineThread) -> None:
        self._thread, self._engine = thread, thread.engine

    def workflows(self, *, query: str) -> list[Answer]:
        found: list[Answer] = []
        cursor: str | None = None
        while True:
            page = self._thread.run(self._engine.workflows.list(COMMAND_LINE, query=query, limit=1000, cursor=cursor))
            found += [row.model_dump() for row in page.items]
            if (cursor := page.next) is None:
                return found

    def workflow(self, workflow: str) -> Answer:
        return self._thread.run(self._engine.workflows.get(COMMAND_LINE, workflow)).model_dump()

    def version(self, workflow: str, version: int) -> Answer:
        return self._thread.run(self._engine.workflows.version(COMMAND_LINE, workflow, version)).model_dump()

    def create(self, document: Any) -> Answer:
        return self._thread.run(self._engine.workflows.create(COMMAND_LINE, document)).model_dump()

    def replace(self, workflow: str, *, revision: int, document: Any) -> Answer:
        return self._thread.run(self._engine.workflows.replace(COMMAND_LINE, workflow, revision=revision, document=document)).model_dump()

    def publish(self, workflow: str) -> Answer:
        return self._thread.run(self._engine.workflows.publish(COMMAND_LINE, workflow)).model_dump()

    def templates(self) -> list[Answer]:
        return self._engine.templates(COMMAND_LINE)

    def start(self, workflow: str, *, inputs: dict[str, Any]) -> str:
        return self._thread.run(self._engine.runs.start(COMMAND_LINE, workflow, inputs=inputs)).run_id

    def wait(self, run_id: str, *, seconds: float) -> Answer:
        until = time.monotonic() + seconds
        while True:
            slice_s = max(0.0, min(0.1, until - time.monotonic()))
            ended = self._thread.run(self._engine.runs.wait(COMMAND_LINE, run_id, seconds=slice_s))
            run = ended or self._thread.run(self._engine.runs.get(COMMAND_LINE, run_id))
            if run.status not in MOVING or time.monotonic() >= until:
                return run.model_dump()

    def steps(self, run_id: str) -> list[Answer]:
        page = self._thread.run(self._engine.runs.steps(COMMAND_LINE, run_id, limit=1000))
        found = list(page.items)
        while page.next is not None:
            page = self._thread.run(self._engine.runs.steps(COMMAND_LINE, run_id, limit=1000, cursor=page.next))
            found += page.items
        return [step.model_dump() for step in found]

    def events(self, run_id: str, *, after: int) -> list[Answer]:
        page = self._thread.run(self._engine.runs.events(COMMAND_LINE, run_id, after=after, limit=1000))
        return [event.model_dump() for event in page.items]

    def users(self) -> list[Answer]:
        return [_user(user) for user in self._engine.accounts.list(COMMAND_LINE)]

    def add_user(self, *, email: str, name: str, roles: list[str], password: str | None) -> Answer:
        return _user(self._engine.accounts.add(COMMAND_LINE, email=email, name=name, roles=roles, password=password))

    def tokens(self) -> list[Answer]:
        return [_token(token) for token in self._engine.tokens.list_all(COMMAND_LINE)]

    def create_token(self, *, name: str, roles: list[str], days: int | None, user_id: str) -> Answer:
        made = self._engine.tokens.create(COMMAND_LINE, name=name, roles=roles, days=days, user_id=user_id)
        return {**_token(made.token), "token": made.text}

    def revoke_token(self, token_id: str) -> Answer:
        return _token(self._engine.tokens.revoke(COMMAND_LINE, token_id))


def _user(user: UserView) -> Answer:
    return {
        "id": user.id,
        "email": user.email,
        "name": user.name,
        "roles": sorted(map(str, user.roles)),
        "created_at": iso(user.created_at),
        "disabled_at": iso(user.disabled_at),
        "has_password": user.has_password,
    }


def _token(token: TokenView) -> Answer:
    return {
        "id": token.id,
        "user_id": token.user_id,
        "name": token.name,
        "roles": sorted(map(str, token.roles)),
        "created_at": iso(token.created_at),
        "expires_at": iso(token.expires_at),
        "last_used_at": iso(token.last_used_at),
        "revoked_at": iso(token.revoked_at),
    }
