"""Who may send which event: nothing passes that is no action, and no action without a session that holds at this moment."""

from __future__ import annotations

from typing import Any

from reflex.middleware.middleware import Middleware
from reflex.state import StateUpdate

from app.ui import reflex_inside
from app.ui.actions import Needs, asking_of, needs_of
from engine import NotSignedIn

REFUSED = StateUpdate()
"""Handed back to Reflex it ends the event before its handler."""


def table() -> dict[str, Needs]:
    """What every event of the running app needs; an event that is not in here is refused."""
    found = {name: needs_of(handler) for name, handler in reflex_inside.handlers().items()}
    return {name: needs for name, needs in found.items() if needs is not None}


class EventGate(Middleware):
    """Reflex middleware, before every handler."""

    def __init__(self) -> None:
        self._own = reflex_inside.own_events()

    async def preprocess(self, app: Any, state: Any, event: Any) -> StateUpdate | None:
        """None lets the event through."""
        handler = reflex_inside.handlers().get(event.name)
        needs = needs_of(handler) if handler else None
        if needs is None and event.name not in self._own:
            return REFUSED
        try:
            asking = await asking_of(state)
        except NotSignedIn:
            return REFUSED
        if needs is None or needs.met_by(asking.actor):
            return None
        from app.ui.frame import Frame

        return StateUpdate(events=reflex_inside.event_to(Frame.refuse, str(needs.permission)))
