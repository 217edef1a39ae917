"""Steps that a step is made of: a kind can say which hidden nodes and edges stand inside it, as if somebody had drawn them.

What is hidden is checked by nobody but us, so it appears only in the plan of a document without errors. Its ids hold a dot, which
no drawn node's id can: `desk.turn` stands inside `desk`, and its steps have paths such as `desk[0]/desk.turn#2`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from pydantic import BaseModel

from engine.graph.configs import KnownNode
from engine.graph.document import Draft, DraftEdge, DraftNode, OnError
from engine.graph.flow import flow_of
from engine.graph.loops import find_loops
from engine.graph.plan import Plan, Reference, Resolver, Retry
from engine.graph.planning import plan_of
from engine.graph.regions import lay_out
from engine.graph.structure import ITEM_PORT, Structure


@dataclass(frozen=True, slots=True)
class Part:
    """A hidden node."""

    name: str
    """Of its own: `turn`; its id is `desk.turn`."""
    kind: Any
    """A `KindSpec` for this config."""
    config: BaseModel
    inside: str = ""
    """The part in which it stands; empty for the node itself."""
    fields: Mapping[str, Resolver] = field(default_factory=dict)
    title: str = ""
    retry: Retry = Retry()
    timeout_s: float | None = None
    on_error: OnError = "stop"
    default_output: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Way:
    """A hidden edge between parts; an empty name is the node itself."""

    source: str
    port: str
    target: str
    max_visits: int | None = None
    on_exhausted: str | None = None


@dataclass(frozen=True, slots=True)
class Parts:
    """What stands inside a node, which is itself a box with one item."""

    nodes: tuple[Part, ...]
    ways: tuple[Way, ...]
    consents: Mapping[str, str] = field(default_factory=dict)
    """A part that is allowed by another part, an approval, and by which."""
    agent: str = ""
    """Who does all of it, where the node's kind says so: what it costs is theirs."""


def with_parts(
    draft: Draft,
    nodes: Mapping[str, KnownNode],
    structure: Structure,
    *,
    fields: Mapping[str, dict[str, Resolver]],
    consents: Mapping[str, str],
    reads: Mapping[str, tuple[Reference, ...]],
    hash_: str,
) -> Plan | None:
    """The plan of a draft without errors, with what is hidden in its nodes; None where nothing is."""
    found = {n.id: parts for n in nodes.values() if (parts := _parts_of(n, fields[n.id])) is not None}
    if not found:
        return None
    all_nodes, all_fields, all_consents = dict(nodes), dict(fields), dict(consents)
    parents, edges = dict(structure.parents), list(structure.edges)
    for owner, parts in found.items():
        around = nodes[owner]
        around = replace(around, draft=replace(around.draft, agent=parts.agent or around.draft.agent))
        all_nodes[owner] = replace(around, ports=(ITEM_PORT, *(around.ports or ())))
        for part in parts.nodes:
            known = _known(around.draft, part)
            all_nodes[known.id] = known
            all_fields[known.id] = dict(part.fields)
            parents[known.id] = known.draft.parent or owner
        for way in parts.ways:
            index = len(draft.edges) + len(edges) - len(structure.edges)
            source, target = _id(owner, way.source), _id(owner, way.target)
            edges.append(DraftEdge(index, source, way.port, target, way.max_visits, way.on_exhausted))
        all_consents |= {_id(owner, action): _id(owner, approval) for action, approval in parts.consents.items()}
    flow = flow_of(list(all_nodes), edges, structure.starts)
    loops = find_loops(flow)
    boxes = frozenset(n.id for n in all_nodes.values() if n.kind is not None and n.kind.is_box) | frozenset(parents.values())
    regions = lay_out(flow, loops, ends=structure.ends, parents=parents, boxes=boxes)
    return plan_of(
        draft, all_nodes, flow, regions, fields=all_fields, consents=all_consents, parents=parents, reads=reads, hash_=hash_
    )  # fmt: skip


def _parts_of(node: KnownNode, fields: Mapping[str, Resolver]) -> Parts | None:
    return None if node.kind is None or node.config is None else node.kind.parts(node.config, node.draft, fields)


def _known(around: DraftNode, part: Part) -> KnownNode:
    draft = DraftNode(
        around.index,
        _id(around.id, part.name),
        part.kind.kind,
        {},
        title=part.title,
        agent=around.agent,
        timeout_s=part.timeout_s,
        retry=part.retry,
        on_error=part.on_error,
        default_output=dict(part.default_output),
        parent=_id(around.id, part.inside),
    )
    ports = part.kind.ports(part.config)
    return KnownNode(draft, part.kind, part.config, ports, part.kind.output_names(part.config))


def _id(owner: str, part: str) -> str:
    return f"{owner}.{part}" if part else owner
