"""What the body of an answer comes to: read within bounds, unpacked within bounds, as a JSON value."""

from __future__ import annotations

import base64
import codecs
import zlib
from collections.abc import AsyncIterator, Mapping
from email.message import Message

from engine.errors import AnswerRefused
from engine.jsonvalue import JsonValue, NotJsonValue, loads
from engine.security.redact import Redactor

MOST_BYTES = 2 * 1024 * 1024
"""Of an answer, as it is sent and as it is unpacked."""
ENCODINGS = "gzip, deflate"
_ZLIB = {"gzip": zlib.MAX_WBITS | 16, "x-gzip": zlib.MAX_WBITS | 16, "deflate": zlib.MAX_WBITS}
_TEXT = ("xml", "javascript", "x-www-form-urlencoded", "yaml", "graphql", "csv")


class _Unpacked:
    """Unpacks piece by piece and never makes more than is allowed."""

    def __init__(self, encoding: str, most: int) -> None:
        self._bits, self._most = _ZLIB[encoding], most
        self._zip = zlib.decompressobj(self._bits)
        self._is_first = True

    def feed(self, piece: bytes, have: int) -> bytes:
        """What the piece comes to; one byte more than is allowed tells that it is too much."""
        try:
            return self._zip.decompress(piece, self._most - have + 1)
        except zlib.error:
            if not self._is_first or self._bits != zlib.MAX_WBITS:
                raise AnswerRefused("The answer says that it is packed, and cannot be unpacked.") from None
            # Half of the servers that say `deflate` leave the zlib wrapper out.
            self._zip, self._bits = zlib.decompressobj(-zlib.MAX_WBITS), -zlib.MAX_WBITS
            return self.feed(piece, have)
        finally:
            self._is_first = False

    @property
    def is_whole(self) -> bool:
        """Whether the end was reached."""
        return self._zip.eof


async def read(pieces: AsyncIterator[bytes], headers: Mapping[str, str], *, most: int = MOST_BYTES) -> bytes:
    """The whole body, unpacked. AnswerRefused when it is larger than `most` bytes, or packed in a way nobody asked for."""
    encoding = headers.get("content-encoding", "").strip().lower()
    if encoding not in ("", "identity", *_ZLIB):
        raise AnswerRefused(f"The answer is packed as {encoding[:40]!r}, which was not asked for.")
    unpacked = _Unpacked(encoding, most) if encoding in _ZLIB else None
    body, sent = bytearray(), 0
    async for piece in pieces:
        sent += len(piece)
        if sent > most:
            raise too_large(most)
        body += unpacked.feed(piece, len(body)) if unpacked else piece
        if len(body) > most:
            raise too_large(most)
    if unpacked is not None and sent and not unpacked.is_whole:
        raise AnswerRefused("The answer is packed and was cut off.")
    return bytes(body)


def too_large(most: int) -> AnswerRefused:
    """The answer is larger than is kept."""
    return AnswerRefused(f"The answer is larger than {most // 1024:,} kB, so it was cut off.", hint="Ask for less, such as one page of it.")


def value_of(raw: bytes, content_type: str, redactor: Redactor) -> JsonValue:
    """The body as a JSON value, with every known secret blotted out.

    JSON where the type says so and it is, text where it is text; else `{base64, content_type, bytes}`; null for no body.
    """
    if not raw:
        return None
    told = Message()
    told["content-type"] = content_type or "text/plain"
    kind, charset = told.get_content_type(), str(told.get_param("charset") or "utf-8")
    if kind.endswith(("/json", "+json")):
        try:
            return redactor.value(loads(raw.removeprefix(codecs.BOM_UTF8)))
        except NotJsonValue:
            return redactor.text(_text(raw, charset, is_sure=True) or "")
    is_sure = kind.startswith("text/") and bool(content_type)
    if is_sure or not content_type or kind.endswith(_TEXT):
        if (text := _text(raw, charset, is_sure=is_sure)) is not None:
            return redactor.text(text)
    # Latin-1 has a character for every byte: what stands in plain letters between others is found as well.
    plain = redactor.text(raw.decode("latin-1")).encode("latin-1")
    return {"base64": redactor.text(base64.b64encode(plain).decode()), "content_type": kind, "bytes": len(raw)}


def _text(raw: bytes, charset: str, *, is_sure: bool) -> str | None:
    """The text; None for bytes of which nobody said that they are text, and which are none."""
    try:
        codec = codecs.lookup(charset)
    except (LookupError, ValueError):
        codec = codecs.lookup("utf-8")
    if not getattr(codec, "_is_text_encoding", True):
        codec = codecs.lookup("utf-8")
    try:
        text = raw.decode(codec.name)
    except (UnicodeError, ValueError):
        if not is_sure:
            return None
        text = raw.decode("utf-8", "replace")
    # A lone surrogate is no text that can be kept.
    return text.encode("utf-8", "replace").decode()
