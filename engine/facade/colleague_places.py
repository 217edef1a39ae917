"""Where colleagues work: the workflows that name them, and what a document says of them that does not fit."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sqlmodel import Session, col, select

from engine.facade.colleague_shelf import find_colleague, find_gone
from engine.facade.colleague_views import WorksIn
from engine.graph.problems import Problem
from engine.graph.suggest import shown
from engine.jsonvalue import loads_kept
from engine.storage.tables import AgentRow, Document, Version, Workflow

KIND = "agent"


def works_in(session: Session, workspace_id: str) -> dict[str, list[WorksIn]]:
    """Id or slug, as steps name it -> the workflows whose draft or live version names it, by name."""
    wanted = (
        select(Workflow, Document.body)
        .where(Workflow.workspace_id == workspace_id, col(Workflow.deleted_at).is_(None))
        .outerjoin(Version, (col(Version.workflow_id) == Workflow.id) & (col(Version.version) == Workflow.live_version))
        .outerjoin(Document, col(Document.hash) == Version.hash)
        .order_by(col(Workflow.name), col(Workflow.id))
    )
    found: dict[str, list[WorksIn]] = {}
    for workflow, live in session.exec(wanted):
        on_line = _named_in(live)
        for name in sorted(on_line | _named_in(workflow.document)):
            place = WorksIn(id=workflow.id, slug=workflow.slug, name=workflow.name, is_live=name in on_line)
            found.setdefault(name, []).append(place)
    return found


def places_of(row: AgentRow, everywhere: dict[str, list[WorksIn]]) -> list[WorksIn]:
    """Those of one colleague, whichever of its names they use."""
    both: dict[str, WorksIn] = {}
    for place in (*everywhere.get(row.slug, ()), *everywhere.get(row.id, ())):
        known = both.get(place.id)
        both[place.id] = place if known is None or place.is_live else known
    return sorted(both.values(), key=lambda place: (place.name, place.id))


def notes_on(session: Session, workspace_id: str, document: Any) -> list[Problem]:
    """What steps say of colleagues that does not fit those who are there: warnings."""
    return [note for step in _steps(document) for note in _notes(session, workspace_id, *step)]


def _notes(session: Session, workspace_id: str, node: str, name: str, config: dict[str, Any]) -> Iterator[Problem]:
    row = find_colleague(session, workspace_id, name)
    if row is None:
        gone = find_gone(session, workspace_id, name)
        message = f"There is no colleague `{shown(name)}`." if gone is None else f"{gone.name} was removed: the step will fail."
        yield Problem("unknown_agent", message, "Choose one under Agents, or make it there.", "warning", node=node, field="config.agent")
        return
    has = {tool["tool"] for tool in row.tools}
    tools = config.get("tools")
    for place, tool in enumerate(tools if isinstance(tools, list) else ()):
        named = tool.get("tool") if isinstance(tool, dict) else tool
        if isinstance(named, str) and named not in has:
            message = f"{row.name} does not have the tool `{shown(named)}`: the step will fail."
            hint = f"Give it to {row.name} under Agents, or leave it out here."
            yield Problem("tool_of_nobody", message, hint, "warning", node=node, field=f"config.tools[{place}].tool")


def _steps(document: Any) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Node, the colleague's name and the config of each agent step that names one."""
    nodes = document.get("nodes") if isinstance(document, dict) else None
    for node in nodes if isinstance(nodes, list) else ():
        config = node.get("config") if isinstance(node, dict) and node.get("kind") == KIND else None
        name = config.get("agent") if isinstance(config, dict) else None
        if isinstance(config, dict) and isinstance(name, str) and name.strip() and isinstance(node.get("id"), str):
            yield node["id"], name.strip(), config


def _named_in(body: str | None) -> set[str]:
    # Reading a document takes longer than looking whether it can hold an agent step at all.
    if not body or '"agent"' not in body:
        return set()
    return {name for _, name, _ in _steps(loads_kept(body))}
