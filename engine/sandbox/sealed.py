"""Binds what is kept of a suspended program to the one step that may go on from it.

HMAC-SHA256 (RFC 2104): Monty reads what it is given and authenticates nothing, so nothing reaches it unproved.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass

import msgspec

from engine.jsonvalue import digest
from engine.sandbox.program import Suspended

FORMAT = 1
_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Suspended)


class NotOurs(ValueError):
    """What was kept cannot be gone on from; the text says why, for people."""


@dataclass(frozen=True, slots=True)
class Place:
    """Whose program it is: the step, and what it runs."""

    run_id: str
    path: str
    program: str
    """From `program_hash`."""


def program_hash(code: str, inputs: object, version: str) -> str:
    """SHA-256 over the code, its inputs, and the interpreter and format that could go on with it."""
    return digest({"code": code, "inputs": inputs, "version": version, "format": FORMAT})


def seal(key: bytes, place: Place, attempt: int, suspended: Suspended) -> tuple[bytes, bytes]:
    """The body to keep, and its proof (32 bytes)."""
    body = _encoder.encode(suspended)
    return body, _proof(key, place, attempt, body)


def unseal(key: bytes, place: Place, attempt: int, body: bytes, proof: bytes) -> Suspended:
    """What was sealed for exactly this place and attempt. NotOurs."""
    if not hmac.compare_digest(_proof(key, place, attempt, body), proof):
        raise NotOurs("what was kept of it was changed")
    try:
        return _decoder.decode(body)
    except (msgspec.DecodeError, msgspec.ValidationError):
        raise NotOurs("what was kept of it cannot be read") from None


def _proof(key: bytes, place: Place, attempt: int, body: bytes) -> bytes:
    # Every part with its length: no two lists of parts look the same.
    parts = (place.run_id.encode(), place.path.encode(), place.program.encode(), str(attempt).encode(), body)
    return hmac.digest(key, b"".join(len(part).to_bytes(8, "big") + part for part in parts), "sha256")
