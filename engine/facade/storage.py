"""What runs take in the database, and how long those of a workflow are kept."""

from __future__ import annotations

import threading

from sqlmodel import col, func, select

from engine.clock import DAY_US, iso
from engine.errors import Invalid
from engine.facade.core import Core
from engine.facade.finding import find_even_deleted
from engine.facade.storage_views import OverView, RetentionView, StorageView, WorkflowStorage
from engine.facade.sweeping import Sweeper
from engine.people.permissions import Actor, Permission, require
from engine.storage.sizes import FileSize, SizeMeter, WorkflowSize
from engine.storage.sqlite import DATABASE_NAME
from engine.storage.tables import Run, RunSize, Workflow

MOST_DAYS = 36_500
FRESH_US = 60_000_000
"""How long figures are told again before they are taken anew."""
Figures = tuple[dict[str, WorkflowSize], int, FileSize]


class Storage:
    """Every call takes the actor first and checks its permission."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._meter = SizeMeter(core.home / DATABASE_NAME)
        self._lock = threading.Lock()
        self._known: dict[str, tuple[int, Figures]] = {}
        """Workspace -> when it was measured, and what was found."""
        self.sweeper = Sweeper(core)

    async def get(self, actor: Actor) -> StorageView:
        """What the runs of each workflow take, and the database file; figures may be a minute old."""
        require(actor, Permission.WORKFLOW_READ)
        return await self._core.in_thread(lambda: self._get(actor))

    async def retention(self, actor: Actor, workflow: str) -> RetentionView:
        """How long the runs of a workflow (id or slug) are kept after they have ended. NotFound."""
        require(actor, Permission.WORKFLOW_READ)
        return await self._core.in_thread(lambda: self._retention(actor, workflow))

    async def keep(self, actor: Actor, workflow: str, *, days: int | None) -> RetentionView:
        """Sets that; None keeps them for ever. Runs that are over for longer are deleted within the hour. NotFound, Invalid."""
        require(actor, Permission.SETTINGS_MANAGE)
        if days is not None:
            _check(days)
        return await self._core.in_thread(lambda: self._keep(actor, workflow, days))

    async def over(self, actor: Actor, workflow: str, *, days: int) -> OverView:
        """What would go with that many days, at this moment. NotFound, Invalid."""
        require(actor, Permission.WORKFLOW_READ)
        _check(days)
        return await self._core.in_thread(lambda: self._over(actor, workflow, days))

    def _over(self, actor: Actor, workflow: str, days: int) -> OverView:
        # Measured anew: somebody is about to delete what is told here.
        self._figures(actor.workspace_id, fresh_us=0)
        before = self._core.clock.now_us() - days * DAY_US
        with self._core.records.reading() as session:
            found = find_even_deleted(session, actor, workflow)
            asked = (
                select(func.count(), func.coalesce(func.sum(RunSize.bytes), 0))
                .select_from(Run)
                .outerjoin(RunSize, col(RunSize.run_id) == Run.run_id)
                .where(Run.workflow_id == found.id, col(Run.ended_at) <= before)
            )
            runs, size = session.exec(asked).one()
        return OverView(runs=runs, bytes=size)

    def _retention(self, actor: Actor, workflow: str) -> RetentionView:
        with self._core.records.reading() as session:
            found = find_even_deleted(session, actor, workflow)
        return RetentionView(workflow=found.id, days=found.retention_days)

    def _keep(self, actor: Actor, workflow: str, days: int | None) -> RetentionView:
        records = self._core.records
        with records.writing() as session:
            found = find_even_deleted(session, actor, workflow)
            before, found.retention_days = found.retention_days, days
            session.add(found)
            records.tell(session, actor, action="workflow.retention", subject=found.id, details={"days": days, "before": before})
            return RetentionView(workflow=found.id, days=days)

    def _get(self, actor: Actor) -> StorageView:
        measured_at, (sizes, total, file) = self._figures(actor.workspace_id)
        with self._core.records.reading() as session:
            known = session.exec(select(Workflow).where(Workflow.workspace_id == actor.workspace_id)).all()
        lines = [_line(workflow, sizes.get(workflow.id)) for workflow in known if workflow.deleted_at is None or workflow.id in sizes]
        return StorageView(
            total_bytes=total,
            database_bytes=file.bytes,
            free_bytes=file.free,
            measured_at=iso(measured_at) or "",
            workflows=sorted(lines, key=lambda line: (-line.bytes, line.name, line.id)),
        )

    def _figures(self, workspace_id: str, fresh_us: int = FRESH_US) -> tuple[int, Figures]:
        # Whoever asks meanwhile waits for the same figures.
        with self._lock:
            now = self._core.clock.now_us()
            known = self._known.get(workspace_id)
            if known is None or now - known[0] >= fresh_us:
                known = self._known[workspace_id] = (now, self._meter.measure(workspace_id))
            return known


def _check(days: int) -> None:
    if not 1 <= days <= MOST_DAYS:
        message = f"Runs are kept for 1 to {MOST_DAYS:,} days, or for ever."
        raise Invalid(f"days: {message}", details={"problems": [{"field": "days", "message": message}]})


def _line(workflow: Workflow, size: WorkflowSize | None) -> WorkflowStorage:
    return WorkflowStorage(
        id=workflow.id,
        name=workflow.name,
        runs=size.runs if size else 0,
        bytes=size.bytes if size else 0,
        retention_days=workflow.retention_days,
        oldest_ended_at=iso(size.oldest_ended_at) if size else None,
        is_deleted=workflow.deleted_at is not None,
    )
