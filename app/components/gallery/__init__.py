"""The workflows to start from, each with a small drawing of its way."""

from __future__ import annotations

from typing import Any

import reflex as rx

from app.components import drawing, rest

_JSX: Any = rx.asset("gallery.jsx", shared=True)
_PARTS: tuple[Any, ...] = (rx.asset("sketch.jsx", shared=True), rx.asset("gallery.css", shared=True))
NEEDS = (drawing, rest)
"""What the JSX imports beside it."""


class Gallery(rx.NoSSRComponent):
    """All templates; "Use" makes a draft of one and opens it."""

    library = _JSX.importable_path
    tag = "Gallery"
    lib_dependencies: list[str] = drawing.PACKAGES


def gallery() -> rx.Component:
    """The cards."""
    return Gallery.create()
