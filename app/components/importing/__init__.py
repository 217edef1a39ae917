"""Takes a workflow in from a file or a pasted text, after all its problems were told."""

from __future__ import annotations

from typing import Any

import reflex as rx

from app.components import dialog, rest

_JSX: Any = rx.asset("importing.jsx", shared=True)
NEEDS = (dialog, rest)
"""What the JSX imports beside it."""


class Import(rx.NoSSRComponent):
    """The dialog; when the workflow is kept, its page opens."""

    library = _JSX.importable_path
    tag = "Import"
    on_close: rx.EventHandler[rx.event.no_args_event_spec]


def importing(*, on_close: Any) -> rx.Component:
    """The dialog, open."""
    return Import.create(on_close=on_close)
