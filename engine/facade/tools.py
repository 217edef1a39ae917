"""Tools: what agents and steps may call, made and changed in Settings."""

from __future__ import annotations

from typing import Any

from pydantic import ValidationError
from sqlmodel import col, select

from engine.clock import iso
from engine.errors import NotFound
from engine.facade.core import Core
from engine.facade.naming import names_of
from engine.facade.tool_catalog import CatalogToolView, catalog_of
from engine.facade.tool_trials import tried
from engine.facade.tool_uses import users_of
from engine.facade.tool_views import ToolTried, ToolUse
from engine.facade.views import Page, ToolsRead, ToolView
from engine.nodes.agents.talk import HAND_OVER
from engine.people.permissions import Actor, Permission, require
from engine.people.records import Problem, refuse
from engine.storage.tables import ToolRow
from engine.tools.openapi import tools_of
from engine.tools.web import WebTool
from engine.tools.written import Unreadable, read

WEB = "web"


class Tools:
    """Every call takes the actor first and checks its permission."""

    def __init__(self, core: Core) -> None:
        self._core = core

    async def list(self, actor: Actor) -> Page[ToolView]:
        """All tools, by name."""
        require(actor, Permission.TOOL_READ)
        return Page(items=await self._core.in_thread(lambda: self._list(actor)))

    async def catalog(self, actor: Actor) -> Page[CatalogToolView]:
        """Everything that agents and steps may call, by name, and what stands in the way of the rest."""
        require(actor, Permission.TOOL_READ)
        return Page(items=await catalog_of(self._core, actor))

    async def put(self, actor: Actor, name: str, definition: dict[str, Any]) -> ToolView:
        """Makes a tool, or another one in its place: agents are offered it from their next step on. Invalid names each field."""
        require(actor, Permission.TOOL_MANAGE)
        tool = _read({**definition, "name": name})
        if tool.name in self._core.shelf.reserved:
            refuse([Problem("name", f"{tool.name} comes with Signalbox. Choose another name.")])
        if any(one.tool.name == tool.name and one.kind == "table" for one in await self._core.shelf.known(actor.workspace_id)):
            refuse([Problem("name", f"{tool.name} is the tool of a table. Choose another name.")])
        view = await self._core.in_thread(lambda: self._put(actor, tool))
        self._core.shelf.forget(actor.workspace_id)
        return view

    async def read_openapi(self, actor: Actor, description: dict[str, Any] | str, *, secret: str = "") -> ToolsRead:
        """The tools that an OpenAPI description comes to; nothing is kept: whoever looked at them puts those that are wanted.

        A text is JSON or YAML. Invalid names `openapi`.
        """
        require(actor, Permission.TOOL_MANAGE)
        found = await self._core.in_thread(lambda: tools_of(_described(description), secret=secret))
        return ToolsRead(tools=[tool.model_dump() for tool in found.tools], problems=found.problems)

    async def try_out(self, actor: Actor, definition: dict[str, Any], arguments: dict[str, Any], *, send: bool) -> ToolTried:
        """What a tool would send, kept or not; with `send` it is sent, and its answer told. Invalid names each field."""
        require(actor, Permission.TOOL_MANAGE)
        # It can be tried before it has a name.
        tool = _read({**definition, "name": definition.get("name") or "tool", "description": definition.get("description") or "Tried."})
        return await tried(self._core, actor, tool, arguments, send=send)

    async def uses(self, actor: Actor, name: str) -> Page[ToolUse]:
        """The workflows whose draft or live version names the tool, whether it is there or not."""
        require(actor, Permission.TOOL_READ)
        require(actor, Permission.WORKFLOW_READ)
        return Page(items=await self._core.in_thread(lambda: users_of(self._core, actor, name)))

    async def remove(self, actor: Actor, name: str) -> None:
        """Nobody calls it any more. NotFound."""
        require(actor, Permission.TOOL_MANAGE)
        await self._core.in_thread(lambda: self._remove(actor, name))
        self._core.shelf.forget(actor.workspace_id)

    def _list(self, actor: Actor) -> list[ToolView]:
        with self._core.records.reading() as session:
            rows = session.exec(select(ToolRow).where(ToolRow.workspace_id == actor.workspace_id).order_by(col(ToolRow.name))).all()
            names = names_of(session, {row.updated_by for row in rows})
        return [_view(row, names) for row in rows]

    def _put(self, actor: Actor, tool: WebTool) -> ToolView:
        records = self._core.records
        by, now = actor.user_id or actor.label, records.clock.now_us()
        with records.writing() as session:
            row = session.get(ToolRow, (actor.workspace_id, tool.name))
            action = "tool.change" if row else "tool.add"
            row = row or ToolRow(workspace_id=actor.workspace_id, name=tool.name, kind=WEB, definition={}, updated_by="", updated_at=0)
            row.definition, row.updated_by, row.updated_at = tool.model_dump(), by, now
            session.add(row)
            details: dict[str, object] = {"method": tool.method, "url": tool.url, "effect": tool.effect, "digest": tool.told().digest}
            records.tell(session, actor, action=action, subject=tool.name, details=details)
            return _view(row, names_of(session, {by}))

    def _remove(self, actor: Actor, name: str) -> None:
        with self._core.records.writing() as session:
            row = session.get(ToolRow, (actor.workspace_id, name))
            if row is None:
                raise NotFound(f"There is no tool {name[:80]}.")
            session.delete(row)
            self._core.records.tell(session, actor, action="tool.remove", subject=name)


def _described(description: dict[str, Any] | str) -> dict[str, Any]:
    try:
        return read(description) if isinstance(description, str) else description
    except Unreadable as error:
        refuse([Problem("openapi", str(error))])
        raise


def _read(definition: dict[str, Any]) -> WebTool:
    try:
        tool = WebTool.model_validate(definition)
    except ValidationError as error:
        told = error.errors(include_url=False, include_context=False, include_input=False)
        refuse([Problem(".".join(map(str, one["loc"])) or "tool", str(one["msg"])) for one in told[:20]])
        raise
    problems = [Problem(field, message) for field, message in tool.problems()]
    if tool.name == HAND_OVER:
        problems.append(Problem("name", f"Every agent has {HAND_OVER} already."))
    refuse(problems)
    return tool


def _view(row: ToolRow, names: dict[str, str]) -> ToolView:
    tool = WebTool.model_validate(row.definition)
    told = tool.told()
    return ToolView(
        kind=row.kind,
        digest=told.digest,
        updated_at=iso(row.updated_at),
        updated_by=names.get(row.updated_by, row.updated_by),
        **tool.model_dump(),
    )
