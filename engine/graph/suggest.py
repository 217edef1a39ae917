"""Which known name a misspelt one probably means."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

LONGEST_NAME = 60
MOST_NAMES = 200


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The most similar of the known names, or None. Long names and long lists are not compared: that would be slow."""
    names = [n for n in known if len(n) <= LONGEST_NAME]
    if len(name) > LONGEST_NAME or len(names) > MOST_NAMES:
        return None
    found = get_close_matches(name, names, n=1)
    return found[0] if found else None


def did_you_mean(name: str, known: Iterable[str], *, otherwise: str) -> str:
    """A hint: the nearest known name, else `otherwise`."""
    near = nearest(name, known)
    return f"Did you mean `{near}`?" if near else otherwise


def shown(name: str) -> str:
    """A name from a document, short enough for a message."""
    return name if len(name) <= LONGEST_NAME else name[: LONGEST_NAME - 1] + "…"


def listed(names: Iterable[str], *, most: int = 12) -> str:
    """`a, b, c` or `a, b and 40 more`."""
    known = list(names)
    if len(known) <= most:
        return ", ".join(known)
    return f"{', '.join(known[:most])} and {len(known) - most} more"
