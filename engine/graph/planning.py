"""How a checked draft becomes a plan."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from engine.errors import Bug
from engine.expressions import Reference
from engine.graph.configs import KnownNode
from engine.graph.document import Draft
from engine.graph.flow import Flow
from engine.graph.plan import Edge, Plan, PlannedNode, Region, Resolver
from engine.graph.regions import Regions, feeds_only, leaving_slots
from engine.graph.structure import START


def plan_of(
    draft: Draft, nodes: Mapping[str, KnownNode], flow: Flow, regions: Regions, *, fields: Mapping[str, dict[str, Resolver]],
    consents: Mapping[str, str], parents: Mapping[str, str], reads: Mapping[str, tuple[Reference, ...]], hash_: str,
) -> Plan:  # fmt: skip
    """The plan of a draft without errors."""
    edges = _edges(flow, regions)
    of_node: dict[str, list[Edge]] = {n: [] for n in nodes}
    for edge in edges:
        of_node[edge.source].append(edge)
    slots = leaving_slots(regions, flow, parents)
    planned: dict[str, PlannedNode] = {}
    for node in nodes.values():
        feeding = feeds_only(regions, flow, node.id, slots) if node.draft.join == "any" else frozenset[str]()
        planned[node.id] = _node(node, regions, of_node[node.id], fields=fields[node.id], consent=consents.get(node.id), feeding=feeding)
    start = next(n for n in nodes.values() if n.draft.kind == START)
    inputs = start.draft.config.get("inputs")
    return Plan(
        hash_, draft.name, planned, edges, _regions(regions, edges), start.id, draft.limits, draft.on_limit, dict(draft.vars),
        inputs if isinstance(inputs, dict) else {}, reads,
    )  # fmt: skip


def sketch_of(draft: Draft, nodes: Mapping[str, KnownNode], flow: Flow, regions: Regions) -> Plan:
    """What can be told of the bounds of a draft with errors: its regions and the nodes whose settings fit. It cannot run."""
    planned = {
        node.id: _node(node, regions, [], fields={}, consent=None, feeding=frozenset())
        for node in nodes.values()
        if node.kind is not None and node.config is not None and node.ports is not None
    }
    laid_out = tuple(
        replace(region, nodes=tuple(n for n in region.nodes if n in planned)) for region in _regions(regions, _edges(flow, regions))
    )
    return Plan("", draft.name, planned, (), laid_out, "", draft.limits)


def _edges(flow: Flow, regions: Regions) -> tuple[Edge, ...]:
    edges: list[Edge] = []
    for edge in flow.edges:
        place = regions.settles_in[edge.index]
        head = regions.heads.get(edge.target)
        # Only a back edge settles in the region that its target heads.
        is_back = head is not None and place == head
        max_visits = regions.all[place].max_visits if is_back else 0
        on_exhausted = edge.on_exhausted if is_back else None
        edges.append(Edge(edge.index, edge.source, edge.port, edge.target, place, is_back, max_visits, on_exhausted))
    return tuple(edges)


def _node(
    known: KnownNode, regions: Regions, edges: list[Edge], *, fields: dict[str, Resolver], consent: str | None, feeding: frozenset[str]
) -> PlannedNode:
    draft = known.draft
    if known.kind is None or known.config is None or known.ports is None:
        raise Bug(f"{draft.id} has errors and cannot be planned.")
    by_port: dict[str, list[Edge]] = {}
    for edge in edges:
        by_port.setdefault(edge.port, []).append(edge)
    return PlannedNode(
        id=draft.id,
        kind=known.kind,
        config=known.config,
        fields=fields,
        ports=known.ports,
        region=regions.of[draft.id],
        order=draft.index,
        title=draft.title,
        agent=draft.agent,
        join=draft.join,
        timeout_s=draft.timeout_s,
        retry=draft.retry,
        on_error=draft.on_error,
        default_output=draft.default_output,
        is_disabled=draft.is_disabled,
        edges={port: tuple(leaving) for port, leaving in by_port.items()},
        all_edges=tuple(edges),
        back=next((e for e in edges if e.is_back), None),
        heads=regions.heads.get(draft.id),
        body=regions.bodies.get(draft.id),
        feeds_only=feeding,
        consent=consent,
        action=getattr(known.config, "action", None),
    )


def _regions(regions: Regions, edges: tuple[Edge, ...]) -> tuple[Region, ...]:
    by_index = {e.index: e for e in edges}
    return tuple(
        Region(
            r.index,
            r.kind,
            r.owner,
            r.parent,
            nodes=tuple(r.nodes),
            joins=dict(r.joins),
            exits=tuple(by_index[e.index] for e in r.exits),
            max_visits=r.max_visits,
            entries=tuple(by_index[e.index] for e in r.entries),
        )
        for r in regions.all
    )
