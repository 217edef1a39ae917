"""A web server on loopback that counts who connects, remembers what it is asked, and answers as the test says."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from typing import Any

from engine.jsonvalue import dumps


@dataclass
class Asked:
    """One request."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes

    def echo(self) -> bytes:
        """All of it, as a server that says what it was asked."""
        return dumps({"method": self.method, "target": self.target, "headers": self.headers, "body": self.body.decode()})


Answer = Callable[[Asked], Awaitable[bytes] | bytes]


def answer(body: bytes = b"{}", *, status: int = 200, type_: str = "application/json", **headers: str) -> bytes:
    """An answer as it stands on the wire."""
    told = {"Content-Type": type_, "Content-Length": str(len(body))} | {name.replace("_", "-"): value for name, value in headers.items()}
    head = "".join(f"{name}: {value}\r\n" for name, value in told.items() if value)
    return f"HTTP/1.1 {status} X\r\n{head}\r\n".encode() + body


async def never(_asked: Asked) -> bytes:
    """An answer that does not come; the connection stays open until the server goes."""
    await asyncio.Event().wait()
    return b""


@dataclass
class Web:
    """The server. An answer of no bytes closes the connection."""

    answers: Answer = lambda asked: answer(asked.echo())
    connections: int = 0
    asked: list[Asked] = field(default_factory=list)
    port: int = 0
    has_come: asyncio.Event = field(default_factory=asyncio.Event)
    _writers: set[asyncio.StreamWriter] = field(default_factory=set)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def place(self) -> str:
        return f"127.0.0.1:{self.port}"

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self._writers.add(writer)
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                first, *lines = head.decode("latin-1").rstrip().split("\r\n")
                headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
                body = await reader.readexactly(int(headers.get("content-length", 0)))
                method, target, _ = first.split(" ")
                self.asked.append(asked := Asked(method, target, headers, body))
                self.has_come.set()
                found = self.answers(asked)
                told = found if isinstance(found, bytes) else await found
                writer.write(told)
                await writer.drain()
                if not told:
                    return
        except (asyncio.IncompleteReadError, ConnectionError):
            return
        finally:
            self._writers.discard(writer)
            writer.close()


@asynccontextmanager
async def serving(answers: Answer | None = None, *, host: str = "127.0.0.1", port: int = 0, tls: Any = None) -> AsyncIterator[Web]:
    """A server for the time of the block."""
    web = Web() if answers is None else Web(answers)
    tasks: set[asyncio.Task[None]] = set()

    def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.get_running_loop().create_task(web._serve(reader, writer))
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    server = await asyncio.start_server(serve, host, port, ssl=tls)
    web.port = server.sockets[0].getsockname()[1]
    try:
        yield web
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await server.wait_closed()


@contextmanager
def serving_beside(answers: Answer | None = None) -> Iterator[Web]:
    """The same for tests without a loop of their own: it is served by a thread."""
    is_up, found = threading.Event(), []

    async def serve() -> None:
        over = asyncio.Event()
        async with serving(answers) as web:
            found.extend([web, over, asyncio.get_running_loop()])
            is_up.set()
            await over.wait()

    thread = threading.Thread(target=lambda: asyncio.run(serve()))
    thread.start()
    assert is_up.wait(20)
    try:
        yield found[0]
    finally:
        found[2].call_soon_threadsafe(found[1].set)
        thread.join(20)
