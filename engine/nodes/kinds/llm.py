"""One bounded question to a model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, Field

from engine.errors import ConfigInvalid
from engine.jsonvalue import JsonValue
from engine.nodes.answering import CallUsage, MaskSettings, answered, most_of, usage_of
from engine.nodes.checking import NOT_GOOD, AnswerSettings, all_passed, checked
from engine.nodes.contract import (
    CallKind,
    Capability,
    Effect,
    Estimate,
    Example,
    ModelRequest,
    NodeContext,
    Outcome,
    Pricing,
    Problem,
    Resolver,
    Template,
    text_of,
)
from engine.nodes.form import hints
from engine.schemas import check_schema

TIMEOUT_S = 120.0


class LlmConfig(AnswerSettings, MaskSettings):
    """The question, and who answers it within which bounds."""

    model: Template = Field(
        default="default",
        title="Model",
        description="The model: `default`, `cheap`, `careful`, or a model's own name.",
        json_schema_extra=hints(widget="model", text="", order=2),
    )
    system: Template = Field(
        default="",
        title="Role and rules",
        description="Who the model is and what rules it keeps.",
        json_schema_extra=hints(widget="text", text="", placeholder="Who it is and what rules it keeps", order=1),
    )
    prompt: Template = Field(
        title="Instructions",
        description="What the model is asked.",
        json_schema_extra=hints(widget="text", text="", placeholder="What should it do? Type / for a value", order=0),
    )
    output: dict[str, Any] | None = Field(
        default=None,
        title="What comes out",
        description="A JSON Schema; the answer must fit it and is kept as `json`.",
        json_schema_extra=hints(widget="schema", text="", none="A text. Add fields to get an answer in named parts.", order=3),
    )
    temperature: float | None = Field(
        default=None,
        ge=0,
        le=2,
        title="Freedom",
        description="How freely the model answers; 0 is the most predictable.",
        json_schema_extra=hints(text="From 0, the most predictable, to 2.", is_folded=True),
    )
    max_tokens: int = Field(
        default=1024,
        ge=1,
        le=1_000_000,
        title="Longest answer",
        description="The longest answer, in tokens (about four letters each).",
        json_schema_extra=hints(text="A token is about four letters.", unit="tokens", order=4),
    )
    fallback_models: list[Template] = Field(
        default_factory=list,
        max_length=5,
        title="If it does not answer, ask",
        description="Models to ask in turn when the first does not answer.",
        json_schema_extra=hints(widget="models", text="", is_folded=True),
    )


class LlmOutputs(BaseModel):
    """The answer."""

    text: str = Field(description="The answer as text.")
    value: Any = Field(alias="json", description="The answer as a JSON value where `output` asks for one, else null.")
    model: str = Field(description="The model that answered.")
    usage: CallUsage = Field(description="What the call used, with its repairs.")
    checks: list[Any] = Field(
        default_factory=list,
        description="Where it is checked: `{check, passed, problems: [{text, why}]}` for each; `grounded` tells its `sentences` too.",
    )


class Llm(CallKind[LlmConfig]):
    """Asks a model one question. What it answers never decides which way the run goes on by itself."""

    kind = "llm"
    title = "Ask a model"
    icon = "sparkles"
    group = "AI"
    effect = Effect.IDEMPOTENT
    uses = frozenset({Capability.MODEL, Capability.MEANING})
    Config = LlmConfig
    Outputs = LlmOutputs
    examples = (
        Example(
            "A short reply",
            {"prompt": "Answer in one sentence: {{ inputs.message }}", "max_tokens": 200},
            {"inputs": {"message": "Where is it?"}},
        ),
        Example(
            "An answer with named parts",
            {
                "prompt": "What does this customer want? {{ inputs.message }}",
                "output": {"type": "object", "required": ["wish"], "properties": {"wish": {"type": "string"}}},
            },
            {"inputs": {"message": "Please cancel my order."}},
        ),
    )

    def ports(self, config: LlmConfig) -> tuple[str, ...]:
        """`out`, and `not_good` exactly when the answer is checked."""
        return ("out", NOT_GOOD) if config.checks else ("out",)

    def output_names(self, config: LlmConfig) -> frozenset[str] | None:
        """`checks` where the answer is checked."""
        return frozenset({"text", "json", "model", "usage"} | ({"checks"} if config.checks else set()))

    def port_of(self, config: LlmConfig, outputs: Mapping[str, Any]) -> str | None:
        """`not_good` where a check was not passed."""
        return "out" if not config.checks or all_passed(outputs.get("checks")) else NOT_GOOD

    def problems(self, config: LlmConfig) -> list[Problem]:
        """There must be a question, and the schema must be usable."""
        found: list[Problem] = []
        if not config.prompt.strip():
            found.append(Problem("empty_text", "“Instructions” is empty.", "Write what the model is asked.", field="prompt"))
        if not config.model.strip():
            found.append(Problem("empty_text", "The model has no name.", "Write `default` or a model's name.", field="model"))
        if "grounded" in config.checks and not config.sources.strip():
            hint = "Give the text that the answer is to be grounded in."
            found.append(Problem("empty_text", "The answer is checked against its sources, and there are none.", hint, field="sources"))
        for problem in check_schema(config.output) if config.output is not None else ():
            message = f"The schema of the answer cannot be used: {problem.path or 'it'} {problem.message}."
            found.append(Problem("bad_schema", message, "Mend the schema.", field="output"))
        return found

    def resolve(self, config: LlmConfig, fields: Mapping[str, Resolver], scope: Mapping[str, Any]) -> dict[str, JsonValue]:
        """Sources that nothing is checked against are left out: the journal need not repeat them for every step."""
        given = super().resolve(config, {name: field for name, field in fields.items() if name != "sources"}, scope)
        return given | ({"sources": fields["sources"](scope)} if "grounded" in config.checks else {})

    def most_calls(self, config: LlmConfig) -> tuple[int, int]:
        """One call, and one more for each fallback and each repair."""
        return (1 + len(config.fallback_models) + (config.repairs if config.output is not None else 0), 0)

    def estimate(self, config: LlmConfig, given: Mapping[str, Any], pricing: Pricing) -> Estimate:
        """All models and all repairs together."""
        return most_of(_request(config, given), _fallbacks(given), pricing, repairs=config.repairs)

    async def execute(self, config: LlmConfig, given: Mapping[str, Any], ctx: NodeContext) -> Outcome:
        """The answer. Raises OutputInvalid when it does not fit `output`, however often it was asked for."""
        answer, value = await answered(_request(config, given), _fallbacks(given), ctx, repairs=config.repairs, cache_s=config.cache_s)
        outputs: dict[str, JsonValue] = {"text": answer.text, "json": value, "model": answer.model, "usage": usage_of(answer)}
        if config.checks:
            outputs["checks"] = await checked(answer.text, value, config.checks, text_of(given.get("sources")), ctx)
        return Outcome(outputs, self.port_of(config, outputs) or "out")


def _name(value: Any, setting: str) -> str:
    if not isinstance(value, str) or not value.strip():
        raise ConfigInvalid("The model's name is not a text.", hint=f"Look at the step's setting `{setting}`.")
    return value


def _fallbacks(given: Mapping[str, Any]) -> list[str]:
    return [_name(value, "fallback_models") for value in given.get("fallback_models", ())]


def _request(config: LlmConfig, given: Mapping[str, Any]) -> ModelRequest:
    model = _name(given["model"], "model")
    # The engine lowers max_tokens when the budget is nearly used up.
    max_tokens = given.get("max_tokens", config.max_tokens)
    system, prompt = text_of(given["system"]), text_of(given["prompt"])
    return ModelRequest(model, system, prompt, config.output, config.temperature, max_tokens, TIMEOUT_S, mask=config.mask == "on")
