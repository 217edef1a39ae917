"""Answers HEAD like GET, without the body (RFC 9110, 9.3.2): watchers and proxies ask that way."""

from __future__ import annotations

from starlette.types import ASGIApp, Message, Receive, Scope, Send


class Heads:
    """ASGI middleware; stands behind the gate."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "HEAD":
            await self._app(scope, receive, send)
            return

        async def send_without_body(message: Message) -> None:
            await send({**message, "body": b""} if message["type"] == "http.response.body" else message)

        # Without Accept: a stream of events, which may last for days, would keep whoever takes no body waiting.
        headers = [header for header in scope["headers"] if header[0] != b"accept"]
        await self._app({**scope, "method": "GET", "headers": headers}, receive, send_without_body)
