"""The inbox as people read it: each item with the run around it, whether they may decide it, and what became of it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Literal

from sqlmodel import col, func, select

from engine.clock import iso
from engine.errors import Invalid
from engine.facade import cursors
from engine.facade.approvals import STATUSES, Approvals, shown
from engine.facade.core import Core
from engine.facade.run_views import run_row
from engine.facade.views import InboxCard, InboxItem, InboxPage
from engine.facade.waiting import fitting, needed_for, waiting
from engine.graph.plan import Plan, PlannedNode
from engine.insight.timeline import node_of, plan_or_none
from engine.jsonvalue import NotJsonValue, check_json, loads_kept
from engine.people.permissions import Actor, Permission, require, roles_with
from engine.run import codec, events
from engine.run.consent import edited_action
from engine.run.loading import read_run
from engine.run.prepare import wrapped
from engine.storage.journal_reader import StoredRun
from engine.storage.tables import Approval, User

Whose = Literal["all", "mine", "others"]
DECIDED = tuple(status for status in STATUSES if status != "pending")
MOST_AFTER = 5
"""Stations that a route strip shows."""


class Inbox:
    """Every call takes the actor first and checks its permission."""

    def __init__(self, core: Core, approvals: Approvals) -> None:
        self._core = core
        self._approvals = approvals

    async def count(self, actor: Actor) -> int:
        """How many items wait for a person, whoever it is."""
        require(actor, Permission.APPROVAL_READ)
        return await self._core.in_thread(lambda: self._count(actor))

    def _count(self, actor: Actor) -> int:
        waiting = select(func.count()).select_from(Approval).where(Approval.workspace_id == actor.workspace_id)
        with self._core.records.reading() as session:
            return session.exec(waiting.where(Approval.status == "pending")).one()

    async def list(
        self, actor: Actor, *, is_waiting: bool, whose: Whose = "all", type: str = "", query: str = "", limit: int = 100
    ) -> InboxPage:
        """What waits, what is due first standing first; or what no longer does, newest first.

        `whose` tells apart what waits for this person and for others; `query` is part of a title or of a workflow's name.
        """
        require(actor, Permission.APPROVAL_READ)
        size, kinds = cursors.page_size(limit), [type] if type else []
        if is_waiting:
            return await self._core.in_thread(lambda: self._waiting(actor, whose, fitting(actor, kinds=kinds, query=query), size))
        return await self._core.in_thread(lambda: self._no_longer(actor, kinds, query, size))

    def _waiting(self, actor: Actor, whose: Whose, wanted: Any, size: int) -> InboxPage:
        with self._core.records.reading() as session:
            every = waiting(session, actor, wanted)
            listed = [one.id for one in every if whose == "all" or one.is_mine == (whose == "mine")]
            found = {item.id: item for item in session.exec(select(Approval).where(col(Approval.id).in_(listed[:size])))}
        mine, oldest = sum(one.is_mine for one in every), min((one.opened_at for one in every), default=None)
        return InboxPage(
            items=[*self._told(actor, [found[id_] for id_ in listed[:size] if id_ in found])],
            total=len(listed),
            mine=mine,
            others=len(every) - mine,
            oldest_at=None if oldest is None else iso(oldest),
        )

    def _no_longer(self, actor: Actor, kinds: Sequence[str], query: str, size: int) -> InboxPage:
        found, _ = self._approvals.page(actor, DECIDED, kinds=kinds, size=size, cursor=None, query=query)
        counted = select(func.count()).select_from(Approval).where(fitting(actor, kinds=kinds, query=query))
        with self._core.records.reading() as session:
            total = session.exec(counted.where(col(Approval.status).in_(DECIDED))).one()
        return InboxPage(items=[*self._told(actor, found)], total=total)

    def _told(self, actor: Actor, items: Sequence[Approval]) -> Sequence[InboxItem]:
        names = self._names(items)
        return [InboxItem(**self._around(actor, item, names)) for item in items]

    async def card(self, actor: Actor, item: str) -> InboxCard:
        """One item with all that the decision is about. NotFound."""
        require(actor, Permission.APPROVAL_READ)
        return await self._core.in_thread(lambda: self._card(actor, self._approvals.find(actor, item)))

    async def preview(self, actor: Actor, item: str, values: dict[str, Any]) -> dict[str, Any] | None:
        """The action of a waiting item as it would run with these editable values; None without an action, or when it no longer waits.

        NotFound, Invalid for values that are not editable or that the action cannot be worked out with.
        """
        require(actor, Permission.APPROVAL_READ)
        found = await self._core.in_thread(lambda: self._approvals.find(actor, item))
        editable = loads_kept(found.card)["editable"]
        try:
            check_json(values)
        except NotJsonValue as error:
            raise Invalid(f"values: {error}") from None
        if unknown := sorted(set(values) - set(editable)):
            raise Invalid(f"These values cannot be edited: {', '.join(unknown)[:200]}.")
        if found.status != "pending" or loads_kept(found.card)["action"] is None:
            return None

        def look() -> dict[str, Any] | None:
            _, state = read_run(self._core.reader, self._core.plans.of, found.run_id)
            try:
                return edited_action(state, found.path, values, at=self._core.clock.now_us())
            except Exception as error:  # an expression that these values break, or a kind's own code
                raise Invalid(f"The step cannot run with these values: {wrapped(error).message}") from error

        return await self._core.in_thread(look)

    # What stands around an item

    def _names(self, items: Iterable[Approval]) -> dict[str, str]:
        """Names of everybody who decided something about these items, by their ids."""
        ids = {by for item in items for by in (item.decided_by, *loads_kept(item.votes)) if by}
        with self._core.records.reading() as session:
            return {user.id: user.name or user.email for user in session.exec(select(User).where(col(User.id).in_(ids)))}

    def _around(self, actor: Actor, item: Approval, names: dict[str, str]) -> dict[str, Any]:
        told = shown(item)
        run = self._core.reader.run(item.run_id)
        plan = self._plan(run)
        node = plan.nodes.get(node_of(item.path)) if plan else None
        told |= {
            "step": _title(node) if node else node_of(item.path),
            "agent": (node.agent or "") if node else "",
            "agreed": [names.get(by, by) for by in told["votes"]] if item.status == "pending" else [],
            "decided_by_name": names.get(item.decided_by, item.decided_by) if item.decided_by else "",
            "may_not": self._may_not(actor, item),
        }
        told["may_decide"] = not told["may_not"]
        if run is not None:
            bounds = [codec.from_row(row, self._core.reader.blob) for row in self._core.reader.run_edges(run)]
            view = run_row(run, bounds)
            told |= {"version": view.version, "mode": view.mode, "spent": view.spent, "limits": view.limits}
            told |= {"run_status": view.status, "run_reason": view.reason}
        return told

    def _plan(self, run: StoredRun | None) -> Plan | None:
        return plan_or_none(self._core.plans.of, run.doc_hash) if run else None

    def _may_not(self, actor: Actor, item: Approval) -> str:
        if item.status != "pending":
            return "It is decided already."
        needed = needed_for(item.type)
        if not actor.may(needed):
            would_do = " or ".join(roles_with(needed))
            return f"Your role lets you look, not decide. Ask somebody with the role {would_do}."
        refusal = self._approvals.refusal(actor, item)
        if refusal is not None:
            return f"{refusal.message} {refusal.next_step}"
        by = actor.user_id or actor.label
        return "You have agreed already; others have to agree too." if by in loads_kept(item.votes) else ""

    def _card(self, actor: Actor, item: Approval) -> InboxCard:
        told = self._around(actor, item, self._names([item]))
        plan = self._plan(self._core.reader.run(item.run_id))
        node = plan.nodes.get(node_of(item.path)) if plan else None
        if plan and node:
            told |= {"after": _after(plan, node), "on_expire": getattr(node.config, "on_expire", "expired")}
        if plan and told["action"] and (action := plan.nodes.get(told["action"]["node"])):
            kind: Any = action.kind
            told |= {"action_kind": kind.title, "cannot_be_undone": kind.cannot_be_undone(action.config)}
            if item.type == "in_doubt" and kind.Outputs is not None:
                told["outputs"] = kind.Outputs.model_json_schema()
        if item.decided_at is not None:
            told |= self._decided(item, told["action"])
        if item.status == "void":
            told["asked_again"] = self._asked_again(item)
        return InboxCard(**told)

    def _decided(self, item: Approval, action: dict[str, Any] | None) -> dict[str, Any]:
        """Of a decided item, from the journal: the row's own result is the action's by now."""
        if item.type != "approval":
            # The row holds what was answered; a field of it may be called anything.
            return {}
        decision = self._done(item.run_id, item.path, item.attempt)
        told: dict[str, Any] = {}
        if decision is not None:
            told = {"reason": str(decision.outputs.get("reason") or ""), "values": decision.outputs.get("values")}
        if action is not None:
            ran = self._done(item.run_id, beside(item.path, action["node"]))
            told["ran"] = ran.inputs if ran else None
        return told

    def _done(self, run_id: str, path: str, attempt: int | None = None) -> events.StepDone | None:
        rows = [row for row in self._core.reader.done(run_id, path) if attempt in (None, row.attempt)]
        event = codec.from_row(rows[-1], self._core.reader.blob) if rows else None
        return event if isinstance(event, events.StepDone) else None

    def _asked_again(self, item: Approval) -> str | None:
        later = select(Approval.id).where(Approval.run_id == item.run_id, Approval.path == item.path, Approval.attempt > item.attempt)
        with self._core.records.reading() as session:
            return session.exec(later.order_by(col(Approval.attempt).desc())).first()


def beside(path: str, node: str) -> str:
    """The path of another node's step in the same visit or item."""
    return f"{path.rsplit('/', 1)[0]}/{node}" if "/" in path else node


def _title(node: PlannedNode) -> str:
    return node.title or node.id.replace("_", " ").capitalize()


def _after(plan: Plan, node: PlannedNode) -> Sequence[str]:
    """The steps behind `approved`, or behind a form that was filled in, until the track parts or ends."""
    titles: list[str] = []
    edges = node.edges.get("approved") or node.edges.get("submitted", ())
    while len(edges) == 1 and not edges[0].is_back and len(titles) < MOST_AFTER:
        following = plan.nodes[edges[0].target]
        titles.append(_title(following))
        leaving = [found for found in following.edges.values() if found]
        edges = leaving[0] if len(leaving) == 1 else ()
    return titles
