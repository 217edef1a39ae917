"""One request as a card, told in words: what will happen, why, what it cost, who decides, and what came of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from app.pages.inbox import telling
from app.pages.inbox.evidence import Why, action_facts, beside_rules, why
from app.pages.inbox.rows import TITLELESS, item_tone
from app.pages.inbox.telling import Choice
from app.pages.inbox.values import TYPED, Fact, Part, as_text, changes, edits, facts, label, plain
from app.ui import words
from engine import Actor, InboxCard

NEUTRAL = "neutral"
MOVING = ("approved", "acting")
"""Statuses in which the action is on its way."""
ACTS = {
    "notify": "it sends a message",
    "http": "it sends a request to another system",
    "tool": "it uses a tool",
    "llm": "it asks a model",
    "agent": "it hands work to an agent",
    "code": "it runs a piece of code",
    "set": "it sets values and touches nothing outside",
    "end": "the run ends",
    "remember": "it keeps something in the memory",
    "subflow": "it starts another workflow",
}


@dataclass(frozen=True)
class Station:
    """One stop of a route strip; without a tone it lies ahead."""

    word: str
    tone: str = ""


@dataclass(frozen=True)
class Editable:
    """One value that may be changed: what it was, what it is now, and how it differs."""

    name: str
    input: str
    label: str
    kind: str
    """`text`, `number`, `choice`."""
    original: str
    keep: str
    parts: list[Part] = field(default_factory=list)
    edits: str = ""
    problem: str = ""


@dataclass(frozen=True)
class Card:
    """Everything that the page shows of one request."""

    id: str = ""
    run: str = ""
    digest: str = ""
    type: str = "approval"
    title: str = ""
    sentence: str = ""
    workflow: str = ""
    version: str = ""
    step: str = ""
    asked: str = ""
    tone: str = ""
    word: str = ""
    is_pending: bool = False
    may_decide: bool = False
    may_not: str = ""
    is_final: bool = False
    is_simulated: bool = False
    """A test run: what stands here would happen in a live run, and does not."""
    action: str = ""
    action_kind: str = ""
    action_head: str = ""
    action_facts: list[Fact] = field(default_factory=list)
    message: str = ""
    why: Why = field(default_factory=Why)
    """Of an agent's call: what speaks for and against it."""
    evidence: list[Fact] = field(default_factory=list)
    cost: str = ""
    limit: str = ""
    percent: int = 0
    deciders: list[Fact] = field(default_factory=list)
    needed: str = ""
    stations: list[Station] = field(default_factory=list)
    silence: str = ""
    outcome: str = ""
    outcome_text: str = ""
    result: list[Fact] = field(default_factory=list)
    reason: str = ""
    successor: str = ""
    question: str = ""
    who: str = ""
    choices: list[Choice] = field(default_factory=list)
    is_moving: bool = False
    grid: str = ""
    """Of an approval in a box: the grid that it is a line of."""
    is_one_of_many: bool = False
    """Several of that grid wait."""
    others: str = ""
    """Which item it is, of what."""


def card(item: InboxCard, *, me: Actor, now: datetime) -> Card:
    """The card of one item, for whoever looks at it now."""
    tone, is_pending = item_tone(item), item.status == "pending"
    outcome, text = _outcome(item, me=me, now=now)
    action = item.action or {}
    return Card(
        id=item.id,
        run=item.run_id,
        digest=item.digest,
        type=item.type,
        title=plain(telling.title(item)) or TITLELESS,
        sentence=_sentence(item),
        workflow=item.workflow_name or item.workflow,
        version="test run" if item.mode == "test" else f"version {item.version}" if item.version else "",
        step=item.step,
        asked=words.ago(item.opened_at, now=now),
        tone=tone.name,
        word=(words.left(item.expires_at, now=now) or tone.word) if is_pending else tone.word,
        is_pending=is_pending,
        may_decide=item.may_decide,
        may_not=item.may_not if is_pending else "",
        is_final=item.cannot_be_undone and not _is_simulated(item),
        is_simulated=_is_simulated(item),
        action=_action(item),
        action_kind=item.action_kind or label(str(action.get("kind") or "")),
        action_head=_action_head(item),
        action_facts=action_facts(item, item.ran or action.get("config") or {}),
        message=plain(item.call.said if item.call else telling.message(item)),
        why=why(item),
        evidence=facts(beside_rules(item)),
        cost=words.money(float(item.spent.get("cost_usd", 0))),
        limit=words.money(float((item.limits or {}).get("cost_usd", 0))) if (item.limits or {}).get("cost_usd") else "",
        percent=_percent(item),
        deciders=_deciders(item, me=me),
        needed=_needed(item),
        stations=stations(item, me=me),
        silence=_silence(item, now=now),
        outcome=outcome,
        outcome_text=text,
        result=_result(item),
        reason=item.reason,
        successor=item.asked_again or "",
        question=telling.QUESTIONS.get(item.type, ""),
        who=telling.WHO.get(item.type, "Who may decide"),
        choices=telling.choices(item),
        is_moving=item.status in MOVING and (item.status == "acting" or item.run_status in ("queued", "running")),
        grid=item.box.grid if item.box else "",
        is_one_of_many=item.box is not None and item.box.waiting > 1,
        others=f"Item {item.box.number} of “{plain(item.box.title)}”; {item.box.waiting:,} to decide" if item.box else "",
    )


def _action(item: InboxCard) -> str:
    return plain(telling.called(item)) or str((item.action or {}).get("title") or "")


def _is_simulated(item: InboxCard) -> bool:
    return bool((item.action or {}).get("simulated"))


def _action_head(item: InboxCard) -> str:
    if _is_simulated(item):
        return "Exactly this would happen in a live run"
    if item.type == telling.IN_DOUBT:
        return "Exactly this was called"
    if item.status == "pending":
        return "Exactly this will happen"
    return "Exactly this ran" if item.ran else "Exactly this was asked"


def _percent(item: InboxCard) -> int:
    most = float((item.limits or {}).get("cost_usd", 0) or 0)
    return min(100, round(100 * float(item.spent.get("cost_usd", 0)) / most)) if most else 0


def _sentence(item: InboxCard) -> str:
    """What the decision does, from the workflow itself: never in the words of a model."""
    who = item.agent or item.workflow_name or item.workflow
    if item.type != "approval":
        return telling.sentence(item, who) if item.status == "pending" else telling.asked_before(item, who)
    if item.status != "pending":
        if tool := telling.called(item):
            return f"{telling.agent(item)} wanted to call {tool}."
        return f"{who} asked to run “{item.action.get('title')}”." if item.action else f"{who} asked."
    if item.action is None:
        following = f"“{item.after[0]}”" if item.after else "its next step"
        return f"{who} asks. If it is approved, the run goes on with {following}; the decision itself does nothing else."
    if tool := telling.called(item):
        return _would_call(item, telling.agent(item), tool)
    does = ACTS.get(str(item.action.get("kind")), "it runs")
    if _is_simulated(item):
        return f"{who} asks to run “{item.action.get('title')}” in a test run. Nothing leaves Signalbox: in a live run {does}, once."
    return f"{who} asks to run “{item.action.get('title')}”. If it is approved, {does}: exactly what stands below, once."


def _would_call(item: InboxCard, who: str, tool: str) -> str:
    if _is_simulated(item):
        return f"If you approve, {who} goes on. This is a test run: {tool} is not called and nothing leaves Signalbox."
    return f"If you approve, {tool} is called once, with exactly what stands below, and {who} goes on with what comes back."


def _person(item: InboxCard, *, me: Actor) -> str:
    if item.decided_by is None:
        return "nobody"
    return "you" if item.decided_by in (me.user_id, me.label) else item.decided_by_name


def _outcome(item: InboxCard, *, me: Actor, now: datetime) -> tuple[str, str]:
    """What came of it: a few words, and what that means."""
    if item.status == "pending":
        return "", ""
    who, when = _person(item, me=me), words.ago(item.decided_at, now=now)
    said = f"{who[:1].upper()}{who[1:]} decided this {when}."
    act = f"“{_action(item)}”"
    if item.type != "approval" and item.status == "done":
        return telling.outcome(item, said)
    match item.status:
        case "approved":
            return _approved(item, said, act)
        case "acting":
            return "Approved, running now", f"{said} {act} is under way. This card stays until it is over."
        case "done":
            return _done(item, said, act)
        case "failed":
            return "Approved, but it failed", f"{said} {act} failed: {_error(item)}"
        case "in_doubt":
            return "Approved, but in doubt", f"{said} {act} was sent and no answer came. It is not repeated by itself: a person must check."
        case "rejected":
            return "Rejected", f"{said} Nothing was done."
        case "expired":
            return "Nobody filled it in in time" if item.type == telling.FORM else "Nobody decided in time", _expired(item)
        case "void":
            return (
                "Asked again",
                "What would have run was not what this card showed, so nothing was done. A fresh card shows what would run.",
            )
        case _:
            return "Not needed any more", "The run ended or took another way before anybody decided. Nothing was done."


def _approved(item: InboxCard, said: str, act: str) -> tuple[str, str]:
    if item.run_status in ("stopped", "failed", "paused", "cancelled"):
        stands = act if item.action else "The next step"
        return "Approved, but the run does not go on", f"{said} {item.run_reason} {stands} has not run."
    if item.action:
        return "Approved", f"{said} {act} is next. This card stays until it has run."
    return "Approved", f"{said} The run goes on{' with “' + item.after[0] + '”' if item.after else ''}."


def _done(item: InboxCard, said: str, act: str) -> tuple[str, str]:
    if _is_simulated(item):
        return "Approved and simulated", f"{said} This is a test run: {act} was worked out as it would run, and nothing was sent."
    return "Approved and done", f"{said} {act} has run, once."


def _expired(item: InboxCard) -> str:
    match item.on_expire:
        case "approved":
            return "The workflow counts silence as approval, so the run went on as if it had been approved."
        case "rejected":
            return "The workflow counts silence as a rejection. Nothing was done."
        case _:
            return "The run went on by the way that the workflow has for this. Nothing was done."


def _error(item: InboxCard) -> str:
    error = item.result.get("error") if isinstance(item.result, Mapping) else None
    told = error if isinstance(error, Mapping) else {}
    return " ".join(part for part in (str(told.get("message") or "no reason was given."), str(told.get("hint") or "")) if part)


def _result(item: InboxCard) -> list[Fact]:
    if item.type == telling.LIMIT:
        return [Fact(*told) for told in telling.new_limits(item)]
    return facts(item.result) if item.status == "done" and isinstance(item.result, Mapping) else []


def _deciders(item: InboxCard, *, me: Actor) -> list[Fact]:
    roles, users = item.approvers.get("roles") or [], item.approvers.get("users") or []
    found = [Fact(f"Everybody with the role {role}", "") for role in roles] + [Fact("You" if u == me.email else u, "") for u in users]
    # What belongs to a run is answered by whoever operates runs.
    role = "operator" if item.type in (telling.LIMIT, telling.IN_DOUBT) else "approver"
    found = found or [Fact(f"Everybody with the role {role}", "")]
    return [*found, *(Fact(name, "agreed") for name in item.agreed)]


def _needed(item: InboxCard) -> str:
    quorum = int(item.approvers.get("quorum", 1) or 1)
    return "One is enough" if quorum == 1 else f"{len(item.votes)} of {quorum} agreed"


def _silence(item: InboxCard, *, now: datetime) -> str:
    if item.status != "pending" or item.expires_at is None:
        return ""
    means = {"approved": "it counts as approved.", "rejected": "it counts as rejected."}.get(
        item.on_expire, "the run goes on without it; nothing is done."
    )
    due = words.left(item.expires_at, now=now).removeprefix("Due ")
    does = "fills it in" if item.type == telling.FORM else "decides"
    return f"If nobody {does} {due}, {means}" if due != "Overdue" else f"Its time is up: {means}"


def stations(item: InboxCard, *, me: Actor) -> list[Station]:
    """The way from the decision to the end, with where it stands."""
    ahead = [Station(title) for title in item.after]
    who = _person(item, me=me)
    if item.type in telling.OWN_CARD and item.status in ("pending", "done"):
        done = "done" if item.run_status == "succeeded" else ""
        return [Station(*telling.station(item, who, may_decide=item.may_decide)), *(Station(stop.word, done) for stop in ahead)]
    match item.status:
        case "pending":
            return [Station("You decide" if item.may_decide else "A person decides", "waiting"), *ahead]
        case "approved" | "acting" | "done" | "failed" | "in_doubt":
            first = Station(f"Approved by {who}", "done")
        case "rejected":
            return [Station(f"Rejected by {who}", "skipped")]
        case _:
            return [Station(item_tone(item).word, "skipped")]
    tone = {"acting": "running", "done": "done", "failed": "failed", "in_doubt": "doubt"}.get(item.status, "")
    if item.action and ahead:
        ahead = [Station(ahead[0].word, tone), *ahead[1:]]
    if item.run_status == "succeeded":
        ahead = [Station(station.word, station.tone or "done") for station in ahead]
    return [first, *ahead]


def editables(item: InboxCard, typed: Mapping[str, str], problems: Mapping[str, str]) -> list[Editable]:
    """The values that may be changed, with what was typed so far, or with what was decided."""
    found = []
    for name, value in item.editable.items():
        original = as_text(value)
        decided = item.values is not None and item.status != "pending"
        text = as_text((item.values or {}).get(name, value)) if decided else typed.get(name, original)
        kind = "choice" if isinstance(value, bool) else "number" if isinstance(value, int | float) else "text"
        says = {"true": "yes", "false": "no"} if kind == "choice" else {}
        parts = changes(says.get(original, original), says.get(text, text))
        number = edits(parts)
        found.append(
            Editable(
                name=name,
                input=f"{TYPED}{name}",
                label=label(name),
                kind=kind,
                original=original,
                keep=f"{item.run_id}/{item.path}/{name}",
                parts=parts,
                edits=words.counted(number, "edit", "edits") if number else "",
                problem=problems.get(name, ""),
            )
        )
    # What is written stands before what is counted: it is what people edit.
    return sorted(found, key=lambda one: one.kind != "text")
