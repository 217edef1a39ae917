"""Texts by which programs and browsers are recognised."""

import pytest

from engine.ids import CountingIds, SystemIds
from engine.security.tokens import (
    SESSION_IDLE_US,
    hashed,
    is_random_text,
    is_token,
    new_random_text,
    new_token,
    session_is_over,
)


def test_a_token_names_its_id_and_keeps_its_secret_out_of_logs() -> None:
    made = new_token(CountingIds())
    assert made.id == "token_00000000000000000000000001"
    assert made.text.startswith("sbx_00000000000000000000000001_")
    assert made.hash == hashed(made.text) != made.text
    assert made.text not in repr(made)
    assert is_token(made.text)


def test_tokens_and_sessions_are_never_the_same_twice() -> None:
    ids = SystemIds()
    assert len({new_token(ids).text for _ in range(200)} | {new_random_text() for _ in range(200)}) == 400


@pytest.mark.parametrize(
    "text", [None, "", "sbx_", "sbx_short", "Sbx_0123456789abcdef", "sbx_0123456789 abcdef", "sbx_" + "x" * 600, "sbx_ключключключ"]
)
def test_what_cannot_be_a_token_is_known_without_a_look_up(text: str | None) -> None:
    assert not is_token(text)


def test_an_operators_own_text_can_be_a_token() -> None:
    assert is_token("sbx_my-own-token")
    assert is_token("sbx_0123456789ab")
    assert not is_token("sbx_0123456789a")


@pytest.mark.parametrize("text", [None, "", "x", "x" * 42, "x" * 44, "x" * 42 + " ", "x" * 42 + "\n", "../" * 15])
def test_what_cannot_be_a_session_is_known_without_a_look_up(text: str | None) -> None:
    assert not is_random_text(text)
    assert is_random_text(new_random_text())


def test_a_session_ends_by_silence_and_by_age() -> None:
    assert not session_is_over(now=SESSION_IDLE_US - 1, last_seen_at=0, expires_at=10**15)
    assert session_is_over(now=SESSION_IDLE_US, last_seen_at=0, expires_at=10**15)
    assert session_is_over(now=100, last_seen_at=99, expires_at=100)
