"""One page's connection: it carries events only as long as the session it was opened with holds."""

from __future__ import annotations

import asyncio
import time

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.gate import COOKIE
from app.ui import reflex_inside
from engine import EngineThread, NotSignedIn, SignalboxError

TRUSTED_S = 1.0
"""So long a session is taken to hold after it was looked up; every action looks it up again for itself."""
ENDED = 4401


class Guarded:
    """ASGI application for the websocket; the gate has let it in, so the session held when it was opened."""

    def __init__(self, app: ASGIApp, thread: EngineThread) -> None:
        self._app, self._thread = app, thread

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        session = reflex_inside.cookies_of(scope).get(COOKIE, "")
        if not reflex_inside.is_socket(scope) or not session:
            await receive()
            await send({"type": "websocket.close", "code": 1008})
            return
        looked_at = time.monotonic()
        has_ended = False

        async def receive_while_signed_in() -> Message:
            nonlocal looked_at, has_ended
            message = await receive()
            if message["type"] != "websocket.receive" or time.monotonic() - looked_at < TRUSTED_S:
                return message
            if await self._holds(session):
                looked_at = time.monotonic()
                return message
            # The message is dropped: what was sent after the session ended is nobody's wish.
            has_ended = True
            await send({"type": "websocket.close", "code": ENDED})
            return {"type": "websocket.disconnect", "code": ENDED}

        async def send_while_open(message: Message) -> None:
            if not has_ended:
                await send(message)

        await self._app(reflex_inside.client_of(scope, session), receive_while_signed_in, send_while_open)

    async def _holds(self, session: str) -> bool:
        try:
            await asyncio.to_thread(self._thread.engine.sessions.actor_for_session, session)
        except NotSignedIn:
            return False
        except SignalboxError:
            # The database does not answer: the action itself will say so.
            return True
        return True
