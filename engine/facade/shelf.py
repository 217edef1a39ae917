"""The workflows as their page shows them: what each is worth a look for, and how its last runs went."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from sqlmodel import Session, col, func, or_, select

from engine.clock import iso
from engine.facade.core import Core
from engine.facade.overview_views import RunMark, WorkflowLine
from engine.graph.validate import check
from engine.jsonvalue import digest, loads
from engine.people.permissions import Actor, Permission, require
from engine.storage.tables import Run, Version, Workflow

Order = Literal["name", "changed", "run"]
MOST = 500
STRIP = 12
MOST_CHECKED = 25
"""Drafts whose first problem is looked up: a check takes milliseconds each."""


class Shelf:
    """Every call takes the actor first and checks its permission."""

    def __init__(self, core: Core) -> None:
        self._core = core

    async def lines(self, actor: Actor, *, query: str = "", order: Order = "changed", limit: int = 100) -> list[WorkflowLine]:
        """At most `limit` (and MOST) workflows whose name holds `query`: by name, by the last change, or by the last run."""
        require(actor, Permission.WORKFLOW_READ)
        return await self._core.in_thread(lambda: self._lines(actor, query.strip()[:200], order, min(limit, MOST)))

    def _lines(self, actor: Actor, query: str, order: Order, limit: int) -> list[WorkflowLine]:
        with self._core.records.reading() as session:
            found = session.exec(_wanted(actor, query, order).limit(limit)).all()
            ids = [workflow.id for workflow in found]
            runs, hashes = _last_runs(session, ids), _live_hashes(session, found)
        lines: list[WorkflowLine] = []
        checked = 0
        for workflow in found:
            must_check = workflow.problems_count > 0 and checked < MOST_CHECKED
            checked += must_check
            document = loads(workflow.document)
            lines.append(
                WorkflowLine(
                    id=workflow.id,
                    slug=workflow.slug,
                    name=workflow.name,
                    revision=workflow.revision,
                    live_version=workflow.live_version,
                    problems=workflow.problems_count,
                    updated_at=iso(workflow.updated_at),
                    description=_description(document),
                    has_unpublished=workflow.live_version is not None and hashes.get(workflow.id) != digest(document),
                    first_problem=self._first_problem(document) if must_check else "",
                    runs=runs.get(workflow.id, []),
                )
            )
        return lines

    def _first_problem(self, document: Any) -> str:
        return next((problem.message for problem in check(document, self._core.registry).problems if problem.severity == "error"), "")


def _wanted(actor: Actor, query: str, order: Order) -> Any:
    wanted = select(Workflow).where(Workflow.workspace_id == actor.workspace_id, col(Workflow.deleted_at).is_(None))
    if query:
        wanted = wanted.where(
            or_(col(Workflow.name).icontains(query, autoescape=True), col(Workflow.slug).icontains(query, autoescape=True))
        )
    match order:
        case "name":
            return wanted.order_by(func.lower(Workflow.name), col(Workflow.id))
        case "run":
            last = select(func.max(Run.started_at)).where(Run.workflow_id == Workflow.id, Run.mode == "live").scalar_subquery()
            return wanted.order_by(func.coalesce(last, 0).desc(), func.lower(Workflow.name))
        case _:
            return wanted.order_by(col(Workflow.updated_at).desc(), col(Workflow.id))


def _last_runs(session: Session, ids: Sequence[str]) -> dict[str, list[RunMark]]:
    found: dict[str, list[RunMark]] = {}
    for id_ in ids:
        # One look into the index for each: a window over all runs would read every run there ever was.
        newest = (
            select(Run.run_id, Run.status, Run.started_at)
            .where(Run.workflow_id == id_, Run.mode == "live")
            .order_by(col(Run.started_at).desc())
            .limit(STRIP)
        )
        marks = [RunMark(id=run_id, status=status, at=iso(at)) for run_id, status, at in session.exec(newest)]
        found[id_] = marks[::-1]
    return found


def _live_hashes(session: Session, workflows: Sequence[Workflow]) -> dict[str, str]:
    live = [(w.id, w.live_version) for w in workflows if w.live_version is not None]
    if not live:
        return {}
    found = session.exec(
        select(Version.workflow_id, Version.version, Version.hash).where(col(Version.workflow_id).in_([i for i, _ in live]))
    )
    versions = {(workflow, version): hash_ for workflow, version, hash_ in found}
    return {id_: versions.get((id_, version), "") for id_, version in live}


def _description(document: Any) -> str:
    description = document.get("description") if isinstance(document, dict) else None
    return description.strip()[:300] if isinstance(description, str) else ""
