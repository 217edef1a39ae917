"""How well the memory finds the turn that answers a question, through the product's own texts, indexes and ranking.

Data in the form of LoCoMo: long conversations with questions and the turns that answer them. A conversation is one scope. The share of
a question's turns among the first 5 and 10 found, and of questions whose first five sessions hold one, is worked out as the script
../shared/bench/locomo.py does.
"""

from __future__ import annotations

import asyncio
import json
import random
import re
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np

from engine.clock import SystemClock
from engine.errors import ConfigInvalid
from engine.ids import SystemIds
from engine.memory.embed import DIMENSION, Embedder
from engine.memory.embedding import EmbeddingWorker
from engine.memory.finding import WEIGHTS, Finder, Question, Weights
from engine.memory.meaning import Meanings
from engine.memory.scope import Reader, Scope, Visibility
from engine.memory.texts import CONVERSATION, Findable, put_new, put_texts
from engine.people.records import Records
from engine.security.audit import AuditLog
from engine.storage.migrate import migrate
from engine.storage.sqlite import open_engine, prepare_home

CATEGORIES = {1: "multi-hop", 2: "temporal", 3: "open-domain", 4: "single-hop", 5: "adversarial"}
FOUND = 50
METHODS: dict[str, Weights] = {
    "bm25": Weights(words=1.0, around=0.0, meaning=0.0, named=0.0, calendar=0.0, beside=(), whole=0.0),
    "dense": Weights(words=0.0, around=0.0, meaning=1.0, named=0.0, calendar=0.0, beside=(), whole=0.0),
    "hybrid": Weights(words=0.5, around=0.0, meaning=0.5, named=0.0, calendar=0.0, beside=(), whole=0.0),
    "ours": WEIGHTS,
}


@dataclass(frozen=True, slots=True)
class Turn:
    """One line of a conversation."""

    id: str
    session: int
    date: str
    speaker: str
    text: str


@dataclass(frozen=True, slots=True)
class Asked:
    """A question with the turns that answer it."""

    words: str
    category: str
    evidence: frozenset[str]


@dataclass(frozen=True, slots=True)
class Talk:
    """A long conversation."""

    id: str
    turns: tuple[Turn, ...]
    questions: tuple[Asked, ...]

    @property
    def scope(self) -> Scope:
        """Whose it is."""
        return Scope("main", Visibility.PRIVATE, f"customer:{self.id}")


def measure(data: Path) -> list[dict[str, Any]]:
    """A line for each method and category, and for each conversation by ours. ConfigInvalid for a file of another form."""
    talks = read(data)
    with tempfile.TemporaryDirectory(prefix="signalbox-bench-") as folder:
        db = _opened(Path(folder))
        try:
            return asyncio.run(_figures(db, Path(folder) / "memory", talks))
        finally:
            db.db.dispose()


async def _figures(db: Records, folder: Path, talks: Sequence[Talk]) -> list[dict[str, Any]]:
    embedder = Embedder()
    meanings = Meanings(db, folder, model=embedder.model_id, dimension=DIMENSION)
    worker = EmbeddingWorker(meanings, embedder, SystemClock())
    try:
        for talk in talks:
            _write(db, talk)
        await worker.settle()
        vectors = {
            (talk.id, one.words): vector
            for talk in talks
            for one, vector in zip(talk.questions, await embedder.embed([one.words for one in talk.questions]), strict=True)
        }
    finally:
        embedder.close()
    lines: list[dict[str, Any]] = []
    for method, weights in METHODS.items():
        finder = Finder(db, meanings, weights)

        def retrieve(talk: Talk, words: str, finder: Finder = finder, method: str = method) -> list[str]:
            vector = None if method == "bm25" else vectors[talk.id, words]
            question = Question(words, (CONVERSATION,), FOUND)
            hits = finder.find(Reader("main", person=talk.scope.owner), question, vector)
            return [hit.row_id.split("/", 1)[1] for hit in hits]

        lines += [{"what": "memory", "method": method, **line} for line in score(talks, retrieve)]
        if method == "ours":
            lines += [{"what": "memory", "method": method, "conversation": talk.id, **score([talk], retrieve)[-1]} for talk in talks]
    return lines


def measure_size(rows: int, questions: int = 100) -> dict[str, Any]:
    """How long a question takes where there are so many texts, the question's own meaning not counted: made-up words and vectors."""
    chance = random.Random(1)  # noqa: S311 - figures that can be had again, no secrets
    vocabulary = [f"w{number}" for number in range(5_000)]
    with tempfile.TemporaryDirectory(prefix="signalbox-bench-") as folder:
        db = _opened(Path(folder))
        meanings = Meanings(db, Path(folder) / "memory", model="made-up", dimension=DIMENSION)
        noise = np.random.default_rng(1)
        for start in range(0, rows, 2_000):
            some = range(start, min(rows, start + 2_000))
            with db.writing() as session:
                scope = Scope("main")
                put_new(session, [Findable(CONVERSATION, str(n), scope, " ".join(chance.choices(vocabulary, k=25)), n + 1) for n in some])
            found, _ = meanings.unknown(start, len(some))
            meanings.keep(found, list(noise.standard_normal((len(found), DIMENSION), dtype=np.float32)), now_us=1)
        finder = Finder(db, meanings)
        took: list[float] = []
        for _ in range(questions + 1):
            words, vector = " ".join(chance.choices(vocabulary, k=6)), noise.standard_normal(DIMENSION, dtype=np.float32)
            before = time.perf_counter()
            finder.find(Reader("main"), Question(words, (CONVERSATION,)), vector)
            took.append((time.perf_counter() - before) * 1_000)
        db.db.dispose()
    took = sorted(took[1:])
    return {"what": "memory", "rows": rows, "p50_ms": round(took[len(took) // 2], 1), "p95_ms": round(took[int(len(took) * 0.95)], 1)}


def _opened(folder: Path) -> Records:
    path = prepare_home(folder / "home")
    migrate(path)
    return Records(open_engine(path), SystemClock(), SystemIds(), AuditLog(b"a bench keeps no secrets of anybody"))


def score(talks: Sequence[Talk], retrieve: Callable[[Talk, str], list[str]]) -> list[dict[str, Any]]:
    """Recall of turns and sessions by category, all of them last."""
    sums: dict[str, list[float]] = defaultdict(lambda: [0.0, 0.0, 0.0, 0.0])
    for talk in talks:
        session = {turn.id: turn.session for turn in talk.turns}
        for one in talk.questions:
            found = retrieve(talk, one.words)
            sessions = list(dict.fromkeys(session[each] for each in found))[:5]
            hit = float(bool({session[each] for each in one.evidence} & set(sessions)))
            told = (_share(one, found[:5]), _share(one, found[:10]), hit, 1.0)
            for key in (one.category, "all"):
                sums[key] = [before + now for before, now in zip(sums[key], told, strict=True)]
    order = sorted(sums, key=lambda key: (key == "all", key))
    return [
        {"category": key, "recall@5": round(a / n, 3), "recall@10": round(b / n, 3), "session@5": round(h / n, 3), "questions": int(n)}
        for key in order
        for a, b, h, n in [sums[key]]
    ]


def read(data: Path) -> list[Talk]:
    """The conversations of a file of LoCoMo. ConfigInvalid for one of another form."""
    try:
        return [_talk(sample) for sample in json.loads(data.read_text(encoding="utf-8"))]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ConfigInvalid(f"The file has another form: {error!r}.", hint="Give a file of LoCoMo, such as locomo/dev.json.") from error


def _share(one: Asked, found: Sequence[str]) -> float:
    return len(one.evidence & set(found)) / len(one.evidence)


def _talk(sample: dict[str, Any]) -> Talk:
    said = sample["conversation"]
    names = sorted((name for name in said if re.fullmatch(r"session_\d+", name)), key=lambda name: int(name.split("_")[1]))
    turns = tuple(turn for name in names for turn in _turns(said, name))
    known = {turn.id for turn in turns}
    questions: list[Asked] = []
    for one in sample["qa"]:
        cited = {f"D{a}:{b}" for told in one.get("evidence", []) for a, b in re.findall(r"D:?(\d+):0*(\d+)", told)} & known
        if cited:
            questions.append(Asked(one["question"], CATEGORIES[one["category"]], frozenset(cited)))
    return Talk(sample["sample_id"], turns, tuple(questions))


def _turns(said: dict[str, Any], name: str) -> Iterator[Turn]:
    for turn in said[name]:
        picture = f" [shared image: {turn['blip_caption']}]" if turn.get("blip_caption") else ""
        yield Turn(turn["dia_id"], int(name.split("_")[1]), said[f"{name}_date_time"], turn["speaker"], turn["text"] + picture)


def _write(db: Records, talk: Talk) -> None:
    place: dict[int, int] = defaultdict(int)
    texts: list[Findable] = []
    before: Turn | None = None
    for turn in talk.turns:
        lead = f"{before.speaker}: {before.text}" if before is not None and before.session == turn.session else ""
        at = _moment(turn.date) + timedelta(seconds=place[turn.session])
        texts.append(
            Findable(
                CONVERSATION, f"{talk.id}/{turn.id}", talk.scope, f"{turn.speaker}: {turn.text}", int(at.timestamp() * 1e6),
                part_of=f"{talk.id}/{turn.session}", position=place[turn.session], stamp=turn.date, lead=lead,
            )
        )  # fmt: skip
        place[turn.session] += 1
        before = turn
    with db.writing() as session:
        put_texts(session, texts, now_us=1)


def _moment(told: str) -> datetime:
    return datetime.strptime(told, "%I:%M %p on %d %B, %Y").replace(tzinfo=UTC)
