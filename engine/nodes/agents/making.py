"""The hidden step in which a tool is really called."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel

from engine.graph.plan import Resolver
from engine.jsonvalue import JsonValue
from engine.nodes.contract import CallKind, Capability, Effect, Estimate, NodeConfig, NodeContext, Outcome, Pricing


class MakingConfig(NodeConfig):
    """What a second call would do."""

    effect: str
    is_counted: bool
    """Whether the worst case counts it: of the ways in which a call can be made, one is taken."""


class MakingOutputs(BaseModel):
    """What came back."""

    result: Any


class Making(CallKind[MakingConfig]):
    """Calls a tool for an agent, as it was offered and judged."""

    kind = "tool"
    title = "Tool"
    icon = "wrench"
    group = "AI"
    effect = Effect.UNSAFE
    uses = frozenset({Capability.TOOL})
    Config = MakingConfig
    Outputs = MakingOutputs

    def effect_of(self, config: MakingConfig) -> Effect:
        """As the way says by which the call came here."""
        return Effect(config.effect)

    def most_calls(self, config: MakingConfig) -> tuple[int, int]:
        """One call, counted once over all ways."""
        return (0, 1 if config.is_counted else 0)

    def estimate(self, config: MakingConfig, given: Mapping[str, Any], pricing: Pricing) -> Estimate:
        """One call at the tool's price."""
        return Estimate(cost_micro=given["cost_micro"], tool_calls=1)

    async def execute(self, config: MakingConfig, given: Mapping[str, Any], ctx: NodeContext) -> Outcome:
        """The tool's answer."""
        arguments: dict[str, JsonValue] = given["arguments"]
        return Outcome({"result": await ctx.call_tool(given["tool"], arguments, digest=given["digest"])})

    def simulated(self, config: MakingConfig, given: Mapping[str, Any]) -> Outcome:
        """In a test run nothing is called: the model is told so."""
        return Outcome({"result": "[simulated] This was a test run: the call was not made. Go on as if it had succeeded."})


def from_call() -> dict[str, Resolver]:
    """The call as the model wants it."""
    return {name: _of_call(name) for name in ("tool", "arguments", "digest", "cost_micro")}


def from_consent(owner: str) -> dict[str, Resolver]:
    """The call with the arguments as a person left them."""
    return from_call() | {"arguments": lambda scope: scope["nodes"][f"{owner}.ask"]["values"]}


def _of_call(name: str) -> Resolver:
    return lambda scope: scope["item"][name]
