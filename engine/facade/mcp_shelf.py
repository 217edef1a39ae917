"""MCP servers as they are stored: where each is, what of it may be called, and the note that it has changed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from sqlmodel import select

from engine.jsonvalue import JsonValue
from engine.operator_file import Program
from engine.people.permissions import SYSTEM
from engine.people.records import Records
from engine.storage.tables import McpServerRow
from engine.tools.mcp import Place
from engine.tools.mcp_calls import McpServers
from engine.tools.offers import Offer, Offered, Pinned, name_of
from engine.tools.toolbox import Known


class McpShelf:
    """Gives the tool shelf what was allowed, and keeps it from being called once it is another one."""

    def __init__(self, records: Records, servers: McpServers, programs: Mapping[str, Program]) -> None:
        self._records, self.servers, self.programs = records, servers, programs
        self.changed: Callable[[str], None] = lambda _workspace: None
        """Hears of a workspace whose tools are not what they were."""

    def place(self, row: McpServerRow) -> Place:
        """Where a server is."""
        return Place(row.workspace_id, row.name, row.url, row.secret, None if row.url else self.programs.get(row.name))

    def known(self, workspace_id: str) -> list[Known]:
        """What was allowed, usable or not. Blocks."""
        with self._records.reading() as session:
            rows = session.exec(select(McpServerRow).where(McpServerRow.workspace_id == workspace_id)).all()
            return [self._known(row, Pinned.from_json(stored)) for row in rows for stored in row.pinned]

    def _known(self, row: McpServerRow, pinned: Pinned) -> Known:
        place, tool = self.place(row), pinned.offer.tool
        seen = next((Offer(**offer) for offer in row.seen if offer["tool"] == tool), None)
        why, waits = "", False
        if not row.url and place.program is None:
            why = f"The operator's file has no program {row.name} any more."
        elif seen is None:
            why = f"{row.name} does not offer it any more. Look at the server in Settings, Tools."
        elif seen.digest != pinned.offer.digest:
            why, waits = f"{row.name} describes it in another way than when it was allowed. Look at the change in Settings, Tools.", True

        async def act(arguments: Mapping[str, Any], key: str) -> JsonValue:
            async def changed(now: Offered) -> None:
                await asyncio.to_thread(self.note, row.workspace_id, row.name, now)
                self.changed(row.workspace_id)

            return await self.servers.call(place, pinned, arguments, key=key, changed=changed)

        return Known(pinned.told(name_of(row.name, tool)), act, "mcp", row.updated_by, f"{row.name}: {tool}", why, waits)

    def note(self, workspace_id: str, name: str, now: Offered) -> None:
        """Writes down what a server offers now; a tool that was allowed and is another one cannot be called from here on. Blocks."""
        with self._records.writing() as session:
            row = session.get(McpServerRow, (workspace_id, name))
            if row is None:
                return
            before = changed_in(row)
            row.seen, row.refused = [offer.as_json() for offer in now.tools], list(now.refused)
            row.looked_at, row.problem = self._records.clock.now_us(), ""
            session.add(row)
            new = [tool for tool in changed_in(row) if tool not in before]
            if new:
                self._records.tell(
                    session, replace(SYSTEM, workspace_id=workspace_id), action="mcp.changed", subject=name, details={"tools": new}
                )


def changed_in(row: McpServerRow) -> list[str]:
    """The tools that were allowed and are offered in another way, or not at all."""
    seen = {Offer(**offer).digest for offer in row.seen}
    return [offer.tool for one in row.pinned if (offer := Offer(**one["offer"])).digest not in seen]
