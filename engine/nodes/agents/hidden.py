"""How the hidden steps of an agent stand together: offer → turn ⟲ calls, and in each call its verdict, consent and the tool."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from engine.graph.parts import Part, Parts, Way
from engine.graph.plan import Resolver, Retry
from engine.nodes.agents.call import AskConfig, AskForCall, Call, CallConfig, Calls, CallsConfig
from engine.nodes.agents.making import Making, MakingConfig, from_call, from_consent
from engine.nodes.agents.say import Say, SayConfig
from engine.nodes.agents.turn import Offer, OfferConfig, TurnConfig, TurnKind

READS_AGAIN = Retry(attempts=3, backoff_s=1.0, factor=2.0)
_FAILED = {"result": None}


def parts_of(owner: str, config: Any, tools: Resolver | None, *, retry: Retry, timeout_s: float | None) -> Parts:
    """What stands inside the agent `owner`; `config` is an `AgentConfig`, `tools` its compiled preconditions."""
    policies = [tool.model_dump() for tool in config.tools]
    offer = OfferConfig(tools={tool["tool"]: tool["policy"] for tool in policies}, agent=config.agent.strip())
    call = CallConfig(owner=owner, tools=policies, observes=config.gate == "observe")
    ask = AskConfig(owner=owner, action=f"{owner}.asked", approvers=config.approvers.model_dump(), expires_after_s=config.expires_after_s)
    turn = TurnConfig(
        owner=owner,
        max_tokens=config.max_tokens,
        temperature=config.temperature,
        output=config.output,
        talks=config.talks,
        mask=config.mask,
    )
    calls = CallsConfig(owner=owner, max_items=config.calls_per_turn, result_chars=config.result_chars)
    say = SayConfig(owner=owner, assignees=config.approvers.model_dump(), expires_after_s=config.expires_after_s)
    nodes = (
        Part("offer", Offer(), offer, title="Tools offered", retry=READS_AGAIN),
        Part("turn", TurnKind(), turn, title="Turn", retry=retry, timeout_s=timeout_s),
        Part("calls", Calls(), calls, title="Calls"),
        Part("say", Say(), say, title="Talk"),
        Part("call", Call(), call, "calls", _kept("tools", tools), title="Verdict"),
        Part("ask", AskForCall(), ask, "calls", title="Consent"),
        _making("asked", from_consent(owner), effect="unsafe", is_counted=False),
        _making("act", from_call(), effect="unsafe", is_counted=False),
        _making("read", from_call(), effect="idempotent", is_counted=True),
    )
    ways = (
        Way("", "item", "offer"),
        Way("offer", "out", "turn"),
        Way("turn", "calls", "calls"),
        Way("turn", "again", "turn", config.max_turns, "handover"),
        Way("turn", "say", "say"),
        Way("say", "answered", "turn", config.max_turns, "ended"),
        Way("calls", "out", "turn", config.max_turns, "exhausted"),
        Way("calls", "item", "call"),
        Way("call", "read", "read"),
        Way("call", "act", "act"),
        Way("call", "ask", "ask"),
        Way("ask", "approved", "asked"),
    )
    return Parts(nodes, ways, {"asked": "ask"}, config.agent.strip())


def _making(name: str, fields: Mapping[str, Resolver], *, effect: str, is_counted: bool) -> Part:
    config = MakingConfig(effect=effect, is_counted=is_counted)
    retry = READS_AGAIN if effect == "idempotent" else Retry()
    return Part(name, Making(), config, "calls", fields, "Tool", retry, None, "default", _FAILED)


def _kept(name: str, resolver: Resolver | None) -> dict[str, Resolver]:
    return {} if resolver is None else {name: resolver}
