"""Everything that one engine is made of, opened and closed in order."""

from __future__ import annotations

import asyncio
import os
import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from sqlalchemy import Engine as Database
from sqlalchemy import text

from engine.clock import Clock, SystemClock
from engine.errors import NotFound, WorkflowHasProblems
from engine.facade.colleague_shelf import ColleagueShelf
from engine.facade.kept_answers import KeptAnswers
from engine.facade.keys import KeyRing
from engine.facade.masking import MaskingRules, stored_masking
from engine.facade.mcp_shelf import McpShelf
from engine.facade.model_settings import gateway_settings, stored_choices
from engine.facade.notices import AppNotifier
from engine.facade.quick import QuickReads
from engine.facade.tool_shelf import ToolShelf
from engine.graph.plan import Plan
from engine.graph.validate import check
from engine.ids import Ids, SystemIds
from engine.jsonvalue import loads
from engine.llm.gateway import Gateway
from engine.memory.embed import Embedder
from engine.nodes.registry import Registry
from engine.operator_file import OperatorFile, read_operator_file
from engine.people.accounts import Accounts
from engine.people.permissions import Actor
from engine.people.records import Records
from engine.run.context import Services
from engine.run.executor import Executor
from engine.run.keeping import Keeper
from engine.run.live import Hub
from engine.run.programs import Programs
from engine.sandbox.monty import Sandbox
from engine.security.audit import AuditEntry, AuditLog
from engine.security.egress import Egress
from engine.security.redact import Redactor
from engine.security.secrets import MasterKey, open_key
from engine.settings import Settings
from engine.storage.journal import Journal
from engine.storage.journal_reader import JournalReader
from engine.storage.migrate import migrate
from engine.storage.snapshots import SnapshotWriter
from engine.storage.sqlite import HomeLock, open_engine, prepare_home, reading
from engine.storage.suspended import SuspendedPrograms
from engine.tools.builtin import built_in
from engine.tools.mcp_calls import McpServers
from engine.tools.toolbox import Toolbox

PLANS_KEPT = 200
R = TypeVar("R")


class Plans:
    """Plans by content hash, compiled once; safe from any thread."""

    def __init__(self, reader: JournalReader, registry: Registry) -> None:
        self._reader = reader
        self._registry = registry
        self._kept: OrderedDict[str, Plan] = OrderedDict()
        self._lock = threading.Lock()

    def of(self, digest: str) -> Plan:
        """The plan of a stored document. NotFound, or WorkflowHasProblems when this version of Signalbox cannot run it."""
        with self._lock:
            if (plan := self._kept.get(digest)) is not None:
                self._kept.move_to_end(digest)
                return plan
        body = self._reader.document(digest)
        if body is None:
            raise NotFound(f"The document {digest} is not stored here.")
        checked = check(loads(body), self._registry)
        if checked.plan is None:
            raise WorkflowHasProblems(details={"problems": [p.as_json() for p in checked.problems]})
        return self.keep(checked.plan, digest)

    def at_hand(self, digest: str) -> Plan | None:
        """The plan, where it is compiled already."""
        return self._kept.get(digest)

    def keep(self, plan: Plan, digest: str) -> Plan:
        """Remembers a plan under its hash."""
        with self._lock:
            self._kept[digest] = plan
            while len(self._kept) > PLANS_KEPT:
                self._kept.popitem(last=False)
        return plan


@dataclass
class Core:
    """The parts of an engine, for the facade's modules."""

    settings: Settings
    home: Path
    lock: HomeLock
    db: Database
    records: Records
    audit: AuditLog
    key: MasterKey
    ring: KeyRing
    reader: JournalReader
    quick: QuickReads
    journal: Journal
    registry: Registry
    plans: Plans
    gateway: Gateway
    embedder: Embedder
    hub: Hub
    executor: Executor
    programs: Programs
    shelf: ToolShelf
    masking: MaskingRules
    accounts: Accounts
    clock: Clock
    ids: Ids

    async def in_thread(self, work: Callable[[], R]) -> R:
        """Runs blocking work beside the loop."""
        return await asyncio.to_thread(work)

    def audit_entry(self, actor: Actor, action: str, subject: str, details: dict[str, object] | None = None) -> AuditEntry:
        """An audit row to be written with a journal commit."""
        return AuditEntry(
            workspace_id=actor.workspace_id,
            at=self.clock.now_us(),
            actor=actor.label,
            action=action,
            subject=subject,
            details=details or {},
        )

    async def close(self) -> None:
        """Stops at the next checkpoints and gives everything back."""
        await self.executor.close()
        await self.shelf.mcp.servers.close()
        await self.programs.close()
        await self.journal.close()
        await self.gateway.close()
        await asyncio.to_thread(self.embedder.close)
        self.reader.close()
        self.db.dispose()
        self.lock.release()


async def open_core(
    settings: Settings,
    *,
    clock: Clock | None = None,
    ids: Ids | None = None,
    gateway: Gateway | None = None,
    registry: Registry | None = None,
    tools: Toolbox | None = None,
) -> Core:
    """Opens the home of `settings`. Conflict when another process holds it."""
    home = settings.home.resolve()
    lock = HomeLock(home)
    lock.acquire()
    try:
        path = prepare_home(home)
        await asyncio.to_thread(migrate, path)
        db = open_engine(path)
        await asyncio.to_thread(_warm, db)
        key = await asyncio.to_thread(lambda: open_key(home, key_file=settings.key_file))
        clock = clock or SystemClock()
        records = Records(db=db, clock=clock, ids=ids or SystemIds(), audit=AuditLog(key.derive("audit")))
        accounts = Accounts(db, clock=clock, ids=records.ids, audit=records.audit)
        await asyncio.to_thread(accounts.prepare, settings)
        ring = KeyRing(records, key)
        await asyncio.to_thread(ring.load)
        chosen = await asyncio.to_thread(stored_choices, records)
        gateway = gateway or Gateway(gateway_settings(settings, chosen, ring), clock=clock)
        await gateway.prepare()
        masking = MaskingRules(await asyncio.to_thread(stored_masking, records))
        operator = await asyncio.to_thread(read_operator_file, settings.operator_file)
        ring.redactor.know(operator.secrets())
    except BaseException:
        lock.release()
        raise
    return _assembled(
        settings,
        path,
        lock=lock,
        key=key,
        ring=ring,
        records=records,
        accounts=accounts,
        gateway=gateway,
        registry=registry or Registry.builtin(),
        tools=tools or Toolbox(),
        operator=operator,
        masking=masking,
    )


def _assembled(
    settings: Settings,
    path: Path,
    *,
    lock: HomeLock,
    key: MasterKey,
    ring: KeyRing,
    records: Records,
    accounts: Accounts,
    gateway: Gateway,
    registry: Registry,
    tools: Toolbox,
    operator: OperatorFile,
    masking: MaskingRules,
) -> Core:
    """The parts that only have to be put together; none of them opens anything that could be refused."""
    reader, journal, hub, embedder = JournalReader(path), Journal(path, records.audit.append_raw), Hub(), Embedder()
    plans = Plans(reader, registry)
    programs = Programs(Sandbox(), SuspendedPrograms(path), key.derive("suspended programs"), records.clock)
    web = Egress(ring, redactor=ring.redactor, clock=records.clock, allow=settings.egress_allow)
    shelf = _shelf(records, web, tools, ring.redactor, operator, path)
    services = _services(records, gateway, embedder, programs, web, shelf, ring.redactor)
    services.masking = masking
    executor = _executor(records, services, journal, reader, plans, hub, path)
    return Core(
        settings=settings,
        home=path.parent,
        lock=lock,
        db=records.db,
        records=records,
        audit=records.audit,
        key=key,
        ring=ring,
        reader=reader,
        quick=QuickReads(reader.is_busy),
        journal=journal,
        registry=registry,
        plans=plans,
        gateway=gateway,
        embedder=embedder,
        hub=hub,
        executor=executor,
        programs=programs,
        shelf=shelf,
        masking=masking,
        accounts=accounts,
        clock=records.clock,
        ids=records.ids,
    )


def _shelf(records: Records, web: Egress, tools: Toolbox, redactor: Redactor, operator: OperatorFile, path: Path) -> ToolShelf:
    own = Toolbox(built_in(operator, web, records.clock, path))
    return ToolShelf(records, web, own, tools, McpShelf(records, McpServers(web, redactor), operator.programs))


def _executor(
    records: Records, services: Services, journal: Journal, reader: JournalReader, plans: Plans, hub: Hub, path: Path
) -> Executor:
    return Executor(
        journal,
        reader,
        plan_of=plans.of,
        services=services,
        clock=records.clock,
        ids=records.ids,
        hub=hub,
        keeper=Keeper(reader, plans.of, SnapshotWriter(path), journal.wrote_beside),
        name=f"{os.uname().nodename}:{os.getpid()}",
    )


def _services(
    records: Records, gateway: Gateway, embedder: Embedder, programs: Programs, web: Egress, shelf: ToolShelf, redactor: Redactor
) -> Services:
    """What steps may reach, each behind its own door."""
    return Services(
        models=gateway,
        embed=embedder.embed,
        notifier=AppNotifier(records),
        web=web,
        tools=shelf,
        programs=programs,
        answers=KeptAnswers(records),
        redactor=redactor,
        colleagues=ColleagueShelf(records),
    )


def _warm(db: Database) -> None:
    with reading(db) as session:
        session.execute(text("SELECT 1"))
