"""The page of one run: one JSX component that reads the run's events and owns everything it shows; Python tells it only who looks."""

from __future__ import annotations

from typing import Any

import reflex as rx
from reflex.style import resolved_color_mode

from app.components import drawing

_JSX: Any = rx.asset("timeline.jsx", shared=True)
_FILES: tuple[Any, ...] = (
    rx.asset("agent_detail.jsx", shared=True),
    rx.asset("agents.js", shared=True),
    rx.asset("banner.jsx", shared=True),
    rx.asset("bodies.js", shared=True),
    rx.asset("detail.jsx", shared=True),
    rx.asset("forms.jsx", shared=True),
    rx.asset("head.jsx", shared=True),
    rx.asset("list.jsx", shared=True),
    rx.asset("route.jsx", shared=True),
    rx.asset("values.jsx", shared=True),
    rx.asset("feed.js", shared=True),
    rx.asset("fold.js", shared=True),
    rx.asset("frames.js", shared=True),
    rx.asset("rows.js", shared=True),
    rx.asset("scale.js", shared=True),
    rx.asset("story.js", shared=True),
    rx.asset("use_run.js", shared=True),
    rx.asset("words.js", shared=True),
    rx.asset("timeline.css", shared=True),
)


PACKAGES: list[str] = [*drawing.PACKAGES, "@tanstack/react-virtual@3.14.26"]


class Timeline(rx.NoSSRComponent):
    """Finds the run's id in the address itself."""

    library = _JSX.importable_path
    tag = "RunPage"
    lib_dependencies: list[str] = PACKAGES
    allowed: rx.Var[list[str]]
    theme: rx.Var[str]


def timeline(*, allowed: Any) -> rx.Component:
    """The page, for somebody who may do what `allowed` names."""
    return Timeline.create(allowed=allowed, theme=resolved_color_mode)
