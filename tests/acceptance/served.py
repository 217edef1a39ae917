"""A real `up` in a process group of its own, on a free port and a fresh home."""

import contextlib
import io
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple
from unittest import mock

ROOT = Path(__file__).resolve().parents[2]
ADMIN = "sbx_admin_of_the_acceptance_tests"
PATIENCE_S = 60.0


class Answer(NamedTuple):
    """One HTTP answer; `body` is the JSON value, or the text when it is none."""

    status: int
    headers: dict[str, str]
    body: Any


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as found:
        return found.getsockname()[1]


def environment(home: Path, **more: str) -> dict[str, str]:
    kept = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
    return {**kept, "PYTHONPATH": str(ROOT), "LITELLM_LOCAL_MODEL_COST_MAP": "True", "SIGNALBOX_HOME": str(home), **more}


def command_line(*arguments: str, home: Path, given: str | None = None, **more: str) -> subprocess.CompletedProcess[str]:
    """One call of the command line in a process of its own."""
    command = [sys.executable, "-P", "-m", "engine.cli.main", *arguments]
    return subprocess.run(
        command, env=environment(home, **more), capture_output=True, text=True, check=False, input=given or "", timeout=120
    )


def in_process(*arguments: str, home: Path, given: str | None = None, **more: str) -> subprocess.CompletedProcess[str]:
    """The same without a process of its own: what counts there is what is said, not how it was started."""
    from engine.cli.main import main

    out, err = io.StringIO(), io.StringIO()
    status: Any = 0
    with (
        mock.patch.dict(os.environ, environment(home, **more), clear=True),
        mock.patch.object(sys, "argv", ["signalbox", *arguments]),
        mock.patch.object(sys, "stdin", io.StringIO(given or "")),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
    ):
        try:
            main()
        except SystemExit as ended:
            status = ended.code or 0
    return subprocess.CompletedProcess(arguments, int(status), out.getvalue(), err.getvalue())


def until(what: str, is_true: Any) -> Any:
    """What `is_true` returns, as soon as that is something. Fails after a minute, far beyond what anything here takes."""
    end = time.monotonic() + PATIENCE_S
    while time.monotonic() < end:
        if found := is_true():
            return found
        time.sleep(0.05)
    raise AssertionError(f"waited in vain until {what}")


class Up:
    """A running `up`."""

    def __init__(self, home: Path, *, port: int, arguments: tuple[str, ...] = (), **more: str) -> None:
        self.home, self.port = home, port
        self.url = f"http://127.0.0.1:{port}"
        command = [sys.executable, "-P", "-m", "engine.cli.main", "up", "--port", str(port), *arguments]
        self.process = subprocess.Popen(
            command,
            env=environment(home, **more),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self.lines: list[str] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.append(line.rstrip("\n"))

    @property
    def output(self) -> str:
        return "\n".join(self.lines)

    def ready(self) -> "Up":
        until("the server serves", lambda: self.says("serves") or self.process.poll() is not None)
        assert self.process.poll() is None, self.output
        return self

    def says(self, text: str) -> bool:
        return any(text in line for line in list(self.lines))

    def group(self) -> list[int]:
        """The processes of its process group that are alive."""
        found = []
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                fields = (folder / "stat").read_text().rsplit(")", 1)[1].split()
            except OSError:
                continue
            if int(fields[2]) == self.process.pid and fields[0] != "Z":
                found.append(int(folder.name))
        return found

    def server(self) -> int:
        """The process id of the server."""
        return next(pid for pid in self.group() if pid != self.process.pid)

    def setup_link(self) -> str:
        return until("the link is printed", lambda: re.search(r"/setup\?token=(\S+)", self.output)).group(1)

    def call(self, method: str, path: str, body: Any = None, *, token: str | None = ADMIN, headers: dict[str, str] | None = None) -> Answer:
        data = body if isinstance(body, bytes) else None if body is None else json.dumps(body).encode()
        all_headers = {"Content-Type": "application/json", **({"Authorization": f"Bearer {token}"} if token else {}), **(headers or {})}
        request = urllib.request.Request(self.url + path, data=data, method=method, headers=all_headers)
        opener = urllib.request.build_opener(_Stay, urllib.request.ProxyHandler({}))
        try:
            with opener.open(request, timeout=PATIENCE_S) as answer:
                return _answer(answer.status, answer.headers, answer.read())
        except urllib.error.HTTPError as error:
            with error:
                return _answer(error.code, error.headers, error.read())

    def stop(self) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(timeout=30)
            except subprocess.TimeoutExpired:
                os.killpg(self.process.pid, signal.SIGKILL)
                self.process.wait()
                raise
        self._reader.join(timeout=10)
        if self.process.stdout is not None:
            self.process.stdout.close()


class _Stay(urllib.request.HTTPRedirectHandler):
    """Shows redirects instead of following them."""

    def redirect_request(self, *_: Any, **__: Any) -> None:
        return None


def _answer(status: int, headers: Any, body: bytes) -> Answer:
    told = {name.lower(): value for name, value in headers.items()}
    try:
        return Answer(status, told, json.loads(body))
    except ValueError:
        return Answer(status, told, body.decode())


@contextlib.contextmanager
def served(home: Path, *arguments: str, port: int | None = None, **more: str) -> Iterator[Up]:
    """A ready server whose first account has the token ADMIN, unless `more` says otherwise."""
    up = Up(home, port=port or free_port(), arguments=arguments, **({"SIGNALBOX_ADMIN_TOKEN": ADMIN} | more))
    try:
        yield up.ready()
    finally:
        up.stop()
