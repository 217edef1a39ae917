"""The one door to Monty: programs run in its own interpreter, in worker processes that hold nothing and are thrown away.

A worker has no environment, files, network, clock or chance; it may use so much time and memory and print so much. Its pool
is asked from threads of ours: the asyncio one aborts the process now and then when it exits (docs/decisions/0030-code-in-monty.md).
"""

from __future__ import annotations

import asyncio
import os
import signal
import sysconfig
import threading
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, Protocol

from engine.errors import CodeFailed, CodeLimit, SandboxCrashed, SandboxMissing
from engine.jsonvalue import JsonValue, NotJsonValue, loads
from engine.sandbox.fences import fence
from engine.sandbox.program import CHECKPOINT, Program, Ran, Suspended
from engine.sandbox.sealed import NotOurs

if TYPE_CHECKING:
    import pydantic_monty

_OURS = "<python-input-0>"
"""What the first text that a session is fed is called in its tracebacks: the program."""
_GRACE_S = 2.0
_MOST_MESSAGE = 500
_KILLED = "the engine is closing, or the step was given up"
# The value crosses as one text: whatever a program makes, it is JSON of a bounded size before it is ours.
_TELL = "import json as _json\n_told = _json.dumps({result})\n_told if len(_told) <= {most} else None"
_CLOCK = "There is no clock here: give the time as an input, for instance `now`."
_REFUSED = {
    "time": _CLOCK,
    "datetime": _CLOCK,
    "date": _CLOCK,
    "asyncio": "Code steps cannot wait.",
    "import": "This module is not here.",
}
_NO_FILES = "Files, the environment and the machine are out of reach here."
_CHANCE = "There is no chance here: give a number as an input and start from it, for instance `random.seed(number)`."


@dataclass(frozen=True, slots=True)
class Limits:
    """What one program may use; the sandbox holds it to that, and the kernel to a little more."""

    workers: int = 2
    """How many programs run at once; the others wait their turn."""
    seconds: float = 30.0
    """Of working, over its whole life: what it has used before a crash counts."""
    memory_bytes: int = 64 * 1024**2
    levels: int = 300
    """How deep calls may nest."""
    checkpoints: int = 10_000
    printed_bytes: int = 64 * 1024
    result_bytes: int = 1_000_000
    suspended_bytes: int = 4 * 1024**2
    """A program that is larger at a checkpoint is not kept there."""


@dataclass(slots=True)
class _Job:
    """One program under way, which may be killed from another thread."""

    pid: int | None = None
    is_killed: bool = False
    lock: threading.Lock = field(default_factory=threading.Lock)

    def begins(self, pid: int | None) -> None:
        with self.lock:
            if self.is_killed:
                raise SandboxCrashed(f"It did not run: {_KILLED}.")
            self.pid = pid

    def kill(self) -> None:
        with self.lock:
            self.is_killed = True
            if self.pid is not None:
                with suppress(ProcessLookupError):
                    os.kill(self.pid, signal.SIGKILL)

    def ends(self) -> None:
        # From here on the process may be reaped, and its number be another's.
        with self.lock:
            self.pid = None


class Keep(Protocol):
    """Takes a program at its checkpoints; called in the program's thread."""

    def is_due(self) -> bool:
        """Whether this checkpoint is wanted: taking a program down costs more than coming past."""
        ...

    def keep(self, suspended: Suspended) -> None:
        """Keeps it."""
        ...


@cache
def library() -> Any:
    """The module `pydantic_monty`, imported when it is needed first. SandboxMissing."""
    try:
        return import_module("pydantic_monty")
    except ImportError as error:
        raise SandboxMissing(f"Code cannot run here: {error}.") from error


def worker_binary() -> Path:
    """The program that workers are: the one that was installed beside us, never one that lies on the PATH. SandboxMissing."""
    found = Path(sysconfig.get_path("scripts")) / "monty"
    if not os.access(found, os.X_OK):
        raise SandboxMissing(f"Code cannot run here: {found} is not there.")
    return found


def missing() -> SandboxMissing | None:
    """Why no code can run here; None where it can."""
    try:
        library()
        worker_binary()
    except SandboxMissing as error:
        return error
    return None


class Sandbox:
    """Runs programs, a few at a time. Opens nothing before the first one; belongs to no loop."""

    def __init__(self, limits: Limits = Limits()) -> None:
        self.limits = limits
        self._threads = ThreadPoolExecutor(limits.workers, "code")
        self._lock = threading.Lock()
        self._pool: pydantic_monty.Monty | None = None
        self._running: dict[int, _Job] = {}
        self._is_closed = False

    async def run(
        self, program: Program, inputs: Mapping[str, JsonValue], *, since: Suspended | None = None, keep: Keep | None = None
    ) -> Ran:
        """What it comes to, from its beginning or from a checkpoint; `keep` is asked at each checkpoint.

        CodeFailed and CodeLimit with `type`, `line` and what was `printed` in their details; NotOurs where Monty cannot read
        `since`; SandboxMissing, SandboxCrashed. Cancelled, it ends the worker and returns when nothing of it runs any more.
        """
        job = _Job()
        submitted = self._threads.submit(self._run, job, program, inputs, since, keep)
        told = asyncio.wrap_future(submitted)
        try:
            return await asyncio.shield(told)
        except asyncio.CancelledError:
            if not submitted.cancel():
                job.kill()
                await asyncio.wait([told])
                if not told.cancelled():
                    # Whatever it came to, nobody waits for it any more.
                    told.exception()
            raise

    async def close(self) -> None:
        """Ends every worker; programs under way are killed."""
        with self._lock:
            self._is_closed = True
            running = list(self._running.values())
        for job in running:
            job.kill()
        await asyncio.to_thread(self._threads.shutdown, cancel_futures=True)
        if self._pool is not None:
            await asyncio.to_thread(self._pool.__exit__, None, None, None)

    def _opened(self, job: _Job) -> pydantic_monty.Monty:
        with self._lock:
            if self._is_closed:
                raise SandboxCrashed(f"It did not run: {_KILLED}.")
            self._running[id(job)] = job
            pool = self._pool = self._pool or _pool(self.limits)
            return pool

    def _run(self, job: _Job, program: Program, inputs: Mapping[str, JsonValue], since: Suspended | None, keep: Keep | None) -> Ran:
        pool, monty, limits = self._opened(job), library(), self.limits
        try:
            with pool.checkout(
                limits={
                    "max_feed_duration_secs": limits.seconds,
                    "max_memory": limits.memory_bytes,
                    "max_recursion_depth": limits.levels,
                    "max_suspensions": limits.checkpoints,
                    "max_total_sleep_secs": 0.0,
                },
                # Asked of us, and we refuse: a program comes to the same every time.
                os_policy={"datetime": "call_host", "sleep": "call_host", "random_start": "call_host"},
            ) as session:
                pid = session.worker_pid
                job.begins(pid)
                if pid is not None:
                    fence(pid, memory_bytes=limits.memory_bytes, seconds=limits.seconds * 2)
                try:
                    return _Talk(monty, session, limits, program, since, keep).through(inputs)
                finally:
                    job.ends()
        except TimeoutError as error:
            raise SandboxCrashed("No worker was free for the code.") from error
        except monty.MontyCrashedError as error:
            if job.is_killed:
                raise SandboxCrashed(f"The code was ended: {_KILLED}.") from error
            if error.timed_out:
                raise CodeLimit(f"The code ran longer than {limits.seconds:g} s.", details={"type": "TimeoutError"}) from error
            raise SandboxCrashed from error
        finally:
            with self._lock:
                self._running.pop(id(job), None)


def _pool(limits: Limits) -> pydantic_monty.Monty:
    pool: pydantic_monty.Monty = library().Monty(
        binary_path=worker_binary(),
        min_processes=0,
        max_processes=limits.workers,
        checkout_timeout=limits.seconds + _GRACE_S,
        request_timeout=limits.seconds + _GRACE_S,
        # A worker serves one program: what one of them has done to it, no other one meets.
        max_checkouts_per_worker=1,
        feed_duration_limit_grace=1.0,
    )
    return pool.__enter__()


class _Talk:
    """One program's talk with its worker: whatever it asks of us is refused, but `checkpoint()`."""

    def __init__(self, monty: Any, session: Any, limits: Limits, program: Program, since: Suspended | None, keep: Keep | None) -> None:
        self._monty, self._session, self._limits, self._program, self._since, self._keep = monty, session, limits, program, since, keep
        self._before = since.printed if since else ""
        self._checkpoints = since.checkpoints if since else 0
        self._printed = monty.CollectString(max_bytes=max(1, limits.printed_bytes - len(self._before.encode())))

    def through(self, inputs: Mapping[str, JsonValue]) -> Ran:
        try:
            self._to_end(self._first(inputs))
            told = self._to_end(self._tell())
        except self._monty.MontyError as error:
            self._raise(error)
        resumed_at = self._since.checkpoints if self._since else 0
        return Ran(self._value(told), self.printed, self._checkpoints, resumed_at)

    @property
    def printed(self) -> str:
        """All that it has printed, before a crash too."""
        return self._before + self._printed.output

    def _first(self, inputs: Mapping[str, JsonValue]) -> Any:
        if self._since is None:
            return self._session.feed_start(self._program.text, inputs=dict(inputs), print_callback=self._printed)
        try:
            step = self._session.load_snapshot(self._since.dump, print_callback=self._printed)
        except self._monty.MontyCrashedError:
            raise
        except (self._monty.MontyError, RuntimeError) as error:
            raise NotOurs("what was kept of it belongs to another version of the sandbox") from error
        return step.resume({"return_value": None})

    def _tell(self) -> Any:
        if not self._program.result_line:
            return self._session.feed_start("'null'", print_callback=self._printed)
        return self._session.feed_start(_TELL.format(result="result", most=self._limits.result_bytes), print_callback=self._printed)

    def _to_end(self, step: Any) -> Any:
        monty = self._monty
        while not isinstance(step, monty.MontyComplete):
            match step:
                case monty.FunctionSnapshot() if step.object_id is None and not step.is_os_function and step.function_name == CHECKPOINT:
                    self._stands(step)
                    step = step.resume({"return_value": None})
                case monty.FunctionSnapshot() if step.is_os_function:
                    kind = "ModuleNotFoundError" if str(step.function_name) == "import" else "PermissionError"
                    step = step.resume({"exc_type": kind, "message": _refusal(str(step.function_name))})
                case monty.FunctionSnapshot():
                    step = step.resume({"exc_type": "NameError", "message": f"name '{step.function_name}' is not defined"})
                case monty.NameLookupSnapshot():
                    step = step.resume()
                case _:
                    raise CodeFailed("The code waits for something that never comes.", details=self._details("RuntimeError", 0))
        return step.output

    def _stands(self, step: Any) -> None:
        self._checkpoints += 1
        if self._keep is None or not self._keep.is_due():
            return
        dump = step.dump()
        if len(dump) <= self._limits.suspended_bytes:
            self._keep.keep(Suspended(dump, self.printed, self._checkpoints))

    def _value(self, told: Any) -> JsonValue:
        if not isinstance(told, str) or len(told) > self._limits.result_bytes:
            message = f"The result is larger than {self._limits.result_bytes:,} characters."
            raise CodeLimit(message, details=self._details("MemoryError", self._program.result_line))
        try:
            return loads(told)
        except NotJsonValue as error:
            raise CodeFailed(
                f"Line {self._program.result_line}: the result cannot be kept: {error}.",
                hint="A result is made of numbers, texts, true, false, null, lists and objects with texts as keys.",
                details=self._details("TypeError", self._program.result_line),
            ) from None

    def _raise(self, error: Any) -> NoReturn:
        """Whatever Monty says of the program, as one of our errors."""
        if isinstance(error, self._monty.MontyCrashedError):
            raise error
        name = type(error.exception()).__name__
        frames = error.traceback() if hasattr(error, "traceback") else []
        lines = [frame.line for frame in frames if frame.filename == _OURS]
        of_result = not lines and any(frame.filename != "<string>" for frame in frames)
        # What was said while the result was turned into JSON is about the result.
        line = lines[-1] if lines else self._program.result_line if of_result else 0
        message = str(error).removeprefix(f"{name}: ")[:_MOST_MESSAGE]
        if _is_limit(name, message):
            raise CodeLimit(_limit(name, message, self._limits), details=self._details(name, line)) from error
        if of_result and name == "NameError":
            message = "no line that was reached has set `result`"
        where = f"Line {line}: " if line else ""
        raise CodeFailed(f"{where}{name}: {message}" if message else f"{where}{name}", details=self._details(name, line)) from error

    def _details(self, name: str, line: int) -> dict[str, Any]:
        printed = self.printed
        return {"type": name, "line": line} | ({"printed": printed[-2000:]} if printed else {})


def _refusal(function: str) -> str:
    if function == "os.urandom":
        return _CHANCE
    if function.endswith(".sleep"):
        return _REFUSED["asyncio"]
    return _REFUSED.get(function.split(".")[0], _NO_FILES)


def _is_limit(name: str, message: str) -> bool:
    """Monty tells its own limits by these errors; a program that raises one by itself is told the same."""
    return (
        name in ("MemoryError", "RecursionError")
        or (name == "TimeoutError" and "time limit exceeded" in message)
        or (name == "RuntimeError" and message.startswith("suspension limit"))
    )


def _limit(name: str, message: str, limits: Limits) -> str:
    if name == "RecursionError":
        return f"The code calls itself deeper than {limits.levels} levels."
    if name == "TimeoutError":
        return f"The code ran longer than {limits.seconds:g} s."
    if name == "RuntimeError":
        return f"The code asked for something that is not here, or came past a checkpoint, more than {limits.checkpoints:,} times."
    if f"> {limits.printed_bytes} bytes" in message:
        return f"The code printed more than {limits.printed_bytes:,} bytes."
    return f"The code needed more than {limits.memory_bytes // 1024**2} MB of memory."
