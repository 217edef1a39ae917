"""Publishing, versions and what differs between them: one dialog, for the builder and for the page of workflows."""

from __future__ import annotations

from typing import Any

import reflex as rx
from reflex.style import resolved_color_mode

from app.components import dialog, drawing, rest

_JSX: Any = rx.asset("versions.jsx", shared=True)
_PARTS: tuple[Any, ...] = (
    rx.asset("publishing.jsx", shared=True),
    rx.asset("listing.jsx", shared=True),
    rx.asset("difference.jsx", shared=True),
    rx.asset("union.js", shared=True),
    rx.asset("words_diff.js", shared=True),
    rx.asset("versions.css", shared=True),
)
NEEDS = (dialog, drawing, rest)
"""What the JSX imports beside it."""


class VersionsOf(rx.NoSSRComponent):
    """The dialog for a workflow that is only known by its id; the builder renders `Versions` with what it holds already."""

    library = _JSX.importable_path
    tag = "VersionsOf"
    lib_dependencies: list[str] = drawing.PACKAGES
    workflow: rx.Var[str]
    theme: rx.Var[str]
    on_published: rx.EventHandler[rx.event.passthrough_event_spec(int)]
    on_close: rx.EventHandler[rx.event.no_args_event_spec]


def versions_of(workflow: Any, *, on_published: Any, on_close: Any) -> rx.Component:
    """The dialog, open."""
    return VersionsOf.create(workflow=workflow, theme=resolved_color_mode, on_published=on_published, on_close=on_close)
