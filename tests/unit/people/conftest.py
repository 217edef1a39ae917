"""An office to test in: a fresh database with its accounts."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from argon2 import PasswordHasher
from sqlalchemy import Engine

from engine.clock import ManualClock
from engine.ids import CountingIds
from engine.people.accounts import Accounts
from engine.people.permissions import Actor, Role
from engine.security.audit import AuditLog, AuditRow, rows_in_session
from engine.security.passwords import Passwords
from engine.settings import Settings
from engine.storage.migrate import migrate
from engine.storage.sqlite import open_engine, reading

PASSWORD = "correct horse"


@dataclass(frozen=True)
class Office:
    """What the tests about people need at hand."""

    engine: Engine
    clock: ManualClock
    audit: AuditLog
    accounts: Accounts
    path: Path

    def admin(self) -> Actor:
        """A first account, signed in."""
        self.accounts.prepare(Settings.load({"SIGNALBOX_ADMIN_EMAIL": "boss@example.com", "SIGNALBOX_ADMIN_PASSWORD": PASSWORD}))
        return self.accounts.sessions.sign_in("boss@example.com", PASSWORD).actor

    def person(self, by: Actor, name: str, *roles: Role) -> Actor:
        """Somebody with these roles, signed in."""
        self.accounts.add(by, email=f"{name}@example.com", name=name.title(), roles=[str(role) for role in roles], password=PASSWORD)
        return self.accounts.sessions.sign_in(f"{name}@example.com", PASSWORD).actor

    def told(self) -> list[AuditRow]:
        """The audit log, proven."""
        with reading(self.engine) as session:
            assert self.audit.verify(session).intact
            return list(rows_in_session(session))

    def actions(self) -> list[str]:
        return [row.action for row in self.told()]


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    path = tmp_path / "signalbox.db"
    migrate(path)
    engine = open_engine(path)
    clock, audit = ManualClock(), AuditLog(b"k" * 32)
    passwords = Passwords(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
    yield Office(engine, clock, audit, Accounts(engine, clock=clock, ids=CountingIds(), audit=audit, passwords=passwords), path)
    engine.dispose()
