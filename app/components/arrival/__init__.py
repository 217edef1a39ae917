"""Brings the section that an address names into sight, however late it comes."""

from __future__ import annotations

from typing import Any

import reflex as rx

_JSX: Any = rx.asset("arrival.jsx", shared=True)


class Arrival(rx.NoSSRComponent):
    """Its content is what grows while a page loads."""

    library = _JSX.importable_path
    tag = "Arrival"


def arrival(*content: Any, **more: Any) -> rx.Component:
    """The content of a page whose sections have anchors."""
    return rx.el.div(*content, Arrival.create(), **more)
