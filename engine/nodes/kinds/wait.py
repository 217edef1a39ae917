"""How a run waits without holding anything: for some time, until a time, or for something to happen outside."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from engine.clock import from_iso
from engine.errors import ConfigInvalid
from engine.jsonvalue import JsonValue
from engine.nodes.contract import Answer, Example, Expr, NodeConfig, Outcome, Pause, Problem, Template, WaitKind, text_of
from engine.nodes.form import ONE_OF, hints

YEAR_S = 31_536_000.0
MOST_S = 10 * YEAR_S


class WaitConfig(NodeConfig):
    """One of `seconds`, `until` and `event`."""

    model_config = ConfigDict(
        json_schema_extra={ONE_OF: [["seconds", "For so long"], ["until", "Until a time"], ["event", "For an event"]]}
    )

    seconds: float | None = Field(
        default=None,
        ge=0,
        le=MOST_S,
        title="For so long",
        description="How many seconds to wait.",
        json_schema_extra=hints(widget="duration", text="", none="Not for a fixed time"),
    )
    until: Expr | None = Field(
        default=None,
        title="Until",
        description="The time to wait for, as ISO 8601 text; one that is past is not waited for.",
        json_schema_extra=hints(text="A date or a time, for instance inputs.due. One that is past is not waited for."),
    )
    event: Template | None = Field(
        default=None,
        title="For this event",
        description="The name of the event to wait for; programs send it to POST /api/v1/events.",
        json_schema_extra=hints(widget="line", text="Another program sends it to Signalbox.", placeholder="invoice.paid"),
    )
    key: Expr | None = Field(
        default=None,
        title="About",
        description="Which of the events of that name: only one sent with the same key wakes the run.",
        json_schema_extra=hints(text="Only an event about the same thing wakes the run, for instance inputs.invoice.", when={"event": "*"}),
    )
    expires_after_s: float | None = Field(
        default=None,
        gt=0,
        le=MOST_S,
        title="Wait at most",
        description="After how many seconds without the event the run goes on by `expired`.",
        json_schema_extra=hints(
            widget="duration", text="After that the run goes on without it.", none="Waits for ever", when={"event": "*"}
        ),
    )


class WaitOutputs(BaseModel):
    """What has happened."""

    event: Any = Field(description="What the event was sent with; null where a time was waited for, or nothing came.")


class Wait(WaitKind[WaitConfig]):
    """Waits for some seconds, until a time, or for an event, through any number of restarts.

    An event counts from the moment the step waits for it. With `expires_after_s` the run goes on by `expired` when it has not come.
    """

    kind = "wait"
    title = "Wait"
    icon = "hourglass"
    Config = WaitConfig
    Outputs = WaitOutputs
    fixed_ports = ("out", "expired")
    examples = (
        Example("For an hour", {"seconds": 3600}, {}, {"event": None}),
        Example("Until a date", {"until": "inputs.due"}, {"inputs": {"due": "2026-12-01T09:00:00Z"}}, {"event": None}),
        Example(
            "Until the invoice is paid",
            {"event": "invoice.paid", "key": "inputs.invoice", "expires_after_s": 1_209_600},
            {"inputs": {"invoice": "R-17"}},
            {"event": None},
            port="expired",
            answer=Answer("expired", None, "The event has not come in time.", {}),
        ),
        Example("No time at all", {"until": "'tomorrow'"}, error="config_invalid"),
    )

    def outcome_ports(self, config: WaitConfig) -> tuple[str, ...]:
        """Only a wait for an event can be in vain."""
        return self.fixed_ports if config.event is not None and config.expires_after_s is not None else ("out",)

    def problems(self, config: WaitConfig) -> list[Problem]:
        """Exactly one thing is waited for."""
        given = [name for name in ("seconds", "until", "event") if getattr(config, name) is not None]
        hint = "Set one of `seconds`, `until` and `event`."
        if not given:
            return [Problem("nothing_to_wait_for", "Nothing says what to wait for.", hint, field="seconds")]
        if len(given) > 1:
            return [Problem("several_waits", f"Only one thing can be waited for, not {' and '.join(given)}.", hint, field=given[1])]
        if config.event is None:
            message = "{} has no effect: only an event can be waited for in vain."
            idle = [name for name in ("key", "expires_after_s") if getattr(config, name) is not None]
            return [Problem("unused_setting", message.format(f"`{n}`"), "Remove it.", "warning", field=n) for n in idle]
        if not config.event.strip():
            return [Problem("empty_text", "The event has no name.", "Name the event.", field="event")]
        return []

    def pause(self, config: WaitConfig, given: Mapping[str, Any], now_us: int) -> Pause:
        """The time, or the event with its key. ConfigInvalid where they come to nothing."""
        if config.event is not None:
            name = text_of(given["event"]).strip()
            if not name:
                raise ConfigInvalid("The event has no name: its setting came to an empty text.", hint="Look at the step's setting `event`.")
            until = None if config.expires_after_s is None else now_us + int(config.expires_after_s * 1e6)
            return Pause(until, name, text_of(given.get("key")))
        if config.seconds is not None:
            return Pause(now_us + int(config.seconds * 1e6))
        return Pause(min(_moment(given.get("until")), now_us + int(MOST_S * 1e6)))

    def woken(self, config: WaitConfig, event: JsonValue, *, is_expired: bool) -> Outcome:
        """Leaves by `out`, or by `expired` when the event has not come."""
        return Outcome({"event": event}, "expired" if is_expired else "out")


def _moment(value: JsonValue) -> int:
    try:
        return from_iso(text_of(value))
    except ValueError:
        message = f"`until` must be a time; it is {text_of(value)[:80]!r}."
        raise ConfigInvalid(message, hint="Write ISO 8601, e.g. '2026-12-01T09:00:00Z', or an expression that gives it.") from None
