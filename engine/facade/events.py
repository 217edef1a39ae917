"""What programs tell of the outside world: events that waiting steps wake on."""

from __future__ import annotations

import logging
from typing import Any

from sqlmodel import select

from engine.errors import AlreadyDecided, Invalid, NotFound, SignalboxError
from engine.facade.core import Core
from engine.facade.views import Delivered
from engine.jsonvalue import NotJsonValue, check_json
from engine.nodes.contract import text_of
from engine.people.permissions import Actor, Permission, require
from engine.run.happenings import Woken
from engine.storage.tables import Wait

log = logging.getLogger("signalbox.run")
MOST_NAME = 200


class Events:
    """Every call takes the actor first and checks its permission."""

    def __init__(self, core: Core) -> None:
        self._core = core

    async def send(self, actor: Actor, event: str, *, key: Any = "", payload: Any = None) -> Delivered:
        """Wakes every step that waits for this event and key; how many did is durable when this returns. Invalid."""
        require(actor, Permission.EVENT_SEND)
        name = event.strip()
        if not name or len(name) > MOST_NAME:
            raise _problem("event", f"The name of an event has 1 to {MOST_NAME} characters.")
        for field, value in (("key", key), ("payload", payload)):
            try:
                check_json(value)
            except NotJsonValue as error:
                raise _problem(field, str(error)) from None
        waiting = await self._core.in_thread(lambda: self._waiting(actor, name, text_of(key)))
        delivered = 0
        for run_id, path, attempt in waiting:
            audit = self._core.audit_entry(actor, "event.send", run_id, {"event": name, "key": text_of(key)[:MOST_NAME], "step": path})
            try:
                await self._core.executor.deliver(run_id, Woken(path, attempt, payload, audit))
            except (AlreadyDecided, NotFound):
                # Its time had come, or somebody cancelled it, just before.
                continue
            except SignalboxError as error:
                # One run that cannot be woken must not keep the others asleep.
                log.error("the event %s cannot wake the run %s: %s", name, run_id, error)
                continue
            delivered += 1
        return Delivered(delivered=delivered)

    def _waiting(self, actor: Actor, event: str, key: str) -> list[tuple[str, str, int]]:
        wanted = select(Wait.run_id, Wait.path, Wait.attempt).where(
            Wait.workspace_id == actor.workspace_id, Wait.event == event, Wait.key == key
        )
        with self._core.records.reading() as session:
            return [(run_id, path, attempt) for run_id, path, attempt in session.exec(wanted)]


def _problem(field: str, message: str) -> Invalid:
    return Invalid(f"{field}: {message}", details={"problems": [{"field": field, "message": message}]})
