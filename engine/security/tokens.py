"""Makes the texts by which programs and browsers are recognised: API tokens, session ids and set-up links.

All of them are long and random, so a plain SHA-256 is kept; whoever reads the database cannot sign in with what is there.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from dataclasses import dataclass, field

from engine.ids import Ids
from engine.settings import MIN_TOKEN, TOKEN_PREFIX

_HOUR_US = 3_600_000_000
SESSION_IDLE_US = 12 * _HOUR_US
SESSION_ABSOLUTE_US = 7 * 24 * _HOUR_US
SETUP_LINK_US = 24 * _HOUR_US
MAX_LENGTH = 512


@dataclass(frozen=True)
class NewToken:
    """A token that was just made; `text` is shown once and never kept."""

    id: str
    text: str = field(repr=False)
    hash: str


def new_token(ids: Ids) -> NewToken:
    """A fresh API token `sbx_<id>_<secret>`."""
    token_id = ids.new("token")
    text = f"{TOKEN_PREFIX}{token_id.removeprefix('token_')}_{secrets.token_hex(32)}"
    return NewToken(id=token_id, text=text, hash=hashed(text))


def new_random_text() -> str:
    """256 random bits, safe in a cookie and in an address."""
    return secrets.token_urlsafe(32)


def hashed(text: str) -> str:
    """SHA-256 in hex: what is kept of a token, a session id or a set-up link."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def is_token(text: str | None) -> bool:
    """Whether the text can be an API token at all; the rest is decided by its hash."""
    return bool(text and text.startswith(TOKEN_PREFIX) and MIN_TOKEN <= len(text) <= MAX_LENGTH and re.fullmatch(r"[!-~]+", text))


def is_random_text(text: str | None) -> bool:
    """Whether the text can be a session id or a set-up link at all."""
    return bool(text and re.fullmatch(r"[A-Za-z0-9_-]{43}", text))


def session_is_over(*, now: int, last_seen_at: int, expires_at: int) -> bool:
    """Whether a session has ended by its age (7 days) or by silence (12 hours)."""
    return now >= expires_at or now - last_seen_at >= SESSION_IDLE_US
