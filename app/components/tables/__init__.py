"""The workspace's tables: which there are, their columns, and a sheet of their rows to look through and change."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import reflex as rx

from app.components import dialog, rest, tools

SOURCES = sorted(file.name for file in Path(__file__).parent.iterdir() if file.suffix in {".js", ".jsx", ".css"})
FILES: dict[str, Any] = {name: rx.asset(name, shared=True) for name in SOURCES}
NEEDS = (dialog, rest, tools)
"""What the JSX imports beside it."""


class _Tables(rx.NoSSRComponent):
    """The list; it asks the API itself."""

    library = FILES["tables.jsx"].importable_path
    tag = "DataTables"
    may_write: rx.Var[bool]
    may_manage: rx.Var[bool]


def data_tables(*, may_write: Any, may_manage: Any) -> rx.Component:
    """The tables with their dialogs."""
    return _Tables.create(may_write=may_write, may_manage=may_manage)
