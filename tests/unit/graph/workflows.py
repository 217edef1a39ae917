"""Short ways to write workflow documents and to look at what a check says."""

from __future__ import annotations

from typing import Any

from engine.graph.plan import Plan, Region
from engine.graph.problems import Problem
from engine.graph.validate import Checked, check
from engine.nodes.registry import Registry

CATALOG = Registry.builtin()


def node(id_: str, kind: str = "set", **more: Any) -> dict[str, Any]:
    """A node that is right by itself; `config` and other settings can be given."""
    config: dict[str, Any] = {
        "set": {"values": {"x": "1"}},
        "branch": {"cases": [{"port": port, "when": "true"} for port in more.pop("ways", ["yes"])]},
        "approval": {"title": "Fine?"},
        "llm": {"prompt": "Hello"},
        "map": {"items": "[1]"},
        "notify": {"message": "Hello"},
        "classify": {"text": "{{ inputs.message }}", "labels": [{"port": "a"}, {"port": "b"}]},
    }.get(kind, {})
    return {"id": id_, "kind": kind, "config": config, **more}


def edge(text: str, **more: Any) -> dict[str, Any]:
    """`a -> b` or `a.port -> b`."""
    source, target = text.split(" -> ")
    source, _, port = source.partition(".")
    return {"source": source, "target": target, **({"port": port} if port else {}), **more}


def document(nodes: list[Any], edges: list[Any], **more: Any) -> dict[str, Any]:
    """A document; nodes may be ids of `set` nodes, edges may be texts; `start` and `end` need no kind."""
    full = [n if not isinstance(n, str) else node(n, n if n in ("start", "end", "fail") else "set") for n in nodes]
    return {"format": "signalbox/1", "name": "Test", "nodes": full, "edges": [edge(e) if isinstance(e, str) else e for e in edges], **more}


def checked(nodes: list[Any], edges: list[Any], **more: Any) -> Checked:
    """What the check says of such a document."""
    return check(document(nodes, edges, **more), CATALOG)


def plan_of(nodes: list[Any], edges: list[Any], **more: Any) -> Plan:
    """The plan of a document without errors."""
    result = checked(nodes, edges, **more)
    assert result.plan is not None, result.problems
    return result.plan


def codes(result: Checked, severity: str | None = None) -> list[str]:
    """Codes of the problems, sorted."""
    return sorted(p.code for p in result.problems if severity in (None, p.severity))


def the(result: Checked, code: str) -> Problem:
    """The one problem with that code."""
    found = [p for p in result.problems if p.code == code]
    assert len(found) == 1, result.problems
    return found[0]


def region_of(plan: Plan, owner: str) -> Region:
    """The region of a loop or box."""
    return next(r for r in plan.regions if r.owner == owner)


def members(plan: Plan, owner: str = "") -> set[str]:
    """Nodes whose innermost region that is."""
    return set(region_of(plan, owner).nodes)
