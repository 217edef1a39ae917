"""Which memories fit a question: by words and by meaning, what is said in them and around them, as far as the asker may see.

Scores are fused, not ranks; weights were set on one conversation of LoCoMo (docs/decisions/0038).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, NamedTuple

from sqlalchemy import select as core_select
from sqlalchemy import text as sql_text
from sqlmodel import Session, col, select

from engine.memory.embed import Vector
from engine.memory.meaning import Meanings
from engine.memory.scope import Reader, Scope, Visibility, readable
from engine.memory.texts import Sessions
from engine.storage.tables import MemoryText

FETCHED = 200
LEAD = 0.3
"""How much words that were said before a text count, where its own count 1."""
"""Looked at, of each index."""
MOST_WORDS = 32
END_OF_TIME_US = 2**62


@dataclass(frozen=True, slots=True)
class Weights:
    """How much each sign counts."""

    words: float = 0.1
    """That the words stand in the text itself, the best of all texts 1."""
    around: float = 0.4
    """The same, what was said before it counted in."""
    meaning: float = 0.3
    named: float = 0.02
    """That it is by whom the question names."""
    calendar: float = 0.05
    """That it is of the month or year that the question names."""
    beside: tuple[tuple[int, float], ...] = ((1, 0.1), (-1, 0.2), (2, 0.1), (-2, 0.1))
    """What of the scores of the texts before and behind is added."""
    whole: float = 0.2
    """What of the mean of the five best of the same conversation or run is added."""


WEIGHTS = Weights()
_STOP = frozenset(
    "a an the is are was were be been do does did what when where who whom whose which why how of in on at to for from by with and or not "
    "it its this that these those i you he she they we my your his her their our me him them us as has have had will would could should "
    "can may might about".split()
)
_MONTHS = ("january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november", "december")


@dataclass(frozen=True, slots=True)
class Question:
    """What is looked for, and where."""

    words: str
    stores: tuple[str, ...]
    k: int = 10
    part_of: tuple[str, ...] = ()
    """Only in these conversations, runs or documents; empty: in all."""
    since_us: int = 0
    until_us: int = END_OF_TIME_US


@dataclass(frozen=True, slots=True)
class Hit:
    """A text that fits, with what it is."""

    store: str
    row_id: str
    part_of: str
    position: int
    text: str
    at_us: int
    trust: int
    sensitivity: int
    visibility: str
    score: float
    why: tuple[str, ...]
    """Which signs spoke for it, in words for people."""


class _Row(NamedTuple):
    """What is needed of a text to rank it; whole rows would take longer than all indexes together."""

    id: int
    store: str
    row_id: str
    part_of: str
    position: int
    text: str
    at: int
    trust: int
    sensitivity: int
    visibility: str


_COLUMNS = [getattr(MemoryText, name) for name in _Row._fields]


@dataclass(slots=True)
class _Scored:
    row: _Row
    words: float = 0.0
    around: float = 0.0
    meaning: float = 0.0
    signs: dict[str, float] = field(default_factory=dict)


class Finder:
    """Looks texts up. Safe from any thread; blocks."""

    def __init__(self, db: Sessions, meanings: Meanings, weights: Weights = WEIGHTS) -> None:
        self._db, self._meanings, self._weights = db, meanings, weights

    def find(self, reader: Reader, question: Question, vector: Vector | None) -> list[Hit]:
        """The best `k`, the best first; `vector` is the question's meaning, without it only words count."""
        with self._db.reading() as session:
            keys = self._keys(session, reader, question)
            if not keys:
                return []
            words = _words_of(question.words)
            by_words, by_around = _matches(session, words, keys, question)
            near: dict[int, float] = {}
            if vector is not None:
                workspaces = self._workspaces(session, reader)
                found = self._meanings.nearest(
                    workspaces, vector, FETCHED, scopes=keys, stores=question.stores, clearance=int(reader.clearance),
                    since_us=question.since_us, until_us=question.until_us,
                )  # fmt: skip
                near = dict(found)
                rest = [each for each in by_around if each not in near]
                near |= self._meanings.likeness(workspaces, vector, rest)
            # Whatever an index says: what the asker may not see is not looked at.
            rows = _seen(session, reader, {*by_around, *near}, question)
        return self._ranked(rows, by_words, by_around, near, question)

    def _keys(self, session: Session, reader: Reader, question: Question) -> list[str]:
        """The scopes that the asker may read, told by SQL where they are not its own alone."""
        if not reader.keeper:
            return sorted(reader.keys)
        wanted = select(MemoryText.scope_key).distinct()
        wanted = wanted.where(readable(reader, MemoryText), col(MemoryText.store).in_(question.stores))
        return sorted(session.exec(wanted).all())

    def _workspaces(self, session: Session, reader: Reader) -> list[str]:
        shared = Scope(reader.workspace_id, Visibility.ORGANISATION).key
        wanted = select(MemoryText.workspace_id).distinct().where(MemoryText.scope_key == shared)
        return sorted({reader.workspace_id, *session.exec(wanted).all()})

    def _ranked(
        self,
        rows: Sequence[_Row],
        by_words: dict[int, float],
        by_around: dict[int, float],
        near: dict[int, float],
        question: Question,
    ) -> list[Hit]:
        weights, scored = self._weights, list[_Scored]()
        most_words, most_around = max(by_words.values(), default=1.0), max(by_around.values(), default=1.0)
        low, high = min(near.values(), default=0.0), max(near.values(), default=1.0)
        named, calendar = _names_in(question.words, rows), _calendar_of(question.words)
        for row in rows:
            one = _Scored(row)
            text_id = row.id
            one.words, one.around = by_words.get(text_id, 0.0) / most_words, by_around.get(text_id, 0.0) / most_around
            one.meaning = (near[text_id] - low) / (high - low) if text_id in near and high > low else float(text_id in near)
            one.signs["words"] = weights.words * one.words + weights.around * one.around
            one.signs["meaning"] = weights.meaning * one.meaning
            if named and row.text.split(":", 1)[0].strip().lower() in named:
                one.signs["named"] = weights.named
            if calendar is not None and calendar(row.at):
                one.signs["date"] = weights.calendar
            scored.append(one)
        _with_neighbours(scored, weights)
        best = sorted(scored, key=lambda one: (-sum(one.signs.values()), -one.row.at, one.row.id))
        return [_hit(one) for one in best[: question.k]]


def _with_neighbours(scored: Sequence[_Scored], weights: Weights) -> None:
    """Adds what stands beside a text, and how well the whole fits that it is a part of."""
    own = {(one.row.store, one.row.part_of, one.row.position): sum(one.signs.values()) for one in scored if one.row.part_of}
    wholes: dict[tuple[str, str], list[float]] = {}
    for one in scored:
        row = one.row
        if not row.part_of:
            continue
        at = (row.store, row.part_of)
        if beside := sum(weight * own.get((*at, row.position - offset), 0.0) for offset, weight in weights.beside):
            one.signs["beside"] = beside
        wholes.setdefault(at, []).append(sum(one.signs.values()))
    fits = {at: sum(sorted(each, reverse=True)[:5]) / 5 for at, each in wholes.items()}
    for one in scored:
        if (whole := fits.get((one.row.store, one.row.part_of))) is not None:
            one.signs["whole"] = weights.whole * whole


_TOLD = {
    "words": "its words",
    "meaning": "its meaning",
    "named": "who is named",
    "date": "the date",
    "beside": "what stands beside it",
    "whole": "the rest of it",
}


def _hit(one: _Scored) -> Hit:
    row = one.row
    signs = sorted(((value, name) for name, value in one.signs.items() if value > 0.01), reverse=True)
    why = tuple(f"{_TOLD[name]} {value:.2f}" for value, name in signs)
    return Hit(
        row.store, row.row_id, row.part_of, row.position, row.text, row.at, row.trust, row.sensitivity, row.visibility,
        round(sum(one.signs.values()), 4), why,
    )  # fmt: skip


def _words_of(question: str) -> list[str]:
    words = [word.lower() for word in re.findall(r"\w+", question)]
    telling = [word for word in words if word not in _STOP]
    return list(dict.fromkeys(telling or words))[:MOST_WORDS]


_MATCH = """
SELECT rowid, -bm25(memory_fts, 1.0, 0.0, 1.0, 0.0, 0.0), -bm25(memory_fts, 1.0, :lead, 1.0, 0.0, 0.0) AS around
FROM memory_fts WHERE memory_fts MATCH :match ORDER BY around DESC LIMIT :limit
"""


def _matches(
    session: Session, words: Sequence[str], keys: Sequence[str], question: Question
) -> tuple[dict[int, float], dict[int, float]]:  # fmt: skip
    """Text id → how well its own words fit, and how well they do with what was said before it."""
    if not words:
        return {}, {}
    # Words of the question stand between quotes: none of them is an operator.
    asked = f"{{text lead stamp}} : ({_any(words)}) AND scope_key : ({_any(keys)}) AND store : ({_any(question.stores)})"
    rows = session.execute(sql_text(_MATCH), {"match": asked, "lead": LEAD, "limit": FETCHED}).all()
    return {int(row[0]): float(row[1]) for row in rows}, {int(row[0]): float(row[2]) for row in rows}


def _any(words: Iterable[str]) -> str:
    return " OR ".join('"' + word.replace('"', '""') + '"' for word in words)


def _seen(session: Session, reader: Reader, ids: Iterable[int], question: Question) -> list[_Row]:
    fits = [col(MemoryText.id).in_(sorted(ids)), readable(reader, MemoryText), col(MemoryText.store).in_(question.stores)]
    fits += [col(MemoryText.is_quarantined).is_(False), col(MemoryText.at) >= question.since_us, col(MemoryText.at) < question.until_us]
    if question.part_of:
        fits.append(col(MemoryText.part_of).in_(question.part_of))
    return [_Row(*row) for row in session.execute(core_select(*_COLUMNS).where(*fits)).all()]


def _names_in(question: str, rows: Sequence[_Row]) -> set[str]:
    """Who is named, where it is one of those who speak in the texts, and only one."""
    speakers = {row.text.split(":", 1)[0].strip().lower() for row in rows if ":" in row.text[:40]}
    lowered = question.lower()
    named = {speaker for speaker in speakers if speaker and re.search(rf"\b{re.escape(speaker)}\b", lowered)}
    return named if len(named) == 1 else set()


def _calendar_of(question: str) -> Any:
    """Whether a time is of the month and year that the question names; None where it names none."""
    lowered = question.lower()
    months = {place for place, name in enumerate(_MONTHS, 1) if re.search(rf"\b{name}\b", lowered)}
    years = {int(year) for year in re.findall(r"\b((?:19|20)\d\d)\b", lowered)}
    if not months and not years:
        return None

    def fits(at_us: int) -> bool:
        day = datetime.fromtimestamp(at_us / 1e6, UTC)
        return (not months or day.month in months) and (not years or day.year in years)

    return fits
