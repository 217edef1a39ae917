"""The outermost layer: security headers on every answer, and a JSON answer when something breaks."""

from __future__ import annotations

import logging

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.answers import bug_answer

log = logging.getLogger("signalbox.web")

ALWAYS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}
# Nothing foreign, no script at all: our pages are plain HTML and CSS.
PAGE_POLICY = (
    "default-src 'none'; style-src 'self'; font-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
DATA_POLICY = "default-src 'none'; frame-ancestors 'none'"


class Headers:
    """ASGI middleware."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = False

        async def send_with_headers(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                _complete(MutableHeaders(scope=message), is_https=_is_https(scope))
            await send(message)

        try:
            await self._app(scope, receive, send_with_headers)
        except Exception:  # the border: a defect is logged here with all details and told without them
            log.exception("%s %s met a defect", scope["method"], scope["path"])
            if started:
                raise
            await bug_answer()(scope, receive, send_with_headers)


def _complete(headers: MutableHeaders, *, is_https: bool) -> None:
    for name, value in ALWAYS.items():
        headers.setdefault(name, value)
    is_page = headers.get("content-type", "").startswith("text/html")
    headers.setdefault("Content-Security-Policy", PAGE_POLICY if is_page else DATA_POLICY)
    # Everything here belongs to whoever is signed in; only files of ours say otherwise.
    headers.setdefault("Cache-Control", "no-store")
    if is_https:
        headers.setdefault("Strict-Transport-Security", "max-age=31536000")


def _is_https(scope: Scope) -> bool:
    return scope.get("scheme") == "https"
