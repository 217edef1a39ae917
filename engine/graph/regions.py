"""Into which regions loops and boxes divide a workflow, and in which of them each edge settles (see plan.py)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from engine.graph.document import DraftEdge
from engine.graph.flow import Flow
from engine.graph.loops import Loops, NaturalLoop
from engine.graph.plan import ROOT


@dataclass(slots=True)
class DraftRegion:
    """One region; ROOT is its own parent."""

    index: int
    kind: Literal["root", "loop", "box"]
    owner: str
    parent: int
    depth: int
    max_visits: int = 1
    nodes: list[str] = field(default_factory=list)
    joins: dict[str, int] = field(default_factory=dict)
    exits: list[DraftEdge] = field(default_factory=list)
    entries: list[DraftEdge] = field(default_factory=list)


@dataclass(slots=True)
class Regions:
    """The tree of regions."""

    all: list[DraftRegion]
    of: dict[str, int]
    """Node -> its innermost region; a header stands in its loop's."""
    heads: dict[str, int]
    """Header -> its loop's region."""
    bodies: dict[str, int]
    """Box -> its body's region."""
    settles_in: dict[int, int] = field(default_factory=dict)
    """Index of an edge -> the region in which it settles."""

    def outer(self, node: str) -> int:
        """The region in which the node's own join is counted: for a header, the one around its loop."""
        region = self.of[node]
        return self.all[region].parent if self.heads.get(node) == region else region

    def meet(self, a: int, b: int) -> int:
        """The innermost region that holds both."""
        while a != b:
            if self.all[a].depth >= self.all[b].depth:
                a = self.all[a].parent
            else:
                b = self.all[b].parent
        return a

    def add(self, kind: Literal["root", "loop", "box"], owner: str, parent: int, *, max_visits: int = 1) -> int:
        """A new region inside `parent`."""
        index = len(self.all)
        depth = self.all[parent].depth + 1 if self.all else 0
        self.all.append(DraftRegion(index, kind, owner, parent, depth, max_visits))
        return index


def lay_out(flow: Flow, loops: Loops, *, ends: frozenset[str], parents: Mapping[str, str], boxes: frozenset[str]) -> Regions:
    """The regions of a flow whose circles are all natural loops. `parents`: node -> the box it stands in; a box may be empty."""
    regions = Regions([], {}, {}, {})
    regions.add("root", "", ROOT)
    innermost, headed = _natural_nesting(loops)
    reaching_end = _reaching(flow, ends)
    backs = loops.back_edges
    for node in loops.order:
        base = _base(regions, node, parents)
        around = innermost.get(node)
        if around is not None:
            region = regions.heads[around.header]
        elif node in reaching_end:
            region = base
        else:
            region = _where_all_come_from(flow, regions, backs, node, base)
        if (own := headed.get(node)) is not None:
            region = regions.heads[node] = regions.add("loop", node, region, max_visits=own.max_visits)
        regions.of[node] = region
        if node in boxes:
            regions.bodies[node] = regions.add("box", node, region)
    for node in flow.nodes:
        regions.all[regions.of[node]].nodes.append(node)
    _settle(flow, regions, backs, parents)
    return regions


def _natural_nesting(loops: Loops) -> tuple[dict[str, NaturalLoop], dict[str, NaturalLoop]]:
    """Node -> the innermost loop it is in, headers apart: of those, the innermost loop around their own."""
    innermost: dict[str, NaturalLoop] = {}
    headed: dict[str, NaturalLoop] = {}
    for loop in loops.loops:
        headed[loop.header] = loop
        for node in loop.nodes:
            if node != loop.header:
                innermost[node] = loop
    return innermost, headed


def _base(regions: Regions, node: str, parents: Mapping[str, str]) -> int:
    # A part that no start reaches may stand in a box that comes later; it is an error, and any place will do.
    return regions.bodies.get(parents[node], ROOT) if node in parents else ROOT


def _where_all_come_from(flow: Flow, regions: Regions, backs: frozenset[int], node: str, base: int) -> int:
    """A node that reaches no `end` belongs where everything that leads to it belongs: it is a side branch there."""
    found: int | None = None
    for edge in flow.entering[node]:
        if edge.index in backs:
            continue
        # An edge into a box comes from the box's own region, but belongs to the body.
        region = base if regions.bodies.get(edge.source) == base and base != ROOT else regions.of[edge.source]
        found = region if found is None else regions.meet(found, region)
    return base if found is None else found


def _reaching(flow: Flow, ends: frozenset[str]) -> set[str]:
    found = {n for n in flow.nodes if n in ends}
    queue = list(found)
    while queue:
        for edge in flow.entering[queue.pop()]:
            if edge.source not in found:
                found.add(edge.source)
                queue.append(edge.source)
    return found


def _settle(flow: Flow, regions: Regions, backs: frozenset[int], parents: Mapping[str, str]) -> None:
    for edge in flow.edges:
        source = regions.of[edge.source]
        if parents.get(edge.target) == edge.source:
            source = regions.bodies[edge.source]
            regions.all[source].entries.append(edge)
        if edge.index in backs:
            place = regions.heads[edge.target]
        else:
            place = regions.meet(source, regions.outer(edge.target))
            joins = regions.all[place].joins
            joins[edge.target] = joins.get(edge.target, 0) + 1
        regions.settles_in[edge.index] = place
        while source != place:
            regions.all[source].exits.append(edge)
            source = regions.all[source].parent


def feeds_only(regions: Regions, flow: Flow, join: str, leaving: Mapping[str, Sequence[DraftEdge]]) -> frozenset[str]:
    """Slots of the join's region from which every edge leads to the join or to another of them."""
    region = regions.outer(join)
    if regions.all[region].joins.get(join, 0) < 2:
        # With one edge in, everything before it has ended when the join opens.
        return frozenset()
    members = {join}
    queue = [join]
    while queue:
        for edge in flow.entering[queue.pop()]:
            slot = slot_in(regions, region, edge.source)
            if slot is None or slot in members:
                continue
            if all(regions.settles_in[e.index] == region and e.target in members for e in leaving[slot]):
                members.add(slot)
                queue.append(slot)
    return frozenset(members - {join})


def slot_in(regions: Regions, region: int, node: str) -> str | None:
    """The node itself, or the header of the loop of that region in which it stands; None when it is elsewhere."""
    inner = regions.of[node]
    if inner == region:
        return None if regions.heads.get(node) == region else node
    while inner != ROOT and regions.all[inner].parent != region:
        inner = regions.all[inner].parent
    return regions.all[inner].owner if inner != ROOT else None


def leaving_slots(regions: Regions, flow: Flow, parents: Mapping[str, str]) -> dict[str, list[DraftEdge]]:
    """Slot -> edges that leave it: a node's own, or for the header of a loop those that leave the loop."""
    found: dict[str, list[DraftEdge]] = {}
    for node in flow.nodes:
        if node in regions.heads:
            found[node] = regions.all[regions.heads[node]].exits
        else:
            found[node] = [e for e in flow.leaving[node] if parents.get(e.target) != node]
    return found


def both_ways(regions: Regions, flow: Flow, backs: frozenset[int]) -> list[tuple[DraftEdge, DraftEdge]]:
    """Pairs of a back edge and an edge out of the same loop that leave by the same port: a run would fail there."""
    back_ports = {(regions.settles_in[e.index], e.source, e.port): e for e in flow.edges if e.index in backs}
    found: list[tuple[DraftEdge, DraftEdge]] = []
    for region in regions.all:
        pairs = ((back_ports.get((region.index, edge.source, edge.port)), edge) for edge in region.exits)
        found.extend((back, edge) for back, edge in pairs if back is not None)
    return found
