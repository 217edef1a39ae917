"""The one door to the network for calls that workflows make (docs/decisions/0029-egress.md).

It looks the host up, checks every address behind it and connects to the checked address itself, at each redirect anew. Secrets
are opened here and nowhere else, go only to the hosts that they are for, and are blotted out of whatever comes back.
"""

from __future__ import annotations

import asyncio
import logging
import re
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from ipaddress import ip_address
from typing import Any, Protocol

import httpx

from engine.clock import Clock
from engine.errors import AnswerRefused, ConfigInvalid, EgressBlocked, HttpStatus, InDoubt, SignalboxError, WebUnavailable
from engine.jsonvalue import dumps
from engine.security.addresses import Address
from engine.security.destinations import ALLOW, Destination, HostPattern, checked, destination, is_allowed, open_port, pattern
from engine.security.redact import Redactor
from engine.security.webbodies import ENCODINGS, read, value_of
from engine.security.webcalls import WebAnswer, WebRequest, WebStream
from engine.security.webheaders import checked_headers

MOST_REDIRECTS = 5
MOST_URL = 8_192
MOST_SENT = 5 * 1024 * 1024
MOST_TRIED = 3
"""Addresses of one host that are tried."""
CONNECT_S = 10.0
_EXCERPT = 500
_MOST_WAIT_S = 3_600.0
_LEFT_OUT = frozenset({"set-cookie", "set-cookie2", "content-encoding", "transfer-encoding", "connection", "keep-alive"})
"""Of an answer: cookies are somebody's keys, the others are about the connection."""
_STAYS = frozenset({"accept", "accept-language", "content-type", "user-agent"})
"""All that goes along to another host."""
_AGAIN = frozenset({408, 425, 429, 502, 503, 504})
_REFUSED = frozenset({425, 429})
"""Said by a server that has not done it."""
_LOST_BEHIND = frozenset({502, 504})
"""Said by something between us and the server, which may have done it all the same."""

Resolve = Callable[[str, int], Awaitable[Sequence[Address]]]


@dataclass(frozen=True, slots=True)
class Grant:
    """An opened secret and what it may be used for; lives only as long as the call."""

    value: str = field(repr=False)
    hosts: tuple[HostPattern, ...]
    header: str = ""
    """The header that carries it as it is; empty: `Authorization: Bearer …`."""


class Secrets(Protocol):
    """Opens secrets by their names."""

    def grant(self, name: str) -> Grant | None:
        """The secret, None if there is none of that name. ConfigInvalid if it cannot be opened."""
        ...


@dataclass(slots=True)
class _Call:
    """How far a call has come."""

    request: WebRequest
    grant: Grant | None = None
    has_sent: bool = False
    """Whether any server has heard of it."""
    is_streamed: bool = False
    """Whether the body is read by somebody else, who wants it plain."""


@dataclass(frozen=True, slots=True)
class _Hop:
    """One request on the wire."""

    place: Destination
    target: bytes
    url: httpx.URL
    method: str
    headers: dict[str, str]
    body: bytes | None
    has_secret: bool


async def looked_up(host: str, port: int) -> list[Address]:
    """The addresses of a host, as this machine finds them. OSError if there are none."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [ip_address(entry[4][0]) for entry in dict.fromkeys(found)]


class Egress:
    """Makes calls for workflows. Safe from any number of tasks of one loop; keeps neither connections nor cookies."""

    def __init__(
        self, secrets: Secrets, *, redactor: Redactor, clock: Clock, allow: Sequence[str] = (), resolve: Resolve = looked_up
    ) -> None:  # fmt: skip
        self._secrets, self._redactor, self._clock, self._resolve = secrets, redactor, clock, resolve
        try:
            self._allowed = tuple(pattern(entry, has_star=False) for entry in allow)
        except ValueError as error:
            raise ConfigInvalid(f"{ALLOW}: {error}.", hint=f"Correct {ALLOW}, then start again.") from None
        self._tls: ssl.SSLContext | None = None
        # At DEBUG it would write down every header that comes back.
        logging.getLogger("httpcore").setLevel(logging.WARNING)

    async def send(self, request: WebRequest) -> WebAnswer:
        """The answer, its status below 400.

        EgressBlocked: it is not allowed. WebUnavailable: it can be tried again. HttpStatus: any other status from 400 on.
        InDoubt: it may have happened and must not happen twice. AnswerRefused, ConfigInvalid.
        """
        call = _Call(request)
        try:
            async with asyncio.timeout(request.timeout_s):
                return await self._follow(call, self._first(call))
        except (SignalboxError, TimeoutError, httpx.HTTPError) as error:
            fault = self._fault(call, error)
        # Raised outside the handler: the library's error holds the request with its headers, and is not even the context of ours.
        raise fault

    async def open(self, request: WebRequest, *, most_bytes: int) -> WebStream:
        """An answer that is read as it comes, whatever its status; where it leads on is told and not followed. Raises as `send`."""
        call = _Call(request, is_streamed=True)
        try:
            async with asyncio.timeout(request.timeout_s), AsyncExitStack() as held:
                hop = self._first(call)
                addresses = await self._addresses(call, hop.place)
                transport = httpx.AsyncHTTPTransport(verify=self._context(hop.place), trust_env=False, retries=0)
                await held.enter_async_context(transport)
                response = await self._connected(call, transport, hop, addresses)
                held.push_async_callback(response.aclose)
                # From here on it is the caller's to close; what fails or is given up before leaves no connection open.
                opened = held.pop_all()
        except (SignalboxError, TimeoutError, httpx.HTTPError) as error:
            fault = self._fault(call, error)
        else:
            headers = {name: value for name, value in response.headers.items() if name not in _LEFT_OUT - {"content-encoding"}}
            return WebStream(response.status_code, headers, self._chunks(call, response, most_bytes), opened.aclose)
        raise fault

    async def _chunks(self, call: _Call, response: httpx.Response, most_bytes: int) -> AsyncIterator[bytes]:
        left, fault = most_bytes, None
        if response.headers.get("content-encoding", "identity").lower() != "identity":
            raise AnswerRefused("The answer is packed, although plain text was asked for.")
        try:
            async for chunk in response.aiter_raw():
                left -= len(chunk)
                if left < 0:
                    raise AnswerRefused(f"The answer is longer than {most_bytes:,} bytes.")
                yield chunk
        except httpx.HTTPError as error:
            fault = self._fault(call, error)
        if fault is not None:
            raise fault

    def _fault(self, call: _Call, error: Exception) -> SignalboxError:
        match error:
            case SignalboxError():
                return error
            case TimeoutError():
                return self._lost(call, f"gave no whole answer within {call.request.timeout_s:g} s")
            case httpx.TimeoutException():
                return self._lost(call, "did not answer in time")
            case _:
                is_false = "CERTIFICATE_VERIFY_FAILED" in str(error)
                return self._lost(call, "shows a certificate that is not its own" if is_false else f"broke off ({type(error).__name__})")

    # What is sent

    def _first(self, call: _Call) -> _Hop:
        request = call.request
        place, url = _parsed(request.url)
        open_port(place, self._allowed)
        headers = checked_headers(request.headers)
        if request.body is not None and len(request.body) > MOST_SENT:
            raise ConfigInvalid(f"More than {MOST_SENT // 1024:,} kB would be sent.", hint="Send less.")
        if request.secret:
            call.grant = self._granted(request.secret, place)
            if (name := call.grant.header or "authorization").lower() in headers:
                raise ConfigInvalid(f"Both the secret and the step set the header {name}.", hint="Remove the header from the step.")
        return _Hop(place, url.raw_path, url, request.method, headers, request.body, call.grant is not None)

    def _granted(self, name: str, place: Destination) -> Grant:
        grant = self._secrets.grant(name)
        if grant is None:
            raise ConfigInvalid(f"There is no secret called `{name[:80]}`.", hint="Store it in Settings, or choose another one.")
        self._redactor.know([grant.value, *(part for part in grant.value.split() if len(part) >= 8)])
        if not any(host.matches(place) for host in grant.hosts):
            what = f"is for {', '.join(map(str, grant.hosts))} only" if grant.hosts else "names no host that it may go to"
            hint = "Store it again in Settings with the hosts that it is for."
            raise EgressBlocked(f"{place.name} was not called: the secret `{name}` {what}.", hint=hint)
        if place.scheme != "https" and not is_allowed(place, self._allowed):
            message = f"{place.name} was not called: over http anybody on the way could read the secret `{name}`."
            raise EgressBlocked(message, hint="Use https.")
        return grant

    async def _follow(self, call: _Call, hop: _Hop) -> WebAnswer:
        for _ in range(MOST_REDIRECTS + 1):
            addresses = await self._addresses(call, hop.place)
            transport = httpx.AsyncHTTPTransport(verify=self._context(hop.place), trust_env=False, retries=0)
            async with transport:
                response = await self._connected(call, transport, hop, addresses)
                try:
                    location = response.headers.get("location")
                    if response.status_code not in (301, 302, 303, 307, 308) or location is None:
                        return await self._answer(call, hop, response)
                    hop = self._next(hop, response.status_code, location)
                finally:
                    await response.aclose()
        raise EgressBlocked(
            f"{hop.place.name} leads on and on: more than {MOST_REDIRECTS} redirects.", hint="Call the last address itself."
        )

    def _next(self, hop: _Hop, status: int, location: str) -> _Hop:
        try:
            joined = str(hop.url.join(location))
        except (httpx.InvalidURL, ValueError):
            raise EgressBlocked(f"{hop.place.name} leads on to something that is no address.", hint="Call the address itself.") from None
        place, url = _parsed(joined)
        open_port(place, self._allowed)
        if hop.place.scheme == "https" and place.scheme == "http":
            raise EgressBlocked(
                f"{hop.place.name} leads from https to http, so it was not followed.", hint="Call the https address itself."
            )
        headers, has_secret = hop.headers, hop.has_secret
        if place != hop.place:
            # What was meant for one host is not meant for another one, whoever named it.
            headers, has_secret = {name: value for name, value in headers.items() if name in _STAYS}, False
        method, body = hop.method, hop.body
        if (status == 303 and method != "HEAD") or (status in (301, 302) and method == "POST"):
            method, body = "GET", None
            headers = {name: value for name, value in headers.items() if name != "content-type"}
        return _Hop(place, url.raw_path, url, method, headers, body, has_secret)

    # Connecting

    async def _addresses(self, call: _Call, place: Destination) -> list[Address]:
        try:
            found = [ip_address(place.host)]
        except ValueError:
            try:
                found = list(await self._resolve(place.host, place.port))
            except (OSError, UnicodeError):
                found = []
        if not found:
            if call.has_sent and not call.request.may_repeat:
                raise InDoubt(f"The call was sent, and led on to {place.name}, a host that nobody knows.")
            raise WebUnavailable(f"Nobody knows the host {place.name}.", hint="Look at the address; it may be misspelt.")
        checked(place, found, self._allowed)
        return found[:MOST_TRIED]

    async def _connected(
        self, call: _Call, transport: httpx.AsyncHTTPTransport, hop: _Hop, addresses: Sequence[Address]
    ) -> httpx.Response:  # fmt: skip
        last = len(addresses) - 1
        for at, address in enumerate(addresses):
            is_sent = False

            async def trace(event: str, _info: Any) -> None:
                nonlocal is_sent
                if event.endswith("send_request_headers.started"):
                    is_sent = call.has_sent = True

            try:
                return await transport.handle_async_request(_on_the_wire(hop, address, call, trace))
            except (httpx.ConnectError, httpx.ConnectTimeout):
                if is_sent or at == last:
                    raise
        raise WebUnavailable(f"{hop.place.name} cannot be reached.")

    def _context(self, place: Destination) -> ssl.SSLContext:
        if self._tls is None and place.scheme == "https":
            # Of the environment only SSL_CERT_FILE and SSL_CERT_DIR count: whose certificates are believed is the operator's matter.
            self._tls = httpx.create_ssl_context(trust_env=True)
        return self._tls or _NO_TLS

    # What comes back

    async def _answer(self, call: _Call, hop: _Hop, response: httpx.Response) -> WebAnswer:
        headers = dict(response.headers.items())
        status = response.status_code
        if hop.method == "HEAD":
            raw = b""
        elif status >= 400:
            raw = await _best_effort(response, headers)
        else:
            raw = await self._whole(call, hop, response, headers)
        body = value_of(raw, headers.get("content-type", ""), self._redactor)
        headers = {name: value for name, value in headers.items() if name not in _LEFT_OUT}
        if status >= 400:
            raise self._refusal(call, hop, status, headers, body)
        return WebAnswer(status, self._redactor.value(headers), body)

    async def _whole(self, call: _Call, hop: _Hop, response: httpx.Response, headers: dict[str, str]) -> bytes:
        try:
            return await read(response.aiter_raw(), headers)
        except AnswerRefused as error:
            done = "" if call.request.may_repeat else " The call itself was made and answered."
            details = {"status": response.status_code}
            raise AnswerRefused(f"{hop.place.name}: {error.message}{done}", hint=error.next_step, details=details) from None

    def _refusal(self, call: _Call, hop: _Hop, status: int, headers: dict[str, str], body: Any) -> SignalboxError:
        excerpt = body if isinstance(body, str) else "" if body is None else dumps(body).decode()
        details: dict[str, Any] = {"status": status, "body": excerpt[:_EXCERPT]}
        wait_s = self._asked_to_wait(headers.get("retry-after", ""))
        if wait_s is not None:
            details["retry_after_s"] = wait_s
        message = f"{hop.place.name} answered with status {status}."
        may_repeat = call.request.may_repeat
        if not may_repeat and hop.method != call.request.method:
            # The call itself was answered, by sending us here: whatever this answer says, it must not be made again.
            return HttpStatus(f"{message} The call before it was answered.", details=details)
        if status in _REFUSED or (status in _AGAIN and may_repeat) or (status == 503 and wait_s is not None):
            return WebUnavailable(message, details=details)
        if status in _LOST_BEHIND and not may_repeat:
            return InDoubt(f"{message} The call may have got there all the same.", details=details)
        return HttpStatus(message, details=details)

    def _asked_to_wait(self, told: str) -> float | None:
        """Seconds of a Retry-After (RFC 9110, 10.2.3), at most an hour."""
        if re.fullmatch(r"[0-9]{1,9}", told.strip()):
            return min(float(told), _MOST_WAIT_S)
        try:
            then = parsedate_to_datetime(told).timestamp()
        except (ValueError, TypeError, OverflowError):
            return None
        return min(max(0.0, then - self._clock.now_us() / 1e6), _MOST_WAIT_S)

    def _lost(self, call: _Call, what: str) -> SignalboxError:
        name = _host_of(call.request.url)
        if not call.has_sent:
            return WebUnavailable(f"{name} cannot be reached: it {what}. Nothing was sent.")
        if call.request.may_repeat:
            return WebUnavailable(f"{name} {what}.")
        return InDoubt(f"{name} {what}, after the call was sent.")


_NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""For plain http, which never looks at it: the real one reads all certificates of the machine."""


def _parsed(url: str) -> tuple[Destination, httpx.URL]:
    """Parsed once: what is checked is what is called."""
    if len(url) > MOST_URL:
        raise ConfigInvalid(f"The address has more than {MOST_URL:,} characters.", hint="Send what is long in the body.")
    try:
        parsed = httpx.URL(url.strip())
        host = parsed.raw_host.decode("ascii")
    except (httpx.InvalidURL, ValueError):
        raise EgressBlocked("The address is none that can be called.", hint="Write it as https://name/path.") from None
    if parsed.userinfo or "\\" in url:
        message = "The address holds a user name, or a sign that hides where it leads."
        raise EgressBlocked(message, hint="Leave out what stands before the @, and store a password as a secret.")
    return destination(parsed.scheme, host, parsed.port), parsed


def _host_of(url: str) -> str:
    return _parsed(url)[0].name


def _on_the_wire(hop: _Hop, address: Address, call: _Call, trace: Any) -> httpx.Request:
    headers = {"accept": "*/*", "user-agent": "Signalbox", **hop.headers}
    headers |= {"host": hop.place.name, "accept-encoding": "identity" if call.is_streamed else ENCODINGS, "connection": "close"}
    if hop.has_secret and call.grant is not None:
        name = call.grant.header.lower()
        headers |= {name: call.grant.value} if name else {"authorization": f"Bearer {call.grant.value}"}
    if hop.body is not None or hop.method in ("POST", "PUT", "PATCH"):
        headers["content-length"] = str(len(hop.body or b""))
    url = httpx.URL(scheme=hop.place.scheme, host=str(address), port=hop.place.port, raw_path=hop.target)
    limits = dict.fromkeys(("read", "write", "pool"), call.request.timeout_s) | {"connect": min(CONNECT_S, call.request.timeout_s)}
    more: dict[str, Any] = {"timeout": limits, "trace": trace, "sni_hostname": hop.place.host}
    raw = [(name.encode(), value.encode("latin-1")) for name, value in headers.items()]
    return httpx.Request(hop.method, url, headers=raw, content=hop.body or None, extensions=more)


async def _best_effort(response: httpx.Response, headers: dict[str, str]) -> bytes:
    """The body of an error, as far as it can be had: its status says more than why its text cannot be read."""
    try:
        return await read(response.aiter_raw(), headers)
    except (AnswerRefused, httpx.HTTPError):
        return b""
