"""A model that works with tools, inside bounds that were drawn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import BaseModel, Field

from engine.graph.parts import Parts
from engine.jsonvalue import JsonValue
from engine.nodes.agents.hidden import parts_of
from engine.nodes.agents.settings import AgentConfig
from engine.nodes.agents.talk import CALLS, HAND_OVER, SAY, TURN
from engine.nodes.contract import BoxKind, Example, OnItemError, Outcome, Problem, Resolver, text_of
from engine.schemas import check_schema

_EXAMPLE = [
    {"node": TURN, "text": "", "json": None, "problem": "", "calls": [{"tool": "find_order"}]},
    {"node": CALLS, "results": [{"tool": "find_order", "arguments": {"order": "7"}, "verdict": "allow"}]},
    {"node": TURN, "text": "It arrives tomorrow.", "json": None, "problem": "", "calls": []},
]
"""What an item of an agent remembers."""


class AgentOutputs(BaseModel):
    """What came of it."""

    text: str = Field(description="The agent's last words; by `handover`, why it gives the task up.")
    value: Any = Field(alias="json", description="The answer as a JSON value where `output` asks for one, else null.")
    turns: int = Field(description="How often the model was asked.")
    calls: list[dict[str, Any]] = Field(description="Every call: `{tool, arguments, verdict}`.")


class Agent(BoxKind[AgentConfig]):
    """A model works on a task with tools. What it may call, and when a person decides, is drawn; each turn and call is a step."""

    kind = "agent"
    title = "Agent"
    icon = "bot"
    group = "AI"
    is_box = False
    has_history = True
    Config = AgentConfig
    Outputs = AgentOutputs
    fixed_ports = ("out", "handover")
    per_item_fields = frozenset({"tools"})
    examples = (
        Example(
            "It looks an order up and answers",
            {"task": "Answer: {{ inputs.message }}", "tools": ["find_order", {"tool": "refund", "policy": "ask"}]},
            {"inputs": {"message": "Where is order 7?"}, "agent": {"history": _EXAMPLE}},
            {
                "text": "It arrives tomorrow.",
                "json": None,
                "turns": 2,
                "calls": [{"tool": "find_order", "arguments": {"order": "7"}, "verdict": "allow"}],
            },
        ),
    )
    more_names = {"tools": frozenset({"arguments", "results", "said"})}  # noqa: RUF012 - read only

    def problems(self, config: AgentConfig) -> list[Problem]:
        """There must be a task, tools each once, a usable schema; verdicts that are only noted are told."""
        found: list[Problem] = []
        if not config.task.strip():
            found.append(Problem("empty_text", "“Task” is empty.", "Write what the agent is to do.", field="task"))
        names = [tool.tool for tool in config.tools]
        for place, name in enumerate(names):
            if name in names[:place]:
                found.append(Problem("duplicate_tool", f"The tool {name} is listed twice.", "Remove one.", field=f"tools[{place}].tool"))
            if name == HAND_OVER:
                found.append(Problem("reserved_tool", f"Every agent has {HAND_OVER}.", "Remove it.", field=f"tools[{place}].tool"))
        for problem in check_schema(config.output) if config.output is not None else ():
            message = f"The schema of the answer cannot be used: {problem.path or 'it'} {problem.message}."
            found.append(Problem("bad_schema", message, "Mend the schema.", field="output"))
        if config.gate == "observe":
            message = "Verdicts are only noted: every call that the agent wants is made."
            found.append(Problem("gate_observes", message, "Choose `enforce` for real work.", "warning", field="gate"))
        return found

    def parts(self, config: AgentConfig, draft: Any, fields: Mapping[str, Resolver]) -> Parts:
        """Its offer, turns and calls."""
        return parts_of(draft.id, config, fields.get("tools"), retry=draft.retry, timeout_s=draft.timeout_s)

    def items(self, config: AgentConfig, given: Mapping[str, Any]) -> list[JsonValue]:
        """One: what the turns start from."""
        return [{name: text_of(given[name]) for name in ("task", "system", "model")}]

    def at_once(self, config: AgentConfig) -> int:
        """One."""
        return 1

    def on_item_error(self, config: AgentConfig) -> OnItemError:
        """A turn that fails lets the agent fail."""
        return "stop"

    def collected(self, config: AgentConfig, fields: Mapping[str, Resolver], scope: Mapping[str, Any]) -> JsonValue:
        """The outputs, and the port."""
        history = scope["agent"]["history"]
        turns = [entry for entry in history if entry["node"] == TURN]
        last = turns[-1] if turns else {"text": "", "json": None, "problem": "", "calls": []}
        calls = [
            {name: result[name] for name in ("tool", "arguments", "verdict")}
            for entry in history
            if entry["node"] == CALLS
            for result in entry["results"]
        ]
        talk_goes_on = history and history[-1]["node"] == SAY and history[-1]["text"].strip()
        used_up = f"It used up its {config.max_turns} turns."
        reason = last["problem"] or (used_up if last["calls"] or talk_goes_on else "")
        # A turn in which nobody was asked only tells that a colleague's turns are used up.
        asked = sum(entry.get("model") != "" for entry in turns)
        outputs: Any = {"text": reason or last["text"], "json": last["json"], "turns": asked, "calls": calls}
        return {"outputs": outputs, "port": "handover" if reason else "out"}

    def closed(self, config: AgentConfig, results: Sequence[JsonValue], errors: Mapping[int, dict[str, JsonValue]]) -> Outcome:
        """What was collected."""
        told: Any = results[0]
        return Outcome(told["outputs"], told["port"])
