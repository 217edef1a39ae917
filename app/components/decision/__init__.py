"""What deciding needs of the browser: keys, and fields whose text is never lost."""

from __future__ import annotations

from typing import Any

import reflex as rx

_JSX: Any = rx.asset("decision.jsx", shared=True)


class Keys(rx.Component):
    """A letter presses the button that carries it in `data-key`; J and K move through the rows `data-row=request`."""

    library = _JSX.importable_path
    tag = "Keys"


class Draft(rx.Component):
    """A field whose text stays, under the name `keep`, when the field itself goes and comes again."""

    library = _JSX.importable_path
    tag = "Draft"
    of: rx.Var[str]
    """What is being decided: for another one the field tells once more what is in it."""
    keep: rx.Var[str]
    name: rx.Var[str]
    label: rx.Var[str]
    original: rx.Var[str]
    form: rx.Var[str]
    kind: rx.Var[str]
    """`text`, `number`, `date`, `json`, or `choice` with its options."""
    options: rx.Var[list[Any]]
    """`{value, word}` of each."""
    is_long: rx.Var[bool]
    is_required: rx.Var[bool]
    """The browser itself keeps the form back while it is empty."""
    is_asked: rx.Var[bool]
    """It must be filled in; whether it is, is told with everything else."""
    is_wrong: rx.Var[bool]
    first: rx.Var[bool]
    """Gets the focus when the box around it opens."""
    placeholder: rx.Var[str]
    described_by: rx.Var[str]
    on_draft: rx.EventHandler[rx.event.passthrough_event_spec(str, str)]  # pyright: ignore[reportCallIssue]


keys = Keys.create
draft = Draft.create
