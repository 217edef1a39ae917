"""A wire to a server on loopback that can be cut in the middle of what the server says.

with Relay(9101) as relay:
    relay.cut_after(300)      # of the next answer 300 bytes arrive, then the connection breaks
    ... relay.address ...
"""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable
from typing import Self


class Relay:
    """Passes bytes on in both directions, for as many connections as come."""

    def __init__(self, port: int) -> None:
        self._to = ("127.0.0.1", port)
        self._listening = socket.create_server(("127.0.0.1", 0))
        self._lock = threading.Lock()
        self._left: int | None = None
        self.cuts = 0
        self._open: set[socket.socket] = set()
        self._threads: list[threading.Thread] = []
        self._is_over = False

    @property
    def address(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self._listening.getsockname()[1]}"

    def cut_after(self, count: int) -> None:
        """Of what the server says next, `count` bytes arrive."""
        with self._lock:
            self._left = count

    def __enter__(self) -> Self:
        self._begin(self._accept)
        return self

    def __exit__(self, *_: object) -> None:
        # Closing alone would leave the thread in `accept`, which takes one more.
        _end(self._listening)
        with self._lock:
            self._is_over = True
            ends = list(self._open)
        for end in ends:
            _end(end)
        for thread in self._threads:
            thread.join(20)

    def _begin(self, work: Callable[..., None], *given: object) -> None:
        thread = threading.Thread(target=work, args=given, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):  # closed at the end
            while True:
                near, _ = self._listening.accept()
                self._join(near)

    def _join(self, near: socket.socket) -> None:
        try:
            far = socket.create_connection(self._to)
        except OSError:  # the server has gone: so does whoever asks for it
            return _end(near)
        with self._lock:
            is_over = self._is_over
            self._open |= {near, far}
        if is_over:
            _end(near)
            return _end(far)
        self._begin(self._pass_on, near, far, False)
        self._begin(self._pass_on, far, near, True)

    def _pass_on(self, source: socket.socket, target: socket.socket, is_answer: bool) -> None:
        with contextlib.suppress(OSError):  # one of the two has gone: so does the other
            while data := source.recv(65_536):
                passed = self._allowed(len(data)) if is_answer else len(data)
                target.sendall(data[:passed])
                if passed < len(data):
                    break
        for end in (source, target):
            _end(end)
            with self._lock:
                self._open.discard(end)

    def _allowed(self, count: int) -> int:
        with self._lock:
            if self._left is None or count <= self._left:
                self._left = None if self._left is None else self._left - count
                return count
            passed, self._left = self._left, None
            self.cuts += 1
            return passed


def _end(end: socket.socket) -> None:
    with contextlib.suppress(OSError):  # it may be gone already
        end.shutdown(socket.SHUT_RDWR)
    end.close()
