"""Delivers a run's messages to the people of its workspace, inside Signalbox."""

from __future__ import annotations

import asyncio

from sqlalchemy.exc import IntegrityError

from engine.errors import ConfigInvalid
from engine.people.records import Records
from engine.storage.tables import Notification, Run


class AppNotifier:
    """The channel `app`: a row that people read in the web UI; the key makes a second delivery impossible."""

    def __init__(self, records: Records) -> None:
        self._records = records

    async def deliver(self, key: str, *, run_id: str, path: str, channel: str, subject: str, message: str) -> bool:
        """Writes the message once per key; True also when it was there already."""
        if channel != "app":
            raise ConfigInvalid(f"There is no notification channel `{channel}`.", hint="Use the channel `app`.")
        await asyncio.to_thread(self._write, key, run_id, path, subject, message)
        return True

    def _write(self, key: str, run_id: str, path: str, subject: str, message: str) -> None:
        notice_id = f"ntf_{key[:26]}"
        try:
            with self._records.writing() as session:
                if session.get(Notification, notice_id) is not None:
                    return
                run = session.get(Run, run_id)
                session.add(
                    Notification(
                        id=notice_id,
                        workspace_id=run.workspace_id if run else self._records.workspace_id,
                        run_id=run_id,
                        path=path,
                        channel="app",
                        subject=subject,
                        message=message,
                        created_at=self._records.clock.now_us(),
                    )
                )
        except IntegrityError:
            # Another attempt of the same step has just delivered it.
            return
