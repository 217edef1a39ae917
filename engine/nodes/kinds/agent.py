"""A model that works with tools, inside bounds that were drawn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from pydantic import BaseModel, Field, model_validator

from engine.graph.parts import Parts
from engine.jsonvalue import JsonValue
from engine.nodes.agents.hidden import parts_of
from engine.nodes.agents.talk import CALLS, HAND_OVER, TURN
from engine.nodes.contract import BoxKind, Expr, NodeConfig, OnItemError, Outcome, Problem, Resolver, Template, text_of
from engine.nodes.form import hints
from engine.schemas import check_schema


class Precondition(NodeConfig):
    """What must hold before a tool is called."""

    that: Expr = Field(title="This holds", description="An expression over `arguments`, `inputs`, `nodes` and earlier `results`.")
    otherwise: Literal["stop", "ask"] = Field(
        default="stop", title="If not", description="`stop`: the call is not made, and the model is told why; `ask`: a person decides."
    )
    because: str = Field(default="", title="Because", description="Why, in words for the model and for people.")


class AgentTool(NodeConfig):
    """A tool of the agent, and how freely it may call it."""

    tool: str = Field(title="Tool", description="The tool's name.")
    policy: Literal["default", "auto", "ask", "never"] = Field(
        default="default",
        title="How freely",
        description="`auto`: it may; `ask`: a person consents each time; `never`: not at all. By default it asks before it writes.",
    )
    preconditions: list[Precondition] = Field(
        default_factory=list, max_length=100, title="Only if", description="What must hold before each call."
    )

    @model_validator(mode="before")
    @classmethod
    def _named(cls, value: object) -> object:
        return {"tool": value} if isinstance(value, str) else value


class Consenters(NodeConfig):
    """Who may consent to calls."""

    roles: list[str] = Field(default_factory=list, title="Roles")
    users: list[str] = Field(default_factory=list, title="People")


class AgentConfig(NodeConfig):
    """The task, the tools, and the bounds."""

    agent: str = Field(default="", title="Colleague", description="The colleague who does it.", json_schema_extra=hints(is_folded=True))
    task: Template = Field(
        title="Task",
        description="What the agent is to do.",
        json_schema_extra=hints(widget="text", text="", placeholder="What should it do? Type / for a value", order=0),
    )
    system: Template = Field(
        default="",
        title="Role and rules",
        description="Who the agent is and what rules it keeps.",
        json_schema_extra=hints(widget="text", text="", placeholder="Who it is and what rules it keeps", order=1),
    )
    model: Template = Field(
        default="default",
        title="Model",
        description="The model: `default`, `cheap`, `careful`, or a model's own name.",
        json_schema_extra=hints(widget="model", text="", order=3),
    )
    tools: list[AgentTool] = Field(
        default_factory=list, max_length=100, title="Tools", description="The tools that it may call, and how freely; the list is fixed."
    )
    max_turns: int = Field(
        default=10,
        ge=1,
        le=200,
        title="At most",
        description="How often the model is asked what to do next; then the step leaves by `handover`.",
        json_schema_extra=hints(unit="turns"),
    )
    calls_per_turn: int = Field(
        default=3, ge=1, le=64, title="Calls in one turn", description="Tools that one turn may call; more are left out."
    )
    output: dict[str, Any] | None = Field(
        default=None,
        title="What comes out",
        description="A JSON Schema; the last answer must fit it and is kept as `json`.",
        json_schema_extra=hints(widget="schema", text="", none="A text. Add fields to get an answer in named parts.", order=4),
    )
    temperature: float | None = Field(
        default=None, ge=0, le=2, title="Freedom", description="How freely the model answers.", json_schema_extra=hints(is_folded=True)
    )
    max_tokens: int = Field(
        default=1024,
        ge=1,
        le=1_000_000,
        title="Longest answer",
        description="Of each turn, in tokens.",
        json_schema_extra=hints(unit="tokens"),
    )
    result_chars: int = Field(
        default=8_000,
        ge=100,
        le=1_000_000,
        title="Longest result",
        description="How much of a tool's result the model reads; the whole is kept with the step.",
        json_schema_extra=hints(unit="characters", is_folded=True),
    )
    approvers: Consenters = Field(
        default_factory=Consenters, title="Who consents", description="Who may consent to calls; empty: every approver."
    )
    expires_after_s: float | None = Field(
        default=None,
        gt=0,
        le=31_536_000,
        title="Answer within",
        description="A consent that nobody gives in time is refused, after so many seconds.",
    )
    gate: Literal["enforce", "observe"] = Field(
        default="enforce",
        title="Verdicts",
        description="`observe`: verdicts are only noted and every call is made; for measuring rules on recorded conversations.",
        json_schema_extra=hints(is_folded=True),
    )

    @property
    def max_items(self) -> int:
        """It is a box with one item."""
        return 1


class AgentOutputs(BaseModel):
    """What came of it."""

    text: str = Field(description="The agent's last words.")
    value: Any = Field(alias="json", description="The answer as a JSON value where `output` asks for one, else null.")
    turns: int = Field(description="How often the model was asked.")
    calls: list[dict[str, Any]] = Field(description="Every call: `{tool, arguments, verdict}`.")
    reason: str = Field(description="Why it was handed over; else empty.")


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
    more_names = {"tools": frozenset({"arguments", "results"})}  # noqa: RUF012 - read only

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
        reason = last["problem"] or (f"It used up its {config.max_turns} turns." if last["calls"] else "")
        outputs: Any = {"text": last["text"], "json": last["json"], "turns": len(turns), "calls": calls, "reason": reason}
        return {"outputs": outputs, "port": "handover" if reason else "out"}

    def closed(self, config: AgentConfig, results: Sequence[JsonValue], errors: Mapping[int, dict[str, JsonValue]]) -> Outcome:
        """What was collected."""
        told: Any = results[0]
        return Outcome(told["outputs"], told["port"])
