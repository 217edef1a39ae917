"""What a tool is, in the types that every caller shares."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any, Literal

from engine.jsonvalue import digest

EffectName = Literal["pure", "idempotent", "reconcilable", "unsafe"]
ToolKind = Literal["web", "mcp", "table", "built_in"]
"""A request that was made in Settings, a tool of another server, one of a table of the workspace, one that comes with Signalbox."""
Origin = Literal["private", "external"]
"""What is to be known of a value: `private` must not leave the house unseen, `external` was written outside and may want to mislead."""


def has_both(origins: Collection[str]) -> bool:
    """Whether private data and words from outside have come together."""
    return len(origins) > 1 and "private" in origins and "external" in origins


@dataclass(frozen=True, slots=True)
class Tool:
    """Something that can be called with arguments and answers with a JSON value."""

    name: str
    description: str
    parameters: dict[str, Any] = field(default_factory=dict)
    """JSON Schema of an object: the arguments."""
    effect: EffectName = "unsafe"
    cost_micro: int = 0
    """What one call costs, millionths of a US dollar."""

    origins: tuple[Origin, ...] = ("external",)
    """What is to be known of its results."""
    carries: bool | None = None
    """Whether a call may carry its arguments out of the house; None: as calls that change something do."""

    @property
    def is_outward(self) -> bool:
        """Whether a call reaches somebody outside: with private data and words from outside in the same run it needs a person."""
        return self.is_writing if self.carries is None else self.carries

    @property
    def digest(self) -> str:
        """SHA-256 of what a model is told of it: another one is another tool."""
        return digest({"name": self.name, "description": self.description, "parameters": self.parameters, "effect": self.effect})

    @property
    def is_writing(self) -> bool:
        """Whether calling it changes something: such a call needs a person unless it was said that it does not."""
        return self.effect in ("reconcilable", "unsafe")
