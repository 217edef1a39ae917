"""Takes the body in before anything else works on the request: at most 10 MB, whatever the headers claim."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.answers import error_answer
from engine import TooLarge

MAX_BYTES = 10 * 1024 * 1024
DRAIN_BYTES = 64 * 1024 * 1024
DROP_S = 10.0
METHODS = frozenset({"POST", "PUT", "PATCH", "DELETE"})


class Bodies:
    """ASGI middleware; leaves the whole body in `scope["state"]["body"]`."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] not in METHODS:
            await self._app(scope, receive, send)
            return
        body = await _read(receive, claimed=Headers(scope=scope).get("content-length", ""))
        if body is None:
            await error_answer(TooLarge(hint="Send at most 10 MB."))(scope, receive, send)
            return
        scope.setdefault("state", {})["body"] = body
        await self._app(scope, _again(body, receive), send)


async def _read(receive: Receive, *, claimed: str) -> bytes | None:
    if claimed.isdigit() and int(claimed) > DRAIN_BYTES:
        return None
    parts: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return b"".join(parts)
        part = message.get("body", b"")
        size += len(part)
        if size <= MAX_BYTES:
            parts.append(part)
        else:
            # Read on and drop it: a caller that is still sending would else see a broken connection, not the answer.
            parts.clear()
        if not message.get("more_body") or size > DRAIN_BYTES:
            return b"".join(parts) if size <= MAX_BYTES else None


async def drop(receive: Receive) -> None:
    """Reads a body on and forgets it, within bounds: a caller that is still sending would else see no answer at all."""
    size = 0
    with suppress(TimeoutError):
        async with asyncio.timeout(DROP_S):
            while size <= DRAIN_BYTES:
                message = await receive()
                size += len(message.get("body", b""))
                if message["type"] == "http.disconnect" or not message.get("more_body"):
                    return


def _again(body: bytes, receive: Receive) -> Receive:
    is_told = False

    async def replay() -> Message:
        nonlocal is_told
        if is_told:
            return await receive()
        is_told = True
        return {"type": "http.request", "body": body, "more_body": False}

    return replay
