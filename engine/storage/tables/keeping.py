"""Tables about keeping runs: snapshots of their state, the values they share, what they take, and those that are going."""

# pyright: reportIncompatibleVariableOverride=false
from __future__ import annotations

from typing import ClassVar

from sqlalchemy import Index
from sqlmodel import SQLModel

from engine.storage.tables.columns import primary


class Snapshot(SQLModel, table=True):
    """What a run's rows up to `seq` come to: a cache, which may be deleted at any time."""

    __tablename__: ClassVar[str] = "snapshots"

    run_id: str = primary()
    seq: int = primary()
    workspace_id: str
    codec: str
    """How the state is written; one that this version does not write is not read either."""
    rows_bytes: int
    """Of all rows that tell the run up to here, shared ones included, large values not."""
    written_bytes: int
    """Of all snapshots of this run so far, this one included."""
    state: bytes


class BlobRef(SQLModel, table=True):
    """A value above 32 kB that the rows of a run need."""

    __tablename__: ClassVar[str] = "blob_refs"
    __table_args__ = (Index("blob_refs_hash", "hash"),)

    run_id: str = primary()
    hash: str = primary()
    workspace_id: str
    bytes: int


class SweptRun(SQLModel, table=True):
    """A run that is gone for every reader, and whose rows are being deleted."""

    __tablename__: ClassVar[str] = "swept_runs"

    run_id: str = primary()
    workspace_id: str


class RunSize(SQLModel, table=True):
    """What the rows of a run up to `seq` take: a cache, brought up to date when somebody asks."""

    __tablename__: ClassVar[str] = "run_sizes"

    run_id: str = primary()
    workspace_id: str
    seq: int
    bytes: int


class SuspendedProgram(SQLModel, table=True):
    """A program of a code step that stands at a checkpoint: a cache, which may be deleted at any time."""

    __tablename__: ClassVar[str] = "suspended_programs"

    run_id: str = primary()
    path: str = primary()
    workspace_id: str
    attempt: int
    """The one that has written it; a later one may go on from it, as long as none has ended."""
    program: str
    """Hash of the code, its inputs and the interpreter."""
    proof: bytes
    """HMAC over all of that and the body."""
    body: bytes
