"""The State of the last section: what this installation is, and whether it is sound."""

from __future__ import annotations

import reflex as rx

from app.api.reading import Asking
from app.pages.settings.rows import FindingRow, finding_row, size
from app.ui.actions import action
from engine import Permission


class About(rx.State):
    """Facts and findings."""

    facts: rx.Field[list[list[str]]] = rx.field(default_factory=list)
    """`[what, value]`."""
    settings: rx.Field[list[dict[str, str]]] = rx.field(default_factory=list)
    findings: rx.Field[list[FindingRow]] = rx.field(default_factory=list)
    is_looking: rx.Field[bool] = rx.field(default=False)

    @action(Permission.SETTINGS_READ)
    async def load(self, asking: Asking) -> None:
        """What this installation is."""
        view = await asking.ask(asking.engine.about.get(asking.actor))
        database = f"{view.database} ({size(view.database_bytes)})"
        self.facts = [["Version", view.version], ["Data and keys", view.home], ["Database", database]]
        self.settings, self.findings = view.settings, []

    @action(Permission.SETTINGS_READ, background=True)
    async def examine(self, asking: Asking) -> None:
        """Looks at everything, which takes a while."""
        async with self:
            self.is_looking, self.findings = True, []
        try:
            found = await asking.ask(asking.engine.about.examine(asking.actor))
        finally:
            async with self:
                self.is_looking = False
        async with self:
            self.findings = [finding_row(finding) for finding in found]
