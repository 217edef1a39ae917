"""Who may read which memory: the rule in Python and the rule in SQL are one, and nobody reads what is another's."""

from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest
from sqlalchemy import Engine
from sqlmodel import Session, select

from engine.errors import Invalid
from engine.memory.scope import Origin, OriginKind, Reader, Scope, Sensitivity, Trust, Visibility, readable
from engine.memory.texts import FACTS, Findable, drop_texts, last_change, put_texts
from engine.storage.migrate import migrate
from engine.storage.sqlite import open_engine, prepare_home, reading, writing
from engine.storage.tables import MemoryChange, MemoryText

PEOPLE = ("customer:anna@example.com", "customer:ben@example.com", "user:01A", "user:01B")
WORKFLOWS = ("refunds", "triage")


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Engine]:
    path = prepare_home(tmp_path / "home")
    migrate(path)
    engine = open_engine(path)
    yield engine
    engine.dispose()


def some_scope(random: Random) -> Scope:
    workspace = random.choice(["main", "other"])
    match random.choice(list(Visibility)):
        case Visibility.PRIVATE:
            return Scope(workspace, Visibility.PRIVATE, random.choice(PEOPLE))
        case Visibility.WORKFLOW:
            return Scope(workspace, Visibility.WORKFLOW, random.choice(WORKFLOWS))
        case visibility:
            return Scope(workspace, visibility)


def some_reader(random: Random) -> Reader:
    return Reader(
        random.choice(["main", "other"]),
        workflow_id=random.choice(["", *WORKFLOWS]),
        person=random.choice(["", *PEOPLE]),
        clearance=random.choice(list(Sensitivity)),
        keeper=random.random() < 0.3,
    )


def is_allowed(reader: Reader, scope: Scope, sensitivity: int) -> bool:
    """The rule, told once more from the words of the design."""
    if sensitivity > reader.clearance:
        return False
    same = reader.workspace_id == scope.workspace_id
    match scope.visibility:
        case Visibility.ORGANISATION:
            return True
        case Visibility.WORKSPACE:
            return same
        case Visibility.WORKFLOW:
            return same and (reader.keeper or scope.owner == reader.workflow_id)
        case Visibility.PRIVATE:
            return same and (scope.owner == reader.person or (reader.keeper and scope.owner.startswith("customer:")))


def test_python_and_sql_allow_the_same_of_10_000_pairs_and_never_what_is_anothers(db: Engine) -> None:
    random = Random(4)
    rows = [(f"f{n}", some_scope(random), random.choice(list(Sensitivity))) for n in range(100)]
    with writing(db) as session:
        put_texts(session, [Findable(FACTS, row, scope, "x", 1, sensitivity=level) for row, scope, level in rows], now_us=1)
    seen = 0
    with reading(db) as session:
        for _ in range(100):
            reader = some_reader(random)
            found = set(session.exec(select(MemoryText.row_id).where(readable(reader, MemoryText))).all())
            assert found == {row for row, scope, level in rows if reader.may_read(scope, level)}
            assert found == {row for row, scope, level in rows if is_allowed(reader, scope, level)}
            seen += len(found)
    assert 500 < seen < 6_000


def test_a_private_memory_needs_a_person_and_a_workflows_one_its_workflow() -> None:
    for visibility, field in ((Visibility.PRIVATE, "person"), (Visibility.WORKFLOW, "workflow")):
        with pytest.raises(Invalid) as caught:
            Scope("main", visibility)
        assert caught.value.details["problems"][0]["field"] == field
    assert Scope("main", Visibility.WORKSPACE, "somebody") == Scope("main")


def test_what_comes_from_outside_is_believed_least() -> None:
    trust = {kind: Origin(kind, "x").trust for kind in OriginKind}
    assert max(trust.values()) is trust[OriginKind.PERSON] is Trust.PERSON
    assert {kind for kind, level in trust.items() if level is Trust.OUTSIDE} == {
        OriginKind.TOOL,
        OriginKind.DOCUMENT,
        OriginKind.CUSTOMER,
        OriginKind.IMPORT,
    }


def changes(session: Session) -> list[tuple[int, str]]:
    return [(each.text_id, each.op) for each in session.exec(select(MemoryChange).order_by(MemoryChange.seq)).all()]  # pyright: ignore[reportArgumentType]


def test_each_text_that_comes_changes_or_goes_leaves_a_change_in_the_same_transaction(db: Engine) -> None:
    scope = Scope("main")
    with writing(db) as session:
        first, second = put_texts(session, [Findable(FACTS, "a", scope, "one", 1), Findable(FACTS, "b", scope, "two", 1)], now_us=5)
        assert put_texts(session, [Findable(FACTS, "a", scope, "one more", 2)], now_us=6) == [first]
    with pytest.raises(ZeroDivisionError), writing(db) as session:
        drop_texts(session, FACTS, ["a"], now_us=7)
        raise ZeroDivisionError
    with reading(db) as session:
        assert changes(session) == [(first, "put"), (second, "put"), (first, "put")]
    with writing(db) as session:
        assert drop_texts(session, FACTS, ["a", "none"], now_us=7) == 1
        assert last_change(session) == 4
        (third,) = put_texts(session, [Findable(FACTS, "a", scope, "again", 8)], now_us=8)
        assert third not in (first, second), "what an index still knows by the old number would be taken for the new one"
    with reading(db) as session:
        assert changes(session)[3:] == [(first, "drop"), (third, "put")]
        assert {row.row_id: row.text for row in session.exec(select(MemoryText)).all()} == {"a": "again", "b": "two"}
