"""Writes a run's events as server-sent events (html.spec.whatwg.org/multipage/server-sent-events.html)."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing

from engine import EventView, TokenView

HEARTBEAT = b": still here\n\n"


async def frames(items: AsyncIterator[EventView | TokenView | None]) -> AsyncGenerator[bytes, None]:
    """One frame an item; ends with the items, and frees the watcher when the reader goes away."""
    # Sent at once, so that the reader knows that it is connected before anything happens.
    yield b"retry: 2000\n\n"
    # The engine declares an iterator; it is a generator, which has to be closed for its watcher to go.
    async with aclosing(items) as open_items:  # pyright: ignore[reportArgumentType]
        async for item in open_items:
            yield frame(item)


def frame(item: EventView | TokenView | None) -> bytes:
    """The frame of one item: a row of the journal carries its seq as id, a token carries none."""
    match item:
        case None:
            return HEARTBEAT
        case EventView():
            return f"id: {item.seq}\nevent: {item.type}\ndata: {item.model_dump_json()}\n\n".encode()
        case TokenView():
            # Shaped like every other event, so that a reader needs no second way to read it.
            event = {"seq": None, "type": "token", "at": item.at, "path": item.path, "data": {"text": item.text}}
            told = json.dumps(event, ensure_ascii=False)
            return f"event: token\ndata: {told}\n\n".encode("utf-8", "replace")
