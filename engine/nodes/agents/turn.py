"""Hidden steps of an agent that reach outside: the tools it is offered, looked up once, and one question to its model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from pydantic import BaseModel, Field

from engine.errors import OutputInvalid, ToolUnusable
from engine.jsonvalue import JsonValue
from engine.llm.messages import ToolCall, ToolOffer
from engine.llm.structured import instruction
from engine.nodes.agents.joined import joined
from engine.nodes.agents.talk import HAND_OVER, TURN, arguments_of, messages_of
from engine.nodes.answering import MaskSettings
from engine.nodes.colleague import Allowed, Colleague, merged
from engine.nodes.contract import (
    CallKind,
    Capability,
    Effect,
    Estimate,
    ModelAnswer,
    ModelRequest,
    NodeConfig,
    NodeContext,
    Outcome,
    Pricing,
    Resolver,
    parse_json_answer,
)
from engine.schemas import check_schema

TIMEOUT_S = 120.0
_HAND_OVER = ToolOffer(
    HAND_OVER,
    "Give this task to a person, because you cannot or must not do it yourself. Say why.",
    {"type": "object", "required": ["reason"], "properties": {"reason": {"type": "string"}}},
)


class OfferConfig(NodeConfig):
    """Which tools, each with the policy that the step gives it, and whose."""

    tools: dict[str, str] = Field(default_factory=dict)
    agent: str = ""


class OfferOutputs(BaseModel):
    """What the model may call, and the colleague that it is where there is one: both fixed for all turns."""

    tools: list[dict[str, Any]]


class Offer(CallKind[OfferConfig]):
    """Looks the colleague and the tools up once: who an agent is and what it is offered does not change while it works."""

    kind = "offer"
    title = "Tools offered"
    icon = "wrench"
    group = "AI"
    counts = 0
    effect = Effect.IDEMPOTENT
    uses = frozenset({Capability.TOOL, Capability.COLLEAGUE})
    Config = OfferConfig
    Outputs = OfferOutputs

    async def execute(self, config: OfferConfig, given: Mapping[str, Any], ctx: NodeContext) -> Outcome:
        """Name, description, schema, effect, cost and digest of each; with a colleague, the policy and rules that hold of both.

        AgentMissing; ToolUnusable for one whose schema is none, or that the colleague does not have.
        """
        colleague = await ctx.colleague(config.agent) if config.agent else None
        allowed = {tool.tool: tool for tool in _allowed(config.tools, colleague)} if colleague is not None else {}
        names = list(allowed) if colleague is not None else list(config.tools)
        found: list[JsonValue] = []
        for tool in await ctx.tools(names) if names else []:
            if problems := check_schema(tool.parameters):
                raise ToolUnusable(
                    f"The tool {tool.name} cannot be offered: its schema {problems[0].path or 'itself'} {problems[0].message}."
                )
            told: dict[str, JsonValue] = {"name": tool.name, "description": tool.description, "parameters": tool.parameters}
            told |= {"effect": tool.effect, "cost_micro": tool.cost_micro, "digest": tool.digest}
            told |= {"is_writing": tool.is_writing, "is_outward": tool.is_outward}
            if (both := allowed.get(tool.name)) is not None:
                told |= {"policy": both.policy, "rules": [dict(rule) for rule in both.rules]}
            found.append(told)
        return Outcome({"tools": found} if colleague is None else {"tools": found, "agent": colleague.told()})


def _allowed(own: Mapping[str, str], colleague: Colleague) -> tuple[Allowed, ...]:
    both = merged(own, colleague)
    if both.foreign:
        raise ToolUnusable(
            f"{colleague.name} does not have the tool {both.foreign[0]}, which this step names.",
            hint=f"Give it to {colleague.name} under Agents, or leave it out of the step.",
        )
    return both.tools


class TurnConfig(MaskSettings):
    """What bounds a turn; the rest comes with the agent's item."""

    owner: str = ""
    max_tokens: int = 1024
    temperature: float | None = None
    output: dict[str, Any] | None = None
    talks: bool = False


class TurnOutputs(BaseModel):
    """What the model said, and what it wants called."""

    text: str
    calls: list[dict[str, Any]]
    value: Any = Field(alias="json")
    problem: str
    model: str
    usage: dict[str, Any]


class TurnKind(CallKind[TurnConfig]):
    """Asks the model what to do next, with everything that was said and called so far."""

    kind = "turn"
    title = "Turn"
    icon = "message-circle"
    group = "AI"
    effect = Effect.IDEMPOTENT
    uses = frozenset({Capability.MODEL})
    Config = TurnConfig
    Outputs = TurnOutputs
    fixed_ports = ("calls", "done", "again", "say", "handover")
    is_remembered = True
    keeps_inputs = False

    def resolve(self, config: TurnConfig, fields: Mapping[str, Resolver], scope: Mapping[str, Any]) -> dict[str, Any]:
        """The conversation; it is not kept with the step, because the steps before it tell the same."""
        agent, offer = scope["agent"], scope["nodes"][f"{config.owner}.offer"]
        return {
            **joined(agent["item"], offer.get("agent")),
            "task": agent["item"]["task"],
            "history": list(agent["history"]),
            "tools": offer["tools"],
        }

    def most_calls(self, config: TurnConfig) -> tuple[int, int]:
        """One question."""
        return (1, 0)

    def estimate(self, config: TurnConfig, given: Mapping[str, Any], pricing: Pricing) -> Estimate:
        """One call over the whole conversation; none where the colleague's turns are used up."""
        if _is_over(given):
            return Estimate()
        bound = pricing.bound(_request(config, given))
        return Estimate(bound.cost_micro, bound.tokens, 1)

    async def execute(self, config: TurnConfig, given: Mapping[str, Any], ctx: NodeContext) -> Outcome:
        """Leaves by `calls` where tools are wanted, by `again` where the answer does not fit, by `handover` where the agent gives up.

        Where the colleague's turns are used up it asks nothing and hands over.
        """
        if _is_over(given):
            words = f"It used up its {given['max_turns']} turns."
            return Outcome({"text": "", "calls": [], "json": None, "problem": words, "model": "", "usage": {}}, "handover")
        answer = await ctx.model(_request(config, given))
        offered = {tool["name"]: tool for tool in given["tools"]}
        calls: Any = [_wanted(call, offered) for call in answer.calls]
        outputs: dict[str, JsonValue] = {"text": answer.text, "calls": [], "json": None, "problem": "", "model": answer.model}
        outputs["usage"] = _usage(answer)
        reason = next((call["arguments"].get("reason", "") for call in calls if call["tool"] == HAND_OVER), None)
        if reason is not None:
            return Outcome(outputs | {"problem": str(reason)}, "handover")
        if calls:
            return Outcome(outputs | {"calls": calls}, "calls")
        if config.output is None or config.talks:
            return Outcome(outputs, "say" if config.talks else "done")
        try:
            return Outcome(outputs | {"json": parse_json_answer(answer.text, config.output)}, "done")
        except OutputInvalid as error:
            words = f"Your answer does not fit what was asked for: {error.message} Answer again, with JSON that fits and nothing else."
            return Outcome(outputs | {"problem": words}, "again")


def _is_over(given: Mapping[str, Any]) -> bool:
    most = given["max_turns"]
    return most is not None and sum(entry["node"] == TURN for entry in given["history"]) >= most


def _wanted(call: ToolCall, offered: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    tool = offered.get(call.name)
    if tool is None:
        parameters = _HAND_OVER.parameters if call.name == HAND_OVER else {}
    else:
        parameters = tool["parameters"]
    arguments, problems = arguments_of(call, parameters)
    if tool is None and call.name != HAND_OVER:
        problems = [f"There is no tool {call.name[:80]}. There are: {', '.join(offered) or 'none'}."]
    told = {name: tool[name] for name in ("cost_micro", "digest", "is_writing", "is_outward") if name in tool} if tool else {}
    return {"id": call.id, "tool": call.name, "written": call.arguments, "arguments": arguments, "problems": problems, **told}


def _request(config: TurnConfig, given: Mapping[str, Any]) -> ModelRequest:
    tools = tuple(ToolOffer(tool["name"], tool["description"], tool["parameters"]) for tool in given["tools"])
    system = given["system"]
    max_tokens = given.get("max_tokens", config.max_tokens)
    request = ModelRequest(given["model"], system, "", None, config.temperature, max_tokens, TIMEOUT_S, mask=config.mask == "on")
    # A model that also has to keep to a schema would have to call no tool: the schema is told, and the last answer checked.
    if config.output is not None:
        request = replace(request, system=_with_schema(system, config.output))
    return replace(request, messages=messages_of(given["task"], given["history"]), tools=(*tools, _HAND_OVER))


def _with_schema(system: str, schema: dict[str, Any]) -> str:
    return f"{system}\n\nWhen you have finished: {instruction(schema)}".strip()


def _usage(answer: ModelAnswer) -> dict[str, JsonValue]:
    usage = answer.usage
    told: dict[str, JsonValue] = {"tokens_in": usage.tokens_in, "tokens_out": usage.tokens_out, "cost_usd": usage.cost_micro / 1e6}
    return told | {"practice": True} if answer.is_practice else told
