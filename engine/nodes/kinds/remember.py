"""Something that later runs are to know."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import BaseModel, Field

from engine.errors import ConfigInvalid
from engine.jsonvalue import JsonValue
from engine.nodes.contract import CallKind, Capability, Effect, Example, Expr, NodeConfig, NodeContext, Outcome, Problem, Template, text_of
from engine.nodes.form import hints
from engine.nodes.remembering import Statement, ToRemember

MOST_STATEMENTS = 50
_FACT = {"store": "facts"}


class RememberConfig(NodeConfig):
    """Where, what, and who will see it."""

    store: Literal["facts", "episodes", "conversation"] = Field(
        default="facts",
        title="Remember as",
        description="`facts`: statements about somebody or something; `episodes`: a note on this run; `conversation`: a line of it.",
        json_schema_extra=hints(
            text="", choices={"facts": "Facts", "episodes": "A note on this run", "conversation": "A line of the conversation"}, order=0
        ),
    )
    subject: Template = Field(
        default="",
        title="About",
        description="Of a fact: the person or thing it is about.",
        json_schema_extra=hints(text="", placeholder="A person or thing", when=_FACT, order=1),
    )
    predicate: Template = Field(
        default="",
        title="What is said",
        description="Of a fact: the relation, such as `lives in` or `prefers`.",
        json_schema_extra=hints(text="", placeholder="lives in, works for, prefers…", when=_FACT, order=2),
    )
    value: Template = Field(
        default="",
        title="Value",
        description="Of a fact: what it says of the subject.",
        json_schema_extra=hints(text="", placeholder="Type / for a value", when=_FACT, order=3),
    )
    statements: Expr | None = Field(
        default=None,
        title="Many at once",
        description="Instead of one: an expression that gives `[{subject, predicate, value, quote, valid_from}]`.",
        json_schema_extra=hints(text="A list with subject, predicate, value and quote each.", when=_FACT, is_folded=True),
    )
    quote: Template = Field(
        default="",
        title="The words that say it",
        description="Of a fact: the words of its source; they must stand in `source`, else it is not kept.",
        json_schema_extra=hints(widget="text", text="They must stand in the source, else it is not kept.", when=_FACT, order=4),
    )
    source: Template = Field(
        default="",
        title="Source",
        description="Of a fact: the text that the quote is taken from.",
        json_schema_extra=hints(widget="text", text="", placeholder="Type / for a value", when=_FACT, order=5),
    )
    text: Template = Field(
        default="",
        title="Text",
        description="Of a note or a line: its words.",
        json_schema_extra=hints(widget="text", text="", placeholder="Type / for a value", order=6),
    )
    scope: Literal["private", "workflow", "workspace"] = Field(
        default="workflow",
        title="Who sees it",
        description="`private`: runs for the same person; `workflow`: runs of this workflow; `workspace`: all of them.",
        json_schema_extra=hints(
            text="",
            choices={"private": "Runs for the same person", "workflow": "Runs of this workflow", "workspace": "All workflows here"},
            order=7,
        ),
    )


class RememberOutputs(BaseModel):
    """What came of it."""

    stored: list[dict[str, Any]] = Field(description="Of each: `{id, status, text, why}`; `status` says too when it was not kept.")
    kept: int = Field(description="How many were kept.")


class RememberKind(CallKind[RememberConfig]):
    """Keeps something for later runs. A fact needs the words that say it; what contradicts a confirmed one waits for a person."""

    kind = "remember"
    title = "Remember"
    icon = "bookmark-plus"
    group = "Memory"
    effect = Effect.IDEMPOTENT
    uses = frozenset({Capability.MEMORY})
    Config = RememberConfig
    Outputs = RememberOutputs
    examples = (
        Example(
            "Where a customer lives",
            {
                "subject": "{{ inputs.customer }}",
                "predicate": "lives in",
                "value": "Berlin",
                "quote": "I live in Berlin",
                "source": "{{ inputs.message }}",
            },
            {"inputs": {"customer": "Anna", "message": "Hello, I live in Berlin now."}},
        ),
    )

    def problems(self, config: RememberConfig) -> list[Problem]:
        """A fact needs its three parts, a note or a line its words."""
        if config.store != "facts":
            return [] if config.text.strip() else [Problem("empty_text", "“Text” is empty.", "Write what is to be kept.", field="text")]
        if config.statements is not None:
            return []
        return [
            Problem("empty_text", f"“{title}” is empty.", "A fact says something of somebody or something.", field=name)
            for name, title in (("subject", "About"), ("predicate", "What is said"), ("value", "Value"))
            if not getattr(config, name).strip()
        ]

    def resolve(self, config: RememberConfig, fields: Mapping[str, Any], scope: Mapping[str, Any]) -> dict[str, JsonValue]:
        """Only what the store needs; an empty list of statements is none."""
        names = ("subject", "predicate", "value", "quote", "source") if config.store == "facts" else ("text",)
        given = {name: fields[name](scope) for name in names if name in fields}
        if config.store == "facts" and config.statements is not None:
            given = {"source": given.get("source", ""), "statements": fields["statements"](scope)}
        return given

    async def execute(self, config: RememberConfig, given: Mapping[str, Any], ctx: NodeContext) -> Outcome:
        """What came of each. ConfigInvalid for statements that are none."""
        statements = _statements(given) if config.store == "facts" else ()
        stored = await ctx.remember(ToRemember(config.store, statements, text_of(given.get("text")), config.scope))
        return Outcome(stored)


def _statements(given: Mapping[str, Any]) -> tuple[Statement, ...]:
    source = text_of(given.get("source"))
    if "statements" not in given:
        return (_statement(given, source, "this fact"),)
    rows = given["statements"]
    if not isinstance(rows, list) or len(rows) > MOST_STATEMENTS or not all(isinstance(row, dict) for row in rows):
        raise ConfigInvalid(
            f"“Many at once” is no list of at most {MOST_STATEMENTS} facts.", hint="Give `[{subject, predicate, value, quote}]`."
        )
    return tuple(_statement(row, text_of(row.get("source")) or source, f"fact {place}") for place, row in enumerate(rows))


def _statement(row: Mapping[str, Any], source: str, which: str) -> Statement:
    subject, predicate, value = text_of(row.get("subject")).strip(), text_of(row.get("predicate")).strip(), row.get("value")
    if not subject or not predicate or value in (None, ""):
        raise ConfigInvalid(f"{which} lacks its subject, predicate or value.", hint="Look at what the step was given.")
    confidence = row.get("confidence", 0.8)
    is_number = isinstance(confidence, int | float) and not isinstance(confidence, bool)
    quote, valid_from = text_of(row.get("quote")), text_of(row.get("valid_from"))
    return Statement(subject, predicate, value, quote, source, valid_from, min(1.0, max(0.0, float(confidence))) if is_number else 0.8)
