"""A field that tells what was typed once somebody pauses, by itself and never late."""

from __future__ import annotations

from typing import Any

import reflex as rx

_JSX: Any = rx.asset("typing.jsx", shared=True)


class Typing(rx.Component):
    """An input whose text is its own: no answer of the server changes what somebody types."""

    library = _JSX.importable_path
    tag = "Typing"
    type: rx.Var[str]
    input_mode: rx.Var[str]
    placeholder: rx.Var[str]
    on_typed: rx.EventHandler[rx.event.passthrough_event_spec(str)]


def typing(on_typed: Any, **more: Any) -> rx.Component:
    """The field; a button of `type="reset"` empties it together with its form."""
    return Typing.create(on_typed=on_typed, **more)
