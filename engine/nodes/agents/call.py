"""Hidden steps of an agent for what it wants called: the list of calls, and for each the verdict and the question to a person."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from pydantic import BaseModel, Field

from engine.expressions import ExpressionError
from engine.graph.fieldtree import Each, Keyed
from engine.jsonvalue import JsonValue
from engine.nodes.agents.joined import calls_allowed, held, offered_as, truth
from engine.nodes.agents.talk import content_of, results_of, said_in
from engine.nodes.contract import Answer, Ask, AskKind, BoxKind, InlineKind, NodeConfig, OnItemError, Outcome, Resolver
from engine.tools.messages import has_both

Verdict = Literal["allow", "stop", "ask"]
GUARDED = "It has read private data, and words that were written outside may have led it here; this call reaches outside."


class CallsConfig(NodeConfig):
    """Whose calls."""

    owner: str = ""
    max_items: int = 64
    result_chars: int = 8_000


class CallsOutputs(BaseModel):
    """What every call came to."""

    results: list[dict[str, Any]]


class Calls(BoxKind[CallsConfig]):
    """Makes the calls of one turn, in the order in which the model wants them."""

    kind = "calls"
    title = "Calls"
    icon = "list-checks"
    group = "AI"
    counts = 0
    Config = CallsConfig
    Outputs = CallsOutputs
    fixed_ports = ("item", "out", "exhausted")
    is_remembered = True

    def resolve(self, config: CallsConfig, fields: Mapping[str, Resolver], scope: Mapping[str, Any]) -> dict[str, JsonValue]:
        """The calls of the turn before."""
        most = calls_allowed(config.max_items, scope["nodes"][f"{config.owner}.offer"])
        return {"items": scope["nodes"][f"{config.owner}.turn"]["calls"][:most]}

    def items(self, config: CallsConfig, given: Mapping[str, Any]) -> list[JsonValue]:
        """One item a call."""
        return list(given["items"])

    def at_once(self, config: CallsConfig) -> int:
        """One after the other: what a later one does may depend on what an earlier one has done."""
        return 1

    def on_item_error(self, config: CallsConfig) -> OnItemError:
        """The model is told what went wrong."""
        return "collect"

    def collected(self, config: CallsConfig, fields: Mapping[str, Resolver], scope: Mapping[str, Any]) -> JsonValue:
        """`{id, tool, arguments, verdict, ok, result, content}`; `content` is what the model reads."""
        own, call = scope["nodes"], scope["item"]
        judged = own[f"{config.owner}.call"]
        told: dict[str, JsonValue] = {"id": call["id"], "tool": call["tool"], "arguments": call["arguments"], "verdict": judged["verdict"]}
        asked = own.get(f"{config.owner}.ask")
        if asked is not None:
            told["verdict"] = "allow" if asked["decision"] == "approved" else "stop"
        made = next((own[name] for part in ("read", "act", "asked") if (name := f"{config.owner}.{part}") in own), None)
        if made is None:
            words = f"A person refused this call. {asked['reason']}".strip() if asked is not None else judged["reason"]
            return told | {"ok": False, "result": None, "content": f"Not done: {words}"}
        if (error := made.get("error")) is not None:
            return told | {"ok": False, "result": None, "content": content_of(f"Error: {error['message']}", config.result_chars)}
        return told | {"ok": True, "result": made["result"], "content": content_of(made["result"], config.result_chars)}

    def closed(self, config: CallsConfig, results: Sequence[JsonValue], errors: Mapping[int, dict[str, JsonValue]]) -> Outcome:
        """All results, in the order of the calls."""
        return Outcome({"results": [r for r in results if r is not None]})


class CallConfig(NodeConfig):
    """By what a call is judged."""

    owner: str = ""
    tools: list[dict[str, Any]] = Field(default_factory=list)
    observes: bool = False


class CallOutputs(BaseModel):
    """What was decided, and why."""

    tool: str
    arguments: dict[str, Any]
    verdict: str
    reason: str
    rules: list[dict[str, Any]]


class Call(InlineKind[CallConfig]):
    """Judges one call by what was drawn: may it be made, must it not, or does a person decide?"""

    kind = "tool_call"
    title = "Tool call"
    icon = "shield-check"
    group = "AI"
    counts = 0
    Config = CallConfig
    Outputs = CallOutputs
    fixed_ports = ("read", "act", "ask", "stop")

    def resolve(self, config: CallConfig, fields: Mapping[str, Resolver], scope: Mapping[str, Any]) -> dict[str, Any]:
        """The call, and each of its tool's preconditions worked out: true, false, or null with the reason why that cannot be said."""
        call, agent = scope["item"], scope["agent"]
        place = next((i for i, tool in enumerate(config.tools) if tool["tool"] == call["tool"]), None)
        names = {name: value for name, value in scope.items() if name not in ("item", "index", "agent")}
        names |= agent.get("around", {}) | {"arguments": call["arguments"], "results": results_of(agent["history"])}
        names["said"] = said_in(agent["item"]["task"], agent["history"])
        rules = [] if place is None or call["problems"] else _rules(fields.get("tools"), place, config.tools[place]["preconditions"], names)
        # An offer that was made before tools said where they lead: what changes something leads outside.
        guarded = bool(call.get("is_outward", call.get("is_writing"))) and has_both(agent.get("labels", ()))
        told = offered_as(scope["nodes"][f"{config.owner}.offer"], call["tool"])
        if told is None or call["problems"]:
            return {"call": call, "rules": rules, "guarded": guarded}
        rules += [_told(rule, *held(rule["that"], names)) for rule in told["rules"]]
        return {"call": call, "rules": rules, "policy": told["policy"], "guarded": guarded}

    def work(self, config: CallConfig, given: Mapping[str, Any]) -> Outcome:
        """Leaves by `read` or `act` where it may be made, else by `ask` or `stop`."""
        call = given["call"]
        tool: Mapping[str, Any] | None = next((tool for tool in config.tools if tool["tool"] == call["tool"]), None)
        observes = config.observes
        if (policy := given.get("policy")) is not None:
            # What a step only notes, a colleague's rules still forbid.
            tool, observes = {"policy": policy}, False
        verdict, reason = judged(call, tool, given["rules"])
        if given.get("guarded"):
            # Nor is it loosened by only noting verdicts.
            observes = False
            if verdict == "allow":
                verdict, reason = "ask", GUARDED
        outputs: dict[str, JsonValue] = {"tool": call["tool"], "arguments": call["arguments"], "verdict": verdict, "reason": reason}
        port = verdict
        if verdict == "allow" or (observes and tool is not None and not call["problems"]):
            port = "act" if call.get("is_writing") else "read"
        return Outcome(outputs | {"rules": given["rules"]}, port)


def judged(call: Mapping[str, Any], tool: Mapping[str, Any] | None, rules: Sequence[Mapping[str, Any]]) -> tuple[Verdict, str]:
    """The verdict on a call and the reason in words, for the model and for people."""
    if call["problems"]:
        return "stop", " ".join(call["problems"])
    if tool is None or tool["policy"] == "never":
        return "stop", f"{call['tool']} must not be called here."
    broken = [rule for rule in rules if rule["holds"] is False]
    if stops := [rule for rule in broken if rule["otherwise"] == "stop"]:
        return "stop", " ".join(str(rule["because"]) for rule in stops)
    if broken:
        return "ask", " ".join(str(rule["because"]) for rule in broken)
    if unknown := [rule for rule in rules if rule["holds"] is None]:
        return "ask", "It cannot be said whether this is so: " + " ".join(str(rule["because"])[:300] for rule in unknown)
    if tool["policy"] == "ask" or (tool["policy"] == "default" and call.get("is_writing")):
        return "ask", f"{call['tool']} needs a person's consent."
    return "allow", ""


def _rules(tree: Resolver | None, place: int, written: Sequence[Mapping[str, Any]], scope: Mapping[str, Any]) -> list[dict[str, JsonValue]]:
    found: list[dict[str, JsonValue]] = []
    tool = tree.items[place] if isinstance(tree, Each) else None
    each = tool.entries["preconditions"] if isinstance(tool, Keyed) else None
    resolvers = each.items if isinstance(each, Each) else ()
    for rule, resolver in zip(written, resolvers, strict=True):
        that = resolver.entries["that"] if isinstance(resolver, Keyed) else resolver
        found.append(_told(rule, *_holds(that, scope)))
    return found


def _told(rule: Mapping[str, Any], holds: bool | None, why: str) -> dict[str, JsonValue]:
    because = rule["because"] or f"This does not hold: {rule['that']}."
    return {"that": rule["that"], "otherwise": rule["otherwise"], "because": because, "holds": holds, "unknown": why}


def _holds(that: Resolver, scope: Mapping[str, Any]) -> tuple[bool | None, str]:
    try:
        return truth(that(scope))
    except ExpressionError as error:
        return None, error.message


class AskConfig(NodeConfig):
    """Who is asked, and about which step."""

    owner: str = ""
    action: str
    approvers: dict[str, Any] = Field(default_factory=dict)
    expires_after_s: float | None = None


class AskOutputs(BaseModel):
    """What was decided."""

    decision: str
    by: str | None
    reason: str
    values: dict[str, Any]


class AskForCall(AskKind[AskConfig]):
    """Shows a person the call that an agent wants made, with what speaks for and against it."""

    kind = "ask_for_call"
    title = "Consent to a call"
    icon = "user-check"
    group = "AI"
    counts = 0
    Config = AskConfig
    Outputs = AskOutputs
    fixed_ports = ("approved", "rejected", "expired")
    consent_port = "approved"
    port_output = "decision"

    def resolve(self, config: AskConfig, fields: Mapping[str, Resolver], scope: Mapping[str, Any]) -> dict[str, Any]:
        """The call, its verdict, and the agent's last words."""
        judged = scope["nodes"][f"{config.owner}.call"]
        said = scope["nodes"][f"{config.owner}.turn"]["text"]
        return {
            "tool": judged["tool"],
            "arguments": judged["arguments"],
            "reason": judged["reason"],
            "rules": judged["rules"],
            "said": said,
        }

    def ask(self, config: AskConfig, given: Mapping[str, Any]) -> Ask:
        """The card; the arguments can be changed."""
        evidence: dict[str, JsonValue] = {}
        for rule in given["rules"]:
            holds = {True: "holds", False: "does not hold", None: f"cannot be said: {rule['unknown']}"}[rule["holds"]]
            evidence[str(rule["that"])[:200]] = holds
        message = " ".join(part for part in (given["reason"], f"The agent says: {given['said']}" if given["said"].strip() else "") if part)
        return Ask(
            "approval",
            f"Let the agent call {given['tool']}?",
            message,
            ("approve", "reject"),
            show=evidence,
            editable=dict(given["arguments"]),
            approvers={"roles": [], "users": [], "quorum": 1, "four_eyes": False} | config.approvers,
            expires_after_s=config.expires_after_s,
            action=config.action,
        )

    def answered(self, config: AskConfig, given: Mapping[str, Any], answer: Answer) -> Outcome:
        """Leaves by the decision, with the arguments as the person left them."""
        decision = answer.decision
        values = {name: answer.values.get(name, value) for name, value in given["arguments"].items()}
        return Outcome({"decision": decision, "by": answer.by, "reason": answer.reason, "values": values}, decision)
