"""Speaks to a page's connection without a browser, as an attacker would: Engine.IO 4 and Socket.IO 5 over a bare websocket."""

import json
import socket
import time
import uuid
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from wsproto import ConnectionType, WSConnection
from wsproto.events import AcceptConnection, CloseConnection, Event, Message, Ping, RejectConnection, Request

NAMESPACE = "/_event"


class Refused(Exception):
    """The server did not let the connection in; `status` is what it answered."""

    def __init__(self, status: int) -> None:
        super().__init__(str(status))
        self.status = status


class Wire:
    """One connection."""

    def __init__(self, url: str, *, cookie: str | None = None, origin: str | None = "", token: str | None = None) -> None:
        where = urlsplit(url)
        origin = url if origin == "" else origin
        headers = {name: value for name, value in {"Cookie": cookie, "Origin": origin}.items() if value is not None}
        query = f"EIO=4&transport=websocket&token={token or uuid.uuid4()}"
        self._ws = WSConnection(ConnectionType.CLIENT)
        self._socket = socket.create_connection((where.hostname or "", where.port or 80), timeout=10)
        self._messages: list[str] = []
        self._parts = ""
        self._answer: Event | None = None
        self.is_open = True
        extra = [(name.encode(), value.encode()) for name, value in headers.items()]
        self._put(Request(host=where.netloc, target=f"/_event/?{query}", extra_headers=extra))
        while self._answer is None:
            self._take(10)
        if isinstance(self._answer, RejectConnection):
            self.close()
            raise Refused(self._answer.status_code)
        assert (self._receive() or "").startswith("0")
        self._put(Message(f"40{NAMESPACE},"))
        assert (self._receive() or "").startswith(f"40{NAMESPACE}")

    def send(self, name: str, payload: dict[str, Any] | None = None, *, path: str = "/") -> None:
        """Names an event to the server."""
        event = {"name": name, "payload": payload or {}, "router_data": {"pathname": path, "query": {}, "asPath": path}}
        self._put(Message(f"42{NAMESPACE},{json.dumps(['event', event])}"))

    def heard(self, *, for_s: float = 0.5) -> list[dict[str, Any]]:
        """What the server has sent until it is silent for so long."""
        found = []
        while (message := self._receive(for_s)) is not None:
            if message.startswith(f"42{NAMESPACE},"):
                found.append(json.loads(message.partition(",")[2])[1])
        return found

    def deltas(self, *, for_s: float = 0.5) -> dict[str, dict[str, Any]]:
        """The same, only what changed of which State."""
        merged: dict[str, dict[str, Any]] = {}
        for update in self.heard(for_s=for_s):
            for state, changes in (update.get("delta") or {}).items():
                merged.setdefault(state, {}).update(changes)
        return merged

    def until(self, is_so: Callable[[dict[str, dict[str, Any]]], bool]) -> dict[str, dict[str, Any]]:
        """What changed, as soon as `is_so` of all of it; nothing is waited for any longer."""
        merged: dict[str, dict[str, Any]] = {}
        while not is_so(merged):
            message = self._receive()
            assert message is not None, f"waited in vain; so far: {merged}"
            if message.startswith(f"42{NAMESPACE},"):
                for state, changes in (json.loads(message.partition(",")[2])[1].get("delta") or {}).items():
                    merged.setdefault(state, {}).update(changes)
        return merged

    def close(self) -> None:
        """Hangs up."""
        self.is_open = False
        self._socket.close()

    def _put(self, event: Event) -> None:
        if self.is_open:
            try:
                self._socket.sendall(self._ws.send(event))
            except OSError:
                self.close()

    def _take(self, for_s: float) -> None:
        self._socket.settimeout(for_s)
        try:
            data = self._socket.recv(65536)
        except TimeoutError:
            return
        except OSError:
            data = b""
        if not data:
            self._answer = self._answer or RejectConnection(status_code=0)
            self.close()
            return
        self._ws.receive_data(data)
        for event in self._ws.events():
            match event:
                case AcceptConnection() | RejectConnection():
                    self._answer = event
                case Message(data=str(text)):
                    self._parts += text
                    if event.message_finished:
                        self._messages.append(self._parts)
                        self._parts = ""
                case Ping():
                    self._put(event.response())
                case CloseConnection():
                    self.close()
                case _:
                    continue

    def _receive(self, for_s: float = 10.0) -> str | None:
        end = time.monotonic() + for_s
        while True:
            while self._messages:
                if (message := self._messages.pop(0)) != "2":
                    return message
                self._put(Message("3"))
            rest = end - time.monotonic()
            if rest <= 0 or not self.is_open:
                return None
            self._take(rest)
