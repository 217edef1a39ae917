"""Who asks: every request belongs to somebody before it is looked at any further.

Default deny: whatever is not named in PUBLIC needs credentials, whether the address exists or not.
"""

from __future__ import annotations

import asyncio
import hmac
from typing import Any

from starlette.datastructures import Headers
from starlette.requests import cookie_parser
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from app.answers import error_answer
from app.bodies import drop
from app.same_origin import SAFE_METHODS, is_foreign, is_ours
from engine import Actor, EngineThread, NotAllowed, NotSignedIn, Role, SignalboxError

COOKIE = "signalbox_session"
PUBLIC = frozenset({"/login", "/setup", "/healthz", "/readyz"})
ASSETS = ("/door/", "/fonts/")
"""What the pages before the door load."""
METRICS = "/metrics"

COMMAND_LINE = Actor(kind="system", id="command-line", name="Command line", email="", roles=frozenset({Role.ADMIN}), workspace_id="main")
"""Whoever can read the home directory's server.json owns the installation."""


class Gate:
    """ASGI middleware; leaves the actor in `scope["state"]`."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        match scope["type"]:
            case "http":
                refusal = await self._let_in(scope)
                if refusal is not None and scope["method"] not in SAFE_METHODS:
                    await drop(receive)
                await (refusal or self._app)(scope, receive, send)
            case "websocket":
                if await self._may_connect(scope):
                    await self._app(scope, receive, send)
                    return
                await receive()
                # Before it is accepted, this is answered with 403.
                await send({"type": "websocket.close", "code": 1008})
            case _:
                await self._app(scope, receive, send)

    async def _may_connect(self, scope: Scope) -> bool:
        # A browser always says where a page comes from, and sends the cookie whoever has made the page: both must be right.
        headers = Headers(scope=scope)
        if "origin" not in headers or not is_ours(headers):
            return False
        try:
            scope.setdefault("state", {})["actor"] = await _actor(scope["app"].state, headers, None)
        except SignalboxError:
            return False
        return True

    async def _let_in(self, scope: Scope) -> Response | None:
        headers, path = Headers(scope=scope), scope["path"]
        is_safe = scope["method"] in SAFE_METHODS
        try:
            if path in PUBLIC or path.startswith(ASSETS):
                # Nobody may sign a visitor in or out from another site.
                if not is_safe and is_foreign(headers):
                    raise _foreign()
                return None
            authorization = headers.get("authorization")
            if authorization is None and not is_safe and not is_ours(headers) and _session_text(headers):
                raise _foreign()
            scope.setdefault("state", {})["actor"] = await _actor(scope["app"].state, headers, authorization)
        except SignalboxError as error:
            return _refused(error, path, headers, is_safe=is_safe)
        return None


async def _actor(state: Any, headers: Headers, authorization: str | None) -> Actor:
    thread: EngineThread = state.thread
    if authorization is None:
        return await asyncio.to_thread(thread.engine.sessions.actor_for_session, _session_text(headers))
    # Never on to the cookie: who shows a token is who the token says, or nobody.
    scheme, _, text = authorization.partition(" ")
    text = text.strip() if scheme.lower() == "bearer" else ""
    local: str | None = state.local_token
    if local and hmac.compare_digest(text.encode(), local.encode()):
        return COMMAND_LINE
    return await asyncio.to_thread(thread.engine.tokens.actor_for_token, text)


def _session_text(headers: Headers) -> str | None:
    return cookie_parser(headers.get("cookie", "")).get(COOKIE)


def _refused(error: SignalboxError, path: str, headers: Headers, *, is_safe: bool) -> Response:
    is_page = is_safe and not is_data(path) and path != METRICS and "text/html" in headers.get("accept", "")
    if isinstance(error, NotSignedIn) and is_page:
        return RedirectResponse("/login", status_code=303)
    return error_answer(error)


def is_data(path: str) -> bool:
    """Whether programs ask here: JSON only, never HTML or a redirect."""
    return path in ("/api", "/hooks") or path.startswith(("/api/", "/hooks/"))


def _foreign() -> NotAllowed:
    return NotAllowed(
        "This request did not come from a page of this Signalbox.",
        hint="In a browser, use Signalbox's own pages. Programs send `Authorization: Bearer sbx_…` instead of a cookie.",
    )
