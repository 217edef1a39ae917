"""Which approvals belong to one map box, as what and in which order: people decide them on one grid."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlmodel import Session, col, or_, select

from engine.facade.waiting import GONE
from engine.people.permissions import Actor
from engine.run.paths import node_of
from engine.storage.tables import Approval

_ITEM = re.compile(r"\[(\d+)\]")
_PLACE = re.compile(r"[\[#](\d+)")
_VISIT = re.compile(r"#(\d+)")


@dataclass(frozen=True, slots=True)
class Belonging:
    """One approval of a grid; `opened_at` in microseconds."""

    id: str
    path: str
    title: str
    is_waiting: bool
    opened_at: int


def grid_of(type: str, run_id: str, path: str) -> str:
    """The name of the grid that an item belongs to: its run and its step, which stands in one box only. Empty where there is none.

    What an agent asks stands alone: each of its calls is another one.
    """
    return f"{run_id}-{node_of(path)}" if type == "approval" and "[" in path and "." not in node_of(path) else ""


def box_of(path: str) -> str:
    """The node that is the box around a step: `each` of `each[7]/draft#2/ok`."""
    return node_of(path.rpartition("[")[0])


def number_of(path: str) -> str:
    """Which item it is, as people count: `each[0]/ok` is 1, `each[0]/part[4]/ok` is 1.5, `each[0]/draft#2/ok` is `1, round 2`."""
    number = ".".join(str(int(found) + 1) for found in _ITEM.findall(path))
    rounds = [int(found) for found in _VISIT.findall(path.rpartition("]")[2])]
    return f"{number}, round {rounds[-1]}" if rounds and rounds[-1] > 1 else number


def order_of(path: str) -> tuple[int, ...]:
    """Sorts the approvals of one grid as the items stand in their list."""
    return tuple(int(found) for found in _PLACE.findall(path))


def asked_by_all(titles: Iterable[str], otherwise: str) -> str:
    """What all of them ask, if it is one thing."""
    found = set(titles)
    return next(iter(found)) if len(found) == 1 else otherwise


def belonging(session: Session, actor: Actor, grid: str) -> Sequence[Belonging]:
    """Every approval of a grid, whether it waits or not, in the order of the items. None of another workspace."""
    columns = (Approval.id, Approval.path, Approval.title, Approval.status, Approval.opened_at, Approval.attempt)
    found = session.exec(select(*columns).where(*_around(actor, grid)))  # pyright: ignore[reportCallIssue]
    inside = [row for row in found if _is_in(grid, row[1])]
    inside.sort(key=lambda row: (order_of(row[1]), row[5]))
    return [Belonging(id_, path, title, status == "pending", opened_at) for id_, path, title, status, opened_at, _ in inside]


def waiting_in(session: Session, actor: Actor, grid: str) -> int:
    """How many approvals of a grid wait."""
    paths = session.exec(select(Approval.path).where(*_around(actor, grid), Approval.status == "pending"))
    return sum(_is_in(grid, path) for path in paths)


def shown_of(every: Sequence[Belonging], seen: Collection[str]) -> Sequence[Belonging]:
    """What waits, and what whoever looks has seen waiting."""
    return [one for one in every if one.is_waiting or one.id in seen]


def _is_in(grid: str, path: str) -> bool:
    return grid_of("approval", grid.rpartition("-")[0], path) == grid


def _around(actor: Actor, grid: str) -> list[Any]:
    """Conditions that the approvals of a grid meet, and few others: the path alone tells."""
    run_id, _, node = grid.rpartition("-")
    path = col(Approval.path)
    ends = or_(path.endswith(f"/{node}", autoescape=True), path.contains(f"/{node}#", autoescape=True))
    gone = col(Approval.run_id).not_in(GONE)
    return [Approval.workspace_id == actor.workspace_id, Approval.run_id == run_id, Approval.type == "approval", gone, ends]
