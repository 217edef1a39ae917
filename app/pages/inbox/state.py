"""The inbox's State: the list, the card that is open, what is being typed on it, and the last decision."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

import reflex as rx

from app.api.reading import Asking
from app.pages.inbox import asked
from app.pages.inbox.asked import Asked
from app.pages.inbox.cards import Card, Editable, Station, card, editables
from app.pages.inbox.evidence import action_facts
from app.pages.inbox.grid_state import Grid
from app.pages.inbox.rows import Request, grid_of, oldest, requests
from app.pages.inbox.values import TYPED, Fact, typed
from app.ui.actions import action
from app.ui.frame import Frame
from engine import InboxCard, InboxPage, Invalid, NotFound, Permission, SignalboxError

SHOWN = ("mine", "others", "decided")
WHOSE: dict[str, Literal["all", "mine", "others"]] = {"mine": "mine", "others": "others", "decided": "all"}
NEVER = "0"
"""Before every moment, as text."""
VIEWS = ("write", "changes", "original")
STEP = 100
MOST = 1000
GRID = "-"
"""Stands in the name of every grid, and in no id of an item."""


@dataclass(frozen=True)
class Notice:
    """What a person must know about the decision that was just tried."""

    tone: str = ""
    title: str = ""
    text: str = ""


@dataclass(frozen=True)
class Last:
    """The last decision made here."""

    id: str = ""
    title: str = ""
    stations: list[Station] = field(default_factory=list)
    is_moving: bool = False


class Inbox(rx.State):
    """What the page shows; whatever decides stands in the engine."""

    shown: rx.Field[str] = rx.field(default="mine")
    kind: rx.Field[str] = rx.field(default="")
    query: rx.Field[str] = rx.field(default="")
    rows: rx.Field[list[Request]] = rx.field(default_factory=list)
    mine: rx.Field[int] = rx.field(default=0)
    others: rx.Field[int] = rx.field(default=0)
    summary: rx.Field[str] = rx.field(default="")
    total: rx.Field[int] = rx.field(default=0)
    """Of the list that is shown, whether drawn or not."""
    most: rx.Field[int] = rx.field(default=STEP)
    """How many of them are drawn."""
    is_loaded: rx.Field[bool] = rx.field(default=False)
    is_open: rx.Field[bool] = rx.field(default=False)
    is_missing: rx.Field[bool] = rx.field(default=False)
    grid: rx.Field[str] = rx.field(default="")
    """The grid that is open instead of a card."""
    here: rx.Field[str] = rx.field(default="")
    """The row that is open."""
    place: rx.Field[str] = rx.field(default="")
    next_id: rx.Field[str] = rx.field(default="")
    next_title: rx.Field[str] = rx.field(default="")
    card: rx.Field[Card] = rx.field(default_factory=Card)
    fields: rx.Field[list[Editable]] = rx.field(default_factory=list)
    asked: rx.Field[list[Asked]] = rx.field(default_factory=list)
    edited: rx.Field[int] = rx.field(default=0)
    preview: rx.Field[list[Fact]] = rx.field(default_factory=list)
    view: rx.Field[str] = rx.field(default="write")
    notice: rx.Field[Notice] = rx.field(default_factory=Notice)
    last: rx.Field[Last] = rx.field(default_factory=Last)
    _card: InboxCard | None = None
    _typed: rx.Field[dict[str, str]] = rx.field(default_factory=dict)
    _problems: rx.Field[dict[str, str]] = rx.field(default_factory=dict)
    _newest: str = ""
    """When the last item came that was there when this list was first shown; empty before that."""
    _new: rx.Field[set[str]] = rx.field(default_factory=set)
    _at: int = 0

    @action(Permission.APPROVAL_READ)
    async def load(self, asking: Asking) -> None:
        """The list, as it is filtered; what waits in one box is one row."""
        inbox, who, whose, query = asking.engine.inbox, asking.actor, WHOSE[self.shown], self.query.strip()
        if self.shown == "decided":
            wanted = inbox.list(who, is_waiting=False, type=self.kind, query=query, limit=self.most)
        else:
            wanted = inbox.rows(who, whose=whose, type=self.kind, query=query, limit=self.most)
        self._take_rows(await asking.ask(wanted), now=asking.engine.now())

    @action(Permission.APPROVAL_READ)
    async def show_more(self, asking: Asking) -> Any:
        """Those behind the ones that are drawn, too."""
        self.most = min(self.most + STEP, MOST)
        return Inbox.load

    @action(Permission.APPROVAL_READ)
    async def open(self, asking: Asking) -> Any:
        """The card or the grid that the address names, else the first of the list."""
        named = self._named()
        self.is_missing, self.is_open, wanted = False, bool(named), named or (self.rows[0].key if self.rows else "")
        before, self.grid = self.grid or self.card.grid, wanted if GRID in wanted else ""
        if not wanted or wanted != self.card.id:
            self._put_away()
        if self.grid:
            self._find_next()
            return Grid.open(self.grid, before == self.grid)
        try:
            if wanted:
                self._take_card(await asking.ask(asking.engine.inbox.card(asking.actor, wanted)), asking)
        except NotFound:
            self.is_missing = True
        return None

    @action(Permission.APPROVAL_READ)
    async def refresh(self, asking: Asking) -> None:
        """The open card once more: its action may have run, or somebody else may have decided."""
        if self.card.id:
            self._take_card(await asking.ask(asking.engine.inbox.card(asking.actor, self.card.id)), asking)

    @action(Permission.APPROVAL_READ)
    async def follow(self, asking: Asking) -> None:
        """The last decision once more, as long as its action is on its way."""
        if self.last.is_moving:
            self._take_last(await asking.ask(asking.engine.inbox.card(asking.actor, self.last.id)), asking)

    @action(Permission.APPROVAL_READ)
    async def show(self, asking: Asking, shown: str) -> Any:
        """Another part of the list."""
        self.shown = shown if shown in SHOWN else "mine"
        self._start_anew()
        return [Inbox.load, Inbox.open]

    @action(Permission.APPROVAL_READ)
    async def by_kind(self, asking: Asking, kind: str) -> Any:
        """Only requests of one type; empty: every type."""
        self.kind = str(kind)[:40]
        self._start_anew()
        return Inbox.load

    @action(Permission.APPROVAL_READ)
    async def search(self, asking: Asking, query: str) -> Any:
        """Only requests whose title or workflow holds this text."""
        self.query = str(query)[:200]
        self._start_anew()
        return Inbox.load

    @action(Permission.APPROVAL_READ)
    async def look(self, asking: Asking, view: str) -> None:
        """The text to write in, what was changed, or what it was."""
        self.view = view if view in VIEWS else "write"

    @action(Permission.APPROVAL_READ)
    async def type(self, asking: Asking, name: str, text: str) -> None:
        """What is being typed: shows how it differs, and what the action would do with it."""
        if self._card is None or name not in self._card.editable or not isinstance(text, str):
            return
        self._typed[name] = text
        await self._try_out(asking, self._card)

    @action(Permission.APPROVAL_DECIDE)
    async def approve(self, asking: Asking, form: dict[str, Any]) -> Any:
        """Allows exactly what the card shows, with what was edited."""
        values, self._problems = typed(self._card.editable if self._card else {}, form)
        if self._problems:
            self._tell(Notice("failed", "Nothing was decided yet", "Correct what is marked, then approve again. Everything typed is kept."))
            return None
        return await self._decide(asking, form, "approve", values=values)

    @action(Permission.APPROVAL_DECIDE)
    async def reject(self, asking: Asking, form: dict[str, Any]) -> Any:
        """Refuses, and says why."""
        return await self._decide(asking, form, "reject")

    @action(Permission.APPROVAL_DECIDE)
    async def fill_in(self, asking: Asking, form: dict[str, Any]) -> Any:
        """Sends a form with what was filled in."""
        return await self._answer(asking, form, "submit")

    @action(Permission.RUN_CONTROL)
    async def say_what_happened(self, asking: Asking, form: dict[str, Any]) -> Any:
        """Says what came of a call in doubt: it happened, with this result; it did not, and runs now; it did not, and fails."""
        return await self._answer(asking, form, str(form.get("choice", "")), fills_in="done")

    @action(Permission.RUN_RAISE_LIMITS)
    async def answer_limit(self, asking: Asking, form: dict[str, Any]) -> Any:
        """Says how a run goes on that has met a limit."""
        return await self._answer(asking, form, str(form.get("choice", "")), fills_in="extend")

    @action(Permission.APPROVAL_DECIDE)
    async def choose(self, asking: Asking, form: dict[str, Any]) -> Any:
        """Decides a request of a type without a card of its own by one of its choices."""
        return await self._decide(asking, form, str(form.get("choice", "")))

    @action(Permission.APPROVAL_READ)
    async def dismiss(self, asking: Asking) -> None:
        """Puts the notice away."""
        self.notice = Notice()

    # What the handlers share

    def _named(self) -> str:
        return str(getattr(self, "item", "") or "")

    def _put_away(self) -> None:
        self.card, self._card, self.fields, self.asked, self.preview = Card(), None, [], [], []
        self._typed, self._problems = {}, {}
        self.view, self.edited, self.notice = "write", 0, Notice()

    def _tell(self, notice: Notice) -> None:
        self.notice = notice
        if self._card is not None:
            self._take_fields(self._card)

    def _start_anew(self) -> None:
        self._newest, self.most = "", STEP

    def _take_rows(self, found: InboxPage, *, now: Any) -> None:
        items = found.items
        if self.shown != "decided":
            # What came while somebody looks is new, until it is opened.
            names = {item.id: grid_of(item) or item.id for item in items}
            known = {row.grid for row in self.rows}
            came = {names[item.id] for item in items if self._newest and (item.opened_at or "") > self._newest}
            self._new = (self._new | came - known) & set(names.values()) - {self.card.id, self.card.grid, self.grid}
            self._newest = max([self._newest or NEVER, *(item.opened_at or "" for item in items)])
            self.mine, self.others = found.mine or 0, found.others or 0
            self.summary = oldest(self.mine + self.others, found.oldest_at, now=now)
        self.rows = requests(items, now=now, new=self._new)
        self.total, self.is_loaded = found.total, True
        self._find_next()

    def _find_next(self) -> None:
        grid = self.grid or self.card.grid
        here = next((at for at, row in enumerate(self.rows) if (row.grid == grid if grid else row.id == self.card.id)), None)
        if here is not None:
            self._at = here
        self.here, self.place = ("", "") if here is None else (self.rows[here].key, f"{here + 1} of {self.total}")
        others = [row for row in self.rows if row.key != self.here]
        following = others[min(self._at, len(others) - 1)] if others else None
        self.next_id, self.next_title = (following.key, following.title) if following else ("", "")

    def _take_card(self, item: InboxCard, asking: Asking) -> None:
        if self._card is not None and self._card.id == item.id and self._card.digest != item.digest:
            self.notice = CHANGED
        self._card = item
        self.card = card(item, me=asking.actor, now=asking.engine.now())
        self._new -= {item.id, self.card.grid}
        self._take_fields(item)
        self._find_next()
        if item.id == self.last.id:
            self._take_last(item, asking)

    def _take_fields(self, item: InboxCard) -> None:
        # The numbers of a limit are asked for beside the answer that they belong to.
        self.fields = editables(item, self._typed, self._problems) if item.type != "limit" else []
        self.asked = asked.asked(item, self._problems)
        self.edited = sum(bool(found.edits) for found in self.fields)
        if not self.edited:
            self.preview = []

    def _take_last(self, item: InboxCard, asking: Asking) -> None:
        told = card(item, me=asking.actor, now=asking.engine.now())
        self.last = Last(item.id, told.title, told.stations, told.is_moving)

    async def _try_out(self, asking: Asking, item: InboxCard) -> None:
        """Works the action out with what was typed; the card shows that instead."""
        values, self._problems = typed(item.editable, {f"{TYPED}{name}": text for name, text in self._typed.items()})
        self._take_fields(item)
        try:
            shown = await asking.ask(asking.engine.inbox.preview(asking.actor, item.id, values)) if values else None
            self.preview = action_facts(item, shown["config"]) if shown else []
        except Invalid as error:
            self._tell(Notice("failed", "It cannot run like this", error.message))

    async def _answer(self, asking: Asking, form: dict[str, Any], decision: str, *, fills_in: str = "submit") -> Any:
        """Answers a request that is no approval; `fills_in` is the decision that what was filled in belongs to."""
        if not decision:
            self._tell(Notice("failed", "Nothing was sent yet", "Choose one of the answers first."))
            return None
        values: dict[str, Any] = {}
        if decision == fills_in and self._card is not None:
            values, self._problems = asked.answers(self._card, form)
        if self._problems and decision == fills_in:
            self._tell(NOT_SENT)
            return None
        return await self._decide(asking, form if decision == "fail" else form | {"reason": ""}, decision, values=values)

    async def _decide(self, asking: Asking, form: dict[str, Any], decision: str, *, values: dict[str, Any] | None = None) -> Any:
        """Sends what was seen along; whatever is refused is told, and the card is shown as it is now."""
        item, digest, reason = (str(form.get(name, "")) for name in ("item", "digest", "reason"))
        self.notice, self._at = Notice(), next((at for at, row in enumerate(self.rows) if row.id == item), 0)
        decide = asking.engine.approvals.decide
        try:
            await asking.ask(decide(asking.actor, item, decision=decision, digest=digest, values=values or None, reason=reason.strip()))
            self.last = Last(item)
        except SignalboxError as refused:
            self._problems = asked.refused(refused.details.get("problems"), self._card) if self._card else {}
            self.notice = NOT_SENT if self._problems else _refusal(refused)
        fresh = await asking.ask(asking.engine.inbox.card(asking.actor, item))
        if fresh.asked_again and fresh.decided_by == (asking.actor.user_id or asking.actor.label):
            # What would run is not what was seen: the fresh card is shown at once, with everything that was typed.
            self.notice, self.last = CHANGED, Last()
            fresh = await asking.ask(asking.engine.inbox.card(asking.actor, fresh.asked_again))
        self._take_card(fresh, asking)
        if fresh.status == "pending" and fresh.type == "approval":
            await self._try_out(asking, fresh)
        return [Inbox.load, Frame.count]


NOT_SENT = Notice("failed", "Nothing was sent yet", "Correct what is marked, then send it again. Everything typed is kept.")
CHANGED = Notice(
    "limit",
    "What would run has changed since you looked",
    "Nothing was done. The card shows what would run now; what you typed is still there. Look at it and decide again.",
)


def _refusal(error: SignalboxError) -> Notice:
    match error.code:
        case "stale_approval":
            return CHANGED
        case "already_decided":
            return Notice(
                "limit", "Your decision came too late", "It was decided before: nothing of yours was used, and nothing of it is lost."
            )
        case _:
            return Notice("failed", "Nothing was decided", f"{error.message} {error.next_step}".strip())


PULSE: list[Any] = [Inbox.load, Inbox.refresh, Inbox.follow]
"""What is asked again while somebody looks."""
