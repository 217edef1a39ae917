"""How a model is kept from what tells of a person: placeholders stand in a question for it, and its answer is filled in again.

Pure: placeholders follow from the question alone, so the same conversation is masked the same way after a crash, and nothing has to be
kept. What people wrote that looks like a placeholder is left alone and its number is not given away.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from engine.llm.checks.personal import KINDS, personal_places
from engine.llm.messages import Message, ModelAnswer, ModelRequest, ToolCall

WORD = "word"
"""The kind of what a workspace has listed itself."""
MOST_WORDS = 500
_PLACEHOLDER = re.compile(r"\[([A-Z]+)_(\d{1,6})\]")
_ESCAPES = re.compile(r"\\[nrtbf\"/]")
_LONGEST = 16
"""Signs that a placeholder takes at most."""
_BEGUN = re.compile(r"\[(?:[A-Z]+(?:_\d{0,6})?)?$")


@dataclass(frozen=True, slots=True)
class MaskRule:
    """What is kept from a model."""

    kinds: frozenset[str] = frozenset(KINDS)
    words: tuple[str, ...] = ()
    """Names and other words of the workspace, in any spelling of capitals."""

    def stricter(self, other: MaskRule | None) -> MaskRule:
        """What both keep."""
        return self if other is None else MaskRule(self.kinds | other.kinds, tuple(dict.fromkeys((*self.words, *other.words))))


class Mask:
    """The placeholders of one question."""

    def __init__(self, rule: MaskRule, texts: Iterable[str]) -> None:
        """`texts` is all that the question holds: a number that stands in it already is not given away again."""
        self._rule = rule
        self._words = _pattern(rule.words)
        self._taken = {found.group() for text in texts for found in _PLACEHOLDER.finditer(text)}
        self._numbers = Counter[str]()
        self._by_value: dict[tuple[str, str], str] = {}
        self._values: dict[str, str] = {}

    @property
    def counts(self) -> dict[str, int]:
        """How many different ones of each kind are kept from the model."""
        return dict(sorted(Counter(kind for kind, _ in self._by_value).items()))

    def hidden(self, text: str) -> str:
        """The text with placeholders."""
        # A line end that JSON writes as two signs would else hide where a number begins.
        seen = _ESCAPES.sub("  ", text)
        spans = [(place.start, place.end, place.kind) for place in personal_places(seen) if place.kind in self._rule.kinds]
        for found in self._words.finditer(seen) if self._words is not None else ():
            start, end = found.span()
            if not any(start < b and a < end for a, b, _ in spans):
                spans.append((start, end, WORD))
        parts, at = list[str](), 0
        for start, end, kind in sorted(spans):
            parts += (text[at:start], self._placeholder(kind, text[start:end]))
            at = end
        return "".join((*parts, text[at:]))

    def shown(self, text: str, *, is_json: bool = False) -> str:
        """The text with what the placeholders stand for; in JSON, as it is written inside a text there."""

        def value_of(found: re.Match[str]) -> str:
            value = self._values.get(found.group())
            if value is None:
                return found.group()
            return json.dumps(value, ensure_ascii=False)[1:-1] if is_json else value

        return _PLACEHOLDER.sub(value_of, text) if self._values else text

    def _placeholder(self, kind: str, value: str) -> str:
        known = self._by_value.get((kind, value))
        if known is not None:
            return known
        while True:
            self._numbers[kind] += 1
            placeholder = f"[{kind.upper()}_{self._numbers[kind]}]"
            if placeholder not in self._taken:
                break
        self._by_value[kind, value] = placeholder
        self._values[placeholder] = value
        return placeholder


class Shown:
    """Passes an answer on that comes in pieces, filled in again even where a placeholder is cut in two."""

    def __init__(self, mask: Mask, tell: Callable[[str], None]) -> None:
        self._mask, self._tell, self._held = mask, tell, ""

    def __call__(self, piece: str) -> None:
        held = self._held + piece
        begun = _BEGUN.search(held, max(0, len(held) - _LONGEST))
        end = begun.start() if begun else len(held)
        self._held = held[end:]
        if end:
            self._tell(self._mask.shown(held[:end]))

    def rest(self) -> None:
        """Nothing more comes."""
        held, self._held = self._held, ""
        if held:
            self._tell(self._mask.shown(held))


def masked(request: ModelRequest, rule: MaskRule) -> tuple[ModelRequest, Mask]:
    """The question as the model may read it, and what fills its answer in again."""
    mask = Mask(rule, _texts(request))
    lines = tuple(_line(line, mask) for line in request.messages)
    return replace(request, system=mask.hidden(request.system), prompt=mask.hidden(request.prompt), messages=lines), mask


def unmasked(answer: ModelAnswer, mask: Mask, *, is_json: bool) -> ModelAnswer:
    """The answer filled in again, and the calls that it wants."""
    calls = tuple(replace(call, arguments=mask.shown(call.arguments, is_json=True)) for call in answer.calls)
    return replace(answer, text=mask.shown(answer.text, is_json=is_json), calls=calls)


def _line(line: Message, mask: Mask) -> Message:
    calls = tuple(ToolCall(call.id, call.name, mask.hidden(call.arguments)) for call in line.calls)
    return replace(line, text=mask.hidden(line.text), calls=calls)


def _texts(request: ModelRequest) -> Iterable[str]:
    yield from (request.system, request.prompt)
    for line in request.messages:
        yield line.text
        yield from (call.arguments for call in line.calls)


def _pattern(words: Sequence[str]) -> re.Pattern[str] | None:
    known = sorted({word.strip() for word in words if word.strip()}, key=lambda word: (-len(word), word))
    if not known:
        return None
    return re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, known))})(?!\w)", re.IGNORECASE)
