"""The one door to MCP servers: what they offer, and calls of what a person has allowed (docs/decisions/0033-mcp.md).

Web servers are called through the egress door. Programs are started here, and only those that the operator's file names. The official
client is imported when the first server is asked: its import takes seconds.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from engine.errors import AnswerRefused, Bug, HttpStatus, InDoubt, SignalboxError, ToolFailed, ToolUnusable, WebUnavailable
from engine.jsonvalue import JsonValue, dumps
from engine.operator_file import Program
from engine.schemas import problems_of
from engine.security.redact import Redactor
from engine.security.webcalls import WebRequest, WebStream
from engine.tools.offers import MOST_TOOLS, Offered, Pinned, offered, seen

if TYPE_CHECKING:
    import httpx2
    from mcp import Client
    from mcp_types import CallToolResult

MOST_BYTES = 5 * 1024 * 1024
"""Of one answer of a server."""
MOST_RESULT_BYTES = 1024 * 1024
MOST_PAGES = 50
CONNECT_S = 30.0
CALL_S = 60.0
IDLE_S = 300.0
"""A session that nobody has used for so long is closed."""
TOKEN, KEY = "signalbox/call", "signalbox/idempotency-key"
_LOST = frozenset({-32000, -32001})
"""Codes that the client makes up when a connection is gone or an answer does not come."""
T = TypeVar("T")


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


class McpServers:
    """Sessions with servers, one for each; used from the engine's loop only."""

    def __init__(self, door: Door, redactor: Redactor) -> None:
        self._door, self._redactor = door, redactor
        self._sessions: dict[tuple[str, str], _Session] = {}
        self._locks: dict[tuple[str, str], asyncio.Lock] = {}
        self._calls = 0

    async def look(self, place: Place) -> Offered:
        """What the server offers now, asked anew. WebUnavailable, EgressBlocked, HttpStatus, AnswerRefused, ConfigInvalid."""
        await self.forget(place.workspace_id, place.name)
        return await self._listed(await self._session(place))

    async def call(
        self, place: Place, pinned: Pinned, arguments: Mapping[str, Any], *, key: str, changed: Callable[[Offered], Awaitable[None]]
    ) -> JsonValue:
        """The result of one call, made only if the server still offers what was allowed; `changed` hears what it offers instead.

        ToolUnusable: it is another tool by now. ToolFailed: it says that it failed. AnswerRefused: what came back cannot be used.
        WebUnavailable: it can be called again. InDoubt: it may have happened and must not happen twice.
        """
        session, may_repeat = await self._session(place), pinned.effect in ("pure", "idempotent")
        # Asked before each call: a description that changes between two calls of one run must not slip through.
        now = await self._listed(session)
        if all(offer.digest != pinned.offer.digest for offer in now.tools):
            await changed(now)
            raise ToolUnusable(
                f"{place.name} describes its tool {pinned.offer.tool} in another way than when it was allowed.",
                hint="Look at the change in Settings, Tools, and allow it again, or keep it off.",
            )
        self._calls += 1
        meta = {TOKEN: str(self._calls), KEY: key}
        result = await session.called(pinned.offer.tool, dict(arguments), meta=meta, may_repeat=may_repeat)
        return self._value(place, pinned, result)

    async def forget(self, workspace_id: str, name: str) -> None:
        """Closes the session with a server that was changed or removed."""
        session = self._sessions.pop((workspace_id, name), None)
        if session is not None:
            await session.close()

    async def close(self) -> None:
        """Closes all sessions, and ends all programs."""
        for workspace_id, name in list(self._sessions):
            await self.forget(workspace_id, name)

    async def _session(self, place: Place) -> _Session:
        key = (place.workspace_id, place.name)
        async with self._locks.setdefault(key, asyncio.Lock()):
            session = self._sessions.get(key)
            if session is None or session.has_ended or session.place != place:
                await self.forget(*key)
                session = self._sessions[key] = _Session(place, self._door)
                await session.start()
            return session

    async def _listed(self, session: _Session) -> Offered:
        raw: list[dict[str, Any]] = []
        cursor: str | None = None
        for _ in range(MOST_PAGES):
            page = await session.asked(lambda client, at=cursor: client.list_tools(cursor=at, cache_mode="bypass"), CONNECT_S)
            raw += [tool.model_dump(by_alias=True, mode="json", exclude_none=True) for tool in page.tools]
            cursor = page.next_cursor
            if cursor is None or len(raw) > MOST_TOOLS:
                break
        if cursor is not None or len(raw) > MOST_TOOLS:
            raise AnswerRefused(f"{session.place.name} offers more than {MOST_TOOLS} tools.", hint="Use a server that offers fewer.")
        return self._blotted(offered(raw))

    def _blotted(self, found: Offered) -> Offered:
        told = [offer for offer in found.tools if self._redactor.value(offer.as_json()) == offer.as_json()]
        left = [f"{offer.tool} is left out: it repeats a secret." for offer in found.tools if offer not in told]
        return Offered(told, [*found.refused, *left])

    def _value(self, place: Place, pinned: Pinned, result: CallToolResult) -> JsonValue:
        texts = [seen(part.text) if part.type == "text" else f"[{part.type} left out: only text is read]" for part in result.content]
        if result.is_error:
            raise ToolFailed(self._redactor.value(f"{place.name} could not do it: {' '.join(texts)[:2_000] or 'it does not say why'}"))
        value: JsonValue = "\n".join(texts) if result.structured_content is None else result.structured_content
        if pinned.offer.output is not None and (problems := problems_of(value, pinned.offer.output)):
            raise _other_answer(place, pinned.offer.tool, f"{problems[0].path or 'the answer'}: {problems[0].message}")
        if (size := len(dumps(value))) > MOST_RESULT_BYTES:
            message = f"{place.name}: the result of {pinned.offer.tool} has {size:,} bytes, more than {MOST_RESULT_BYTES:,}."
            raise AnswerRefused(f"{message} The call itself was made.", hint="Ask it for less.")
        return self._redactor.value(value)


class _Session:
    """One connection. A task of its own opens and closes it, as the client wants it; others ask through it meanwhile."""

    def __init__(self, place: Place, door: Door) -> None:
        self.place = place
        self._wire = _Wire(place, door)
        self._stop = asyncio.Event()
        self._client: asyncio.Future[Client] = asyncio.get_running_loop().create_future()
        self._owner: asyncio.Task[None] | None = None
        self._used_at = 0.0
        self._fault: BaseException | None = None

    @property
    def has_ended(self) -> bool:
        """Whether the server, the connection or the program is gone, or nobody has used it for long."""
        now = asyncio.get_running_loop().time()
        return self._owner is None or self._owner.done() or now - self._used_at > IDLE_S

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

    async def close(self) -> None:
        """Gives the connection back."""
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
                await self._stop.wait()
        except Exception as error:
            # Whoever asks hears of it: a connection that ends is no defect of ours.
            self._fault = error

    async def asked(self, ask: Callable[[Client], Awaitable[T]], timeout_s: float, *, may_repeat: bool = True, token: str = "") -> T:
        """What the client answers, unless the connection ends or the time is up before. Raises what look and call raise."""
        from mcp import MCPError
        from pydantic import ValidationError

        owner = self._owner
        if owner is None:
            raise Bug("a session is asked before it has started")
        self._used_at = asyncio.get_running_loop().time()
        told = self._wire.told.setdefault(token, _Told())
        told.fault, told.status = None, 200
        asking = asyncio.ensure_future(ask(self._client.result()))  # noqa: TID251 - it is ended below, whatever happens
        try:
            await asyncio.wait({asking, owner}, timeout=timeout_s, return_when=asyncio.FIRST_COMPLETED)
            if asking.done():
                return asking.result()
        except MCPError as error:
            raise self._refused(told, error.code, error.message, may_repeat=may_repeat) from None
        except ValidationError:
            raise AnswerRefused(f"{self.place.name} answers with something that is not of its protocol.") from None
        finally:
            self._wire.told.pop(token, None)
            asking.cancel()
            await asyncio.wait({asking})
        if told.fault is not None:
            raise told.fault
        what = "ends in the middle of a call" if owner.done() else f"gives no answer within {timeout_s:g} s"
        raise self._lost(what, may_repeat=may_repeat)

    async def called(self, tool: str, arguments: dict[str, Any], *, meta: dict[str, Any], may_repeat: bool) -> CallToolResult:
        """The raw result of a tool."""
        self._wire.may_repeat[meta[TOKEN]] = may_repeat
        try:
            return await self.asked(
                lambda client: client.session.call_tool(tool, arguments, meta=meta),  # pyright: ignore[reportArgumentType]
                CALL_S,
                may_repeat=may_repeat,
                token=meta[TOKEN],
            )
        except RuntimeError as error:
            raise _other_answer(self.place, tool, str(error).splitlines()[0]) from None
        finally:
            self._wire.may_repeat.pop(meta[TOKEN], None)

    def _refused(self, told: _Told, code: int, message: str, *, may_repeat: bool) -> SignalboxError:
        if told.fault is not None:
            return told.fault
        if told.status >= 400:
            return self._status(told.status, message, may_repeat=may_repeat)
        if code in _LOST:
            return self._lost("broke off", may_repeat=may_repeat)
        return ToolFailed(f"{self.place.name} refuses: {seen(message)[:1_000]}")

    def _status(self, status: int, message: str, *, may_repeat: bool) -> SignalboxError:
        words = f"{self.place.name} answered with status {status}: {seen(message)[:500]}."
        if status in (502, 504) and not may_repeat:
            return InDoubt(words)
        hint = "Look at its address and its secret in Settings." if status in (401, 403, 404) else "Try again later."
        return WebUnavailable(words) if status in (429, 502, 503, 504) else HttpStatus(words, hint=hint, details={"status": status})

    def _broken(self, what: str) -> SignalboxError:
        told = self._wire.told.get("", _Told())
        if told.fault is not None:
            return told.fault
        if told.status >= 400:
            return self._status(told.status, "it does not greet as an MCP server does", may_repeat=True)
        hint = "Look at its address: it must speak MCP (Streamable HTTP)." if self.place.program is None else "Look at the operator's file."
        reason = f" ({type(self._fault).__name__})" if isinstance(self._fault, OSError) else ""
        return WebUnavailable(f"{self.place.name} {what}{reason}.", hint=hint)

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
    """By call; under an empty name, whatever else was sent last."""
    may_repeat: dict[str, bool] = field(default_factory=dict)

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
            self.may_repeat.get(token, True),
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


def _other_answer(place: Place, tool: str, what: str) -> AnswerRefused:
    message = f"{place.name}: {tool} does not answer what it says that it answers: {what[:500]}. The call itself was made."
    return AnswerRefused(message, hint="Tell whoever runs the server, or keep the tool off.")


def _client_of(place: Place, wire: _Wire) -> Client:
    """The official client, not connected yet. Blocks for the import."""
    import httpx2
    from mcp import Client, StdioServerParameters
    from mcp.client.streamable_http import streamable_http_client
    from mcp_types import Implementation

    about = Implementation(name="Signalbox", version="1")
    if place.program is not None:
        program, env = place.program, {name: value.get_secret_value() for name, value in place.program.env.items()}
        server = StdioServerParameters(command=program.command[0], args=program.command[1:], env=env, cwd=program.directory)
        return Client(server, client_info=about, cache=None)

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
