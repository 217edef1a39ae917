"""The audit log: who did what, as a chain of rows in which no row can be changed, removed or moved unseen.

Each row carries HMAC-SHA256(key, canonical JSON of the previous row's hash and its own fields) and is written in the same
transaction as the change that it tells of. Rows cut off at the end leave a chain that is whole: only an `anchor`, a head
that was written down elsewhere, shows that they are missing. Whoever holds the key can write another history.
"""

from __future__ import annotations

import hmac
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from sqlmodel import Session, col, select

from engine.errors import AuditChainBroken, Bug
from engine.faultpoints import reach
from engine.jsonvalue import canonical, check_json
from engine.storage.tables import Audit

GENESIS = "0" * 64
"""Stands for the hash before the first row."""


@dataclass(frozen=True)
class AuditEntry:
    """What is to be told. Details are plain JSON and never hold secret values."""

    workspace_id: str
    at: int
    actor: str
    """`Actor.label`, e.g. `user:user_01J…`."""
    action: str
    """Subject and verb, e.g. `workflow.publish`."""
    subject: str
    """The id of what it was done to."""
    details: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True)
class AuditRow:
    """One link of the chain, as it is stored."""

    seq: int
    workspace_id: str
    at: int
    actor: str
    action: str
    subject: str
    details: str
    previous_hash: str
    hash: str


@dataclass(frozen=True)
class Head:
    """The last link of a chain: enough to go on from, and to be written down elsewhere as an anchor."""

    seq: int = 0
    hash: str = GENESIS


@dataclass(frozen=True)
class AuditReport:
    """What a check of the chain has found."""

    intact: bool
    checked: int
    """Rows that are proven."""
    head: Head
    """The last proven row."""
    broken_seq: int | None = None
    """The first row that is not what was written, or whose predecessor is missing."""
    reason: str = ""


def next_row(head: Head, entry: AuditEntry, *, key: bytes) -> AuditRow:
    """The row that continues the chain."""
    told = dict(entry.details)
    check_json(told)
    row = AuditRow(
        seq=head.seq + 1,
        workspace_id=entry.workspace_id,
        at=entry.at,
        actor=entry.actor,
        action=entry.action,
        subject=entry.subject,
        details=canonical(told).decode(),
        previous_hash=head.hash,
        hash="",
    )
    return replace(row, hash=row_hash(row, key=key))


def row_hash(row: AuditRow, *, key: bytes) -> str:
    """The hash that the row must carry."""
    told = [row.previous_hash, row.seq, row.workspace_id, row.at, row.actor, row.action, row.subject, row.details]
    return hmac.digest(key, canonical(told), "sha256").hex()


def verify(rows: Iterable[AuditRow], *, key: bytes, anchor: Head | None = None) -> AuditReport:
    """Checks a chain from its first row on; `rows` stand in the order of `seq`. Stops at the first row that is wrong."""
    head = Head()
    for row in rows:
        if reason := _fault(row, head, key=key, anchor=anchor):
            return AuditReport(intact=False, checked=head.seq, head=head, broken_seq=row.seq, reason=reason)
        head = Head(row.seq, row.hash)
    if anchor is not None and head.seq < anchor.seq:
        reason = f"the chain ends at {head.seq}, but {anchor.seq} was written down elsewhere: rows were cut off at the end"
        return AuditReport(intact=False, checked=head.seq, head=head, broken_seq=head.seq + 1, reason=reason)
    return AuditReport(intact=True, checked=head.seq, head=head)


def _fault(row: AuditRow, head: Head, *, key: bytes, anchor: Head | None) -> str:
    if row.seq != head.seq + 1:
        return f"row {head.seq + 1} is missing"
    if row.previous_hash != head.hash:
        return "the row does not follow the one before it"
    if not hmac.compare_digest(str(row.hash).encode(), row_hash(row, key=key).encode()):
        return "the row was changed after it was written"
    if anchor is not None and row.seq == anchor.seq and row.hash != anchor.hash:
        return "the row differs from the anchor that was written down elsewhere"
    return ""


class AuditLog:
    """Appends to the chain of one database. Every append belongs inside the write transaction of the change it tells of."""

    def __init__(self, key: bytes) -> None:
        """`key` is `MasterKey.derive("audit")`."""
        self._key = key

    def append_in_session(self, session: Session, entry: AuditEntry) -> AuditRow:
        """Appends through SQLAlchemy, inside `storage.sqlite.writing`."""
        session.flush()
        row = next_row(head_in_session(session), entry, key=self._key)
        session.add(Audit(**vars(row)))
        session.flush()
        reach("audit.in_session")
        return row

    def append_raw(self, connection: sqlite3.Connection, entry: AuditEntry) -> AuditRow:
        """Appends on a raw connection, inside its BEGIN IMMEDIATE. Bug if there is no transaction."""
        if not connection.in_transaction:
            raise Bug("An audit row was about to be written outside the transaction of its change.")
        found = connection.execute("SELECT seq, hash FROM audit ORDER BY seq DESC LIMIT 1").fetchone()
        row = next_row(Head(*found) if found else Head(), entry, key=self._key)
        connection.execute(
            "INSERT INTO audit (seq, workspace_id, at, actor, action, subject, details, previous_hash, hash)"
            " VALUES (:seq, :workspace_id, :at, :actor, :action, :subject, :details, :previous_hash, :hash)",
            vars(row),
        )
        reach("audit.raw")
        return row

    def verify(self, session: Session, *, anchor: Head | None = None) -> AuditReport:
        """Checks the whole chain of the database."""
        return verify(rows_in_session(session), key=self._key, anchor=anchor)

    def check_head(self, session: Session) -> None:
        """Checks the last row only, cheap enough for every start. AuditChainBroken if it is wrong, as with another key."""
        last = session.exec(select(Audit).order_by(col(Audit.seq).desc()).limit(1)).first()
        if last is None:
            return
        row = _row(last)
        if row.hash != row_hash(row, key=self._key):
            raise AuditChainBroken(
                "The last row of the audit log was not written with the key of this installation.",
                hint="Restore the key file that belongs to this database; run `signalbox doctor audit` to see more.",
            )


def head_in_session(session: Session) -> Head:
    """The last link of the chain; (0, GENESIS) if there is none yet."""
    found = session.exec(select(Audit.seq, Audit.hash).order_by(col(Audit.seq).desc()).limit(1)).first()
    return Head(int(found[0] or 0), found[1]) if found else Head()


def rows_in_session(session: Session) -> Iterator[AuditRow]:
    """Every row in the order of the chain, read in portions."""
    statement = select(Audit).order_by(col(Audit.seq)).execution_options(yield_per=1000)
    return (_row(row) for row in session.exec(statement))


def _row(row: Audit) -> AuditRow:
    return AuditRow(
        seq=int(row.seq or 0),
        workspace_id=row.workspace_id,
        at=row.at,
        actor=row.actor,
        action=row.action,
        subject=row.subject,
        details=row.details,
        previous_hash=row.previous_hash,
        hash=row.hash,
    )
