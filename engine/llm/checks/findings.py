"""What a check says of a text, in the types that every check shares."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that should not be there."""

    text: str
    """The place in the answer, shortened or masked where it must not be repeated."""
    why: str
    """In a few words, as people read them."""
