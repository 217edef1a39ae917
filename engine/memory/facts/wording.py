"""How names, quotes and facts are made comparable, and which words a person looks at before anything believes them."""

from __future__ import annotations

import hmac
import re
import unicodedata
from datetime import UTC, datetime
from hashlib import blake2b
from typing import Any

from engine.jsonvalue import canonical

_SPACE = re.compile(r"\s+")
_NAME_SIGNS = re.compile(r"[^\w\s@.+&/#-]")
_QUOTES = str.maketrans({c: "'" for c in "‘’‚‛`´"} | {c: '"' for c in "“”„‟«»"} | {c: "-" for c in "‐‑‒–—―−"} | {"…": "..."})
_HIDDEN = ("Cf", "Cc")

# Words that ask for something to be done instead of saying how something is; links; what looks like a key.
_SUSPICIOUS = {
    "it gives an order": re.compile(
        r"\b(ignore (all|any|the|previous|earlier|prior)|disregard|always\s+\w+|never\s+(ask|check|tell|mention|require)|"
        r"from now on|you (must|should|are now)|do not (tell|ask|mention|check)|"
        r"(send|forward|wire|transfer|pay|e?-?mail)\s+(it|all|every|the|money|to)\b|"
        r"execute|run the|system prompt|approve (all|every|any)|skip (the )?(check|approval|review))",
        re.IGNORECASE,
    ),
    "it holds a link": re.compile(r"(\b[a-z][a-z0-9+.-]{1,10}://|\bwww\.|\bjavascript:|\bdata:text)", re.IGNORECASE),
    "it holds what looks like a key or a password": re.compile(
        r"(\b(password|passwd|api[_ -]?key|secret|token|bearer)\b\s*(is|=|:)\s*\S+|\b(sk|pk|ghp|gho|xox[abp]|AKIA)[-_]?[A-Za-z0-9]{12,}|"
        r"-----BEGIN [A-Z ]+-----|\beyJ[A-Za-z0-9_-]{20,})",
        re.IGNORECASE,
    ),
}


def comparable(text: str) -> str:
    """The text as quotes are compared: one form of every sign, one space for any, no letters that nobody sees, no case."""
    text = unicodedata.normalize("NFKC", text).translate(_QUOTES)
    text = "".join(" " if sign in "\n\r\t" else sign for sign in text if sign in "\n\r\t" or unicodedata.category(sign) not in _HIDDEN)
    return _SPACE.sub(" ", text).strip().casefold()


def norm_key(name: str) -> str:
    """The name as names are compared: `Müller GmbH.` and `müller  gmbh` are one."""
    return _SPACE.sub(" ", _NAME_SIGNS.sub(" ", comparable(name))).strip(" .-/#&+")


def stands_in(quote: str, words: str) -> bool:
    """Whether the quote occurs in the words, whole words only."""
    wanted = comparable(quote)
    if not wanted:
        return False
    head, tail = (r"\b" if wanted[0].isalnum() else ""), (r"\b" if wanted[-1].isalnum() else "")
    return re.search(head + re.escape(wanted) + tail, comparable(words)) is not None


def suspicion(text: str) -> str:
    """Why a person should look at this before it is believed; empty if nothing speaks against it."""
    plain = comparable(text)
    return next((why for why, pattern in _SUSPICIOUS.items() if pattern.search(plain) or pattern.search(text)), "")


def without_links(text: str) -> str:
    """The text where links are what it is about."""
    return re.sub(r"(https?://|www\.)\S+", " ", text)


def sentence(subject: str, words: str, told: str, *, is_negated: bool = False) -> str:
    """The fact as a sentence. It is made of its parts, never taken from whoever told it: words beside them could say anything."""
    return f"{subject} {'does not hold: ' if is_negated else ''}{words} {told}".strip()


def told_of(value: Any) -> str:
    """A value in a sentence."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return value if isinstance(value, str) else canonical(value).decode()


def same_value(one: Any, other: Any) -> bool:
    """Whether two values say the same: texts are compared like names, numbers by what they are worth."""
    if isinstance(one, str) and isinstance(other, str):
        return comparable(one) == comparable(other)
    return (type(one) is type(other) and one == other) or (_is_number(one) and _is_number(other) and one == other)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def tombstone_key(secret: bytes, scope_key: str, subject: str, predicate: str, told: str) -> str:
    """What is kept of a forgotten fact: nobody without the key can say which fact it was."""
    return hmac.new(secret, canonical([scope_key, norm_key(subject), predicate, comparable(told)]), "sha256").hexdigest()


def quote_sha(quote: str) -> str:
    """Says whether two quotes are one, without their words."""
    return blake2b(comparable(quote).encode("utf-8", "replace"), digest_size=16).hexdigest()


def day(at_us: int) -> str:
    """`5 March 2026`."""
    at = datetime.fromtimestamp(at_us / 1e6, UTC)
    return f"{at.day} {at:%B %Y}"


def trigrams(name: str) -> frozenset[str]:
    """Of a normed name: two names that share most of theirs may be one."""
    padded = f"  {name} "
    return frozenset(padded[at : at + 3] for at in range(len(padded) - 2))


def likeness(one: str, other: str) -> float:
    """Of two normed names, by the trigrams that they share: 0 to 1."""
    mine, theirs = trigrams(one), trigrams(other)
    return len(mine & theirs) / len(mine | theirs) if mine | theirs else 0.0
