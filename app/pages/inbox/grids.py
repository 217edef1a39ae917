"""The approvals of one map box as a grid, told in words: what they have in common, its columns, and a line for each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from app.pages.inbox.cards import ACTS, MOVING, editables
from app.pages.inbox.rows import TITLELESS, item_tone, length_since
from app.pages.inbox.values import TYPED, Fact, as_words, facts, label, plain, typed
from app.ui import words
from engine import Actor, InboxCard, InboxGrid

PAGE = 50
"""Lines that are drawn at once."""
MOST_COLUMNS = 12
"""Values shown as columns; what is beyond stands below its line."""
REASONLESS = "Say why, then reject again."


@dataclass(frozen=True)
class Column:
    """What a column holds: the name of a value, and its heading."""

    name: str
    label: str
    is_number: bool = False


@dataclass(frozen=True)
class Typing:
    """A value of a line that may be changed."""

    name: str
    label: str
    kind: str
    """`text`, `number`, `choice`."""
    original: str
    keep: str
    text: str
    """What was decided, in words; while it waits, what it was."""


@dataclass(frozen=True)
class Line:
    """One item."""

    id: str
    digest: str
    number: str
    title: str
    """Only where the lines ask different things."""
    cells: dict[str, str]
    fields: list[Typing]
    acts: list[Fact]
    acts_word: str
    more: list[Fact]
    """Values for which there is no column."""
    message: str
    tone: str
    word: str
    by: str
    note: str
    may_decide: bool
    may_not: str
    is_final: bool
    is_moving: bool


@dataclass(frozen=True)
class Head:
    """What the lines have in common."""

    title: str = ""
    sentence: str = ""
    run: str = ""
    workflow: str = ""
    version: str = ""
    box: str = ""
    oldest: str = ""
    tone: str = "waiting"
    word: str = ""
    cost: str = ""
    deciders: str = ""
    action: str = ""
    place: str = ""
    """Which lines are drawn, where not all are."""


def head(grid: InboxGrid, *, now: datetime) -> Head:
    """The head of a grid."""
    about = grid.about
    action = about.action or {}
    is_waiting = grid.waiting > 0
    last = min(grid.at + PAGE, grid.total)
    return Head(
        title=plain(grid.asks) or TITLELESS,
        sentence=_sentence(grid),
        run=about.run_id,
        workflow=about.workflow_name or about.workflow,
        version="test run" if about.mode == "test" else f"version {about.version}" if about.version else "",
        box=plain(about.box.title) if about.box else "",
        oldest=length_since(grid.oldest_at, now=now),
        tone="waiting" if is_waiting else "skipped",
        word=f"{grid.waiting:,} to decide" if is_waiting else "Nothing waits",
        cost=words.used_of(about.spent, about.limits),
        deciders=_deciders(about.approvers),
        action=plain(str(action.get("title") or "")),
        place=f"{grid.at + 1:,}–{last:,} of {grid.total:,}" if grid.total > PAGE else "",
    )


def _sentence(grid: InboxGrid) -> str:
    """What the decisions do, from the workflow itself."""
    about = grid.about
    who, box = about.agent or about.workflow_name or about.workflow, about.box
    asks = f"{who} asks once for each item of “{plain(box.title) if box else ''}”."
    if about.action is None:
        return f"{asks} Each item goes on by itself as soon as it is decided."
    title, does = about.action.get("title"), ACTS.get(str(about.action.get("kind")), "it runs")
    if about.action.get("simulated"):
        return f"{asks} What is approved would run “{title}”; this is a test run, and nothing leaves Signalbox."
    return f"{asks} For each that is approved, “{title}” runs once: {does}, exactly as its line says."


def _deciders(approvers: Mapping[str, Any]) -> str:
    named = [f"everybody with the role {role}" for role in approvers.get("roles") or []] + list(approvers.get("users") or [])
    quorum = int(approvers.get("quorum", 1) or 1)
    told = words.listing(named or ["everybody with the role approver"])
    return f"{told[:1].upper()}{told[1:]}" + (f"; {quorum} have to agree" if quorum > 1 else "")


def shown_columns(grid: InboxGrid) -> list[Column]:
    """Every name that a line of this page shows a value under, in the order in which they first come."""
    names = dict.fromkeys(name for item in grid.items for name in item.show)
    return [Column(name, label(plain(name)), _is_number(name, grid)) for name in names][:MOST_COLUMNS]


def _is_number(name: str, grid: InboxGrid) -> bool:
    values = [item.show[name] for item in grid.items if item.show.get(name) is not None]
    return bool(values) and all(isinstance(value, int | float) and not isinstance(value, bool) for value in values)


def edited_columns(grid: InboxGrid) -> list[Column]:
    """Every value that may be changed on a line of this page."""
    names = dict.fromkeys(one.name for item in grid.items for one in editables(item, {}, {}))
    return [Column(name, label(plain(name))) for name in names]


def lines(grid: InboxGrid, *, me: Actor, now: datetime) -> list[Line]:
    """The lines of this page."""
    columns = {column.name for column in shown_columns(grid)}
    return [_line(item, columns, is_same=item.title == grid.asks, me=me, now=now) for item in grid.items]


def _line(item: InboxCard, columns: set[str], *, is_same: bool, me: Actor, now: datetime) -> Line:
    tone, is_pending, action = item_tone(item), item.status == "pending", item.action or {}
    quorum = int(item.approvers.get("quorum", 1) or 1)
    waits = f"{tone.word} {length_since(item.opened_at, now=now)}".strip()
    agreed = f"{len(item.votes)} of {quorum} agreed" if is_pending and quorum > 1 else ""
    return Line(
        id=item.id,
        digest=item.digest,
        number=item.box.number if item.box else "",
        title="" if is_same else plain(item.title) or TITLELESS,
        cells={name: _cell(value) for name, value in item.show.items() if name in columns},
        fields=_typings(item),
        acts=facts(item.ran or action.get("config") or {}),
        acts_word=_acts_word(item),
        more=facts({name: value for name, value in item.show.items() if name not in columns}),
        message=plain(item.message),
        tone=tone.name,
        word=(words.left(item.expires_at, now=now) or waits) if is_pending else tone.word,
        by=agreed if is_pending else _by(item, me=me),
        note=_note(item),
        may_decide=item.may_decide,
        may_not=item.may_not if is_pending else "",
        is_final=item.cannot_be_undone and not action.get("simulated"),
        is_moving=item.status in MOVING and (item.status == "acting" or item.run_status in ("queued", "running")),
    )


def _acts_word(item: InboxCard) -> str:
    act = f"“{plain(str((item.action or {}).get('title') or ''))}”"
    match item.status:
        case _ if item.action is None:
            return "More about it"
        case "pending":
            return f"Exactly what {act} does"
        case "rejected" | "expired" | "void" | "cancelled":
            return f"What {act} would have done"
        case _:
            return f"Exactly what {act} was told"


def _cell(value: Any) -> str:
    if isinstance(value, list) and value and not any(isinstance(each, dict | list) for each in value):
        return ", ".join(map(as_words, value))
    if isinstance(value, Mapping) and value:
        return "\n".join(f"{one.label}: {one.text}" for one in facts(value))
    return as_words(value)


def _typings(item: InboxCard) -> list[Typing]:
    found = []
    for one in editables(item, {}, {}):
        decided = (item.values or {}).get(one.name, item.editable[one.name]) if item.status != "pending" else item.editable[one.name]
        found.append(Typing(one.name, one.label, one.kind, one.original, one.keep, _cell(decided)))
    return found


def _by(item: InboxCard, *, me: Actor) -> str:
    if item.decided_by is None or item.status in ("expired", "cancelled"):
        return ""
    who = "you" if item.decided_by in (me.user_id, me.label) else plain(item.decided_by_name)
    return f"by {who}" if item.status in ("approved", "rejected") else f"approved by {who}"


def _note(item: InboxCard) -> str:
    """What a person must know of a line besides."""
    match item.status:
        case "rejected":
            return f"Reason: {plain(item.reason)}" if item.reason else ""
        case "failed":
            error = item.result.get("error") if isinstance(item.result, Mapping) else None
            told = error if isinstance(error, Mapping) else {}
            return plain(f"It failed: {told.get('message') or 'no reason was given.'}")
        case "in_doubt":
            return "It was sent and no answer came. It is not repeated by itself: a person must check."
        case "void":
            return "What would have run was not what this line showed, so nothing was done. The line after it shows what would run."
        case "approved" if item.run_status in ("stopped", "failed", "paused", "cancelled"):
            return plain(f"The run does not go on: {item.run_reason}")
        case _:
            return ""


# Deciding


@dataclass(frozen=True)
class Decision:
    """One line that shall be decided, as the engine takes it."""

    id: str
    decision: str
    digest: str
    values: dict[str, Any] = field(default_factory=dict)
    reason: str = ""

    def as_entry(self) -> dict[str, Any]:
        """For `decide_many`."""
        told = {"id": self.id, "decision": self.decision, "digest": self.digest, "reason": self.reason}
        return told | ({"values": self.values} if self.values else {})


def decisions(form: Mapping[str, Any], items: Mapping[str, InboxCard]) -> tuple[list[Decision], dict[str, str]]:
    """What is to be decided of the items that are shown, and what is wrong with the other lines, by their ids.

    A browser sends `{decision, reason, lines: [{id, digest, texts: {name: typed text}}]}`; what it names beyond is left out.
    """
    decision, reason = str(form.get("decision", "")), str(form.get("reason") or "").strip()
    sent: list[Decision] = []
    problems: dict[str, str] = {}
    entries = form.get("lines")
    for entry in entries if isinstance(entries, list) else []:
        item = items.get(str(entry.get("id", ""))) if isinstance(entry, Mapping) else None
        if item is None or decision not in ("approve", "reject"):
            continue
        if decision == "reject":
            if reason:
                sent.append(Decision(item.id, decision, str(entry.get("digest", "")), reason=reason))
            else:
                problems[item.id] = REASONLESS
            continue
        given = entry.get("texts")
        texts = given if isinstance(given, Mapping) else {}
        values, wrong = typed(item.editable, {f"{TYPED}{name}": text for name, text in texts.items()})
        if wrong:
            problems[item.id] = mistakes(wrong)
        else:
            sent.append(Decision(item.id, decision, str(entry.get("digest", "")), values))
    return sent, problems


def mistakes(wrong: Mapping[str, str]) -> str:
    """What is wrong with the values of a line, by their names."""
    return " ".join(f"{label(plain(name))}: {told}" for name, told in wrong.items())


def refusal(error: Mapping[str, Any]) -> str:
    """Why a line was not decided, told on it."""
    match error.get("code"):
        case "stale_approval":
            return "What would run has changed since you looked. Nothing was done: look at this line, then decide again."
        case "already_decided":
            return "Your decision came too late: somebody was faster. Nothing of yours was used."
        case _:
            return f"Nothing was decided. {error.get('message') or ''} {error.get('hint') or ''}".strip()


def told(decision: str, done: int, failed: int) -> str:
    """What came of a decision about several lines, for whoever cannot see them."""
    word = "approved" if decision == "approve" else "rejected"
    return f"{done:,} {word}." + (f" {failed:,} not: look at {'its line' if failed == 1 else 'their lines'}." if failed else "")
