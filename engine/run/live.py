"""Who watches which run: journal rows after they are durable, and model text while it is written."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from engine.run.events import RunEnded, kind_of
from engine.storage.journal import Row

MAX_WAITING = 1000
RUN_ENDED = kind_of(RunEnded())


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of text that a model is writing; never stored as such."""

    path: str
    text: str


@dataclass(slots=True)
class Watcher:
    """One reader's queue; a reader that falls behind is told to read the journal again."""

    loop: asyncio.AbstractEventLoop
    items: deque[Row | Token] = field(default_factory=deque)
    has_lost: bool = False
    """Something was dropped: rows have to be read from the journal."""
    wake: asyncio.Event = field(default_factory=asyncio.Event)
    only_end: bool = False
    """Nothing but the row that ends the run matters: whoever waits for it need not wake at every step."""

    def put(self, item: Row | Token) -> None:
        """Takes one item, from the loop that owns the watcher."""
        if len(self.items) >= MAX_WAITING:
            self.has_lost = True
            self.items.clear()
        self.items.append(item)
        self.wake.set()


class Hub:
    """Passes what happens on to watchers, across event loops."""

    def __init__(self) -> None:
        self._watchers: dict[str, list[Watcher]] = {}

    def watch(self, run_id: str, *, only_end: bool = False) -> Watcher:
        """A watcher for the calling loop, of everything or of the end alone; end it with `leave`."""
        watcher = Watcher(asyncio.get_running_loop(), only_end=only_end)
        self._watchers.setdefault(run_id, []).append(watcher)
        return watcher

    def leave(self, run_id: str, watcher: Watcher) -> None:
        """Nobody reads this watcher any more."""
        left = [w for w in self._watchers.get(run_id, []) if w is not watcher]
        if left:
            self._watchers[run_id] = left
        else:
            self._watchers.pop(run_id, None)

    def is_watched(self, run_id: str) -> bool:
        """Whether anybody reads."""
        return run_id in self._watchers

    def teller(self, run_id: str, path: str) -> Callable[[str], None] | None:
        """Takes the text that a model writes in that step; None where nobody reads."""
        if all(watcher.only_end for watcher in self._watchers.get(run_id, ())):
            return None
        return lambda text: self.publish(run_id, [Token(path, text)])

    def publish(self, run_id: str, items: list[Row] | list[Token]) -> None:
        """Passes rows or tokens on; called on the engine's loop."""
        here = asyncio.get_running_loop()
        for watcher in self._watchers.get(run_id, ()):
            wanted = [item for item in items if isinstance(item, Row) and item.kind == RUN_ENDED] if watcher.only_end else items
            for item in wanted:
                if watcher.loop is here:
                    # Waking a loop from outside costs a write to a socket, for each row.
                    watcher.put(item)
                elif not watcher.loop.is_closed():
                    # A closed one has ended with its server; then nobody reads, which is no error of the run.
                    watcher.loop.call_soon_threadsafe(watcher.put, item)
