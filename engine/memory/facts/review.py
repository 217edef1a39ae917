"""What a person is asked about the memory: items of the inbox that belong to no run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlmodel import col, func, select

from engine.jsonvalue import digest, dumps, loads_kept
from engine.memory.facts.desk import Desk
from engine.memory.scope import Scope, Sensitivity, Visibility
from engine.storage.tables import Approval

TYPE = "memory"
NO_RUN = ""
KEEP_OLD, TAKE_NEW, BOTH = "keep_old", "take_new", "both"
ACCEPT, REJECT = "accept", "reject"
MERGE, KEEP_APART = "merge", "keep_apart"
AGAINST, ALONE, TWINS = (KEEP_OLD, TAKE_NEW, BOTH), (ACCEPT, REJECT), (MERGE, KEEP_APART)


def fact_path(fact_id: str) -> str:
    """What an item about a fact is filed under."""
    return f"facts/{fact_id}"


def twins_path(one: str, other: str) -> str:
    """What an item about two entities is filed under."""
    return f"entities/{one}/{other}"


def is_open_to_all(scope: Scope, sensitivity: int) -> bool:
    """Whether everybody who sees the inbox may read it there: else the item only says where to look."""
    is_own = scope.visibility is Visibility.PRIVATE and scope.owner.startswith("user:")
    return sensitivity <= Sensitivity.INTERNAL and not is_own


def ask(desk: Desk, path: str, title: str, message: str, show: dict[str, Any], choices: Sequence[str]) -> str:
    """Puts an item into the inbox, bound to exactly this; one that asked about it before is void. Its id."""
    close(desk, path, status="void")
    card = {"choices": [*choices], "message": message, "show": show, "action": None, "editable": {}, "approvers": {}}
    before = desk.session.exec(select(func.count()).select_from(Approval).where(Approval.run_id == NO_RUN, Approval.path == path)).one()
    item = Approval(
        id=desk.ids.new("apr"), workspace_id=desk.workspace_id, run_id=NO_RUN, path=path, attempt=before + 1, workflow_id="",
        workflow_name="Memory", type=TYPE, status="pending", title=title, card=dumps(card).decode(),
        digest=digest([path, title, card]), approvers="{}", opened_at=desk.now_us,
    )  # fmt: skip
    desk.session.add(item)
    desk.session.flush()
    return item.id


def waiting_item(desk: Desk, path: str) -> Approval | None:
    """The item that asks about it now."""
    wanted = select(Approval).where(Approval.run_id == NO_RUN, Approval.path == path, Approval.status == "pending")
    return desk.session.exec(wanted.order_by(col(Approval.attempt).desc())).first()


def close(desk: Desk, path: str, *, status: str, decision: str = "", result: Any = None) -> None:
    """Nobody has to decide it any more: it was decided, here or elsewhere, or what it asked about is gone."""
    item = waiting_item(desk, path)
    if item is None:
        return
    item.status = status
    if decision:
        item.decided_at, item.decided_by, item.decision = desk.now_us, desk.by, decision
    item.result = None if result is None else dumps(result).decode()
    desk.session.add(item)
    desk.session.flush()


def choices_of(item: Approval) -> list[str]:
    """What can be decided."""
    return [*loads_kept(item.card)["choices"]]
