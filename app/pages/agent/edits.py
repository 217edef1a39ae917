"""What somebody changes on the page of a colleague, as a change of its whole definition. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from engine import AgentView

Definition = dict[str, Any]


def definition_of(agent: AgentView) -> Definition:
    """What can be put back as it was read."""
    return agent.model_dump(include={"name", "face", "duty", "duties", "instructions", "model", "tools", "limits"})


def typed(written: Definition, what: str, form: Mapping[str, Any]) -> Definition:
    """The definition with what a form says; `what` is the part of the page that the form stands in."""
    text = {name: str(value) for name, value in form.items()}
    match what.split(":", 1):
        case ["who"]:
            face = {"mark": text["mark"], "colour": text["colour"]}
            return written | {"name": text["name"], "duty": text["duty"], "face": face}
        case ["duties"]:
            return written | {"duties": [line for line in text["duties"].splitlines() if line.strip()]}
        case ["instructions"]:
            return written | {"instructions": text["instructions"]}
        case ["limits"]:
            return written | {"limits": {name: _number(text.get(name, "")) for name in ("max_turns", "calls_per_turn", "cost_usd_per_day")}}
        case ["rule", tool]:
            rule = {name: text[name] for name in ("that", "otherwise", "because")}
            return _with_tool(written, tool, lambda found: found | {"preconditions": [*found["preconditions"], rule]})
        case ["tool"] if text.get("tool"):
            return written | {"tools": [*written["tools"], {"tool": text["tool"], "policy": text["policy"], "preconditions": []}]}
        case _:
            return written


def with_policy(written: Definition, tool: str, policy: str) -> Definition:
    """How freely it may call a tool."""
    return _with_tool(written, tool, lambda found: found | {"policy": policy})


def without_tool(written: Definition, tool: str) -> Definition:
    """A tool taken away."""
    return written | {"tools": [found for found in written["tools"] if found["tool"] != tool]}


def without_rule(written: Definition, tool: str, number: int) -> Definition:
    """A condition of a tool taken away."""
    return _with_tool(
        written, tool, lambda found: found | {"preconditions": [rule for n, rule in enumerate(found["preconditions"]) if n != number]}
    )


def _with_tool(written: Definition, tool: str, change: Any) -> Definition:
    return written | {"tools": [change(found) if found["tool"] == tool else found for found in written["tools"]]}


def _number(text: str) -> Any:
    """A number; nothing for an empty field; what is neither is left as it is, and the engine says which field that was."""
    text = text.strip().removeprefix("$").strip()
    if not text:
        return None
    for read in (int, float):
        try:
            return read(text)
        except ValueError:
            continue
    return text
