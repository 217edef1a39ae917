"""The hidden step in which an agent talks to a person: its words wait in the inbox for the next line."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, Field

from engine.jsonvalue import JsonValue
from engine.nodes.contract import Answer, Ask, AskKind, NodeConfig, Outcome, Resolver, refused_values

LONGEST = 100_000
_FIELDS: dict[str, JsonValue] = {
    "type": "object",
    "properties": {"text": {"type": "string", "title": "Answer", "maxLength": LONGEST, "default": ""}},
    "additionalProperties": False,
}


class SayConfig(NodeConfig):
    """Who answers, and within which time."""

    owner: str = ""
    assignees: dict[str, Any] = Field(default_factory=dict)
    expires_after_s: float | None = None


class SayOutputs(BaseModel):
    """The next line; empty: there is nothing more to say."""

    text: str
    by: str | None


class Say(AskKind[SayConfig]):
    """Waits for the person's next line; an empty one ends the talk."""

    kind = "say"
    title = "Talk"
    icon = "message-circle"
    group = "AI"
    counts = 0
    is_remembered = True
    Config = SayConfig
    Outputs = SayOutputs
    fixed_ports = ("answered", "ended")

    def resolve(self, config: SayConfig, fields: Mapping[str, Resolver], scope: Mapping[str, Any]) -> dict[str, Any]:
        """What the agent has said."""
        return {"said": scope["nodes"][f"{config.owner}.turn"]["text"]}

    def ask(self, config: SayConfig, given: Mapping[str, Any]) -> Ask:
        """The card."""
        expires = config.expires_after_s
        return Ask(
            "form",
            "The agent waits for an answer",
            given["said"],
            ("submit",),
            approvers=config.assignees,
            expires_after_s=expires,
            fields=_FIELDS,
        )

    def accepted(self, ask: Ask, values: Mapping[str, JsonValue]) -> dict[str, JsonValue]:
        """One text, which may be empty."""
        text = values.get("text", "")
        if set(values) - {"text"} or not isinstance(text, str) or len(text) > LONGEST:
            raise refused_values({"text": f"The answer is a text of at most {LONGEST:,} characters."}, "Write a text.")
        return {"text": text}

    def answered(self, config: SayConfig, given: Mapping[str, Any], answer: Answer) -> Outcome:
        """Leaves by `answered`, or by `ended` where nothing was said or nobody came."""
        text = str(answer.values.get("text") or "")
        return Outcome({"text": text, "by": answer.by}, "answered" if text.strip() else "ended")
