"""What this installation is, and whether it is sound."""

from __future__ import annotations

from engine.facade.core import Core
from engine.facade.settings_views import AboutView, FindingView
from engine.insight.installation import Finding, database, language_model, meaning_model, place, signalbox_version
from engine.insight.space import space
from engine.people.permissions import Actor, Permission, require
from engine.settings import describe
from engine.storage.sqlite import DATABASE_NAME


class About:
    """Every call takes the actor first and checks its permission."""

    def __init__(self, core: Core) -> None:
        self._core = core

    async def get(self, actor: Actor) -> AboutView:
        """Version, places, and the settings of the environment without their secrets."""
        require(actor, Permission.SETTINGS_READ)
        return await self._core.in_thread(self._get)

    def _get(self) -> AboutView:
        path = self._core.home / DATABASE_NAME
        lines = [(line.name, line.current, line.from_environment) for line in describe(self._core.settings)]
        return AboutView(
            version=signalbox_version(),
            home=str(self._core.home),
            database=str(path),
            database_bytes=path.stat().st_size,
            settings=[{"name": name, "value": value, "source": "environment" if outside else "default"} for name, value, outside in lines],
        )

    async def examine(self, actor: Actor) -> list[FindingView]:
        """Looks at everything that `doctor` looks at, from inside; takes seconds, more for a large database."""
        require(actor, Permission.SETTINGS_READ)
        home = self._core.home
        found = await self._core.in_thread(lambda: [*place(self._core.settings), *database(home), *space(home)])
        found.append(await meaning_model(self._core.embedder))
        found.append(await self._core.in_thread(lambda: language_model(self._core.gateway)))
        return [_view(finding) for finding in found]


def _view(finding: Finding) -> FindingView:
    return FindingView(is_well=finding.is_well, subject=finding.subject, told=finding.told, hint=finding.hint)
