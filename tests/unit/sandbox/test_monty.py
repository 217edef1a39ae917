"""The sandbox: what comes out of it, what it refuses, and what becomes of a program that is cut off."""

import asyncio
import os
import select
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from engine.errors import CodeFailed, CodeLimit, SandboxCrashed, SandboxMissing
from engine.sandbox import monty
from engine.sandbox.monty import Limits, Sandbox
from engine.sandbox.program import Program, Suspended, read
from engine.sandbox.sealed import NotOurs

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    opened = Sandbox(Limits(seconds=1.0, memory_bytes=32 * 1024**2, printed_bytes=200, checkpoints=500, result_bytes=1_000))
    yield opened
    await opened.close()


def program(code: str) -> Program:
    found, _ = read(code)
    assert found is not None
    return found


class Kept(list[Suspended]):
    """Keeps every checkpoint; `heard` is called at each."""

    def __init__(self, heard: Callable[[], object] = bool) -> None:
        super().__init__()
        self._heard = heard

    def is_due(self) -> bool:
        return True

    def keep(self, suspended: Suspended) -> None:
        self.append(suspended)
        self._heard()


async def failure(sandbox: Sandbox, code: str, **inputs: Any) -> CodeFailed | CodeLimit:
    with pytest.raises((CodeFailed, CodeLimit)) as raised:
        await sandbox.run(program(code), inputs)
    return raised.value


async def test_values_go_in_and_come_out(sandbox: Sandbox) -> None:
    given = {"a": [1, 2.5, None, True, "é\u202e"], "b": {"x": {"y": []}}, "c": -(2**63)}
    assert (await sandbox.run(program("{'a': a, 'b': b, 'c': c}"), given)).value == given
    assert (await sandbox.run(program("(1, (2, 3))"), {})).value == [1, [2, 3]]
    assert (await sandbox.run(program("x = 1"), {})).value is None


async def test_what_is_printed_is_kept_and_bounded(sandbox: Sandbox) -> None:
    assert (await sandbox.run(program("print('a', 1)\n2"), {})).printed == "a 1\n"
    error = await failure(sandbox, "for i in range(100): print('x' * 10)")
    assert error.code == "code_limit" and "printed more than 200 bytes" in error.message


@pytest.mark.parametrize(
    ("code", "kind", "line"),
    [
        ("a = 1\nb = a / 0\nb", "ZeroDivisionError", 2),
        ("def f(x):\n    return x['a']\n\nf({})", "KeyError", 2),
        ("x = nothing", "NameError", 1),
        ("import time\ntime.time()", "PermissionError", 2),
        ("import random\nrandom.random()", "PermissionError", 2),
        ("import socket", "ModuleNotFoundError", 1),
        ("y = 1\n{y}", "TypeError", 2),
        ("[float('nan')]", "TypeError", 1),
        ("2 ** 70", "TypeError", 1),
        ("if False:\n    result = 1", "NameError", 2),
        ("class A:\n    x = 1\n    class B: pass\n1", "NotImplementedError", 3),
    ],
)
async def test_an_error_names_its_type_and_line(code: str, kind: str, line: int, sandbox: Sandbox) -> None:
    error = await failure(sandbox, code)
    assert (error.code, error.details["type"], error.details["line"]) == ("code_failed", kind, line)
    assert f"Line {line}" in error.message


@pytest.mark.parametrize(
    "code",
    [
        "while True: pass",
        "a = []\nwhile True: a.append('x' * 1000)",
        "def f(): return f()\nf()",
        "while True: checkpoint()",
        "'x' * 2000",
    ],
)
async def test_a_limit_is_told_as_one(code: str, sandbox: Sandbox) -> None:
    assert (await failure(sandbox, code)).code == "code_limit"
    assert (await sandbox.run(program("1"), {})).value == 1


async def test_a_program_goes_on_from_each_of_its_checkpoints(sandbox: Sandbox) -> None:
    kept = Kept()
    code = program("total = 0\nfor i in range(5):\n    print(i)\n    checkpoint()\n    total += i\ntotal")
    whole = await sandbox.run(code, {}, keep=kept)
    assert len(kept) == 5
    for number, suspended in enumerate(kept, 1):
        again = Kept()
        ran = await sandbox.run(code, {}, since=suspended, keep=again)
        assert (ran.value, ran.printed, ran.checkpoints, ran.resumed_at) == (whole.value, whole.printed, 5, number)
        assert len(again) == 5 - number


async def test_what_was_refused_is_refused_after_a_checkpoint_too(sandbox: Sandbox) -> None:
    kept = Kept()
    code = program("try:\n    checkpoint()\nfinally:\n    import time\ntime.time()")
    for since in (None, "kept"):
        with pytest.raises(CodeFailed, match="no clock"):
            await sandbox.run(code, {}, keep=kept, since=kept[0] if since else None)


async def test_time_that_was_used_before_a_checkpoint_counts(sandbox: Sandbox) -> None:
    kept = Kept()
    code = program("while True:\n    for i in range(100000): pass\n    checkpoint()")
    limits = Sandbox(Limits(seconds=0.3, checkpoints=10_000_000, memory_bytes=32 * 1024**2))
    with pytest.raises(CodeLimit, match="longer"):
        await limits.run(code, {}, keep=kept)
    with pytest.raises(CodeLimit, match="longer"):
        await limits.run(code, {}, since=kept[-1])
    await limits.close()


async def test_what_monty_cannot_read_is_not_ours(sandbox: Sandbox) -> None:
    with pytest.raises(NotOurs):
        await sandbox.run(program("checkpoint()\n1"), {}, since=Suspended(b"something else", "", 1))


async def test_a_large_program_is_not_kept() -> None:
    small = Sandbox(Limits(suspended_bytes=10_000))
    kept = Kept()
    assert (await small.run(program("checkpoint()\nx = 'x' * 20000\ncheckpoint()\nlen(x)"), {}, keep=kept)).value == 20_000
    assert len(kept) == 1
    await small.close()


async def test_one_that_is_cancelled_leaves_no_worker(sandbox: Sandbox) -> None:
    began = asyncio.Event()
    loop = asyncio.get_running_loop()
    pids: list[int] = []

    def at_work() -> None:
        pids.extend(job.pid for job in sandbox._running.values() if job.pid)
        loop.call_soon_threadsafe(began.set)

    running = loop.create_task(sandbox.run(program("checkpoint()\nwhile True: pass"), {}, keep=Kept(at_work)))
    await began.wait()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert sandbox._running == {}
    # It is dead, and reaped by its pool or about to be.
    assert not Path(f"/proc/{pids[0]}").exists() or "Z" in Path(f"/proc/{pids[0]}/stat").read_text()
    assert (await sandbox.run(program("1"), {})).value == 1


async def test_one_that_waits_its_turn_can_be_cancelled() -> None:
    one = Sandbox(Limits(workers=1, seconds=20.0))
    began = asyncio.Event()
    loop = asyncio.get_running_loop()
    first = loop.create_task(
        one.run(program("checkpoint()\nwhile True: pass"), {}, keep=Kept(lambda: loop.call_soon_threadsafe(began.set)))
    )
    await began.wait()
    second = loop.create_task(one.run(program("1"), {}))
    await asyncio.sleep(0)
    for task in (second, first):
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    await one.close()


async def test_a_closed_sandbox_runs_nothing(sandbox: Sandbox) -> None:
    await sandbox.run(program("1"), {})
    other = Sandbox()
    await other.close()
    with pytest.raises((SandboxCrashed, RuntimeError)):
        await other.run(program("1"), {})


def test_without_its_worker_there_is_no_sandbox(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert monty.missing() is None
    monkeypatch.setattr(monty.sysconfig, "get_path", lambda _name: str(tmp_path))
    # Neither the PATH nor an environment variable may put another program in its place.
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "monty").write_text("#!/bin/sh\n")
    os.chmod(tmp_path / "elsewhere" / "monty", 0o755)
    monkeypatch.setenv("PATH", str(tmp_path / "elsewhere"))
    monkeypatch.setenv("MONTY_BIN", str(tmp_path / "elsewhere" / "monty"))
    with pytest.raises(SandboxMissing):
        monty.worker_binary()
    error = monty.missing()
    assert error is not None and error.code == "sandbox_missing"


def test_a_worker_ends_when_its_engine_is_killed() -> None:
    """Its pipe is gone: it ends at the next thing that it says, at the latest when its time is up."""
    told = subprocess.run(
        [sys.executable, "-c", _ORPHAN], cwd=ROOT, env=os.environ | {"PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=False
    )
    pid = int(told.stdout)
    fd = os.pidfd_open(pid) if _is_running(pid) else -1
    if fd >= 0:
        # Readable when it has ended; the test's own time limit stands behind.
        select.select([fd], [], [])
        os.close(fd)
    assert not _is_running(pid)


def _is_running(pid: int) -> bool:
    stat = Path(f"/proc/{pid}/stat")
    return stat.exists() and stat.read_text().rsplit(")", 1)[1].split()[0] != "Z"


_ORPHAN = """
import asyncio, os, signal
from engine.sandbox.monty import Limits, Sandbox
from engine.sandbox.program import read

sandbox = Sandbox(Limits(seconds=2.0))

class Die:
    def is_due(self):
        print(next(job.pid for job in sandbox._running.values()), flush=True)
        os.kill(os.getpid(), signal.SIGKILL)

asyncio.run(sandbox.run(read("checkpoint()\\nwhile True: pass")[0], {}, keep=Die()))
"""
