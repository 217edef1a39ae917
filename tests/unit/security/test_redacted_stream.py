"""A secret that comes in pieces is blotted out as one that comes at once."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from engine.security.redact import Redacted, Redactor

SECRET = "sk-canary-7f3b/9c+1e"


def passed(pieces: list[str], secret: str = SECRET) -> list[str]:
    told: list[str] = []
    stream = Redacted(Redactor([secret]), told.append)
    for piece in pieces:
        stream(piece)
    stream.rest()
    return told


def test_one_sign_at_a_time() -> None:
    assert "".join(passed(list(f"Your key is {SECRET}, keep it."))) == "Your key is [secret], keep it."


def test_what_is_no_secret_is_not_held_back_for_long() -> None:
    assert passed(["Hello. ", "How are ", "you?"]) == ["Hello. ", "How are ", "you?"]


def test_a_beginning_at_the_end_is_told_once_nothing_more_comes() -> None:
    assert "".join(passed(["It begins with sk-can"])) == "It begins with sk-can"


@given(st.text("sk-canary7f3b/9c+1e ", max_size=30), st.text("sk-canary7f3b/9c+1e ", max_size=30), st.lists(st.integers(1, 9), max_size=60))
def test_however_it_is_cut(before: str, after: str, sizes: list[int]) -> None:
    whole, pieces, at = before + SECRET + after, list[str](), 0
    for size in sizes:
        pieces.append(whole[at : at + size])
        at += size
    told = "".join(passed([*pieces, whole[at:]]))
    assert SECRET not in told
    assert told == Redactor([SECRET]).text(whole)
