"""The web UI beside the API: the built pages, and the one connection over which a page talks to its State."""

from __future__ import annotations

import base64
import hashlib
import logging
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any, Protocol

from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.responses import HTMLResponse
from starlette.types import Message, Receive, Scope, Send

from app.connection import Guarded
from app.door.markup import page
from app.gate import is_data
from app.ui import reflex_inside
from engine import EngineThread

log = logging.getLogger("signalbox.web")
ROOT = Path(__file__).resolve().parent.parent
BUILT = ROOT / "build" / "web-ui"
_INLINE = re.compile(rb"<script(?![^>]*\ssrc=)[^>]*>(.*?)</script>", re.DOTALL)
# The pages' own scripts are named by their hashes; eval stays forbidden, so a State cannot send a page code to run.
POLICY = (
    "default-src 'none'; script-src 'self'{hashes}; style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
NOT_BUILT = (
    "<h1>The pages are not built yet</h1><p>The engine and its API work. <code>./signalbox up</code> builds the pages when it starts; "
    "without a start: <code>scripts/build</code></p>"
)


class WebUi(Protocol):
    """What answers every address that the API does not have."""

    def lifespan(self) -> Any:
        """Runs as long as the server."""
        ...

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request or holds one connection."""
        ...


class NotBuilt:
    """Stands in for pages that nobody has built."""

    @asynccontextmanager
    async def lifespan(self) -> AsyncIterator[None]:
        """Nothing runs."""
        yield

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One sentence at the place of Home, and nothing anywhere else."""
        if scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
            return
        if scope["path"] != "/" or scope["method"] not in ("GET", "HEAD"):
            raise HTTPException(404)
        await HTMLResponse(page("Not built", NOT_BUILT))(scope, receive, send)


class Pages:
    """The built pages, over Reflex."""

    def __init__(self, thread: EngineThread, *, built: Path = BUILT) -> None:
        self._app, self._reflex = reflex_inside.load(ROOT, built)
        from app.ui.actions import serve_with

        serve_with(thread)
        self._client = built / "client"
        self._files = reflex_inside.Files(self._app, self._client)
        self._connection = Guarded(self._reflex, thread)

    @asynccontextmanager
    async def lifespan(self) -> AsyncIterator[None]:
        """Runs Reflex's own tasks."""
        async with reflex_inside.running(self._app, self._reflex):
            yield

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The connection, or a file; of Reflex's own routes nothing can be reached."""
        if scope["type"] == "websocket":
            await self._connection(scope, receive, send)
        elif is_data(scope["path"]):
            raise HTTPException(404)
        else:
            await self._files(scope, receive, _Told(self._client, scope, send))


def prepare(built: Path = BUILT) -> None:
    """Loads Reflex and the pages; Reflex wants another working directory for a moment, so the engine must have an absolute home by then."""
    if _is_built(built):
        reflex_inside.load(ROOT, built)


def _is_built(built: Path) -> bool:
    return (built / "client" / "index.html").is_file()


class _Told:
    """Completes an answer: how long it may be kept, and which scripts its page may run."""

    def __init__(self, client: Path, scope: Scope, send: Send) -> None:
        self._client, self._scope, self._send = client, scope, send

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            if headers.get("content-type", "").startswith("text/html"):
                headers["Content-Security-Policy"] = _policy(self._client, (self._client / "index.html").stat().st_mtime_ns)
            # The names of these files change with their content.
            elif self._scope["path"].startswith("/assets/") and message["status"] == 200:
                headers["Cache-Control"] = "private, max-age=31536000, immutable"
            elif message["status"] in (200, 304):
                headers["Cache-Control"] = "private, no-cache"
        await self._send(message)


@lru_cache(maxsize=2)
def _policy(client: Path, _built_at: int) -> str:
    found = {script for file in client.rglob("*.html") for script in _INLINE.findall(file.read_bytes())}
    hashes = sorted(base64.b64encode(hashlib.sha256(script).digest()).decode() for script in found)
    return POLICY.format(hashes="".join(f" 'sha256-{value}'" for value in hashes))


def web_ui(thread: EngineThread) -> WebUi:
    """The pages, if they are built."""
    if _is_built(BUILT):
        return Pages(thread)
    log.warning("the web UI is not built: scripts/build")
    return NotBuilt()
