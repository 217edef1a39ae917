"""Reads what a request holds: who asks, a strict JSON body, and where in a list to go on."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Annotated, Any, TypeVar

from fastapi import Depends, Query, Request, Response
from fastapi.routing import APIRoute
from pydantic import BaseModel, ConfigDict

from engine import Actor, Engine, EngineThread, Invalid, NestedTooDeep, NotJson, NotJsonValue, parse_strict

T = TypeVar("T")
MAX_PAGE = 1000


class Body(BaseModel):
    """The shape of a body: no other keys, no other types."""

    model_config = ConfigDict(extra="forbid", strict=True)


class StrictRequest(Request):
    """A request whose JSON is read by the engine's own rules: no NaN, no key twice, no lone surrogates."""

    async def json(self) -> Any:
        if not hasattr(self, "_json"):
            body = await self.body()
            try:
                self._json = parse_strict(body)
            except NotJsonValue as error:
                # Only an object is what somebody may mean with that many levels: anything else was nothing to begin with.
                if isinstance(error, NestedTooDeep) and body.lstrip()[:1] == b"{":
                    raise _too_deep(error) from None
                raise NotJson(f"The body is not JSON that Signalbox can keep: {str(error)[:300]}.") from None
        return self._json


def _too_deep(error: NestedTooDeep) -> Invalid:
    told = {"field": error.where.removeprefix(".")[:200] or "body", "message": "There are more levels here than Signalbox keeps."}
    hint = "Write the value with fewer levels, or as a text that holds JSON."
    return Invalid("The body is nested too deeply.", hint=hint, details={"problems": [told]})


class StrictRoute(APIRoute):
    """A route whose body is JSON, whatever its content type says."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def handle_strictly(request: Request) -> Response:
            kept = [header for header in request.scope["headers"] if header[0] != b"content-type"]
            headers = [*kept, (b"content-type", b"application/json")]
            strict = StrictRequest({**request.scope, "headers": headers}, request.receive)
            if request.method in ("POST", "PUT", "PATCH") and await strict.body():
                await strict.json()
            return await handle(strict)

        return handle_strictly


@dataclass(frozen=True)
class Asking:
    """One request's way to the engine: for whom it asks, and the bridge to the engine's own loop."""

    actor: Actor
    thread: EngineThread

    @property
    def engine(self) -> Engine:
        """The engine's facade."""
        return self.thread.engine

    async def ask(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """The answer of a facade coroutine."""
        return await self.thread.call(coroutine)

    async def look(self, work: Callable[[], T]) -> T:
        """The answer of a blocking facade call."""
        return await asyncio.to_thread(work)


def _asking(request: Request) -> Asking:
    return Asking(actor=request.state.actor, thread=request.app.state.thread)


async def _document(request: Request) -> Any:
    if not await request.body():
        raise NotJson("There is no body.")
    return await request.json()


AskingOf = Annotated[Asking, Depends(_asking)]
DocumentOf = Annotated[Any, Depends(_document)]
DOCUMENT = {"requestBody": {"required": True, "content": {"application/json": {"schema": {"type": "object"}}}}}
"""For OpenAPI: the body is a workflow document."""

LimitOf = Annotated[int, Query(ge=1, le=MAX_PAGE, description="Items of one page.")]


def _cursor(
    cursor: Annotated[str | None, Query(max_length=1000, description="`next` of the page before.")] = None,
    after: Annotated[str | None, Query(max_length=1000, include_in_schema=False)] = None,
    next_: Annotated[str | None, Query(alias="next", max_length=1000, include_in_schema=False)] = None,
) -> str | None:
    # The contract names the field `next`; whoever sends it back under that name means the same.
    return cursor or next_ or after or None


def none_if_empty(value: Any) -> Any:
    """A filter that is left empty, as a form sends it, is none."""
    return None if value in ("", [""]) else value


def joined(values: list[str] | None) -> str | None:
    """A filter that stands once or several times, as the engine takes it: with commas."""
    return ",".join(value for value in values or () if value) or None


SeveralOf = Annotated[list[str] | None, Query(max_length=20, description="One, or several with commas.")]
CursorOf = Annotated[str | None, Depends(_cursor)]
