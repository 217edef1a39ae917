"""Identifiers: what each one names, and the one place that makes them.

Ids are ULIDs (26 characters, sortable by time) behind a short prefix, so that a log line says what an id is.
"""

from __future__ import annotations

import os
import time
from typing import NewType, Protocol

RunId = NewType("RunId", str)
WorkflowId = NewType("WorkflowId", str)
ApprovalId = NewType("ApprovalId", str)
UserId = NewType("UserId", str)
NodeId = NewType("NodeId", str)
Path = NewType("Path", str)
"""Names one step of a run: `ok`, `draft#2/ok`, `each[7]/check` (workflow.md, Running 6)."""

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def _crockford(number: int, length: int) -> str:
    digits = []
    for _ in range(length):
        digits.append(_ALPHABET[number & 31])
        number >>= 5
    return "".join(reversed(digits))


def ulid(at_ms: int, randomness: bytes) -> str:
    """A ULID from milliseconds since the epoch and 10 random bytes (github.com/ulid/spec)."""
    return _crockford(at_ms, 10) + _crockford(int.from_bytes(randomness, "big"), 16)


class Ids(Protocol):
    """Makes new identifiers; injected, so that a simulation repeats."""

    def new(self, prefix: str) -> str:
        """`prefix_` + a fresh ULID."""
        ...


class SystemIds:
    """Ids from the wall clock and the operating system's randomness."""

    def new(self, prefix: str) -> str:
        return f"{prefix}_{ulid(time.time_ns() // 1_000_000, os.urandom(10))}"


class CountingIds:
    """Ids that count up: for simulations and golden files."""

    def __init__(self) -> None:
        self._next = 0

    def new(self, prefix: str) -> str:
        self._next += 1
        return f"{prefix}_{self._next:026d}"
