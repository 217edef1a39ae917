"""The one door to the MCP client: a session with one server, over the egress door or with a program that is started here.

Programs are those that the operator's file names (docs/decisions/0033-mcp.md). The official client is imported when the first server is
asked: its import takes seconds.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from engine.errors import AnswerRefused, Bug, ConfigInvalid, EgressBlocked, HttpStatus, InDoubt, SignalboxError, ToolFailed, WebUnavailable
from engine.operator_file import Program
from engine.security.redact import Redactor
from engine.security.webcalls import WebRequest, WebStream
from engine.tools.offers import seen

if TYPE_CHECKING:
    import httpx2
    from mcp import Client
    from mcp_types import CallToolResult, ListToolsResult

MOST_BYTES = 5 * 1024 * 1024
"""Of one answer of a server."""
CONNECT_S = 30.0
CALL_S = 60.0
IDLE_S = 300.0
"""A session that nobody has used for so long is closed, and its program ended."""
TOKEN, KEY = "signalbox/call", "signalbox/idempotency-key"
_LOST = frozenset({-32000, -32001})
"""Codes that the client makes up when a connection is gone or an answer does not come."""
_UNREADABLE = frozenset({-32700, -32600})
"""Codes that it makes up for an answer that it cannot read; no answer to what we send, which is well-formed."""
T = TypeVar("T")
Ask = Callable[["Client", dict[str, Any]], Awaitable[T]]
"""Asks through a connected client; the meta goes along."""


class Door(Protocol):
    """The egress door."""

    async def open(self, request: WebRequest, *, most_bytes: int) -> WebStream:
        """An answer that is read as it comes."""
        ...


@dataclass(frozen=True, slots=True)
class Place:
    """Where a server is: at an address, or a program of the operator's file."""

    workspace_id: str
    name: str
    url: str = ""
    secret: str = ""
    program: Program | None = None


@dataclass(slots=True)
class _Told:
    """What one request on the wire came to, where the client does not tell."""

    fault: SignalboxError | None = None
    status: int = 200
    may_repeat: bool = True


class McpSession:
    """One connection. A task of its own opens and closes it, as the client wants it; others ask through it meanwhile."""

    def __init__(self, place: Place, door: Door, redactor: Redactor) -> None:
        self.place, self._redactor = place, redactor
        self._wire = _Wire(place, door)
        self._stop = asyncio.Event()
        self._client: asyncio.Future[Client] = asyncio.get_running_loop().create_future()
        self._owner: asyncio.Task[None] | None = None
        self._asking = self._marks = 0
        self._used_at = 0.0
        self._is_leaving = False
        self._fault: BaseException | None = None

    @property
    def is_over(self) -> bool:
        """Whether nothing of it is left."""
        return self._owner is None or self._owner.done()

    @property
    def has_ended(self) -> bool:
        """Whether the server, the connection or the program is gone, or it is on its way out."""
        return self.is_over or self._is_leaving or self._stop.is_set()

    async def start(self) -> None:
        """Connects. Raises what look raises."""
        self._used_at = asyncio.get_running_loop().time()
        # It outlives whoever asks first; `close` ends it.
        self._owner = asyncio.create_task(self._own(), name=f"mcp {self.place.name}")  # noqa: TID251
        await asyncio.wait({self._owner, self._client}, timeout=CONNECT_S, return_when=asyncio.FIRST_COMPLETED)
        if not self._client.done():
            ended = self._owner.done()
            await self.close()
            raise self._broken("ends before it says anything" if ended else f"does not greet within {CONNECT_S:g} s")

    def leave(self) -> None:
        """Ends once nobody is being answered any more: what is under way comes to its end."""
        self._is_leaving = True
        if not self._asking:
            self._stop.set()

    async def close(self) -> None:
        """Ends now."""
        self._stop.set()
        if self._owner is not None:
            done, _ = await asyncio.wait({self._owner}, timeout=10)
            if not done:
                self._owner.cancel()
                await asyncio.wait({self._owner})
        self._client.cancel()

    async def _own(self) -> None:
        try:
            client = await asyncio.to_thread(_client_of, self.place, self._wire)
            async with client:
                self._client.set_result(client)
                while not await self._is_time_to_stop():
                    pass
        except Exception as error:
            # Whoever asks hears of it: a connection that ends is no defect of ours.
            self._fault = error

    async def _is_time_to_stop(self) -> bool:
        try:
            await asyncio.wait_for(self._stop.wait(), IDLE_S)
        except TimeoutError:
            if self._asking == 0 and asyncio.get_running_loop().time() - self._used_at >= IDLE_S:
                self._is_leaving = True
        return self._stop.is_set() or (self._is_leaving and self._asking == 0)

    async def asked(self, ask: Ask[T], timeout_s: float, *, key: str = "", may_repeat: bool = True) -> T:
        """What the client answers, unless the connection ends or the time is up before. Raises what look and call raise."""
        from mcp import MCPError
        from pydantic import ValidationError

        owner = self._owner
        if owner is None:
            raise Bug("a session is asked before it has started")
        with self._under_way(may_repeat=may_repeat) as (token, told):
            meta = {TOKEN: token} | ({KEY: key} if key else {})
            asking = asyncio.ensure_future(ask(self._client.result(), meta))  # noqa: TID251 - it is ended below, whatever happens
            try:
                await asyncio.wait({asking, owner}, timeout=timeout_s, return_when=asyncio.FIRST_COMPLETED)
                if asking.done():
                    return asking.result()
            except MCPError as error:
                raise self._refused(told, error.code, error.message, may_repeat=may_repeat) from None
            except ValidationError:
                raise AnswerRefused(f"{self.place.name} answers with something that is not of its protocol.") from None
            finally:
                asking.cancel()
                await asyncio.wait({asking})
            if told.fault is not None:
                raise told.fault
            what = "ends in the middle of a call" if owner.done() else f"gives no answer within {timeout_s:g} s"
            raise self._lost(what, may_repeat=may_repeat)

    @contextmanager
    def _under_way(self, *, may_repeat: bool) -> Iterator[tuple[str, _Told]]:
        """A mark for one request, and what the wire tells of it."""
        self._marks += 1
        token, told = str(self._marks), _Told(may_repeat=may_repeat)
        self._wire.told[token] = told
        self._asking += 1
        try:
            yield token, told
        finally:
            del self._wire.told[token]
            self._asking -= 1
            self._used_at = asyncio.get_running_loop().time()
            if self._is_leaving and not self._asking:
                self._stop.set()

    async def page(self, cursor: str | None) -> ListToolsResult:
        """One page of what is offered, never from a store of the client's."""

        async def ask(client: Client, meta: dict[str, Any]) -> ListToolsResult:
            return await client.list_tools(cursor=cursor, meta=meta, cache_mode="bypass")  # pyright: ignore[reportArgumentType]

        return await self.asked(ask, CONNECT_S)

    async def called(self, tool: str, arguments: dict[str, Any], *, key: str, may_repeat: bool) -> CallToolResult:
        """The raw result of a tool."""

        async def ask(client: Client, meta: dict[str, Any]) -> CallToolResult:
            return await client.session.call_tool(tool, arguments, meta=meta)  # pyright: ignore[reportArgumentType]

        try:
            return await self.asked(ask, CALL_S, key=key, may_repeat=may_repeat)
        except RuntimeError as error:
            # The client has read the answer, and it does not fit what the server says of it.
            raise other_answer(self.place, tool, self._redactor.value(seen(str(error).splitlines()[0]))) from None

    def _refused(self, told: _Told, code: int, message: str, *, may_repeat: bool) -> SignalboxError:
        if told.fault is not None:
            return told.fault
        message = self._redactor.value(seen(message))
        if told.status >= 400:
            return self._status(told.status, message, may_repeat=may_repeat)
        if told.status >= 300:
            return EgressBlocked(
                f"{self.place.name} leads on to another address, which is not followed.", hint="Enter that address itself."
            )
        if code in _LOST:
            return self._lost("broke off", may_repeat=may_repeat)
        if code in _UNREADABLE:
            done = "" if may_repeat else " The call itself was made."
            return AnswerRefused(f"{self.place.name} answers with something that is not of its protocol: {message[:300]}.{done}")
        return ToolFailed(f"{self.place.name} refuses: {message[:1_000]}")

    def _status(self, status: int, message: str, *, may_repeat: bool) -> SignalboxError:
        words, details = f"{self.place.name} answered with status {status}: {message[:500]}.", {"status": status}
        # As for calls of steps (docs/decisions/0029-egress.md).
        if status in (425, 429) or (status in (408, 502, 503, 504) and may_repeat):
            return WebUnavailable(words, details=details)
        if status in (502, 504):
            return InDoubt(f"{words} The call may have got there all the same.", details=details)
        hint = "Look at its address and its secret in Settings." if status in (401, 403, 404) else "Ask whoever runs the server."
        return HttpStatus(words, hint=hint, details=details)

    def _broken(self, what: str) -> SignalboxError:
        told = self._wire.told.get("", _Told())
        if isinstance(fault := told.fault or self._fault, SignalboxError):
            return fault
        if 300 <= told.status < 400:
            return self._refused(told, 0, "", may_repeat=True)
        if told.status >= 400:
            return self._status(told.status, "it does not greet as an MCP server does", may_repeat=True)
        if self.place.program is not None:
            return WebUnavailable(
                f"{self.place.name} {what}.", hint="Look at the operator's file, and at what the program writes to the log."
            )
        what = "does not answer as an MCP server does" if self._fault is not None else what
        return WebUnavailable(f"{self.place.name} {what}.", hint="Look at its address: it must speak MCP (Streamable HTTP).")

    def _lost(self, what: str, *, may_repeat: bool) -> SignalboxError:
        if may_repeat:
            return WebUnavailable(f"{self.place.name} {what}.")
        return InDoubt(f"{self.place.name} {what}, after the call was sent.")


@dataclass(slots=True)
class _Wire:
    """Carries the client's requests through the egress door, and remembers what the client does not pass on."""

    place: Place
    door: Door
    told: dict[str, _Told] = field(default_factory=dict)
    """By mark; under an empty one, whatever else was sent last."""

    async def send(self, method: str, url: str, headers: Mapping[str, str], body: bytes) -> WebStream:
        """One request. SignalboxError, noted too."""
        token = _token_in(body)
        told = self.told.setdefault(token, _Told())
        request = WebRequest(
            method,
            url,
            {name: value for name, value in headers.items() if name in _SENT or name.startswith("mcp-")},
            body or None,
            self.place.secret,
            told.may_repeat,
            CALL_S,
        )
        try:
            opened = await self.door.open(request, most_bytes=MOST_BYTES)
        except SignalboxError as error:
            told.fault = error
            raise
        told.status = opened.status
        return WebStream(opened.status, opened.headers, self._noted(opened.chunks, told), opened.close)

    @staticmethod
    async def _noted(chunks: AsyncIterator[bytes], told: _Told) -> AsyncIterator[bytes]:
        try:
            async for chunk in chunks:
                yield chunk
        except SignalboxError as error:
            told.fault = error
            raise


_SENT = frozenset({"accept", "content-type", "last-event-id"})


def _token_in(body: bytes) -> str:
    try:
        return str(json.loads(body)["params"]["_meta"][TOKEN])
    except (ValueError, KeyError, TypeError):
        return ""


def other_answer(place: Place, tool: str, what: str) -> AnswerRefused:
    """Of a tool that lies about its schema."""
    message = f"{place.name}: {tool} does not answer what it says that it answers: {what[:500]}. The call itself was made."
    return AnswerRefused(message, hint="Tell whoever runs the server, or keep the tool off.")


def _client_of(place: Place, wire: _Wire) -> Client:
    """The official client, not connected yet. Blocks for the import."""
    import httpx2
    from mcp import Client, StdioServerParameters
    from mcp.client.streamable_http import streamable_http_client
    from mcp_types import Implementation

    # They would write down what comes back and where a call goes, secrets among it.
    for name in ("mcp", "httpx2", "httpcore2"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    about = Implementation(name="Signalbox", version="1")
    if place.program is not None:
        return Client(StdioServerParameters(**_started(place.name, place.program)), client_info=about, cache=None)

    class Through(httpx2.AsyncBaseTransport):
        """The client's transport: ours."""

        async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
            if request.method == "GET" and "last-event-id" not in request.headers:
                # Nobody listens for what a server says unasked: every call asks what is offered.
                return httpx2.Response(405, request=request)
            try:
                opened = await wire.send(request.method, str(request.url), request.headers, await request.aread())
            except SignalboxError as error:
                raise httpx2.ConnectError(error.message, request=request) from None
            return httpx2.Response(opened.status, headers=opened.headers, stream=Body(opened), request=request)

    class Body(httpx2.AsyncByteStream):
        """An answer as it comes."""

        def __init__(self, opened: WebStream) -> None:
            self._opened = opened

        async def __aiter__(self) -> AsyncIterator[bytes]:
            try:
                async for chunk in self._opened.chunks:
                    yield chunk
            except SignalboxError as error:
                raise httpx2.ReadError(error.message) from None

        async def aclose(self) -> None:
            await self._opened.close()

    http = httpx2.AsyncClient(transport=Through(), trust_env=False)
    return Client(streamable_http_client(place.url, http_client=http), client_info=about, cache=None)


def _started(name: str, program: Program) -> dict[str, Any]:
    """How the client starts a program. ConfigInvalid if there is no such program."""
    command, path = program.command[0], os.environ.get("PATH", os.defpath)
    if shutil.which(command, path=path) is None and not ("/" in command and (program.directory or Path()).joinpath(command).is_file()):
        raise ConfigInvalid(f"{name} cannot be started: there is no program {command}.", hint="Correct the operator's file.")
    env = {key: value.get_secret_value() for key, value in program.env.items()}
    # The client hands these on beside PATH and HOME; the values of `env` are secrets and stand on no command line.
    hidden = [part for key in ("LOGNAME", "SHELL", "TERM", "USER") if key not in env for part in ("-u", key)]
    return {"command": "env", "args": [*hidden, *program.command], "env": env, "cwd": program.directory}
