"""What runs take and how long they are kept, told in words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from app.pages.settings.rows import size
from app.ui import words
from engine import OverView, WorkflowStorage

FOR_EVER, OTHER = "ever", "other"
CHOICES = ((FOR_EVER, "For ever"), ("7", "7 days"), ("30", "30 days"), ("90", "90 days"), ("365", "A year"), (OTHER, "Other …"))


@dataclass(frozen=True)
class StorageRow:
    """What the runs of one workflow take."""

    id: str
    name: str
    told: str
    size: str
    width: str
    kept: str
    choice: str
    """The value of the list in which it is chosen."""
    days: str
    """What is typed where the list has no such number."""
    is_deleted: bool


def storage_rows(lines: Sequence[WorkflowStorage], *, now: datetime) -> list[StorageRow]:
    """The largest first; a bar shows which part of all runs these are."""
    whole = sum(line.bytes for line in lines) or 1
    return [_row(line, whole, now=now) for line in lines]


def over_told(over: OverView, days: int) -> str:
    """What a shorter time deletes, before it does."""
    runs = words.counted(over.runs, "run that ended", "runs that ended")
    return (
        f"{runs} more than {words.counted(days, 'day', 'days')} ago, {size(over.bytes)} of journals, will be deleted within the hour, with "
        "everything that can be seen of them. This cannot be undone. Runs that others still need are kept until those are gone."
    )


def _row(line: WorkflowStorage, whole: int, *, now: datetime) -> StorageRow:
    known = [value for value, _ in CHOICES]
    days = "" if line.retention_days is None else str(line.retention_days)
    oldest = f"oldest ended {words.ago(line.oldest_ended_at, now=now)}" if line.oldest_ended_at else ""
    return StorageRow(
        id=line.id,
        name=line.name,
        told=" · ".join(part for part in (words.counted(line.runs, "run", "runs"), oldest) if part),
        size=size(line.bytes),
        width=f"{100 * line.bytes / whole:.1f}%",
        kept="Kept for ever" if not days else f"Kept for {words.counted(int(days), 'day', 'days')}",
        choice=FOR_EVER if not days else days if days in known else OTHER,
        days=days,
        is_deleted=line.is_deleted,
    )
