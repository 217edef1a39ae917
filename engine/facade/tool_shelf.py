"""The tools of a workspace as steps use them: those that come with the engine, and those that were made in Settings."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from sqlmodel import select

from engine.facade.mcp_shelf import McpShelf
from engine.facade.table_tools import table_tools
from engine.jsonvalue import JsonValue
from engine.people.records import Records
from engine.storage.tables import ToolRow
from engine.tools.messages import Tool
from engine.tools.toolbox import Known, Toolbox
from engine.tools.web import Web, WebTool, called


class ToolShelf:
    """Implements `engine.run.context.Tools`. Reads a workspace's tools once, and anew after a change."""

    def __init__(self, records: Records, web: Web, built_in: Toolbox, given: Toolbox, mcp: McpShelf) -> None:
        self._records, self._web, self.mcp = records, web, mcp
        self._built_in, self._given = built_in, given
        self.reserved = frozenset(known.tool.name for known in built_in.known)
        """Names that no tool of a workspace may take."""
        mcp.changed = self.forget
        self._boxes: dict[str, Toolbox] = {}
        self._changes = 0

    @property
    def web(self) -> Web:
        """The egress door, for whoever tries a tool."""
        return self._web

    def forget(self, workspace_id: str) -> None:
        """Its tools have changed."""
        self._changes += 1
        self._boxes.pop(workspace_id, None)

    async def described(self, workspace_id: str, names: Sequence[str]) -> list[Tool]:
        """The tools of these names, in this order. ToolUnusable."""
        return await (await self._box(workspace_id)).described(names)

    async def call(self, workspace_id: str, name: str, arguments: Mapping[str, Any], *, digest: str, key: str) -> JsonValue:
        """The result of one call. ToolUnusable, and whatever the call raises."""
        return await (await self._box(workspace_id)).call(name, arguments, digest=digest, key=key)

    async def known(self, workspace_id: str) -> list[Known]:
        """Everything that can be called in the workspace, by name, and what would be but for a reason that it tells."""
        return (await self._box(workspace_id)).known

    def known_now(self, workspace_id: str) -> list[Known]:
        """The same for whoever is beside the loop. Blocks."""
        return self._box_now(workspace_id).known

    async def _box(self, workspace_id: str) -> Toolbox:
        box = self._boxes.get(workspace_id)
        return box if box is not None else await asyncio.to_thread(self._box_now, workspace_id)

    def _box_now(self, workspace_id: str) -> Toolbox:
        box = self._boxes.get(workspace_id)
        if box is None:
            before = self._changes
            box = self._built_in.with_more([*self._given.known, *self._made(workspace_id)])
            if self._changes == before:  # else something else stands there by now
                self._boxes[workspace_id] = box
        return box

    def _made(self, workspace_id: str) -> list[Known]:
        with self._records.reading() as session:
            rows = session.exec(select(ToolRow).where(ToolRow.workspace_id == workspace_id)).all()
            written = [(WebTool.model_validate(row.definition), row.updated_by) for row in rows]
        made = [Known(tool.told(), _acting(tool, self._web), "web", by) for tool, by in written]
        return [*self.mcp.known(workspace_id), *made, *table_tools(self._records, workspace_id)]


def _acting(tool: WebTool, web: Web) -> Any:
    async def act(arguments: Mapping[str, Any], key: str) -> JsonValue:
        return await called(tool, web, arguments, key)

    return act
