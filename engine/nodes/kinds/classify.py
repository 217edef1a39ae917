"""What a text is about, by its meaning or by a model's judgement."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import BaseModel, Field

from engine.graph.fieldtree import is_fixed
from engine.jsonvalue import JsonValue
from engine.nodes.answering import most_of
from engine.nodes.contract import (
    PORT_NAME,
    CallKind,
    Capability,
    Effect,
    Estimate,
    Example,
    ModelRequest,
    NodeConfig,
    NodeContext,
    Outcome,
    Pricing,
    Problem,
    Resolver,
    Template,
    text_of,
)  # fmt: skip
from engine.nodes.form import hints
from engine.nodes.judgement import judgement_of, judgement_request
from engine.nodes.likeness import Sample, likeness_of

UNSURE = "unsure"


class ClassifyLabel(NodeConfig):
    """One thing that the text may be about."""

    port: str = Field(title="Kind", description="The port by which the run goes on.", pattern=PORT_NAME)
    description: Template = Field(default="", description="What belongs here, in a few words.", max_length=2_000)
    examples: list[Template] = Field(default_factory=list, description="Texts that belong here, as people write them.", max_length=200)


class ClassifyConfig(NodeConfig):
    """The text and what it may be about."""

    text: Template = Field(title="Text to sort", description="The text to sort.", json_schema_extra=hints(widget="text", text=""))
    labels: list[ClassifyLabel] = Field(
        title="Kinds",
        description="What the text may be about; each label has a port of its own.",
        min_length=1,
        max_length=100,
        json_schema_extra=hints(widget="labels", text="Each kind is a way on. Examples help most: write them as people do."),
    )
    min_confidence: float = Field(
        default=0.3,
        ge=0,
        le=1,
        title="Sure enough from",
        description="Below this confidence the run goes on by `unsure`.",
        json_schema_extra=hints(widget="share", text="When it is less sure than this, the run goes on by “Not sure”."),
    )
    method: Literal["meaning", "model"] = Field(
        default="meaning",
        title="How it is sorted",
        description="`meaning` compares with the examples, at once and for free; `model` asks a model.",
        json_schema_extra=hints(text="", choices={"meaning": "By meaning, at once and free", "model": "By asking a model"}),
    )
    model: Template = Field(
        default="default",
        title="Model",
        description="The model that is asked where the method is `model`.",
        json_schema_extra=hints(widget="model", text="", when={"method": "model"}),
    )


class ClassifyOutputs(BaseModel):
    """What the text is about."""

    label: str = Field(description="The port of the likeliest label, also when the step is not sure.")
    confidence: float = Field(description="How likely that label is, from 0 to 1.")
    scores: dict[str, float] = Field(description="How likely each label is, by its port.")


class Classify(CallKind[ClassifyConfig]):
    """Finds the label that fits a text best and goes on by its port, or by `unsure` when none fits well enough."""

    kind = "classify"
    title = "Classify"
    icon = "tags"
    group = "AI"
    effect = Effect.IDEMPOTENT
    uses = frozenset({Capability.MODEL, Capability.MEANING})
    Config = ClassifyConfig
    Outputs = ClassifyOutputs
    fixed_ports = ()
    examples = (
        Example(
            "Lost cards and everything else",
            {
                "text": "{{ inputs.message }}",
                "labels": [
                    {"port": "lost", "description": "card lost or stolen", "examples": ["I lost my card"]},
                    {"port": "other", "description": "anything else"},
                ],
            },
            {"inputs": {"message": "I lost my card"}},
            port="lost",
        ),
        Example(
            "Nothing to sort",
            {"text": "{{ inputs.message }}", "labels": [{"port": "lost", "description": "card lost or stolen"}]},
            {"inputs": {"message": " "}},
            {"label": "lost", "confidence": 0.0, "scores": {"lost": 0.0}},
            port=UNSURE,
        ),
    )

    def ports(self, config: ClassifyConfig) -> tuple[str, ...]:
        """The labels' ports in their order, then `unsure`."""
        return (*(label.port for label in config.labels), UNSURE)

    def port_of(self, config: ClassifyConfig, outputs: Mapping[str, Any]) -> str | None:
        """The label's, or `unsure` where the confidence is too low."""
        return outputs.get("label") if 0 < outputs.get("confidence", 1.0) >= config.min_confidence else UNSURE

    def problems(self, config: ClassifyConfig) -> list[Problem]:
        """`unsure` and `error` have a meaning of their own."""
        return [
            Problem("reserved_port", f"A kind cannot be called `{label.port}`.", "Give it another name.", field=f"labels[{i}].port")
            for i, label in enumerate(config.labels)
            if label.port in (UNSURE, "error")
        ]

    def resolve(self, config: ClassifyConfig, fields: Mapping[str, Resolver], scope: Mapping[str, Any]) -> dict[str, JsonValue]:
        """Labels that are the same in every run are left to the config: the journal need not repeat them for every step."""
        return super().resolve(config, {name: f for name, f in fields.items() if name != "labels" or not is_fixed(f)}, scope)

    def most_calls(self, config: ClassifyConfig) -> tuple[int, int]:
        """One model call where the method is `model`."""
        return (int(config.method == "model"), 0)

    def estimate(self, config: ClassifyConfig, given: Mapping[str, Any], pricing: Pricing) -> Estimate:
        """Free by meaning; one bounded call by model."""
        if config.method == "meaning" or not text_of(given["text"]).strip():
            return Estimate()
        return most_of(_request(config, given), (), pricing)

    async def execute(self, config: ClassifyConfig, given: Mapping[str, Any], ctx: NodeContext) -> Outcome:
        """Label, confidence and scores. Raises OutputInvalid when a model answers with something else."""
        text = text_of(given["text"])
        if not text.strip():
            return _outcome(self, config, {label.port: 0.0 for label in config.labels})
        if config.method == "meaning":
            return _outcome(self, config, await likeness_of(text, _samples(config, given), ctx))
        answer = await ctx.model(_request(config, given))
        return _outcome(self, config, judgement_of(answer.text, _samples(config, given)))


def _outcome(kind: Classify, config: ClassifyConfig, scores: dict[str, float]) -> Outcome:
    label = max(scores, key=lambda port: scores[port])
    outputs: dict[str, JsonValue] = {"label": label, "confidence": scores[label], "scores": dict(scores)}
    return Outcome(outputs, kind.port_of(config, outputs) or UNSURE)


def _samples(config: ClassifyConfig, given: Mapping[str, Any]) -> list[Sample]:
    labels = given.get("labels") or [label.model_dump() for label in config.labels]
    return [Sample(label["port"], text_of(label["description"]), [*map(text_of, label["examples"])]) for label in labels]


def _request(config: ClassifyConfig, given: Mapping[str, Any]) -> ModelRequest:
    return judgement_request(text_of(given["text"]), _samples(config, given), model=text_of(given["model"]))
