"""How people are told something."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, Field

from engine.nodes.contract import CallKind, Capability, Effect, Example, NodeConfig, NodeContext, Outcome, Problem, Template, text_of
from engine.nodes.form import hints

CHANNELS = ("app",)


class NotifyConfig(NodeConfig):
    """Where and what."""

    channel: Template = Field(
        default="app",
        title="Where",
        description="Where the message goes; `app` shows it in Signalbox.",
        json_schema_extra=hints(widget="line", text="“app” shows it in Signalbox.", order=3),
    )
    subject: Template = Field(
        default="", title="Subject", description="The message in a few words.", json_schema_extra=hints(widget="line", text="")
    )
    message: Template = Field(default="", title="Message", description="The message.", json_schema_extra=hints(widget="text", text=""))


class NotifyOutputs(BaseModel):
    """What became of the message."""

    delivered: bool = Field(description="Whether the message was delivered.")


class Notify(CallKind[NotifyConfig]):
    """Sends a message to people. Repeating the step after a crash does not send it twice."""

    kind = "notify"
    title = "Notify"
    icon = "bell"
    group = "People"
    effect = Effect.IDEMPOTENT
    uses = frozenset({Capability.NOTIFY})
    Config = NotifyConfig
    Outputs = NotifyOutputs
    examples = (
        Example(
            "Tell the card desk",
            {"subject": "Block a card", "message": "Please block the card of {{ inputs.customer }}."},
            {"inputs": {"customer": "Ada"}},
            {"delivered": True},
        ),
    )

    def problems(self, config: NotifyConfig) -> list[Problem]:
        """The channel must exist, and there must be something to say."""
        found: list[Problem] = []
        if "{{" not in config.channel and config.channel not in CHANNELS:
            message = f"There is no channel `{config.channel[:60]}` yet."
            hint = f"Use one of: {', '.join(CHANNELS)}; until then the message is shown in Signalbox and counts as not delivered."
            found.append(Problem("unknown_channel", message, hint, "warning", field="channel"))
        if not config.subject.strip() and not config.message.strip():
            found.append(Problem("missing_key", "The message is empty.", "Fill in a subject or a message.", field="message"))
        return found

    async def execute(self, config: NotifyConfig, given: Mapping[str, Any], ctx: NodeContext) -> Outcome:
        """Delivers the message once; what cannot go where it should is kept in Signalbox and not called delivered."""
        channel, subject = text_of(given["channel"]), text_of(given["subject"])
        if channel in CHANNELS:
            return Outcome({"delivered": await ctx.notify(channel, subject, text_of(given["message"]))})
        await ctx.notify("app", f"[{channel[:60]}] {subject}", text_of(given["message"]))
        return Outcome({"delivered": False})
