"""Do nodes, edges and boxes fit together: starts, ends of edges, ports, borders of boxes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from engine.graph.certain import leaving_ports
from engine.graph.configs import KnownNode
from engine.graph.document import DraftEdge
from engine.graph.flow import Flow
from engine.graph.problems import Problem
from engine.graph.reading import ProblemList
from engine.graph.suggest import did_you_mean, listed, shown

START, END, ITEM_PORT = "start", "end", "item"


@dataclass(frozen=True, slots=True)
class Structure:
    """What of the graph can be used for further checks."""

    edges: tuple[DraftEdge, ...]
    """Edges with two ends on the same level, or from a box's port `item` into its body."""
    starts: tuple[str, ...]
    ends: frozenset[str]
    parents: dict[str, str]
    """Node -> the box it stands in."""


def structure_of(nodes: Mapping[str, KnownNode], edges: Iterable[DraftEdge], problems: ProblemList) -> Structure:
    """Reports what does not fit, and keeps the rest."""
    parents = _parents(nodes, problems)
    starts = tuple(n.id for n in nodes.values() if n.draft.kind == START)
    _check_starts(nodes, starts, problems)
    kept: list[DraftEdge] = []
    seen: set[tuple[str, str, str]] = set()
    for edge in edges:
        _check_port(edge, nodes, problems)
        if _has_two_ends(edge, nodes, problems) and _fits(edge, nodes, parents, problems):
            kept.append(edge)
        key = (edge.source, edge.port, edge.target)
        if key in seen and edge.source in nodes and edge.target in nodes:
            message = f"There are two edges from {nodes[edge.source].name} to {nodes[edge.target].name}."
            problems.add(Problem("duplicate_edge", message, "Remove one of them.", "warning", edge=edge.index))
        seen.add(key)
    ends = frozenset(n.id for n in nodes.values() if n.draft.kind == END)
    return Structure(tuple(kept), starts, ends, parents)


def _check_starts(nodes: Mapping[str, KnownNode], starts: tuple[str, ...], problems: ProblemList) -> None:
    if not starts:
        problems.add(Problem("no_start", "The workflow has no start.", "Add a node of kind `start` and draw an edge from it."))
    for id_ in starts:
        if len(starts) > 1:
            hint = "Keep one start and remove the others."
            message = f"The workflow has {len(starts)} starts; {nodes[id_].name} is one of them."
            problems.add(Problem("several_starts", message, hint, node=id_))
        if nodes[id_].draft.is_disabled:
            hint = "Switch it on; a workflow cannot begin without it."
            problems.add(Problem("disabled_start", "The start is switched off.", hint, node=id_, field="disabled"))


def _parents(nodes: Mapping[str, KnownNode], problems: ProblemList) -> dict[str, str]:
    parents: dict[str, str] = {}
    for node in nodes.values():
        parent = node.draft.parent
        if parent is None:
            continue
        if parent not in nodes:
            hint = did_you_mean(parent, nodes, otherwise="Choose an existing box or take the node out of it.")
            told = Problem("unknown_parent", f"There is no box `{shown(parent)}` for {node.name} to stand in.", hint)
        elif not nodes[parent].may_be_box:
            told = Problem("not_a_box", f"{nodes[parent].name} is not a box that holds other nodes.", "Take the node out of it.")
        elif node.draft.kind in (START, END):
            told = Problem("not_in_a_box", f"{node.name} cannot stand in a box.", "Move it out of the box.")
        else:
            parents[node.id] = parent
            continue
        problems.add(Problem(told.code, told.message, told.hint, node=node.id, field="parent"))
    for id_ in _in_circles(parents):
        hint = "Take one of the boxes out of the other."
        problems.add(Problem("box_in_itself", f"{nodes[id_].name} stands in itself.", hint, node=id_, field="parent"))
        del parents[id_]
    return parents


def _in_circles(parents: Mapping[str, str]) -> list[str]:
    """One node of every circle of boxes."""
    state: dict[str, int] = {}
    found: list[str] = []
    for mark, first in enumerate(parents, 1):
        node: str | None = first
        while node is not None and node not in state:
            state[node] = mark
            node = parents.get(node)
        if node is not None and state[node] == mark:
            found.append(node)
    return found


def _has_two_ends(edge: DraftEdge, nodes: Mapping[str, KnownNode], problems: ProblemList) -> bool:
    is_whole = True
    for name, id_ in (("source", edge.source), ("target", edge.target)):
        if not id_:
            # That it is missing has been told.
            is_whole = False
        elif id_ not in nodes:
            hint = did_you_mean(id_, nodes, otherwise="Draw the edge to an existing node or remove it.")
            from_to = f"from `{shown(edge.source or '?')}` to `{shown(edge.target or '?')}`"
            message = f"The edge {from_to} hangs loose: there is no node `{shown(id_)}`."
            problems.add(Problem("dangling_edge", message, hint, edge=edge.index, field=name))
            is_whole = False
    return is_whole


def _check_port(edge: DraftEdge, nodes: Mapping[str, KnownNode], problems: ProblemList) -> None:
    """Told only: an edge from a port that does not exist still says which way its author meant the run to go."""
    source = nodes.get(edge.source)
    if source is not None and source.ports is not None and edge.port not in source.ports:
        if not source.ports:
            message, hint = f"{source.name} ends its branch: nothing can follow it.", "Remove the edge."
        else:
            message = f"{source.name} has no port `{shown(edge.port)}`."
            hint = did_you_mean(edge.port, source.ports, otherwise=f"Its ports are: {listed(source.ports)}.")
        problems.add(Problem("unknown_port", message, hint, node=source.id, edge=edge.index, field="port"))


def _fits(edge: DraftEdge, nodes: Mapping[str, KnownNode], parents: Mapping[str, str], problems: ProblemList) -> bool:
    source, target = nodes[edge.source], nodes[edge.target]
    if target.draft.kind == START:
        message = f"The edge from {source.name} leads into the start."
        hint = "Lead it to the first step after the start."
        problems.add(Problem("edge_into_start", message, hint, node=target.id, edge=edge.index, field="target"))
        return False
    return _keeps_borders(edge, source, target, parents, problems)


def _keeps_borders(edge: DraftEdge, source: KnownNode, target: KnownNode, parents: Mapping[str, str], problems: ProblemList) -> bool:
    inside, around = parents.get(target.id), parents.get(source.id)
    is_entry = source.id == inside and edge.port == ITEM_PORT
    leaves_by_item = edge.port == ITEM_PORT and source.kind is not None and source.kind.is_box
    if is_entry or (inside == around and not leaves_by_item):
        return True
    if leaves_by_item:
        hint = f"Lead the port `{ITEM_PORT}` to a node that stands in the box."
        message = f"The port `{ITEM_PORT}` of {source.name} leads to {target.name}, which does not stand in this box."
    else:
        hint = f"Go into a box by its port `{ITEM_PORT}` and on from it by its port `out`."
        message = f"The edge from {source.name} to {target.name} crosses the border of a box."
    problems.add(Problem("crosses_box", message, hint, node=source.id, edge=edge.index))
    return False


def check_boxes(nodes: Mapping[str, KnownNode], flow: Flow, problems: ProblemList) -> None:
    """Boxes in which nothing happens, and settings that mean nothing to a box."""
    entered = {edge.source for edge in flow.edges if edge.port == ITEM_PORT}
    for node in nodes.values():
        if node.kind is None or not node.kind.is_box:
            continue
        if node.id not in entered:
            message = f"Nothing happens to the items of {node.name}: no step in the box follows its port `{ITEM_PORT}`."
            hint = "Put a step into the box and draw an edge to it from the port `item`."
            problems.add(Problem("empty_box", message, hint, "warning", node=node.id, field=f"port.{ITEM_PORT}"))
        for name, is_set in (("retry", node.draft.retry.attempts > 1), ("timeout_s", node.draft.timeout_s is not None)):
            if is_set:
                message = f"`{name}` has no effect on {node.name}: a box makes no attempts of its own."
                problems.add(Problem("unused_setting", message, "Set it at the steps in the box.", "warning", node=node.id, field=name))


def check_reach(nodes: Mapping[str, KnownNode], flow: Flow, structure: Structure, problems: ProblemList) -> None:
    """Nodes that nothing leads to, ports that lead nowhere, runs that never end by an `end`."""
    connected = {(e.source, e.port) for e in flow.edges}
    exhausted = {(e.source, e.on_exhausted) for e in flow.edges}
    for node in nodes.values():
        if node.id not in flow.reached:
            if structure.starts:
                hint = "Draw an edge to it, or remove it."
                problems.add(Problem("unreachable", f"No way leads from the start to {node.name}.", hint, node=node.id))
            continue
        loose = [port for port in _ports_used(node, exhausted) if (node.id, port) not in connected]
        if node.id in structure.parents and len(loose) == len(leaving_ports(node) or ()):
            # The last step of a body: behind it its item has ended.
            continue
        for port in loose:
            message = f"The port `{port}` of {node.name} leads nowhere: a run that leaves by it ends its branch there."
            hint = f"Draw an edge from `{port}`."
            problems.add(Problem("unconnected_port", message, hint, "warning", node=node.id, field=f"port.{port}"))
    if flow.reached and not structure.ends & flow.reached:
        problems.add(Problem("no_end", "No way leads to an end, so runs have no output.", "Add a node of kind `end`.", "warning"))


def _ports_used(node: KnownNode, exhausted: set[tuple[str, str | None]]) -> list[str]:
    """The ports by which a run can really leave the node: by its outcomes, or because a loop is used up."""
    ports = list(leaving_ports(node) or ())
    if node.kind is None or node.config is None:
        return ports
    idle = set(node.kind.ports(node.config)) - set(node.kind.outcome_ports(node.config))
    return [port for port in ports if port not in idle or (node.id, port) in exhausted]
