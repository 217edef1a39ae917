"""A bench for the inspector while there is no builder: a list of steps beside it, over the real API."""

from __future__ import annotations

from typing import Any

import reflex as rx

from app.components.inspector import FILES

_JSX: Any = rx.asset("harness.jsx", shared=True)


class Harness(rx.NoSSRComponent):
    """The list of steps and the inspector of one workflow, `?workflow=` in the address."""

    library = _JSX.importable_path
    tag = "Harness"


def harness() -> rx.Component:
    """The page."""
    return rx.fragment(Harness.create(), rx.el.span(f"{len(FILES)} files", class_name="sr"))
