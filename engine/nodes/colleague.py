"""Who an agent is: a colleague as a step takes it on, and what holds where both of them say something about a tool. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from engine.expressions import ExpressionError, compile_expression
from engine.jsonvalue import JsonValue

RULE_NAMES = frozenset({"arguments", "results", "said"})
"""What a colleague's preconditions can read: it works in many workflows, so nothing of a single one."""
_STRICTNESS = ("auto", "default", "ask", "never")
"""`default` asks before it writes: at least as strict as `auto`, at most as strict as `ask`."""


@dataclass(frozen=True, slots=True)
class Colleague:
    """A colleague at one moment; tools are `{tool, policy, preconditions: [{that, otherwise, because}]}`."""

    id: str
    slug: str
    name: str
    face: Mapping[str, Any]
    instructions: str
    model: str
    tools: Sequence[Mapping[str, Any]]
    max_turns: int | None
    calls_per_turn: int | None
    revision: int

    def told(self) -> dict[str, JsonValue]:
        """As the journal keeps it with the tools that were offered; tools are told there."""
        return {
            "id": self.id,
            "slug": self.slug,
            "name": self.name,
            "face": dict(self.face),
            "instructions": self.instructions,
            "model": self.model,
            "max_turns": self.max_turns,
            "calls_per_turn": self.calls_per_turn,
            "revision": self.revision,
        }


@dataclass(frozen=True, slots=True)
class Allowed:
    """A tool that a step may use, how freely, and what the colleague itself wants to hold before each call."""

    tool: str
    policy: str
    rules: Sequence[Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Merged:
    """What a step and its colleague allow together."""

    tools: tuple[Allowed, ...]
    foreign: tuple[str, ...]
    """Tools that the step names and the colleague does not have."""


def stricter(one: str, other: str) -> str:
    """Of two policies the one that allows less: never, ask, default, auto."""
    return max(one, other, key=_STRICTNESS.index)


def merged(own: Mapping[str, str], colleague: Colleague) -> Merged:
    """The tools of a step, tool -> policy, narrowed to what its colleague has; a step that names none has the colleague's."""
    has = {str(tool["tool"]): tool for tool in colleague.tools}
    if not own:
        return Merged(tuple(Allowed(name, tool["policy"], tool["preconditions"]) for name, tool in has.items()), ())
    tools = tuple(
        Allowed(name, stricter(policy, has[name]["policy"]), has[name]["preconditions"]) for name, policy in own.items() if name in has
    )
    return Merged(tools, tuple(name for name in own if name not in has))


def lower(own: int, others: int | None) -> int:
    """The lower of two bounds; the other one may not be there."""
    return own if others is None else min(own, others)


def rule_trouble(that: str) -> ExpressionError | None:
    """Why a precondition of a colleague cannot be used, with its position; None where it can."""
    try:
        compile_expression(that, names=RULE_NAMES)
    except ExpressionError as error:
        return error
    return None


def rule_value(that: str, scope: Mapping[str, Any]) -> JsonValue:
    """What a colleague's precondition comes to. ExpressionError."""
    return compile_expression(that, names=RULE_NAMES).evaluate({name: scope[name] for name in RULE_NAMES})
