"""Which checks an answer can be put to, and what they find."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from pydantic import Field

from engine.jsonvalue import JsonValue
from engine.llm.checks.findings import Finding
from engine.llm.checks.grounding import Verdict, grounds_of
from engine.llm.checks.personal import personal_data
from engine.llm.checks.politeness import rudeness
from engine.nodes.contract import NodeConfig, NodeContext, Template
from engine.nodes.form import hints

Check = Literal["grounded", "polite", "no_personal_data"]
CHECK_WORDS = {"grounded": "Grounded in its sources", "polite": "Polite", "no_personal_data": "No personal data"}
NOT_GOOD = "not_good"
"""The port of an answer that did not pass."""


class AnswerSettings(NodeConfig):
    """What a model's answer must be, and how often it is asked for."""

    repairs: int = Field(
        default=1,
        ge=0,
        le=3,
        title="Ask again at most",
        description="How often the model is shown an answer that does not fit `output`, with what is wrong, and asked again.",
        json_schema_extra=hints(
            text="When the answer does not have its parts: it is told why, and answers anew.",
            unit="times",
            is_folded=True,
        ),
    )
    checks: list[Check] = Field(
        default_factory=list,
        title="Check the answer",
        description="What the answer must be; one that is not goes on by the port `not_good`.",
        json_schema_extra=hints(
            widget="ticks",
            text="Without asking a model. What does not pass goes on by “Not good enough”.",
            choices=CHECK_WORDS,
            order=5,
        ),
    )
    sources: Template = Field(
        default="",
        title="Its sources",
        description="The text that every sentence of the answer must be supported by, for the check `grounded`.",
        json_schema_extra=hints(
            widget="text",
            text="Every sentence of the answer must be supported by this text.",
            placeholder="Type / for a value",
            when={"checks": "grounded"},
            order=6,
        ),
    )
    cache_s: int = Field(
        default=0,
        ge=0,
        le=2_592_000,
        title="Use an answer again for",
        description="For how many seconds an answer to the very same question is taken again, at no cost; 0 never.",
        json_schema_extra=hints(
            text="Only for the very same question to the same model. It costs nothing then.", none="Never", is_folded=True
        ),
    )


async def checked(text: str, value: JsonValue, checks: Sequence[Check], sources: str, ctx: NodeContext) -> list[JsonValue]:
    """For each check `{check, passed, problems: [{text, why}], …}`; the one of sources tells every sentence with its nearest source."""
    read = text if value is None else "\n".join(_texts(value))
    told: list[JsonValue] = []
    for check in dict.fromkeys(checks):
        if check == "grounded":
            told.append(_grounds(await grounds_of(read, sources, ctx.meaning)))
        else:
            told.append(_found(check, rudeness(read) if check == "polite" else personal_data(read)))
    return told


def all_passed(told: Any) -> bool:
    """Whether every check of `checked` was passed."""
    return all(one["passed"] for one in told or [])


def _found(check: str, findings: Sequence[Finding]) -> JsonValue:
    return {"check": check, "passed": not findings, "problems": [{"text": f.text, "why": f.why} for f in findings]}


def _grounds(verdicts: Sequence[Verdict]) -> JsonValue:
    problems: list[JsonValue] = [{"text": v.sentence, "why": _why(v)} for v in verdicts if not v.is_supported]
    sentences: list[JsonValue] = [
        {"sentence": v.sentence, "supported": v.is_supported, "source": v.source, "support": v.support} for v in verdicts
    ]
    return {"check": "grounded", "passed": not problems, "problems": problems, "sentences": sentences}


def _why(verdict: Verdict) -> str:
    if verdict.missing:
        return f"the sources do not say {', '.join(verdict.missing)}"
    return "no source says this" if verdict.source else "there are no sources"


def _texts(value: JsonValue) -> list[str]:
    if isinstance(value, dict):
        return [text for part in value.values() for text in _texts(part)]
    if isinstance(value, list):
        return [text for part in value for text in _texts(part)]
    return [value] if isinstance(value, str) else [] if isinstance(value, bool) or value is None else [str(value)]
