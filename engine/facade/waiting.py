"""What waits for a person, what is due first standing first, and which of it a given person may decide."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlmodel import Session, and_, col, or_, select

from engine.errors import NotAllowed, SelfApproval
from engine.jsonvalue import loads_kept
from engine.people.permissions import Actor, Permission
from engine.storage.tables import Approval, Run, SweptRun, Version, Workflow

NEEDS = {"in_doubt": Permission.RUN_CONTROL, "limit": Permission.RUN_RAISE_LIMITS}
"""What deciding an item of this type is allowed by, where it is not the approvers' business."""
GONE = select(SweptRun.run_id)
"""Of a run that is being deleted nobody sees a part."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """One item that waits; `opened_at` in microseconds."""

    id: str
    run_id: str
    path: str
    type: str
    title: str
    opened_at: int
    is_mine: bool


def needed_for(type: str) -> Permission:
    """What deciding an item of this type needs."""
    return NEEDS.get(type, Permission.APPROVAL_DECIDE)


def waiting(session: Session, actor: Actor, wanted: Any) -> list[Waiting]:
    """Everything that waits among the items that `wanted`, a condition, picks."""
    names = (Approval.id, Approval.run_id, Approval.path, Approval.type, Approval.title)
    columns = (Approval.approvers, Approval.votes, Approval.opened_at, Run.version)
    people = (Run.started_by, Version.edited_by, Workflow.updated_by)
    looked = (
        select(*names, *columns, *people)  # pyright: ignore[reportCallIssue]
        .select_from(Approval)
        .outerjoin(Run, col(Run.run_id) == Approval.run_id)
        .outerjoin(Version, (col(Version.workflow_id) == Run.workflow_id) & (col(Version.version) == Run.version))
        .outerjoin(Workflow, col(Workflow.id) == Run.workflow_id)
        .where(wanted, Approval.status == "pending")
        .order_by(col(Approval.expires_at).is_(None), col(Approval.expires_at), col(Approval.opened_at), col(Approval.id))
    )
    found: list[Waiting] = []
    for id_, run_id, path, type_, title, approvers, votes, opened_at, version, *people in session.exec(looked):
        concerned = concerned_in(*people, version=version)
        refusal = refused(actor, loads_kept(approvers), concerned)
        has_voted = (actor.user_id or actor.label) in loads_kept(votes)
        is_mine = actor.may(needed_for(type_)) and refusal is None and not has_voted
        found.append(Waiting(id_, run_id, path, type_, title, opened_at, is_mine))
    return found


def concerned_in(started_by: str | None, edited_by: str | None, updated_by: str | None, *, version: int | None) -> frozenset[str]:
    """Whom four eyes keep from deciding: who started the run, and who edited what it runs."""
    # A test run of a draft has no version: whoever edited the draft last is concerned.
    return frozenset({started_by or "", (updated_by if version is None else edited_by) or ""})


def refused(actor: Actor, approvers: dict[str, Any], concerned: frozenset[str]) -> NotAllowed | SelfApproval | None:
    """Why this actor may not decide an item, by whom it names and by four eyes; None if they may."""
    roles, users = approvers.get("roles") or [], approvers.get("users") or []
    named = actor.email.lower() in {user.lower() for user in users} or actor.user_id in users
    holds = any(str(role) in roles for role in actor.roles)
    if (roles or users) and not named and not holds:
        who = ", ".join([*roles, *users])
        return NotAllowed(f"This item can be decided by: {who}.", hint="Ask one of them.")
    if approvers.get("four_eyes") and (actor.user_id or actor.label) in concerned:
        return SelfApproval()
    return None


def fitting(actor: Actor, *, kinds: Any, query: str) -> Any:
    """A condition: the workspace's items of these types (none: every type) whose title or workflow holds `query`."""
    wanted = [col(Approval.workspace_id) == actor.workspace_id, col(Approval.run_id).not_in(GONE)]
    if kinds:
        wanted.append(col(Approval.type).in_(kinds))
    if query:
        wanted.append(or_(*(col(c).icontains(query, autoescape=True) for c in (Approval.title, Approval.workflow_name))))
    return and_(*wanted)
