"""What has certainly run by the time a node starts: the basis for judging what it refers to.

Dominance alone would call half of every fan-out uncertain. Facts are bits: "the node has run" and "it left by this
port". A node that waits for all its edges knows what all its ways in have in common, and whatever that implies.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from engine.graph.configs import KnownNode
from engine.graph.document import DraftEdge
from engine.graph.flow import Flow

PASSING_PORTS = ("out", "else", "unsure")
"""The port by which a disabled node is passed: the first of these that it has, else its first."""


@dataclass(frozen=True, slots=True)
class Certain:
    """The facts that hold before each node starts, and those that would make each node run."""

    node_bits: dict[str, int]
    port_bits: dict[tuple[str, str], int]
    known: dict[str, int]
    causes: dict[str, int]

    def has_run(self, node: str, *, before: str) -> bool:
        """Whether `node` has ended whenever `before` starts."""
        return bool(self.known.get(before, 0) & self.node_bits[node])

    def has_left(self, node: str, port: str, *, before: str) -> bool:
        """Whether `node` has left by that port whenever `before` starts."""
        return bool(self.known.get(before, 0) & self.port_bits.get((node, port), 0))

    def runs_in_item(self, node: str, *, box: str, port: str = "item") -> bool:
        """Whether `node` of the box's body runs for every item."""
        known = self.known.get(box, 0) | self.port_bits.get((box, port), 0)
        return bool(self.causes.get(node, 0) & known)


def certain_facts(
    flow: Flow, order: Sequence[str], nodes: Mapping[str, KnownNode], *, backs: frozenset[int], parents: Mapping[str, str]
) -> Certain:
    """The facts of a flow whose circles are all loops; `order` as in `Loops.order`."""
    node_bits = {n: 1 << i for i, n in enumerate(flow.nodes)}
    port_bits: dict[tuple[str, str], int] = {}
    for edge in flow.edges:
        if (edge.source, edge.port) not in port_bits:
            port_bits[edge.source, edge.port] = 1 << (len(node_bits) + len(port_bits))
    facts = Certain(node_bits, port_bits, {}, {})
    always = _always(flow, nodes, parents)
    for node in order:
        edges = [e for e in flow.entering[node] if e.index not in backs]
        _judge(facts, node, edges, always=always, parents=parents, waits_for_all=nodes[node].draft.join == "all")
    return facts


def _judge(
    facts: Certain, node: str, edges: list[DraftEdge], *, always: set[tuple[str, str]], parents: Mapping[str, str], waits_for_all: bool
) -> None:
    known: list[tuple[int, int]] = []
    causes = facts.node_bits[node]
    for edge in edges:
        taken = facts.port_bits[edge.source, edge.port]
        before = facts.known[edge.source]
        if parents.get(node) != edge.source:
            before |= facts.node_bits[edge.source]
        cause = taken | (facts.causes[edge.source] if (edge.source, node) in always else 0)
        known.append((cause, before | taken))
        causes |= cause
    common = -1
    for _, after in known:
        common &= after
    common = max(common, 0)
    if waits_for_all and len(known) > 1:
        common = _with_implied(common, known, facts, edges)
    facts.known[node] = common
    facts.causes[node] = causes


def _with_implied(common: int, known: list[tuple[int, int]], facts: Certain, edges: list[DraftEdge]) -> int:
    """A way in that is certainly taken is also waited for, so all that it knows is known."""
    while True:
        found = common
        for (cause, after), edge in zip(known, edges, strict=True):
            if cause & common:
                taken = facts.port_bits[edge.source, edge.port]
                found |= after if taken & common else after & ~taken
        if found == common:
            return common
        common = found


def _always(flow: Flow, nodes: Mapping[str, KnownNode], parents: Mapping[str, str]) -> set[tuple[str, str]]:
    """(node, target) where whatever port the node leaves by leads to the target."""
    found: set[tuple[str, str]] = set()
    for node in flow.nodes:
        ports = leaving_ports(nodes[node])
        if ports is None:
            continue
        targets: dict[str, set[str]] = {}
        for edge in flow.leaving[node]:
            if parents.get(edge.target) != node:
                targets.setdefault(edge.target, set()).add(edge.port)
        found.update((node, target) for target, by in targets.items() if by.issuperset(ports))
    return found


def leaving_ports(node: KnownNode) -> tuple[str, ...] | None:
    """The ports by which a run can leave the node; None when they are not known."""
    ports = node.ports
    if ports and node.draft.is_disabled:
        return (next((p for p in PASSING_PORTS if p in ports), ports[0]),)
    if ports and node.kind is not None and node.kind.is_box:
        return tuple(p for p in ports if p != "item")
    return ports
