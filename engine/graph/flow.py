"""Which way a run can take through the nodes: the edges that count, what is reachable, and who dominates whom."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from engine.graph.document import DraftEdge

ENTRY = ""
"""The place before every start; no node can have this id."""


@dataclass(slots=True)
class Flow:
    """The graph of a document without the edges that lead nowhere or cross the border of a box."""

    nodes: tuple[str, ...]
    edges: tuple[DraftEdge, ...]
    entries: tuple[str, ...]
    """The starts, then one node for each part that no start reaches: such parts are checked on their own."""
    reached: frozenset[str]
    """What a start reaches."""
    leaving: dict[str, list[DraftEdge]] = field(default_factory=dict)
    entering: dict[str, list[DraftEdge]] = field(default_factory=dict)

    def next_of(self, node: str) -> list[str]:
        """Targets of the node's edges; of ENTRY, the entries."""
        return list(self.entries) if node == ENTRY else [e.target for e in self.leaving[node]]


def flow_of(nodes: Sequence[str], edges: Iterable[DraftEdge], starts: Sequence[str]) -> Flow:
    """The flow; both ends of every edge must be among the nodes."""
    given = list(edges)
    leaving: dict[str, list[DraftEdge]] = {n: [] for n in nodes}
    for edge in given:
        leaving[edge.source].append(edge)
    reached = reachable(starts, leaving)
    # An edge from a part that never runs must not make a sound loop look as if it could be entered from aside.
    kept = tuple(e for e in given if e.source in reached or e.target not in reached)
    entries = [*starts, *_entries_of_rest(nodes, kept, leaving, reached)]
    flow = Flow(tuple(nodes), kept, tuple(entries), frozenset(reached), {n: [] for n in nodes}, {n: [] for n in nodes})
    for edge in kept:
        flow.leaving[edge.source].append(edge)
        flow.entering[edge.target].append(edge)
    return flow


def reachable(starts: Iterable[str], leaving: dict[str, list[DraftEdge]], *, without: str | None = None) -> set[str]:
    """Everything that can be reached from the starts, on ways that do not touch `without`."""
    found = {s for s in starts if s != without}
    queue = list(found)
    while queue:
        for edge in leaving[queue.pop()]:
            if edge.target not in found and edge.target != without:
                found.add(edge.target)
                queue.append(edge.target)
    return found


def _entries_of_rest(nodes: Sequence[str], edges: Sequence[DraftEdge], leaving: dict[str, list[DraftEdge]], reached: set[str]) -> list[str]:
    targets = {e.target for e in edges if e.source != e.target}
    seen = set(reached)
    entries: list[str] = []
    sources_first = [n for n in nodes if n not in targets] + [n for n in nodes if n in targets]
    for node in sources_first:
        if node not in seen:
            entries.append(node)
            seen |= reachable([node], leaving)
    return entries


@dataclass(frozen=True, slots=True)
class Dominance:
    """Who lies on every way to whom, with an order in which to look at the nodes."""

    order: tuple[str, ...]
    """Reverse postorder: on a graph without circles every node comes after all that lead to it."""
    rank: dict[str, int]
    parent: dict[str, str]
    """Node -> its immediate dominator; ENTRY for the first ones."""
    _from: dict[str, int]
    _to: dict[str, int]

    def dominates(self, upper: str, lower: str) -> bool:
        """Whether every way to `lower` passes `upper`; a node dominates itself."""
        return self._from[upper] <= self._from[lower] and self._to[lower] <= self._to[upper]


def dominance_of(flow: Flow) -> Dominance:
    """Cooper, Harvey, Kennedy: A Simple, Fast Dominance Algorithm (2001)."""
    order = _reverse_postorder(flow)
    rank = {node: i for i, node in enumerate(order)}
    ahead: list[list[int]] = [[] for _ in order]
    for node in order:
        for target in flow.next_of(node):
            ahead[rank[target]].append(rank[node])
    above = [-1] * len(order)
    above[0] = 0
    is_moving = True
    while is_moving:
        is_moving = False
        for node in range(1, len(order)):
            found = -1
            for other in ahead[node]:
                if above[other] >= 0:
                    found = other if found < 0 else _meet(found, other, above)
            if above[node] != found:
                above[node] = found
                is_moving = True
    parent = {order[i]: order[above[i]] for i in range(1, len(order))}
    from_, to = _intervals(order, parent)
    return Dominance(tuple(order[1:]), rank, parent, from_, to)


def _meet(a: int, b: int, above: list[int]) -> int:
    while a != b:
        if a > b:
            a = above[a]
        else:
            b = above[b]
    return a


def _reverse_postorder(flow: Flow) -> list[str]:
    done: list[str] = []
    seen = {ENTRY}
    stack = [(ENTRY, iter(reversed(flow.next_of(ENTRY))))]
    while stack:
        node, targets = stack[-1]
        for target in targets:
            if target not in seen:
                seen.add(target)
                stack.append((target, iter(reversed(flow.next_of(target)))))
                break
        else:
            stack.pop()
            done.append(node)
    done.reverse()
    return done


def _intervals(order: Sequence[str], parent: dict[str, str]) -> tuple[dict[str, int], dict[str, int]]:
    """Preorder number of each node of the dominator tree, and the largest one below it."""
    below: dict[str, list[str]] = {n: [] for n in order}
    for node, above in parent.items():
        below[above].append(node)
    from_: dict[str, int] = {}
    stack = [ENTRY]
    while stack:
        node = stack.pop()
        from_[node] = len(from_)
        stack.extend(below[node])
    to = dict(from_)
    # A dominator always has a smaller reverse postorder number than what it dominates.
    for node in reversed(order):
        if node != ENTRY:
            to[parent[node]] = max(to[parent[node]], to[node])
    return from_, to
