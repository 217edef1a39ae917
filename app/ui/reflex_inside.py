"""Everything Signalbox knows about the inside of Reflex: its variables, its event names, its connection.

Nothing else may lean on what Reflex does not promise; tests/ui/test_reflex_inside.py fails when the version changes.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import inspect
import os
import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlencode

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import cookie_parser
from starlette.types import ASGIApp, Receive, Scope, Send

if TYPE_CHECKING:
    import reflex as rx

VERSION = "0.10.1"
SOCKET_PATH = "/_event"


def _look_at_no_sources() -> None:
    """Each shared asset asks who its caller is: that needs the frames, and not the source lines around them (6 s of a start)."""
    assets: Any = import_module("reflex.assets")
    assets.inspect = SimpleNamespace(stack=lambda: inspect.stack(0)[1:], getmodule=inspect.getmodule)


@functools.cache
def load(root: Path, built: Path) -> tuple[rx.App, ASGIApp]:
    """The app that stands in app/app.py, told to serve a finished build and to reach for nothing, and Reflex's own application of it.

    Of that application only the connection at SOCKET_PATH may be reached.
    """
    _look_at_no_sources()
    os.environ |= {
        "REFLEX_ENV_MODE": "prod",
        "REFLEX_BACKEND_ONLY": "true",
        "REFLEX_TELEMETRY_ENABLED": "false",
        "REFLEX_CHECK_LATEST_VERSION": "false",
        "REFLEX_WEB_WORKDIR": str(built),
        "__REFLEX_SKIP_COMPILE": "true",
    }
    # Reflex finds its settings, and tidies up links, in the working directory; the engine that runs meanwhile has an absolute home.
    with contextlib.chdir(root):
        app: rx.App = import_module("app.app").app
        return app, app()


@contextlib.asynccontextmanager
async def running(app: rx.App, asgi: ASGIApp) -> AsyncIterator[None]:
    """Runs what Reflex needs running while it serves."""
    async with app._run_lifespan_tasks(asgi):  # pyright: ignore[reportPrivateUsage, reportArgumentType]
        yield


def client_of(scope: Scope, session: str) -> Scope:
    """The connection's scope as Reflex may see it: its state belongs to this session, and its origin is not asked again.

    Reflex finds a tab's state by a token that the browser makes up. Mixed with the session it can be neither guessed nor kept by
    whoever signs in next in the same tab.
    """
    query = parse_qs(scope["query_string"].decode("latin-1"))
    tab = query.get("token", [""])[0]
    mixed = uuid.UUID(bytes=hashlib.sha256(f"{session}\0{tab}".encode()).digest()[:16])
    query["token"] = [str(mixed)]
    inner = {**scope, "query_string": urlencode(query, doseq=True).encode("latin-1"), "headers": list(scope["headers"])}
    del MutableHeaders(scope=inner)["origin"]
    return inner


def handlers() -> dict[str, Callable[..., Any]]:
    """Every event that a browser can name, with the function it reaches."""
    from reflex_base.registry import RegistrationContext

    return {name: found.handler.fn for name, found in RegistrationContext.ensure_context().event_handlers.items()}


def own_events() -> frozenset[str]:
    """The events by which Reflex itself opens a page; they set nothing but whether the page is ready."""
    from reflex.state import OnLoadInternalState, State
    from reflex_base.utils.format import format_event_handler

    found = [State.event_handlers[name] for name in ("hydrate", "hydrate_and_load", "set_is_hydrated")]
    found += [OnLoadInternalState.event_handlers[name] for name in ("on_load_internal", "set_is_hydrated")]
    return frozenset(format_event_handler(handler) for handler in found)


def states() -> Iterator[type[rx.State]]:
    """Every State class of the running app."""
    import reflex as rx

    todo: list[Any] = [rx.State]
    while todo:
        state = todo.pop()
        yield state
        todo += state.get_substates()


def session_of(state: Any, cookie: str) -> str | None:
    """The session cookie that the state's connection came with."""
    headers = state.router_data.get("headers") or {}
    return cookie_parser(headers.get("cookie", "")).get(cookie)


def event_to(handler: Any, *arguments: Any) -> list[Any]:
    """A call of another handler, as an update of the state carries it."""
    from reflex_base.event import Event

    return Event.from_event_type(handler(*arguments))


def page_link(*children: Any, **props: Any) -> rx.Component:
    """A link that opens a page of ours without loading everything again."""
    from reflex_components_core.react_router import ReactRouterLink

    return ReactRouterLink.create(*children, **props)


@functools.cache
def _post_form() -> Any:
    from reflex_components_core.el.element import Element

    class PostForm(Element):
        """A form without Reflex's own sending, which keeps the browser from sending it."""

        tag = "form"
        method: rx.Var[str]
        action: rx.Var[str]

    return PostForm


def post_form(*children: Any, action: str) -> rx.Component:
    """A form that the browser itself sends to an address of ours, like one on a page without a script."""
    return _post_form().create(*children, method="post", action=action)


def connection_is_lost() -> rx.Var[bool]:
    """Whether this page has no connection at the moment."""
    from reflex_components_core.core.banner import has_connection_errors

    return has_connection_errors


class Files:
    """The built pages and what they load."""

    def __init__(self, app: rx.App, folder: Path) -> None:
        from reflex.utils.precompressed_staticfiles import PrecompressedStaticFiles

        self._files = PrecompressedStaticFiles(directory=folder, html=True, encodings=["gzip"], router=app.router)
        self._pages = frozenset(f"/{page.stem}" for page in folder.glob("*.html"))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        # A page is built as /runs.html and as the folder /runs/ too, and a folder would be answered with a redirect.
        if scope["path"] in self._pages:
            scope = {**scope, "path": f"{scope['path']}.html"}
        await self._files(scope, receive, send)


def is_socket(scope: Scope) -> bool:
    """Whether this is the connection that a page opens."""
    return scope["type"] == "websocket" and scope["path"].rstrip("/") == SOCKET_PATH


def cookies_of(scope: Scope) -> dict[str, str]:
    """The cookies of a request."""
    return cookie_parser(Headers(scope=scope).get("cookie", ""))
