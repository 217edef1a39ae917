"""Where values come from: which must not leave the house unseen, and which were written outside (security.md 8). Pure: a part of `apply`.

A step has the labels of what it reaches and of everything that it reads. The run has those of all its steps: what one of them has seen may
have changed the way of every other.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import msgspec

from engine.run import events

if TYPE_CHECKING:
    from engine.run.events import Event
    from engine.run.frontier import Step
    from engine.run.state import RunState

Labels = tuple[str, ...]
PRIVATE, EXTERNAL = "private", "external"
INPUTS = ""
"""The name under which the labels of the run's inputs are kept."""


def joined(*each: Iterable[str]) -> Labels:
    """All of them once, in one order."""
    return tuple(sorted({label for labels in each for label in labels}))


def labelled(state: RunState, event: Event, path: str) -> Event:
    """The end of a step with the labels of what it read, for the journal; before it is applied."""
    if not isinstance(event, events.StepDone | events.StepFailed) or not (state.labels or event.labels):
        return event
    step = state.steps.get(path)
    if step is None:
        return event
    return msgspec.structs.replace(event, labels=joined(event.labels, read_by(state, step), step.box.labels if step.box else ()))


def read_by(state: RunState, step: Step) -> Labels:
    """The labels of what the step reads."""
    if step.node.is_hidden:
        # It stands inside a conversation, and reads all of it.
        item = state.items.get(step.within)
        return item.labels if item is not None else state.labels
    found: list[Labels] = []
    for reference in state.plan.reads.get(step.node.id, ()):
        match reference.root:
            case "nodes":
                name = reference.path[0] if reference.path else None
                found.append(_of(state, step.within, name) if isinstance(name, str) else state.labels)
            case "inputs":
                found.append(state.marks.get(INPUTS, ()))
            case "item" | "index":
                found.append(_item_labels(state, step.within))
            case _:
                continue
    if step.node.id == state.plan.start:
        found.append(state.marks.get(INPUTS, ()))
    return joined(*found)


def note(state: RunState, node: str, within: str, labels: Labels) -> None:
    """A step has come to outputs with these labels."""
    if not labels and not state.labels:
        return
    state.labels = joined(state.labels, labels)
    item = state.items.get(within)
    _mark(state.marks if item is None else item.marks, node, labels)
    if item is None:
        return
    item.labels = joined(item.labels, labels)
    box = state.steps[item.box].box
    if box is not None:
        box.labels = joined(box.labels, labels)


def note_inputs(state: RunState, labels: Labels) -> None:
    """The run was given inputs with these labels."""
    state.labels = labels
    _mark(state.marks, INPUTS, labels)


def of_items(state: RunState, step: Step) -> Labels:
    """What the items of a box begin with: the labels of what it reads."""
    return read_by(state, step) if state.labels else ()


def of_inputs(schema: dict[str, Any], inputs: dict[str, Any], usual: Labels) -> Labels:
    """Those that the start's schema tells of the fields that were given (`x-origin`); of fields that tell nothing, the usual ones."""
    told = schema.get("properties")
    fields: dict[str, Any] = told if isinstance(told, dict) else {}
    found: list[Iterable[str]] = []
    for name in inputs:
        field = fields.get(name)
        own = field.get("x-origin") if isinstance(field, dict) else None
        found.append(usual if not isinstance(own, list) else [label for label in own if label in (PRIVATE, EXTERNAL)])
    return joined(*found)


def _of(state: RunState, within: str, node: str) -> Labels:
    while within and (item := state.items.get(within)) is not None:
        if node in item.outputs:
            return item.marks.get(node, ())
        within = item.around
    return state.marks.get(node, ())


def _item_labels(state: RunState, within: str) -> Labels:
    item = state.items.get(within)
    return item.source if item is not None else ()


def _mark(marks: dict[str, Labels], name: str, labels: Labels) -> None:
    if labels:
        marks[name] = labels
    else:
        marks.pop(name, None)
