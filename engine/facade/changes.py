"""What changes between two states of a workflow: its draft, its live version, or any other version."""

from __future__ import annotations

from typing import Any

from sqlmodel import Session

from engine.errors import Invalid, NotFound
from engine.facade.core import Core
from engine.facade.difference_views import ChangeView, DifferenceView, EdgeMarkView, SectionView
from engine.facade.finding import find
from engine.graph.diff import Section, difference
from engine.jsonvalue import loads
from engine.people.permissions import Actor, Permission, require
from engine.storage.tables import Document, Version, Workflow

NOTHING: dict[str, Any] = {"nodes": [], "edges": []}


class Changes:
    """Every call takes the actor first and checks its permission."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._kinds = {kind.kind: kind.title for kind in core.registry.all()}

    async def between(self, actor: Actor, workflow: str, *, before: str = "live", after: str = "draft") -> DifferenceView:
        """What changes from `before` to `after`: `draft`, `live`, `nothing`, or a version's number. Without a live version, all is new.

        NotFound for a version that is not there, Invalid for another word.
        """
        require(actor, Permission.WORKFLOW_READ)
        return await self._core.in_thread(lambda: self._between(actor, workflow, before, after))

    def _between(self, actor: Actor, workflow: str, before: str, after: str) -> DifferenceView:
        with self._core.records.reading() as session:
            found = find(session, actor, workflow)
            (told_before, old), (told_after, new) = _state(session, found, before, "from"), _state(session, found, after, "to")
        compared = difference(old, new, kinds=self._kinds)
        return DifferenceView(
            before=told_before,
            after=told_after,
            is_same=not compared.sections and not compared.moved,
            sections=[_section(section) for section in compared.sections],
            nodes=dict(compared.nodes),
            edges=[EdgeMarkView(source=e.source, port=e.port, target=e.target, mark=e.mark) for e in compared.edges],
            moved=compared.moved,
        )


def _section(section: Section) -> SectionView:
    changes = [ChangeView(text=change.text, before=change.before, after=change.after) for change in section.changes]
    return SectionView(title=section.title, mark=section.mark, node=section.node, changes=changes)


def _state(session: Session, workflow: Workflow, word: str, field: str) -> tuple[str, Any]:
    """What the state is called, and its document."""
    if word == "draft":
        return "draft", loads(workflow.document)
    if word == "nothing" or (word == "live" and workflow.live_version is None):
        return "nothing", NOTHING
    number = workflow.live_version if word == "live" else _number(word, field)
    version = session.get(Version, (workflow.id, number))
    document = session.get(Document, version.hash) if version else None
    if document is None:
        raise NotFound(f"{workflow.name} has no version {number}.")
    return f"version {number}", loads(document.body)


def _number(word: str, field: str) -> int:
    if not (word.isascii() and word.isdigit() and len(word) < 10):
        message = "Write draft, live, nothing, or the number of a version."
        raise Invalid(f"{field}: {message}", details={"problems": [{"field": field, "message": message}]})
    return int(word)
