"""Runs in a list, told in words: plain text only, for this is what goes to the browser."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from app.ui import words
from engine import RunView


@dataclass(frozen=True)
class RunRow:
    """One run: what ran, how it stands and why, what to do about it, and the amounts."""

    id: str
    title: str
    under: str
    tone: str
    word: str
    told: str
    next: str
    amount: str
    worked: str
    when: str


@dataclass(frozen=True)
class Choice:
    """One value of a filter."""

    value: str
    word: str


STATUSES: tuple[Choice, ...] = (
    Choice("", "Any status"),
    Choice("queued,running", "Running"),
    Choice("waiting", "Waiting"),
    Choice("stopped,paused", "Stopped"),
    Choice("failed", "Failed"),
    Choice("stopped,paused,failed", "Stopped or failed"),
    Choice("succeeded", "Done"),
    Choice("cancelled", "Cancelled"),
)


def run_row(run: RunView, *, now: datetime) -> RunRow:
    """One run."""
    tone = words.run_tone(run.status)
    return RunRow(
        id=run.id,
        title=run.workflow_name or "Run",
        under="Test run" if run.mode == "test" else f"Version {run.version}",
        tone=tone.name,
        word=tone.word,
        told=words.why(run.reason),
        next=words.next_step(run.status, run.reason),
        amount=words.used_of(run.spent, run.limits),
        worked=words.length(float(run.spent.get("seconds", 0))),
        when=words.ago(run.started_at, now=now),
    )
