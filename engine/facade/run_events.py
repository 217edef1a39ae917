"""The events of a run: read from its journal and nothing else, listed and watched as they become durable."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from engine.clock import iso
from engine.errors import NotFound
from engine.facade import cursors
from engine.facade.core import Core
from engine.facade.run_views import event_json, event_view
from engine.facade.views import EventView, Page, RunDocument, TokenView
from engine.jsonvalue import loads
from engine.people.permissions import Actor, Permission, require
from engine.run import codec, events
from engine.run.live import RUN_ENDED, Token
from engine.run.loading import whole_or_gone
from engine.storage.journal import Row

HEARTBEAT_S = 15.0
AT_ONCE = 500
"""Rows that a watcher is handed before the next are read: a long run must not be held in memory as a whole."""


class RunEvents:
    """Every call takes the actor first and checks its permission; none reads any other row about the run than its journal's."""

    def __init__(self, core: Core) -> None:
        self._core = core

    async def events(self, actor: Actor, run_id: str, *, after: int = 0, limit: int = 100, is_whole: bool = True) -> Page[EventView]:
        """Journal rows behind `after`; the cursor is the last seq.

        Unless `is_whole`, in place of a body over 8 kB stands `{$ref, field, bytes}`: the address that has it in that field.
        """
        require(actor, Permission.RUN_READ)
        size = cursors.page_size(limit)
        return await self._core.in_thread(lambda: self._page(actor, run_id, after, size, is_whole))

    async def events_json(self, actor: Actor, run_id: str, *, after: int = 0, limit: int = 100, is_whole: bool = True) -> bytes:
        """The same page as JSON, `{"items", "next"}`, without the detour over objects."""
        require(actor, Permission.RUN_READ)
        size = cursors.page_size(limit)
        return await self._core.in_thread(lambda: self._page_json(actor, run_id, after, size, is_whole))

    async def event(self, actor: Actor, run_id: str, seq: int) -> EventView:
        """One journal row with its bodies whole. NotFound."""
        require(actor, Permission.RUN_READ)
        page = await self._core.in_thread(lambda: self._page(actor, run_id, seq - 1, 1, is_whole=True))
        if not page.items or page.items[0].seq != seq:
            raise NotFound(f"The run has no event {seq}.")
        return page.items[0]

    async def document(self, actor: Actor, run_id: str) -> RunDocument:
        """What the run runs, as it was when the run started: a version's document, or the draft's of a test run. NotFound."""
        require(actor, Permission.RUN_READ)
        require(actor, Permission.WORKFLOW_READ)
        return await self._core.in_thread(lambda: self._document(actor, run_id))

    async def watch(
        self, actor: Actor, run_id: str, *, after: int = 0, is_whole: bool = True
    ) -> AsyncIterator[EventView | TokenView | None]:
        """Journal rows behind `after` as they become durable, model text as it is written, None every 15 s; ends with the run.

        Iterated on the caller's own event loop.
        """
        require(actor, Permission.RUN_READ)
        watcher = self._core.hub.watch(run_id)
        last = after
        try:
            while True:
                while items := (await asyncio.to_thread(self._page, actor, run_id, last, AT_ONCE, is_whole)).items:
                    for item in items:
                        last = item.seq
                        yield item
                # Asked of the journal itself: a run that has ended may go on again when somebody resumes it.
                if await asyncio.to_thread(self._is_over, run_id, last):
                    return
                async for token in self._tokens(watcher):
                    yield token
        finally:
            self._core.hub.leave(run_id, watcher)

    def _is_over(self, run_id: str, last: int) -> bool:
        head = self._core.reader.journal_head(run_id)
        return head is None or (head.kind == RUN_ENDED and last >= head.seq)

    async def _tokens(self, watcher: Any) -> AsyncIterator[TokenView | None]:
        """Tokens until a row was written; None when nothing came for a while."""
        while True:
            while watcher.items:
                item = watcher.items.popleft()
                if not isinstance(item, Token):
                    # Rows are read from the journal: it knows them in order and without gaps.
                    watcher.items = type(watcher.items)(i for i in watcher.items if isinstance(i, Token))
                    return
                yield TokenView(at=iso(self._core.clock.now_us()), path=item.path, text=item.text)
            watcher.wake.clear()
            try:
                async with asyncio.timeout(HEARTBEAT_S):
                    await watcher.wake.wait()
            except TimeoutError:
                yield None
                return

    def _page(self, actor: Actor, run_id: str, after: int, size: int, is_whole: bool) -> Page[EventView]:
        with whole_or_gone(self._core.reader, run_id):
            rows = self._rows(actor, run_id, after, size)
            views = [event_view(row, self._decoded_row(row), address=_address(run_id, row, is_whole)) for row in rows[:size]]
        return Page(items=views, next=str(views[-1].seq) if len(rows) > size else None)

    def _page_json(self, actor: Actor, run_id: str, after: int, size: int, is_whole: bool) -> bytes:
        with whole_or_gone(self._core.reader, run_id):
            rows = self._rows(actor, run_id, after, size)
            items = b",".join(event_json(row, self._decoded_row, address=_address(run_id, row, is_whole)) for row in rows[:size])
        following = b'"%d"' % rows[size - 1].seq if len(rows) > size else b"null"
        return b'{"items":[' + items + b'],"next":' + following + b"}"

    def _rows(self, actor: Actor, run_id: str, after: int, size: int) -> list[Row]:
        self._known(actor, run_id)
        return self._core.reader.rows(run_id, after=after, limit=size + 1)

    def _decoded_row(self, row: Row) -> events.Event:
        return codec.from_row(row, self._core.reader.blob)

    def _known(self, actor: Actor, run_id: str) -> None:
        head = self._core.reader.journal_head(run_id)
        if head is None or head.workspace_id != actor.workspace_id:
            raise NotFound(f"There is no run {run_id[:80]}.")

    def _document(self, actor: Actor, run_id: str) -> RunDocument:
        self._known(actor, run_id)
        with whole_or_gone(self._core.reader, run_id):
            first = codec.from_row(self._core.reader.rows(run_id, limit=1)[0], self._core.reader.blob)
        found = first.hash if isinstance(first, events.RunStarted) else ""
        body = self._core.reader.document(found)
        if body is None:
            raise NotFound("What this run ran is not stored here any more.")
        return RunDocument(hash=found, document=loads(body))


def _address(run_id: str, row: Row, is_whole: bool) -> str | None:
    return None if is_whole else f"/api/v1/runs/{run_id}/events/{row.seq}"
