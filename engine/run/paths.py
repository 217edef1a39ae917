"""What the path of a step tells: its node, what it stands in, and which visit of each loop it belongs to."""

from __future__ import annotations


def node_of(path: str) -> str:
    """The node that a path names: `draft#2/ok` is a step of `ok`."""
    return path.rsplit("/", 1)[-1].split("#", 1)[0].split("[", 1)[0]


def parent_of(path: str) -> str | None:
    """The loop visit or item that a step stands in."""
    return path.rsplit("/", 1)[0] if "/" in path else None


def slot_of(path: str) -> str:
    """The top-level node that a path begins with: a step of its own, a loop's header or a box."""
    return node_of(path.split("/", 1)[0])


def visits_of(path: str) -> list[tuple[str, int]]:
    """`[("draft", 2)]` for `draft#2/ok`: the loops around a step from the outermost on, with their visits."""
    parted = [part.partition("#") for part in path.split("/")]
    return [(name, int(visit)) for name, mark, visit in parted if mark and visit.isdigit()]


def in_order(path: str, other: str) -> int:
    """Below 0 where `path` stands in an earlier visit of a loop that both are in, above 0 in a later one, else 0."""
    for (name, visit), (of_other, visit_of_other) in zip(visits_of(path), visits_of(other), strict=False):
        if name != of_other:
            return 0
        if visit != visit_of_other:
            return visit - visit_of_other
    return 0
