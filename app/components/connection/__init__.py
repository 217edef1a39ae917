"""Keeps a page honest about its connection, and its numbers fresh while somebody looks."""

from __future__ import annotations

from typing import Any

import reflex as rx

from app.ui import reflex_inside

_JSX: Any = rx.asset("connection.jsx", shared=True)


class Connection(rx.Component):
    """Says when the server is gone and when it is back; leads to the sign-in page when the session has ended."""

    library = _JSX.importable_path
    tag = "Connection"
    lost: rx.Var[bool]


class Pulse(rx.Component):
    """Asks again every few seconds, only while the page is in sight."""

    library = _JSX.importable_path
    tag = "Pulse"
    seconds: rx.Var[int]
    on_pulse: rx.EventHandler[rx.event.no_args_event_spec]


def connection() -> rx.Component:
    """For the frame of every page."""
    return Connection.create(lost=reflex_inside.connection_is_lost())


def pulse(*handlers: Any, seconds: int = 5) -> rx.Component:
    """Calls these handlers every so many seconds."""
    return Pulse.create(seconds=seconds, on_pulse=list(handlers))
