"""What deciding needs of the browser: keys, fields whose text is never lost, and a grid of many decisions."""

from __future__ import annotations

from typing import Any

import reflex as rx

from app.components import drawing

_JSX: Any = rx.asset("decision.jsx", shared=True)
_GRID: Any = rx.asset("grid.jsx", shared=True)
NEEDS = (drawing,)
"""What the JSX imports beside it."""


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


class Grid(rx.Component):
    """Many items of one kind, a line for each; its children stand above the lines."""

    library = _GRID.importable_path
    tag = "Grid"
    head: rx.Var[Any]
    """`{title, action, place}` of all of them."""
    lines: rx.Var[list[Any]]
    shows: rx.Var[list[Any]]
    """`{name, label}` of each column of values."""
    edits: rx.Var[list[Any]]
    """The same of the values that may be changed."""
    problems: rx.Var[dict[str, str]]
    previews: rx.Var[dict[str, list[Any]]]
    answered: rx.Var[int]
    said: rx.Var[str]
    at: rx.Var[int]
    page: rx.Var[int]
    total: rx.Var[int]
    waiting: rx.Var[int]
    can_decide: rx.Var[bool]
    next_to: rx.Var[str]
    next_title: rx.Var[str]
    on_decide: rx.EventHandler[rx.event.passthrough_event_spec(dict[str, Any])]
    """`{decision, reason, lines: [{id, digest, texts}]}`."""
    on_type: rx.EventHandler[rx.event.passthrough_event_spec(str, str, dict[str, Any])]  # pyright: ignore[reportCallIssue]
    """On which line, in which field, and all texts of the line."""
    on_turn: rx.EventHandler[rx.event.passthrough_event_spec(int)]


keys = Keys.create
draft = Draft.create
grid = Grid.create
