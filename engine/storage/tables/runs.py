"""Tables about runs: each run, its journal, and everything that waits for a person or a time."""

# pyright: reportIncompatibleVariableOverride=false
from __future__ import annotations

from typing import ClassVar

from sqlalchemy import Index, Text, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from engine.storage.tables.columns import count, instant, instant_or_none, long_text, primary, word


class Run(SQLModel, table=True):
    """One run of a workflow; what can be told without reading its journal."""

    __tablename__: ClassVar[str] = "runs"
    __table_args__ = (
        Index("runs_started", "workspace_id", "started_at"),
        Index("runs_status", "status"),
        Index("runs_workflow", "workflow_id", "started_at"),
        Index("runs_workflow_mode", "workflow_id", "mode", "started_at"),
        Index("runs_fork", "fork_of", sqlite_where=text("fork_of IS NOT NULL"), postgresql_where=text("fork_of IS NOT NULL")),
        Index("runs_parent", "parent_run", sqlite_where=text("parent_run IS NOT NULL"), postgresql_where=text("parent_run IS NOT NULL")),
    )

    run_id: str = primary()
    workspace_id: str
    workflow_id: str
    workflow_name: str
    version: int | None = None
    """None for a test run of a draft."""
    doc_hash: str
    mode: str
    status: str
    reason: str = word()
    epoch: int = count()
    """Goes up when another worker takes the run over; a commit with an older one is fenced out."""
    owner: str | None = None
    lease_until: int | None = instant_or_none()
    head_seq: int = count()
    cancel_req: int = count()
    parent_run: str | None = None
    fork_of: str | None = None
    fork_seq: int | None = None
    started_by: str
    started_at: int = instant()
    ended_at: int | None = instant_or_none()
    updated_at: int = instant()
    cost_micro: int = count()
    """Millionths of a US dollar."""
    tokens: int = count()
    busy_us: int = count()
    steps: int = count()
    llm_calls: int = count()
    tool_calls: int = count()


class JournalRow(SQLModel, table=True):
    """One event of a run; the truth that every view only reads."""

    __tablename__: ClassVar[str] = "journal"
    __table_args__ = (
        Index(
            "journal_step_done",
            "run_id",
            "path",
            "attempt",
            unique=True,
            sqlite_where=text("kind = 'step_done'"),
            postgresql_where=text("kind = 'step_done'"),
        ),
        Index(
            "journal_bounds",
            "run_id",
            "seq",
            sqlite_where=text("kind IN ('run_resumed', 'run_forked')"),
            postgresql_where=text("kind IN ('run_resumed', 'run_forked')"),
        ),
    )

    run_id: str = primary()
    seq: int = primary()
    workspace_id: str
    epoch: int
    at: int = instant()
    kind: str
    path: str = word()
    attempt: int = count()
    payload: bytes


class Blob(SQLModel, table=True):
    """A value too large for a journal row, kept under its SHA-256."""

    __tablename__: ClassVar[str] = "blobs"

    hash: str = primary()
    workspace_id: str
    body: bytes


class Approval(SQLModel, table=True):
    """One item of the inbox: whatever waits for a person."""

    __tablename__: ClassVar[str] = "approvals"
    __table_args__ = (
        Index("approvals_inbox", "workspace_id", "status", "opened_at"),
        UniqueConstraint("run_id", "path", "attempt"),
    )

    id: str = primary()
    workspace_id: str
    run_id: str
    path: str
    attempt: int
    workflow_id: str
    workflow_name: str
    type: str
    status: str
    title: str
    card: str = long_text()
    """JSON: what the person sees."""
    digest: str
    approvers: str = Field(sa_type=Text)
    """JSON: who may decide."""
    votes: str = word("[]")
    """JSON: who has decided what so far."""
    opened_at: int = instant()
    expires_at: int | None = instant_or_none()
    decided_at: int | None = instant_or_none()
    decided_by: str | None = None
    decision: str | None = None
    result: str | None = Field(default=None, sa_type=Text)
    """JSON: what became of it."""


class Timer(SQLModel, table=True):
    """Wakes one step of a run when its time has come."""

    __tablename__: ClassVar[str] = "timers"
    __table_args__ = (Index("timers_due", "due_at"),)

    run_id: str = primary()
    path: str = primary()
    attempt: int = primary()
    kind: str = primary()
    workspace_id: str
    due_at: int = instant()


class Wait(SQLModel, table=True):
    """A step of a run that waits for an event of the outside world."""

    __tablename__: ClassVar[str] = "waits"
    __table_args__ = (Index("waits_event", "workspace_id", "event", "key"),)

    run_id: str = primary()
    path: str = primary()
    attempt: int
    workspace_id: str
    event: str
    key: str


class ChildRun(SQLModel, table=True):
    """A step of a run that waits for another run, which it has started."""

    __tablename__: ClassVar[str] = "children"
    __table_args__ = (Index("children_child", "child", unique=True),)

    run_id: str = primary()
    path: str = primary()
    attempt: int = primary()
    workspace_id: str
    child: str


class Notification(SQLModel, table=True):
    """A message to people that a run has sent."""

    __tablename__: ClassVar[str] = "notifications"
    __table_args__ = (Index("notifications_created", "workspace_id", "created_at"), Index("notifications_run", "run_id"))

    id: str = primary()
    workspace_id: str
    run_id: str
    path: str
    channel: str
    subject: str
    message: str = long_text()
    created_at: int = instant()
    read_at: int | None = instant_or_none()
