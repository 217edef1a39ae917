"""The cards of the page of colleagues, told in words: plain text only, for this is what goes to the browser."""

from __future__ import annotations

from dataclasses import dataclass

from app.ui import words
from engine import AgentView

COLOURS = (
    ("iris", "Violet"), ("blue", "Blue"), ("green", "Green"), ("amber", "Yellow"), ("orange", "Orange"), ("red", "Red"),
    ("purple", "Purple"), ("slate", "Grey"),
)  # fmt: skip
"""Of faces; the names are those of the engine."""
NEARLY = 80
"""Percent of the day's budget from which it is told to be nearly used up."""


@dataclass(frozen=True)
class Money:
    """What was spent today, of how much, and how much of the bar is filled."""

    spent: str
    of: str
    """Empty without a budget."""
    width: str
    tone: str
    """Empty while there is plenty left."""
    word: str


@dataclass(frozen=True)
class Card:
    """One colleague."""

    id: str
    name: str
    address: str
    mark: str
    colour: str
    duty: str
    model: str
    tools: str
    works: str
    sees_money: bool
    money: Money


def card(agent: AgentView) -> Card:
    """A colleague as its card tells it."""
    names = [place.name for place in agent.works_in]
    return Card(
        id=agent.id,
        name=agent.name,
        address=f"/agents/{agent.slug}",
        mark=agent.face.mark,
        colour=agent.face.colour,
        duty=agent.duty or "No duty written down yet",
        model=agent.model or "The step’s model",
        tools=words.counted(len(agent.tools), "tool", "tools"),
        works=_works(names),
        sees_money=agent.spent is not None,
        money=money(agent),
    )


def money(agent: AgentView) -> Money:
    """What a colleague has spent today against its budget."""
    spent, limit = agent.spent.today_usd if agent.spent else 0.0, agent.limits.cost_usd_per_day
    if limit is None:
        return Money(words.money(spent), "", "0%", "", "")
    share = 100.0 if spent >= limit else 100 * spent / limit
    tone, word = ("limit", "Used up") if share >= 100 else ("waiting", "Nearly used up") if share >= NEARLY else ("", "")
    told = f"${limit:,.2f}" if limit == round(limit, 2) else words.money(limit)
    return Money(words.money(spent), f"of {told}", f"{share:.1f}%", tone, word)


def _works(names: list[str]) -> str:
    if not names:
        return "In no workflow yet"
    return f"In {words.listing(names[:2] + ([f'{len(names) - 2} more'] if len(names) > 2 else []))}"
