"""Nothing that a code step runs gets out, and nothing that it uses up keeps the next one from running.

Every entry of the corpus runs twice: as the engine would run it, and past our own reading of it, so that the sandbox alone
has to hold it. Tripwires: a file, a listener, a variable of our environment, and what stands on our own standard output.
"""

from __future__ import annotations

import json
import os
import socket
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from engine.errors import CodeFailed, CodeLimit, SandboxCrashed
from engine.jsonvalue import check_json
from engine.sandbox.monty import Limits, Sandbox
from engine.sandbox.program import Program, read
from tests.security.code_escapes import ESCAPES
from tests.unit.sandbox.test_monty import Kept

VARIABLE, CANARY = "SIGNALBOX_TEST_CANARY", "a-canary-of-the-environment-8f1c"
LEAKS = (CANARY, "root:x:", "/bin/sh", "/usr/lib/python", "site-packages")
LIMITS = Limits(seconds=0.5, memory_bytes=32 * 1024**2, printed_bytes=4_000, checkpoints=2_000)


@dataclass
class Tripwires:
    """What must stay untouched."""

    file: Path
    listener: socket.socket

    def fill(self, code: str) -> str:
        port = self.listener.getsockname()[1]
        return code.replace("FILE", str(self.file)).replace("PORT", str(port)).replace("CANARY", VARIABLE)

    def check(self) -> None:
        assert not self.file.exists()
        try:
            connection, _ = self.listener.accept()
        except BlockingIOError:
            return
        connection.close()
        raise AssertionError("somebody has come through")


@pytest.fixture
def tripwires(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Tripwires]:
    monkeypatch.setenv(VARIABLE, CANARY)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setblocking(False)
        yield Tripwires(tmp_path / "tripped", listener)


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    opened = Sandbox(LIMITS)
    yield opened
    await opened.close()


def test_there_are_enough_of_them() -> None:
    assert len(ESCAPES) >= 60


@pytest.mark.parametrize("name", ESCAPES)
async def test_an_escape_stays_inside(name: str, sandbox: Sandbox, tripwires: Tripwires, capfd: pytest.CaptureFixture[str]) -> None:
    code = tripwires.fill(ESCAPES[name])
    program, flaws = read(code)
    assert program is not None or flaws
    # Past our reading: what the last line comes to is handed to us as it is, as if we knew nothing of it.
    for tried in (program, Program(code, 1), Program(code, 0)):
        if tried is not None:
            told = await _told(sandbox, tried)
            assert not [leak for leak in LEAKS if leak in told], told
    tripwires.check()
    out, _ = capfd.readouterr()
    assert out == "", "what a program prints is never ours"
    assert (await sandbox.run(_program("x * 2"), {"x": 21})).value == 42, "the next one runs"


async def _told(sandbox: Sandbox, program: Program) -> str:
    """All that anybody hears of it."""
    try:
        ran = await sandbox.run(program, {"x": 1})
    except (CodeFailed, CodeLimit, SandboxCrashed) as error:
        return json.dumps(error.as_json())
    check_json(ran.value)
    return json.dumps([ran.value, ran.printed])


def _program(code: str) -> Program:
    program, _ = read(code)
    assert program is not None
    return program


async def test_the_tripwires_trip(tripwires: Tripwires) -> None:
    """What the corpus tries is really there to be found, by whoever is not in a sandbox."""
    assert os.environ[VARIABLE] == CANARY
    tripwires.file.write_text("x")
    with pytest.raises(AssertionError):
        tripwires.check()
    tripwires.file.unlink()
    with socket.create_connection(tripwires.listener.getsockname()), pytest.raises(AssertionError):
        tripwires.check()


async def test_a_worker_has_nothing_of_ours(sandbox: Sandbox) -> None:
    """Neither our environment nor our files: what stands open in it are its pipes."""
    seen: dict[str, Any] = {}

    def look() -> None:
        pid = next(job.pid for job in sandbox._running.values())
        assert pid is not None
        seen["environment"] = Path(f"/proc/{pid}/environ").read_bytes()
        seen["open"] = [os.readlink(link) for link in Path(f"/proc/{pid}/fd").iterdir() if int(link.name) < 3]
        seen["limits"] = Path(f"/proc/{pid}/limits").read_text()

    await sandbox.run(_program("checkpoint()\n1"), {}, keep=Kept(look))
    assert seen["environment"] == b""
    assert all(name.startswith("pipe:") for name in seen["open"][:2])
    assert [line.split()[3:5] for line in seen["limits"].splitlines() if line.startswith("Max file size")] == [["0", "0"]]
