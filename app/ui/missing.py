"""The page for an address where nothing is."""

from __future__ import annotations

import reflex as rx

from app.ui.frame import frame, link
from app.ui.marks import track_drawing
from app.ui.places import Place

NOWHERE = Place("", "Not found", "")


def missing() -> rx.Component:
    """The page."""
    return frame(
        NOWHERE,
        rx.el.div(
            track_drawing(),
            rx.el.h1("This track ends here", class_name="t20"),
            rx.el.p("There is no page at this address. It may have been removed, or the link is cut short."),
            link("Go to Home", to="/", class_name="btn pri"),
            class_name="empty",
            custom_attrs={"data-testid": "missing"},
        ),
    )
