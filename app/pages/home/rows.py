"""Home's rows, told in words: plain text only, for this is what goes to the browser."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from app.ui import words
from engine import ApprovalView, RunView, WorkflowRow


@dataclass(frozen=True)
class Row:
    """One line of a card: title, a second line, a status, what to know, and the amounts."""

    id: str
    title: str
    under: str
    tone: str
    word: str
    told: str = ""
    amount: str = ""
    when: str = ""


def waiting_row(item: ApprovalView, *, now: datetime) -> Row:
    """Something that waits for a person."""
    tone = words.waiting_tone(item.type)
    due = words.left(item.expires_at, now=now)
    return Row(
        id=item.id,
        title=item.title or "A decision is needed",
        under=item.workflow_name or item.workflow,
        tone=tone.name,
        word=due or tone.word,
        told=item.message,
        when=words.ago(item.opened_at, now=now),
    )


def run_row(run: RunView, *, now: datetime) -> Row:
    """One run."""
    tone = words.run_tone(run.status)
    return Row(
        id=run.id,
        title=run.workflow_name or run.workflow,
        under="Test run" if run.mode == "test" else f"Version {run.version}",
        tone=tone.name,
        word=tone.word,
        told=" ".join(part for part in (words.why(run.reason), words.next_step(run.status, run.reason)) if part),
        amount=words.used_of(run.spent, run.limits),
        when=words.ago(run.ended_at or run.started_at, now=now),
    )


def workflow_row(workflow: WorkflowRow) -> Row:
    """One workflow: whether it is live, and what is wrong with its draft."""
    is_live = workflow.live_version is not None
    problems = words.counted(workflow.problems, "problem", "problems") if workflow.problems else ""
    return Row(
        id=workflow.id,
        title=workflow.name,
        under=f"Version {workflow.live_version} is live" if is_live else "Draft, not live yet",
        tone="limit" if problems else "done" if is_live else "skipped",
        word=problems or ("Live" if is_live else "Draft"),
    )


@dataclass(frozen=True)
class TemplateRow:
    """A workflow to start from."""

    slug: str
    name: str
    description: str
