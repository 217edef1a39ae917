"""The inbox: everything that waits for a person, and the decisions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlmodel import Session, col, or_, select

from engine.clock import iso
from engine.errors import AlreadyDecided, Invalid, NotAllowed, NotFound, SelfApproval, SignalboxError, StaleApproval
from engine.facade import cursors
from engine.facade.core import Core
from engine.facade.starting import parsed_limits
from engine.facade.views import ApprovalView, BatchResult, Decided, Page
from engine.facade.waiting import GONE, NEEDS, concerned_in, fitting, needed_for, refused
from engine.jsonvalue import NotJsonValue, check_json, loads_kept
from engine.people.permissions import Actor, Permission, require, require_one
from engine.run.happenings import Answered
from engine.storage.tables import Approval, Run, User, Version, Workflow

DECISIONS = {"approve": "approved", "reject": "rejected", "submit": "submitted"}
"""What the journal calls them; the other decisions have one name."""
ANY_DECISION = (Permission.APPROVAL_DECIDE, *NEEDS.values())
MAX_BATCH = 500
STATUSES = ("pending", "approved", "rejected", "expired", "acting", "done", "failed", "in_doubt", "void", "cancelled")


class Approvals:
    """Every call takes the actor first and checks its permission."""

    def __init__(self, core: Core) -> None:
        self._core = core

    async def list(
        self, actor: Actor, *, status: str | None = None, type: str | None = None, limit: int = 100, cursor: str | None = None
    ) -> Page[ApprovalView]:
        """The items, newest first; `status` and `type` are one, or several with commas."""
        require(actor, Permission.APPROVAL_READ)
        size = cursors.page_size(limit)
        statuses, kinds = status.split(",") if status else [], type.split(",") if type else []
        if any(asked not in STATUSES for asked in statuses):
            raise _problem("status", f"There are the statuses {', '.join(STATUSES)}.")
        found, following = await self._core.in_thread(lambda: self.page(actor, statuses, kinds=kinds, size=size, cursor=cursor))
        return Page(items=[approval_view(item) for item in found], next=following)

    def page(
        self, actor: Actor, statuses: Sequence[str], *, kinds: Sequence[str], size: int, cursor: str | None, query: str = ""
    ) -> tuple[Sequence[Approval], str | None]:
        """The stored rows of one page, and the cursor of the next; `query` is part of a title or a workflow's name. Blocks."""
        wanted = select(Approval).where(fitting(actor, kinds=kinds, query=query))
        wanted = wanted.where(col(Approval.status).in_(statuses)) if statuses else wanted
        if cursor:
            at, last = cursors.decode(cursor, parts=2)
            wanted = wanted.where(or_(col(Approval.opened_at) < at, (col(Approval.opened_at) == at) & (col(Approval.id) < last)))
        with self._core.records.reading() as session:
            found = session.exec(wanted.order_by(col(Approval.opened_at).desc(), col(Approval.id).desc()).limit(size + 1)).all()
        last_row = found[size - 1] if len(found) > size else None
        return found[:size], cursors.encode([last_row.opened_at, last_row.id]) if last_row else None

    async def get(self, actor: Actor, item: str) -> ApprovalView:
        """One item. NotFound."""
        require(actor, Permission.APPROVAL_READ)
        return await self._core.in_thread(lambda: approval_view(self.find(actor, item)))

    def find(self, actor: Actor, item: str) -> Approval:
        """The stored row. NotFound; blocks."""
        with self._core.records.reading() as session:
            found = session.exec(select(Approval).where(Approval.id == item, col(Approval.run_id).not_in(GONE))).first()
        if found is None or found.workspace_id != actor.workspace_id:
            raise NotFound(f"There is no inbox item {item[:80]}.")
        return found

    async def decide(self, actor: Actor, item: str, *, decision: str, digest: str, values: Any = None, reason: str = "") -> Decided:
        """Decides an item; the first answer counts.

        StaleApproval for another digest (checked first), AlreadyDecided with who and when, NotAllowed or SelfApproval for somebody
        whom the item does not name, Invalid for a decision that is none of its choices or values that are not editable.
        """
        require_one(actor, *ANY_DECISION)
        found = await self._core.in_thread(lambda: self._checked(actor, item, decision, digest, values, reason))
        answered = Answered(
            path=found.path,
            item=found.id,
            digest=digest,
            decision=DECISIONS.get(decision, decision),
            by=actor.user_id or actor.label,
            by_name=actor.name,
            by_email=actor.email,
            # The limits of an item of that type are absolute, as those that a run is resumed with.
            values=parsed_limits(values or {}) if found.type == "limit" else values or {},
            reason=reason,
            audit=self._core.audit_entry(
                actor,
                "approval.decide",
                found.id,
                {"decision": decision, "run": found.run_id, "digest": digest, "edited": sorted(values or {})},
            ),
        )
        try:
            await self._core.executor.deliver(found.run_id, answered)
        except AlreadyDecided as refused:
            error = refused
            raise await self._core.in_thread(lambda: self._who_was_faster(actor, item, error)) from None
        after = await self._core.in_thread(lambda: self.find(actor, item))
        return Decided(id=after.id, status=after.status, decision=after.decision, run_id=after.run_id)

    def _checked(self, actor: Actor, item: str, decision: str, digest: str, values: Any, reason: str) -> Approval:
        found = self.find(actor, item)
        require(actor, needed_for(found.type))
        if found.digest != digest:
            raise StaleApproval(details={"digest": found.digest})
        if found.status != "pending":
            raise self._told(found)
        card = loads_kept(found.card)
        if decision not in card["choices"]:
            raise _problem("decision", f"Choose one of {', '.join(card['choices'])}.")
        if values is not None and not isinstance(values, dict):
            raise _problem("values", "The values are a JSON object.")
        if len(reason) > 5000:
            raise _problem("reason", "At most 5,000 characters.")
        try:
            check_json(values)
        except NotJsonValue as error:
            raise _problem("values", str(error)) from None
        if (refusal := self.refusal(actor, found)) is not None:
            raise refusal
        return found

    def refusal(self, actor: Actor, item: Approval) -> NotAllowed | SelfApproval | None:
        """Why this actor may not decide this item, by whom it names and by four eyes; None if they may."""
        return refused(actor, loads_kept(item.approvers), self.concerned(item.run_id))

    def concerned(self, run_id: str) -> frozenset[str]:
        """Whom four eyes keep from deciding what this run asks. Blocks."""
        with self._core.records.reading() as session:
            run = session.get(Run, run_id)
            version = session.get(Version, (run.workflow_id, run.version)) if run and run.version is not None else None
            draft = session.get(Workflow, run.workflow_id) if run else None
        people = (run.started_by if run else "", version.edited_by if version else "", draft.updated_by if draft else "")
        return concerned_in(*people, version=run.version if run else None)

    def _who_was_faster(self, actor: Actor, item: str, error: AlreadyDecided) -> SignalboxError:
        found = self.find(actor, item)
        return error if found.status == "pending" else self._told(found)

    def _told(self, item: Approval) -> AlreadyDecided:
        with self._core.records.reading() as session:
            return _already(item, _name(session, item.decided_by))

    async def decide_many(self, actor: Actor, items: list[Any]) -> list[BatchResult]:
        """Decides each item on its own: `{id, decision, digest, values?, reason?}`; one refusal does not touch the others."""
        require_one(actor, *ANY_DECISION)
        if len(items) > MAX_BATCH:
            raise _problem("items", f"At most {MAX_BATCH} items at once.")
        results = []
        for entry in items:
            entry = entry if isinstance(entry, dict) else {}
            item = str(entry.get("id", ""))
            try:
                decided = await self.decide(
                    actor,
                    item,
                    decision=str(entry.get("decision", "")),
                    digest=str(entry.get("digest", "")),
                    values=entry.get("values"),
                    reason=str(entry.get("reason") or ""),
                )
                results.append(BatchResult(id=item, result=decided))
            except SignalboxError as error:
                results.append(BatchResult(id=item, error=error.as_json()))
        return results


def _name(session: Session, user_id: str | None) -> str:
    user = session.get(User, user_id) if user_id else None
    return user.email if user else (user_id or "nobody")


def _already(item: Approval, who: str = "") -> AlreadyDecided:
    if item.decided_at is None:
        return AlreadyDecided(f"This item is {item.status}: nobody needs to decide it any more.")
    who = who or item.decided_by or "nobody"
    return AlreadyDecided(
        f"{who} decided this at {iso(item.decided_at)}: {item.decision}.",
        details={"decided_by": item.decided_by, "decided_at": iso(item.decided_at), "decision": item.decision},
    )


def _problem(field: str, message: str) -> Invalid:
    return Invalid(f"{field}: {message}", details={"problems": [{"field": field, "message": message}]})


def approval_view(item: Approval) -> ApprovalView:
    """An item as the API shows it."""
    return ApprovalView(**shown(item))


def shown(item: Approval) -> dict[str, Any]:
    """The fields of an `ApprovalView`."""
    card = loads_kept(item.card)
    return dict(
        id=item.id,
        run_id=item.run_id,
        path=item.path,
        workflow=item.workflow_id,
        workflow_name=item.workflow_name,
        type=item.type,
        status=item.status,
        choices=card["choices"],
        title=item.title,
        message=card["message"],
        show=card["show"],
        action=card["action"],
        editable=card["editable"],
        fields=card.get("fields"),
        approvers=card["approvers"],
        votes=loads_kept(item.votes),
        digest=item.digest,
        opened_at=iso(item.opened_at),
        expires_at=iso(item.expires_at),
        decided_at=iso(item.decided_at),
        decided_by=item.decided_by,
        decision=item.decision,
        result=loads_kept(item.result) if item.result else None,
    )
