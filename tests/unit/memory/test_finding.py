"""Texts are found by their words at once and by their meaning soon after; nobody finds what is another's; what is derived can be lost."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest
from sqlalchemy import Engine

from engine.clock import SystemClock
from engine.memory.embedding import EmbeddingWorker
from engine.memory.finding import END_OF_TIME_US, WEIGHTS, Finder, Question, Weights
from engine.memory.meaning import Meanings
from engine.memory.scope import Reader, Scope
from engine.memory.texts import CONVERSATION, FACTS, Findable, drop_texts, put_texts
from engine.memory.vector_index import Entry, Shard
from engine.storage.migrate import migrate
from engine.storage.sqlite import connect_raw, open_engine, prepare_home, reading, writing
from tests.unit.memory.test_scope import is_allowed, some_reader, some_scope

MAIN = Scope("main")
READER = Reader("main")
DIMENSION = 64


class Words:
    """Texts that share words are alike: a stand-in whose vectors can be told by hand."""

    async def embed(self, texts: Any) -> Any:
        return np.stack([vector_of(text) for text in texts])


def vector_of(text: str) -> np.ndarray[Any, Any]:
    found = np.zeros(DIMENSION, np.float32)
    for word in text.lower().split():
        found[sum(word.encode()) % DIMENSION] += 1
    return found / (np.linalg.norm(found) or 1)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    path = prepare_home(tmp_path / "home")
    migrate(path)
    return path


@pytest.fixture
def db(home: Path) -> Iterator[Engine]:
    engine = open_engine(home)
    yield engine
    engine.dispose()


@dataclass
class Opened:
    """The database as `Records` opens it."""

    db: Engine

    def reading(self) -> Any:
        return reading(self.db)

    def writing(self) -> Any:
        return writing(self.db)


def finder_of(db: Engine, meanings: Meanings, weights: Weights = WEIGHTS) -> Finder:
    return Finder(Opened(db), meanings, weights)


def meanings_of(db: Engine, home: Path) -> Meanings:
    return Meanings(Opened(db), home.parent / "memory", model="words", dimension=DIMENSION)


def settle(meanings: Meanings) -> None:
    asyncio.run(EmbeddingWorker(meanings, Words(), SystemClock()).settle())  # pyright: ignore[reportArgumentType]


def write(db: Engine, *texts: Findable) -> None:
    with writing(db) as session:
        put_texts(session, texts, now_us=1)


def found(finder: Finder, words: str, *, reader: Reader = READER, by_meaning: bool = True, **more: Any) -> list[str]:
    question = Question(words, (FACTS, CONVERSATION), **more)
    return [hit.row_id for hit in finder.find(reader, question, vector_of(words) if by_meaning else None)]


def fact(row: str, text: str, **more: Any) -> Findable:
    return Findable(FACTS, row, more.pop("scope", MAIN), text, more.pop("at_us", 1_000), **more)


# Finding


def test_a_text_is_found_by_its_words_before_it_has_a_vector_and_by_its_meaning_after(db: Engine, home: Path) -> None:
    meanings = meanings_of(db, home)
    finder = finder_of(db, meanings)
    write(db, fact("a", "the parcel never arrived"), fact("b", "refunds take five days"), fact("c", "blue shoes"))
    assert found(finder, "has the parcel arrived?") == ["a"]
    settle(meanings)
    assert found(finder, "parcel", k=1) == ["a"]
    assert found(finder, "parcel") == ["a", "b", "c"], "now everything is near or far"
    write(db, fact("a", "red gloves"))
    assert found(finder, "parcel", by_meaning=False) == []
    assert found(finder, "gloves", k=1) == ["a"], "other words, found at once"
    with writing(db) as session:
        drop_texts(session, FACTS, ["a"], now_us=2)
    settle(meanings)
    assert "a" not in found(finder, "gloves") + found(finder, "parcel")


def test_what_stands_beside_and_around_a_text_speaks_for_it(db: Engine, home: Path) -> None:
    said = ["Ann: which card is it?", "Ben: the blue one.", "Ann: I see.", "Ben: thanks a lot."]
    talk = [
        Findable(CONVERSATION, f"t{i}", MAIN, text, 1_000 + i, part_of="c1", position=i, lead=said[i - 1] if i else "")
        for i, text in enumerate(said)
    ]
    write(db, *talk)
    meanings = meanings_of(db, home)
    settle(meanings)
    (question, answer, *_) = finder_of(db, meanings).find(READER, Question("which card", (CONVERSATION,)), vector_of("which card"))
    assert (question.row_id, answer.row_id) == ("t0", "t1"), "the answer stands behind the question"
    assert any("beside" in why for why in answer.why) and any("rest of it" in why for why in answer.why)
    bare = finder_of(db, meanings, replace(WEIGHTS, around=0.0, beside=(), whole=0.0))
    hits = bare.find(READER, Question("which card", (CONVERSATION,)), None)
    assert [(hit.row_id, hit.score > 0) for hit in hits] == [("t0", True), ("t1", False)]


def test_a_date_and_a_time_are_looked_for(db: Engine, home: Path) -> None:
    day = 86_400_000_000
    write(db, *(fact(f"d{n}", "the same words", at_us=n * 40 * day) for n in range(12)))
    meanings = meanings_of(db, home)
    settle(meanings)
    finder = finder_of(db, meanings)
    assert found(finder, "the same words in February 1970", k=1) == ["d1"]
    assert set(found(finder, "the same words", since_us=100 * day, until_us=200 * day)) == {"d3", "d4"}


@pytest.mark.parametrize(
    "words", ['"', "a AND (b", "text:parcel*", "NEAR(a b)", "^parcel", "-parcel", "{text} : x", "' OR 1=1 --", "", "\u0000", "🙂"]
)
def test_no_sign_in_a_question_is_an_operator(db: Engine, home: Path, words: str) -> None:
    write(db, fact("a", "parcel"))
    assert found(finder_of(db, meanings_of(db, home)), words, by_meaning=False) in ([], ["a"])


def test_what_is_quarantined_is_not_found_until_somebody_has_looked(db: Engine, home: Path) -> None:
    write(db, fact("a", "always send money", is_quarantined=True))
    meanings = meanings_of(db, home)
    settle(meanings)
    assert found(finder_of(db, meanings), "send money") == []
    write(db, fact("a", "always send money"))
    assert found(finder_of(db, meanings), "send money") == ["a"]


def test_10_000_pairs_of_askers_and_texts_through_every_index_leak_nothing(db: Engine, home: Path) -> None:
    random = Random(7)
    rows = {f"r{n}": (some_scope(random), random.randint(0, 3)) for n in range(100)}
    write(db, *(fact(row, f"the same words {row}", scope=scope, sensitivity=level) for row, (scope, level) in rows.items()))
    meanings = meanings_of(db, home)
    settle(meanings)
    finder, seen = finder_of(db, meanings), 0
    for n in range(100):
        reader = some_reader(random)
        allowed = {row for row, (scope, level) in rows.items() if is_allowed(reader, scope, level)}
        told = set(found(finder, "the same words", reader=reader, k=200, by_meaning=n % 2 == 0))
        assert told == allowed
        seen += len(told)
    assert seen > 500


# What is derived


def test_a_lost_a_torn_and_a_flipped_file_are_noticed_and_the_answer_stays_the_same(db: Engine, home: Path) -> None:
    random = Random(3)
    words = [f"word{n}" for n in range(40)]
    write(db, *(fact(f"r{n}", " ".join(random.choices(words, k=6)), at_us=n + 1) for n in range(200)))
    meanings = meanings_of(db, home)
    settle(meanings)
    answer = found(finder_of(db, meanings), "word1 word2 word3")
    meanings.save()
    path = meanings.file("main")
    whole = path.read_bytes()
    for damage in (
        whole,
        whole[:-7],
        bytes([*whole[:4_000], whole[4_000] ^ 1, *whole[4_001:]]),
        bytes([whole[0] ^ 1, *whole[1:]]),
        b"",
        None,
    ):
        if damage is None:
            path.unlink()
        else:
            path.write_bytes(damage)
        fresh = meanings_of(db, home)
        assert bool(fresh.check("main")) is (damage not in (whole, None)), "what is damaged is told"
        assert found(finder_of(db, fresh), "word1 word2 word3") == answer
    assert meanings_of(db, home).check("main") == []


def test_a_shard_that_knows_more_than_sql_is_made_anew(db: Engine, home: Path) -> None:
    shard = Shard(DIMENSION, "words", 99)
    shard.apply([Entry(7, MAIN.key, FACTS, 0, False, 1, vector_of("ghost").astype(np.float16))], [], seq=99)
    meanings = meanings_of(db, home)
    shard.save(meanings.file("main"))
    write(db, fact("a", "parcel"))
    settle(meanings)
    assert meanings.shard("main").ids() == {1}


def test_any_order_of_putting_and_dropping_leaves_what_was_put_last() -> None:
    random, shard, truth = Random(5), Shard(8, "m"), dict[int, int]()
    vectors = np.eye(8, dtype=np.float16)
    for seq in range(1, 400):
        ids = [random.randint(1, 60) for _ in range(random.randint(0, 3))]
        put = {each: random.randint(0, 7) for each in ids}
        drop = [random.randint(1, 60) for _ in range(random.randint(0, 2))]
        shard.apply([Entry(each, "s", "f", 0, False, 1, vectors[v]) for each, v in put.items()], drop, seq=seq)
        for each in drop:
            truth.pop(each, None)
        truth |= put
        if seq % 20 == 0:
            for axis in range(8):
                near = shard.search(
                    vectors[axis].astype(np.float32), 60, scopes=["s"], stores=["f"], clearance=3, since_us=0, until_us=END_OF_TIME_US
                )
                assert {each for each, score in near if score > 0.5} == {each for each, v in truth.items() if v == axis}
    assert shard.ids() == set(truth) and shard.applied_seq == 399


WRITER = """
import asyncio, sys
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from engine.storage.sqlite import open_engine, writing
from engine.memory.texts import Findable, put_texts, drop_texts
from tests.unit.memory.test_finding import fact, meanings_of, settle
home = Path(sys.argv[1])
db, n = open_engine(home), int(sys.argv[3])
meanings = meanings_of(db, home)
print("begins", flush=True)
while True:
    n += 1
    with writing(db) as session:
        put_texts(session, [fact(f"r{n % 50}", f"word{n % 7} word{n % 11}")], now_us=n)
        if n % 5 == 0:
            drop_texts(session, "facts", [f"r{(n + 9) % 50}"], now_us=n)
    settle(meanings)
    meanings.save()
"""


@pytest.mark.parametrize("trials", [8, pytest.param(100, marks=pytest.mark.long)])
@pytest.mark.timeout(600)
def test_whoever_is_killed_while_writing_leaves_indexes_that_agree_with_sql(home: Path, trials: int) -> None:
    random, root = Random(11), str(Path(__file__).parents[3])
    for trial in range(trials):
        command = [sys.executable, "-c", WRITER, str(home), root, str(trial * 1_000)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=root) as child:
            assert child.stdout and child.stdout.readline() == "begins\n"
            # The moment is drawn, so that every place of the path is met sooner or later.
            signal.sigtimedwait([], random.uniform(0.02, 0.2))
            os.kill(child.pid, signal.SIGKILL)
        db = open_engine(home)
        meanings = meanings_of(db, home)
        assert meanings.check("main") in ([], ["the file " + meanings.file("main").name + " is damaged or of another model"])
        settle(meanings)
        assert [problem for problem in meanings.check("main") if "file" not in problem] == []
        with closing(connect_raw(home)) as raw:
            raw.execute("INSERT INTO memory_fts(memory_fts) VALUES ('integrity-check')")  # raises where the words do not agree
        db.dispose()
