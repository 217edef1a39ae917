"""What the kernel allows a worker process, should its interpreter ever be broken: no new files, no more than its memory and time."""

from __future__ import annotations

import resource
from contextlib import suppress

_ROOM_BYTES = 1024**3
"""Beside what programs may use: the interpreter's own text, stacks and what it has reserved without touching it."""


def fence(pid: int, *, memory_bytes: int, seconds: float) -> None:
    """Lowers the limits of our own child `pid`; does nothing where the system has no way to (macOS)."""
    if not hasattr(resource, "prlimit"):
        return
    limits = {
        resource.RLIMIT_FSIZE: 0,
        resource.RLIMIT_CORE: 0,
        # Also ends a worker whose engine has died while it worked.
        resource.RLIMIT_CPU: int(seconds) + 2,
        resource.RLIMIT_AS: memory_bytes * 2 + _ROOM_BYTES,
    }
    # It may have died already: then whoever talks to it hears so.
    with suppress(ProcessLookupError):
        for limit, most in limits.items():
            resource.prlimit(pid, limit, (most, most))
