"""The builder: one component that owns the document it shows, loads and saves it over the API, and tells Python nothing."""

from __future__ import annotations

from typing import Any

import reflex as rx
from reflex.style import resolved_color_mode

from app.components import drawing

_JSX: Any = rx.asset("canvas.jsx", shared=True)


class Canvas(rx.NoSSRComponent):
    """The whole builder page below the frame's reach."""

    library = _JSX.importable_path
    tag = "Builder"
    lib_dependencies: list[str] = drawing.PACKAGES
    workflow: rx.Var[str]
    theme: rx.Var[str]


def canvas(workflow: Any) -> rx.Component:
    """The builder of this workflow, named by id or slug."""
    return Canvas.create(workflow=workflow, theme=resolved_color_mode)
