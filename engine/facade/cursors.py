"""Cursors of lists: where the next page begins, opaque to the caller."""

from __future__ import annotations

import base64
import binascii
from typing import Any

from engine.errors import Invalid
from engine.jsonvalue import dumps, loads

MAX_PAGE = 1000


def encode(place: list[Any]) -> str:
    """The cursor of a place in a list."""
    return base64.urlsafe_b64encode(dumps(place)).decode().rstrip("=")


def decode(cursor: str, *, parts: int) -> list[Any]:
    """The place of a cursor. Invalid when it is none of ours."""
    place: Any = None
    try:
        place = loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except (binascii.Error, ValueError):
        place = None
    # A place of one part is always a number: how many to pass over, or a version.
    fits = isinstance(place, list) and len(place) == parts and all(isinstance(part, str | int) for part in place)
    if not fits or (parts == 1 and (not isinstance(place[0], int) or place[0] < 0)):
        told = {"field": "cursor", "message": "There is no such place in this list."}
        raise Invalid("This cursor is not valid.", hint="Use `next` of the page before, unchanged.", details={"problems": [told]})
    return place


def page_size(limit: int) -> int:
    """Between 1 and 1000. Invalid otherwise."""
    if not 1 <= limit <= MAX_PAGE:
        raise Invalid(f"limit must be between 1 and {MAX_PAGE}.", details={"problems": [{"field": "limit", "message": "out of range"}]})
    return limit
