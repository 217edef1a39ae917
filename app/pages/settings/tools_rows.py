"""The tools as their list shows them, told in words: what each is, what a call does, and whether it can be called."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from engine import CatalogToolView

KINDS = (("", "All"), ("web", "Web requests"), ("mcp", "From servers"), ("table", "Tables"), ("built_in", "Built in"))
"""By which kinds the list can be narrowed, and what people call them."""
PAGE = 100
EFFECTS = {
    "pure": "Only works something out",
    "idempotent": "Only reads, or twice is as once",
    "reconcilable": "Changes something",
    "unsafe": "Changes something",
}
STATES = {"usable": ("done", "Ready"), "waits": ("waiting", "Waits for you"), "off": ("skipped", "Off")}
MOST_TOLD = 200


@dataclass(frozen=True)
class ToolRow:
    """One tool."""

    name: str
    title: str
    told: str
    kind: str
    does: str
    """What a call does, whether a person is asked, what it costs."""
    owner: str
    tone: str
    word: str
    why: str


def tool_row(tool: CatalogToolView) -> ToolRow:
    """A tool of the catalog."""
    tone, word = STATES.get(tool.state, STATES["off"])
    lines = tool.description.strip().splitlines()
    first = lines[0] if lines else ""
    return ToolRow(
        name=tool.name,
        title=tool.title or tool.name,
        told=first if len(first) <= MOST_TOLD else first[: MOST_TOLD - 1] + "…",
        kind=tool.kind,
        does=" · ".join(_does(tool)),
        owner=tool.owner,
        tone=tone,
        word=word,
        why=tool.why,
    )


def _does(tool: CatalogToolView) -> list[str]:
    asks = ["asks a person first"] if tool.is_writing else []
    private = ["may hold private data"] if "private" in tool.origins else []
    cost = [f"${tool.cost_usd:g} a call"] if tool.cost_usd else []
    return [EFFECTS.get(tool.effect, EFFECTS["unsafe"]), *asks, *private, *cost]


def looked_for(tools: Sequence[CatalogToolView], *, query: str, kind: str) -> list[CatalogToolView]:
    """The tools of this kind (any: empty) that hold every word that is looked for; what waits for somebody stands first."""
    wanted = query.lower().split()
    found = [tool for tool in tools if (not kind or tool.kind == kind) and _holds(tool, wanted)]
    return sorted(found, key=lambda tool: (tool.state != "waits", (tool.title or tool.name).lower()))


def _holds(tool: CatalogToolView, wanted: Sequence[str]) -> bool:
    text = f"{tool.name} {tool.title} {tool.description} {tool.owner}".lower()
    return all(word in text for word in wanted)


def page_told(page: int, number: int) -> str:
    """`1 to 100 of 240`; nothing where one page holds all."""
    return f"{page * PAGE + 1} to {min((page + 1) * PAGE, number)} of {number}" if number > PAGE else ""
