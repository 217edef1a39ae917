"""How a row of a store becomes findable: its words and the change that the indexes catch up by, in the store's own transaction."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sqlmodel import Session, col, func, select

from engine.errors import Bug
from engine.memory.scope import Scope
from engine.storage.tables import MemoryChange, MemoryText

CONVERSATION, EPISODES, FACTS, RULES, DOCUMENTS = "conversation", "episodes", "facts", "rules", "documents"
STORES = (CONVERSATION, EPISODES, FACTS, RULES, DOCUMENTS)
_AT_ONCE = 500


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
    lead: str = ""
    is_quarantined: bool = False


def put_texts(session: Session, texts: Iterable[Findable], *, now_us: int) -> list[int]:
    """Makes them findable, in place of what stands under the same store and row; their ids in order. Does not commit."""
    ids: list[int] = []
    for text in texts:
        found = session.exec(select(MemoryText).where(MemoryText.store == text.store, MemoryText.row_id == text.row_id)).first()
        row = found or MemoryText(workspace_id="", store=text.store, row_id=text.row_id, visibility="", scope_key="", sensitivity=0,
                                  trust=0, lead="", text="", at=0)  # fmt: skip
        _fill(row, text)
        session.add(row)
        session.flush()
        ids.append(_id(row))
        session.add(MemoryChange(workspace_id=row.workspace_id, text_id=_id(row), op="put", at=now_us))
    session.flush()
    return ids


def drop_texts(session: Session, store: str, row_ids: Sequence[str], *, now_us: int) -> int:
    """Nothing finds them any more; how many there were. Does not commit."""
    gone = 0
    for start in range(0, len(row_ids), _AT_ONCE):
        some = row_ids[start : start + _AT_ONCE]
        rows = session.exec(select(MemoryText).where(MemoryText.store == store, col(MemoryText.row_id).in_(some))).all()
        for row in rows:
            session.add(MemoryChange(workspace_id=row.workspace_id, text_id=_id(row), op="drop", at=now_us))
            session.delete(row)
        gone += len(rows)
    session.flush()
    return gone


def last_change(session: Session) -> int:
    """The number of the newest change; 0 where there is none."""
    return session.exec(select(func.max(MemoryChange.seq))).one() or 0


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
    row.lead = text.lead
    row.text = text.text
    row.at = text.at_us
    row.is_quarantined = text.is_quarantined
