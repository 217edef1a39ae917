"""What the pages may do: every handler of a State is an action with the permission it needs; the gate knows no others.

@action(Permission.RUN_READ)
async def load(self, asking: Asking) -> None:
    self.runs = rows((await asking.ask(asking.engine.runs.list(asking.actor))).items)
"""

from __future__ import annotations

import asyncio
import functools
import inspect
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import reflex as rx

from app.api.reading import Asking
from app.gate import COOKIE
from app.ui import reflex_inside
from engine import Actor, EngineThread, NotSignedIn, Permission, SignalboxError

NEEDS = "__signalbox_needs__"


@dataclass(frozen=True)
class Needs:
    """What an action asks of whoever calls it; without a permission, that they are signed in."""

    permission: Permission | None

    def met_by(self, actor: Actor) -> bool:
        """Whether this actor may."""
        return self.permission is None or actor.may(self.permission)


SIGNED_IN = Needs(None)
"""Whoever is signed in, whatever their role: for what one sees of oneself."""


@dataclass
class _Desk:
    thread: EngineThread | None = field(default=None)


_desk = _Desk()


def serve_with(thread: EngineThread) -> None:
    """Names the engine that all actions ask from now on."""
    _desk.thread = thread


def needs_of(handler: Callable[..., Any]) -> Needs | None:
    """What a handler needs; None if it is no action, and then nobody may call it."""
    return getattr(handler, NEEDS, None)


async def asking_of(state: Any) -> Asking:
    """Who sits before this State, with the roles of this very moment, and the way to the engine. NotSignedIn."""
    if _desk.thread is None:
        raise NotSignedIn
    text = reflex_inside.session_of(state, COOKIE)
    actor = await asyncio.to_thread(_desk.thread.engine.sessions.actor_for_session, text)
    return Asking(actor=actor, thread=_desk.thread)


def action(needs: Permission | Needs, *, background: bool = False) -> Callable[[Callable[..., Awaitable[Any]]], Any]:
    """Makes a coroutine method `(self, asking, …)` of a State callable from a page.

    What the engine refuses is shown in the frame of the page. A background action changes the State inside `async with self`.
    """
    wanted = needs if isinstance(needs, Needs) else Needs(needs)

    def make(work: Callable[..., Awaitable[Any]]) -> Any:
        if not inspect.iscoroutinefunction(work):
            raise TypeError(f"{work.__qualname__}: an action is a coroutine method")

        @functools.wraps(work)
        async def handle(self: Any, *args: Any, **kwargs: Any) -> Any:
            async with _held(self, is_background=background):
                asking = await asking_of(self)
            try:
                return await work(self, asking, *args, **kwargs)
            except SignalboxError as error:
                async with _held(self, is_background=background):
                    await _tell(self, error)

        # A page sees the method without its `asking`, which is nothing that a browser may hand in.
        signature = inspect.signature(work)
        shown = [parameter for name, parameter in signature.parameters.items() if name != "asking"]
        handle.__signature__ = signature.replace(parameters=shown)  # pyright: ignore[reportAttributeAccessIssue]
        handle.__annotations__ = {name: kind for name, kind in work.__annotations__.items() if name not in ("asking", "return")}
        setattr(handle, NEEDS, wanted)
        return rx.event(handle, background=background or None)

    return make


@asynccontextmanager
async def _held(state: Any, *, is_background: bool) -> AsyncIterator[None]:
    if is_background:
        async with state:
            yield
    else:
        yield


async def _tell(state: Any, error: SignalboxError) -> None:
    # Imported late: the frame is itself made of actions.
    from app.ui.frame import Frame

    frame = await state.get_state(Frame)
    frame.trouble, frame.next_step = error.message, error.next_step
