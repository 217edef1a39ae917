"""Whether a text keeps its manners: insults, shouting, blame and orders that nobody would send to a customer."""

from __future__ import annotations

import re

from engine.llm.checks.findings import Finding

_RUDE = re.compile(
    r"\b(?:idiot(?:s|ic)?|moron(?:s|ic)?|stupid(?:ity)?|dumb(?:ass)?|imbecile|fool(?:s|ish)?(?!-)|"
    r"loser|jerk|crap(?:py)?|damn(?:ed|it)?|bloody hell|shit(?:ty)?|bullshit|f[u*]ck(?:ing|ed|er)?|asshole|"
    r"bastard|bitch|wtf|stfu|blöd(?:e|er|es)?|dumm(?:e|er|es)?|idioten|scheiß(?:e)?|arschloch)\b",
    re.IGNORECASE,
)
_DISMISSIVE = re.compile(
    r"\b(?:shut up|get lost|go away|not (?:my|our) problem|(?:i|we) (?:do not|don't|couldn't|could not) care(?: less)?|"
    r"whatever\b[.!]|deal with it|stop (?:bothering|wasting|whining|complaining)|quit (?:whining|complaining)|"
    r"(?:waste|wasting) (?:of )?(?:my|our) time|use your brain|"
    r"learn to read|as i(?:'ve| have)? already (?:told|said|explained)|are you (?:serious|kidding|deaf|blind)|how hard can it be|"
    r"you (?:clearly|obviously) (?:did not|didn't|do not|don't|cannot|can't)|your own fault|you should have known|calm down)\b",
    re.IGNORECASE,
)
_SHOUTED = re.compile(r"(?:\b[A-ZÄÖÜ]{3,}\b[ ,!]*){4,}")
_MARKS = re.compile(r"[!?]{3,}")
_KINDS = ((_RUDE, "a rude word"), (_DISMISSIVE, "it brushes somebody off"), (_SHOUTED, "it is shouted"), (_MARKS, "too many marks"))


def rudeness(text: str) -> list[Finding]:
    """What in `text` is not polite, in the order of the text. Words are judged, never what is meant by them."""
    found = [(match.start(), Finding(match.group().strip()[:100], why)) for pattern, why in _KINDS for match in pattern.finditer(text)]
    return [finding for _, finding in sorted(found, key=lambda item: item[0])]
