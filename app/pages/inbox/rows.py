"""The inbox's rows, told in words: plain text only, for this is what goes to the browser."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from app.pages.inbox import telling
from app.pages.inbox.values import as_words, plain
from app.ui import words
from app.ui.words import Tone
from engine import ApprovalView, InboxItem

ITEM_TONES: dict[str, Tone] = {
    "pending": Tone("waiting", "Waiting"),
    "approved": Tone("done", "Approved"),
    "acting": Tone("running", "Running"),
    "done": Tone("done", "Done"),
    "failed": Tone("failed", "Failed"),
    "in_doubt": Tone("doubt", "In doubt"),
    "rejected": Tone("skipped", "Rejected"),
    "expired": Tone("skipped", "Expired"),
    "void": Tone("skipped", "Asked again"),
    "cancelled": Tone("skipped", "Not needed"),
}
AT_STAKE = ("at_stake", "at_risk", "amount")
"""Names under which a workflow shows what a decision is worth."""
TITLELESS = "A decision is needed"
SOON = timedelta(days=1)


@dataclass(frozen=True)
class Request:
    """One line of the list. `group` is the heading above it, only in the first line of each group."""

    id: str
    key: str
    """What the line opens: the item, or the grid of all those that it stands for."""
    grid: str
    """The grid that the item would stand in, alone or not."""
    title: str
    workflow: str
    step: str
    tone: str
    word: str
    told: str = ""
    stake: str = ""
    due: str = ""
    group: str = ""
    is_mine: bool = False
    is_new: bool = False


def item_tone(item: ApprovalView) -> Tone:
    """Of an item: while it waits, what kind of thing waits; then what came of it."""
    if item.status == "pending" and item.type != "approval":
        return words.waiting_tone(item.type)
    if item.status == "done" and item.decision in telling.DECIDED and item.type != "approval":
        return telling.DECIDED[item.decision]
    return ITEM_TONES.get(item.status, Tone("skipped", item.status.replace("_", " ").capitalize()))


def stake(item: InboxItem) -> str:
    """What the decision is worth where the workflow says it, else what the run has cost so far."""
    named = next((item.show[name] for name in AT_STAKE if item.show.get(name) is not None), None)
    return as_words(named)[:24] if named is not None else words.used_of(item.spent, item.limits)


def request(item: InboxItem, *, now: datetime, is_new: bool = False) -> Request:
    """One item as a row."""
    tone, is_pending = item_tone(item), item.status == "pending"
    quorum = int(item.approvers.get("quorum", 1) or 1)
    return Request(
        id=item.id,
        key=item.id,
        grid=grid_of(item),
        title=plain(telling.title(item)) or TITLELESS,
        workflow=item.workflow_name or item.workflow,
        step=item.agent or item.step,
        tone=tone.name,
        word=f"{tone.word} {length_since(item.opened_at, now=now)}".strip() if is_pending else tone.word,
        told=f"{len(item.votes)} of {quorum} agreed" if is_pending and quorum > 1 else "",
        stake=stake(item),
        due=_due(item, now=now) if is_pending else words.ago(item.decided_at, now=now),
        group=_group(item, now=now),
        is_mine=item.may_decide,
        is_new=is_new,
    )


def grid_of(item: InboxItem) -> str:
    """The grid that a waiting item belongs to, if it does."""
    return item.box.grid if item.box is not None and item.status == "pending" else ""


def together(items: list[InboxItem], *, now: datetime, new: set[str]) -> Request:
    """What waits in one box as a row; a single one is a row like any other."""
    first, box = items[0], items[0].box
    row = request(first, now=now, is_new=(grid_of(first) or first.id) in new)
    number = max(len(items), box.waiting) if box is not None else 1
    if box is None or number == 1:
        return row
    titles = {item.title for item in items}
    asks = box.asks or (first.title if len(titles) == 1 else first.step)
    oldest_at = min(filter(None, (box.oldest_at, *(item.opened_at for item in items))), default=None)
    does = "to decide" if first.may_decide else "waiting"
    return replace(
        row,
        key=box.grid,
        title=f"{plain(asks) or TITLELESS} · {number:,} {does}",
        step=plain(box.title),
        word=f"{item_tone(first).word} {length_since(oldest_at, now=now)}".strip(),
        told="test run" if first.mode == "test" else f"run of version {first.version}" if first.version else "",
        stake=words.used_of(first.spent, first.limits),
    )


def length_since(moment: str | None, *, now: datetime) -> str:
    """`4 min`; nothing for no moment."""
    return words.length((now - datetime.fromisoformat(moment)).total_seconds()) if moment else ""


def _due(item: InboxItem, *, now: datetime) -> str:
    return words.left(item.expires_at, now=now).removeprefix("Due in ")


def _group(item: InboxItem, *, now: datetime) -> str:
    if item.status != "pending":
        return "No longer waiting"
    if item.expires_at is None:
        return "No due time"
    return "Due within a day" if datetime.fromisoformat(item.expires_at) - now <= SOON else "Later"


def requests(items: list[InboxItem], *, now: datetime, new: set[str]) -> list[Request]:
    """All rows: what is due first stands first, what waits without a due time last; each group has its heading once.

    The approvals of one box are one row. `new` holds ids of items, and names of grids.
    """
    far = "9999"
    waiting = sorted((i for i in items if i.status == "pending"), key=lambda i: (i.expires_at or far, i.opened_at or ""))
    boxes: dict[str, list[InboxItem]] = {}
    for item in waiting:
        boxes.setdefault(grid_of(item) or item.id, []).append(item)
    rows = [together(ones, now=now, new=new) for ones in boxes.values()]
    rows += [request(item, now=now, is_new=item.id in new) for item in items if item.status != "pending"]
    seen: set[str] = set()
    told: list[Request] = []
    for row in rows:
        told.append(row if row.group not in seen else replace(row, group=""))
        seen.add(row.group)
    return told


def oldest(number: int, first: str | None, *, now: datetime) -> str:
    """`3 open, oldest 3 h`."""
    return f"{number:,} open, oldest {length_since(first, now=now)}" if number else "Nothing is open"
