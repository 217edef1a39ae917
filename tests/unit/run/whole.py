"""A whole state as plain values that can be compared: every field of everything in it, in its order, and of which type it is."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from typing import Any

from engine.graph.plan import Plan, PlannedNode


def whole(value: Any) -> Any:
    """Two states are the same exactly when this is; nodes and plans must be the very same objects."""
    if isinstance(value, Plan | PlannedNode):
        return type(value).__name__, id(value)
    if is_dataclass(value):
        return type(value).__name__, [(field.name, whole(getattr(value, field.name))) for field in fields(value)]
    if hasattr(value, "__struct_fields__"):
        return type(value).__name__, [(name, whole(getattr(value, name))) for name in value.__struct_fields__]
    if isinstance(value, dict):
        # In their order: what is ready first starts first.
        return "dict", [(whole(key), whole(inner)) for key, inner in value.items()]
    if isinstance(value, set | frozenset):
        return type(value).__name__, sorted(value)
    if isinstance(value, list | tuple):
        return type(value).__name__, [whole(inner) for inner in value]
    return type(value).__name__, value
