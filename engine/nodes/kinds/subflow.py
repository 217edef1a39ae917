"""How a workflow runs another one as a step."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import Field

from engine.errors import ConfigInvalid
from engine.jsonvalue import JsonValue
from engine.nodes.child import ChildCall, ChildKind
from engine.nodes.contract import Example, Expr, NodeConfig, Outcome, Problem, Template, text_of
from engine.nodes.form import hints


class SubflowConfig(NodeConfig):
    """Which workflow runs, and with what."""

    workflow: Template = Field(
        default="",
        title="Workflow",
        description="The workflow that runs, by its id or its short name.",
        json_schema_extra=hints(widget="line", text="Its short name, as in the address of its page."),
    )
    version: int | None = Field(
        default=None,
        ge=1,
        title="Version",
        description="The version that runs; without one, the version that is live when the step starts.",
        json_schema_extra=hints(text="", none="The one that is live"),
    )
    inputs: dict[str, Expr] = Field(
        default_factory=dict,
        title="What it is given",
        description="The inputs of that run: a name and an expression each.",
        json_schema_extra=hints(widget="names", text="Its start asks for these.", add="Input"),
    )


class Subflow(ChildKind[SubflowConfig]):
    """Runs another workflow and waits for its end. It uses up what is left of this run's limits, and never more than its own."""

    kind = "subflow"
    title = "Workflow"
    icon = "workflow"
    Config = SubflowConfig
    examples = (
        Example(
            "Look the customer up",
            {"workflow": "find-customer", "inputs": {"name": "inputs.name"}},
            {"inputs": {"name": "Ada"}},
            {"customer": "C-17"},
        ),
        Example("Without a name", {"workflow": "{{ inputs.which }}"}, {"inputs": {"which": " "}}, error="config_invalid"),
    )

    def problems(self, config: SubflowConfig) -> list[Problem]:
        """Some workflow has to be named."""
        if config.workflow.strip():
            return []
        return [Problem("empty_text", "No workflow is named.", "Name the workflow that runs.", field="workflow")]

    def child(self, config: SubflowConfig, given: Mapping[str, Any]) -> ChildCall:
        """The workflow that the settings name."""
        name = text_of(given["workflow"]).strip()
        if not name:
            raise ConfigInvalid("No workflow is named: the setting came to an empty text.", hint="Look at the step's setting `workflow`.")
        return ChildCall(name, config.version, dict(given.get("inputs") or {}))

    def returned(self, config: SubflowConfig, output: Mapping[str, JsonValue]) -> Outcome:
        """The output of that run, name by name."""
        return Outcome(dict(output))
