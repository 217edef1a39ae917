"""Workflows: drafts, their checks, and the immutable versions that run."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from sqlmodel import Session, col, func, or_, select

from engine.clock import iso
from engine.errors import Conflict, Invalid, NotFound, StaleRevision, WorkflowHasProblems
from engine.facade import colleague_places, cursors, tool_notes
from engine.facade.core import Core
from engine.facade.finding import find, find_even_deleted, has_unpublished, store_document
from engine.facade.hooks import Hooks
from engine.facade.pins import carry_pins
from engine.facade.version_views import version_views
from engine.facade.views import Checked, Page, Published, VersionView, WorkflowRow, WorkflowSaved, WorkflowView
from engine.graph.ops import apply_ops, renamed_by
from engine.graph.plan import Plan
from engine.graph.problems import Problem, has_errors
from engine.graph.validate import Checked as CheckedDocument
from engine.graph.validate import check
from engine.graph.worst_case import Bounds, Uses, worst_case, worst_case_by_node
from engine.jsonvalue import dumps, loads
from engine.nodes.estimates import static_estimates
from engine.nodes.programs import check_sandbox
from engine.people.permissions import Actor, Permission, require
from engine.storage.tables import Document, Version, Workflow
from engine.templates import templates


class Workflows:
    """Every call takes the actor first and checks its permission."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._hooks = Hooks(core)

    async def create(self, actor: Actor, document: Any) -> WorkflowSaved:
        """Keeps a document as a new draft, problems and all. NotADocument."""
        require(actor, Permission.WORKFLOW_EDIT)
        return await self._core.in_thread(lambda: self._create(actor, document))

    async def create_from_template(self, actor: Actor, slug: str) -> WorkflowSaved:
        """Keeps a template's document as a new draft. NotFound."""
        require(actor, Permission.WORKFLOW_READ)
        template = next((template for template in templates() if template.slug == slug), None)
        if template is None:
            raise NotFound("There is no such template.", hint="GET /api/v1/templates lists them.")
        return await self.create(actor, template.document)

    def _create(self, actor: Actor, document: Any) -> WorkflowSaved:
        checked = check(document, self._core.registry)
        now, records = self._core.clock.now_us(), self._core.records
        name = _name_of(document)
        with records.writing() as session:
            workflow = Workflow(
                id=self._core.ids.new("wf"),
                workspace_id=actor.workspace_id,
                slug=_free_slug(session, actor.workspace_id, name),
                name=name,
                revision=1,
                document=dumps(document).decode(),
                problems_count=_errors(checked.problems),
                created_by=actor.label,
                updated_by=actor.user_id or actor.label,
                created_at=now,
                updated_at=now,
            )
            session.add(workflow)
            records.tell(session, actor, action="workflow.create", subject=workflow.id, details={"name": name})
            return self._saved(session, workflow, checked, document)

    async def list(self, actor: Actor, *, query: str = "", limit: int = 100, cursor: str | None = None) -> Page[WorkflowRow]:
        """The workflows, by name."""
        require(actor, Permission.WORKFLOW_READ)
        size = cursors.page_size(limit)
        return await self._core.in_thread(lambda: self._list(actor, query, size, cursor))

    def _list(self, actor: Actor, query: str, size: int, cursor: str | None) -> Page[WorkflowRow]:
        wanted = select(Workflow).where(Workflow.workspace_id == actor.workspace_id, col(Workflow.deleted_at).is_(None))
        if query:
            wanted = wanted.where(
                or_(col(Workflow.name).icontains(query, autoescape=True), col(Workflow.slug).icontains(query, autoescape=True))
            )
        if cursor:
            name, last = cursors.decode(cursor, parts=2)
            wanted = wanted.where(or_(col(Workflow.name) > name, (col(Workflow.name) == name) & (col(Workflow.id) > last)))
        with self._core.records.reading() as session:
            found = session.exec(wanted.order_by(col(Workflow.name), col(Workflow.id)).limit(size + 1)).all()
        rows = [
            WorkflowRow(
                id=w.id,
                slug=w.slug,
                name=w.name,
                revision=w.revision,
                live_version=w.live_version,
                problems=w.problems_count,
                updated_at=iso(w.updated_at),
            )
            for w in found[:size]
        ]
        return Page(items=rows, next=cursors.encode([found[size - 1].name, found[size - 1].id]) if len(found) > size else None)

    async def get(self, actor: Actor, workflow: str) -> WorkflowView:
        """One workflow by id or slug, with its draft and the draft's problems."""
        require(actor, Permission.WORKFLOW_READ)
        return await self._core.in_thread(lambda: self._get(actor, workflow))

    def _get(self, actor: Actor, workflow: str) -> WorkflowView:
        with self._core.records.reading() as session:
            found = find(session, actor, workflow)
            is_changed = has_unpublished(session, found)
            document = loads(found.document)
            notes = self._notes(session, actor.workspace_id, document)
        checked = check(document, self._core.registry)
        return WorkflowView(
            id=found.id,
            slug=found.slug,
            name=found.name,
            revision=found.revision,
            live_version=found.live_version,
            document=document,
            problems=_told([*checked.problems, *notes]),
            worst_case=self._worst_case(found.workspace_id, checked),
            has_unpublished=is_changed,
            updated_at=iso(found.updated_at),
            updated_by=found.updated_by,
        )

    async def replace(self, actor: Actor, workflow: str, *, revision: int, document: Any) -> WorkflowSaved:
        """Puts a document in the draft's place. StaleRevision unless `revision` is the draft's."""
        require(actor, Permission.WORKFLOW_EDIT)
        return await self._core.in_thread(lambda: self._change(actor, workflow, revision, lambda _: document, dict))

    async def edit(self, actor: Actor, workflow: str, *, revision: int, ops: list[dict[str, Any]]) -> WorkflowSaved:
        """Changes the draft by operations, all or none. StaleRevision; Invalid names the operation."""
        require(actor, Permission.WORKFLOW_EDIT)
        change, renamed = lambda document: apply_ops(document, ops), lambda: renamed_by(ops)
        return await self._core.in_thread(lambda: self._change(actor, workflow, revision, change, renamed))

    def _change(
        self, actor: Actor, workflow: str, revision: int, change: Callable[[Any], Any], renamed: Callable[[], dict[str, str | None]]
    ) -> WorkflowSaved:
        records = self._core.records
        with records.reading() as session:
            found = find(session, actor, workflow)
        if found.revision != revision:
            raise _stale(found)
        old = loads(found.document)
        document = change(old)
        checked = check(document, self._core.registry)
        with records.writing() as session:
            current = find(session, actor, found.id)
            if current.revision != revision:
                raise _stale(current)
            current.document = dumps(document).decode()
            current.name = _name_of(document)
            current.problems_count = _errors(checked.problems)
            current.revision += 1
            carry_pins(session, current.id, old, document, renamed=renamed())
            current.updated_at, current.updated_by = self._core.clock.now_us(), actor.user_id or actor.label
            records.tell(session, actor, action="workflow.edit", subject=current.id, details={"revision": current.revision})
            return self._saved(session, current, checked, document)

    async def delete(self, actor: Actor, workflow: str) -> None:
        """Removes a workflow from the lists; its runs and versions stay readable."""
        require(actor, Permission.WORKFLOW_EDIT)
        await self._core.in_thread(lambda: self._delete(actor, workflow))

    def _delete(self, actor: Actor, workflow: str) -> None:
        with self._core.records.writing() as session:
            found = find(session, actor, workflow)
            found.deleted_at = self._core.clock.now_us()
            self._core.records.tell(session, actor, action="workflow.delete", subject=found.id)

    async def restore(self, actor: Actor, workflow: str) -> WorkflowSaved:
        """Brings a deleted workflow back, by its id; under another slug if its own was taken meanwhile. NotFound."""
        require(actor, Permission.WORKFLOW_EDIT)
        return await self._core.in_thread(lambda: self._restore(actor, workflow))

    def _restore(self, actor: Actor, workflow: str) -> WorkflowSaved:
        with self._core.records.writing() as session:
            found = find_even_deleted(session, actor, workflow)
            if found.deleted_at is not None:
                found.slug, found.deleted_at = _free_slug(session, actor.workspace_id, found.name), None
                self._core.records.tell(session, actor, action="workflow.restore", subject=found.id)
            document = loads(found.document)
            return self._saved(session, found, check(document, self._core.registry), document)

    async def validate(self, actor: Actor, document: Any) -> Checked:
        """All problems of a document and its worst case; stores and runs nothing. NotADocument."""
        require(actor, Permission.WORKFLOW_READ)
        return await self._core.in_thread(lambda: self._validate(actor, document))

    def _validate(self, actor: Actor, document: Any) -> Checked:
        checked = check(document, self._core.registry)
        with self._core.records.reading() as session:
            problems = _told([*checked.problems, *self._notes(session, actor.workspace_id, document)])
        if (plan := checked.plan) is None:
            return Checked(problems=problems, worst_case=None)
        estimates = self._estimates(actor.workspace_id, plan)
        return Checked(problems=problems, worst_case=worst_case(plan, estimates), steps=worst_case_by_node(plan, estimates))

    def _notes(self, session: Session, workspace: str, document: Any) -> list[Problem]:
        """What a document says of colleagues and tools that does not fit those that are there."""
        known = self._core.shelf.known_now(workspace) if tool_notes.concerns(document) else []
        return [*colleague_places.notes_on(session, workspace, document), *tool_notes.notes_on(document, known, self._core.registry)]

    def _worst_case(self, workspace: str, checked: CheckedDocument) -> dict[str, Any] | None:
        return worst_case(checked.plan, self._estimates(workspace, checked.plan)) if checked.plan else None

    def _estimates(self, workspace: str, plan: Plan) -> dict[str, Uses | Bounds]:
        def called(workflow: str, version: int | None) -> Plan | None:
            found = self._core.reader.beginning(workspace, workflow, version)
            return None if found is None or found.doc_hash is None else self._core.plans.of(found.doc_hash)

        return static_estimates(plan, self._core.gateway, called)

    def _saved(self, session: Session, workflow: Workflow, checked: CheckedDocument, document: Any) -> WorkflowSaved:
        return WorkflowSaved(
            id=workflow.id,
            slug=workflow.slug,
            revision=workflow.revision,
            problems=_told([*checked.problems, *self._notes(session, workflow.workspace_id, document)]),
            worst_case=self._worst_case(workflow.workspace_id, checked),
            has_unpublished=has_unpublished(session, workflow),
        )

    async def publish(self, actor: Actor, workflow: str, *, note: str = "") -> Published:
        """Makes the draft an immutable version and puts it live. WorkflowHasProblems while an error remains; SandboxMissing."""
        require(actor, Permission.WORKFLOW_PUBLISH)
        return await self._core.in_thread(lambda: self._publish(actor, workflow, note))

    def _publish(self, actor: Actor, workflow: str, note: str) -> Published:
        if len(note) > 2000:
            raise Invalid("The note is longer than 2,000 characters.", details={"problems": [{"field": "note", "message": "too long"}]})
        records = self._core.records
        with records.writing() as session:
            found = find(session, actor, workflow)
            document = loads(found.document)
            checked = check(document, self._core.registry)
            if checked.plan is None or has_errors(checked.problems):
                raise WorkflowHasProblems(details={"problems": _told(checked.problems)})
            check_sandbox(checked.plan)
            triggers = self._hooks.open(session, found, document)
            is_new = store_document(session, actor, document)
            last = session.exec(select(func.max(Version.version)).where(Version.workflow_id == found.id)).one()
            version = Version(
                workflow_id=found.id,
                version=(last or 0) + 1,
                workspace_id=actor.workspace_id,
                hash=checked.plan.hash,
                note=note,
                edited_by=found.updated_by,
                published_by=actor.user_id or actor.label,
                published_at=self._core.clock.now_us(),
            )
            session.add(version)
            found.live_version = version.version
            details = {"version": version.version, "hash": version.hash}
            records.tell(session, actor, action="workflow.publish", subject=found.id, details=details)
            published = Published(version=version.version, hash=version.hash, triggers=triggers)
        if is_new:
            self._core.plans.keep(checked.plan, checked.plan.hash)
        return published

    async def versions(self, actor: Actor, workflow: str, *, limit: int = 100, cursor: str | None = None) -> Page[VersionView]:
        """The published versions, newest first."""
        require(actor, Permission.WORKFLOW_READ)
        size = cursors.page_size(limit)
        return await self._core.in_thread(lambda: self._versions(actor, workflow, size, cursor))

    def _versions(self, actor: Actor, workflow: str, size: int, cursor: str | None) -> Page[VersionView]:
        with self._core.records.reading() as session:
            found = find(session, actor, workflow)
            wanted = select(Version).where(Version.workflow_id == found.id)
            if cursor:
                wanted = wanted.where(col(Version.version) < int(cursors.decode(cursor, parts=1)[0]))
            versions = session.exec(wanted.order_by(col(Version.version).desc()).limit(size + 1)).all()
            views = version_views(session, found, versions[:size])
        return Page(items=views, next=cursors.encode([versions[size - 1].version]) if len(versions) > size else None)

    async def version(self, actor: Actor, workflow: str, version: int) -> VersionView:
        """One version with its document."""
        require(actor, Permission.WORKFLOW_READ)
        return await self._core.in_thread(lambda: self._version(actor, workflow, version))

    def _version(self, actor: Actor, workflow: str, version: int) -> VersionView:
        with self._core.records.reading() as session:
            found = find(session, actor, workflow)
            stored = session.get(Version, (found.id, version))
            if stored is None:
                raise NotFound(f"{found.name} has no version {version}.")
            document = session.get(Document, stored.hash)
            view = version_views(session, found, [stored])[0]
        view.document = loads(document.body) if document else None
        return view

    async def promote(self, actor: Actor, workflow: str, version: int) -> VersionView:
        """Puts an earlier version live again; runs that started keep theirs."""
        require(actor, Permission.WORKFLOW_PUBLISH)
        return await self._core.in_thread(lambda: self._promote(actor, workflow, version))

    def _promote(self, actor: Actor, workflow: str, version: int) -> VersionView:
        with self._core.records.writing() as session:
            found = find(session, actor, workflow)
            stored = session.get(Version, (found.id, version))
            if stored is None:
                raise NotFound(f"{found.name} has no version {version}.")
            found.live_version = version
            self._core.records.tell(session, actor, action="workflow.promote", subject=found.id, details={"version": version})
            return version_views(session, found, [stored])[0]


def _stale(workflow: Workflow) -> Conflict:
    return StaleRevision(f"The draft is at revision {workflow.revision} by now.", details={"revision": workflow.revision})


def _told(problems: list[Problem]) -> list[dict[str, Any]]:
    return [p.as_json() for p in problems]


def _errors(problems: list[Problem]) -> int:
    return sum(p.severity == "error" for p in problems)


def _name_of(document: Any) -> str:
    name = document.get("name")
    return name.strip()[:200] if isinstance(name, str) and name.strip() else "Untitled workflow"


def _free_slug(session: Session, workspace_id: str, name: str) -> str:
    wanted = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:60].strip("-") or "workflow"
    slug, number = wanted, 1
    while session.exec(
        select(Workflow.id).where(Workflow.workspace_id == workspace_id, Workflow.slug == slug, col(Workflow.deleted_at).is_(None))
    ).first():
        number += 1
        slug = f"{wanted}-{number}"
    return slug
