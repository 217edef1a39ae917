"""Runs the programs of code steps, and lets one that a crash cut off go on from its last checkpoint.

What is kept at a checkpoint is sealed for its step and thrown away when the step ends; whatever does not fit exactly is left
aside, and the program begins anew: it only computes, so nothing is done twice.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from engine.clock import Clock
from engine.errors import CodeFailed, StorageUnavailable
from engine.jsonvalue import JsonValue
from engine.sandbox.monty import Sandbox, library
from engine.sandbox.program import Program, Ran, Suspended, read
from engine.sandbox.sealed import NotOurs, Place, program_hash, seal, unseal
from engine.storage.suspended import FORGET, KeptProgram, SuspendedPrograms

log = logging.getLogger("signalbox.run")
KEEP_EVERY_S = 0.5
"""The first checkpoint is kept, then at most one in this time: a program may come past thousands."""

Statement = tuple[str, tuple[Any, ...]]


def forget_program(run_id: str, path: str) -> Statement:
    """The step has ended: nobody goes on from what is kept of it."""
    return FORGET, (run_id, path)


@dataclass(slots=True)
class Told:
    """What a step's program said beside its result, for the timeline; filled in as far as it came."""

    printed: str = ""
    checkpoints: int = 0
    resumed_at: int = 0
    anew: str = ""
    """Why it did not go on from what was kept."""

    def as_json(self) -> dict[str, JsonValue]:
        """Without what there was nothing of."""
        told: dict[str, JsonValue] = {
            "printed": self.printed,
            "checkpoints": self.checkpoints,
            "resumed_at": self.resumed_at,
            "anew": self.anew,
        }
        return {name: value for name, value in told.items() if value}


class Programs:
    """Owns the sandbox and what is kept of its programs."""

    def __init__(self, sandbox: Sandbox, kept: SuspendedPrograms, key: bytes, clock: Clock) -> None:
        """`key` proves that what is kept is ours (MasterKey.derive)."""
        self._sandbox = sandbox
        self._kept = kept
        self._key = key
        self._clock = clock

    async def run(
        self, code: str, inputs: Mapping[str, JsonValue], *, run_id: str, path: str, attempt: int, told: Told
    ) -> JsonValue:  # fmt: skip
        """The program's result. CodeFailed, CodeLimit, SandboxCrashed; SandboxMissing where there is no sandbox."""
        program, flaws = read(code)
        if program is None:
            raise CodeFailed(flaws[0].message, hint=flaws[0].hint, details={"type": "SyntaxError", "line": flaws[0].line})
        place = Place(run_id, path, program_hash(code, dict(inputs), library().__version__))
        try:
            # An attempt before this one may have left something behind; the first one begins at the beginning.
            since = await asyncio.to_thread(self._since, place, attempt) if attempt > 1 else None
        except (NotOurs, StorageUnavailable) as error:
            since, told.anew = None, str(error)
        ran = await self._ran(program, inputs, _Keeping(self, place, attempt), since, told)
        told.printed, told.checkpoints, told.resumed_at = ran.printed, ran.checkpoints, ran.resumed_at
        return ran.value

    async def _ran(self, program: Program, inputs: Mapping[str, JsonValue], keeping: _Keeping, since: Suspended | None, told: Told) -> Ran:
        if since is not None:
            try:
                return await self._sandbox.run(program, inputs, since=since, keep=keeping)
            except NotOurs as error:
                told.anew = str(error)
        return await self._sandbox.run(program, inputs, keep=keeping)

    def _since(self, place: Place, attempt: int) -> Suspended | None:
        kept = self._kept.read(place.run_id, place.path)
        if kept is None:
            return None
        if kept.program != place.program:
            raise NotOurs("its code, its inputs or the sandbox are others now")
        if kept.attempt > attempt:
            raise NotOurs("what was kept belongs to a later attempt")
        return unseal(self._key, place, kept.attempt, kept.body, kept.proof)

    def keep(self, place: Place, attempt: int, suspended: Suspended) -> None:
        """Seals and keeps it, as far as the database takes it. Blocks; called in the program's thread."""
        body, proof = seal(self._key, place, attempt, suspended)
        try:
            self._kept.keep(place.run_id, place.path, KeptProgram(attempt, place.program, proof, body))
        except StorageUnavailable as error:
            log.warning("step %s of run %s would begin anew after a crash: %s", place.path, place.run_id, error)

    def now_s(self) -> float:
        """Seconds on the engine's clock."""
        return self._clock.now_us() / 1e6

    async def close(self) -> None:
        """Ends what runs; what is kept stays for the next start."""
        await self._sandbox.close()
        await asyncio.to_thread(self._kept.close)


@dataclass(slots=True)
class _Keeping:
    """Keeps one program's checkpoints, not all too often."""

    programs: Programs
    place: Place
    attempt: int
    next_s: float = field(default=0.0)

    def is_due(self) -> bool:
        """Whether some time has gone by since the last one."""
        return self.programs.now_s() >= self.next_s

    def keep(self, suspended: Suspended) -> None:
        """Keeps this one."""
        self.next_s = self.programs.now_s() + KEEP_EVERY_S
        self.programs.keep(self.place, self.attempt, suspended)
