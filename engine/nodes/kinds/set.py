"""Values worked out once, to be read by later steps."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import Field

from engine.nodes.contract import Example, Expr, InlineKind, NodeConfig, Outcome
from engine.nodes.form import hints


class SetConfig(NodeConfig):
    """The values."""

    values: dict[str, Expr] = Field(
        title="Values",
        description="A name and an expression for each value; they do not see each other.",
        json_schema_extra=hints(widget="names", text="Later steps read each value under its name."),
    )


class Set(InlineKind[SetConfig]):
    """Works values out and keeps them under their names."""

    kind = "set"
    title = "Set values"
    icon = "equal"
    Config = SetConfig
    keeps_inputs = False
    examples = (
        Example(
            "A total with tax",
            {"values": {"total": "round(inputs.net * 1.19, 2)", "is_large": "inputs.net > 1000"}},
            {"inputs": {"net": 100}},
            {"total": 119.0, "is_large": False},
        ),
    )

    def output_names(self, config: SetConfig) -> frozenset[str] | None:
        """The names of the values."""
        return frozenset(config.values)

    def work(self, config: SetConfig, given: Mapping[str, Any]) -> Outcome:
        """The values."""
        return Outcome(dict(given["values"]))
