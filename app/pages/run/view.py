"""The page of one run: the frame around the component that shows it."""

from __future__ import annotations

import reflex as rx

from app.components.timeline import timeline
from app.ui.frame import Frame, slim_frame
from app.ui.places import RUNS


def run() -> rx.Component:
    """The page; which run it is stands in its address."""
    return slim_frame(RUNS, timeline(allowed=Frame.allowed))
