"""Published versions as lists show them: who, when, and how many runs each has."""

from __future__ import annotations

from collections.abc import Sequence

from sqlmodel import Session, col, func, select

from engine.clock import iso
from engine.facade.naming import names_of
from engine.facade.views import VersionView
from engine.storage.tables import Run, Version, Workflow

ENDED = ("succeeded", "failed", "cancelled", "stopped")


def version_views(session: Session, workflow: Workflow, versions: Sequence[Version]) -> list[VersionView]:
    """The views of these versions of one workflow, in the same order."""
    names = names_of(session, {version.published_by for version in versions})
    runs = _runs(session, workflow, versions)
    return [
        VersionView(
            version=version.version,
            hash=version.hash,
            note=version.note,
            edited_by=version.edited_by,
            published_by=version.published_by,
            published_by_name=names.get(version.published_by, version.published_by),
            published_at=iso(version.published_at),
            is_live=workflow.live_version == version.version,
            runs=runs.get(version.version, (0, 0))[0],
            active=runs.get(version.version, (0, 0))[1],
        )
        for version in versions
    ]


def _runs(session: Session, workflow: Workflow, versions: Sequence[Version]) -> dict[int, tuple[int, int]]:
    """Version -> live runs, and those of them that have not ended."""
    active = func.count().filter(col(Run.status).notin_(ENDED))
    counted = (
        select(Run.version, func.count(), active)
        .where(Run.workflow_id == workflow.id, Run.mode == "live", col(Run.version).in_([version.version for version in versions]))
        .group_by(col(Run.version))
    )
    return {number: (all_, open_) for number, all_, open_ in session.exec(counted) if number is not None}
