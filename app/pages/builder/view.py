"""The page around the builder: no main menu, for here one works on one thing."""

from __future__ import annotations

import reflex as rx

from app.components.canvas import canvas


def builder() -> rx.Component:
    """The page."""
    workflow = rx.cond(rx.State.is_hydrated, rx.State.workflow, "")  # pyright: ignore[reportAttributeAccessIssue]
    return rx.el.main(canvas(workflow), id="main", class_name="builder")
