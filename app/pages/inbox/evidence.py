"""What speaks for and against a call that an agent wants made, told in the words of its rules."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from app.pages.inbox import telling
from app.pages.inbox.values import Fact, facts, plain
from engine import AskedRule, InboxCard

LONGEST_NAME = 200
"""Characters by which a rule is named among the values that a card shows."""

UNKNOWN = "What the rule looks at is not there, so you decide."


@dataclass(frozen=True)
class Evidence:
    """One rule: whether it holds, in a word and a colour, and why it is there."""

    tone: str
    word: str
    because: str
    more: str = ""


@dataclass(frozen=True)
class Why:
    """Why a person is asked, what speaks against the call and for it, and whose words stand beside."""

    said_by: str = "Message, may be written by a model"
    asked: str = ""
    """Empty where the rules say it themselves."""
    against: list[Evidence] = field(default_factory=list)
    speaks_for: list[Evidence] = field(default_factory=list)


def why(item: InboxCard) -> Why:
    """Of an agent's call; of other requests nothing."""
    if item.call is None:
        return Why("Why somebody looks first") if _asks_about_itself(item) else Why()
    rules = item.call.rules
    broken = [Evidence("failed", "Does not hold", plain(_reason(rule))) for rule in rules if rule.holds is False]
    unknown = [Evidence("waiting", "Cannot be said", plain(_reason(rule)), UNKNOWN) for rule in rules if rule.holds is None]
    holding = [Evidence("done", "Holds", plain(_reason(rule))) for rule in rules if rule.holds]
    reason = item.call.reason
    is_said = reason == " ".join(rule.because for rule in rules if rule.holds is False)
    is_told = is_said or (unknown and reason.startswith("It cannot be said"))
    return Why(f"{plain(telling.agent(item))} says", "" if is_told else plain(reason), broken + unknown, holding)


def _asks_about_itself(item: InboxCard) -> bool:
    """Whether the step that waits is the one that would run: nobody drew the question, Signalbox asks it."""
    own = re.split(r"[#\[]", item.path.rsplit("/", 1)[-1])[0]
    return item.action is not None and item.action.get("node") == own


def _reason(rule: AskedRule) -> str:
    """Why the rule is there; where nobody has said it, the rule as it is written."""
    return rule.that if rule.because == f"This does not hold: {rule.that}." else rule.because


def beside_rules(item: InboxCard) -> dict[str, Any]:
    """What a card shows beside the rules, which have a list of their own."""
    named = {rule.that[:LONGEST_NAME] for rule in item.call.rules} if item.call else set()
    return {name: value for name, value in item.show.items() if name not in named}


def action_facts(item: InboxCard, config: Mapping[str, Any]) -> list[Fact]:
    """The settings of what would run; of an agent's call only what it is called with."""
    return facts(config.get("arguments") or {}) if telling.called(item) else facts(config)
