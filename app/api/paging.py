"""Cuts a whole list into pages, for lists that the engine keeps short."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

from pydantic import BaseModel

from engine import Invalid, Page

T = TypeVar("T", bound=BaseModel)


def page_of(items: Sequence[T], *, limit: int, cursor: str | None, key: str = "id") -> Page[T]:
    """The page behind the item that `cursor` names. Invalid when there is none."""
    start = 0
    if cursor is not None:
        keys: list[Any] = [getattr(item, key) for item in items]
        if cursor not in keys:
            raise Invalid("This cursor is not valid.", hint="Use `next` of the page before, unchanged.", details={"problems": [_PROBLEM]})
        start = keys.index(cursor) + 1
    found = list(items[start : start + limit])
    return Page(items=found, next=str(getattr(found[-1], key)) if len(items) > start + limit else None)


_PROBLEM = {"field": "cursor", "message": "There is no such place in this list."}
