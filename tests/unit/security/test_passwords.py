"""Password hashes."""

import threading
import time
from typing import Any

import pytest
from argon2 import PasswordHasher

from engine.errors import TooManyAttempts
from engine.security import passwords as module
from engine.security.passwords import Passwords, weakness

QUICK = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)


@pytest.fixture
def passwords() -> Passwords:
    return Passwords(QUICK)


def test_the_usual_hash_is_argon2id_with_strong_parameters() -> None:
    stored = Passwords().hash("correct horse")
    assert stored.startswith("$argon2id$v=19$m=65536,t=3,p=4$")


def test_only_the_right_password_is_accepted(passwords: Passwords) -> None:
    stored = passwords.hash("correct horse")
    assert passwords.verify(stored, "correct horse")
    assert not passwords.verify(stored, "correct horsE")
    assert not passwords.verify(stored, "")
    assert passwords.hash("correct horse") != stored


def test_an_account_without_a_password_accepts_none(passwords: Passwords) -> None:
    for guess in ("", "the password of nobody", "None"):
        assert not passwords.verify(None, guess)
        assert not passwords.verify("", guess)


def test_a_hash_that_is_none_accepts_nothing(passwords: Passwords) -> None:
    assert not passwords.verify("plain text", "plain text")


def test_one_accent_typed_in_two_ways_is_one_password(passwords: Passwords) -> None:
    assert passwords.verify(passwords.hash("caf\u00e9 au lait"), "cafe\u0301 au lait")


def test_odd_texts_do_no_harm(passwords: Passwords) -> None:
    stored = passwords.hash("\ud800 lone surrogate")
    assert passwords.verify(stored, "\ud800 lone surrogate")
    assert not passwords.verify(stored, "x" * 5_000_000)


def test_weaker_hashes_are_outdated(passwords: Passwords) -> None:
    assert Passwords().is_outdated(passwords.hash("correct horse"))
    assert not passwords.is_outdated(passwords.hash("correct horse"))


@pytest.mark.parametrize(
    ("password", "told"),
    [("short", "at least 10"), ("x" * 201, "at most 200"), ("aaaaaaaaaaaa", "different"), ("Ada@example.com", "e-mail address")],
)
def test_a_weak_password_is_told_in_words(password: str, told: str) -> None:
    assert told in weakness(password, email="ada@example.com")
    assert weakness("correct horse", email="ada@example.com") == ""


class _Slow:
    """Stands in for the hasher and watches how many work at once."""

    def __init__(self) -> None:
        self.now = self.most = 0
        self._lock = threading.Lock()

    def hash(self, _password: Any) -> str:
        with self._lock:
            self.now += 1
            self.most = max(self.most, self.now)
        time.sleep(0.02)
        with self._lock:
            self.now -= 1
        return "hash"


def test_at_most_two_hashes_are_made_at_once() -> None:
    slow = _Slow()
    passwords = Passwords(slow)  # type: ignore[arg-type]
    threads = [threading.Thread(target=passwords.hash, args=("x",)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert slow.most == 2


def test_who_would_wait_too_long_is_sent_away(passwords: Passwords, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_PATIENCE_S", 0.01)
    monkeypatch.setattr(module, "_AT_ONCE", threading.BoundedSemaphore(1))
    with module._Turn(), pytest.raises(TooManyAttempts):
        passwords.hash("x")
    passwords.hash("x")
