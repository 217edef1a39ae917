"""What stands around an inbox item: its run, the step that asks, and whether whoever looks may decide it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from sqlmodel import col, select

from engine.facade import boxes
from engine.facade.approvals import shown
from engine.facade.asked_calls import owner_of
from engine.facade.core import Core
from engine.facade.inbox_views import InboxBox
from engine.facade.run_views import run_row
from engine.facade.waiting import needed_for, refused
from engine.graph.plan import Plan, PlannedNode
from engine.insight.timeline import node_of, plan_or_none
from engine.jsonvalue import loads_kept
from engine.people.permissions import Actor, roles_with
from engine.run import codec
from engine.storage.tables import Approval, User


@dataclass(frozen=True, slots=True)
class Run:
    """What all items of one run have in common."""

    plan: Plan | None
    told: dict[str, Any]
    """Fields of an `InboxItem`."""
    concerned: frozenset[str]


class Surroundings:
    """Of the items of one answer; each run is looked up once. Blocks."""

    def __init__(self, core: Core, actor: Actor, items: Iterable[Approval], *, concerned: Callable[[str], frozenset[str]]) -> None:
        self._core = core
        self._actor = actor
        self._concerned = concerned
        self._runs: dict[str, Run] = {}
        # Names of everybody who decided something about these items, by their ids.
        ids = {by for item in items for by in (item.decided_by, *loads_kept(item.votes)) if by}
        with core.records.reading() as session:
            self._names = {user.id: user.name or user.email for user in session.exec(select(User).where(col(User.id).in_(ids)))}

    def of(self, item: Approval) -> dict[str, Any]:
        """The fields of an `InboxItem`."""
        told, run = shown(item), self.run(item.run_id)
        # An agent's own steps were drawn by nobody: the agent asks.
        node = owner_of(run.plan, item.path) or (run.plan.nodes.get(node_of(item.path)) if run.plan else None)
        may_not = self._may_not(item, run)
        by = item.decided_by
        return told | {
            **run.told,
            "step": title_of(node) if node else node_of(item.path),
            "agent": (node.agent or "") if node else "",
            "agreed": [self._names.get(by, by) for by in told["votes"]] if item.status == "pending" else [],
            "decided_by_name": self._names.get(by, by) if by else "",
            "may_not": may_not,
            "may_decide": not may_not,
            "box": self._box(item, run.plan),
        }

    def run(self, run_id: str) -> Run:
        """The run around an item; of one that is gone nothing is told."""
        if run_id not in self._runs:
            self._runs[run_id] = self._looked_up(run_id)
        return self._runs[run_id]

    def _looked_up(self, run_id: str) -> Run:
        run = self._core.reader.run(run_id)
        if run is None:
            return Run(None, {}, self._concerned(run_id))
        view = run_row(run, [codec.from_row(row, self._core.reader.blob) for row in self._core.reader.run_edges(run)])
        told = {"version": view.version, "mode": view.mode, "spent": view.spent, "limits": view.limits}
        told |= {"run_status": view.status, "run_reason": view.reason}
        return Run(plan_or_none(self._core.plans.of, run.doc_hash), told, self._concerned(run_id))

    def _box(self, item: Approval, plan: Plan | None) -> InboxBox | None:
        grid = boxes.grid_of(item.type, item.run_id, item.path)
        if not grid:
            return None
        box = plan.nodes.get(boxes.box_of(item.path)) if plan else None
        return InboxBox(grid=grid, number=boxes.number_of(item.path), title=title_of(box) if box else boxes.box_of(item.path))

    def _may_not(self, item: Approval, run: Run) -> str:
        actor = self._actor
        if item.status != "pending":
            return "It is decided already."
        needed = needed_for(item.type)
        if not actor.may(needed):
            would_do = " or ".join(roles_with(needed))
            return f"Your role lets you look, not decide. Ask somebody with the role {would_do}."
        refusal = refused(actor, loads_kept(item.approvers), run.concerned)
        if refusal is not None:
            return f"{refusal.message} {refusal.next_step}"
        by = actor.user_id or actor.label
        return "You have agreed already; others have to agree too." if by in loads_kept(item.votes) else ""


def title_of(node: PlannedNode) -> str:
    """What people read of a step."""
    return node.title or node.id.replace("_", " ").capitalize()
