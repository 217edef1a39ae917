"""Calls of tools of MCP servers: made only as they were allowed, and only while the server describes them as it did then."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from engine.errors import AnswerRefused, HttpStatus, ToolFailed, ToolUnusable, WebUnavailable
from engine.jsonvalue import JsonValue, dumps
from engine.schemas import problems_of
from engine.security.redact import Redactor
from engine.tools.mcp import Door, McpSession, Place, other_answer
from engine.tools.offers import MOST_TOOLS, Offered, Pinned, offered, seen

MOST_RESULT_BYTES = 1024 * 1024
MOST_PAGES = 50


class McpServers:
    """Sessions with servers, one for each; used from the engine's loop only."""

    def __init__(self, door: Door, redactor: Redactor) -> None:
        self._door, self._redactor = door, redactor
        self._sessions: dict[tuple[str, str], McpSession] = {}
        self._leaving: set[McpSession] = set()
        self._locks: dict[tuple[str, str], asyncio.Lock] = {}

    async def look(self, place: Place) -> Offered:
        """What the server offers now, asked anew. WebUnavailable, EgressBlocked, HttpStatus, AnswerRefused, ConfigInvalid."""
        return (await self._asked(place))[1]

    async def call(
        self, place: Place, pinned: Pinned, arguments: Mapping[str, Any], *, key: str, changed: Callable[[Offered], Awaitable[None]]
    ) -> JsonValue:
        """The result of one call, made only if the server still offers what was allowed; `changed` hears what it offers instead.

        ToolUnusable: it is another tool by now. ToolFailed: it says that it failed. AnswerRefused: what came back cannot be used.
        WebUnavailable: it can be called again. InDoubt: it may have happened and must not happen twice.
        """
        may_repeat = pinned.effect in ("pure", "idempotent")
        # Asked before each call: a description that changes between two calls of one run must not slip through.
        session, now = await self._asked(place)
        if all(offer.digest != pinned.offer.digest for offer in now.tools):
            await changed(now)
            raise ToolUnusable(
                f"{place.name} describes its tool {pinned.offer.tool} in another way than when it was allowed.",
                hint="Look at the change in Settings, Tools, and allow it again, or keep it off.",
            )
        result = await session.called(pinned.offer.tool, dict(arguments), key=key, may_repeat=may_repeat)
        return self._value(place, pinned, result)

    def forget(self, workspace_id: str, name: str) -> None:
        """Ends the session with a server that was changed or removed, once it has answered what is under way."""
        session = self._sessions.pop((workspace_id, name), None)
        if session is not None:
            self._leaving = {one for one in self._leaving if not one.is_over} | {session}
            session.leave()

    async def close(self) -> None:
        """Ends all sessions and all programs."""
        sessions = [*self._sessions.values(), *self._leaving]
        self._sessions, self._leaving = {}, set()
        await asyncio.gather(*(session.close() for session in sessions))

    async def _asked(self, place: Place) -> tuple[McpSession, Offered]:
        """A session that works, and what it offers now. A session that has been there before may have lost its server meanwhile."""
        session, is_new = await self._session(place)
        try:
            return session, await self._listed(session)
        except (WebUnavailable, HttpStatus):
            if is_new:
                raise
        if self._sessions.get((place.workspace_id, place.name)) is session:
            self.forget(place.workspace_id, place.name)
        session, _ = await self._session(place)
        return session, await self._listed(session)

    async def _session(self, place: Place) -> tuple[McpSession, bool]:
        """The session with a server, and whether it is a new one."""
        key = (place.workspace_id, place.name)
        async with self._locks.setdefault(key, asyncio.Lock()):
            session = self._sessions.get(key)
            if session is not None and not session.has_ended and session.place == place:
                return session, False
            self.forget(*key)
            session = McpSession(place, self._door, self._redactor)
            await session.start()
            self._sessions[key] = session
            return session, True

    async def _listed(self, session: McpSession) -> Offered:
        raw: list[dict[str, Any]] = []
        cursor: str | None = None
        for _ in range(MOST_PAGES):
            page = await session.page(cursor)
            raw += [tool.model_dump(by_alias=True, mode="json", exclude_none=True) for tool in page.tools]
            cursor = page.next_cursor
            if cursor is None or len(raw) > MOST_TOOLS:
                break
        if cursor is not None or len(raw) > MOST_TOOLS:
            raise AnswerRefused(f"{session.place.name} offers more than {MOST_TOOLS} tools.", hint="Use a server that offers fewer.")
        return self._blotted(offered(raw))

    def _blotted(self, found: Offered) -> Offered:
        told = [offer for offer in found.tools if self._redactor.value(offer.as_json()) == offer.as_json()]
        left = [f"{offer.tool} is left out: it repeats a secret." for offer in found.tools if offer not in told]
        return Offered(told, [*found.refused, *left])

    def _value(self, place: Place, pinned: Pinned, result: Any) -> JsonValue:
        texts = [seen(part.text) if part.type == "text" else f"[{part.type} left out: only text is read]" for part in result.content]
        if result.is_error:
            raise ToolFailed(self._redactor.value(f"{place.name} could not do it: {' '.join(texts)[:2_000] or 'it does not say why'}"))
        value: JsonValue = self._redactor.value("\n".join(texts) if result.structured_content is None else result.structured_content)
        if pinned.offer.output is not None and (problems := problems_of(value, pinned.offer.output)):
            raise other_answer(place, pinned.offer.tool, f"{problems[0].path or 'the answer'}: {problems[0].message}")
        if (size := len(dumps(value))) > MOST_RESULT_BYTES:
            message = f"{place.name}: the result of {pinned.offer.tool} has {size:,} bytes, more than {MOST_RESULT_BYTES:,}."
            raise AnswerRefused(f"{message} The call itself was made.", hint="Ask it for less.")
        return value
