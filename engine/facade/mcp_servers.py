"""MCP servers: which there are, what they offer, and what of it a person allows."""

from __future__ import annotations

import re
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from sqlmodel import col, select

from engine.clock import iso
from engine.errors import Conflict, NotFound, SignalboxError
from engine.facade.core import Core
from engine.facade.mcp_shelf import changed_in
from engine.facade.mcp_views import McpHints, McpServerView, McpToolView, McpWas
from engine.facade.naming import names_of
from engine.facade.views import Page
from engine.people.permissions import Actor, Permission, require
from engine.people.records import Problem, refuse
from engine.storage.tables import McpServerRow
from engine.tools.messages import EffectName, Origin
from engine.tools.offers import Offer, Pinned, name_of

NAME = re.compile(r"[a-z][a-z0-9_]{0,31}")
MOST_SERVERS = 50
M = TypeVar("M", bound=BaseModel)


class McpPlace(BaseModel):
    """Where a server is."""

    model_config = ConfigDict(extra="forbid", strict=True)

    url: str = Field(max_length=2_000)
    secret: str = Field(default="", max_length=80)


class McpAllowed(BaseModel):
    """How a tool may be used, and which one was looked at."""

    model_config = ConfigDict(extra="forbid")

    digest: str
    effect: EffectName = "unsafe"
    origins: list[Origin] = Field(default_factory=lambda: ["external"], max_length=2)
    carries: bool | None = None


class Mcp:
    """Every call takes the actor first and checks its permission."""

    def __init__(self, core: Core) -> None:
        self._core, self._shelf = core, core.shelf.mcp

    async def list(self, actor: Actor) -> Page[McpServerView]:
        """All servers, by name, with the programs of the operator's file; nobody is asked anew."""
        require(actor, Permission.TOOL_READ)
        return Page(items=await self._core.in_thread(lambda: self._list(actor)))

    async def put(self, actor: Actor, name: str, definition: dict[str, Any]) -> McpServerView:
        """Adds a server, or another one in its place, and asks it what it offers. One that cannot be reached is kept, and says why."""
        require(actor, Permission.TOOL_MANAGE)
        told = _checked(McpPlace, definition)
        problems = []
        if not NAME.fullmatch(name):
            problems.append(Problem("name", "A name starts with a small letter and has small letters, digits and `_` only, at most 32."))
        if name in self._shelf.programs:
            problems.append(Problem("name", f"{name} is a program of the operator's file. Choose another name."))
        if not re.match(r"https?://[^/]", told.url.strip(), re.IGNORECASE):
            problems.append(Problem("url", "The address starts with https:// and the name of a host."))
        refuse(problems)
        await self._core.in_thread(lambda: self._put(actor, name, told.url.strip(), told.secret))
        return await self._looked(actor, name)

    async def look(self, actor: Actor, name: str) -> McpServerView:
        """Asks a server anew what it offers. NotFound."""
        require(actor, Permission.TOOL_MANAGE)
        if name in self._shelf.programs:
            await self._core.in_thread(lambda: self._put(actor, name, "", ""))
        return await self._looked(actor, name)

    async def allow(self, actor: Actor, name: str, tools: dict[str, dict[str, Any] | None]) -> McpServerView:
        """Allows tools (the server's own names) as they are now, or with None keeps them off. Conflict when one is another one by now."""
        require(actor, Permission.TOOL_MANAGE)
        allowed = {tool: None if told is None else _checked(McpAllowed, told, f"tools.{tool}.") for tool, told in tools.items()}
        view = await self._core.in_thread(lambda: self._allow(actor, name, allowed))
        self._core.shelf.forget(actor.workspace_id)
        return view

    async def remove(self, actor: Actor, name: str) -> None:
        """Nobody calls its tools any more. NotFound."""
        require(actor, Permission.TOOL_MANAGE)
        await self._core.in_thread(lambda: self._remove(actor, name))
        self._core.shelf.forget(actor.workspace_id)
        self._shelf.servers.forget(actor.workspace_id, name)

    async def _looked(self, actor: Actor, name: str) -> McpServerView:
        row = await self._core.in_thread(lambda: self._row(actor, name))
        try:
            now = await self._shelf.servers.look(self._shelf.place(row))
            await self._core.in_thread(lambda: self._shelf.note(actor.workspace_id, name, now))
        except SignalboxError as error:
            problem = f"{error.message} {error.next_step}".strip()
            await self._core.in_thread(lambda: self._note_problem(actor, name, problem))
        self._core.shelf.forget(actor.workspace_id)
        return await self._core.in_thread(lambda: self._view_of(actor, name))

    # Blocking

    def _row(self, actor: Actor, name: str) -> McpServerRow:
        with self._core.records.reading() as session:
            row = session.get(McpServerRow, (actor.workspace_id, name))
        if row is None:
            raise NotFound(f"There is no server {name[:80]}.")
        return row

    def _list(self, actor: Actor) -> list[McpServerView]:
        with self._core.records.reading() as session:
            chosen = select(McpServerRow).where(McpServerRow.workspace_id == actor.workspace_id).order_by(col(McpServerRow.name))
            rows = {row.name: row for row in session.exec(chosen).all()}
            names = names_of(session, {row.updated_by for row in rows.values()})
        for program in self._shelf.programs:
            # Nobody has looked at it yet.
            rows.setdefault(program, McpServerRow(workspace_id=actor.workspace_id, name=program, updated_by="", updated_at=0))
        return [_view(row, names, is_there=bool(row.url) or row.name in self._shelf.programs) for _, row in sorted(rows.items())]

    def _view_of(self, actor: Actor, name: str) -> McpServerView:
        return next(view for view in self._list(actor) if view.name == name)

    def _put(self, actor: Actor, name: str, url: str, secret: str) -> None:
        records = self._core.records
        by, now = actor.user_id or actor.label, records.clock.now_us()
        with records.writing() as session:
            row = session.get(McpServerRow, (actor.workspace_id, name))
            if row is not None and (row.url, row.secret) == (url, secret):
                return
            found = session.exec(select(McpServerRow.name).where(McpServerRow.workspace_id == actor.workspace_id)).all()
            if row is None and len(found) >= MOST_SERVERS:
                refuse([Problem("name", f"There are {MOST_SERVERS} servers already. Remove one first.")])
            action = "mcp.change" if row else "mcp.add"
            # Another address is another server: what was allowed of the old one is not allowed of it.
            fresh = McpServerRow(workspace_id=actor.workspace_id, name=name, url=url, secret=secret, updated_by=by, updated_at=now)
            session.merge(fresh)
            records.tell(session, actor, action=action, subject=name, details={"url": url, "secret": secret})

    def _note_problem(self, actor: Actor, name: str, problem: str) -> None:
        with self._core.records.writing() as session:
            if (row := session.get(McpServerRow, (actor.workspace_id, name))) is not None:
                row.problem, row.looked_at = problem[:2_000], self._core.records.clock.now_us()
                session.add(row)

    def _allow(self, actor: Actor, name: str, allowed: dict[str, McpAllowed | None]) -> McpServerView:
        records = self._core.records
        with records.writing() as session:
            row = session.get(McpServerRow, (actor.workspace_id, name))
            if row is None:
                raise NotFound(f"There is no server {name[:80]}.")
            seen = {stored["tool"]: Offer(**stored) for stored in row.seen}
            pinned = {one["offer"]["tool"]: one for one in row.pinned}
            for tool, told in allowed.items():
                if told is None:
                    pinned.pop(tool, None)
                    continue
                pinned[tool] = Pinned(_offer(name, tool, seen, told), told.effect, tuple(told.origins), told.carries).as_json()
            row.pinned = [pinned[tool] for tool in sorted(pinned)]
            row.updated_by, row.updated_at = actor.user_id or actor.label, records.clock.now_us()
            session.add(row)
            details: dict[str, object] = {tool: told.model_dump() if told else None for tool, told in allowed.items()}
            records.tell(session, actor, action="mcp.allow", subject=name, details=details)
        return self._view_of(actor, name)

    def _remove(self, actor: Actor, name: str) -> None:
        with self._core.records.writing() as session:
            row = session.get(McpServerRow, (actor.workspace_id, name))
            if row is None:
                raise NotFound(f"There is no server {name[:80]}.")
            session.delete(row)
            self._core.records.tell(session, actor, action="mcp.remove", subject=name)


def _checked(model: type[M], told: dict[str, Any], place: str = "") -> M:
    try:
        return model.model_validate(told)
    except ValidationError as error:
        found = error.errors(include_url=False, include_context=False, include_input=False)
        refuse([Problem(place + ".".join(map(str, one["loc"])), str(one["msg"])) for one in found[:20]])
        raise


def _offer(server: str, tool: str, seen: dict[str, Offer], told: McpAllowed) -> Offer:
    offer = seen.get(tool)
    if offer is None or offer.digest != told.digest:
        what = f"{server} does not offer {tool[:80]}" if offer is None else f"{server} describes {tool[:80]} in another way by now"
        raise Conflict(f"{what}, so nothing was allowed.", hint="Look at the server again, then allow what you see.")
    return offer


def _view(row: McpServerRow, names: dict[str, str], *, is_there: bool) -> McpServerView:
    changed = changed_in(row)
    problem = row.problem if is_there else "The operator's file does not name this program any more."
    said = [problem] if problem else ["Nobody has looked at it yet."] if row.looked_at is None else []
    if changed:
        said.append(f"Other than when it was allowed, and off until somebody looks: {', '.join(changed[:10])}.")
    return McpServerView(
        name=row.name,
        transport="http" if row.url else "program",
        url=row.url,
        secret=row.secret,
        state="unreachable" if problem else "changed" if changed else "ready",
        message=" ".join([*said, *row.refused[:10]]),
        looked_at=None if row.looked_at is None else iso(row.looked_at),
        updated_by=names.get(row.updated_by, row.updated_by),
        tools=_tools(row),
    )


def _tools(row: McpServerRow) -> list[McpToolView]:
    seen = [Offer(**stored) for stored in row.seen]
    pinned = {one.offer.tool: one for one in map(Pinned.from_json, row.pinned)}
    gone = [pinned[tool].offer for tool in sorted(pinned.keys() - {offer.tool for offer in seen})]
    return [
        *(_tool(row.name, offer, pinned.get(offer.tool)) for offer in seen),
        *(_tool(row.name, offer, None, is_gone=True) for offer in gone),
    ]


def _tool(server: str, offer: Offer, pinned: Pinned | None, *, is_gone: bool = False) -> McpToolView:
    is_changed = pinned is not None and pinned.offer.digest != offer.digest
    chosen = pinned or Pinned(offer)
    return McpToolView(
        name=name_of(server, offer.tool),
        tool=offer.tool,
        description=offer.description,
        parameters=offer.parameters,
        effect=chosen.effect,
        origins=list(chosen.origins),
        carries=chosen.carries,
        digest=offer.digest,
        state="gone" if is_gone else "changed" if is_changed else "allowed" if pinned else "new",
        was=McpWas(description=pinned.offer.description, parameters=pinned.offer.parameters) if pinned and is_changed else None,
        hints=McpHints(read_only=offer.is_read_only, destructive=offer.is_destructive),
    )
