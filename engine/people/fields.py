"""Checks what people type about people: addresses, names and roles."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

from engine.people.permissions import Role, permissions_of
from engine.people.records import Problem

MAX_EMAIL = 254
MAX_NAME = 100
_EMAIL = re.compile(r"[^@\s\u200c\u200d]+@[^@\s\u200c\u200d]+")


def tidy_email(email: object) -> str:
    """The address in the one spelling in which it is kept and looked up; empty if it is no text."""
    return unicodedata.normalize("NFC", email).strip().lower() if isinstance(email, str) else ""


def email_problems(email: str) -> list[Problem]:
    """What is wrong with a tidy address; whether mail arrives there is not looked at."""
    if not email or len(email) > MAX_EMAIL or not _is_plain(email) or not _EMAIL.fullmatch(email):
        return [Problem("email", "Enter an e-mail address like name@example.com.")]
    return []


def tidy_name(name: object) -> str:
    """A name as it is kept; empty if it is no text."""
    return unicodedata.normalize("NFC", name).strip() if isinstance(name, str) else ""


def name_problems(name: str) -> list[Problem]:
    """What is wrong with a tidy name."""
    if not 1 <= len(name) <= MAX_NAME or not _is_plain(name):
        return [Problem("name", f"Enter a name of 1 to {MAX_NAME} characters.")]
    return []


def parse_roles(roles: Iterable[str]) -> tuple[frozenset[Role], list[Problem]]:
    """The roles, and what is wrong with them."""
    wanted = [str(role) for role in roles]
    known = {str(role): role for role in Role}
    found = frozenset(known[role] for role in wanted if role in known)
    unknown = sorted(set(wanted) - set(known))
    if unknown:
        return found, [Problem("roles", f"There is no role {unknown[0]!r}; there are {', '.join(known)}.")]
    if not found:
        return found, [Problem("roles", "Choose at least one role.")]
    return found, []


def kept_roles(roles: Iterable[str]) -> frozenset[Role]:
    """The roles that a row holds; one that this version does not know allows nothing."""
    known = {str(role): role for role in Role}
    return frozenset(known[role] for role in roles if role in known)


def stored(roles: Iterable[Role]) -> list[str]:
    """Roles as a row keeps them, in the order of the table of permissions."""
    wanted = frozenset(roles)
    return [str(role) for role in Role if role in wanted]


def within(roles: Iterable[Role], own: Iterable[Role]) -> frozenset[Role]:
    """Those of `roles` that allow nothing beyond what `own` allow together: what may be handed on."""
    limit = permissions_of(own)
    return frozenset(role for role in roles if permissions_of([role]) <= limit)


def _is_plain(text: str) -> bool:
    # Control and format characters (line breaks, bidirectional overrides, lone surrogates) make a name look like another;
    # the two joiners belong to the spelling of names in Persian and Indian scripts.
    return all(c in "\u200c\u200d" or unicodedata.category(c) not in ("Cc", "Cf", "Cs") for c in text)
