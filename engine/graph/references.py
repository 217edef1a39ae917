"""Do the names that expressions refer to exist, and will they have a value by then?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from engine.expressions import Reference
from engine.graph.certain import Certain
from engine.graph.configs import KnownNode
from engine.graph.problems import Problem, Severity
from engine.graph.structure import START
from engine.graph.suggest import did_you_mean, listed, shown

RUN_NAMES = ("id", "started_at")
ERROR_NAMES = ("code", "message")


@dataclass(frozen=True, slots=True)
class Mention:
    """One reference in a field of a node."""

    node: str
    field: str
    reference: Reference
    is_per_item: bool = False
    """Whether the field of a box is worked out inside it, once per item."""


@dataclass(frozen=True, slots=True)
class Known:
    """What references are judged by."""

    nodes: Mapping[str, KnownNode]
    parents: Mapping[str, str]
    reached: frozenset[str]
    vars: frozenset[str]
    inputs: frozenset[str] | None
    """None when any name may be given."""
    certain: Certain | None
    """None when the order of the nodes makes no sense yet."""


def known_inputs(start: KnownNode | None) -> frozenset[str] | None:
    """The names that the start's schema tells; None when it leaves them open."""
    schema = start.draft.config.get("inputs") if start else None
    if not isinstance(schema, dict):
        return None
    properties = schema.get("properties")
    if isinstance(properties, dict) and (properties or schema.get("additionalProperties") is False):
        return frozenset(properties)
    return frozenset() if schema.get("additionalProperties") is False else None


def judge(mention: Mention, known: Known) -> Problem | None:
    """What is wrong with one reference, if something is."""
    reference = mention.reference
    name = reference.path[0] if reference.path else None
    match reference.root:
        case "nodes" if isinstance(name, str):
            return _node(mention, known, name)
        case "vars" if name is not None and name not in known.vars:
            hint = did_you_mean(str(name), known.vars, otherwise="Add it to the workflow's constants.")
            return _problem(mention, "unknown_var", f"There is no constant `{shown(str(name))}`", hint)
        case "run" if name is not None and name not in RUN_NAMES:
            return _problem(mention, "unknown_name", f"`run` has no `{shown(str(name))}`", f"It has: {', '.join(RUN_NAMES)}.")
        case "item" | "index" as root:
            inside = mention.is_per_item or mention.node in known.parents
            hint = "Put the node into a map box, or refer to something else."
            return None if inside else _problem(mention, "item_outside_box", f"`{root}` only exists inside a map box", hint)
        case "inputs":
            return _input(mention, known, name)
        case _:
            return None


def _problem(mention: Mention, code: str, message: str, hint: str, severity: Severity = "error") -> Problem:
    place = f" (at character {mention.reference.position + 1})"
    return Problem(code, message + place + ".", hint, severity, mention.node, field=mention.field)


def _input(mention: Mention, known: Known, name: Any) -> Problem | None:
    if not isinstance(name, str) or known.inputs is None or name in known.inputs:
        return None
    hint = did_you_mean(name, known.inputs, otherwise=f"It asks for: {listed(sorted(known.inputs)) or 'nothing'}.")
    return _problem(mention, "unknown_input", f"The start does not ask for an input `{shown(name)}`", hint, "warning")


def _node(mention: Mention, known: Known, name: str) -> Problem | None:
    node = known.nodes.get(name)
    if node is None:
        hint = did_you_mean(name, known.nodes, otherwise="Refer to a node that exists, by its id.")
        return _problem(mention, "unknown_node", f"There is no node `{shown(name)}`", hint)
    output = mention.reference.path[1] if len(mention.reference.path) > 1 else None
    return _unknown_output(mention, known, node, output) or _untaken(mention, known, node)


def _unknown_output(mention: Mention, known: Known, node: KnownNode, output: Any) -> Problem | None:
    if output == "error" and "error" not in (node.outputs or ()):
        path = mention.reference.path
        if node.draft.on_error == "stop":
            message = f"`nodes.{node.id}.error` never exists: the run stops when {node.name} fails"
            return _problem(mention, "unknown_output", message, f"Set `on_error` of {node.name} to `port` or `default`.", "warning")
        if len(path) > 2 and path[2] not in ERROR_NAMES:
            message = f"An error has no `{shown(str(path[2]))}`"
            return _problem(mention, "unknown_output", message, f"It has: {', '.join(ERROR_NAMES)}.", "warning")
        return None
    names = known.inputs if node.draft.kind == START else node.outputs
    if names is None or not isinstance(output, str) or output in names or output in node.draft.default_output:
        return None
    hint = did_you_mean(output, names, otherwise=f"It has: {listed(sorted(names))}." if names else "It has no outputs.")
    return _problem(mention, "unknown_output", f"{node.name} has no output `{shown(output)}`", hint, "warning")


def _untaken(mention: Mention, known: Known, node: KnownNode) -> Problem | None:
    reader = mention.node
    if mention.reference.guarded or reader not in known.reached or known.certain is None:
        return None
    written = ".".join(["nodes", *map(str, mention.reference.path)])
    box = known.parents.get(node.id)
    if box is not None and not _stands_in(reader, box, known.parents) and not (mention.is_per_item and reader == box):
        message = f"{node.name} stands in the box {known.nodes[box].name}; its outputs cannot be read from outside"
        return _problem(mention, "possibly_untaken", message, f"Collect them with `collect` and read nodes.{box}.results.", "warning")
    if node.draft.is_disabled:
        hint = f"Switch it on, or write default({written}, …)."
        return _problem(mention, "possibly_untaken", f"{node.name} is switched off, so `{written}` is missing", hint, "warning")
    if known.certain.has_run(node.id, before=reader):
        return None
    if mention.is_per_item and known.certain.runs_in_item(node.id, box=reader):
        return None
    message = f"{node.name} may not have run when {known.nodes[reader].name} starts, so `{shown(written)}` may be missing"
    hint = f"Write default({shown(written)}, …), or lead every way to this step through {node.name}."
    return _problem(mention, "possibly_untaken", message, hint, "warning")


def _stands_in(node: str, box: str, parents: Mapping[str, str]) -> bool:
    inside: str | None = parents.get(node)
    while inside is not None and inside != box:
        inside = parents.get(inside)
    return inside == box
