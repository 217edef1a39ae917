"""Looks workflows up for the facade's modules, and keeps their documents."""

from __future__ import annotations

from typing import Any

from sqlmodel import Session, col, or_, select

from engine.errors import NotFound
from engine.jsonvalue import digest, dumps, loads_kept
from engine.people.permissions import Actor
from engine.storage.tables import Document, Version, Workflow


def find(session: Session, actor: Actor, workflow: str) -> Workflow:
    """A workflow of the actor's workspace, by id or slug. NotFound."""
    wanted = select(Workflow).where(
        Workflow.workspace_id == actor.workspace_id,
        col(Workflow.deleted_at).is_(None),
        or_(Workflow.id == workflow, Workflow.slug == workflow),
    )
    found = session.exec(wanted).first()
    if found is None:
        raise no_such(workflow)
    return found


def no_such(workflow: str) -> NotFound:
    """The error for an id or slug that names no workflow here."""
    return NotFound(f"There is no workflow {workflow[:80]}.", hint="Use an id or slug from the list of workflows.")


def find_even_deleted(session: Session, actor: Actor, workflow: str) -> Workflow:
    """The same, and by its id also one that was deleted: its runs stay readable."""
    gone = session.get(Workflow, workflow)
    if gone is not None and gone.deleted_at is not None and gone.workspace_id == actor.workspace_id:
        return gone
    return find(session, actor, workflow)


def store_document(session: Session, actor: Actor, document: Any) -> bool:
    """Keeps a document under its hash, its keys in their own order; whether it is new.

    One that differs only in the order of its keys is the same, and the order that was kept first stays (decision 0024).
    """
    digested = digest(document)
    if session.get(Document, digested) is not None:
        return False
    session.add(Document(hash=digested, workspace_id=actor.workspace_id, body=dumps(document).decode()))
    return True


def has_unpublished(session: Session, workflow: Workflow) -> bool:
    """Whether the draft differs from the version that is live; False while none is."""
    if workflow.live_version is None:
        return False
    live = session.get(Version, (workflow.id, workflow.live_version))
    return live is None or live.hash != digest(loads_kept(workflow.document))
