"""Would a step still do what it did? Compares the parts of two documents that its result depends on. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from engine.expressions import Reference
from engine.jsonvalue import canonical

DECIDING = ("kind", "config", "agent", "on_error", "default_output", "disabled")
"""Of a node: what its result depends on. Titles, notes, positions, retries and time limits are left out."""


@dataclass(frozen=True, slots=True)
class Draft:
    """What matters of one document."""

    nodes: Mapping[str, bytes]
    """Node -> its deciding settings, as canonical JSON."""
    titles: Mapping[str, str]
    reads: Mapping[str, tuple[str, ...]]
    """Node -> the nodes whose results it reads, without itself."""
    constants: Mapping[str, bytes]
    """Node -> the constants that it reads."""


def draft_of(document: Any, reads: Mapping[str, tuple[Reference, ...]]) -> Draft:
    """What matters of a document; `reads` is what checking it found."""
    nodes = [n for n in document["nodes"] if isinstance(n, dict) and isinstance(n.get("id"), str)]
    given = document.get("vars")
    constants: dict[str, Any] = given if isinstance(given, dict) else {}
    return Draft(
        {n["id"]: canonical({key: n[key] for key in DECIDING if n.get(key) not in (None, False)}) for n in nodes},
        {n["id"]: n["title"].strip() for n in nodes if isinstance(n.get("title"), str) and n["title"].strip()},
        {node: _nodes_read(node, references) for node, references in reads.items()},
        {node: _constants_read(references, constants) for node, references in reads.items()},
    )


def _nodes_read(node: str, references: tuple[Reference, ...]) -> tuple[str, ...]:
    named = (str(ref.path[0]) for ref in references if ref.root == "nodes" and ref.path)
    return tuple(dict.fromkeys(name for name in named if name != node))


def _constants_read(references: tuple[Reference, ...], constants: Mapping[str, Any]) -> bytes:
    names = {str(ref.path[0]) if ref.path else "" for ref in references if ref.root == "vars"}
    return canonical({name: value for name, value in constants.items() if name in names or "" in names})


def stale_reason(node: str, *, draft: Draft, then: Draft) -> str | None:
    """Why a result of `then` is not what the step of `draft` would give, in words; None when nothing has changed."""
    if draft.nodes.get(node) != then.nodes.get(node):
        return "Its settings have changed since."
    if draft.constants.get(node) != then.constants.get(node):
        return "A constant that it uses has changed since."
    direct = draft.reads.get(node, ())
    seen, queue = {node, *direct}, list(direct)
    while queue:
        source = queue.pop(0)
        if draft.nodes.get(source) != then.nodes.get(source) or draft.constants.get(source) != then.constants.get(source):
            told = f"“{draft.titles.get(source, source)}” has changed since, and "
            return told + ("this step uses its result." if source in direct else "this step's inputs depend on it.")
        fresh = [name for name in draft.reads.get(source, ()) if name not in seen]
        seen.update(fresh)
        queue += fresh
    return None
