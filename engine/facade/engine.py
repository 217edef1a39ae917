"""One engine: opened on a home, asked through its parts, closed again."""

from __future__ import annotations

import asyncio
import shutil
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import text

from engine.clock import Clock
from engine.errors import StorageUnavailable
from engine.facade.about import About
from engine.facade.agents import Agents
from engine.facade.approvals import Approvals
from engine.facade.budgets import Budgets
from engine.facade.changes import Changes
from engine.facade.core import Core, open_core
from engine.facade.data_tables import DataTables
from engine.facade.events import Events
from engine.facade.inbox import Inbox
from engine.facade.keys import Secrets
from engine.facade.last_steps import LastSteps
from engine.facade.masking import MaskingDesk
from engine.facade.mcp_servers import Mcp
from engine.facade.model_settings import ModelDesk
from engine.facade.overview import Overview
from engine.facade.pins import Pins
from engine.facade.previews import Previews
from engine.facade.repeats import RepeatedRequests
from engine.facade.runs import Runs
from engine.facade.shelf import Shelf
from engine.facade.storage import Storage
from engine.facade.tools import Tools
from engine.facade.workflows import Workflows
from engine.faultpoints import reach
from engine.ids import Ids
from engine.llm.gateway import Gateway
from engine.nodes.docs import describe
from engine.nodes.registry import Registry
from engine.people.accounts import Accounts
from engine.people.api_tokens import ApiTokens
from engine.people.permissions import Actor, Permission, require
from engine.people.sign_in import Sessions
from engine.settings import Settings
from engine.templates import templates
from engine.tools.toolbox import Toolbox

LEAST_FREE_BYTES = 50 * 1024 * 1024


class Engine:
    """The facade. Its coroutines belong to the loop it was opened on; `EngineThread` calls them from any other."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._is_ready = False
        self.workflows = Workflows(core)
        self.previews = Previews(core)
        self.changes = Changes(core)
        self.shelf = Shelf(core)
        self.runs = Runs(core)
        self.pins = Pins(core)
        self.last_steps = LastSteps(core)
        self.approvals = Approvals(core)
        self.inbox = Inbox(core, self.approvals)
        self.events = Events(core)
        self.budgets = Budgets(core)
        self.tools = Tools(core)
        self.agents = Agents(core)
        self.mcp = Mcp(core)
        self.storage = Storage(core)
        self.secrets = Secrets(core.records, core.ring)
        self.model_settings = ModelDesk(core)
        self.masking = MaskingDesk(core)
        self.tables = DataTables(core)
        self.about = About(core)
        self.overview = Overview(core)
        self.accounts: Accounts = core.accounts
        self.sessions: Sessions = core.accounts.sessions
        self.tokens: ApiTokens = core.accounts.tokens
        self.idempotency = RepeatedRequests(core.records)

    @classmethod
    async def open(
        cls,
        settings: Settings,
        *,
        clock: Clock | None = None,
        ids: Ids | None = None,
        gateway: Gateway | None = None,
        registry: Registry | None = None,
        tools: Toolbox | None = None,
    ) -> Engine:
        """Opens the home and takes over the runs that a dead process left. Conflict when another process holds it."""
        core = await open_core(settings, clock=clock, ids=ids, gateway=gateway, registry=registry, tools=tools)
        engine = cls(core)
        try:
            await asyncio.to_thread(engine.idempotency.forget_unfinished)
            await engine.agents.introduce()
            await core.executor.recover()
            reach("recovery.done")
        except BaseException:
            await core.close()
            raise
        engine.storage.sweeper.start()
        engine._is_ready = True
        return engine

    async def close(self) -> None:
        """Stops at the next checkpoint of every run; the next start goes on there."""
        self._is_ready = False
        await self.storage.sweeper.close()
        await self._core.close()

    def now(self) -> datetime:
        """This moment by the engine's own clock, in UTC: what pages measure `5 min ago` against."""
        return datetime.fromtimestamp(self._core.clock.now_us() / 1e6, UTC)

    def ready(self) -> bool:
        """Whether runs that were left over are taken over and new ones can start."""
        return self._is_ready

    async def health(self) -> dict[str, Any]:
        """`{status: ok|degraded, database, disk, runs: {active, standing_still}}`; needs no permission, tells nothing of content."""
        try:
            await asyncio.to_thread(self._look)
            database = "ok"
        except StorageUnavailable as error:
            database = error.message
        free = shutil.disk_usage(self._core.home).free
        disk = "ok" if free > LEAST_FREE_BYTES else f"only {free // 1_048_576} MB are free"
        still = len(self._core.executor.faults)
        status = "ok" if database == disk == "ok" and not still else "degraded"
        return {
            "status": status,
            "database": database,
            "disk": disk,
            "runs": {"active": self._core.executor.active_count, "standing_still": still},
        }

    def _look(self) -> None:
        with self._core.records.reading() as session:
            session.execute(text("SELECT count(*) FROM workspaces"))

    async def models(self, actor: Actor) -> list[dict[str, Any]]:
        """The models that can be picked, with their prices in USD per million tokens."""
        require(actor, Permission.MODEL_READ)
        return [asdict(model) for model in await asyncio.to_thread(self._core.gateway.models)]

    def kinds(self, actor: Actor) -> list[dict[str, Any]]:
        """The node kinds: schema, ports, outputs, examples."""
        require(actor, Permission.WORKFLOW_READ)
        return [describe(kind) for kind in self._core.registry.all()]

    def templates(self, actor: Actor) -> list[dict[str, Any]]:
        """Workflows to start from."""
        require(actor, Permission.WORKFLOW_READ)
        return [asdict(template) for template in templates()]

    @property
    def active_runs(self) -> int:
        """Runs in memory: what waits or has ended is not."""
        return self._core.executor.active_count

    @property
    def journal_counts(self) -> Any:
        """What the journal's writer has done: for benches and tests."""
        return self._core.journal.counts
