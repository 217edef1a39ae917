"""A model provider on a loopback port that does what it is told, and keeps the bill.

    with FakeProvider() as provider:
        provider.model("slow", slow(0.5)).then(failing(500), text("fine now"))
        ... SIGNALBOX_MODEL_BASE_URL=provider.base_url ...
        assert provider.total_cost_micro(0.15, 0.60) <= spent

A call takes the next behaviour of the queue (`then`), else the one of its model name (`model`), else `provider.default`.
"""

from __future__ import annotations

import json
import select
import socket
import threading
import time
from collections import deque
from dataclasses import dataclass, field, replace
from decimal import ROUND_CEILING, Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self


@dataclass(frozen=True, slots=True)
class Behaviour:
    """What the provider does with one call."""

    text: str = "Hello from the fake provider."
    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()
    error: str = "something is wrong here"
    error_code: str | None = None
    sleep_s: float = 0.0
    """Before the first byte of the answer."""
    token_s: float = 0.0
    """Between two streamed tokens."""
    hang: bool = False
    """Answers nothing until the client goes or the provider closes."""
    until: threading.Event | None = None
    """Answers nothing before this is set."""
    cut_after: int | None = None
    """Characters of text after which the connection breaks."""
    fade_after: int | None = None
    """Characters of text after which the stream ends politely, but without finish_reason and [DONE]."""
    raw: str | None = None
    """The whole body, in place of JSON."""
    usage: bool = True
    """Whether the answer says how many tokens it took (the ledger counts them anyway)."""
    calls: tuple[tuple[str, dict[str, Any]], ...] = ()
    """Tools that the answer wants called, each with its arguments."""
    cached: int = 0
    reasoning: int | None = None
    """Tokens of the answer that nobody sees; None: it does not tell."""
    fills: bool = False
    """Answers with exactly max_tokens tokens."""
    extra_out: int = 0
    """Tokens billed beyond the text (hidden reasoning)."""


def text(words: str, **more: Any) -> Behaviour:
    """Answers `words`."""
    return Behaviour(text=words, **more)


def value(json_value: Any, **more: Any) -> Behaviour:
    """Answers JSON."""
    return Behaviour(text=json.dumps(json_value), **more)


def wanting(*calls: tuple[str, dict[str, Any]], words: str = "") -> Behaviour:
    """Wants tools called."""
    return Behaviour(text=words, calls=calls)


def failing(status: int, *, error: str = "something is wrong here", code: str | None = None, **headers: str) -> Behaviour:
    """Answers an HTTP error; header names are written with underscores (`retry_after="2"`)."""
    return Behaviour(status=status, error=error, error_code=code, headers=tuple((k.replace("_", "-"), v) for k, v in headers.items()))


def rate_limited(retry_after: str | None = "2") -> Behaviour:
    """Answers 429."""
    return failing(429, error="slow down", **({"retry_after": retry_after} if retry_after is not None else {}))


def hanging() -> Behaviour:
    """Takes the request and never answers."""
    return Behaviour(hang=True)


def cut(after: int = 0, words: str = "This answer breaks in the middle of a word.") -> Behaviour:
    """Breaks the connection after some characters."""
    return Behaviour(text=words, cut_after=after)


def fading(after: int = 0, words: str = "This answer ends without saying so.") -> Behaviour:
    """Ends the stream after some characters as if it were complete, without finish_reason."""
    return Behaviour(text=words, fade_after=after)


def garbage(body: str = "<html>Bad day at the proxy</html>") -> Behaviour:
    """Answers 200 with something that is no JSON."""
    return Behaviour(raw=body)


def slow(seconds: float, words: str = "Sorry for the wait.") -> Behaviour:
    """Answers late."""
    return Behaviour(text=words, sleep_s=seconds)


def filling(**more: Any) -> Behaviour:
    """Uses all of max_tokens, the dearest answer there is."""
    return Behaviour(fills=True, **more)


@dataclass(slots=True)
class Call:
    """One request, as the provider bills it."""

    model: str
    body: dict[str, Any]
    stream: bool
    authorization: str | None
    tokens_in: int
    tokens_out: int = 0
    tokens_cached: int = 0
    tokens_reasoning: int | None = None
    status: int = 0
    closed_by_client: bool = False
    finished: bool = False
    seconds: float = 0.0


def count(words: str) -> int:
    """Four bytes are one token, as real models roughly do."""
    return max(1, -(-len(words.encode()) // 4))


@dataclass(slots=True)
class _State:
    queue: deque[Behaviour] = field(default_factory=deque)
    models: dict[str, Behaviour] = field(default_factory=dict)
    calls: list[Call] = field(default_factory=list)
    active: int = 0
    most: int = 0
    stop: threading.Event = field(default_factory=threading.Event)
    lock: threading.Lock = field(default_factory=threading.Lock)


class FakeProvider:
    """An OpenAI-compatible server in threads; use it as a context manager."""

    def __init__(self) -> None:
        self.default = Behaviour()
        self._state = _State()
        handler = type("Handler", (_Handler,), {"provider": self})
        self._server = _Server(("127.0.0.1", 0), handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}/v1"

    @property
    def calls(self) -> list[Call]:
        """The ledger: every chat request so far, in order of arrival."""
        with self._state.lock:
            return list(self._state.calls)

    @property
    def active(self) -> int:
        """Requests being answered right now."""
        return self._state.active

    @property
    def max_concurrency(self) -> int:
        """The most requests that were being answered at the same time."""
        return self._state.most

    def model(self, name: str, behaviour: Behaviour) -> Self:
        """From now on, calls of this model name behave like this."""
        self._state.models[name] = behaviour
        return self

    def then(self, *behaviours: Behaviour) -> Self:
        """The next calls, whatever their model, behave like these, one after the other."""
        with self._state.lock:
            self._state.queue.extend(behaviours)
        return self

    def total_tokens(self) -> int:
        """Tokens of all calls, as the provider counts them."""
        return sum(call.tokens_in + call.tokens_out for call in self.calls)

    def total_cost_micro(self, price_in: float, price_out: float) -> int:
        """What all calls cost in micro-USD, at prices in USD per million tokens; cut and abandoned ones included."""
        each_in, each_out = Decimal(repr(price_in)), Decimal(repr(price_out))
        total = sum((call.tokens_in * each_in + call.tokens_out * each_out for call in self.calls), Decimal(0))
        return int(total.to_integral_value(rounding=ROUND_CEILING))

    def wait_until_idle(self, seconds: float = 2.0) -> bool:
        """Whether no request is being answered any more, after at most `seconds`."""
        until = time.monotonic() + seconds
        while self._state.active and time.monotonic() < until:
            time.sleep(0.01)
        return not self._state.active

    def close(self) -> None:
        self._state.stop.set()
        self._server.shutdown()
        self._server.server_close()

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _next(self, model: str) -> Behaviour:
        with self._state.lock:
            return self._state.queue.popleft() if self._state.queue else self._state.models.get(model, self.default)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that goes away is no news."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    provider: FakeProvider

    def log_message(self, *_: object) -> None:
        pass

    def do_GET(self) -> None:
        names = sorted(self.provider._state.models) or ["fake"]
        self._send(200, json.dumps({"object": "list", "data": [{"id": name, "object": "model"} for name in names]}))

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers.get("Content-Length") or 0)) or b"{}")
        words = "".join(str(message.get("content") or "") for message in body.get("messages", []))
        call = Call(
            model=str(body.get("model")),
            body=body,
            stream=bool(body.get("stream")),
            authorization=self.headers.get("Authorization"),
            tokens_in=count(words) + 8,
        )
        state, began = self.provider._state, time.monotonic()
        with state.lock:
            state.calls.append(call)
            state.active += 1
            state.most = max(state.most, state.active)
        try:
            self._behave(call, self.provider._next(call.model))
            call.finished = True
        except OSError:
            call.closed_by_client = True
            self.close_connection = True
        finally:
            call.seconds = time.monotonic() - began
            with state.lock:
                state.active -= 1

    def _behave(self, call: Call, how: Behaviour) -> None:
        call.status = how.status
        if how.hang:
            self._wait(None)
        if how.until is not None:
            self._wait(None, how.until)
        self._wait(how.sleep_s)
        if how.status != 200:
            call.tokens_in = 0
            error = {"message": how.error, "type": "fake_error", "code": how.error_code}
            return self._send(how.status, json.dumps({"error": error}), headers=how.headers)
        if how.raw is not None:
            return self._send(200, how.raw, kind="text/html")
        limit = int(call.body.get("max_tokens") or call.body.get("max_completion_tokens") or 4096)
        full = "lorem ipsum " * limit if how.fills else how.text
        full = full.encode()[: limit * 4].decode(errors="ignore") if how.fills or count(full) > limit else full
        finish = "length" if how.fills or full != how.text else "stop"
        call.tokens_cached = min(how.cached, call.tokens_in)
        call.tokens_reasoning = None if how.reasoning is None else min(how.reasoning, call.tokens_out)
        if call.stream:
            return self._stream(call, replace(how, text=full), finish)
        self._whole(call, replace(how, text=full), finish)

    def _whole(self, call: Call, how: Behaviour, finish: str) -> None:
        call.tokens_out = count(how.text) + how.extra_out
        message: dict[str, Any] = {"role": "assistant", "content": how.text}
        if how.calls:
            message["tool_calls"], finish = _tool_calls(how), "tool_calls"
        answer = {
            "id": "fake",
            "object": "chat.completion",
            "created": int(time.time()),
            "model": call.model,
            "choices": [{"index": 0, "message": message, "finish_reason": finish}],
        }
        data = json.dumps(answer | ({"usage": _usage(call)} if how.usage else {}))
        if how.cut_after is None and how.fade_after is None:
            return self._send(200, data, headers=how.headers)
        self._send(200, data, send=data[: len(data) // 2])
        self._break()

    def _stream(self, call: Call, how: Behaviour, finish: str) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        end = how.cut_after if how.cut_after is not None else how.fade_after
        shown = how.text if end is None else how.text[:end]
        self._event(call, [{"index": 0, "delta": {"role": "assistant", "content": ""}, "finish_reason": None}])
        for at in range(0, len(shown), 4):
            self._wait(how.token_s)
            call.tokens_out = count(shown[: at + 4])
            self._event(call, [{"index": 0, "delta": {"content": shown[at : at + 4]}, "finish_reason": None}])
        if how.cut_after is not None:
            return self._break()
        if how.calls:
            finish = "tool_calls"
            self._event(call, [{"index": 0, "delta": {"tool_calls": _tool_calls(how)}, "finish_reason": None}])
        if how.fade_after is None:
            call.tokens_out = count(shown) + how.extra_out
            self._event(call, [{"index": 0, "delta": {}, "finish_reason": finish}])
            if how.usage and (call.body.get("stream_options") or {}).get("include_usage"):
                self._event(call, [], usage=_usage(call))
            self._chunk(b"data: [DONE]\n\n")
        self.wfile.write(b"0\r\n\r\n")

    def _event(self, call: Call, choices: list[Any], **more: Any) -> None:
        head = {"id": "fake", "object": "chat.completion.chunk", "created": int(time.time()), "model": call.model}
        self._chunk(b"data: " + json.dumps(head | {"choices": choices} | more).encode() + b"\n\n")

    def _chunk(self, data: bytes) -> None:
        if self._gone():
            raise ConnectionResetError
        self.wfile.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")

    def _send(
        self, status: int, data: str, *, kind: str = "application/json", headers: tuple[tuple[str, str], ...] = (), send: str | None = None
    ) -> None:
        self.send_response(status)
        for name, content in (("Content-Type", kind), ("Content-Length", str(len(data.encode()))), *headers):
            self.send_header(name, content)
        self.end_headers()
        self.wfile.write((data if send is None else send).encode())

    def _break(self) -> None:
        self.close_connection = True
        self.connection.shutdown(socket.SHUT_RDWR)

    def _wait(self, seconds: float | None, event: threading.Event | None = None) -> None:
        until = None if seconds is None else time.monotonic() + seconds
        while not (event is not None and event.is_set()) and (until is None or time.monotonic() < until):
            if self._gone() or self.provider._state.stop.is_set():
                raise ConnectionResetError
            time.sleep(0.005 if until is None else min(0.005, max(0.0, until - time.monotonic())))

    def _gone(self) -> bool:
        readable, _, _ = select.select([self.connection], [], [], 0)
        return bool(readable) and self.connection.recv(1, socket.MSG_PEEK) == b""


def _tool_calls(how: Behaviour) -> list[dict[str, Any]]:
    return [
        {"index": at, "id": f"call_{at}", "type": "function", "function": {"name": name, "arguments": json.dumps(arguments)}}
        for at, (name, arguments) in enumerate(how.calls)
    ]


def _usage(call: Call) -> dict[str, Any]:
    return {
        "prompt_tokens": call.tokens_in,
        "completion_tokens": call.tokens_out,
        "total_tokens": call.tokens_in + call.tokens_out,
        "prompt_tokens_details": {"cached_tokens": call.tokens_cached},
        **({} if call.tokens_reasoning is None else {"completion_tokens_details": {"reasoning_tokens": call.tokens_reasoning}}),
    }
