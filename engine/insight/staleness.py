"""Would a step still do what it did? Compares the parts of two documents that its result depends on. Pure."""

from __future__ import annotations

from collections import deque
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


def stale_reasons(draft: Draft, then: Draft) -> dict[str, str]:
    """Node -> why its result of `then` is not what `draft` would give, in words; nodes of which it is are left out."""
    reasons: dict[str, str] = {}
    for node, settings in draft.nodes.items():
        if settings != then.nodes.get(node):
            reasons[node] = "Its settings have changed since."
        elif draft.constants.get(node) != then.constants.get(node):
            reasons[node] = "A constant that it uses has changed since."
    readers: dict[str, list[str]] = {}
    for node, sources in draft.reads.items():
        for source in sources:
            readers.setdefault(source, []).append(node)
    # From what has changed on to whoever uses it, the nearest first.
    queue = deque((node, node) for node in (*reasons, *(then.nodes.keys() - draft.nodes.keys())))
    while queue:
        changed, source = queue.popleft()
        for node in readers.get(source, ()):
            if node not in reasons and node in draft.nodes:
                told = f"“{draft.titles.get(changed, changed)}” has changed since, and "
                reasons[node] = told + ("this step uses its result." if source == changed else "this step's inputs depend on it.")
                queue.append((changed, node))
    return reasons
