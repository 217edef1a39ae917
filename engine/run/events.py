"""What can happen to a run: the events that the journal holds, one row each.

A row's columns hold `seq`, `epoch`, `at` (microseconds), `kind` (the tag), `path` and `attempt`; its payload is the
event as JSON. The set is closed: an unknown tag or field of the wrong type is an error, never a guess.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec


class Spent(msgspec.Struct, frozen=True, omit_defaults=True):
    """Use of the limits by one step; money in micro-USD."""

    cost_micro: int = 0
    tokens: int = 0
    llm_calls: int = 0
    tool_calls: int = 0


NOTHING = Spent()


class Start(msgspec.Struct, frozen=True, omit_defaults=True):
    """A step that starts as soon as the row that holds this is durable: the intent of what happens next."""

    path: str
    attempt: int = 1
    reserved: Spent = NOTHING


class Trial(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a try-out runs of a workflow: one step alone, everything up to a step, or everything from a step on."""

    what: Literal["only", "until", "from"]
    node: str
    path: str = ""
    """Where the step stands that is run alone: `draft#2/ok`."""
    base: str = ""
    """The run whose inputs and values it goes on with; empty where there is none."""


class Child(msgspec.Struct, frozen=True, omit_defaults=True):
    """A run that a step starts: of which workflow and version, with which limits."""

    run: str = ""
    workflow: str = ""
    name: str = ""
    version: int = 0
    hash: str = ""
    limits: dict[str, int] = {}


class Event(msgspec.Struct, frozen=True, omit_defaults=True, tag_field="type"):
    """Base of all events. `starts` are the steps that begin after this row."""

    starts: tuple[Start, ...] = ()
    skipped: tuple[str, ...] = ()
    """Steps that were passed through because they are disabled."""
    cancelled: tuple[str, ...] = ()
    """Steps that were given up because of this event."""
    blobs: dict[str, str] = {}
    """`field/name` -> hash of the value that stands in the blobs, for values above 32 kB."""


class RunStarted(Event, frozen=True, omit_defaults=True, tag="run_started"):
    """The run exists: its inputs and the version it keeps to the end."""

    workflow: str = ""
    hash: str = ""
    version: int | None = None
    inputs: dict[str, Any] = {}
    limits: dict[str, int] = {}
    mode: str = "live"
    by: str = ""
    effects: Literal["real", "simulated"] = "real"
    trial: Trial | None = None
    pins: dict[str, Any] = {}
    """Node -> `{port, outputs}` that stand in for running it."""
    by_name: str = ""
    """Who it was, as people call them: told years later too, when the account is gone."""
    parent: str = ""
    """The run that has started this one, by the step `parent_path` in the attempt `parent_attempt`."""
    parent_path: str = ""
    parent_attempt: int = 0
    depth: int = 0
    """How many runs above it have started each other."""
    labels: tuple[str, ...] = ()
    """What is to be known of its inputs: `private`, `external`."""


class RunForked(Event, frozen=True, omit_defaults=True, tag="run_forked"):
    """Another run goes its own way from here: what had ended stays, what was under way starts anew, and nothing is charged yet."""

    origin: str = ""
    at_step: str = ""
    inputs: dict[str, Any] = {}
    """Inputs that differ."""
    outputs: dict[str, dict[str, Any]] = {}
    """Node -> outputs that differ."""
    limits: dict[str, int] = {}
    mode: str = "live"
    effects: Literal["real", "simulated"] = "real"
    by: str = ""
    by_name: str = ""


class StepDone(Event, frozen=True, omit_defaults=True, tag="step_done"):
    """A step ended well and left by `port`."""

    started_at: int = 0
    port: str | None = None
    outputs: dict[str, Any] = {}
    inputs: dict[str, Any] | None = None
    spent: Spent = NOTHING
    note: dict[str, Any] = {}
    """What the timeline shows beside: the model that answered, a practice label, who decided."""
    consent: str | None = None
    """Digest of the action that an approval allowed."""
    pinned: bool = False
    """Not executed: its outputs were set by a person."""
    simulated: bool = False
    """Not executed: it would have touched the world, and the test run took an example for its outputs."""
    reused: str = ""
    """Not executed: its outputs come from the run of this id."""
    labels: tuple[str, ...] = ()
    """What is to be known of its outputs: `private`, `external`."""


class StepFailed(Event, frozen=True, omit_defaults=True, tag="step_failed"):
    """An attempt ended badly; `retry_at` says when the next one starts, `goes_on` how the run goes on without one."""

    started_at: int = 0
    error: dict[str, Any] = {}
    inputs: dict[str, Any] | None = None
    spent: Spent = NOTHING
    retry_at: int | None = None
    goes_on: str | None = None
    """`port`, `default` or `around`; None: the run fails."""
    ends: str = ""
    """With `around`: the item, or the open box, around the step that ends with this error."""
    note: dict[str, Any] = {}
    """What the timeline shows beside, as of a step that ended well: the calls that were made in vain."""
    labels: tuple[str, ...] = ()
    """What is to be known of its error: `private`, `external`."""


class BoxOpened(Event, frozen=True, omit_defaults=True, tag="box_opened"):
    """A box knows its `inputs.items`; `starts` are steps of the first of them."""

    started_at: int = 0
    inputs: dict[str, Any] = {}


class ItemEnded(Event, frozen=True, omit_defaults=True, tag="item_ended"):
    """The item at `path`, `each[7]`, has ended: `outputs.result` was collected of it, or it failed with `error`."""

    outputs: dict[str, Any] = {}
    error: dict[str, Any] | None = None


class StepWaiting(Event, frozen=True, omit_defaults=True, tag="step_waiting"):
    """A step waits for a person; the card is what the person is shown."""

    item: str = ""
    card: dict[str, Any] = {}
    digest: str = ""
    inputs: dict[str, Any] | None = None
    expires_at: int | None = None


class StepGuarded(Event, frozen=True, omit_defaults=True, tag="step_guarded"):
    """A step that would reach outside has not started: a person looks first, because of what the run has seen."""

    item: str = ""
    card: dict[str, Any] = {}
    digest: str = ""
    inputs: dict[str, Any] | None = None


class GuardAnswered(Event, frozen=True, omit_defaults=True, tag="guard_answered"):
    """A person has looked: `digest` of what may run; empty: it must not."""

    item: str = ""
    digest: str = ""
    by: str = ""
    by_name: str = ""
    reason: str = ""


class StepPaused(Event, frozen=True, omit_defaults=True, tag="step_paused"):
    """A step waits for a time, or for an event of the outside world and until that time at most."""

    started_at: int = 0
    inputs: dict[str, Any] | None = None
    until: int | None = None
    event: str = ""
    key: str = ""


class ChildStarted(Event, frozen=True, omit_defaults=True, tag="child_started"):
    """A step has started another run and waits for its end; its part of the limits is set aside."""

    started_at: int = 0
    child: Child = Child()
    inputs: dict[str, Any] = {}
    reserved: Spent = NOTHING


class ChildPostponed(Event, frozen=True, omit_defaults=True, tag="child_postponed"):
    """What another run would need of the limits is set aside for others: the step starts anew when they have given something back."""


class ChildReturned(Event, frozen=True, omit_defaults=True, tag="child_returned"):
    """That run has ended: what it has used is charged here too."""

    run: str = ""
    status: str = ""
    spent: Spent = NOTHING
    steps: int = 0
    busy_us: int = 0


class StepInDoubt(Event, frozen=True, omit_defaults=True, tag="step_in_doubt"):
    """Whether the effect of an unsafe step happened is not known: a person has to say so. What was reserved stays charged."""

    started_at: int = 0
    why: str = ""
    item: str = ""
    card: dict[str, Any] = {}
    digest: str = ""
    spent: Spent = NOTHING


class DoubtResolved(Event, frozen=True, omit_defaults=True, tag="doubt_resolved"):
    """A person says that it did not happen: `retry` runs it now, `fail` lets it fail with the next event."""

    item: str = ""
    decision: str = ""
    by: str = ""
    by_name: str = ""
    reason: str = ""


class Voted(Event, frozen=True, omit_defaults=True, tag="voted"):
    """One of several people that must agree has agreed."""

    by: str = ""
    name: str = ""
    reason: str = ""


class ConsentVoid(Event, frozen=True, omit_defaults=True, tag="consent_void"):
    """What would run is not what was approved: the approval at `approval` is asked again."""

    approval: str = ""
    digest: str = ""


class StepsStarted(Event, frozen=True, omit_defaults=True, tag="steps_started"):
    """Steps start that no other event started: after a wait for money or for the next attempt."""


class LimitMet(Event, frozen=True, omit_defaults=True, tag="limit_reached"):
    """A limit is used up; nothing new starts. Amounts in the unit of the limit's field."""

    limit: str = ""
    used: int = 0
    needed: int = 0
    allowed: int = 0
    interrupted: tuple[str, ...] = ()


class LimitAsked(Event, frozen=True, omit_defaults=True, tag="limit_asked"):
    """Nothing runs any more: a person is asked how the run goes on in spite of the limit."""

    item: str = ""
    card: dict[str, Any] = {}
    digest: str = ""


class RunPaused(Event, frozen=True, omit_defaults=True, tag="run_paused"):
    """Somebody lets the run stand still: what runs ends, nothing new starts until it is resumed."""

    by: str = ""
    by_name: str = ""
    reason: str = ""


class RunStopped(Event, frozen=True, omit_defaults=True, tag="run_stopped"):
    """Nothing runs any more and nothing starts until the run is resumed."""

    reason: str = ""
    by: str = ""
    by_name: str = ""


class RunResumed(Event, frozen=True, omit_defaults=True, tag="run_resumed"):
    """The run goes on, with these absolute limits."""

    limits: dict[str, int] = {}
    by: str = ""
    by_name: str = ""
    model: str = ""
    """What every step asks from now on in place of its own model; empty: nothing changes."""
    finishes: bool = False
    """What the limit holds back ends with what there is, where that is drawn; the limit stays as it is."""


class RunRecovered(Event, frozen=True, omit_defaults=True, tag="run_recovered"):
    """The process that ran it died; `lost` are the steps that were running. Idempotent ones run again."""

    lost: tuple[str, ...] = ()


class RunCancelled(Event, frozen=True, omit_defaults=True, tag="run_cancelled"):
    """Somebody cancelled the run; of the unsafe calls that were in flight nobody knows whether they happened: `doubtful`."""

    by: str = ""
    reason: str = ""
    by_name: str = ""
    doubtful: tuple[str, ...] = ()


class RunEnded(Event, frozen=True, omit_defaults=True, tag="run_ended"):
    """The run is over: succeeded, failed or cancelled."""

    status: str = ""
    output: dict[str, Any] | None = None
    reason: str = ""


AnyEvent = (
    RunStarted
    | RunForked
    | StepDone
    | StepFailed
    | BoxOpened
    | ItemEnded
    | StepWaiting
    | StepPaused
    | StepGuarded
    | GuardAnswered
    | ChildStarted
    | ChildPostponed
    | ChildReturned
    | StepInDoubt
    | DoubtResolved
    | Voted
    | ConsentVoid
    | StepsStarted
    | LimitMet
    | LimitAsked
    | RunPaused
    | RunStopped
    | RunResumed
    | RunRecovered
    | RunCancelled
    | RunEnded
)

_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(AnyEvent)


def encode(event: Event) -> bytes:
    """The payload of a journal row."""
    return _encoder.encode(event)


def decode(payload: bytes) -> AnyEvent:
    """The event of a payload. msgspec.ValidationError if it is none that this version knows."""
    return _decoder.decode(payload)


def kind_of(event: Event) -> str:
    """The event's tag, e.g. `step_done`."""
    return str(type(event).__struct_config__.tag)
