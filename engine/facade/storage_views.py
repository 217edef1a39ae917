"""What Settings tell of storage: what runs take, and how long they are kept."""

from __future__ import annotations

from pydantic import BaseModel


class RetentionView(BaseModel):
    """How long the runs of a workflow are kept after they have ended."""

    workflow: str
    """Its id."""
    days: int | None
    """None: for ever."""


class OverView(BaseModel):
    """What would go if the runs of a workflow were kept for some days only."""

    runs: int
    """That ended before then. A run that a fork, a parent or a child still needs stays longer."""
    bytes: int
    """Of their journals."""


class WorkflowStorage(BaseModel):
    """What the runs of one workflow take."""

    id: str
    name: str
    runs: int
    bytes: int
    """Journals, snapshots and large values; a value that runs of two workflows share counts for both."""
    retention_days: int | None
    oldest_ended_at: str | None
    """When the oldest run that is over ended."""
    is_deleted: bool
    """The workflow is deleted; its runs stay readable."""


class StorageView(BaseModel):
    """What the runs of the workspace take, and the database as a whole."""

    total_bytes: int
    """Of all runs; a value that several share counts once."""
    database_bytes: int
    """On disk: everything that is kept, the log included."""
    free_bytes: int
    """Of `database_bytes`: what deleted rows have left, used again by the next ones."""
    measured_at: str
    workflows: list[WorkflowStorage]
    """The largest first."""
