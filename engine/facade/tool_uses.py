"""Which workflows name a tool: what would fail without it."""

from __future__ import annotations

from typing import Any

from sqlmodel import Session, col, select

from engine.facade.core import Core
from engine.facade.document_steps import steps_of
from engine.facade.tool_views import ToolUse
from engine.jsonvalue import loads_kept
from engine.people.permissions import Actor
from engine.storage.tables import Document, Version, Workflow


def users_of(core: Core, actor: Actor, tool: str) -> list[ToolUse]:
    """The workflows whose draft or live version names the tool, by name. Blocks."""
    with core.records.reading() as session:
        # Only documents that hold the name at all are read: a name has no letters that JSON would write otherwise.
        drafts = select(Workflow).where(
            Workflow.workspace_id == actor.workspace_id,
            col(Workflow.deleted_at).is_(None),
            col(Workflow.document).contains(f'"{tool}"', autoescape=True),
        )
        found = {workflow.id: workflow for workflow in session.exec(drafts) if names(loads_kept(workflow.document), tool)}
        live = _live(session, actor, tool)
    both = found | live
    uses = [ToolUse(id=id_, name=one.name, in_draft=id_ in found, in_live=id_ in live) for id_, one in both.items()]
    return sorted(uses, key=lambda use: use.name.lower())


def _live(session: Session, actor: Actor, tool: str) -> dict[str, Workflow]:
    wanted = (
        select(Workflow, Document.body)
        .join(Version, (col(Version.workflow_id) == Workflow.id) & (col(Version.version) == Workflow.live_version))
        .join(Document, col(Document.hash) == Version.hash)
        .where(
            Workflow.workspace_id == actor.workspace_id,
            col(Workflow.deleted_at).is_(None),
            col(Document.body).contains(f'"{tool}"', autoescape=True),
        )
    )
    return {workflow.id: workflow for workflow, body in session.exec(wanted) if names(loads_kept(body), tool)}


def names(document: Any, tool: str) -> bool:
    """Whether a step of the document may call the tool. Never raises: drafts may be anything."""
    return any(name == tool for step in steps_of(document).values() for _, name in step.tools)
