"""Whether each sentence of an answer is supported by given texts: by its meaning, its words, its numbers and its names.

No model is asked: meaning is a vector of the local embedding model. A text that says the opposite in the same words passes;
what the figures are on real texts, `signalbox bench grounded` says (docs/decisions/0032-checks-of-answers.md).
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from operator import mul

Meaning = Callable[[Sequence[str]], Awaitable[list[list[float]]]]

MOST_PASSAGES = 1_500
"""Of the given texts; what comes after is not looked at."""
MOST_SENTENCES = 200
LONGEST_PASSAGE = 600
ENOUGH = 0.52
"""From this support on a sentence counts as supported; tuned on two of three LoCoMo conversations, told for the third."""
WEIGHT_OF_WORDS = 0.45
NEAREST = 3

_BREAK = re.compile(r"(?<=[.!?])[\"'”’)]*\s+(?=[\"'“‘(]?[A-Z0-9ÄÖÜ])|\n+")
_WORD = re.compile(r"[^\W\d_][^\W\d_'’-]*", re.UNICODE)
_NUMBER = re.compile(r"(?<![\w.,])\d{1,3}(?:[,.]\d{3})+(?:\.\d+)?(?!\d)|(?<![\w.,])\d+(?:[.,]\d+)?")
_NAME = re.compile(r"(?<![.!?:]\s)(?<!^)(?<![“\"‘(])\b[A-ZÄÖÜ][\w’'-]*[A-Za-zäöüß]\b")
_COURTESY = re.compile(
    r"^\W*(?:hi|hello|dear|good (?:morning|afternoon|evening)|thank|thanks|many thanks|best|kind|warm|regards|sincerely|yours|cheers|sorry|"
    r"we apologi[sz]e|i apologi[sz]e|please (?:let|feel|do not hesitate|contact|reach)|let (?:me|us) know|feel free|if you have|"
    r"we (?:are|'re) happy to|i(?:'m| am) happy to|i hope|we hope|you(?:'re| are) welcome|of course|sure|certainly|hallo|danke|vielen dank|"
    r"mit freundlichen|liebe|viele)\b",
    re.IGNORECASE,
)
_COMMON = frozenset(
    (
        "a an the and or but if of to in on at by for with from as into about over under than then there here it its it's is are "
        "was were be been being am do does did done has have had having will would can could should may might must this that "
        "these those he she they them their his her hers him we us our you your yours i me my mine who whom which what when where "
        "why how not no nor so too very just also only any some all more most much many one own same such each both few other "
        "another while because during through after before again once up down out off get got go goes went make made like really "
        "well now"
    ).split()
)


@dataclass(frozen=True, slots=True)
class Verdict:
    """Of one sentence."""

    sentence: str
    is_supported: bool
    source: str
    """The passage that comes nearest; empty where there is none."""
    support: float
    """From 0 to 1."""
    missing: tuple[str, ...] = ()
    """Numbers and names that stand nowhere in what supports it."""


async def grounds_of(answer: str, sources: str, meaning: Meaning) -> list[Verdict]:
    """A verdict for every sentence of `answer` that claims something, in their order; greetings and questions claim nothing."""
    claims = [sentence for sentence in sentences_of(answer) if _claims(sentence)][:MOST_SENTENCES]
    passages = _passages(sources)
    if not claims:
        return []
    if not passages:
        return [Verdict(claim, False, "", 0.0) for claim in claims]
    vectors = await meaning([*claims, *passages])
    known, names = vectors[len(claims) :], _stems(sources)
    return [_verdict(claim, vectors[i], passages, known, names) for i, claim in enumerate(claims)]


def sentences_of(text: str) -> list[str]:
    """The sentences and lines of a text, without marks of lists."""
    parts = (part.strip().lstrip("-*#>•").strip() for part in _BREAK.split(text))
    return [part for part in parts if part]


def _claims(sentence: str) -> bool:
    if sentence.endswith("?") or (_COURTESY.match(sentence) and not _NUMBER.search(sentence)):
        return False
    return len(_content(sentence)) >= 2 or bool(_NUMBER.search(sentence))


def _passages(sources: str) -> list[str]:
    """Every sentence of the sources, and each with its two neighbours: what is said is often spread over some."""
    single = [sentence[:LONGEST_PASSAGE] for sentence in sentences_of(sources)]
    wide = [" ".join(single[max(0, i - 1) : i + 2])[:LONGEST_PASSAGE] for i in range(len(single))]
    return list(dict.fromkeys([*single, *wide]))[:MOST_PASSAGES]


def _verdict(
    claim: str, vector: Sequence[float], passages: Sequence[str], known: Sequence[Sequence[float]], names: frozenset[str]
) -> Verdict:
    words = _content(claim)
    scored: list[tuple[float, int]] = []
    for place, other in enumerate(known):
        shared = len(words & _content(passages[place])) / max(1, len(words))
        likeness = max(0.0, sum(map(mul, vector, other)))
        scored.append(((1 - WEIGHT_OF_WORDS) * likeness + WEIGHT_OF_WORDS * shared, -place))
    scored.sort(reverse=True)
    support, place = scored[0][0], -scored[0][1]
    near = " ".join(passages[-at] for _, at in scored[:NEAREST])
    missing = [number for number in _numbers(claim) if number not in _numbers(near)]
    missing += [name for name in _NAME.findall(claim) if not _stems(name) <= names]
    is_supported = support >= ENOUGH and not missing
    return Verdict(claim, is_supported, passages[place], round(min(1.0, support), 3), tuple(dict.fromkeys(missing)))


def _numbers(text: str) -> list[str]:
    """Numbers as they are compared: without separators of thousands, a decimal comma as a point."""
    return [_plain(found) for found in _NUMBER.findall(text)]


def _plain(number: str) -> str:
    if re.fullmatch(r"\d{1,3}(?:[,.]\d{3})+(?:\.\d+)?", number):
        whole, point, rest = number.replace(",", "").partition(".")
        return whole + rest if len(rest) == 3 and "," not in number else whole + point + rest
    return number.replace(",", ".")


def _content(text: str) -> frozenset[str]:
    return frozenset(_stem(word) for found in _WORD.findall(text) if (word := found.lower()) not in _COMMON and len(word) > 2)


def _stems(text: str) -> frozenset[str]:
    return frozenset(_stem(found.lower()) for found in _WORD.findall(text))


def _stem(word: str) -> str:
    """A word without its ending, roughly: enough for “painted” and “painting” to meet."""
    word = word.removesuffix("'s").removesuffix("’s")
    for ending in ("ingly", "ations", "ation", "ing", "edly", "ed", "ies", "es", "s", "ly", "er"):
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            word = word[: -len(ending)]
            break
    return word[:-1] if len(word) > 4 and word[-1] in "eyi" else word
