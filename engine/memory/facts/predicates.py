"""What can be said about an entity: the built-in predicates and those that a workspace has added."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlmodel import Session, select

from engine.storage.tables import Predicate

NAME = re.compile(r"[a-z][a-z0-9_]{0,39}\Z")
VALUE_TYPES = ("entity", "text", "number", "date", "boolean", "url")
CARDINALITIES = ("one", "many")
_KEPT = "predicates"
"""Read once in a transaction."""
MOST_VALUE = 1_000
"""Characters of a value: more is a document, not a fact."""


@dataclass(frozen=True, slots=True)
class Rule:
    """What holds for every fact with one predicate."""

    name: str
    cardinality: str = "many"
    value_type: str = "text"
    words: str = ""
    inverse: str = ""
    symmetric: bool = False
    description: str = ""
    is_built_in: bool = True

    @property
    def is_single(self) -> bool:
        """Whether at most one fact of an entity holds at a time."""
        return self.cardinality == "one"

    @property
    def is_link(self) -> bool:
        """Whether it leads to an entity."""
        return self.value_type == "entity"


BUILT_IN: dict[str, Rule] = {
    rule.name: rule
    for rule in (
        Rule("works_at", "one", "entity", "works at", inverse="employs", description="Where somebody is employed."),
        Rule("role", "one", "text", "has the role", description="What somebody does for a living, or in the house."),
        Rule("reports_to", "one", "entity", "reports to", inverse="manages"),
        Rule("lives_in", "one", "entity", "lives in"),
        Rule("address", "one", "text", "has the address"),
        Rule("email", "one", "text", "has the e-mail address"),
        Rule("phone", "one", "text", "has the phone number"),
        Rule("website", "one", "url", "has the website"),
        Rule("language", "one", "text", "speaks", description="The language to answer in."),
        Rule("status", "one", "text", "has the status"),
        Rule("plan", "one", "text", "has the plan"),
        Rule("account_manager", "one", "entity", "is looked after by"),
        Rule("headquarters", "one", "entity", "has its seat in"),
        Rule("born_on", "one", "date", "was born on"),
        Rule("employee_count", "one", "number", "has this many employees:"),
        Rule("is_active", "one", "boolean", "is active:"),
        Rule("married_to", "one", "entity", "is married to", symmetric=True),
        Rule("customer_of", "many", "entity", "is a customer of", inverse="has_customer"),
        Rule("supplies", "many", "entity", "supplies", inverse="supplied_by"),
        Rule("uses", "many", "entity", "uses"),
        Rule("owns", "many", "entity", "owns", inverse="owned_by"),
        Rule("part_of", "many", "entity", "is a part of", inverse="has_part"),
        Rule("knows", "many", "entity", "knows", symmetric=True),
        Rule("prefers", "many", "text", "prefers"),
        Rule("likes", "many", "text", "likes"),
        Rule("note", "many", "text", "is noted for:"),
    )
}


def registry(session: Session, workspace_id: str) -> dict[str, Rule]:
    """Every predicate of a workspace, by its name; its own ones stand before those built in."""
    kept: dict[str, dict[str, Rule]] = session.info.setdefault(_KEPT, {})
    if workspace_id not in kept:
        own = session.exec(select(Predicate).where(Predicate.workspace_id == workspace_id)).all()
        kept[workspace_id] = BUILT_IN | {row.name: _rule(row) for row in own}
    return kept[workspace_id]


def add(session: Session, row: Predicate) -> None:
    """One more, or another in place of one of that name."""
    session.merge(row)
    session.flush()
    session.info.pop(_KEPT, None)


def _rule(row: Predicate) -> Rule:
    return Rule(
        row.name, row.cardinality, row.value_type, row.words, inverse=row.inverse, symmetric=row.symmetric,
        description=row.description, is_built_in=False,
    )  # fmt: skip


def flipped(rules: dict[str, Rule], name: str) -> Rule | None:
    """The predicate that this name is the inverse of: `Acme employs Ann` is kept as `Ann works_at Acme`."""
    return None if name in rules else next((rule for rule in rules.values() if rule.inverse == name and rule.is_link), None)


def mistake_of(rule: Rule, value: Any) -> str:
    """What is wrong with a value of this predicate; empty if nothing."""
    match rule.value_type:
        case "text":
            fits = isinstance(value, str) and bool(value.strip())
        case "url":
            fits = isinstance(value, str) and re.match(r"https?://[^\s/]+", value) is not None
        case "date":
            fits = isinstance(value, str) and _is_date(value)
        case "boolean":
            fits = isinstance(value, bool)
        case _:
            fits = isinstance(value, int | float) and not isinstance(value, bool)
    if not fits:
        return f"{rule.name} is of type {rule.value_type}: {str(value)[:80]!r} is none."
    return f"A value has at most {MOST_VALUE:,} characters." if isinstance(value, str) and len(value) > MOST_VALUE else ""


def _is_date(value: str) -> bool:
    try:
        date.fromisoformat(value)
    except ValueError:
        return False
    return True
