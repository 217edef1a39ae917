"""What a provider says that a call used: which tokens came from its cache, and which were thought and not said."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from engine.llm.messages import Usage


def detailed(told: Sequence[Any], *, tokens_in: int, tokens_out: int) -> Usage:
    """The usage with its parts; `told` are the usage objects of one answer in their order, each may be None.

    A part is never larger than the whole. Reasoning that was counted beside the answer, as the total tells, is added to it.
    """
    of_prompt = [getattr(usage, "prompt_tokens_details", None) for usage in told]
    of_answer = [getattr(usage, "completion_tokens_details", None) for usage in told]
    cached = last(of_prompt, "cached_tokens")
    reasoning = last(of_answer, "reasoning_tokens")
    is_told = any(isinstance(getattr(details, "reasoning_tokens", None), int) for details in of_answer)
    written = last(of_prompt, "cache_creation_tokens") or last(told, "cache_creation_input_tokens")
    if reasoning and last(told, "total_tokens") >= tokens_in + tokens_out + reasoning:
        tokens_out += reasoning
    return Usage(
        tokens_in=tokens_in,
        tokens_out=tokens_out,
        tokens_cached=min(cached, tokens_in),
        tokens_written=min(written, tokens_in),
        # Where nobody says how much was thought, all of it counts at the dearer of the two prices.
        tokens_reasoning=min(reasoning, tokens_out) if is_told else tokens_out,
    )


def last(things: Sequence[Any], name: str) -> int:
    """The last number above 0 under that name; 0 where none says one."""
    values = [getattr(thing, name, None) for thing in things]
    return next((value for value in reversed(values) if isinstance(value, int) and not isinstance(value, bool) and value > 0), 0)
