"""The gate before the events, asked directly: what passes it, for whom, and that it stands first."""

import asyncio
import inspect
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from app.gate import COMMAND_LINE, COOKIE
from app.ui import reflex_inside
from app.ui.actions import NEEDS, SIGNED_IN, Needs, action, needs_of, serve_with
from app.ui.event_gate import REFUSED, EventGate, table
from app.web import ROOT
from engine import EngineThread, Permission, Role, Settings
from engine.people.permissions import PERMISSIONS
from tests.ui.conftest import PASSWORD


@pytest.fixture(scope="module")
def sessions(built: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[Role, str]]:
    """A session for every role, of an engine that the actions ask."""
    reflex_inside.load(ROOT, built)
    thread = EngineThread.open(Settings.load({"SIGNALBOX_HOME": str(tmp_path_factory.mktemp("gate") / "home")}))
    serve_with(thread)
    found = {}
    for role in Role:
        email = f"{role}@example.com"
        thread.engine.accounts.add(COMMAND_LINE, email=email, name=str(role), roles=[role], password=PASSWORD)
        found[role] = thread.engine.sessions.sign_in(email, PASSWORD).text
    yield found
    thread.close()


def ask(name: str, session: str | None) -> Any:
    cookie = {} if session is None else {"cookie": f"{COOKIE}={session}"}
    state = SimpleNamespace(router_data={"headers": cookie})
    # In a thread of its own, with the context that Reflex keeps its table in: Playwright may have left an event loop running in this one.
    here = copy_context()
    with ThreadPoolExecutor(1) as elsewhere:
        return elsewhere.submit(here.run, asyncio.run, EventGate().preprocess(None, state, SimpleNamespace(name=name))).result()


def test_the_gate_stands_before_everything_else(sessions: dict[Role, str]) -> None:
    import app.app

    assert isinstance(app.app.app._middlewares[0], EventGate)


@pytest.mark.parametrize("session", [None, "", "nonsense", "A" * 43])
def test_without_a_session_nothing_passes(sessions: dict[Role, str], session: str | None) -> None:
    for name in reflex_inside.handlers():
        assert ask(name, session) is REFUSED, name


def test_what_is_no_action_passes_for_nobody(sessions: dict[Role, str]) -> None:
    closed = set(reflex_inside.handlers()) - set(table()) - reflex_inside.own_events()
    assert closed
    for name in [*closed, "", "no.such.handler", "reflex___state____state.__init__"]:
        assert ask(name, sessions[Role.ADMIN]) is REFUSED, name


@pytest.mark.parametrize("role", list(Role))
def test_an_action_passes_exactly_for_whoever_may(sessions: dict[Role, str], role: Role) -> None:
    for name, needs in table().items():
        outcome = ask(name, sessions[role])
        if needs.permission is None or needs.permission in PERMISSIONS[role]:
            assert outcome is None, name
        else:
            assert [event.name.rsplit(".", 1)[1] for event in outcome.events] == ["refuse"], name
            assert outcome.events[0].payload == {"permission": str(needs.permission)}


def test_the_table_has_no_handler_that_does_not_look_for_itself(sessions: dict[Role, str]) -> None:
    # An action asks for the session again: even if the gate were gone, nobody would be let in without one.
    for name in table():
        handler: Callable[..., Any] = reflex_inside.handlers()[name]
        assert isinstance(getattr(handler, NEEDS), Needs)
        assert "asking" in handler.__wrapped__.__code__.co_varnames, name


def test_an_action_takes_from_the_page_only_what_it_names() -> None:
    @action(Permission.RUN_READ)
    async def look(self: Any, asking: Any, run: str) -> None: ...

    assert needs_of(look) == Needs(Permission.RUN_READ)
    assert list(inspect.signature(look).parameters) == ["self", "run"]
    assert SIGNED_IN.permission is None
    with pytest.raises(TypeError, match="coroutine"):
        action(SIGNED_IN)(lambda self, asking: None)  # pyright: ignore[reportArgumentType]
