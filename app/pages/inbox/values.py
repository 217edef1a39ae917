"""Values as people read and edit them: facts in plain words, text to type, and what was changed."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Any

LONG = 60
"""Characters from which a text gets lines of its own."""
MOST_WORDS = 4000
"""Above, a change is told as a whole: comparing word by word would take seconds."""
TYPED = "value."
"""Before the name of an editable value in the form."""

_WORDS = re.compile(r"\s+|\w+|[^\w\s]")
# Characters that make text look other than it is: they turn its direction or cannot be seen. Between letters of scripts that are
# joined by them, and inside emoji, the two joiners belong to the text.
_HIDDEN = re.compile(
    "[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff\U000e0000-\U000e007f]"
    "|(?<![^\u0000-\u007f])[\u200c\u200d]|[\u200c\u200d](?![^\u0000-\u007f])"
)


@dataclass(frozen=True)
class Fact:
    """One line of a table: what it is, and its value."""

    label: str
    text: str
    is_long: bool = False


@dataclass(frozen=True)
class Part:
    """A piece of a text: kept (`same`), taken out (`del`) or put in (`ins`)."""

    kind: str
    text: str


def label(name: str) -> str:
    """`http_status` -> `Http status`."""
    words = name.replace("_", " ").strip()
    return words[:1].upper() + words[1:] if words else "Value"


def plain(text: str) -> str:
    """The text with everything that hides or turns it made visible, as `⟨U+202E⟩`."""
    return _HIDDEN.sub(lambda found: f"⟨U+{ord(found.group()):04X}⟩", text)


def as_words(value: Any) -> str:
    """A single value: `yes`, `1,240`, the text itself, `–` for nothing."""
    match value:
        case None | "":
            return "–"
        case bool():
            return "yes" if value else "no"
        case int():
            return f"{value:,}"
        case float():
            return f"{value:,.15g}"
        case str():
            return plain(value)
        case _:
            return plain(json.dumps(value, ensure_ascii=False))


def facts(values: Mapping[str, Any], *, under: str = "") -> list[Fact]:
    """Every value, also within values: what an action does is told whole or not at all."""
    found: list[Fact] = []
    for name, value in values.items():
        told = f"{under} · {label(name).lower()}" if under else label(name)
        if isinstance(value, Mapping) and value:
            found += facts(value, under=told)
        elif isinstance(value, list) and value and any(isinstance(each, dict | list) for each in value):
            found += facts({str(number): each for number, each in enumerate(value, 1)}, under=told)
        else:
            text = ", ".join(map(as_words, value)) if isinstance(value, list) and value else as_words(value)
            found.append(Fact(told, text, len(text) > LONG or "\n" in text))
    return found


def as_text(value: Any) -> str:
    """An editable value as text to type in."""
    return value if isinstance(value, str) else "" if value is None else json.dumps(value, ensure_ascii=False, indent=1)


def parsed(text: str, original: Any) -> Any:
    """What was typed, in the type of the original. ValueError says in words what is wrong."""
    if text.replace("\r\n", "\n") == as_text(original).replace("\r\n", "\n"):
        return original
    match original:
        case str() | None:
            # A form sends every end of a line as two characters.
            return text.replace("\r\n", "\n")
        case bool():
            if text.strip().lower() not in ("true", "false"):
                raise ValueError("Choose yes or no.")
            return text.strip().lower() == "true"
        case int() | float():
            return number(text.strip())
        case _:
            return structure(text, list if isinstance(original, list) else dict)


def number(text: str) -> int | float:
    """A number as people write it. ValueError says in words what is wrong."""
    if not re.fullmatch(r"[+-]?\d{1,15}(\.\d{1,15})?", text):
        raise ValueError("Write a number, like 12 or 12.50, without a currency and without commas.")
    return float(text) if "." in text else int(text)


def structure(text: str, wanted: type) -> Any:
    """A list or named values, written as JSON. ValueError says in words what is wrong."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        raise ValueError("A bracket, a quotation mark or a comma is missing here.") from None
    if not isinstance(value, wanted):
        raise ValueError("Keep the brackets around it." if wanted is not list else "Keep the square brackets around it.")
    return value


def typed(editable: Mapping[str, Any], form: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, str]]:
    """What a form changed: the new values of what differs, and what is wrong with the others."""
    values: dict[str, Any] = {}
    problems: dict[str, str] = {}
    for name, original in editable.items():
        text = form.get(f"{TYPED}{name}")
        if not isinstance(text, str):
            continue
        try:
            value = parsed(text, original)
        except ValueError as error:
            problems[name] = str(error)
            continue
        if value != original or type(value) is not type(original):
            values[name] = value
    return values, problems


def changes(old: str, new: str) -> list[Part]:
    """How the new text came out of the old one, word by word."""
    if old == new:
        return [Part("same", old)] if old else []
    before, after = _WORDS.findall(old), _WORDS.findall(new)
    if max(len(before), len(after)) > MOST_WORDS:
        return _kept(Part("del", old), Part("ins", new))
    found: list[Part] = []
    gone = come = ""
    pieces = SequenceMatcher(None, before, after, autojunk=False).get_opcodes()
    for at, (tag, a, b, c, d) in enumerate(pieces):
        old_piece, new_piece = "".join(before[a:b]), "".join(after[c:d])
        # A space between two changed words is part of one change: that is how people read it.
        if tag == "equal" and (old_piece.strip() or not gone + come or at == len(pieces) - 1):
            found += [*_kept(Part("del", gone), Part("ins", come)), Part("same", old_piece)]
            gone = come = ""
        else:
            gone, come = gone + old_piece, come + new_piece
    return found + _kept(Part("del", gone), Part("ins", come))


def _kept(*parts: Part) -> list[Part]:
    return [part for part in parts if part.text]


def edits(parts: list[Part]) -> int:
    """How many places were changed; a replacement is one."""
    places = [part.kind != "same" for part in parts]
    return sum(now and not before for before, now in zip([False, *places], places, strict=False))
