"""The State of tools: one page of those that are looked for, and the dialog that is open."""

from __future__ import annotations

from typing import Any

import reflex as rx

from app.api.reading import Asking
from app.pages.settings.tools_rows import KINDS, PAGE, ToolRow, looked_for, page_told, tool_row
from app.ui.actions import SIGNED_IN, action
from engine import Permission


class Tools(rx.State):
    """Rows; the dialogs ask the API themselves."""

    rows: rx.Field[list[ToolRow]] = rx.field(default_factory=list)
    number: rx.Field[int] = rx.field(default=0)
    """Of all tools, looked for or not."""
    found: rx.Field[int] = rx.field(default=0)
    query: rx.Field[str] = rx.field(default="")
    kind: rx.Field[str] = rx.field(default="")
    page: rx.Field[int] = rx.field(default=0)
    page_told: rx.Field[str] = rx.field(default="")
    is_loaded: rx.Field[bool] = rx.field(default=False)
    dialog: rx.Field[str] = rx.field(default="")
    """`form`, `look`, `openapi`, `servers`, `remove`, or nothing."""
    name: rx.Field[str] = rx.field(default="")
    """Of the tool that the dialog is about."""

    @action(Permission.TOOL_READ)
    async def open(self, asking: Asking) -> Any:
        """A page that was just opened has no dialog and looks for nothing in particular."""
        self.query = self.kind = self.dialog = self.name = ""
        self.page = 0
        return Tools.load

    @action(Permission.TOOL_READ)
    async def load(self, asking: Asking) -> None:
        """The tools that are looked for."""
        tools = (await asking.ask(asking.engine.tools.catalog(asking.actor))).items
        found = looked_for(tools, query=self.query, kind=self.kind)
        self.page = min(self.page, max(0, (len(found) - 1) // PAGE))
        self.rows = [tool_row(tool) for tool in found[self.page * PAGE : (self.page + 1) * PAGE]]
        self.number, self.found, self.is_loaded, self.page_told = len(tools), len(found), True, page_told(self.page, len(found))

    @action(Permission.TOOL_READ)
    async def search(self, asking: Asking, words: str) -> Any:
        """Looks for tools by their words."""
        self.query, self.page = str(words)[:200], 0
        return Tools.load

    @action(Permission.TOOL_READ)
    async def narrow(self, asking: Asking, kind: str) -> Any:
        """Only tools of one kind."""
        self.kind, self.page = kind if any(kind == known for known, _ in KINDS) else "", 0
        return Tools.load

    @action(Permission.TOOL_READ)
    async def turn(self, asking: Asking, step: int) -> Any:
        """The page before or after."""
        self.page = max(0, self.page + (1 if step > 0 else -1))
        return Tools.load

    @action(SIGNED_IN)
    async def show(self, asking: Asking, dialog: str, name: str) -> None:
        """Opens a dialog about a tool, or about none."""
        self.dialog, self.name = dialog, name

    @action(SIGNED_IN)
    async def close(self, asking: Asking) -> None:
        """Closes it."""
        self.dialog = ""

    @action(Permission.TOOL_READ)
    async def saved(self, asking: Asking) -> Any:
        """Something was kept or removed: the dialog is done."""
        self.dialog = ""
        return Tools.load
