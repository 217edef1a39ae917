"""What the builder shows at its right: the settings of a step, of a connection, or of the whole workflow.

`inspector.jsx` exports the React component `Inspector`; app/components/canvas imports it. Whoever imports this module publishes its files.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import reflex as rx

SOURCES = sorted(file.name for file in Path(__file__).parent.iterdir() if file.suffix in {".js", ".jsx", ".css"})
FILES: list[Any] = [rx.asset(name, shared=True) for name in SOURCES]
"""Every file of the component: one that is not published cannot be imported by the others."""
