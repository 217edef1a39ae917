"""What a document says of tools that does not fit those that are there, and where private data and words from outside meet a way out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from engine.graph.problems import Problem
from engine.graph.suggest import did_you_mean, shown
from engine.nodes.agents.talk import HAND_OVER
from engine.tools.toolbox import Known

READS = ("GET", "HEAD")
TWICE = ("unsafe", "reconcilable")


@dataclass(frozen=True, slots=True)
class _Step:
    """A node of a document, as far as it is one."""

    id: str
    kind: str
    title: str
    config: Mapping[str, Any]

    @property
    def tools(self) -> Iterator[tuple[str, str]]:
        """(field, name) of every tool that it names."""
        if self.kind == "tool" and isinstance(name := self.config.get("tool"), str) and name.strip():
            yield "config.tool", name.strip()
        listed = self.config.get("tools") if self.kind == "agent" else None
        for place, one in enumerate(listed if isinstance(listed, list) else ()):
            name = one.get("tool") if isinstance(one, dict) else one
            if isinstance(name, str) and name.strip() and name != HAND_OVER:
                yield f"config.tools[{place}].tool", name.strip()


def notes_on(document: Any, known: list[Known]) -> list[Problem]:
    """Warnings: tools that are not there or cannot be called now, and steps at which a person will have to look."""
    steps, by_name = _steps(document), {one.tool.name: one for one in known}
    found = [note for step in steps.values() for note in _unusable(step, by_name)]
    return [*found, *_meetings(document, steps, by_name)]


def _unusable(step: _Step, known: Mapping[str, Known]) -> Iterator[Problem]:
    for field, name in step.tools:
        one = known.get(name)
        if one is None:
            hint = did_you_mean(name, known, otherwise="Choose one of the catalog, or make it in Settings, Tools.")
            yield Problem("unknown_tool", f"There is no tool `{shown(name)}`: the step will fail.", hint, "warning", node=step.id, field=field)
        elif one.why_not:
            yield Problem("tool_off", f"{name} cannot be called: {one.why_not}", "Look at it in Settings.", "warning", node=step.id, field=field)


def _meetings(document: Any, steps: Mapping[str, _Step], known: Mapping[str, Known]) -> Iterator[Problem]:
    origins = {step.id: _origins(step, known) for step in steps.values()}
    if _is_hooked(document):
        origins = {id_: found | {"external"} if steps[id_].kind == "start" else found for id_, found in origins.items()}
    if {"private", "external"} - set().union(*origins.values()):
        return
    drawn = {step.config.get("action") for step in steps.values() if step.kind == "approval"}
    sources = _sources(document)
    for step in steps.values():
        if not _is_outward(step, known) or step.id in drawn:
            continue
        before = _before(step.id, sources)
        private, external = (next((id_ for id_ in steps if id_ in before and label in origins[id_]), "") for label in ("private", "external"))
        if private and external:
            told = f"private data ({steps[private].title}) and words from outside ({steps[external].title})"
            message = f"It reaches outside after the run has read {told}: each time a person has to look first."
            hint = "Add an approval before it that names it as what it allows, so that the card says what you want."
            yield Problem("private_meets_outside", message, hint, "warning", node=step.id)


def _origins(step: _Step, known: Mapping[str, Known]) -> frozenset[str]:
    match step.kind:
        case "http":
            return frozenset({"external"})
        case "tool" | "agent":
            return frozenset(origin for _, name in step.tools if name in known for origin in known[name].tool.origins)
        case "start":
            return frozenset(label for field in _fields(step.config.get("inputs")) for label in _listed(field.get("x-origin")))
        case _:
            return frozenset()


def _is_outward(step: _Step, known: Mapping[str, Known]) -> bool:
    match step.kind:
        case "http":
            headers = step.config.get("headers")
            texts = [step.config.get("url"), *(headers.values() if isinstance(headers, dict) else ())]
            return step.config.get("method", "GET") not in READS or any("{{" in text for text in texts if isinstance(text, str))
        case "tool":
            carries = any(known[name].tool.is_outward for _, name in step.tools if name in known)
            return carries or step.config.get("effect", "unsafe") in TWICE
        case _:
            return False


def _before(node: str, sources: Mapping[str, set[str]]) -> set[str]:
    found: set[str] = set()
    left = [node]
    while left:
        new = sources.get(left.pop(), set()) - found
        found |= new
        left += new
    return found


def _sources(document: Any) -> dict[str, set[str]]:
    """Node -> the nodes right before it; a step in a box has the box before it, and what leaves the box has its body before it."""
    found: dict[str, set[str]] = {}
    for edge in _listed(document.get("edges")):
        if isinstance(edge, dict) and isinstance(edge.get("source"), str) and isinstance(edge.get("target"), str):
            found.setdefault(edge["target"], set()).add(edge["source"])
    for node in _listed(document.get("nodes")):
        if isinstance(node, dict) and isinstance(node.get("parent"), str) and isinstance(node.get("id"), str):
            found.setdefault(node["id"], set()).add(node["parent"])
            found.setdefault(node["parent"], set()).add(node["id"])
    return found


def _steps(document: Any) -> dict[str, _Step]:
    found: dict[str, _Step] = {}
    for node in _listed(document.get("nodes")) if isinstance(document, dict) else ():
        if isinstance(node, dict) and isinstance(node.get("id"), str) and isinstance(node.get("kind"), str):
            config, title = node.get("config"), node.get("title")
            words = title if isinstance(title, str) and title.strip() else node["id"]
            found[node["id"]] = _Step(node["id"], node["kind"], words, config if isinstance(config, dict) else {})
    return found


def _is_hooked(document: Any) -> bool:
    triggers = _listed(document.get("triggers")) if isinstance(document, dict) else ()
    return any(isinstance(one, dict) and one.get("kind") == "webhook" for one in triggers)


def _fields(schema: Any) -> Iterator[dict[str, Any]]:
    properties = schema.get("properties") if isinstance(schema, dict) else None
    for field in properties.values() if isinstance(properties, dict) else ():
        if isinstance(field, dict):
            yield field


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
