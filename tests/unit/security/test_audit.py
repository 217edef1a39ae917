"""The audit chain: what was written can be proven, and what was changed is found."""

import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import Engine
from sqlmodel import select

from engine.errors import AuditChainBroken, Bug, NotFound
from engine.jsonvalue import NotJsonValue
from engine.security.audit import GENESIS, AuditEntry, AuditLog, AuditRow, Head, next_row, rows_in_session, verify
from engine.storage.migrate import migrate
from engine.storage.sqlite import connect_raw, open_engine, reading, writing
from engine.storage.tables import Workspace

KEY = b"k" * 32


def _entry(number: int) -> AuditEntry:
    return AuditEntry(
        workspace_id="main", at=1000 + number, actor="user:a", action="test.write", subject=f"s{number}", details={"n": number}
    )


def _chain(length: int) -> list[AuditRow]:
    rows: list[AuditRow] = []
    head = Head()
    for number in range(length):
        rows.append(next_row(head, _entry(number), key=KEY))
        head = Head(rows[-1].seq, rows[-1].hash)
    return rows


@pytest.fixture
def path(tmp_path: Path) -> Path:
    migrate(tmp_path / "signalbox.db")
    return tmp_path / "signalbox.db"


@pytest.fixture
def engine(path: Path) -> Iterator[Engine]:
    engine = open_engine(path)
    yield engine
    engine.dispose()


@pytest.fixture
def log() -> AuditLog:
    return AuditLog(KEY)


def test_a_chain_that_nobody_touched_is_intact() -> None:
    rows = _chain(20)
    report = verify(rows, key=KEY)
    assert (report.intact, report.checked, report.head, report.broken_seq) == (True, 20, Head(20, rows[-1].hash), None)
    assert rows[0].previous_hash == GENESIS
    assert verify([], key=KEY).intact


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("workspace_id", "other"),
        ("at", 1),
        ("actor", "user:b"),
        ("action", "test.read"),
        ("subject", "s99"),
        ("details", '{"n":99}'),
        ("previous_hash", GENESIS),
        ("hash", "0" * 64),
        ("hash", ""),
        ("seq", 8),
    ],
)
def test_a_changed_field_is_found_at_its_row(name: str, change: object) -> None:
    rows = _chain(10)
    rows[6] = replace(rows[6], **{name: change})
    report = verify(rows, key=KEY)
    assert not report.intact
    assert report.checked == 6
    assert report.broken_seq == (8 if name == "seq" else 7)
    assert report.reason


def test_a_changed_row_is_found_even_if_its_hash_was_made_anew_with_another_key() -> None:
    rows = _chain(10)
    forged = replace(rows[6], details="{}")
    rows[6] = replace(next_row(Head(6, rows[5].hash), _entry(99), key=b"x" * 32), details=forged.details)
    assert verify(rows, key=KEY).broken_seq == 7


def test_fields_cannot_be_shifted_into_each_other() -> None:
    rows = _chain(2)
    rows[1] = replace(rows[1], actor="user:atest", action=".write")
    assert verify(rows, key=KEY).broken_seq == 2


@pytest.mark.parametrize("place", [0, 4, 8])
def test_a_removed_row_is_found_at_the_next_one(place: int) -> None:
    rows = _chain(10)
    del rows[place]
    report = verify(rows, key=KEY)
    assert (report.intact, report.broken_seq, report.reason) == (False, place + 2, f"row {place + 1} is missing")


def test_a_removed_row_is_found_even_if_the_others_are_numbered_anew() -> None:
    rows = _chain(10)
    del rows[4]
    rows = [replace(row, seq=number) for number, row in enumerate(rows, start=1)]
    assert verify(rows, key=KEY).broken_seq == 5


def test_rows_in_another_order_are_found() -> None:
    rows = _chain(10)
    rows[3], rows[4] = rows[4], rows[3]
    assert verify(rows, key=KEY).broken_seq == 5
    swapped = _chain(10)
    swapped[3], swapped[4] = replace(swapped[4], seq=4), replace(swapped[3], seq=5)
    assert verify(swapped, key=KEY).broken_seq == 4


def test_a_row_that_was_put_in_is_found() -> None:
    rows = _chain(10)
    rows.insert(5, rows[4])
    assert verify(rows, key=KEY).broken_seq == 5


def test_rows_cut_off_at_the_end_are_found_only_with_an_anchor() -> None:
    rows = _chain(10)
    anchor = Head(rows[8].seq, rows[8].hash)
    assert verify(rows, key=KEY, anchor=anchor).intact
    # Honest limit: the chain alone cannot know that there was more.
    assert verify(rows[:6], key=KEY).intact
    report = verify(rows[:6], key=KEY, anchor=anchor)
    assert (report.intact, report.broken_seq) == (False, 7)
    assert "cut off at the end" in report.reason


def test_a_history_written_anew_with_the_key_is_found_only_with_an_anchor() -> None:
    rows = _chain(10)
    other = [next_row(Head(), _entry(5), key=KEY)]
    assert verify(other, key=KEY).intact
    assert verify(other, key=KEY, anchor=Head(1, rows[0].hash)).broken_seq == 1


def test_details_that_are_not_json_are_refused() -> None:
    for details in ({"a": object()}, {"a": float("nan")}, {"a": "\ud800"}):
        with pytest.raises(NotJsonValue):
            next_row(Head(), replace(_entry(0), details=details), key=KEY)


def test_both_ways_of_writing_continue_one_chain(engine: Engine, path: Path, log: AuditLog) -> None:
    with writing(engine) as session:
        log.append_in_session(session, _entry(0))
        log.append_in_session(session, _entry(1))
    with closing(connect_raw(path)) as raw:
        raw.execute("BEGIN IMMEDIATE")
        log.append_raw(raw, _entry(2))
        log.append_raw(raw, _entry(3))
        raw.execute("COMMIT")
    with writing(engine) as session:
        log.append_in_session(session, _entry(4))
    with reading(engine) as session:
        report = log.verify(session)
        assert [row.subject for row in rows_in_session(session)] == ["s0", "s1", "s2", "s3", "s4"]
    assert (report.intact, report.checked) == (True, 5)


def test_a_change_that_fails_leaves_no_row_and_a_row_that_fails_leaves_no_change(engine: Engine, log: AuditLog) -> None:
    with pytest.raises(NotFound), writing(engine) as session:
        log.append_in_session(session, _entry(0))
        raise NotFound
    with pytest.raises(NotJsonValue), writing(engine) as session:
        session.add(Workspace(id="w", workspace_id="w", name="w", created_at=1))
        log.append_in_session(session, replace(_entry(1), details={"bad": float("inf")}))
    with reading(engine) as session:
        assert list(rows_in_session(session)) == []
        assert session.exec(select(Workspace)).all() == []
    with writing(engine) as session:
        assert log.append_in_session(session, _entry(2)).seq == 1


def test_a_raw_row_outside_a_transaction_is_a_bug(path: Path, log: AuditLog) -> None:
    with closing(connect_raw(path)) as raw, pytest.raises(Bug, match="outside the transaction"):
        log.append_raw(raw, _entry(0))


def test_writers_on_several_connections_do_not_break_the_chain(engine: Engine, path: Path, log: AuditLog) -> None:
    def by_session() -> None:
        for number in range(30):
            with writing(engine) as session:
                log.append_in_session(session, _entry(number))

    def by_raw() -> None:
        with closing(connect_raw(path)) as raw:
            for number in range(30):
                raw.execute("BEGIN IMMEDIATE")
                log.append_raw(raw, _entry(number))
                raw.execute("COMMIT" if number % 3 else "ROLLBACK")

    threads = [threading.Thread(target=target) for target in (by_session, by_raw, by_session, by_raw)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with reading(engine) as session:
        report = log.verify(session)
    assert (report.intact, report.checked) == (True, 100)


def _update(raw: sqlite3.Connection) -> None:
    raw.execute("UPDATE audit SET details = '{\"n\":77}' WHERE seq = 3")


def _delete(raw: sqlite3.Connection) -> None:
    raw.execute("DELETE FROM audit WHERE seq = 2")


def _swap(raw: sqlite3.Connection) -> None:
    raw.execute("UPDATE audit SET seq = 99 WHERE seq = 3")
    raw.execute("UPDATE audit SET seq = 3 WHERE seq = 4")
    raw.execute("UPDATE audit SET seq = 4 WHERE seq = 99")


@pytest.mark.parametrize("tamper", [_update, _delete, _swap])
def test_tampering_with_the_database_is_found_at_the_third_row(
    tamper: Callable[[sqlite3.Connection], None], engine: Engine, path: Path, log: AuditLog
) -> None:
    with writing(engine) as session:
        for number in range(6):
            log.append_in_session(session, _entry(number))
    with closing(connect_raw(path)) as raw:
        tamper(raw)
    with reading(engine) as session:
        assert log.verify(session).broken_seq == 3


def test_another_key_is_noticed_at_the_start(engine: Engine, log: AuditLog) -> None:
    with reading(engine) as session:
        log.check_head(session)
    with writing(engine) as session:
        log.append_in_session(session, _entry(0))
    with reading(engine) as session:
        log.check_head(session)
        with pytest.raises(AuditChainBroken, match="key of this installation"):
            AuditLog(b"x" * 32).check_head(session)
