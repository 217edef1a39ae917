"""How the pages say what the engine means: statuses, money, moments and lengths of time."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any


@dataclass(frozen=True)
class Tone:
    """A status as people read it: colour and icon by `name` (see app/ui/marks.py), and the word."""

    name: str
    word: str


RUN_TONES: dict[str, Tone] = {
    "queued": Tone("skipped", "Queued"),
    "running": Tone("running", "Running"),
    "waiting": Tone("waiting", "Waiting"),
    "paused": Tone("waiting", "Paused"),
    "stopped": Tone("limit", "Limit reached"),
    "succeeded": Tone("done", "Done"),
    "failed": Tone("failed", "Failed"),
    "cancelled": Tone("skipped", "Cancelled"),
}
WAITING_TONES: dict[str, Tone] = {
    "approval": Tone("waiting", "Decision"),
    "form": Tone("waiting", "Form"),
    "limit": Tone("limit", "Limit reached"),
    "in_doubt": Tone("doubt", "In doubt"),
}


def run_tone(status: str) -> Tone:
    """Of a run's status; a status that came later is told by its own word."""
    return RUN_TONES.get(status, Tone("skipped", status.replace("_", " ").capitalize()))


def waiting_tone(kind: str) -> Tone:
    """Of what waits for a person."""
    return WAITING_TONES.get(kind, Tone("waiting", kind.replace("_", " ").capitalize()))


_LIMIT_WORDS = {
    "cost_usd": "money limit",
    "tokens": "token limit",
    "seconds": "time limit",
    "steps": "step limit",
    "llm_calls": "limit of questions to models",
    "tool_calls": "limit of tool calls",
}


def limit_word(name: str) -> str:
    """`cost_usd` -> `money limit`."""
    return _LIMIT_WORDS.get(name, f"limit {name}")


def asked_title(title: str) -> str:
    """The engine's title of a question without the names that programs use."""
    limit = re.fullmatch(r"The limit (\w+) is reached", title)
    return f"The {limit_word(limit[1])} is reached" if limit else title.replace("has used up its visits", "has used up its rounds")


def _moment(found: re.Match[str]) -> str:
    at = datetime.fromisoformat(found[0])
    return f"{at.day} {at:%b %Y, %H:%M} UTC"


def why(reason: str) -> str:
    """The engine's reason without the names that programs use: `draft#2/ok: It cannot be.` becomes `It cannot be.`"""
    reason = re.sub(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", _moment, reason).replace("the process died", "the server stopped")
    reason = re.sub(r"(?<!\.)\.\.(?= )", ".", reason)
    if reason.startswith("The loop ") and "has used up its visits" in reason:
        return "The workflow wants another round, and as many as it allows have been run."
    limit = re.match(r"The limit (\w+) is reached: (.*?) used, and", reason)
    if limit:
        # The limit is named already, so its amounts need no names of their own: `2 llm calls of 2 llm calls`.
        used = re.sub(r"^(\S+) ([a-z]{2}[a-z ]*) of (\S+) \2$", r"\1 of \3", limit[2])
        return f"The {limit_word(limit[1])} is reached: {used} used."
    budget = re.match(r"(The budget of .*? is used up: .*?), and the next step may need ", reason)
    if budget:
        return f"{budget[1]}."
    return re.sub(r"^[a-z][a-z0-9_]*([#/\[][a-z0-9_#/\[\].]*)?: (?=\S)", "", reason)


NEXT_STEPS = {
    "stopped": "Raise the limit and let it go on.",
    "failed": "See which step failed; it can be tried again from there.",
    "paused": "Let it go on.",
    "waiting": "Decide in the inbox.",
}


def next_step(status: str, reason: str) -> str:
    """What somebody can do about a run that does not move; nothing where nothing is to be done."""
    if status == "waiting" and "inbox" not in reason:
        return "It goes on by itself."
    if status == "stopped" and reason.startswith("The budget"):
        return "Raise the budget in the settings, or let it go on when the budget starts anew."
    if status == "stopped" and not reason.startswith("The limit"):
        return "Open it and let it go on."
    return NEXT_STEPS.get(status, "")


def money(usd: float) -> str:
    """`$0`, `$0.0213`, `$1.50`, `$1,240.00`: four digits below ten cents, where two would say nothing."""
    if not usd:
        return "$0"
    return f"${usd:,.2f}" if usd >= 0.1 else f"${usd:.4f}"


def used_of(spent: Mapping[str, Any], limits: Mapping[str, Any] | None) -> str:
    """`$0.02 of $0.38`; only the first half where no limit is known."""
    used = money(float(spent.get("cost_usd", 0)))
    most = (limits or {}).get("cost_usd")
    return f"{used} of {money(float(most))}" if most else used


def length(seconds: float) -> str:
    """`9 s`, `12 min`, `3 h`, `2 days`."""
    for size, unit in ((86_400, "day"), (3_600, "h"), (60, "min")):
        if seconds >= size:
            number = int(seconds // size)
            return f"{number} {unit}{'s' if unit == 'day' and number > 1 else ''}"
    return f"{max(0, int(seconds))} s"


def ago(moment: str | None, *, now: datetime) -> str:
    """How long ago an ISO 8601 moment was: `just now`, `12 min ago`; nothing for no moment."""
    if not moment:
        return ""
    passed = now - datetime.fromisoformat(moment)
    return "just now" if passed < timedelta(seconds=5) else f"{length(passed.total_seconds())} ago"


def left(moment: str | None, *, now: datetime) -> str:
    """How long there is until a moment: `Due in 26 min`, `Overdue`; nothing for no moment."""
    if not moment:
        return ""
    rest = (datetime.fromisoformat(moment) - now).total_seconds()
    return f"Due in {length(rest)}" if rest > 0 else "Overdue"


def initials(name: str) -> str:
    """Two letters for a person: of the first and the last word."""
    words = name.split()
    return "".join(word[0] for word in (words[:1] + words[-1:] if len(words) > 1 else words[:1])).upper() or "?"


def listing(words: list[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    return " and ".join(part for part in (", ".join(words[:-1]), words[-1] if words else "") if part)


def counted(number: int, one: str, many: str) -> str:
    """`1 run`, `3 runs`, `No runs`."""
    return f"{number or 'No'} {one if number == 1 else many}"


def kind_word(kind: str) -> str:
    """What a step without a title is called: its kind, as a word."""
    return kind.replace("_", " ").capitalize()
