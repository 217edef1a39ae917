"""Whether what is said in every order and by anybody ends in the right answer, with what was believed before intact."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from sqlmodel import Session, col, select

from engine.clock import DAY_US
from engine.errors import Bug
from engine.ids import CountingIds
from engine.memory.facts import judging, review
from engine.memory.facts.asserting import assert_one
from engine.memory.facts.deciding import confirm, correct, decide, retract
from engine.memory.facts.desk import Cited, Desk, Said, SourceWords
from engine.memory.facts.entities import resolve
from engine.memory.facts.merging import merge, unmerge
from engine.memory.facts.predicates import BUILT_IN
from engine.memory.facts.reading import about
from engine.memory.scope import Origin, OriginKind, Reader, Scope, Visibility
from engine.storage.migrate import migrate
from engine.storage.sqlite import open_engine, writing
from engine.storage.tables import Entity, EntityMerge, Fact, FactState
from tests.unit.memory.contradiction_cases import Case, Line, cases

MAIN = "main"
FIRST_DAY = 100
"""The first line is said then: days that lines tell of lie before."""


@dataclass(frozen=True, slots=True)
class Counts:
    """Of all cases."""

    cases: int
    answers: int
    """In how many everything that was asked of the world was right: now and on earlier days."""
    histories: int
    """In how many everything that was believed on an earlier day is still known to have been."""
    wrong: tuple[str, ...]
    """What was wrong, in words."""


def contradictions(wanted: Sequence[Case] | None = None) -> Counts:
    """Plays every case in a database of its own that is gone afterwards."""
    played = cases() if wanted is None else wanted
    answers, histories, wrong = 0, 0, list[str]()
    with TemporaryDirectory() as folder, _database(Path(folder)) as session:
        for number, case in enumerate(played):
            table = Table(session, number, case)
            table.play()
            mistakes, lost = table.mistakes(), table.lost()
            answers, histories = answers + (not mistakes), histories + (not lost)
            wrong += [f"{case.name}: {told}" for told in (*mistakes, *lost)]
    return Counts(len(played), answers, histories, tuple(wrong))


@contextmanager
def _database(folder: Path) -> Iterator[Session]:
    path = folder / "facts.db"
    migrate(path)
    db = open_engine(path)
    try:
        with writing(db) as session:
            yield session
    finally:
        db.dispose()


@dataclass
class Table:
    """One case, about somebody whom no other case knows."""

    session: Session
    number: int
    case: Case
    facts: list[str] = field(default_factory=list)
    asked: list[tuple[int, frozenset[Any]]] = field(default_factory=list)
    """After each line: the moment, and what was known then."""
    ids: CountingIds = field(default_factory=CountingIds)
    ann: Entity | None = None

    def __post_init__(self) -> None:
        self.scope = Scope(MAIN, Visibility.PRIVATE, f"customer:{self.number}")
        self.reader = Reader(MAIN, person=self.scope.owner)
        self.day = FIRST_DAY

    def play(self) -> None:
        """Everything happens, one line a day."""
        for line in self.case.lines:
            self._happen(line)
            self.asked.append((self.day * DAY_US, self.known(self.day * DAY_US)))
            self.day += 1

    def desk(self, by: str = "user:u1", words: str = "") -> Desk:
        """Of this day."""

        def said(_run: str, _path: str) -> SourceWords:
            return SourceWords(words, self.scope, 1, trust=3, at_us=self.day * DAY_US)

        ids = _Named(self.ids, f"c{self.number}")
        return Desk(self.session, self.day * DAY_US, ids, MAIN, by, self.reader, b"key", said)

    def _happen(self, line: Line) -> None:
        desk = self.desk()
        match line.verb:
            case "say":
                self._say(line)
            case "confirm":
                confirm(desk, self._fact(line.of))
            case "retract":
                retract(desk, self._fact(line.of), "It was wrong.")
            case "correct":
                outcome = correct(desk, self._fact(line.of), self._said(line, OriginKind.PERSON), "It was wrong.")
                self.facts.append(outcome.fact_id)
            case "decide":
                item = review.waiting_item(desk, review.fact_path(self.facts[line.of]))
                if item is None:
                    raise Bug(f"{self.case.name}: nobody is asked.")
                decide(desk, item, line.choice, "")
            case "merge":
                kept, dropped = (resolve(desk, name, "", self.scope, sensitivity=1, trust=3).id for name in ("Ann", line.object))
                merge(desk, keep=kept, drop=dropped, reason="They are one.")
            case _:
                made = self.session.exec(select(EntityMerge).where(col(EntityMerge.drop_id).startswith(f"entity_c{self.number}_"))).one()
                unmerge(desk, made.id)

    def _say(self, line: Line) -> None:
        quote = line.quote or f"{line.subject} and {line.object}"
        said = self._said(line, OriginKind(line.by), quote)
        outcome = assert_one(self.desk(said.origin.label, words=f"So it was said: {quote} That was all."), said)
        if outcome.result == "rejected":
            raise Bug(f"{self.case.name}: {outcome.why}")
        self.facts.append(outcome.fact_id)

    def _said(self, line: Line, by: OriginKind, quote: str = "") -> Said:
        origin = Origin(by, line.voice or by.value)
        cited = Cited("person", quote) if by is OriginKind.PERSON else Cited("run", quote, run_id=f"r{self.day}", path="ask")
        begin = None if line.begin is None else line.begin * DAY_US
        end = None if line.end is None else line.end * DAY_US
        predicate = line.predicate or self.case.predicate
        return Said(line.subject, predicate, line.object, self.scope, origin, cited, is_negated=line.no, valid_from=begin, valid_to=end)

    def _fact(self, number: int) -> Fact:
        return self.session.get_one(Fact, self.facts[number])

    def known(self, at_us: int, *, then_us: int | None = None) -> frozenset[Any]:
        """What is believed of Ann at a moment, as known now or then."""
        wanted = select(Entity).where(Entity.scope_key == self.scope.key, Entity.norm_key == "ann")
        self.ann = ann = self.ann or self.session.exec(wanted).first()
        if ann is None:
            return frozenset()
        found = about(self.session, self.reader, ann.id, as_of=at_us, known_at=then_us, predicate=self.case.predicate)
        is_mutual = BUILT_IN[self.case.predicate].symmetric
        return frozenset(
            one.subject if is_mutual and one.object_id == ann.root_id else one.object
            for one in found
            if not one.is_negated and (is_mutual or one.subject_id == ann.root_id)
        )

    def mistakes(self) -> list[str]:
        """What is not known as it should be."""
        case, found = self.case, list[str]()
        for day, wanted in {**case.held, self.day: case.now}.items():
            if (known := self.known(day * DAY_US)) != wanted:
                found.append(f"of day {day} {_told(known)} is known instead of {_told(wanted)}")
        rows = self.session.exec(select(Fact).where(Fact.scope_key == self.scope.key)).all()
        waiting = [row for row in rows if row.status in judging.WAITING]
        if len(waiting) != case.waiting:
            found.append(f"{len(waiting)} wait for a person instead of {case.waiting}")
        unasked = [row.id for row in waiting if review.waiting_item(self.desk(), review.fact_path(row.id)) is None]
        return [*found, *(f"nobody is asked about {id_}" for id_ in unasked)]

    def lost(self) -> list[str]:
        """What was believed once and is not known to have been."""
        found: list[str] = []
        for at, known in self.asked:
            if (again := self.known(at, then_us=at)) != known:
                found.append(f"on day {at // DAY_US} {_told(known)} was believed, now it reads {_told(again)}")
        wanted = select(FactState).where(col(FactState.fact_id).in_(self.facts)).order_by(col(FactState.version))
        kept = self.session.exec(wanted).all()
        for id_ in dict.fromkeys(self.facts):
            states = [state for state in kept if state.fact_id == id_]
            ends = [state.believed_to for state in states]
            if not states or ends[-1] is not None or ends[:-1] != [state.believed_from for state in states[1:]]:
                found.append(f"the history of {id_} has a gap")
        return found


def _told(values: frozenset[Any]) -> str:
    return " and ".join(sorted(map(str, values))) or "nothing"


@dataclass(frozen=True, slots=True)
class _Named:
    """Ids that say which case they belong to, counted up: the same in every run."""

    counted: CountingIds
    case: str

    def new(self, prefix: str) -> str:
        return self.counted.new(f"{prefix}_{self.case}")
