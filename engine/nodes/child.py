"""A kind that runs another workflow: its step waits, without holding anything, until that run has ended."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from engine.jsonvalue import JsonValue
from engine.nodes.contract import C, NodeKind, Outcome

MOST_DEPTH = 8
"""How deep runs may start runs: a workflow that calls itself ends here."""


@dataclass(frozen=True, slots=True)
class ChildCall:
    """Which workflow runs, in which version, with what."""

    workflow: str
    """Its id or slug."""
    version: int | None = None
    """None: the one that is live when the step starts."""
    inputs: dict[str, JsonValue] = field(default_factory=dict)


class ChildKind(NodeKind[C]):
    """Runs another workflow within what is left of its own limits."""

    @abstractmethod
    def child(self, config: C, given: Mapping[str, Any]) -> ChildCall:
        """What runs. Raises ConfigInvalid."""

    @abstractmethod
    def returned(self, config: C, output: Mapping[str, JsonValue]) -> Outcome:
        """The outcome, from the output of the run that has succeeded."""
