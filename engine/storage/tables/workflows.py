"""Tables about workflows: the draft, its published versions and their documents."""

# pyright: reportIncompatibleVariableOverride=false
from __future__ import annotations

from typing import ClassVar

from sqlalchemy import Index, text
from sqlmodel import Field, SQLModel

from engine.storage.tables.columns import count, instant, instant_or_none, long_text, primary, word


class Workflow(SQLModel, table=True):
    """A workflow and its draft."""

    __tablename__: ClassVar[str] = "workflows"
    __table_args__ = (
        # Of the living only: the slug of a deleted workflow is free again.
        Index(
            "workflows_slug",
            "workspace_id",
            "slug",
            unique=True,
            sqlite_where=text("deleted_at IS NULL"),
            postgresql_where=text("deleted_at IS NULL"),
        ),
    )

    id: str = primary()
    workspace_id: str
    slug: str
    name: str
    revision: int
    """Goes up with every change of the draft."""
    document: str = long_text()
    problems_count: int = count()
    live_version: int | None = None
    created_by: str
    updated_by: str
    created_at: int = instant()
    updated_at: int = instant()
    deleted_at: int | None = instant_or_none()
    retention_days: int | None = None
    """How long its runs are kept after they have ended; None: for ever."""


class Document(SQLModel, table=True):
    """The body of a version, kept once however often it is published or tested."""

    __tablename__: ClassVar[str] = "documents"

    hash: str = primary()
    workspace_id: str
    body: str = long_text()


class Version(SQLModel, table=True):
    """One published state of a workflow; never changed."""

    __tablename__: ClassVar[str] = "versions"

    workflow_id: str = primary()
    version: int = primary()
    workspace_id: str
    hash: str
    note: str = word()
    edited_by: str
    published_by: str
    published_at: int = instant()


class Pin(SQLModel, table=True):
    """Outputs of a draft's step that stand in for running it in test runs."""

    __tablename__: ClassVar[str] = "pins"

    workflow_id: str = primary()
    node: str = primary()
    workspace_id: str
    outputs: str = long_text()
    """JSON."""
    port: str | None = None
    """The port that whoever pinned it named; None: what the outputs tell."""
    set_by: str
    set_at: int = instant()


class Hook(SQLModel, table=True):
    """The path of a webhook trigger, and its secret, encrypted and bound to this very row."""

    __tablename__: ClassVar[str] = "hooks"
    __table_args__ = (Index("hooks_workflow", "workflow_id"),)

    path: str = primary()
    workspace_id: str
    workflow_id: str
    key_id: str
    nonce: bytes
    ciphertext: bytes
    version: int = Field(default=1)
    """Goes up when the path gets another owner, and with it another secret."""
    created_at: int = instant()
