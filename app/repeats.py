"""A request that is sent twice with one `Idempotency-Key` happens once; the second gets the first answer."""

from __future__ import annotations

import asyncio
import hashlib
import re
from collections import OrderedDict
from typing import Any
from urllib.parse import parse_qsl, urlencode
from weakref import WeakValueDictionary

from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.answers import error_answer
from app.gate import is_data
from engine import Actor, Conflict, Invalid, SignalboxError

HEADER = "idempotency-key"
HOLDS_SECRET = "holds_secret"
"""Set in a request's state by whoever answers with a secret."""
_KEY = re.compile(r"[!-~]{1,255}")
KEPT_SECRETS = 1000
SHOWN_ONCE = "shown once"
"""Kept in the database in place of an answer that holds a secret."""
# Such an answer says nothing about the request itself: it may be tried again with the same key.
FORGOTTEN = frozenset({401, 403, 413, 429})


class Repeats:
    """ASGI middleware for POST; stands behind the gate and behind the body."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._locks: WeakValueDictionary[tuple[str, str], asyncio.Lock] = WeakValueDictionary()
        # A token that was just made is in nobody's database: its answer is repeated only as long as this process lives.
        self._secrets: OrderedDict[tuple[str, str], str] = OrderedDict()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        key = Headers(scope=scope).get(HEADER) if scope["type"] == "http" else None
        if key is None or scope["method"] != "POST" or not is_data(scope["path"]):
            await self._app(scope, receive, send)
            return
        answer = _Answer()
        try:
            if not _KEY.fullmatch(key):
                raise _bad_key()
            actor: Actor = scope["state"]["actor"]
            # One at a time: the second request of a pair waits here, then finds the first one's answer.
            lock = self._locks.setdefault((actor.label, key), asyncio.Lock())
            async with lock:
                answer = await self._once(scope, receive, actor, key)
        except SignalboxError as error:
            await error_answer(error)(scope, receive, send)
            return
        await answer.pass_on(scope, receive, send)

    async def _once(self, scope: Scope, receive: Receive, actor: Actor, key: str) -> _Answer:
        store = scope["app"].state.thread.engine.idempotency
        stored = await asyncio.to_thread(store.begin, actor, key, _request_hash(scope))
        if stored is not None:
            return _Answer.repeated(stored.status, self._told_again(actor, key, stored.body))
        answer = _Answer()
        try:
            await self._app(scope, receive, answer.take)
        except Exception:  # whatever it was is raised again; but the same request may be sent again
            await asyncio.to_thread(store.forget, actor, key)
            raise
        if answer.status >= 500 or answer.status in FORGOTTEN:
            await asyncio.to_thread(store.forget, actor, key)
        else:
            # Kept before it is sent: a caller that saw the answer can rely on getting it again.
            await asyncio.to_thread(store.finish, actor, key, answer.status, self._kept(scope, actor, key, answer))
        return answer

    def _kept(self, scope: Scope, actor: Actor, key: str, answer: _Answer) -> str:
        body = bytes(answer.body).decode()
        if not scope["state"].get(HOLDS_SECRET):
            return body
        self._secrets[actor.label, key] = body
        while len(self._secrets) > KEPT_SECRETS:
            self._secrets.popitem(last=False)
        return SHOWN_ONCE

    def _told_again(self, actor: Actor, key: str, body: str) -> str:
        if body != SHOWN_ONCE:
            return body
        if (kept := self._secrets.get((actor.label, key))) is not None:
            return kept
        raise Conflict(
            "This request was carried out, but its answer held a secret that is shown only once.",
            hint="Revoke what it made, and make another one with a new Idempotency-Key.",
        )


class _Answer:
    """An answer held back until it is kept."""

    def __init__(self) -> None:
        self.status = 500
        self.headers: list[tuple[bytes, bytes]] = []
        self.body = bytearray()

    @classmethod
    def repeated(cls, status: int, body: str) -> _Answer:
        answer = cls()
        answer.status, answer.body = status, bytearray(body.encode())
        answer.headers = [(b"content-type", b"application/json"), (b"idempotency-replayed", b"true")]
        return answer

    async def take(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status, self.headers = message["status"], list(message.get("headers", []))
        elif message["type"] == "http.response.body":
            self.body += message.get("body", b"")

    async def pass_on(self, scope: Scope, receive: Receive, send: Send) -> None:
        response = Response(bytes(self.body), status_code=self.status)
        response.raw_headers = [h for h in self.headers if h[0] != b"content-length"]
        response.headers["content-length"] = str(len(self.body))
        await response(scope, receive, send)


def _request_hash(scope: Scope) -> str:
    # How long the caller is ready to wait is not part of what it asks for.
    query = [pair for pair in parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True) if pair[0] != "wait"]
    body: Any = scope["state"].get("body", b"")
    return hashlib.sha256(f"{scope['path']}\0{urlencode(query)}\0".encode("utf-8", "surrogateescape") + body).hexdigest()


def _bad_key() -> Invalid:
    message = "The key is 1 to 255 visible ASCII characters."
    return Invalid(
        f"Idempotency-Key: {message}",
        hint="Use a fresh UUID for each request.",
        details={"problems": [{"field": "Idempotency-Key", "message": message}]},
    )
