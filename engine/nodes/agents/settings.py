"""What can be set at an agent: its task, its tools and how freely it may call them, its bounds."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, model_validator

from engine.nodes.answering import MaskSettings
from engine.nodes.contract import Expr, NodeConfig, Template
from engine.nodes.form import hints

BOUNDS, CONSENT = "How far it may go", "When a person decides"
"""Settings that are folded together."""


class Precondition(NodeConfig):
    """What must hold before a tool is called."""

    that: Expr = Field(
        title="This holds",
        description="An expression over `arguments`, `inputs`, `nodes`, what was `said` (`who text`) and earlier `results` "
        "(`tool arguments verdict ok result`).",
    )
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

    roles: list[str] = Field(default_factory=list, title="Roles", description="Roles that may consent.")
    users: list[str] = Field(default_factory=list, title="People", description="People who may consent, by e-mail address.")


class AgentConfig(MaskSettings):
    """The task, the tools, and the bounds."""

    agent: str = Field(
        default="", title="Colleague", description="The colleague who does it.", json_schema_extra=hints(widget="colleague", order=0)
    )
    task: Template = Field(
        title="Task",
        description="What the agent is to do.",
        json_schema_extra=hints(widget="text", text="", placeholder="What should it do? Type / for a value", order=1),
    )
    system: Template = Field(
        default="",
        title="Role and rules",
        description="Who the agent is and what rules it keeps.",
        json_schema_extra=hints(widget="text", text="", placeholder="Who it is and what rules it keeps", order=2),
    )
    model: Template = Field(
        default="default",
        title="Model",
        description="The model: `default`, `cheap`, `careful`, or a model's own name.",
        json_schema_extra=hints(widget="model", text="", order=4),
    )
    tools: list[AgentTool] = Field(
        default_factory=list,
        max_length=100,
        title="Tools",
        description="The tools that it may call, and how freely; the list is fixed.",
        json_schema_extra=hints(widget="agent_tools", text="It can call these and nothing else, whatever it is told.", order=3),
    )
    max_turns: int = Field(
        default=10,
        ge=1,
        le=200,
        title="At most",
        description="How often the model is asked what to do next; then the step leaves by `handover`.",
        json_schema_extra=hints(
            text="How often the model is asked what to do next; then a person takes over.", unit="turns", order=10, group=BOUNDS
        ),
    )
    calls_per_turn: int = Field(
        default=3,
        ge=1,
        le=64,
        title="Calls in one turn",
        description="Tools that one turn may call; more are left out.",
        json_schema_extra=hints(order=11, group=BOUNDS),
    )
    output: dict[str, Any] | None = Field(
        default=None,
        title="What comes out",
        description="A JSON Schema; the last answer must fit it and is kept as `json`.",
        json_schema_extra=hints(widget="schema", text="", none="A text. Add fields to get an answer in named parts.", order=5),
    )
    temperature: float | None = Field(
        default=None,
        ge=0,
        le=2,
        title="Freedom",
        description="How freely the model answers.",
        json_schema_extra=hints(order=14, group=BOUNDS),
    )
    max_tokens: int = Field(
        default=1024,
        ge=1,
        le=1_000_000,
        title="Longest answer",
        description="Of each turn, in tokens.",
        json_schema_extra=hints(unit="tokens", order=12, group=BOUNDS),
    )
    result_chars: int = Field(
        default=8_000,
        ge=100,
        le=1_000_000,
        title="Longest result",
        description="How much of a tool's result the model reads; the whole is kept with the step.",
        json_schema_extra=hints(unit="characters", order=13, group=BOUNDS),
    )
    approvers: Consenters = Field(
        default_factory=Consenters,
        title="Who consents",
        description="Who may consent to calls; empty: every approver.",
        json_schema_extra=hints(widget="consenters", text="", order=20, group=CONSENT),
    )
    expires_after_s: float | None = Field(
        default=None,
        gt=0,
        le=31_536_000,
        title="Answer within",
        description="A consent that nobody gives in time is refused, after so many seconds.",
        json_schema_extra=hints(
            widget="duration", text="A consent that nobody gives in time is refused.", none="No limit", order=21, group=CONSENT
        ),
    )
    talks: bool = Field(
        default=False,
        title="Talks with a person",
        description="Whether what it says without calling a tool waits for a person's answer; an empty answer ends the talk.",
        json_schema_extra=hints(is_folded=True),
    )
    gate: Literal["enforce", "observe"] = Field(
        default="enforce",
        title="Verdicts",
        description="`observe`: verdicts are only noted and every call is made; for measuring rules on recorded conversations.",
        json_schema_extra=hints(
            text="Only noting is for measuring rules on recorded conversations: then every call is made.",
            choices={"enforce": "Hold: what must not be called is not called", "observe": "Only noted"},
            is_folded=True,
        ),
    )

    @property
    def max_items(self) -> int:
        """It is a box with one item."""
        return 1
