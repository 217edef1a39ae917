"""Writes a change about people and the audit row that tells of it, in one transaction."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from sqlalchemy import Engine
from sqlmodel import Session

from engine.clock import Clock
from engine.errors import Invalid
from engine.ids import Ids
from engine.people.permissions import MAIN_WORKSPACE, Actor
from engine.security.audit import AuditEntry, AuditLog
from engine.storage.sqlite import reading, writing


@dataclass(frozen=True)
class Records:
    """The database, the clock and the audit log, as everything about people needs them."""

    db: Engine
    clock: Clock
    ids: Ids
    audit: AuditLog
    workspace_id: str = MAIN_WORKSPACE

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """A session that cannot change anything."""
        with reading(self.db) as session:
            yield session

    @contextmanager
    def writing(self) -> Iterator[Session]:
        """A session in one write transaction."""
        with writing(self.db) as session:
            yield session

    def tell(self, session: Session, by: Actor, *, action: str, subject: str, details: Mapping[str, object] | None = None) -> None:
        """Appends an audit row inside the transaction of `session`."""
        entry = AuditEntry(
            workspace_id=self.workspace_id,
            at=self.clock.now_us(),
            actor=by.label,
            action=action,
            subject=subject,
            details=details or {},
        )
        self.audit.append_in_session(session, entry)


@dataclass(frozen=True)
class Problem:
    """One field that is not as it should be."""

    field: str
    message: str


def refuse(problems: list[Problem]) -> None:
    """Returns if there are none. Invalid otherwise, with `problems: [{field, message}]`."""
    if problems:
        raise Invalid(
            " ".join(problem.message for problem in problems),
            hint=f"Correct {', '.join(problem.field for problem in problems)} and try again.",
            details={"problems": [{"field": problem.field, "message": problem.message} for problem in problems]},
        )
