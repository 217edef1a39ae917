"""How a row of a store becomes findable: its words and the change that the indexes catch up by, in the store's own transaction."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from hashlib import blake2b
from typing import Protocol

from sqlmodel import Session, col, func, select

from engine.errors import Bug
from engine.memory.scope import Scope
from engine.storage.tables import MemoryChange, MemoryText, MemoryVector

CONVERSATION, EPISODES, FACTS, RULES, DOCUMENTS = "conversation", "episodes", "facts", "rules", "documents"
STORES = (CONVERSATION, EPISODES, FACTS, RULES, DOCUMENTS)
_AT_ONCE = 500


class Sessions(Protocol):
    """The database, as `Records` opens it: every write comes past the borders that are tested."""

    def reading(self) -> AbstractContextManager[Session]:
        """A session that cannot change anything."""
        ...

    def writing(self) -> AbstractContextManager[Session]:
        """A session in one write transaction."""
        ...


@dataclass(frozen=True, slots=True)
class Findable:
    """Words of one row of a store; see `MemoryText` for each field."""

    store: str
    row_id: str
    scope: Scope
    text: str
    at_us: int
    sensitivity: int = 1
    trust: int = 0
    part_of: str = ""
    position: int = 0
    stamp: str = ""
    lead: str = ""
    is_quarantined: bool = False


def put_texts(session: Session, texts: Iterable[Findable], *, now_us: int) -> list[int]:
    """Makes them findable, in place of what stands under the same store and row; their ids in order. Does not commit."""
    ids: list[int] = []
    for text in texts:
        found = session.exec(select(MemoryText).where(MemoryText.store == text.store, MemoryText.row_id == text.row_id)).first()
        row = found or _empty(text)
        _fill(row, text)
        session.add(row)
        session.flush()
        ids.append(_id(row))
        session.add(MemoryChange(workspace_id=row.workspace_id, text_id=_id(row), op="put", at=now_us))
    session.flush()
    return ids


def put_new(session: Session, texts: Sequence[Findable], *, now_us: int = 1) -> list[int]:
    """The same for texts of rows that were never written before: nothing is looked for. Does not commit."""
    rows = [_empty(text) for text in texts]
    for row, text in zip(rows, texts, strict=True):
        _fill(row, text)
    session.add_all(rows)
    session.flush()
    session.add_all(MemoryChange(workspace_id=row.workspace_id, text_id=_id(row), op="put", at=now_us) for row in rows)
    session.flush()
    return [_id(row) for row in rows]


def drop_texts(session: Session, store: str, row_ids: Sequence[str], *, now_us: int) -> int:
    """Nothing finds them any more; how many there were. Does not commit."""
    gone = 0
    for start in range(0, len(row_ids), _AT_ONCE):
        some = row_ids[start : start + _AT_ONCE]
        rows = session.exec(select(MemoryText).where(MemoryText.store == store, col(MemoryText.row_id).in_(some))).all()
        for row in rows:
            session.add(MemoryChange(workspace_id=row.workspace_id, text_id=_id(row), op="drop", at=now_us))
            session.delete(row)
            for vector in session.exec(select(MemoryVector).where(MemoryVector.text_id == _id(row))).all():
                session.delete(vector)
        gone += len(rows)
    session.flush()
    return gone


def meaning_of(stamp: str, lead: str, text: str) -> str:
    """The words that the vector stands for."""
    return " ".join(part for part in (f"({stamp})" if stamp else "", lead, text) if part)


def last_change(session: Session) -> int:
    """The number of the newest change; 0 where there is none."""
    return session.exec(select(func.max(MemoryChange.seq))).one() or 0


def _empty(text: Findable) -> MemoryText:
    return MemoryText(
        workspace_id="", store=text.store, row_id=text.row_id, visibility="", scope_key="", sensitivity=0, trust=0, stamp="", lead="",
        text="", meaning_sha="", at=0,
    )  # fmt: skip


def _id(row: MemoryText) -> int:
    if row.id is None:
        raise Bug("A text that was written has no number.")
    return row.id


def _fill(row: MemoryText, text: Findable) -> None:
    row.workspace_id = text.scope.workspace_id
    row.visibility = text.scope.visibility.value
    row.owner = text.scope.owner
    row.scope_key = text.scope.key
    row.sensitivity = int(text.sensitivity)
    row.trust = int(text.trust)
    row.part_of = text.part_of
    row.position = text.position
    row.stamp = text.stamp
    row.lead = text.lead
    row.text = text.text
    row.meaning_sha = blake2b(meaning_of(text.stamp, text.lead, text.text).encode("utf-8", "replace"), digest_size=16).hexdigest()
    row.at = text.at_us
    row.is_quarantined = text.is_quarantined
