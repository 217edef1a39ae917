"""Nobody reaches an action who may not: enumerated from the running app, called over a bare websocket."""

import inspect
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from app.ui import reflex_inside
from app.ui.actions import Needs, needs_of
from app.web import ROOT
from engine import Role
from engine.people.permissions import PERMISSIONS
from tests.ui.conftest import Site
from tests.ui.wire import Refused, Wire

FRAME = "reflex___state____state.app___ui___frame____frame"
TROUBLE = "trouble_rx_state_"
HOME = "reflex___state____state.app___pages___home___state____home"


@pytest.fixture(scope="module")
def handlers(built: Any) -> dict[str, Callable[..., Any]]:
    """Every event that the app knows, ours and Reflex's own."""
    reflex_inside.load(ROOT, built)
    return reflex_inside.handlers()


@pytest.fixture(scope="module")
def actions(handlers: dict[str, Callable[..., Any]]) -> dict[str, Needs]:
    return {name: needs for name, handler in handlers.items() if (needs := needs_of(handler)) is not None}


@pytest.fixture
def wire(site: Site) -> Iterator[Callable[..., Wire]]:
    opened: list[Wire] = []

    def connect(cookie: str | None, **more: Any) -> Wire:
        opened.append(Wire(site.url, cookie=cookie, **more))
        return opened[-1]

    yield connect
    for one in opened:
        one.close()


def payload_of(handler: Callable[..., Any]) -> dict[str, Any]:
    return {name: "x" for name in list(inspect.signature(handler).parameters)[1:]}


def workflows(site: Site) -> int:
    return len(site.up.call("GET", "/api/v1/workflows").body["items"])


def test_every_handler_of_ours_is_an_action(handlers: dict[str, Callable[..., Any]]) -> None:
    ours = {name: handler for name, handler in handlers.items() if handler.__module__.startswith("app.")}
    assert ours
    assert [name for name, handler in ours.items() if needs_of(handler) is None] == []


def test_of_reflex_only_what_opens_a_page_is_let_through(handlers: dict[str, Callable[..., Any]]) -> None:
    own = reflex_inside.own_events()
    assert own <= set(handlers)
    assert {name.rsplit(".", 1)[1] for name in own} == {"hydrate", "hydrate_and_load", "on_load_internal", "set_is_hydrated"}


def test_no_state_of_ours_has_a_setter_or_keeps_anything_in_the_browser(handlers: dict[str, Callable[..., Any]]) -> None:
    for state in reflex_inside.states():
        if state.__module__.startswith("app."):
            assert [name for name in state.event_handlers if name.startswith("set_")] == []
            assert [name for name in state.vars if state._is_client_storage(name)] == []


def test_without_a_session_no_handler_can_be_called(site: Site, handlers: dict[str, Callable[..., Any]]) -> None:
    before = workflows(site)
    for name, handler in handlers.items():
        with pytest.raises(Refused) as refused:
            Wire(site.url).send(name, payload_of(handler))
        assert refused.value.status == 403, name
    assert workflows(site) == before


@pytest.mark.parametrize("origin", [None, "null", "https://evil.example", "http://localhost:1", "http://127.0.0.1"])
def test_a_session_connects_only_from_our_own_pages(site: Site, origin: str | None) -> None:
    with pytest.raises(Refused) as refused:
        Wire(site.url, cookie=site.sessions[Role.ADMIN], origin=origin)
    assert refused.value.status == 403


@pytest.mark.parametrize("cookie", ["", "signalbox_session=", "signalbox_session=nonsense", f"signalbox_session={'A' * 43}", "other=1"])
def test_an_invented_session_does_not_connect(site: Site, cookie: str) -> None:
    with pytest.raises(Refused):
        Wire(site.url, cookie=cookie)


def test_an_api_token_opens_no_connection(site: Site) -> None:
    with pytest.raises(Refused):
        Wire(site.url, cookie="signalbox_session=sbx_admin_of_the_acceptance_tests")


def test_a_session_that_ends_takes_its_connection_along(site: Site, wire: Any, actions: dict[str, Needs]) -> None:
    cookie = site.sign_in()
    line = wire(cookie)
    line.send(f"{FRAME}.open")
    assert line.deltas()[FRAME]["email_rx_state_"] == "dana@example.com"
    left = site.up.call("POST", "/logout", token=None, headers={"Cookie": cookie, "Origin": site.url})
    assert left.status in (200, 303)
    before = workflows(site)
    for name in sorted(actions):
        line.send(name, {"slug": "card-triage"} if name.endswith("start_from") else {})
    assert line.deltas(for_s=2) == {}
    assert workflows(site) == before
    line.send(f"{FRAME}.open")
    assert line.deltas(for_s=2) == {}
    assert not line.is_open
    with pytest.raises(Refused):
        wire(cookie)


def test_nothing_sets_a_variable_from_outside(
    site: Site, wire: Any, handlers: dict[str, Callable[..., Any]], actions: dict[str, Needs]
) -> None:
    line = wire(site.sessions[Role.VIEWER])
    closed = set(handlers) - set(actions) - reflex_inside.own_events()
    assert any(name.endswith(".setvar") for name in closed) and any(name.endswith("update_vars_internal") for name in closed)
    for name in sorted(closed):
        line.send(
            name, {"var_name": "name", "value": "Eve", "vars": {f"{FRAME}.name_rx_state_": "Eve"}, "info": "x", "component_stack": "x"}
        )
    assert line.deltas() == {}
    line.send(f"{HOME}.no_such_handler")
    line.send("no.such.state")
    assert line.deltas() == {}
    assert line.is_open


@pytest.mark.parametrize("role", list(Role))
def test_a_role_may_call_exactly_what_its_permissions_say(site: Site, wire: Any, actions: dict[str, Needs], role: Role) -> None:
    line, before = wire(site.sessions[role]), workflows(site)
    refused = {name: needs for name, needs in actions.items() if needs.permission not in (None, *PERMISSIONS[role])}
    line.send(f"{FRAME}.open")
    line.until(lambda changed: FRAME in changed)
    for name in sorted(refused):
        line.send(name, {"slug": "card-triage"} if name.endswith("start_from") else {})
        told = line.until(lambda changed: "You may not" in changed.get(FRAME, {}).get(TROUBLE, ""))
        # Events of one page are worked on one after the other: what the refused one had changed would come before this answer.
        line.send(f"{FRAME}.dismiss")
        told |= line.until(lambda changed: changed.get(FRAME, {}).get(TROUBLE) == "")
        assert set(told) == {FRAME}, name
    assert workflows(site) == before
    assert bool(refused) == (role is not Role.ADMIN)


def test_a_tab_opened_by_another_session_shows_nothing_of_the_first(site: Site, wire: Any) -> None:
    token = "8d2a6e23-cecf-4591-a349-aae09f70a81c"
    first = wire(site.sessions[Role.ADMIN], token=token)
    first.send(f"{FRAME}.open")
    assert first.deltas()[FRAME]["email_rx_state_"] == "admin@example.com"
    first.close()
    second = wire(site.sessions[Role.VIEWER], token=token)
    second.send("reflex___state____state.hydrate")
    assert second.deltas()[FRAME]["email_rx_state_"] == ""


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/ping"),
        ("GET", "/_health"),
        ("GET", "/_all_routes"),
        ("GET", "/auth-codespace"),
        ("POST", "/_upload"),
        ("GET", "/_upload/x"),
        ("GET", "/_event/?EIO=4&transport=polling"),
        ("POST", "/_event/?EIO=4&transport=polling"),
    ],
)
def test_reflexs_own_addresses_are_closed(site: Site, method: str, path: str) -> None:
    assert site.up.call(method, path, token=None).status == 401
    headers = {"Cookie": site.sessions[Role.ADMIN], "Origin": site.url}
    assert site.up.call(method, path, token=None, headers=headers).status in (404, 405)


def test_the_built_pages_are_nobodys_without_a_session(site: Site, built: Any) -> None:
    for file in (built / "client").rglob("*"):
        if file.is_file() and file.parent.name != "fonts":
            path = f"/{file.relative_to(built / 'client')}"
            assert site.up.call("GET", path, token=None).status == 401, path
