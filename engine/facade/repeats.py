"""The answers that were given to requests with an Idempotency-Key, kept for 24 hours."""

from __future__ import annotations

from dataclasses import dataclass

from sqlmodel import col, delete

from engine.errors import Conflict, IdempotencyMismatch
from engine.people.permissions import Actor
from engine.people.records import Records
from engine.storage.tables import Idempotency

KEPT_US = 24 * 3_600_000_000
_LOST_US = 600_000_000


@dataclass(frozen=True, slots=True)
class StoredAnswer:
    """What was answered the first time."""

    status: int
    body: str


class RepeatedRequests:
    """Synchronous and thread-safe: callers use a thread."""

    def __init__(self, records: Records) -> None:
        self._records = records

    def begin(self, actor: Actor, key: str, request_hash: str) -> StoredAnswer | None:
        """None: carry the request out, then `finish` or `forget`. IdempotencyMismatch for another request; Conflict while in flight."""
        now = self._records.clock.now_us()
        with self._records.writing() as session:
            session.exec(delete(Idempotency).where(col(Idempotency.created_at) < now - KEPT_US))
            known = session.get(Idempotency, (actor.workspace_id, actor.label, key))
            if known is None:
                session.add(
                    Idempotency(
                        workspace_id=actor.workspace_id,
                        actor=actor.label,
                        key=key,
                        request_hash=request_hash,
                        created_at=now,
                    )
                )
                return None
            if known.request_hash != request_hash:
                raise IdempotencyMismatch
            if known.status is not None:
                return StoredAnswer(known.status, known.response or "")
            if now - known.created_at < _LOST_US:
                raise Conflict("The first request with this Idempotency-Key is still being carried out.", hint="Try again in a moment.")
            # The process that worked on it is gone and has left no answer.
            known.created_at = now
            return None

    def finish(self, actor: Actor, key: str, status: int, body: str) -> None:
        """Keeps the answer."""
        with self._records.writing() as session:
            known = session.get(Idempotency, (actor.workspace_id, actor.label, key))
            if known is not None:
                known.status, known.response = status, body

    def forget(self, actor: Actor, key: str) -> None:
        """The request was not carried out: the key is free again."""
        with self._records.writing() as session:
            known = session.get(Idempotency, (actor.workspace_id, actor.label, key))
            if known is not None:
                session.delete(known)

    def forget_unfinished(self) -> None:
        """At start: what was in flight when the process died may be sent again."""
        with self._records.writing() as session:
            session.exec(delete(Idempotency).where(col(Idempotency.status).is_(None)))
