"""What requests that are no approvals say: forms, limits that are reached, and calls of which nobody knows whether they happened."""

from __future__ import annotations

from dataclasses import dataclass

from app.ui import words
from app.ui.words import Tone
from engine import InboxCard, InboxItem

FORM, LIMIT, IN_DOUBT = "form", "limit", "in_doubt"
OWN_CARD = (FORM, LIMIT, IN_DOUBT)
"""Types that have a card of their own."""
LOOPS = "A loop has used up"

DECIDED: dict[str, Tone] = {
    "submitted": Tone("done", "Filled in"),
    "extend": Tone("done", "Raised"),
    "cheaper": Tone("done", "Cheaper model"),
    "finish": Tone("done", "With what there is"),
    "stop": Tone("skipped", "Stopped"),
    "done": Tone("done", "It happened"),
    "retry": Tone("done", "Done again"),
    "fail": Tone("skipped", "It did not happen"),
}
"""Of what was decided about a request that is no approval."""
QUESTIONS = {LIMIT: "How does it go on?", IN_DOUBT: "What do you know?", FORM: "What is filled in"}
WHO = {FORM: "Who may fill it in", LIMIT: "Who may answer", IN_DOUBT: "Who may answer"}


@dataclass(frozen=True)
class Choice:
    """A decision that a request offers, and what it means."""

    name: str
    word: str
    means: str = ""
    is_first: bool = False
    """Chosen until somebody chooses another one."""


WORDS = {
    "submit": "Submit",
    "extend": "Raise the limit and go on",
    "cheaper": "Go on with a cheaper model",
    "finish": "Finish with what is there",
    "stop": "Stop here",
    "done": "It happened",
    "retry": "It did not happen: do it now",
    "fail": "It did not happen: let it fail",
}
MEANS = {
    "extend": "It goes on where it stopped, up to the new limit.",
    "cheaper": "From now on every step asks the cheaper model instead of its own. The limit stays as it is.",
    "finish": "The loop or box ends early, with what it has come to so far, and the run goes on behind it. The limit stays as it is.",
    "stop": "Nothing more starts. What is done is kept, and the run can be let go on later.",
    "done": "The run goes on behind this step. It is not called again.",
    "retry": "The step is called once more, right away. If it did happen after all, it happens twice.",
    "fail": "The step counts as failed, and the run does what the workflow says for that.",
}


def choices(item: InboxCard) -> list[Choice]:
    """What can be decided, each with a sentence."""
    rounds = item.type == LIMIT and not item.editable
    found = []
    for at, name in enumerate(item.choices):
        word, means = WORDS.get(name, words.kind_word(name)), MEANS.get(name, "") if item.type in OWN_CARD else ""
        if rounds and name == "extend":
            word, means = "Allow as many rounds again", "It goes on where it stopped, with as many rounds as the workflow allows once more."
        found.append(Choice(name, word, means, is_first=item.type == LIMIT and at == 0))
    return found


def called(item: InboxItem) -> str:
    """The tool that an agent wants to call, or has called, where the request is about that."""
    action = item.action or {}
    return str((action.get("config") or {}).get("tool") or "") if "." in str(action.get("node") or "") else ""


def agent(item: InboxItem) -> str:
    """Who wants to call it: the colleague, or the step."""
    return item.agent or item.step or item.workflow_name


def title(item: InboxItem) -> str:
    """The engine's title, in words for people; what a workflow asks stands as it is."""
    if item.type == "approval" and (tool := called(item)):
        return f"{agent(item)} wants to call {tool}"
    if item.type == IN_DOUBT and (tool := called(item)):
        return f"Did the call of {tool} happen?"
    return words.asked_title(item.title) if item.type == LIMIT else item.title


def message(item: InboxItem) -> str:
    """What the request says."""
    return words.why(item.message) if item.type in (LIMIT, IN_DOUBT) else item.message


def sentence(item: InboxCard, who: str) -> str:
    """What the request wants while it waits."""
    match item.type:
        case "form":
            following = f"goes on with “{item.after[0]}”" if item.after else "goes on"
            return f"{who} asks somebody to fill in a form. When it is sent, the run {following}."
        case "limit":
            return f"{who} has stopped at a limit that the workflow sets. Nothing is used while it waits for an answer."
        case "in_doubt":
            what = called(item) or (item.action or {}).get("title", "")
            who = agent(item) if called(item) else who
            return f"{who} called “{what}” and got no answer. The run waits until somebody says what came of it."
        case _:
            return f"{who} waits for a person."


def asked_before(item: InboxCard, who: str) -> str:
    """What the request wanted, once it is decided."""
    wanted = {FORM: "asked somebody to fill in a form.", LIMIT: "had stopped at a limit.", IN_DOUBT: "called this and got no answer."}
    return f"{who} {wanted.get(item.type, 'asked.')}"


def outcome(item: InboxCard, said: str) -> tuple[str, str]:
    """What came of a decided request: a few words, and what that means."""
    match item.decision:
        case "submitted":
            return "Filled in", f"{said} The run goes on with what stands here."
        case "extend":
            return "The limit was raised", f"{said} The run goes on where it stopped."
        case "cheaper":
            return "It goes on with a cheaper model", f"{said} Every step from here on asks the cheaper model."
        case "finish":
            return "It goes on with what there is", f"{said} What was not done by then is left out."
        case "stop":
            return "The run was stopped", f"{said} What is done is kept; the run can be let go on from its own page."
        case "done":
            return "It happened", f"{said} The run goes on behind this step; it was not called again."
        case "retry":
            return "It did not happen and is done now", f"{said} The step was called once more; the run's own page says what came of it."
        case "fail":
            return "It did not happen", f"{said} The step counts as failed; the run does what the workflow says for that."
        case _:
            return "Answered", said


def new_limits(item: InboxCard) -> list[tuple[str, str]]:
    """The limits that were set: their names and amounts."""
    given = item.result if item.decision == "extend" and isinstance(item.result, dict) else {}
    shown = {
        "cost_micro": ("cost_usd", lambda value: words.money(value / 1e6)),
        "busy_us": ("seconds", lambda value: words.length(value / 1e6)),
    }
    told = [(*shown.get(name, (name, lambda value: f"{value:,}")), value) for name, value in given.items()]
    return [(f"New {words.limit_word(name)}", say(value)) for name, say, value in told]


def station(item: InboxItem, who: str, *, may_decide: bool) -> tuple[str, str]:
    """The first stop of the way on: its word and its tone."""
    if item.status == "pending":
        does = "fill it in" if item.type == FORM else "answer"
        return (f"You {does}" if may_decide else f"A person {'fills it in' if item.type == FORM else 'answers'}"), "waiting"
    tone = DECIDED.get(item.decision or "", Tone("done", "Answered"))
    return f"{tone.word}, by {who}", tone.name
