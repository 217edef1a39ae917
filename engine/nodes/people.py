"""Who is asked: names in the settings of a step, worked out."""

from __future__ import annotations

from typing import Any

from engine.nodes.contract import text_of


def names_of(values: list[Any]) -> list[str]:
    """The names that a list of templates came to; `{{ inputs.team }}` may name several people at once."""
    names: list[str] = []
    for value in values:
        each = value if isinstance(value, list) else [value]
        names += [name for name in map(text_of, each) if name.strip()]
    return names
