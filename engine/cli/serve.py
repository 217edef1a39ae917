"""`up`: starts the server as a child process, starts it again when it dies, and takes it along when it ends itself."""

from __future__ import annotations

import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from types import FrameType

from engine.errors import ConfigInvalid, Conflict
from engine.settings import Settings

REFUSED, AGAIN = 3, 4
"""Exit statuses of the server: it cannot start as things are; it asks to be started again."""
PAUSES_S = (0.0, 0.2, 0.5, 1.0, 2.0)
"""Before each further start; the last one stays."""
STARTS_IN_VAIN = 5
SETTLED_S = 30.0
KILL_AFTER_S = 10
LOOPBACK = ("127.0.0.1", "::1", "localhost")
ANYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104


def serve(*, host: str, port: int | None) -> int:
    """Serves until told to stop; the exit status. Conflict when the port or the home is taken."""
    settings = Settings.load()
    wanted = port or settings.port
    check_port(host, wanted)
    _check_home(settings.home.resolve())
    return Supervisor(host=host, port=wanted, home=settings.home.resolve()).run()


def check_port(host: str, port: int) -> None:
    """Returns if nobody listens there. Conflict, or ConfigInvalid for an address that this machine does not have."""
    reached = ANYWHERE.get(host, host)
    other = f"Stop what runs there, or take another port: ./signalbox up --port {port + 1 if port < 65535 else 8000}"
    with suppress(OSError), socket.create_connection((reached, port), timeout=1):
        raise Conflict(f"Something already answers on port {port}.", hint=other)
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, protocol) as probe:
            # The server shares its port with others that want to (SO_REUSEPORT); only this tells that somebody has it.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as error:
        told = f"Signalbox cannot listen on {host}, port {port}: {error.strerror or error}."
        if isinstance(error, PermissionError):
            raise ConfigInvalid(told, hint="Take a port from 1024 on: ./signalbox up --port 8000") from None
        raise ConfigInvalid(told, hint=other) from None


def _check_home(home: Path) -> None:
    from engine.storage.sqlite import HomeLock

    if (holder := HomeLock(home).holder()) is not None:
        raise Conflict(
            f"Another Signalbox (process {holder or 'unknown'}) already works on {home}.",
            hint="Use the one that runs, stop it first, or set SIGNALBOX_HOME to another directory.",
        )


class Supervisor:
    """Keeps one server running."""

    def __init__(self, *, host: str, port: int, home: Path) -> None:
        self._host, self._port, self._home = host, port, home
        self._child: subprocess.Popen[bytes] | None = None
        self._life_line: int | None = None
        self._is_stopping = False
        self._was_ready = False

    def run(self) -> int:
        """Runs until it is told to stop or the server cannot start; the exit status."""
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, self._stop)
        signal.signal(signal.SIGALRM, self._kill)
        _tell(f"Signalbox starts; its data is in {self._home}")
        in_vain = 0
        while True:
            started = time.monotonic()
            is_ready, status = self._one_life()
            if self._is_stopping:
                _tell("Signalbox has stopped.")
                return 0
            if status == REFUSED:
                return 1
            in_vain = 0 if is_ready or status == AGAIN else in_vain + 1
            if in_vain >= STARTS_IN_VAIN:
                _warn(f"The server did not start {in_vain} times in a row; giving up. The lines above say why.")
                return 1
            is_young = time.monotonic() - started < SETTLED_S
            pause_s = PAUSES_S[min(in_vain if not is_ready else 1 if is_young else 0, len(PAUSES_S) - 1)]
            if status != AGAIN:
                _warn(f"The server has ended ({_how(status)}); it is started again.")
                time.sleep(pause_s)
            if self._is_stopping:
                return 0

    def _one_life(self) -> tuple[bool, int]:
        child = self._start()
        is_ready = False
        while not is_ready:
            with suppress(subprocess.TimeoutExpired):
                return False, child.wait(timeout=0.1)
            is_ready = not self._is_stopping and self._answers()
        again = " again" if self._was_ready else ""
        self._was_ready = True
        shown = "localhost" if self._host in (*LOOPBACK, *ANYWHERE) else self._host
        _tell(f"Signalbox serves{again} on http://{shown}:{self._port}")
        return True, child.wait()

    def _start(self) -> subprocess.Popen[bytes]:
        if self._life_line is not None:
            os.close(self._life_line)
        # Only this process holds the writing end: whatever way it ends, the server notices and ends too.
        read, self._life_line = os.pipe()
        command = [sys.executable, "-P", "-m", "app.serve", "--host", self._host, "--port", str(self._port), "--life-line", str(read)]
        try:
            self._child = subprocess.Popen(command, stdin=subprocess.DEVNULL, pass_fds=(read,), env=_environment())
        finally:
            os.close(read)
        if self._is_stopping:
            self._child.terminate()
        return self._child

    def _answers(self) -> bool:
        for reached in {ANYWHERE.get(self._host, self._host), "127.0.0.1"}:
            connection = http.client.HTTPConnection(reached, self._port, timeout=2)
            try:
                connection.request("GET", "/readyz")
                if connection.getresponse().status == 200:
                    return True
            except (OSError, http.client.HTTPException):
                continue
            finally:
                connection.close()
        return False

    def _stop(self, _number: int, _frame: FrameType | None) -> None:
        self._is_stopping = True
        if self._child is not None:
            self._child.terminate()
            signal.alarm(KILL_AFTER_S)

    def _kill(self, _number: int, _frame: FrameType | None) -> None:
        if self._child is not None:
            self._child.kill()


def _environment() -> dict[str, str]:
    # Compiled modules kept on disk halve the time of a restart, 2.8 s against 1.3 s.
    return {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


def _how(status: int) -> str:
    if status >= 0:
        return f"exit status {status}"
    with suppress(ValueError):
        return f"killed by {signal.Signals(-status).name}"
    return f"killed by signal {-status}"


def _tell(line: str) -> None:
    print(line, flush=True)


def _warn(line: str) -> None:
    print(f"signalbox: {line}", file=sys.stderr, flush=True)
