"""The inbox as people read it: each item with the run around it, whether they may decide it, and what became of it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Any, Literal

from sqlmodel import col, func, select

from engine.clock import iso
from engine.errors import Invalid, NotFound
from engine.facade import boxes, cursors
from engine.facade.approvals import STATUSES, Approvals
from engine.facade.asked_calls import asked_call
from engine.facade.core import Core
from engine.facade.inbox_views import InboxCard, InboxGrid, InboxItem, InboxPage
from engine.facade.surroundings import Surroundings, title_of
from engine.facade.waiting import Waiting, fitting, waiting
from engine.graph.plan import Plan, PlannedNode
from engine.insight.timeline import node_of
from engine.jsonvalue import NotJsonValue, check_json, loads_kept
from engine.people.permissions import Actor, Permission, require
from engine.run import codec, events
from engine.run.consent import edited_action
from engine.run.loading import read_run
from engine.run.prepare import wrapped
from engine.storage.tables import Approval

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
        return _counted(every, self._told(actor, [found[id_] for id_ in listed[:size] if id_ in found]), total=len(listed))

    async def rows(self, actor: Actor, *, whose: Whose = "all", type: str = "", query: str = "", limit: int = 100) -> InboxPage:
        """What waits, as `list` has it, but of all approvals of one grid only the one that is due first; it tells how many there are."""
        require(actor, Permission.APPROVAL_READ)
        size, wanted = cursors.page_size(limit), fitting(actor, kinds=[type] if type else [], query=query)
        return await self._core.in_thread(lambda: self._rows(actor, whose, wanted, size))

    def _rows(self, actor: Actor, whose: Whose, wanted: Any, size: int) -> InboxPage:
        together: dict[str, list[Waiting]] = {}
        with self._core.records.reading() as session:
            every = waiting(session, actor, wanted)
            for one in every:
                if whose == "all" or one.is_mine == (whose == "mine"):
                    together.setdefault(boxes.grid_of(one.type, one.run_id, one.path) or one.id, []).append(one)
            first = {ones[0].id: ones for ones in [*together.values()][:size]}
            found = {item.id: item for item in session.exec(select(Approval).where(col(Approval.id).in_(first)))}
        page = _counted(every, self._told(actor, [found[id_] for id_ in first if id_ in found]), total=len(together))
        for item in page.items:
            if item.box is not None:
                ones = first[item.id]
                item.box.asks = boxes.asked_by_all((one.title for one in ones), item.step)
                item.box.waiting, item.box.oldest_at = len(ones), iso(min(one.opened_at for one in ones))
        return page

    async def grid(self, actor: Actor, name: str, *, seen: Collection[str] = (), at: int = 0, limit: int = 50) -> InboxGrid:
        """The approvals of one map box, as `box.grid` of an item names them: all that wait, and those of `seen` that no longer do.

        `at` is how many of them are left out before the first one. NotFound where there never was one.
        """
        require(actor, Permission.APPROVAL_READ)
        size = cursors.page_size(limit)
        return await self._core.in_thread(lambda: self._grid(actor, name, seen, at, size))

    def _grid(self, actor: Actor, name: str, seen: Collection[str], at: int, size: int) -> InboxGrid:
        with self._core.records.reading() as session:
            every = boxes.belonging(session, actor, name)
            if not every:
                raise NotFound(f"There is nothing to decide under {name[:80]}.")
            shown = boxes.shown_of(every, seen)
            # The last page may be gone by now.
            at = min(max(0, at), (len(shown) - 1) // size * size) if shown else 0
            ids = [one.id for one in shown[at : at + size]]
            about = session.exec(select(Approval).where(Approval.id == (shown or every)[0].id)).one()
            found = {item.id: item for item in session.exec(select(Approval).where(col(Approval.id).in_(ids)))}
        items = [found[id_] for id_ in ids if id_ in found]
        around = self._surroundings(actor, [about, *items])
        waits = [one.opened_at for one in shown if one.is_waiting]
        described = InboxItem(**around.of(about))
        return InboxGrid(
            name=name,
            asks=boxes.asked_by_all((one.title for one in shown), described.step),
            about=described,
            items=[self._card(item, around) for item in items],
            at=at,
            total=len(shown),
            waiting=len(waits),
            oldest_at=iso(min(waits)) if waits else None,
        )

    def _no_longer(self, actor: Actor, kinds: Sequence[str], query: str, size: int) -> InboxPage:
        found, _ = self._approvals.page(actor, DECIDED, kinds=kinds, size=size, cursor=None, query=query)
        counted = select(func.count()).select_from(Approval).where(fitting(actor, kinds=kinds, query=query))
        with self._core.records.reading() as session:
            total = session.exec(counted.where(col(Approval.status).in_(DECIDED))).one()
        return InboxPage(items=[*self._told(actor, found)], total=total)

    def _told(self, actor: Actor, items: Sequence[Approval]) -> Sequence[InboxItem]:
        around = self._surroundings(actor, items)
        return [InboxItem(**around.of(item)) for item in items]

    async def card(self, actor: Actor, item: str) -> InboxCard:
        """One item with all that the decision is about. NotFound."""
        require(actor, Permission.APPROVAL_READ)
        return await self._core.in_thread(lambda: self._one(actor, self._approvals.find(actor, item)))

    def _one(self, actor: Actor, item: Approval) -> InboxCard:
        card = self._card(item, self._surroundings(actor, [item]))
        if card.box is not None:
            with self._core.records.reading() as session:
                card.box.waiting = boxes.waiting_in(session, actor, card.box.grid)
        return card

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

    def _surroundings(self, actor: Actor, items: Iterable[Approval]) -> Surroundings:
        return Surroundings(self._core, actor, items, concerned=self._approvals.concerned)

    def _card(self, item: Approval, around: Surroundings) -> InboxCard:
        told = around.of(item)
        plan = around.run(item.run_id).plan
        node = plan.nodes.get(node_of(item.path)) if plan else None
        if plan and node:
            told |= {"after": _after(plan, node), "on_expire": getattr(node.config, "on_expire", "expired")}
            if call := asked_call(item, node, lambda path: self._left_by(item.run_id, path)):
                told |= {"call": call, "after": [call.tool]}
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

    def _left_by(self, run_id: str, path: str) -> dict[str, Any]:
        done = self._done(run_id, path)
        return dict(done.outputs) if done else {}

    def _done(self, run_id: str, path: str, attempt: int | None = None) -> events.StepDone | None:
        rows = [row for row in self._core.reader.done(run_id, path) if attempt in (None, row.attempt)]
        event = codec.from_row(rows[-1], self._core.reader.blob) if rows else None
        return event if isinstance(event, events.StepDone) else None

    def _asked_again(self, item: Approval) -> str | None:
        later = select(Approval.id).where(Approval.run_id == item.run_id, Approval.path == item.path, Approval.attempt > item.attempt)
        with self._core.records.reading() as session:
            return session.exec(later.order_by(col(Approval.attempt).desc())).first()


def _counted(every: Sequence[Waiting], items: Sequence[InboxItem], *, total: int) -> InboxPage:
    mine, oldest = sum(one.is_mine for one in every), min((one.opened_at for one in every), default=None)
    others, oldest_at = len(every) - mine, None if oldest is None else iso(oldest)
    return InboxPage(items=[*items], total=total, mine=mine, others=others, oldest_at=oldest_at)


def beside(path: str, node: str) -> str:
    """The path of another node's step in the same visit or item."""
    return f"{path.rsplit('/', 1)[0]}/{node}" if "/" in path else node


def _after(plan: Plan, node: PlannedNode) -> Sequence[str]:
    """The steps behind `approved`, or behind a form that was filled in, until the track parts or ends."""
    titles: list[str] = []
    edges = node.edges.get("approved") or node.edges.get("submitted", ())
    while len(edges) == 1 and not edges[0].is_back and len(titles) < MOST_AFTER:
        following = plan.nodes[edges[0].target]
        titles.append(title_of(following))
        leaving = [found for found in following.edges.values() if found]
        edges = leaving[0] if len(leaving) == 1 else ()
    return titles
