"""One call of a tool."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, Field

from engine.jsonvalue import JsonValue
from engine.nodes.contract import (
    CallKind,
    Capability,
    Effect,
    EffectName,
    Estimate,
    Example,
    Expr,
    NodeConfig,
    NodeContext,
    Outcome,
    Pricing,
    Problem,
)
from engine.nodes.form import hints


class ToolConfig(NodeConfig):
    """Which tool, with what."""

    tool: str = Field(title="Tool", description="The tool's name.", json_schema_extra=hints(widget="tool", text=""))
    arguments: dict[str, Expr] = Field(
        default_factory=dict,
        title="What it is given",
        description="The tool's arguments: a name and an expression each.",
        json_schema_extra=hints(widget="arguments", text="Each argument under its name.", add="Argument"),
    )
    effect: EffectName = Field(
        default="unsafe",
        title="Calling it twice",
        description="What a second call would do: `pure` and `idempotent` tools are called again after a crash, others never.",
        json_schema_extra=hints(
            text="After a crash it is called again only where that changes nothing.",
            choices={
                "unsafe": "Does it twice",
                "reconcilable": "Does it twice, but it can be asked",
                "idempotent": "Changes nothing more",
                "pure": "Only computes",
            },
            is_folded=True,
        ),
    )


class ToolOutputs(BaseModel):
    """What came back."""

    result: Any = Field(description="The tool's answer, a JSON value.")


class ToolKind(CallKind[ToolConfig]):
    """Calls a tool of the catalog with these arguments."""

    kind = "tool"
    title = "Use a tool"
    icon = "wrench"
    group = "AI"
    effect = Effect.UNSAFE
    uses = frozenset({Capability.TOOL})
    Config = ToolConfig
    Outputs = ToolOutputs
    examples = (
        Example(
            "A parcel is looked for",
            {"tool": "find_parcel", "arguments": {"number": "inputs.number"}, "effect": "idempotent"},
            {"inputs": {"number": "A1"}},
            {"result": {"found": True}},
        ),
    )

    def problems(self, config: ToolConfig) -> list[Problem]:
        """It must have a name."""
        if config.tool.strip():
            return []
        return [Problem("empty_text", "“Tool” is empty.", "Choose a tool.", field="tool")]

    def effect_of(self, config: ToolConfig) -> Effect:
        """As the settings say."""
        return Effect(config.effect)

    def is_outward(self, config: ToolConfig, given: Mapping[str, Any]) -> bool:
        """What calling it twice would do twice reaches somebody; of the others the catalog knows when they are called."""
        return self.effect_of(config) in (Effect.UNSAFE, Effect.RECONCILABLE)

    def most_calls(self, config: ToolConfig) -> tuple[int, int]:
        """One call."""
        return (0, 1)

    def estimate(self, config: ToolConfig, given: Mapping[str, Any], pricing: Pricing) -> Estimate:
        """One call, at the tool's price where that is known."""
        return Estimate(cost_micro=given.get("cost_micro", 0), tool_calls=1)

    async def execute(self, config: ToolConfig, given: Mapping[str, Any], ctx: NodeContext) -> Outcome:
        """The tool's answer."""
        arguments: dict[str, JsonValue] = given["arguments"]
        return Outcome({"result": await ctx.call_tool(given.get("tool", config.tool), arguments, digest=given.get("digest", ""))})
