"""A look into one store of the memory."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import BaseModel, Field

from engine.nodes.contract import CallKind, Capability, Effect, Example, NodeConfig, NodeContext, Outcome, Problem, Template, text_of
from engine.nodes.form import hints
from engine.nodes.remembering import MOST_QUERY, STORE_WORDS, TRUST, TRUST_WORDS, LeastTrust, Recall, StoreName


class RecallConfig(NodeConfig):
    """Where, and what is looked for."""

    store: StoreName = Field(
        default="episodes",
        title="Look in",
        description="`conversation`, `episodes` (past runs), `facts` or `documents`.",
        json_schema_extra=hints(text="", choices=STORE_WORDS, order=0),
    )
    query: Template = Field(
        title="What is looked for",
        description="The question, in words.",
        json_schema_extra=hints(widget="text", text="", placeholder="Type / for a value", order=1),
    )
    about: Template = Field(
        default="",
        title="About",
        description="Of facts: the person or thing they are about; empty: any.",
        json_schema_extra=hints(text="", placeholder="A person or thing", when={"store": "facts"}, order=2),
    )
    k: int = Field(
        default=8,
        ge=1,
        le=50,
        title="At most",
        description="The most items that are found.",
        json_schema_extra=hints(text="", unit="items", order=3),
    )
    budget_tokens: int = Field(
        default=1_500,
        ge=200,
        le=20_000,
        title="No longer than",
        description="The most tokens of `text`; items that find no room are left out.",
        json_schema_extra=hints(text="A token is about four letters.", unit="tokens", is_folded=True),
    )
    min_trust: LeastTrust = Field(
        default="anyone",
        title="Believe",
        description="From whom it must come: `anyone`, `models`, `records` or `people`.",
        json_schema_extra=hints(text="", choices=TRUST_WORDS, is_folded=True),
    )


class RecallOutputs(BaseModel):
    """What was found."""

    items: list[dict[str, Any]] = Field(description="`{store, id, text, at, status, trust, score, tokens, why}`, the best first.")
    text: str = Field(description="The same as a model reads it; says so where nothing fits.")
    found: Literal[True, False] = Field(description="Whether there is anything.")


class RecallKind(CallKind[RecallConfig]):
    """Looks into the memory of conversations, past runs, facts or documents. Only what this run may see is found."""

    kind = "recall"
    title = "Look up memory"
    icon = "history"
    group = "Memory"
    effect = Effect.PURE
    uses = frozenset({Capability.MEMORY})
    Config = RecallConfig
    Outputs = RecallOutputs
    examples = (
        Example(
            "What came of this customer's last message",
            {"store": "episodes", "query": "{{ inputs.message }}", "k": 3},
            {"inputs": {"message": "My card has not arrived."}},
        ),
    )

    def problems(self, config: RecallConfig) -> list[Problem]:
        """There must be a question."""
        if config.query.strip() or (config.store == "facts" and config.about.strip()):
            return []
        return [Problem("empty_text", "“What is looked for” is empty.", "Write what is looked for.", field="query")]

    async def execute(self, config: RecallConfig, given: Mapping[str, Any], ctx: NodeContext) -> Outcome:
        """What fits, within the budget."""
        query, about = text_of(given["query"])[:MOST_QUERY], text_of(given["about"])
        trust = int(TRUST[config.min_trust])
        found = await ctx.recall(Recall((config.store,), query, about, config.k, config.budget_tokens, trust))
        return Outcome({"items": [dict(item) for item in found.items], "text": found.text, "found": bool(found.items)})
