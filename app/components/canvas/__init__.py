"""The builder: one component that owns the document it shows, loads and saves it over the API, and tells Python nothing."""

from __future__ import annotations

from typing import Any

import reflex as rx
from reflex.style import resolved_color_mode

from app.components import drawing, inspector, versions

_JSX: Any = rx.asset("canvas.jsx", shared=True)
_BESIDE: tuple[Any, ...] = (
    rx.asset("actions.js", shared=True),
    rx.asset("api.js", shared=True),
    rx.asset("bar.jsx", shared=True),
    rx.asset("bringing.jsx", shared=True),
    rx.asset("canvas.css", shared=True),
    rx.asset("conflicts.js", shared=True),
    rx.asset("connecting.jsx", shared=True),
    rx.asset("desk.js", shared=True),
    rx.asset("dialogs.jsx", shared=True),
    rx.asset("draft.js", shared=True),
    rx.asset("empty.jsx", shared=True),
    rx.asset("find.jsx", shared=True),
    rx.asset("first.js", shared=True),
    rx.asset("inputs.jsx", shared=True),
    rx.asset("keys.js", shared=True),
    rx.asset("live.js", shared=True),
    rx.asset("make.js", shared=True),
    rx.asset("marks.jsx", shared=True),
    rx.asset("menu.jsx", shared=True),
    rx.asset("moving.js", shared=True),
    rx.asset("ops.js", shared=True),
    rx.asset("palette.jsx", shared=True),
    rx.asset("picker.jsx", shared=True),
    rx.asset("pins.js", shared=True),
    rx.asset("problems.jsx", shared=True),
    rx.asset("publishing.jsx", shared=True),
    rx.asset("rules.js", shared=True),
    rx.asset("show.js", shared=True),
    rx.asset("side.jsx", shared=True),
    rx.asset("stage.jsx", shared=True),
    rx.asset("stale.js", shared=True),
    rx.asset("telling.jsx", shared=True),
    rx.asset("tools.jsx", shared=True),
    rx.asset("tries.js", shared=True),
    rx.asset("trying.jsx", shared=True),
    rx.asset("workshop.jsx", shared=True),
    rx.asset("worst.js", shared=True),
    *inspector.FILES,
)
"""What canvas.jsx imports: Reflex puts a file beside it only when it is named."""
NEEDS = (versions,)
"""Whose files it imports too."""


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
