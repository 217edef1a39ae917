"""What the verdicts on recorded writes are worth: which writes were right, what was answered to them, and which rule it was.

Labels and shares are defined as they are published with the recordings: a write is `right` when the same call stands among the task's right
actions, `refused` when the airline's own API answered with an error, else `wrong`.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

Label = Literal["right", "refused", "wrong"]
LABELS: tuple[Label, ...] = ("right", "refused", "wrong")
WRITES = frozenset(
    {
        "book_reservation",
        "cancel_reservation",
        "update_reservation_flights",
        "update_reservation_baggages",
        "update_reservation_passengers",
        "send_certificate",
    }
)


@dataclass(frozen=True, slots=True)
class Judged:
    """One write of one recording, and what the workflow answered to it."""

    task: int
    tool: str
    label: Label
    verdict: str
    """`allow`, `stop` or `ask`."""
    rules: tuple[Mapping[str, Any], ...]
    """As they are journaled: `{that, otherwise, because, holds, unknown}`."""
    difference: str
    """Of a write that is not right: in which arguments it differs from the nearest right action."""


def label_of(task: Mapping[str, Any], call: Mapping[str, Any]) -> Label:
    """Whether one recorded call was right."""
    name, arguments = call["function"]["name"], arguments_of(call)
    if any(a["name"] == name and _same(a["kwargs"], arguments) for a in task["actions"]):
        return "right"
    # Ids repeat within a recording; as published, the last result under an id counts for all of them.
    results = {m.get("tool_call_id"): str(m["content"]) for m in task["traj"] if m["role"] == "tool"}
    return "refused" if results.get(call["id"], "").startswith("Error") else "wrong"


def arguments_of(call: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments of a recorded call."""
    return json.loads(call["function"]["arguments"] or "{}")


def _same(a: Any, b: Any) -> bool:
    return json.dumps(a, sort_keys=True) == json.dumps(b, sort_keys=True)


def difference(task: Mapping[str, Any], call: Mapping[str, Any]) -> str:
    """Which arguments keep a call from being one of the task's right actions, by the nearest of them; or that there is none like it."""
    name, arguments = call["function"]["name"], arguments_of(call)
    wanted = [action["kwargs"] for action in task["actions"] if action["name"] == name]
    if (subject := arguments.get("reservation_id")) is not None:
        wanted = [kwargs for kwargs in wanted if kwargs.get("reservation_id") == subject]
    if not wanted:
        return "nothing like it was right"
    others = [sorted(key for key in {*kwargs, *arguments} if not _same(kwargs.get(key), arguments.get(key))) for kwargs in wanted]
    return ", ".join(min(others, key=len))


def score(judged: Sequence[Judged]) -> dict[str, Any]:
    """The published figures: shares of wrong, right and refused writes that were stopped, and of all that went to a person."""
    by = {label: Counter(j.verdict for j in judged if j.label == label) for label in LABELS}

    def share(label: Label, verdict: str) -> float:
        return round(by[label][verdict] / max(1, by[label].total()), 3)

    asked = sum(counts["ask"] for counts in by.values())
    return {
        "stopped_wrong": share("wrong", "stop"),
        "held_right": share("right", "stop"),
        "stopped_refused": share("refused", "stop"),
        "asked": round(asked / max(1, len(judged)), 3),
        "counts": {label: dict(counts) for label, counts in by.items() if counts},
    }


def halves(judged: Sequence[Judged], tasks: Sequence[int]) -> Iterator[dict[str, Any]]:
    """The score over every other task, and over those between: rules that fit one half only are fitted to it."""
    ordered = sorted(set(tasks))
    for name, chosen in (("1st 3rd 5th … task", ordered[::2]), ("2nd 4th 6th … task", ordered[1::2])):
        yield {"half": name, "tasks": len(chosen), **score([j for j in judged if j.task in chosen])}


def by_tool(judged: Sequence[Judged]) -> Iterator[dict[str, Any]]:
    """For each tool, what was answered to its writes of each label."""
    for tool in sorted({j.tool for j in judged}):
        yield {"tool": tool, **score([j for j in judged if j.tool == tool])["counts"]}


def by_rule(judged: Sequence[Judged], written: Mapping[str, Sequence[Mapping[str, Any]]]) -> Iterator[dict[str, Any]]:
    """For each rule of the document, how often it did not hold, could not be said, and was the only one that stopped a write."""
    for tool, rules in written.items():
        for place, rule in enumerate(rules):
            broken: Counter[str] = Counter()
            unknown: Counter[str] = Counter()
            alone: Counter[str] = Counter()
            for j in (j for j in judged if j.tool == tool and place < len(j.rules)):
                holds = j.rules[place]["holds"]
                broken[j.label] += holds is False
                unknown[j.label] += holds is None
                alone[j.label] += _stops(j) == [place]
            told = {"broken": +broken, "unknown": +unknown, "alone_stopped": +alone}
            told = {name: {label: counts[label] for label in LABELS if counts[label]} for name, counts in told.items()}
            yield {"rule": f"{tool} {place + 1}", "otherwise": rule["otherwise"], "because": rule["because"], **told}


def _stops(judged: Judged) -> list[int]:
    return [place for place, rule in enumerate(judged.rules) if rule["holds"] is False and rule["otherwise"] == "stop"]


def ceiling(judged: Sequence[Judged]) -> dict[str, Any]:
    """How far rules could reach: a wrong write that breaks no sentence of the policy can only be seen by whoever knows what was wanted."""
    wrong = [j for j in judged if j.label == "wrong"]
    spoken = [j for j in wrong if any(rule["holds"] is False for rule in j.rules)]
    silent = [j for j in wrong if j not in spoken and j.verdict != "stop"]
    kinds: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for j in silent:
        kinds[j.tool][j.difference] += 1
    return {
        "ceiling": round((len(wrong) - len(silent)) / max(1, len(wrong)), 3),
        "wrong": len(wrong),
        "stopped": sum(j.verdict == "stop" for j in wrong),
        "asked_with_a_reason": sum(j.verdict == "ask" for j in spoken),
        "no_rule_speaks_to": len(silent),
        "these_differ_in": {tool: dict(counts.most_common()) for tool, counts in sorted(kinds.items())},
    }
