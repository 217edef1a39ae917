"""A checked document in the form that the run engine works from.

A plan is a tree of **regions**: the root, the body of each loop, the body of each box. Every edge is settled in one
region (`Edge.settles_in`): its source's own, an enclosing one when it leaves loops, or the body's when it enters a box.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from pydantic import BaseModel

from engine.expressions import Reference
from engine.graph.fields import KindSpec

ROOT = 0
Resolver = Callable[[Mapping[str, Any]], Any]
"""Works a config field out against a scope of names; raises ExpressionError."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Hard limits of one run; none can be absent. Money in micro-USD, time in microseconds."""

    cost_micro: int = 1_000_000
    tokens: int = 200_000
    busy_us: int = 3_600_000_000
    steps: int = 200
    llm_calls: int = 50
    tool_calls: int = 100

    def as_dict(self) -> dict[str, int]:
        """Every limit by the name of its field; `asdict` takes twenty times as long, and every start asks."""
        return {name: getattr(self, name) for name in FIELDS}


LIMIT_NAMES: dict[str, str] = {
    "cost_usd": "cost_micro",
    "tokens": "tokens",
    "seconds": "busy_us",
    "steps": "steps",
    "llm_calls": "llm_calls",
    "tool_calls": "tool_calls",
}
"""The name in a document and in the API -> the field of `Limits`; cost_usd and seconds are scaled by a million."""
FIELDS = {field: name for name, field in LIMIT_NAMES.items()}
"""Field of `Limits` -> the name that documents use."""
SCALED = frozenset({"cost_usd", "seconds"})


@dataclass(frozen=True, slots=True)
class Retry:
    """How often a step is tried (1 = once) and how long to wait in between."""

    attempts: int = 1
    backoff_s: float = 1.0
    factor: float = 2.0
    refused: int = 3
    """How often it is tried when whoever was called refused to begin, which costs nothing; `attempts`, where the document says those."""


@dataclass(frozen=True, slots=True)
class Edge:
    """One edge; `settles_in` is the region whose join it counts for (the body's own for the first nodes of a box)."""

    index: int
    source: str
    port: str
    target: str
    settles_in: int
    is_back: bool = False
    max_visits: int = 0
    on_exhausted: str | None = None


@dataclass(slots=True)
class PlannedNode:
    """One node with everything that running it needs."""

    id: str
    kind: KindSpec
    config: BaseModel
    fields: dict[str, Resolver]
    """Top-level config fields that hold expressions or templates."""
    ports: tuple[str, ...]
    region: int
    order: int
    """Its place in the document: outputs merge in this order."""
    title: str = ""
    agent: str | None = None
    join: Literal["all", "any"] = "all"
    timeout_s: float | None = None
    retry: Retry = Retry()
    on_error: Literal["stop", "port", "default"] = "stop"
    default_output: dict[str, Any] = field(default_factory=dict)
    is_disabled: bool = False
    edges: dict[str, tuple[Edge, ...]] = field(default_factory=dict)
    """Port -> edges that leave by it."""
    all_edges: tuple[Edge, ...] = ()
    back: Edge | None = None
    """The first back edge that leaves this node; others may lead to other headers, see `is_back` of its edges."""
    heads: int | None = None
    """The loop region whose header this node is."""
    body: int | None = None
    """The box region whose box this node is."""
    feeds_only: frozenset[str] = frozenset()
    """For a `join: any`: the nodes of its region that could only lead here (workflow.md, Running 2)."""
    consent: str | None = None
    """The approval node whose `action` this node is."""
    action: str | None = None
    """Of an approval: the node that it allows. Asking the config for it at every step would cost more than routing does."""

    @property
    def is_hidden(self) -> bool:
        """Whether it stands inside a node without having been drawn (engine/graph/parts.py)."""
        return "." in self.id


@dataclass(slots=True)
class Region:
    """The root, the body of a loop or the body of a box."""

    index: int
    kind: Literal["root", "loop", "box"]
    owner: str
    """The loop's header or the box; empty for the root."""
    parent: int
    nodes: tuple[str, ...] = ()
    """Nodes whose innermost region this is, in document order."""
    joins: dict[str, int] = field(default_factory=dict)
    """Slot (a node, or the header of an inner loop) -> how many edges settle there."""
    exits: tuple[Edge, ...] = ()
    """Loops: edges from inside (inner loops included) to outside."""
    max_visits: int = 1
    entries: tuple[Edge, ...] = ()
    """Boxes: the edges from port `item` to the first nodes."""


@dataclass(slots=True)
class Plan:
    """A workflow version, ready to run."""

    hash: str
    name: str
    nodes: dict[str, PlannedNode]
    edges: tuple[Edge, ...]
    regions: tuple[Region, ...]
    start: str
    limits: Limits = Limits()
    on_limit: Literal["stop", "ask"] = "stop"
    vars: dict[str, Any] = field(default_factory=dict)
    input_schema: dict[str, Any] = field(default_factory=dict)
    reads: Mapping[str, tuple[Reference, ...]] = field(default_factory=dict)
    """Node -> what its settings refer to; nodes that refer to nothing are left out."""
