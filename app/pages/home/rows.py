"""Home's rows, told in words: plain text only, for this is what goes to the browser."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from app.ui import words
from engine import ApprovalView, OutcomesView, RunView, SpendView, StepView, WorkflowRow

MOST_STATIONS = 7
STEP_TONES = {"ready": "", "running": "running", "waiting": "waiting", "done": "done", "failed": "failed", "in_doubt": "waiting"}


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
    stations: list[str] = field(default_factory=list)
    """Tones of the steps on the way, the latest last; empty where the way is too long to be drawn."""
    at: str = ""
    """Where the run is at the moment."""


def waiting_row(item: ApprovalView, *, now: datetime) -> Row:
    """Something that waits for a person."""
    tone = words.waiting_tone(item.type)
    due = words.left(item.expires_at, now=now)
    return Row(
        id=item.id,
        title=words.asked_title(item.title) or "A decision is needed",
        under=item.workflow_name or item.workflow,
        tone=tone.name,
        word=due or tone.word,
        told=words.why(item.message) if item.type in ("limit", "in_doubt") else item.message,
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


def on_the_way(row: Row, steps: Sequence[StepView]) -> Row:
    """The row of a run under way, with the steps that it has been at; those inside loops and boxes are left out."""
    taken = [step for step in steps if "/" not in step.path and "#" not in step.path and step.status not in ("skipped", "cancelled")]
    if not taken:
        return row
    tones = [STEP_TONES.get(step.status, "") for step in taken]
    now = next((step for step in reversed(taken) if step.status != "done"), taken[-1])
    # One more station: where it goes from here, only the run decides.
    return replace(row, stations=[*tones[-MOST_STATIONS:], ""], at=f"Step {len(taken)} · {now.title or words.kind_word(now.kind)}")


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
class Bar:
    """One day of the chart; `height` in percent."""

    height: str
    told: str
    is_today: bool


def bars(spend: SpendView) -> list[Bar]:
    """A bar for every day; a day that cost nothing has none to speak of."""
    most = max(day.usd for day in spend.days) or 1.0
    last = len(spend.days) - 1
    return [
        Bar(f"{max(2.0, 100 * day.usd / most):.0f}%", f"{day.day}: {words.money(day.usd)}", index == last)
        for index, day in enumerate(spend.days)
    ]


@dataclass(frozen=True)
class Outcome:
    """How many runs went one way."""

    tone: str
    word: str
    number: str


def outcomes(view: OutcomesView) -> list[Outcome]:
    """The last two weeks in five lines."""
    lines = [
        ("done", "Done without help", view.done_alone),
        ("waiting", "Asked a person", view.asked),
        ("limit", "Stopped by a limit", view.stopped),
        ("failed", "Failed", view.failed),
        ("doubt", "In doubt", view.in_doubt),
    ]
    return [Outcome(tone, word, f"{number:,}") for tone, word, number in lines]
