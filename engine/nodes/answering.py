"""How a step asks a model for an answer in parts: asked again where the answer does not fit, and what all that can use at most."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Literal

from pydantic import BaseModel, Field

from engine.errors import OutputInvalid
from engine.jsonvalue import JsonValue
from engine.nodes.contract import Estimate, ModelAnswer, ModelRequest, NodeConfig, NodeContext, Pricing, parse_json_answer
from engine.nodes.form import hints

MOST_SHOWN_BYTES = 16_000
"""Of an answer that did not fit, as it is shown to the model again."""
MOST_PROBLEM_BYTES = 2_000
_AGAIN = """{prompt}

You have answered this before, and the answer could not be used. It was:

{answer}

What is wrong with it:
{problems}

Answer again, in full and in the form that was asked for."""


class MaskSettings(NodeConfig):
    """Whether personal data is kept from the model."""

    mask: Literal["workspace", "on"] = Field(
        default="workspace",
        title="Personal data",
        description="`on`: e-mail addresses, phones, accounts and the like are kept from the model; `workspace`: as Settings say.",
        json_schema_extra=hints(
            text="Kept from the model by placeholders; its answer is filled in again. Settings may demand it for every step.",
            choices={"workspace": "As Settings say", "on": "Keep it from the model"},
            is_folded=True,
        ),
    )


class CallUsage(BaseModel):
    """What the call used."""

    tokens_in: int = Field(description="Tokens of the question.")
    tokens_out: int = Field(description="Tokens of the answer.")
    cost_usd: float = Field(description="US dollars.")
    cached: bool = Field(default=False, description="True when an answer to the very same question was taken again, at no cost.")
    practice: bool = Field(default=False, description="True when the practice model answered: made-up text that costs nothing.")


def most_of(request: ModelRequest, fallbacks: Sequence[str], pricing: Pricing, *, repairs: int = 0) -> Estimate:
    """All models that may be asked together: a call that was lost may have cost its full bound before the next one is asked.

    Besides, every repair at the dearest of them: it asks the one that has answered.
    """
    names = pricing.chain(request.model, fallbacks)
    bounds = [pricing.bound(replace(request, model=name)) for name in names]
    if request.schema is not None and repairs:
        longest = _again(request, "x" * _shown_bytes(request), "x" * MOST_PROBLEM_BYTES)
        again = [pricing.bound(replace(longest, model=name)) for name in names]
        bounds += [replace(again[0], tokens=max(b.tokens for b in again), cost_micro=max(b.cost_micro for b in again))] * repairs
    return Estimate(sum(b.cost_micro for b in bounds), sum(b.tokens for b in bounds), len(bounds))


async def answered(
    request: ModelRequest, fallbacks: Sequence[str], ctx: NodeContext, *, repairs: int, cache_s: int = 0
) -> tuple[ModelAnswer, JsonValue]:
    """The answer with its value, null without a schema; its usage is that of all questions together.

    OutputInvalid when it still does not fit after so many repairs. Every answer that was refused is in the step's note.
    """
    answer = await ctx.model(request, fallbacks, cache_s=cache_s)
    usage = answer.usage
    for left in range(repairs, -1, -1):
        try:
            value = parse_json_answer(answer.text, request.schema) if request.schema is not None else None
            return replace(answer, usage=usage), value
        except OutputInvalid as error:
            problems = _problems(error)
            ctx.refuse(answer.text, problems)
            if not left:
                raise
        shown, wrong = _cut(answer.text, _shown_bytes(request)), _cut("\n".join(f"- {one}" for one in problems), MOST_PROBLEM_BYTES)
        answer = await ctx.model(replace(_again(request, shown, wrong), model=answer.model), cache_s=cache_s)
        usage = replace(
            answer.usage,
            tokens_in=usage.tokens_in + answer.usage.tokens_in,
            tokens_out=usage.tokens_out + answer.usage.tokens_out,
            tokens_cached=usage.tokens_cached + answer.usage.tokens_cached,
            cost_micro=usage.cost_micro + answer.usage.cost_micro,
        )
    raise OutputInvalid


def _again(request: ModelRequest, answer: str, problems: str) -> ModelRequest:
    return replace(request, prompt=_AGAIN.format(prompt=request.prompt, answer=answer, problems=problems))


def _shown_bytes(request: ModelRequest) -> int:
    return min(MOST_SHOWN_BYTES, 4 * request.max_tokens)


def _cut(text: str, most: int) -> str:
    raw = text.encode("utf-8", "replace")
    return raw[:most].decode("utf-8", "ignore")


def _problems(error: OutputInvalid) -> list[str]:
    found: Any = error.details.get("problems") or []
    return [f"{problem['path']} {problem['message']}".strip() for problem in found] or [error.message]


def usage_of(answer: ModelAnswer) -> dict[str, JsonValue]:
    """The same as a step's outputs tell it."""
    usage = answer.usage
    told: dict[str, JsonValue] = {"tokens_in": usage.tokens_in, "tokens_out": usage.tokens_out, "cost_usd": usage.cost_micro / 1e6}
    return told | ({"practice": True} if answer.is_practice else {}) | ({"cached": True} if answer.is_cached else {})
