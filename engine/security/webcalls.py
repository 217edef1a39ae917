"""What a call to a web address is and what its answer comes to, as steps and the egress door know them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from engine.jsonvalue import JsonValue


@dataclass(frozen=True, slots=True)
class WebRequest:
    """One call. It names a secret and never holds one."""

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None
    secret: str = ""
    """Name of a stored secret that goes along; empty: none."""
    may_repeat: bool = True
    """Whether the world ends up the same if it is made twice: if not, a lost answer leaves it in doubt."""
    timeout_s: float = 30.0
    """For everything together, redirects included."""


@dataclass(frozen=True, slots=True)
class WebAnswer:
    """What came back, with every known secret blotted out."""

    status: int
    headers: dict[str, str]
    """Names in lower case; cookies are left out."""
    body: JsonValue
    """JSON where the answer says that it is JSON, else text; `{base64, content_type, bytes}` for what is no text; null for nothing."""


@dataclass(frozen=True, slots=True)
class WebStream:
    """An answer whose body is read as it comes. Whoever has it closes it."""

    status: int
    headers: dict[str, str]
    """Names in lower case; cookies are left out."""
    chunks: AsyncIterator[bytes]
    """Raises AnswerRefused when more comes than was asked for, WebUnavailable or InDoubt when it breaks off. Secrets are still in it."""
    close: Callable[[], Awaitable[None]]
