"""What a node kind is: one class in one file, and the only door through which it sees the world.

A kind is an `InlineKind` (works a value out at once), a `CallKind` (calls a model or a service), an `AskKind` (waits
for a person) or a `BoxKind` (runs the steps inside it once per item). Its form, JSON Schema, palette entry, docs page
and contract tests are generated from the class.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, ClassVar, Generic, Literal, TypeVar, get_args

from pydantic import BaseModel, ConfigDict, ValidationInfo, field_validator

from engine.errors import ConfigInvalid, InDoubt, Invalid
from engine.graph.fields import Expr, Template
from engine.graph.parts import Parts
from engine.graph.plan import Resolver
from engine.graph.problems import Problem
from engine.jsonvalue import JsonValue, dumps
from engine.llm.messages import ModelAnswer, ModelRequest
from engine.llm.structured import parse_json_answer
from engine.nodes.effects import Capability, Effect
from engine.nodes.world import NodeContext, Pricing
from engine.security.webcalls import WebAnswer, WebRequest
from engine.tools.messages import EffectName

__all__ = [
    "PORT_NAME",
    "Answer",
    "Ask",
    "AskKind",
    "BoxKind",
    "CallKind",
    "Capability",
    "Effect",
    "EffectName",
    "Estimate",
    "Example",
    "Expr",
    "InlineKind",
    "ModelAnswer",
    "ModelRequest",
    "NodeConfig",
    "NodeContext",
    "NodeKind",
    "OnItemError",
    "Outcome",
    "Pause",
    "Pricing",
    "Problem",
    "Resolver",
    "Template",
    "WaitKind",
    "WebAnswer",
    "WebRequest",
    "parse_json_answer",
    "refused_values",
    "text_of",
]

PORT_NAME = r"^[^\s\x00-\x1f\x7f]([^\x00-\x1f\x7f]{0,198}[^\s\x00-\x1f\x7f])?$"
"""What a port may be called: anything that can be read, without white space at its ends."""


def text_of(value: JsonValue) -> str:
    """A template's value as text: one that is exactly one placeholder keeps its type, and a prompt or message needs words."""
    match value:
        case None:
            return ""
        case str():
            return value
        case _:
            return dumps(value).decode()


class NodeConfig(BaseModel):
    """Base of every kind's `Config` and its parts: unknown keys are errors, `"5"` is no number, values do not change."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)

    @field_validator("*", mode="before")
    @classmethod
    def _whole(cls, value: object, info: ValidationInfo) -> object:
        # JSON knows one kind of number: where a whole one is wanted, 3.0 is 3.
        if isinstance(value, float) and value.is_integer():
            wanted = cls.model_fields[info.field_name or ""].annotation
            return int(value) if wanted is int or int in get_args(wanted) else value
        return value


@dataclass(frozen=True, slots=True)
class Estimate:
    """The most that one execution can use of each limit; money in micro-USD."""

    cost_micro: int = 0
    tokens: int = 0
    llm_calls: int = 0
    tool_calls: int = 0


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a step made and the port it leaves by."""

    outputs: dict[str, JsonValue] = field(default_factory=dict)
    port: str = "out"


@dataclass(frozen=True, slots=True)
class Ask:
    """An item for the inbox; the run waits for its answer and holds nothing meanwhile."""

    type: str
    title: str
    message: str
    choices: tuple[str, ...]
    show: dict[str, JsonValue] = field(default_factory=dict)
    editable: dict[str, JsonValue] = field(default_factory=dict)
    approvers: dict[str, JsonValue] = field(default_factory=dict)
    """`{roles, users, quorum, four_eyes}`."""
    expires_after_s: float | None = None
    action: str | None = None
    """The node whose resolved config the item shows and binds."""
    fields: dict[str, JsonValue] | None = None
    """JSON Schema of what the person fills in, where the answer is a form."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What was decided; `decision` is approved, rejected, submitted or expired."""

    decision: str
    by: str | None
    reason: str
    values: dict[str, JsonValue]


@dataclass(frozen=True, slots=True)
class Example:
    """One execution that shows what the kind does; the contract suite runs it and the docs page prints it."""

    name: str
    config: dict[str, Any]
    scope: dict[str, Any] = field(default_factory=dict)
    outputs: dict[str, JsonValue] | None = None
    """The exact outputs, where they do not depend on a model."""
    port: str = "out"
    answer: Answer | None = None
    """What the person answers, for kinds that ask."""
    error: str | None = None
    """The code of the error that it ends with."""


C = TypeVar("C", bound=NodeConfig)


class NodeKind(ABC, Generic[C]):
    """One kind of node. Stateless: one instance serves every workflow."""

    kind: ClassVar[str]
    title: ClassVar[str]
    icon: ClassVar[str] = "box"
    group: ClassVar[str] = "Flow"
    effect: ClassVar[Effect] = Effect.PURE
    uses: ClassVar[frozenset[Capability]] = frozenset()
    Config: ClassVar[type[NodeConfig]]
    Outputs: ClassVar[type[BaseModel] | None] = None
    """Names and types of the outputs; None when the config or the run decides them."""
    fixed_ports: ClassVar[tuple[str, ...]] = ("out",)
    is_box: bool = False
    is_inline: ClassVar[bool] = False
    """Whether it is an InlineKind: every step asks, and asking for the class takes as long as the step."""
    per_item_fields: ClassVar[frozenset[str]] = frozenset()
    """Of a box: config fields that are worked out inside it, once per item."""
    wide_fields: ClassVar[frozenset[str]] = frozenset()
    """Config fields whose expressions may give a whole list of records, larger than other values may be."""
    consent_port: ClassVar[str | None] = None
    """The port that allows the node named by `config.action` to run."""
    port_output: ClassVar[str | None] = None
    """The output that names the port which a step leaves by."""
    more_names: ClassVar[Mapping[str, frozenset[str]]] = MappingProxyType({})
    """Config field -> names that its expressions may start from, beside the usual ones."""
    counts: ClassVar[int] = 1
    """Of the limit `steps`; 0 for hidden steps that only keep books."""
    is_remembered: ClassVar[bool] = False
    """Whether all outputs of such a step are kept while the item in which it stands is worked on, not only the latest."""
    has_history: ClassVar[bool] = False
    """Of a box: whether what stands in it sees its item and what is remembered there, as `agent`."""
    keeps_inputs: ClassVar[bool] = True
    """Whether the journal holds the resolved config; False where the outputs say the same."""
    examples: ClassVar[tuple[Example, ...]] = ()

    @property
    def config_model(self) -> type[BaseModel]:
        """The pydantic model of `config`."""
        return self.Config

    def ports(self, config: C) -> tuple[str, ...]:
        """The ports of a node with this config, `error` apart."""
        return self.fixed_ports

    def outcome_ports(self, config: C) -> tuple[str, ...]:
        """Those of `ports` by which an outcome can leave; the others serve only a loop that is used up."""
        return self.ports(config)

    def output_names(self, config: C) -> frozenset[str] | None:
        """The names under `nodes.<id>.`; None when only the run knows them."""
        if self.Outputs is None:
            return None
        return frozenset(field.alias or name for name, field in self.Outputs.model_fields.items())

    def problems(self, config: C) -> list[Problem]:
        """What the schema alone cannot see; `field` is relative to `config`."""
        return []

    def parts(self, config: C, draft: Any, fields: Mapping[str, Resolver]) -> Parts | None:
        """Hidden steps that stand inside such a node; None for most kinds."""
        return None

    def resolve(self, config: C, fields: Mapping[str, Resolver], scope: Mapping[str, Any]) -> dict[str, JsonValue]:
        """Works the config's expressions and templates out. Raises ExpressionError."""
        return {name: resolver(scope) for name, resolver in fields.items()}

    def effect_of(self, config: C) -> Effect:
        """What doing a step with this config twice would do; `effect` is the worst of its kind."""
        return self.effect

    def touches_world(self, config: C) -> bool:
        """Whether running it can be noticed outside of Signalbox or by people: a test run simulates such steps."""
        return self.effect_of(config) in (Effect.RECONCILABLE, Effect.UNSAFE) or Capability.NOTIFY in self.uses

    def is_outward(self, config: C, given: Mapping[str, Any]) -> bool:
        """Whether it can carry something out of the house: with private data and words from outside in its run, a person looks first."""
        return False

    def simulated(self, config: C, given: Mapping[str, Any]) -> Outcome:
        """What a test run takes for the outcome of a step that touches the world: its example. ConfigInvalid if it has none."""
        example = next((e for e in self.examples if e.error is None and e.outputs is not None), None)
        if example is None or example.outputs is None:
            raise ConfigInvalid(f"The kind {self.kind} has no example to simulate it by.", hint="Pin the step's output.")
        ports = self.ports(config)
        return Outcome(dict(example.outputs), example.port if example.port in ports else next(iter(ports), "out"))

    def port_of(self, config: C, outputs: Mapping[str, Any]) -> str | None:
        """The port that a step with these outputs leaves by; None where they do not tell."""
        ports = self.ports(config)
        return outputs.get(self.port_output) if self.port_output else ports[0] if len(ports) == 1 else None

    def cannot_be_undone(self, config: C) -> bool:
        """Whether running it reaches somebody or something outside, so that nothing takes it back; a model call does not."""
        only_models = bool(self.uses) and self.uses <= {Capability.MODEL, Capability.MEANING}
        effect = self.effect_of(config)
        return effect is not Effect.PURE and not (effect is Effect.IDEMPOTENT and only_models)

    def most_calls(self, config: C) -> tuple[int, int]:
        """The most model calls and tool calls of one execution, known before the run."""
        return (0, 0)

    def estimate(self, config: C, given: Mapping[str, Any], pricing: Pricing) -> Estimate:
        """The most that one execution can use; `given` is what `resolve` answered."""
        return Estimate()


class InlineKind(NodeKind[C]):
    """A kind that only computes: it runs inside the engine's loop and never waits."""

    is_inline = True

    @abstractmethod
    def work(self, config: C, given: Mapping[str, Any]) -> Outcome:
        """The outcome, from the config and its resolved fields alone."""


class CallKind(NodeKind[C]):
    """A kind that calls something outside the engine."""

    @abstractmethod
    async def execute(self, config: C, given: Mapping[str, Any], ctx: NodeContext) -> Outcome:
        """The outcome. Raises an `engine.errors` class; Transient ones are retried as the node says."""

    async def reconcile(self, config: C, given: Mapping[str, Any], ctx: NodeContext) -> Outcome | None:
        """Of a `reconcilable` kind: what the call with this idempotency key came to; None where it did not happen and may be made now.

        Any error says that nobody knows: Transient ones are asked again as the node's `retry` says, then a person is asked.
        """
        raise InDoubt(f"The kind {self.kind} cannot be asked whether it happened.")


class AskKind(NodeKind[C]):
    """A kind that waits for a person."""

    uses = frozenset({Capability.ASK})

    @abstractmethod
    def ask(self, config: C, given: Mapping[str, Any]) -> Ask:
        """The inbox item."""

    def accepted(self, ask: Ask, values: Mapping[str, JsonValue]) -> dict[str, JsonValue]:
        """The values that an answer comes with, completed. Invalid names each field that cannot be taken."""
        if unknown := sorted(set(values) - set(ask.editable)):
            hint = f"Editable are: {', '.join(ask.editable) or 'none'}."
            raise refused_values({unknown[0]: f"`{unknown[0]}` is not one of the editable values."}, hint)
        return {**ask.editable, **values}

    @abstractmethod
    def answered(self, config: C, given: Mapping[str, Any], answer: Answer) -> Outcome:
        """The outcome of an answer."""


def refused_values(messages: Mapping[str, str], hint: str) -> Invalid:
    """The error of an answer whose values cannot be taken: a message for each field."""
    problems = [{"field": f"values.{name}"[:200].rstrip("."), "message": message} for name, message in messages.items()]
    return Invalid(next(iter(messages.values())), hint=hint, details={"problems": problems})


@dataclass(frozen=True, slots=True)
class Pause:
    """What a step waits for: a time, or an event and a time until which it waits at most."""

    until_us: int | None = None
    event: str = ""
    key: str = ""


class WaitKind(NodeKind[C]):
    """A kind that waits for a time or an event, and holds nothing meanwhile."""

    @abstractmethod
    def pause(self, config: C, given: Mapping[str, Any], now_us: int) -> Pause:
        """What is waited for. Raises ConfigInvalid."""

    @abstractmethod
    def woken(self, config: C, event: JsonValue, *, is_expired: bool) -> Outcome:
        """The outcome: `event` is what came with the event, null for a time."""


OnItemError = Literal["stop", "skip", "collect"]


class BoxKind(NodeKind[C]):
    """A kind whose body, the nodes that name it as their `parent`, runs once per item."""

    is_box = True
    fixed_ports = ("item", "out")

    def resolve(self, config: C, fields: Mapping[str, Resolver], scope: Mapping[str, Any]) -> dict[str, JsonValue]:
        """What is worked out once, before the first item."""
        return {name: resolver(scope) for name, resolver in fields.items() if name not in self.per_item_fields}

    @abstractmethod
    def items(self, config: C, given: Mapping[str, Any]) -> list[JsonValue]:
        """What the body runs for, in order. Raises ConfigInvalid."""

    @abstractmethod
    def at_once(self, config: C) -> int:
        """How many items may be in the body at the same time."""

    @abstractmethod
    def on_item_error(self, config: C) -> OnItemError:
        """`stop`: the box fails with the item; `skip` and `collect`: the others go on."""

    @abstractmethod
    def collected(self, config: C, fields: Mapping[str, Resolver], scope: Mapping[str, Any]) -> JsonValue:
        """What is kept of an item that has ended; the scope is the one inside it. Raises ExpressionError."""

    @abstractmethod
    def closed(self, config: C, results: Sequence[JsonValue], errors: Mapping[int, dict[str, JsonValue]]) -> Outcome:
        """The outcome once all items have ended: what was collected of each, null where an item failed, and those errors."""
