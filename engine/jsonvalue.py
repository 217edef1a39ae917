"""JSON values: the only data that documents, expressions, journals and the API hold.

Numbers are finite, texts hold no lone surrogates, objects have text keys, depth is bounded.
"""

from __future__ import annotations

import hashlib
import json
import math
from typing import Any, Union

import msgspec

JsonValue = Union[None, bool, int, float, str, list["JsonValue"], dict[str, "JsonValue"]]  # noqa: UP007 - a name in quotes cannot be joined by |

MAX_DEPTH = 64
MAX_INT = 2**63 - 1

_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder()


class NotJsonValue(ValueError):
    """A value is not plain JSON; `where` is its place, e.g. `.items[3]`."""

    def __init__(self, message: str, where: str = "") -> None:
        self.where = where
        super().__init__(f"{message} at {where}" if where else message)


class NestedTooDeep(NotJsonValue):
    """A value is JSON, with more levels than we keep."""


def check_json(value: Any, where: str = "", depth: int = 0) -> None:
    """Raises NotJsonValue unless `value` is plain JSON within our bounds."""
    if depth > MAX_DEPTH:
        raise NestedTooDeep(f"nested deeper than {MAX_DEPTH}", where)
    match value:
        case None | bool():
            return
        case int() | float():
            _check_number(value, where)
        case str():
            _check_text(value, where)
        case list():
            for index, item in enumerate(value):
                check_json(item, f"{where}[{index}]", depth + 1)
        case dict():
            for key, item in value.items():
                _check_key(key, where)
                check_json(item, f"{where}.{key}", depth + 1)
        case _:
            raise NotJsonValue(f"{type(value).__name__} is not JSON", where)


def _check_number(number: float, where: str) -> None:
    if isinstance(number, int):
        if not -MAX_INT - 1 <= number <= MAX_INT:
            raise NotJsonValue("number is larger than 64 bits", where)
    elif not math.isfinite(number):
        raise NotJsonValue("number is not finite", where)


def _check_key(key: Any, where: str) -> None:
    if not isinstance(key, str):
        raise NotJsonValue("key is not a text", where)
    _check_text(key, where)


def _check_text(text: str, where: str) -> None:
    if text.isascii():
        return
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        raise NotJsonValue("text holds a lone surrogate", where) from None


def dumps(value: Any) -> bytes:
    """Compact JSON in UTF-8, keys in their own order."""
    return _encoder.encode(value)


def loads(data: bytes | str) -> Any:
    """The value of a JSON text. NotJsonValue if it is none or beyond our bounds."""
    try:
        value = _decoder.decode(data)
    except RecursionError:
        raise NestedTooDeep(f"nested deeper than {MAX_DEPTH}") from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise NotJsonValue(str(error)) from None
    check_json(value)
    return value


def loads_kept(data: bytes | str) -> Any:
    """The value of a JSON text that Signalbox has written itself."""
    # Held to no bounds again: what was as deep as it may be stands in a card or a row that adds levels of its own.
    return _decoder.decode(data)


def parse_strict(data: bytes) -> Any:
    """Like `loads`, and refuses an object with the same key twice."""

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) != len(pairs):
            raise NotJsonValue("an object has the same key twice")
        return found

    loads(data)
    return json.loads(data, object_pairs_hook=unique)


def canonical(value: Any) -> bytes:
    """The one spelling of a JSON value that digests are taken of: sorted keys, compact, UTF-8.

    Numbers are spelled as Python's json does (1e+16, 1e-07), so that whoever checks a digest needs no library of ours.
    """
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()


def digest(value: Any) -> str:
    """SHA-256 of the canonical JSON, in hex."""
    return hashlib.sha256(canonical(value)).hexdigest()
