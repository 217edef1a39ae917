"""Column types that several tables share.

Times are 64-bit integers, microseconds since 1970 UTC; short JSON lists are kept as canonical JSON text.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import BigInteger, Text, text
from sqlalchemy.types import TypeDecorator
from sqlmodel import Field

from engine.jsonvalue import canonical, loads


class JsonText(TypeDecorator[Any]):
    """A JSON value in a TEXT column; assign a new value to change it, a changed list in place is not noticed."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Any) -> str | None:
        return None if value is None else canonical(value).decode()

    def process_result_value(self, value: str | None, dialect: Any) -> Any:
        return None if value is None else loads(value)


def primary() -> Any:
    """A part of the primary key."""
    return Field(primary_key=True)


def instant() -> Any:
    """A point in time."""
    return Field(sa_type=BigInteger)


def instant_or_none() -> Any:
    """A point in time that may not have come."""
    return Field(default=None, sa_type=BigInteger)


def count() -> Any:
    """A 64-bit number that starts at 0, also for rows that raw SQL inserts."""
    return Field(default=0, sa_type=BigInteger, sa_column_kwargs={"server_default": text("0")})


def word(value: str = "") -> Any:
    """A text that starts as `value`, also for rows that raw SQL inserts."""
    default = {"": text("''"), "[]": text("'[]'")}[value]
    return Field(default=value, sa_column_kwargs={"server_default": default})


def long_text() -> Any:
    """A text of any length."""
    return Field(sa_type=Text)


def json_list() -> Any:
    """A list of JSON values, empty at the start."""
    return Field(default_factory=list, sa_type=JsonText, sa_column_kwargs={"server_default": text("'[]'")})
