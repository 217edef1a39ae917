"""What a document says of tools that does not fit those that are there, and where private data and words from outside meet a way out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import ValidationError

from engine.facade.document_steps import DocumentStep, listed, steps_of
from engine.graph.problems import Problem
from engine.graph.suggest import did_you_mean, shown
from engine.nodes.registry import Registry
from engine.tools.toolbox import Known

CONCERNED = frozenset({"tool", "agent", "http"})
"""Kinds that name tools or reach outside."""


def notes_on(document: Any, known: list[Known], registry: Registry) -> list[Problem]:
    """Warnings: tools that are not there or cannot be called now, and steps at which a person will have to look."""
    steps, by_name = steps_of(document), {one.tool.name: one for one in known}
    found = [note for step in steps.values() for note in _unusable(step, by_name)]
    return [*found, *_meetings(document, steps, by_name, registry)]


def concerns(document: Any) -> bool:
    """Whether a document has anything to do with tools or reaches outside at all."""
    return any(step.kind in CONCERNED for step in steps_of(document).values())


def _unusable(step: DocumentStep, known: Mapping[str, Known]) -> Iterator[Problem]:
    for field, name in step.tools:
        one = known.get(name)
        if one is None:
            code, message = "unknown_tool", f"There is no tool `{shown(name)}`: the step will fail."
            hint = did_you_mean(name, known, otherwise="Choose one of the catalog, or make it in Settings, Tools.")
        elif one.why_not:
            code, message, hint = "tool_off", f"{name} cannot be called: {one.why_not}", "Look at it in Settings, Tools."
        else:
            continue
        yield Problem(code, message, hint, "warning", node=step.id, field=field)


def _meetings(document: Any, steps: Mapping[str, DocumentStep], known: Mapping[str, Known], registry: Registry) -> Iterator[Problem]:
    origins = {step.id: _origins(step, known, is_hooked=_is_hooked(document)) for step in steps.values()}
    if {"private", "external"} - set().union(*origins.values()):
        return
    drawn = {step.config.get("action") for step in steps.values() if step.kind == "approval"}
    nexts = _nexts(document)
    private, external = (_behind([id_ for id_ in steps if label in origins[id_]], nexts) for label in ("private", "external"))
    for step in steps.values():
        if step.id in private and step.id in external and step.id not in drawn and _is_outward(step, known, registry):
            told = f"private data ({steps[private[step.id]].title}) and words from outside ({steps[external[step.id]].title})"
            message = f"It reaches outside after the run has read {told}: each time a person has to look first."
            hint = "Add an approval before it that names it as what it allows, so that the card says what you want."
            yield Problem("private_meets_outside", message, hint, "warning", node=step.id)


def _origins(step: DocumentStep, known: Mapping[str, Known], *, is_hooked: bool) -> frozenset[str]:
    match step.kind:
        case "http":
            return frozenset({"external"})
        case "tool" | "agent":
            return frozenset(origin for _, name in step.tools if name in known for origin in known[name].tool.origins)
        case "start":
            told = {label for field in _fields(step.config.get("inputs")) for label in listed(field.get("x-origin"))}
            return frozenset(told | {"external"} if is_hooked else told)
        case _:
            return frozenset()


def _is_outward(step: DocumentStep, known: Mapping[str, Known], registry: Registry) -> bool:
    # An agent's calls are judged one by one when it wants them.
    if step.kind not in CONCERNED or step.kind == "agent" or (kind := registry.get(step.kind)) is None:
        return False
    if any(known[name].tool.is_outward for _, name in step.tools if name in known):
        return True
    try:
        return kind.is_outward(kind.Config.model_validate(step.config), {})
    except ValidationError:
        return False


def _behind(sources: list[str], nexts: Mapping[str, set[str]]) -> dict[str, str]:
    """Node -> the first of the sources that it can come after."""
    found: dict[str, str] = {}
    for source in sources:
        left = [source]
        while left:
            new = nexts.get(left.pop(), set()) - found.keys()
            found |= dict.fromkeys(new, source)
            left += new
    return found


def _nexts(document: Any) -> dict[str, set[str]]:
    """Node -> those right behind it; the body of a box is behind the box, and what follows the box behind its body."""
    found: dict[str, set[str]] = {}
    for edge in listed(document.get("edges")):
        if isinstance(edge, dict) and isinstance(edge.get("source"), str) and isinstance(edge.get("target"), str):
            found.setdefault(edge["source"], set()).add(edge["target"])
    for node in listed(document.get("nodes")):
        if isinstance(node, dict) and isinstance(node.get("parent"), str) and isinstance(node.get("id"), str):
            found.setdefault(node["parent"], set()).add(node["id"])
            found.setdefault(node["id"], set()).add(node["parent"])
    return found


def _is_hooked(document: Any) -> bool:
    triggers = listed(document.get("triggers")) if isinstance(document, dict) else ()
    return any(isinstance(one, dict) and one.get("kind") == "webhook" for one in triggers)


def _fields(schema: Any) -> Iterator[dict[str, Any]]:
    properties = schema.get("properties") if isinstance(schema, dict) else None
    for field in properties.values() if isinstance(properties, dict) else ():
        if isinstance(field, dict):
            yield field
