"""Blots out secret values wherever they turn up: in texts and JSON values on their way to a journal, a log or a screen.

The last line of defence, not the first: secrets are resolved only inside the egress door and the model gateway.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any
from urllib.parse import quote, quote_plus

MARK = "[secret]"
MIN_LENGTH = 4
"""Shorter values are left alone: blotting them out would spoil every text, and they protect nothing."""
_MIN_LINE = 16
_MOST_HELD = 256
"""Signs of a text that goes on that are held back because a secret may begin with them; longer secrets are known line by line."""
_ANY = "surrogatepass"


class Redactor:
    """Knows the secret values that are in use; safe to use from any thread."""

    def __init__(self, values: Iterable[str] = ()) -> None:
        self._values: frozenset[str] = frozenset()
        self._pattern: re.Pattern[str] | None = None
        self._forms: tuple[str, ...] = ()
        self.know(values)

    def know(self, values: Iterable[str]) -> None:
        """Blots these out as well from now on; a value that was replaced stays known, since it may still turn up."""
        new = {value for value in values if len(value) >= MIN_LENGTH} - self._values
        if not new:
            return
        self._values |= new
        forms = {form for value in self._values for form in _forms(value)}
        # Longest first: the shorter of two forms would else leave the rest of the longer one readable.
        alternatives = "|".join(re.escape(form) for form in sorted(forms, key=lambda f: (-len(f), f)))
        self._pattern = re.compile(alternatives) if forms else None
        self._forms = tuple(forms)

    def text(self, text: str) -> str:
        """The text with every secret value replaced by a mark."""
        return self._pattern.sub(MARK, text) if self._pattern else text

    def value(self, value: Any) -> Any:
        """A JSON value with every secret replaced, in keys too; what holds none is returned as it is."""
        if self._pattern is None:
            return value
        match value:
            case str():
                return self.text(value)
            case list():
                return [self.value(item) for item in value]
            case dict():
                return {self.text(key): self.value(item) for key, item in value.items()}
            case _:
                return value

    def whole(self, text: str) -> int:
        """How much of a text that goes on can be told: not the beginning of what may become a secret."""
        end = text[-_MOST_HELD:]
        held = max((_beginning(form, end) for form in self._forms), default=0)
        return len(text) - held


class Redacted:
    """Passes a text on that comes in pieces, with secrets blotted out even where they are cut in two."""

    def __init__(self, redactor: Redactor, tell: Callable[[str], None]) -> None:
        self._redactor, self._tell = redactor, tell
        self._held = ""

    def __call__(self, piece: str) -> None:
        held = self._redactor.text(self._held + piece)
        end = self._redactor.whole(held)
        self._held = held[end:]
        if end:
            self._tell(held[:end])

    def rest(self) -> None:
        """Nothing more comes."""
        held, self._held = self._held, ""
        if held:
            self._tell(self._redactor.text(held))


def _beginning(form: str, text: str) -> int:
    """How many signs at the end of the text are the beginning of the form, and not all of it."""
    longest = min(len(text), len(form) - 1)
    return next((size for size in range(longest, 0, -1) if form.startswith(text[-size:])), 0)


def _forms(value: str) -> Iterator[str]:
    yield value
    yield json.dumps(value)[1:-1]
    yield json.dumps(value, ensure_ascii=False)[1:-1]
    for encoded in (quote(value, safe="", errors=_ANY), quote(value, errors=_ANY), quote_plus(value, errors=_ANY)):
        yield encoded
        yield re.sub(r"%[0-9A-F]{2}", lambda found: found.group().lower(), encoded)
    raw = value.encode("utf-8", _ANY)
    yield raw.hex()
    yield raw.hex().upper()
    yield from _base64_forms(raw)
    for line in value.splitlines():
        if len(line) >= _MIN_LINE and line != value:
            yield line


def _base64_forms(raw: bytes) -> Iterator[str]:
    # Inside a longer text, as in `user:password` of a Basic header, a value can begin at any of three places of a group.
    for shift in range(3):
        padded = base64.b64encode(bytes(shift) + raw).decode()
        start = (shift * 8 + 5) // 6
        end = (shift + len(raw)) * 8 // 6
        inner = padded[start:end]
        if len(inner) >= MIN_LENGTH:
            yield inner
            yield inner.replace("+", "-").replace("/", "_")
