"""What stands out in a text: its main sentences, words, numbers, dates and addresses, found without a model."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from hashlib import sha256

_BREAK = re.compile(r"(?<=[.!?])\s+|\n+")
_WORD = re.compile(r"[^\W\d_][\w'’-]{2,}")
_NUMBER = re.compile(r"(?<![\w.])-?\d{1,15}(?:\.\d{1,6})?(?![\w])")
_EMAIL = re.compile(r"[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,4}")
_DATE = re.compile(r"\b\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d)\b")
_LINK = re.compile(r"https?://[^\s<>\"')]{1,200}")
_ORDER = re.compile(
    r"^\W*(?:please\s+)?(?:write|answer|reply|respond|draft|summari[sz]e|classify|extract|decide|return|translate|list|explain|describe|"
    r"compose|create|generate|give|tell|use|keep|be|do|don't|never|always|you are|your task|output|format|schreib|antworte|fasse)\b",
    re.IGNORECASE,
)
_LEAD = re.compile(r"^\w[\w ]{0,23}:\s")
_EDGES = " \t\r\n-*#>|\"'“”`{}[]"
_COMMON = frozenset(
    "the and for with that this from are was were will have has had not but you your our they them their what when where which who how can "
    "could would should about into over under then than there here its it's i'm i've all any some more most very just also only been being "
    "does did done get got his her she him one two please und der die das ein eine ist nicht mit für auf den dem von sie ich wir".split()
)
_MOST_TEXT = 20_000


@dataclass(frozen=True, slots=True)
class Salience:
    """What stands out in one text; equal texts give equal values."""

    sentences: tuple[str, ...]
    """The most telling first; never empty."""
    words: tuple[str, ...]
    """The most frequent first, as first written; never empty."""
    numbers: tuple[float, ...]
    emails: tuple[str, ...]
    dates: tuple[str, ...]
    links: tuple[str, ...]
    seed: int

    def pick(self, key: str, count: int) -> int:
        """A number below `count` that depends only on the text and `key`."""
        return int.from_bytes(sha256(f"{self.seed}/{key}".encode("utf-8", "replace")).digest()[:8], "big") % max(1, count)


def salience(text: str) -> Salience:
    """What stands out in `text`; of a very long one, in its beginning and end."""
    seed = int.from_bytes(sha256(text.encode("utf-8", "replace")).digest()[:8], "big")
    if len(text) > _MOST_TEXT:
        text = text[: _MOST_TEXT // 2] + "\n" + text[-_MOST_TEXT // 2 :]
    text = text.encode("utf-8", "replace").decode()
    found = [" ".join(_LEAD.sub("", part.strip(_EDGES)).strip(_EDGES)[:300].split()) for part in _BREAK.split(text)]
    # What the prompt asks for is not what it talks about.
    matter = [sentence for sentence in found if not _ORDER.match(sentence)]
    first_spelling: dict[str, str] = {}
    counts: Counter[str] = Counter()
    for word in _WORD.findall(" ".join(matter if any(_WORD.search(sentence) for sentence in matter) else found)):
        if word.lower() not in _COMMON:
            counts[word.lower()] += 1
            first_spelling.setdefault(word.lower(), word)
    words = tuple(first_spelling[word] for word, _ in counts.most_common(40))
    return Salience(
        sentences=_ranked(found, counts) or ("There was nothing to read.",),
        words=words or ("nothing",),
        numbers=tuple(float(number) for number in dict.fromkeys(_NUMBER.findall(text))),
        emails=tuple(dict.fromkeys(_EMAIL.findall(text))),
        dates=tuple(dict.fromkeys(_DATE.findall(text))),
        links=tuple(dict.fromkeys(_LINK.findall(text))),
        seed=seed,
    )


def _ranked(found: list[str], counts: Counter[str]) -> tuple[str, ...]:
    scored: list[tuple[float, int, str]] = []
    for place, sentence in enumerate(found):
        words = _WORD.findall(sentence)
        if words:
            weight = sum(min(3, counts[word.lower()]) for word in words) / (4 + len(words))
            scored.append((weight - (10 if _ORDER.match(sentence) else 0) + min(len(words), 8) / 8, -place, sentence))
    scored.sort(reverse=True)
    return tuple(dict.fromkeys(sentence for _, _, sentence in scored))[:12]
