"""The lines of the page of workflows, told in words: plain text only, for this is what goes to the browser."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from app.ui import words
from engine import WorkflowLine


@dataclass(frozen=True)
class Mark:
    """One run of the strip."""

    tone: str
    told: str
    address: str


@dataclass(frozen=True)
class Line:
    """One workflow."""

    id: str
    name: str
    address: str
    about: str
    tone: str
    word: str
    more: str
    """What else to know about its state: a draft that is ahead of what is live."""
    changed: str
    export: str
    went: str
    """How the last runs went, in words."""
    runs: list[Mark] = field(default_factory=list)


def line(workflow: WorkflowLine, *, now: datetime) -> Line:
    """A workflow as its line tells it."""
    tone, word, more = _state(workflow)
    return Line(
        id=workflow.id,
        name=workflow.name,
        address=f"/workflows/{workflow.id}",
        about=workflow.first_problem or workflow.description,
        tone=tone,
        word=word,
        more=more,
        changed=words.ago(workflow.updated_at, now=now),
        export=f"/api/v1/workflows/{workflow.id}/document",
        went=_went([run.status for run in workflow.runs]),
        runs=[_mark(run.id, run.status, words.ago(run.at, now=now)) for run in workflow.runs],
    )


def _state(workflow: WorkflowLine) -> tuple[str, str, str]:
    live = f"Version {workflow.live_version} is live" if workflow.live_version is not None else ""
    if workflow.problems:
        return "failed", words.counted(workflow.problems, "problem", "problems"), live or "Not live"
    if not live:
        return "skipped", "Draft", "Not live yet"
    if workflow.has_unpublished:
        return "done", "Live", f"{live}; the draft has changes"
    return "done", "Live", live


def _mark(run: str, status: str, when: str) -> Mark:
    tone = words.run_tone(status)
    return Mark(tone=tone.name, told=f"{tone.word}, {when}", address=f"/runs/{run}")


def _went(statuses: list[str]) -> str:
    """`10 of 12 done`; what is not done yet or did not work is what is left."""
    if not statuses:
        return "No run yet"
    done = sum(status == "succeeded" for status in statuses)
    open_ = sum(status in ("queued", "running", "waiting", "paused") for status in statuses)
    told = f"{done} of {len(statuses)} done"
    return f"{told}, {open_} under way" if open_ else told
