"""How a workflow gives up on purpose."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import Field

from engine.errors import FailedOnPurpose
from engine.nodes.contract import Example, InlineKind, NodeConfig, Outcome, Template, text_of
from engine.nodes.form import hints


class FailConfig(NodeConfig):
    """Why."""

    message: Template = Field(
        default="",
        title="Why",
        description="Why the run fails; it is shown to whoever looks at the run.",
        json_schema_extra=hints(widget="text"),
    )


class Fail(InlineKind[FailConfig]):
    """Ends the run as failed. Nothing new starts, waiting steps are cancelled, running calls finish."""

    kind = "fail"
    title = "Fail"
    icon = "octagon-x"
    Config = FailConfig
    fixed_ports = ()
    examples = (
        Example(
            "An impossible amount", {"message": "The amount {{ inputs.n }} is negative."}, {"inputs": {"n": -5}}, error="failed_on_purpose"
        ),
    )

    def output_names(self, config: FailConfig) -> frozenset[str] | None:
        """None at all."""
        return frozenset()

    def work(self, config: FailConfig, given: Mapping[str, Any]) -> Outcome:
        """Raises FailedOnPurpose with the message."""
        raise FailedOnPurpose(text_of(given["message"]).strip())
