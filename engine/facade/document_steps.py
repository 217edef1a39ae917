"""The steps of a document, as far as it is one, and the tools that they name: drafts may be anything."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from engine.nodes.agents.talk import HAND_OVER


@dataclass(frozen=True, slots=True)
class DocumentStep:
    """A node with an id and a kind."""

    id: str
    kind: str
    title: str
    config: Mapping[str, Any]

    @property
    def tools(self) -> Iterator[tuple[str, str]]:
        """(field, name) of every tool that it names."""
        if self.kind == "tool" and isinstance(name := self.config.get("tool"), str) and name.strip():
            yield "config.tool", name.strip()
        for place, one in enumerate(listed(self.config.get("tools")) if self.kind == "agent" else ()):
            name = one.get("tool") if isinstance(one, dict) else one
            if isinstance(name, str) and name.strip() and name != HAND_OVER:
                yield f"config.tools[{place}].tool", name.strip()


def steps_of(document: Any) -> dict[str, DocumentStep]:
    """By id, in the order of the document; what is no node is left out."""
    found: dict[str, DocumentStep] = {}
    for node in listed(document.get("nodes")) if isinstance(document, dict) else ():
        if isinstance(node, dict) and isinstance(node.get("id"), str) and isinstance(node.get("kind"), str):
            config, title = node.get("config"), node.get("title")
            words = title if isinstance(title, str) and title.strip() else node["id"]
            found[node["id"]] = DocumentStep(node["id"], node["kind"], words, config if isinstance(config, dict) else {})
    return found


def listed(value: Any) -> list[Any]:
    """The value, if it is a list."""
    return value if isinstance(value, list) else []
