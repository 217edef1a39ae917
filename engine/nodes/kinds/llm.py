"""One bounded question to a model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, Field

from engine.errors import ConfigInvalid
from engine.jsonvalue import JsonValue
from engine.nodes.answering import most_of
from engine.nodes.contract import (
    CallKind,
    Capability,
    Effect,
    Estimate,
    Example,
    ModelAnswer,
    ModelRequest,
    NodeConfig,
    NodeContext,
    Outcome,
    Pricing,
    Problem,
    Template,
    parse_json_answer,
    text_of,
)
from engine.nodes.form import hints
from engine.schemas import check_schema

TIMEOUT_S = 120.0


class LlmConfig(NodeConfig):
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


class LlmUsage(BaseModel):
    """What the call used."""

    tokens_in: int = Field(description="Tokens of the question.")
    tokens_out: int = Field(description="Tokens of the answer.")
    cost_usd: float = Field(description="US dollars.")
    practice: bool = Field(default=False, description="True when the practice model answered: made-up text that costs nothing.")


class LlmOutputs(BaseModel):
    """The answer."""

    text: str = Field(description="The answer as text.")
    value: Any = Field(alias="json", description="The answer as a JSON value where `output` asks for one, else null.")
    model: str = Field(description="The model that answered.")
    usage: LlmUsage = Field(description="What the call used.")


class Llm(CallKind[LlmConfig]):
    """Asks a model one question. What it answers never decides which way the run goes on by itself."""

    kind = "llm"
    title = "Ask a model"
    icon = "sparkles"
    group = "AI"
    effect = Effect.IDEMPOTENT
    uses = frozenset({Capability.MODEL})
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

    def problems(self, config: LlmConfig) -> list[Problem]:
        """There must be a question, and the schema must be usable."""
        found: list[Problem] = []
        if not config.prompt.strip():
            found.append(Problem("empty_text", "“Instructions” is empty.", "Write what the model is asked.", field="prompt"))
        if not config.model.strip():
            found.append(Problem("empty_text", "The model has no name.", "Write `default` or a model's name.", field="model"))
        for problem in check_schema(config.output) if config.output is not None else ():
            message = f"The schema of the answer cannot be used: {problem.path or 'it'} {problem.message}."
            found.append(Problem("bad_schema", message, "Mend the schema.", field="output"))
        return found

    def most_calls(self, config: LlmConfig) -> tuple[int, int]:
        """One call, and one more for each fallback."""
        return (1 + len(config.fallback_models), 0)

    def estimate(self, config: LlmConfig, given: Mapping[str, Any], pricing: Pricing) -> Estimate:
        """All models together: a call that was lost may have cost its full bound before the next one is asked."""
        return most_of(_request(config, given), _fallbacks(given), pricing)

    async def execute(self, config: LlmConfig, given: Mapping[str, Any], ctx: NodeContext) -> Outcome:
        """The answer. Raises OutputInvalid when it does not fit `output`."""
        answer = await ctx.model(_request(config, given), _fallbacks(given))
        value = parse_json_answer(answer.text, config.output) if config.output is not None else None
        return Outcome({"text": answer.text, "json": value, "model": answer.model, "usage": _usage(answer)})


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
    return ModelRequest(model, system, prompt, config.output, config.temperature, max_tokens, TIMEOUT_S)


def _usage(answer: ModelAnswer) -> dict[str, JsonValue]:
    usage = answer.usage
    told: dict[str, JsonValue] = {"tokens_in": usage.tokens_in, "tokens_out": usage.tokens_out, "cost_usd": usage.cost_micro / 1e6}
    return told | {"practice": True} if answer.is_practice else told
