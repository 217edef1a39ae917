"""The server process: one engine, one web server, one process; `signalbox up` starts it and starts it again.

Ends with 3 when it could not start for a reason that a restart does not mend, and with 4 to be started again at once.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import os
import secrets
import signal
import sys
import threading
from contextlib import suppress
from pathlib import Path

from engine import EngineThread, Settings, SignalboxError, collect_rarely

SERVER_FILE = "server.json"
REFUSED, AGAIN = 3, 4
LOOPBACK = ("127.0.0.1", "::1", "localhost")
GRACE_S = 2.0


def main() -> None:
    """Serves until it is told to stop."""
    parser = argparse.ArgumentParser(prog="app.serve")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument("--life-line", type=int, default=-1, help="a pipe that ends when the supervisor does")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    logging.getLogger("httpx").setLevel(logging.WARNING)
    if arguments.life_line >= 0:
        _die_with(arguments.life_line)
    try:
        settings = Settings.load()
        # Reflex changes the working directory for a moment while the engine is at work already.
        settings = settings.model_copy(update={"home": settings.home.resolve()})
        # Before anything of the web is imported: the runs of a dead process go on while the rest gets ready.
        thread = EngineThread.open(settings)
    except SignalboxError as error:
        print(f"signalbox: {error.message}\nnext step: {error.next_step}", file=sys.stderr, flush=True)
        raise SystemExit(REFUSED) from None
    status = Serving(thread, home=settings.home.resolve(), host=arguments.host, port=arguments.port).run()
    # Connections that are still open must not hold the process up: their readers come back and go on where they were.
    sys.stdout.flush()
    os._exit(status)


class Serving:
    """One life of the server."""

    def __init__(self, thread: EngineThread, *, home: Path, host: str, port: int) -> None:
        self._thread = thread
        self._home = home
        self._needs_setup = thread.engine.accounts.needs_setup()
        # Until somebody has an account, only this machine may reach the page that makes the first one.
        self._is_held = self._needs_setup and host not in LOOPBACK
        self._wanted_host = host
        self._host = "127.0.0.1" if self._is_held else host
        self._port = port
        self._status = 0
        self._token = f"sbx_local_{secrets.token_hex(32)}"

    def run(self) -> int:
        """Serves; the exit status."""
        try:
            asyncio.run(self._serve())
        finally:
            _remove(self._home / SERVER_FILE, self._token)
            self._thread.close()
        return self._status

    async def _serve(self) -> None:
        from granian.constants import HTTPModes, Interfaces
        from granian.log import LogLevels
        from granian.server.embed import Server

        from app.server import create_app
        from app.web import prepare, web_ui

        prepare()
        loop = asyncio.get_running_loop()

        def when_set_up() -> None:
            loop.call_soon_threadsafe(self._set_up)

        app = create_app(self._thread, local_token=self._token, when_set_up=when_set_up, ui=web_ui(self._thread))
        collect_rarely()
        self._server = Server(
            app,
            address=self._host,
            port=self._port,
            interface=Interfaces.ASGI,
            http=HTTPModes.http1,
            websockets=True,
            backlog=1024,
            log_level=LogLevels.error,
        )
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._server.stop)
        serving = loop.create_task(self._server.serve())
        stopped = loop.create_task(self._server.main_loop_interrupt.wait())
        announcing = loop.create_task(self._announce())
        await asyncio.wait({serving, stopped}, return_when=asyncio.FIRST_COMPLETED)
        announcing.cancel()
        await asyncio.wait({serving, announcing}, timeout=GRACE_S)
        if serving.done() and (error := serving.exception()) is not None:
            print(f"signalbox: the web server cannot run: {error}", file=sys.stderr, flush=True)
            self._status = 1

    async def _announce(self) -> None:
        await _accepts(self._host, self._port)
        address = f"http://{'localhost' if self._host in LOOPBACK else self._host}:{self._port}"
        local = f"http://{'[::1]' if self._host == '::1' else '127.0.0.1'}:{self._port}"
        _write(self._home / SERVER_FILE, {"url": local, "token": self._token, "pid": os.getpid()})
        if self._needs_setup:
            link = await asyncio.to_thread(self._thread.engine.accounts.new_setup_link)
            told = f" It listens on this machine only until then, not on {self._wanted_host}." if self._is_held else ""
            print(f"Nobody has an account yet.{told} Make the first one here, within 24 hours:\n  {address}/setup?token={link}", flush=True)

    def _set_up(self) -> None:
        self._needs_setup = False
        if self._is_held:
            print(f"The first account is made; listening on {self._wanted_host} from now on.", flush=True)
            self._status = AGAIN
            self._server.stop()


async def _accepts(host: str, port: int) -> None:
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104
    while True:
        with suppress(OSError):
            _, writer = await asyncio.open_connection(host, port)
            writer.close()
            return
        await asyncio.sleep(0.05)


def _write(path: Path, content: dict[str, object]) -> None:
    beside = path.with_name(f"{path.name}.{os.getpid()}")
    beside.unlink(missing_ok=True)
    file = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(file, "w", encoding="utf-8") as handle:
        json.dump(content, handle)
    beside.rename(path)


def _remove(path: Path, token: str) -> None:
    with suppress(OSError, ValueError):
        # Only our own: a successor may have written its own already.
        if json.loads(path.read_text(encoding="utf-8"))["token"] == token:
            path.unlink()


def _die_with(pipe: int) -> None:
    """Ends this process when the other end of the pipe is gone, however the supervisor ended."""

    def wait() -> None:
        while os.read(pipe, 1):
            continue
        # No farewell: everything that matters is on disk, and the next `up` must find the home free.
        os.kill(os.getpid(), signal.SIGKILL)

    threading.Thread(target=wait, name="life-line", daemon=True).start()


if __name__ == "__main__":
    main()
