"""What is kept of a program is opened only for the place that it was sealed for."""

from dataclasses import replace

import pytest

from engine.sandbox.program import Suspended
from engine.sandbox.sealed import NotOurs, Place, program_hash, seal, unseal

KEY, PLACE = b"k" * 32, Place("run_1", "each[7]/count", "hash")
SUSPENDED = Suspended(b"\x00dump", "printed\n", 3)


def test_what_was_sealed_is_opened() -> None:
    body, proof = seal(KEY, PLACE, 2, SUSPENDED)
    assert unseal(KEY, PLACE, 2, body, proof) == SUSPENDED


@pytest.mark.parametrize(
    ("key", "place", "attempt"),
    [
        (b"x" * 32, PLACE, 2),
        (KEY, replace(PLACE, run_id="run_2"), 2),
        (KEY, replace(PLACE, path="each[8]/count"), 2),
        (KEY, replace(PLACE, program="other"), 2),
        (KEY, PLACE, 1),
        # The same letters, divided otherwise.
        (KEY, replace(PLACE, run_id="run_1e", path="ach[7]/count"), 2),
    ],
)
def test_another_place_is_refused(key: bytes, place: Place, attempt: int) -> None:
    body, proof = seal(KEY, PLACE, 2, SUSPENDED)
    with pytest.raises(NotOurs):
        unseal(key, place, attempt, body, proof)


def test_every_flipped_bit_is_refused() -> None:
    body, proof = seal(KEY, PLACE, 2, SUSPENDED)
    for place in range(len(body) * 8):
        changed = bytearray(body)
        changed[place // 8] ^= 1 << place % 8
        with pytest.raises(NotOurs):
            unseal(KEY, PLACE, 2, bytes(changed), proof)


def test_the_hash_knows_code_inputs_and_version() -> None:
    hashes = {program_hash(*told) for told in [("a", {}, "1"), ("b", {}, "1"), ("a", {"x": 1}, "1"), ("a", {}, "2")]}
    assert len(hashes) == 4
