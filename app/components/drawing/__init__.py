"""How a workflow is drawn: the JSX that every page with a canvas imports, and the packages it stands on.

A page's own component beside it (`../canvas`, a run's frozen canvas, a comparison) imports `../drawing/drawing.jsx`.
"""

from __future__ import annotations

from typing import Any

import reflex as rx

PACKAGES: list[str] = ["@xyflow/react@12.12.1", "@dagrejs/dagre@3.1.3"]
"""The `lib_dependencies` of a component that imports the drawing."""

_FILES: tuple[Any, ...] = (
    rx.asset("drawing.jsx", shared=True),
    rx.asset("step.jsx", shared=True),
    rx.asset("box.jsx", shared=True),
    rx.asset("edge.jsx", shared=True),
    rx.asset("icons.jsx", shared=True),
    rx.asset("flow.js", shared=True),
    rx.asset("inside.js", shared=True),
    rx.asset("layout.js", shared=True),
    rx.asset("marks.js", shared=True),
    rx.asset("moments.js", shared=True),
    rx.asset("plain.js", shared=True),
    rx.asset("routes.js", shared=True),
    rx.asset("shape.js", shared=True),
    rx.asset("tell.js", shared=True),
    rx.asset("words.js", shared=True),
    rx.asset("drawing.css", shared=True),
)
"""Named one by one: Reflex puts a file beside the others only when it is named."""
