"""One colleague, told in words: plain text only, for this is what goes to the browser."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from app.pages.agents.rows import Money, money
from app.ui import words
from engine import AgentChange, AgentToolView, AgentView, CatalogToolView

OTHERWISE = {"stop": "else it is not called", "ask": "else a person decides"}
ICONS = {"built_in": "package", "web": "globe", "mcp": "plug", "table": "table_2"}
_FIELDS = {
    "name": "name",
    "face": "face",
    "duty": "duty",
    "duties": "duties",
    "instructions": "instructions",
    "model": "model",
    "tools": "conditions of its tools",
    "max_turns": "turns",
    "calls_per_turn": "calls in one turn",
    "cost_usd_per_day": "budget of a day",
}
_POLICIES = {"auto": "Auto", "ask": "Ask", "never": "Never", "default": "by default", None: "taken away"}


@dataclass(frozen=True)
class KnownTool:
    """A tool that there is."""

    title: str
    about: str
    kind: str
    is_writing: bool
    why_not: str


@dataclass(frozen=True)
class Rule:
    """A condition of a tool."""

    number: int
    that: str
    because: str
    otherwise: str


@dataclass(frozen=True)
class ToolRow:
    """A tool; `pressed` is the policy that holds."""

    name: str
    title: str
    kind: str
    about: str
    trouble: str
    """Why it cannot be called at the moment."""
    pressed: str
    note: str
    rules: list[Rule] = field(default_factory=list)
    has_rules: bool = False


@dataclass(frozen=True)
class Place:
    """A workflow in which it works."""

    name: str
    address: str
    state: str


@dataclass(frozen=True)
class Change:
    """Who changed what, and when."""

    told: str
    by: str
    when: str


@dataclass(frozen=True)
class Shown:
    """A whole colleague; empty before it is there."""

    name: str = ""
    slug: str = ""
    mark: str = ""
    colour: str = "iris"
    duty: str = ""
    duties: list[str] = field(default_factory=list)
    instructions: str = ""
    model: str = ""
    tools: list[ToolRow] = field(default_factory=list)
    works: list[Place] = field(default_factory=list)
    warning: str = ""
    """What is wrong with its model."""
    max_turns: str = ""
    calls_per_turn: str = ""
    per_day: str = ""
    sees_money: bool = False
    money: Money = Money("", "", "0%", "", "")
    month: str = ""


def known_tools(catalog: Sequence[CatalogToolView]) -> dict[str, KnownTool]:
    """Everything that can be called, by name."""
    return {tool.name: KnownTool(tool.title, tool.description, tool.kind, tool.is_writing, tool.why) for tool in catalog}


def shown(agent: AgentView, known: Mapping[str, KnownTool]) -> Shown:
    """A colleague; `known` are the tools that there are."""
    limits = agent.limits
    return Shown(
        name=agent.name,
        slug=agent.slug,
        mark=agent.face.mark,
        colour=agent.face.colour,
        duty=agent.duty,
        duties=agent.duties,
        instructions=agent.instructions,
        model=agent.model,
        tools=[_tool(tool, known.get(tool.tool)) for tool in agent.tools],
        works=[Place(place.name, f"/workflows/{place.id}", "live" if place.is_live else "in the draft only") for place in agent.works_in],
        warning=next((warning.message for warning in agent.warnings if warning.field == "model"), ""),
        max_turns="" if limits.max_turns is None else str(limits.max_turns),
        calls_per_turn="" if limits.calls_per_turn is None else str(limits.calls_per_turn),
        per_day="" if limits.cost_usd_per_day is None else f"{limits.cost_usd_per_day:.6f}".rstrip("0").rstrip("."),
        sees_money=agent.spent is not None,
        money=money(agent),
        month=words.money(agent.spent.month_usd) if agent.spent else "",
    )


def changes(found: Sequence[AgentChange], *, now: datetime) -> list[Change]:
    """What was changed, the latest first."""
    return [Change(_told(change), change.by, words.ago(change.at, now=now)) for change in found]


def _tool(tool: AgentToolView, known: KnownTool | None) -> ToolRow:
    known = known or KnownTool(tool.tool, "", "", True, "There is no such tool any more: a step that is offered it fails.")
    pressed, note = tool.policy, ""
    if tool.policy == "default":
        pressed = "ask" if known.is_writing else "auto"
        note = "By default: it asks before it writes." if known.is_writing else "By default: it only reads."
    rules = [
        Rule(number, rule.that, rule.because, OTHERWISE.get(rule.otherwise, rule.otherwise))
        for number, rule in enumerate(tool.preconditions)
    ]
    return ToolRow(tool.tool, known.title, known.kind, known.about, known.why_not, pressed, note, rules, bool(rules))


def _told(change: AgentChange) -> str:
    details: Mapping[str, Any] = change.details
    match change.action:
        case "agent.add":
            return "Made"
        case "budget.set":
            limit = details.get("limit_micro")
            return "Budget of a day taken away" if limit is None else f"Budget of a day: {words.money(limit / 1e6)}"
        case "agent.change":
            policies = details.get("policies") or {}
            parts = [f"{name}: {_POLICIES.get(policy, policy)}" for name, policy in policies.items()]
            fields = [_FIELDS.get(name, name) for name in details.get("changed", ()) if name != "tools" or not policies]
            if fields:
                parts.append(f"{'changed' if parts else 'Changed'} {words.listing(fields)}")
            return ", ".join(parts) or "Changed"
        case _:
            return change.action.rpartition(".")[2].capitalize()
