"""How a value looks as text: in a template, in str() and join(), and as JSON."""

from __future__ import annotations

from typing import Any

from engine.expressions.frame import Frame, text_fits
from engine.expressions.values import plain
from engine.jsonvalue import dumps

_NODES_A_UNIT = 8


def json_text(frame: Frame, value: Any) -> str:
    """Compact JSON. Costs by length. ResultTooLarge, TypeMismatch as for a result."""
    text = dumps(plain(value)).decode("utf-8")
    text_fits(len(text))
    frame.spend(1 + len(text) // (_NODES_A_UNIT * 2))
    return text


def as_text(frame: Frame, value: Any) -> str:
    """Texts as they are, null as "", numbers as JSON numbers, true and false, lists and objects as compact JSON."""
    kind = type(value)
    if kind is str:
        frame.spend_text(len(value))
        return value
    if value is None:
        return ""
    if kind is bool:
        return "true" if value else "false"
    return json_text(frame, value)
