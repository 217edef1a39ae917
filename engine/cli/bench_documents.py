"""The workflows that are measured: steps of 1 KB in a chain, in a loop, and with a state that grows."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

KILOBYTE = "x" * 1024


def chain(nodes: int) -> dict[str, Any]:
    """start with a text of 1 KB, `nodes` steps that each keep it as theirs, end: the document itself stays small."""
    names = [f"n{i}" for i in range(nodes)]
    steps = [{"id": name, "kind": "set", "config": {"values": {"out": "inputs.text"}}} for name in names]
    start = {"id": "start", "kind": "start", "config": {"inputs": {"type": "object", "properties": {"text": {"type": "string"}}}}}
    path = ["start", *names, "done"]
    return {
        "format": "signalbox/1",
        "name": f"Chain of {nodes}",
        "limits": {"steps": nodes + 10},
        "nodes": [start, *steps, {"id": "done", "kind": "end", "config": {"output": {"n": str(nodes)}}}],
        "edges": [{"source": a, "target": b} for a, b in pairwise(path)],
    }


def looping(steps: int) -> dict[str, Any]:
    """start, a loop of two steps, one of which makes 1 KB, end: `steps` in all."""
    visits = steps // 2
    more = {"cases": [{"port": "more", "when": f"visit < {visits}"}]}
    return document(
        [
            {"id": "work", "kind": "set", "config": {"values": {"out": f"'{KILOBYTE}'", "n": "visit"}}},
            {"id": "again", "kind": "branch", "config": more},
        ],
        [("start", "out", "work"), ("work", "out", "again"), ("again", "else", "done")],
        back=("again", "more", "work", visits),
        steps=steps,
    )


def growing(items: int) -> dict[str, Any]:
    """start, a box that keeps 1 KB of each of its items, end: the state grows by that with every step."""
    box = {"items": "inputs.items", "max_items": items, "concurrency": 5, "collect": "nodes.work.out"}
    return document(
        [
            {"id": "each", "kind": "map", "config": box},
            {"id": "work", "kind": "set", "parent": "each", "config": {"values": {"out": f"'{KILOBYTE}'"}}},
        ],
        [("start", "out", "each"), ("each", "item", "work"), ("each", "out", "done")],
        steps=items,
    )


def document(
    nodes: list[dict[str, Any]], edges: list[tuple[str, str, str]], *, steps: int, back: tuple[str, str, str, int] | None = None
) -> dict[str, Any]:
    drawn: list[dict[str, Any]] = [{"source": source, "port": port, "target": target} for source, port, target in edges]
    if back is not None:
        source, port, target, visits = back
        drawn.append({"source": source, "port": port, "target": target, "max_visits": visits})
    return {
        "format": "signalbox/1",
        "name": f"Up to {steps} steps",
        "limits": {"steps": steps + 10, "seconds": 1_000_000},
        "nodes": [{"id": "start", "kind": "start"}, *nodes, {"id": "done", "kind": "end"}],
        "edges": drawn,
    }
