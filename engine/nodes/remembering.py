"""Which memory a step that asks a model is given: its settings, the question to the memory, and where the words stand in the prompt."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from engine.memory.asking import Recall, Statement, StoreName, ToRemember
from engine.memory.context import most_bytes
from engine.memory.scope import Trust
from engine.nodes.contract import NodeConfig, Template, text_of
from engine.nodes.form import hints

__all__ = [
    "MOST_QUERY",
    "STORE_WORDS",
    "TRUST",
    "TRUST_WORDS",
    "LeastTrust",
    "MemorySettings",
    "Recall",
    "Statement",
    "StoreName",
    "ToRemember",
    "most_memory",
    "recall_of",
    "with_memory",
]

GROUP = "What it remembers"
"""Settings that are folded together."""
STORE_WORDS = {
    "conversation": "What was said before",
    "episodes": "What happened before",
    "facts": "Facts",
    "documents": "Documents",
}
LeastTrust = Literal["anyone", "models", "records", "people"]
TRUST_WORDS = {
    "anyone": "Anyone, people outside too",
    "models": "Our models, our records and people here",
    "records": "Our records and people here",
    "people": "People here only",
}
TRUST: dict[LeastTrust, Trust] = {"anyone": Trust.OUTSIDE, "models": Trust.AGENT, "records": Trust.RECORD, "people": Trust.PERSON}
MOST_QUERY = 2_000
"""Characters of a question to the memory that are looked for."""


class MemorySettings(NodeConfig):
    """What of the memory a model is given with its instructions."""

    memory: list[StoreName] = Field(
        default_factory=list,
        title="Look up first",
        description="What is looked up before the model is asked: `conversation`, `episodes` (past runs), `facts`, `documents`.",
        json_schema_extra=hints(
            widget="ticks",
            text="What fits is given to the model as information; the run shows each item and why it was chosen.",
            choices=STORE_WORDS,
            group=GROUP,
            order=30,
        ),
    )
    memory_about: Template = Field(
        default="",
        title="What is looked for",
        description="The question to the memory; empty: the instructions themselves.",
        json_schema_extra=hints(widget="text", text="", placeholder="The instructions themselves", group=GROUP, order=31),
    )
    memory_tokens: int = Field(
        default=1_500,
        ge=200,
        le=20_000,
        title="At most",
        description="The most tokens of what is remembered.",
        json_schema_extra=hints(text="A token is about four letters.", unit="tokens", group=GROUP, order=32),
    )
    memory_trust: LeastTrust = Field(
        default="anyone",
        title="Believe",
        description="From whom it must come: `anyone`, `models`, `records` or `people`.",
        json_schema_extra=hints(text="", choices=TRUST_WORDS, group=GROUP, order=33),
    )


def recall_of(config: MemorySettings, about: Any, otherwise: str) -> Recall | None:
    """The question to the memory; None where nothing is looked up."""
    if not config.memory:
        return None
    query = text_of(about).strip() or otherwise
    trust = int(TRUST[config.memory_trust])
    return Recall(tuple(dict.fromkeys(config.memory)), query[:MOST_QUERY], budget_tokens=config.memory_tokens, least_trust=trust)


def with_memory(prompt: str, memory: str) -> str:
    """The prompt with what is remembered before it."""
    return f"{memory}\n\n{prompt}" if memory else prompt


def most_memory(config: MemorySettings) -> str:
    """Words as long as what is remembered can be, for the upper bound of a call."""
    return "x" * most_bytes(config.memory_tokens) if config.memory else ""
