"""Keeps answers of models for steps that ask for it, and gives them again: bounded, and never to another workspace."""

from __future__ import annotations

import asyncio
import logging

from sqlmodel import Session, col, delete, func, select

from engine.errors import StorageUnavailable
from engine.llm.messages import ModelAnswer, Usage
from engine.people.records import Records
from engine.storage.tables import KeptAnswer

MOST_ANSWERS = 5_000
MOST_BYTES = 64_000_000
LARGEST_BYTES = 256_000
"""Of one answer; a longer one is not kept."""
LONGEST_US = 30 * 86_400 * 1_000_000
"""No step may take an older one (`LlmConfig.cache_s`), so nobody misses it."""
log = logging.getLogger("signalbox.llm")


class KeptAnswers:
    """Implements `engine.run.context.Answers`. A database that refuses for a moment costs a call, never a step."""

    def __init__(self, records: Records) -> None:
        self._records = records

    async def find(self, workspace_id: str, key: str, *, at_most_s: float) -> ModelAnswer | None:
        """The answer that was kept for the key no longer than that ago; it has used nothing."""
        try:
            return await asyncio.to_thread(self._find, workspace_id, key, at_most_s)
        except StorageUnavailable as error:
            log.warning("A kept answer could not be looked up: %s", error.message)
            return None

    async def keep(self, workspace_id: str, answers: dict[str, ModelAnswer]) -> None:
        """Keeps each under its key, and lets the oldest go where there is no room."""
        try:
            await asyncio.to_thread(self._keep, workspace_id, answers)
        except StorageUnavailable as error:
            log.warning("Answers could not be kept: %s", error.message)

    def _find(self, workspace_id: str, key: str, at_most_s: float) -> ModelAnswer | None:
        with self._records.reading() as session:
            row = session.get(KeptAnswer, (workspace_id, key))
        if row is None or row.kept_at + int(at_most_s * 1e6) <= self._records.clock.now_us():
            return None
        return ModelAnswer(row.text, row.model, Usage(0, 0), row.finish, bool(row.is_practice))

    def _keep(self, workspace_id: str, answers: dict[str, ModelAnswer]) -> None:
        now = self._records.clock.now_us()
        with self._records.writing() as session:
            for key, answer in answers.items():
                size = len(answer.text.encode("utf-8", "replace"))
                if size <= LARGEST_BYTES:
                    row = KeptAnswer(
                        workspace_id=workspace_id,
                        key=key,
                        model=answer.model,
                        text=answer.text.encode("utf-8", "replace").decode(),
                        finish=answer.finish_reason,
                        is_practice=int(answer.is_practice),
                        bytes=size,
                        kept_at=now,
                    )
                    session.merge(row)
            session.execute(delete(KeptAnswer).where(col(KeptAnswer.kept_at) < now - LONGEST_US))
            session.flush()
            _make_room(session)


def _make_room(session: Session) -> None:
    """Lets a tenth of the answers go, the oldest first, until what is left may stay."""
    while True:
        count, size = session.exec(select(func.count(), func.coalesce(func.sum(KeptAnswer.bytes), 0)).select_from(KeptAnswer)).one()
        if count <= MOST_ANSWERS and size <= MOST_BYTES:
            return
        oldest = select(KeptAnswer.workspace_id, KeptAnswer.key).order_by(col(KeptAnswer.kept_at)).limit(max(1, count // 10))
        for workspace_id, key in session.exec(oldest).all():
            session.execute(delete(KeptAnswer).where(col(KeptAnswer.workspace_id) == workspace_id, col(KeptAnswer.key) == key))
