"""Which circles of a workflow are natural loops, and what is wrong with the others."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from engine.graph.document import DraftEdge
from engine.graph.flow import Dominance, Flow, dominance_of
from engine.graph.problems import Problem

Named = Callable[[str], str]


@dataclass(frozen=True, slots=True)
class NaturalLoop:
    """The nodes from which a back edge can be reached without passing the header, and the header."""

    header: str
    back: tuple[DraftEdge, ...]
    nodes: frozenset[str]
    max_visits: int
    """The smallest of its back edges; 1 where none says."""


@dataclass(frozen=True, slots=True)
class Loops:
    """All natural loops, the outer ones before the inner ones."""

    dominance: Dominance
    loops: tuple[NaturalLoop, ...]
    order: tuple[str, ...]
    """Nodes so that each comes after all that lead to it, back edges apart; empty when there is a circle that is no loop."""

    @property
    def back_edges(self) -> frozenset[int]:
        """Indexes of the back edges."""
        return frozenset(e.index for loop in self.loops for e in loop.back)


def find_loops(flow: Flow) -> Loops:
    """The loops of a flow."""
    dominance = dominance_of(flow)
    back: dict[str, list[DraftEdge]] = {}
    for edge in flow.edges:
        if dominance.dominates(edge.target, edge.source):
            back.setdefault(edge.target, []).append(edge)
    loops = [_natural_loop(flow, header, edges) for header, edges in back.items()]
    loops.sort(key=lambda loop: -len(loop.nodes))
    backs = {e.index for edges in back.values() for e in edges}
    rank = dominance.rank
    is_sound = all(rank[e.source] < rank[e.target] for e in flow.edges if e.index not in backs)
    return Loops(dominance, tuple(loops), dominance.order if is_sound else ())


def _natural_loop(flow: Flow, header: str, back: list[DraftEdge]) -> NaturalLoop:
    nodes = {header}
    queue = [e.source for e in back]
    while queue:
        node = queue.pop()
        if node not in nodes:
            nodes.add(node)
            queue.extend(e.source for e in flow.entering[node])
    given = [e.max_visits for e in back if e.max_visits is not None]
    return NaturalLoop(header, tuple(back), frozenset(nodes), min(given, default=1))


def crooked_circles(flow: Flow, loops: Loops, named: Named) -> list[Problem]:
    """One error for every edge that closes a circle whose target is not passed on every way in."""
    if loops.order:
        return []
    rank = loops.dominance.rank
    backs = loops.back_edges
    problems: list[Problem] = []
    for edge in flow.edges:
        if edge.index not in backs and rank[edge.target] <= rank[edge.source]:
            problems.append(_crooked(flow, edge, named))
            # Each needs a search of its own, and mending a few mends the rest.
            if len(problems) == 20:
                break
    return _prefer_bounded(flow, loops, problems, named)


def _prefer_bounded(flow: Flow, loops: Loops, problems: list[Problem], named: Named) -> list[Problem]:
    """Where one edge of the circle has `max_visits`, that is the edge its author meant to go back."""
    told: list[Problem] = []
    for problem in problems:
        edge = next(e for e in flow.edges if e.index == problem.edge)
        if edge.max_visits is None:
            meant = _bounded_edge_of_circle(flow, loops, edge)
            problem = _crooked(flow, meant, named) if meant else problem
        if problem not in told:
            told.append(problem)
    return told


def _bounded_edge_of_circle(flow: Flow, loops: Loops, closing: DraftEdge) -> DraftEdge | None:
    backs = loops.back_edges
    came_by: dict[str, DraftEdge] = {}
    queue = [closing.target]
    while queue:
        for edge in flow.leaving[queue.pop(0)]:
            if edge.target not in came_by and edge.target != closing.target and edge.index not in backs:
                came_by[edge.target] = edge
                queue.append(edge.target)
    node = closing.source
    while node != closing.target and node in came_by:
        if came_by[node].max_visits is not None:
            return came_by[node]
        node = came_by[node].source
    return None


def _crooked(flow: Flow, edge: DraftEdge, named: Named) -> Problem:
    source, target = named(edge.source), named(edge.target)
    aside = _entered_by(flow, edge)
    message = f"The edge from {source} back to {target} does not close a proper loop: {source} can also be reached without passing {target}"
    if aside is not None:
        message += f", by the edge from {named(aside.source)} to {named(aside.target)}"
        hint = f"Lead the edge from {named(aside.source)} to {target} instead, so that the loop has one way in."
    else:
        hint = f"Make {target} the only way into the loop."
    return Problem("not_a_loop", message + ".", hint, node=edge.source, edge=edge.index)


def _entered_by(flow: Flow, closing: DraftEdge) -> DraftEdge | None:
    """The edge by which the circle is entered on a way that does not pass the target of the closing edge."""
    came_by: dict[str, DraftEdge | None] = {n: None for n in flow.entries if n != closing.target}
    queue = list(came_by)
    while queue and closing.source not in came_by:
        for edge in flow.leaving[queue.pop(0)]:
            if edge.target not in came_by and edge.target != closing.target:
                came_by[edge.target] = edge
                queue.append(edge.target)
    circle = _between(flow, closing.target, closing.source)
    node = closing.source
    while (edge := came_by.get(node)) is not None:
        if edge.source not in circle:
            return edge
        node = edge.source
    return None


def _between(flow: Flow, first: str, last: str) -> set[str]:
    """Nodes on a way from `first` to `last`."""
    after = _spread(first, {n: [e.target for e in edges] for n, edges in flow.leaving.items()})
    before = _spread(last, {n: [e.source for e in edges] for n, edges in flow.entering.items()})
    return after & before


def _spread(start: str, steps: Mapping[str, Sequence[str]]) -> set[str]:
    found = {start}
    queue = [start]
    while queue:
        for node in steps[queue.pop()]:
            if node not in found:
                found.add(node)
                queue.append(node)
    return found


def loop_problems(flow: Flow, loops: Loops, ports: Mapping[str, tuple[str, ...] | None], named: Named) -> list[Problem]:
    """Circles that are no loops, loops without a bound, bounds that bind nothing, ways out that do not exist."""
    problems = crooked_circles(flow, loops, named)
    crooked = {p.edge for p in problems}
    for loop in loops.loops:
        problems.extend(_bounds(loop, ports, named))
    backs = loops.back_edges
    for edge in flow.edges:
        if edge.index in backs or edge.index in crooked:
            continue
        for name, value in (("max_visits", edge.max_visits), ("on_exhausted", edge.on_exhausted)):
            if value is not None:
                message = f"`{name}` has no effect: the edge from {named(edge.source)} to {named(edge.target)} does not lead back."
                hint = "Remove it, or draw the edge back to an earlier step."
                problems.append(Problem("unused_setting", message, hint, "warning", edge=edge.index, field=name))
    return problems


def _bounds(loop: NaturalLoop, ports: Mapping[str, tuple[str, ...] | None], named: Named) -> list[Problem]:
    problems: list[Problem] = []
    # Back edges to one header share their bound: it is enough that one of them says it.
    is_bounded = any(edge.max_visits is not None for edge in loop.back)
    for edge in loop.back:
        if not is_bounded:
            message = f"The loop from {named(edge.source)} back to {named(edge.target)} has no bound."
            hint = "Say in `max_visits` of this edge how often the loop may run, for instance 3."
            problems.append(Problem("loop_without_bound", message, hint, node=edge.source, edge=edge.index, field="max_visits"))
        elif edge.max_visits is not None and edge.max_visits != loop.max_visits:
            message = f"The edges back to {named(edge.target)} differ in `max_visits`; the smallest counts: {loop.max_visits}."
            problems.append(
                Problem("different_bounds", message, "Give them the same `max_visits`.", "warning", edge=edge.index, field="max_visits")
            )
        known = ports.get(edge.source)
        if edge.on_exhausted is None or known is None:
            continue
        others = [p for p in known if p != edge.port]
        if edge.on_exhausted not in others:
            message = f"`on_exhausted` must be another port of {named(edge.source)} than `{edge.port}`."
            hint = f"Choose one of: {', '.join(others)}." if others else "Remove it: the node has no other port."
            problems.append(Problem("unknown_port", message, hint, node=edge.source, edge=edge.index, field="on_exhausted"))
    return problems
