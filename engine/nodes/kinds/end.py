"""What a run gives back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field

from engine.nodes.contract import Example, Expr, InlineKind, NodeConfig, Outcome
from engine.nodes.form import hints


class EndConfig(NodeConfig):
    """What the run gives back, and whether it went well."""

    output: dict[str, Expr] = Field(
        default_factory=dict,
        title="What the run gives back",
        description="The run's output: a name and an expression for each value.",
        json_schema_extra=hints(widget="names", text=""),
    )
    outcome: Literal["success", "failure"] = Field(
        default="success",
        title="The run counts as",
        description="Whether a run that gets here counts as succeeded or failed.",
        json_schema_extra=hints(text="", choices={"success": "Succeeded", "failure": "Failed"}),
    )


class End(InlineKind[EndConfig]):
    """Ends its branch and adds to the run's output. Other branches go on; several ends merge in document order."""

    kind = "end"
    title = "End"
    icon = "flag"
    Config = EndConfig
    fixed_ports = ()
    keeps_inputs = False
    wide_fields = frozenset({"output"})
    examples = (
        Example(
            "The reply is the output",
            {"output": {"reply": "nodes.draft.text", "length": "len(nodes.draft.text)"}},
            {"nodes": {"draft": {"text": "Done."}}},
            {"reply": "Done.", "length": 5},
        ),
    )

    def output_names(self, config: EndConfig) -> frozenset[str] | None:
        """The names of the output."""
        return frozenset(config.output)

    def work(self, config: EndConfig, given: Mapping[str, Any]) -> Outcome:
        """The values of the output."""
        return Outcome(dict(given["output"]))
