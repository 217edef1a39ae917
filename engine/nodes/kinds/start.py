"""Where a run begins."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import Field

from engine.jsonvalue import JsonValue
from engine.nodes.contract import Example, InlineKind, NodeConfig, Outcome, Problem, Resolver
from engine.nodes.form import hints
from engine.schemas import check_schema


class StartConfig(NodeConfig):
    """What a run has to be given."""

    inputs: dict[str, Any] = Field(
        default_factory=dict,
        title="What a run is given",
        description="What a run has to be given, as a JSON Schema of an object.",
        json_schema_extra=hints(
            widget="schema", text="Whoever starts a run fills these in.", none="Nothing. Add a field for what a run needs to know."
        ),
    )


class Start(InlineKind[StartConfig]):
    """The one node that a run begins with. It checks the inputs and hands them on."""

    kind = "start"
    title = "Start"
    icon = "play"
    Config = StartConfig
    keeps_inputs = False
    examples = (
        Example(
            "A message comes in",
            {"inputs": {"type": "object", "required": ["message"], "properties": {"message": {"type": "string"}}}},
            {"inputs": {"message": "I lost my card"}},
            {"message": "I lost my card"},
        ),
    )

    def output_names(self, config: StartConfig) -> frozenset[str] | None:
        """The properties of the schema, where it allows no others."""
        properties = config.inputs.get("properties")
        is_closed = config.inputs.get("additionalProperties") is False
        return frozenset(properties) if is_closed and isinstance(properties, dict) else None

    def problems(self, config: StartConfig) -> list[Problem]:
        """The schema must be usable and describe an object."""
        found = [
            Problem("bad_schema", f"The schema cannot be used: {p.path or 'it'} {p.message}.", "Mend the schema.", field="inputs")
            for p in check_schema(config.inputs)
        ]
        if not found and config.inputs.get("type", "object") != "object":
            message = "The inputs of a run are an object of named values."
            found.append(Problem("bad_schema", message, 'Write "type": "object".', field="inputs.type"))
        return found

    def resolve(self, config: StartConfig, fields: Mapping[str, Resolver], scope: Mapping[str, Any]) -> dict[str, JsonValue]:
        """The inputs of the run."""
        return {"inputs": scope["inputs"]}

    def work(self, config: StartConfig, given: Mapping[str, Any]) -> Outcome:
        """Hands the inputs on as outputs."""
        return Outcome(dict(given["inputs"]))
