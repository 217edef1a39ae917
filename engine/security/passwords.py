"""Turns passwords into argon2id hashes and checks them."""

from __future__ import annotations

import threading
import unicodedata
from functools import cached_property

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from engine.errors import TooManyAttempts
from engine.settings import MIN_PASSWORD

MAX_PASSWORD = 200
REFUSED = "The e-mail address or the password is not right."
"""The one answer to a sign-in that fails, whatever the reason: it must not tell which accounts exist."""

# Each hash takes 64 MiB and a core for 0.2 s: without a bound, a few hundred sign-ins at once would take the machine down.
_AT_ONCE = threading.BoundedSemaphore(2)
_PATIENCE_S = 20.0


class Passwords:
    """Hashes and checks passwords; blocks the calling thread for about 0.2 s each time."""

    def __init__(self, hasher: PasswordHasher | None = None) -> None:
        self._hasher = hasher or PasswordHasher()

    def hash(self, password: str) -> str:
        """A new argon2id hash. TooManyAttempts if too many are waiting."""
        with _Turn():
            return self._hasher.hash(_bytes(password))

    def verify(self, stored: str | None, password: str) -> bool:
        """Whether the password belongs to the hash; takes as long when there is no hash. TooManyAttempts if too many are waiting."""
        with _Turn():
            try:
                matches = self._hasher.verify(stored or self._nobodys, _bytes(password))
            except (VerificationError, InvalidHashError):
                return False
        return matches and bool(stored)

    @cached_property
    def _nobodys(self) -> str:
        return self._hasher.hash("the password of nobody")

    def is_outdated(self, stored: str) -> bool:
        """Whether the hash was made with weaker parameters than ours now."""
        return self._hasher.check_needs_rehash(stored)


class _Turn:
    def __enter__(self) -> None:
        if not _AT_ONCE.acquire(timeout=_PATIENCE_S):
            raise TooManyAttempts("Too many people are signing in right now.", details={"retry_after_s": 5})

    def __exit__(self, *_: object) -> None:
        _AT_ONCE.release()


def _bytes(password: str) -> bytes:
    # Keyboards differ in how they compose an accent; NFKC makes them one (NIST SP 800-63B 5.1.1.2).
    return unicodedata.normalize("NFKC", password[:MAX_PASSWORD]).encode("utf-8", "surrogatepass")


def weakness(password: str, *, email: str = "") -> str:
    """What is wrong with a new password, as a sentence for its owner; empty if nothing is."""
    if len(password) < MIN_PASSWORD:
        return f"A password needs at least {MIN_PASSWORD} characters."
    if len(password) > MAX_PASSWORD:
        return f"A password has at most {MAX_PASSWORD} characters."
    if len(set(password)) < 4:
        return "A password needs at least 4 different characters."
    if email and password.lower() == email.lower():
        return "A password must not be the e-mail address."
    return ""
