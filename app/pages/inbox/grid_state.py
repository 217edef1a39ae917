"""The State of a grid: the lines of one page, what was just refused on them, and what the actions would do with what is typed."""

from __future__ import annotations

from typing import Any

import reflex as rx

from app.api.reading import Asking
from app.pages.inbox import grids
from app.pages.inbox.grids import Column, Head, Line
from app.pages.inbox.values import TYPED, Fact, facts, typed
from app.ui.actions import action
from engine import InboxCard, InboxGrid, Invalid, NotFound, Permission

CHANGED = "What would run has changed since you looked. The line shows what would run now."


class Grid(rx.State):
    """What the grid shows; whatever decides stands in the engine."""

    name: rx.Field[str] = rx.field(default="")
    is_missing: rx.Field[bool] = rx.field(default=False)
    head: rx.Field[Head] = rx.field(default_factory=Head)
    shows: rx.Field[list[Column]] = rx.field(default_factory=list)
    edits: rx.Field[list[Column]] = rx.field(default_factory=list)
    lines: rx.Field[list[Line]] = rx.field(default_factory=list)
    at: rx.Field[int] = rx.field(default=0)
    """How many lines stand before those that are drawn."""
    total: rx.Field[int] = rx.field(default=0)
    waiting: rx.Field[int] = rx.field(default=0)
    is_moving: rx.Field[bool] = rx.field(default=False)
    problems: rx.Field[dict[str, str]] = rx.field(default_factory=dict)
    """What was refused, by the line."""
    previews: rx.Field[dict[str, list[Fact]]] = rx.field(default_factory=dict)
    """What the action would do with what is typed, by the line."""
    answered: rx.Field[int] = rx.field(default=0)
    """How many decisions were answered: the page knows by it that one is."""
    said: rx.Field[str] = rx.field(default="")
    _items: rx.Field[dict[str, InboxCard]] = rx.field(default_factory=dict)
    _seen: rx.Field[set[str]] = rx.field(default_factory=set)
    """Lines that were drawn; they stay when they are decided."""

    @action(Permission.APPROVAL_READ)
    async def open(self, asking: Asking, name: str, is_same: bool) -> None:
        """The grid of this name; coming back from one of its cards finds it as it was."""
        if name != self.name or not is_same:
            self._start_anew(name)
        await self._look(asking)

    @action(Permission.APPROVAL_READ)
    async def refresh(self, asking: Asking) -> None:
        """Its lines once more: actions may have run, and somebody else may have decided."""
        if self.name and not self.is_missing:
            await self._look(asking)

    @action(Permission.APPROVAL_READ)
    async def turn(self, asking: Asking, by: int) -> None:
        """Other lines: `by` pages further on, or back."""
        self.at = max(0, self.at + (1 if by > 0 else -1) * grids.PAGE)
        self.problems, self.previews = {}, {}
        await self._look(asking)

    @action(Permission.APPROVAL_READ)
    async def type(self, asking: Asking, item: str, name: str, texts: dict[str, Any]) -> None:
        """What is being typed on a line: shows what its action would do with it."""
        found = self._items.get(str(item))
        if found is not None and name in found.editable:
            await self._try_out(asking, found, texts)

    @action(Permission.APPROVAL_DECIDE)
    async def decide(self, asking: Asking, form: dict[str, Any]) -> None:
        """Decides lines that are shown, each as it was seen; what is refused is told on its line."""
        sent, problems = grids.decisions(form, self._items)
        results = await asking.ask(asking.engine.approvals.decide_many(asking.actor, [one.as_entry() for one in sent]))
        problems |= {one.id: grids.refusal(one.error) for one in results if one.error is not None}
        named = {one.id for one in sent} | set(problems)
        self.problems = {item: told for item, told in self.problems.items() if item not in named} | problems
        self.said = grids.told(str(form.get("decision", "")), len(named) - len(problems), len(problems))
        await self._look(asking)
        self.answered += 1

    # What the handlers share

    def _start_anew(self, name: str) -> None:
        self.name, self.at, self.said = str(name)[:200], 0, ""
        self.problems, self.previews, self._items, self._seen = {}, {}, {}, set()
        self.head, self.lines, self.shows, self.edits = Head(), [], [], []

    async def _look(self, asking: Asking) -> None:
        wanted = asking.engine.inbox.grid(asking.actor, self.name, seen=frozenset(self._seen), at=self.at, limit=grids.PAGE)
        try:
            self._take(await asking.ask(wanted), asking)
            self.is_missing = False
        except NotFound:
            self.is_missing = True

    def _take(self, grid: InboxGrid, asking: Asking) -> None:
        now = asking.engine.now()
        items = {item.id: item for item in grid.items}
        changed = {id_ for id_, item in items.items() if id_ in self._items and self._items[id_].digest != item.digest}
        if changed:
            self.problems = self.problems | dict.fromkeys(changed, CHANGED)
        waiting = {id_ for id_, item in items.items() if item.status == "pending"}
        self.previews = {id_: told for id_, told in self.previews.items() if id_ in waiting}
        self._items, self._seen = items, self._seen | waiting
        self.head, self.lines = grids.head(grid, now=now), grids.lines(grid, me=asking.actor, now=now)
        self.shows, self.edits = grids.shown_columns(grid), grids.edited_columns(grid)
        self.at, self.total, self.waiting = grid.at, grid.total, grid.waiting
        self.is_moving = any(line.is_moving for line in self.lines)

    async def _try_out(self, asking: Asking, item: InboxCard, texts: dict[str, Any]) -> None:
        values, wrong = typed(item.editable, {f"{TYPED}{name}": text for name, text in texts.items()})
        told = {id_: text for id_, text in self.problems.items() if id_ != item.id}
        preview = {id_: shown for id_, shown in self.previews.items() if id_ != item.id}
        try:
            shown = await asking.ask(asking.engine.inbox.preview(asking.actor, item.id, values)) if values and not wrong else None
            if shown is not None:
                preview[item.id] = facts(shown["config"])
        except Invalid as error:
            told[item.id] = f"It cannot run like this. {error.message}"
        if wrong:
            told[item.id] = grids.mistakes(wrong)
        self.problems, self.previews = told, preview
