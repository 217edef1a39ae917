"""How much of what tells of a person is kept from a model, and how often something else is taken for it: on own, labelled sentences."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.errors import ConfigInvalid
from engine.llm.checks import personal
from engine.llm.checks.personal import KINDS
from engine.llm.masking import Mask, MaskRule

SENTENCES = Path(personal.__file__).with_name("personal_sentences.txt")
_MARK = re.compile(rf"\{{({'|'.join(KINDS)}):([^{{}}]*)\}}")


@dataclass(frozen=True, slots=True)
class Sentence:
    """A text, and what of it tells of a person."""

    text: str
    marks: tuple[tuple[str, str], ...]
    """(kind, the words)."""


def measure(data: Path = SENTENCES) -> list[dict[str, Any]]:
    """One line for each kind, and one for all. ConfigInvalid for a file without marks."""
    sentences = read(data)
    marked, kept, taken, wrong = Counter[str](), Counter[str](), Counter[str](), Counter[str]()
    for sentence in sentences:
        mask = Mask(MaskRule(), [sentence.text])
        hidden = mask.hidden(sentence.text)
        for kind, words in sentence.marks:
            marked[kind] += 1
            kept[kind] += words not in hidden
        truly = Counter(kind for kind, _ in set(sentence.marks))
        for kind, count in mask.counts.items():
            taken[kind] += count
            wrong[kind] += max(0, count - truly[kind])
    if not marked:
        raise ConfigInvalid("The file marks nothing.", hint="Write {email:anna@example.com} where a text tells of a person.")
    clean = sum(not sentence.marks for sentence in sentences)
    lines = [_line(kind, marked[kind], kept[kind], taken[kind], wrong[kind]) for kind in KINDS]
    return [
        *lines,
        _line("all", marked.total(), kept.total(), taken.total(), wrong.total()) | {"sentences": len(sentences), "without": clean},
    ]


def read(data: Path) -> list[Sentence]:
    """The sentences of a file: one a line, comments begin with #."""
    lines = data.read_text(encoding="utf-8").splitlines()
    return [
        Sentence(_MARK.sub(r"\2", line), tuple((found[1], found[2]) for found in _MARK.finditer(line)))
        for line in lines
        if line and not line.startswith("#")
    ]


def _line(kind: str, marked: int, kept: int, taken: int, wrong: int) -> dict[str, Any]:
    recall, precision = kept / max(1, marked), 1 - wrong / max(1, taken)
    return {"what": "masking", "kind": kind, "marked": marked, "recall": round(recall, 3), "precision": round(precision, 3)}
