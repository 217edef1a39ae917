"""Connections, transactions and the lock of a home directory."""

import os
import signal
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import IntegrityError, OperationalError
from sqlmodel import col, func, select

from engine.errors import Conflict, StorageUnavailable
from engine.storage import sqlite
from engine.storage.migrate import migrate
from engine.storage.sqlite import HomeLock, connect_raw, open_engine, prepare_home, reading, writing
from engine.storage.tables import Token, User, Workspace


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


@pytest.fixture
def path(home: Path) -> Path:
    path = prepare_home(home)
    migrate(path)
    return path


@pytest.fixture
def engine(path: Path) -> Iterator[Engine]:
    engine = open_engine(path)
    yield engine
    engine.dispose()


def _workspace(name: str) -> Workspace:
    return Workspace(id=name, workspace_id=name, name=name, created_at=1)


def _mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_home_and_its_files_are_closed_to_other_users(home: Path, engine: Engine) -> None:
    with writing(engine) as session:
        session.add(_workspace("a"))
    assert _mode(home) == 0o700
    files = {file.name: _mode(file) for file in home.iterdir()}
    assert files == {"signalbox.db": 0o600, "signalbox.db-wal": 0o600, "signalbox.db-shm": 0o600}


def test_a_database_that_was_open_to_others_is_closed(home: Path, path: Path) -> None:
    path.chmod(0o644)
    home.chmod(0o755)
    prepare_home(home)
    connect_raw(path).close()
    assert (_mode(home), _mode(path)) == (0o700, 0o600)


def test_a_directory_that_others_use_too_keeps_its_mode(tmp_path: Path) -> None:
    shared = tmp_path / "shared"
    shared.mkdir()
    shared.chmod(0o755)
    (shared / "thesis.txt").write_text("not ours")
    prepare_home(shared)
    assert _mode(shared) == 0o755


def test_both_kinds_of_connection_are_durable_and_wait_for_locks(path: Path, engine: Engine) -> None:
    names = ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
    with closing(connect_raw(path)) as raw:
        assert [raw.execute(f"PRAGMA {name}").fetchone()[0] for name in names] == ["wal", 2, 1, 5000]
        assert raw.execute("PRAGMA wal_autocheckpoint").fetchone()[0] == 0
        assert raw.isolation_level is None
    with reading(engine) as session:
        assert [session.execute(text(f"PRAGMA {name}")).scalar_one() for name in names] == ["wal", 2, 1, 5000]
        assert session.execute(text("PRAGMA wal_autocheckpoint")).scalar_one() == 16384


def test_a_reading_session_cannot_write(engine: Engine) -> None:
    with pytest.raises(OperationalError, match="readonly"), reading(engine) as session:
        session.add(_workspace("a"))
        session.flush()


def test_a_connection_that_has_read_can_write_afterwards_and_the_other_way_round(engine: Engine) -> None:
    for name in "abc":
        with writing(engine) as session:
            session.add(_workspace(name))
        with reading(engine) as session:
            assert session.get(Workspace, name)
        with pytest.raises(OperationalError, match="readonly"), reading(engine) as session:
            session.execute(text("DELETE FROM workspaces"))


def test_an_exception_undoes_everything_that_was_written(engine: Engine) -> None:
    with pytest.raises(ZeroDivisionError), writing(engine) as session:
        session.add(_workspace("a"))
        session.flush()
        raise ZeroDivisionError
    with reading(engine) as session:
        assert session.get(Workspace, "a") is None


def test_rows_can_be_used_after_their_session(engine: Engine) -> None:
    with writing(engine) as session:
        row = _workspace("a")
        session.add(row)
    assert row.name == "a"


def test_a_lock_that_does_not_go_away_is_told_as_unavailable(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite, "_PRAGMAS", ("PRAGMA busy_timeout = 20",))
    engine = open_engine(path)
    with closing(connect_raw(path)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StorageUnavailable), writing(engine) as session:
            session.add(_workspace("a"))
        other.execute("ROLLBACK")
    with writing(engine) as session:
        session.add(_workspace("a"))
    engine.dispose()


def test_a_full_disk_is_told_as_unavailable_and_loses_nothing(path: Path) -> None:
    engine = open_engine(path)
    with writing(engine) as session:
        session.add(_workspace("kept"))
    with pytest.raises(StorageUnavailable), writing(engine) as session:
        pages = session.execute(text("PRAGMA page_count")).scalar_one()
        session.execute(text(f"PRAGMA max_page_count = {pages}"))
        session.add(Workspace(id="big", workspace_id="big", name="x" * 1_000_000, created_at=1))
    with reading(engine) as session:
        assert session.exec(select(Workspace.id)).all() == ["kept"]
    engine.dispose()


def test_a_mistake_in_the_data_is_not_told_as_unavailable(engine: Engine) -> None:
    with pytest.raises(IntegrityError), writing(engine) as session:
        session.add(Token(id="t", workspace_id="w", user_id="nobody", name="n", secret_hash="h", created_at=1))


def test_one_address_in_two_spellings_is_one_account(engine: Engine) -> None:
    with pytest.raises(IntegrityError), writing(engine) as session:
        session.add(User(id="a", workspace_id="w", email="ada@example.com", name="A", created_at=1))
        session.add(User(id="b", workspace_id="w", email="Ada@Example.com", name="B", created_at=1))


def test_lists_come_back_as_lists(engine: Engine, path: Path) -> None:
    with writing(engine) as session:
        session.add(User(id="a", workspace_id="w", email="a@b", name="A", roles=["admin", "editor"], created_at=1))
    with reading(engine) as session:
        assert session.exec(select(User)).one().roles == ["admin", "editor"]
    with closing(connect_raw(path)) as raw:
        assert raw.execute("SELECT roles FROM users").fetchone()[0] == '["admin","editor"]'


def test_many_threads_write_at_once_and_nothing_is_lost(engine: Engine, path: Path) -> None:
    def work(number: int) -> None:
        for turn in range(20):
            with writing(engine) as session:
                found = session.exec(select(func.count()).select_from(Workspace)).one()
                session.add(Workspace(id=f"{number}-{turn}", workspace_id="w", name=str(found), created_at=1))

    threads = [threading.Thread(target=work, args=(number,)) for number in range(6)]
    with closing(connect_raw(path)) as raw:
        for thread in threads:
            thread.start()
        for turn in range(20):
            raw.execute("BEGIN IMMEDIATE")
            count = raw.execute("SELECT count(*) FROM workspaces").fetchone()[0]
            raw.execute("INSERT INTO workspaces VALUES (?, 'w', ?, 1)", (f"raw-{turn}", str(count)))
            raw.execute("COMMIT")
        for thread in threads:
            thread.join()
    with reading(engine) as session:
        names = session.exec(select(Workspace.name).order_by(col(Workspace.name))).all()
    # Each writer saw everything before it: the counts that they found are all different.
    assert sorted(int(name) for name in names) == list(range(140))


def test_a_second_process_is_told_who_holds_the_home(home: Path) -> None:
    with HomeLock(home):
        code = (
            "import sys, pathlib\n"
            "from engine.errors import Conflict\n"
            "from engine.storage.sqlite import HomeLock\n"
            "lock = HomeLock(pathlib.Path(sys.argv[1]))\n"
            "print(lock.holder())\n"
            "try: lock.acquire()\n"
            "except Conflict as error: print(error.message)\n"
        )
        told = subprocess.run([sys.executable, "-c", code, str(home)], capture_output=True, text=True, check=True).stdout.splitlines()
    assert told == [str(os.getpid()), f"Another Signalbox (process {os.getpid()}) already works on {home}."]


def test_the_lock_of_a_killed_process_is_free(home: Path) -> None:
    code = (
        "import sys, pathlib, time\n"
        "from engine.storage.sqlite import HomeLock\n"
        "lock = HomeLock(pathlib.Path(sys.argv[1]))\n"
        "lock.acquire()\n"
        "print('held', flush=True)\n"
        "time.sleep(60)\n"
    )
    child = subprocess.Popen([sys.executable, "-c", code, str(home)], stdout=subprocess.PIPE, text=True)
    assert child.stdout and child.stdout.readline() == "held\n"
    assert HomeLock(home).holder() == child.pid
    child.kill()
    child.wait()
    child.stdout.close()
    assert HomeLock(home).holder() is None
    with HomeLock(home), pytest.raises(Conflict):
        HomeLock(home).acquire()


def test_what_a_killed_process_left_behind_is_waited_for(home: Path) -> None:
    code = (
        "import os, sys, pathlib\n"
        "from engine.storage.sqlite import HomeLock\n"
        "HomeLock(pathlib.Path(sys.argv[1])).acquire()\n"
        "if os.fork() == 0:\n"
        "    print('held', flush=True)\n"
        "    sys.stdin.read()\n"
        "    os._exit(0)\n"
        "os.wait()\n"
    )
    with subprocess.Popen([sys.executable, "-c", code, str(home)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdin and child.stdout and child.stdout.readline() == "held\n"
        os.kill(child.pid, signal.SIGKILL)
        os.waitpid(child.pid, 0)
        assert HomeLock(home).holder() == child.pid
        took = threading.Event()

        def take() -> None:
            with HomeLock(home):
                took.set()

        thread = threading.Thread(target=take)
        thread.start()
        assert not took.wait(0.1), "the fork still holds it"
        child.stdin.close()
        assert took.wait(20)
        thread.join()


def test_looking_at_a_free_home_holds_nothing(home: Path) -> None:
    assert HomeLock(home).holder() is None
    lock = HomeLock(home)
    lock.acquire()
    lock.release()
    lock.release()
    assert HomeLock(home).holder() is None
    with HomeLock(home):
        pass
