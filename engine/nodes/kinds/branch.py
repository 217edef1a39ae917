"""Which way a run goes on, decided by conditions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from pydantic import BaseModel, Field

from engine.expressions.values import is_true
from engine.graph.fieldtree import Each, Keyed
from engine.jsonvalue import JsonValue
from engine.nodes.contract import PORT_NAME, Example, Expr, InlineKind, NodeConfig, Outcome, Problem, Resolver
from engine.nodes.form import hints

ELSE = "else"


class BranchCase(NodeConfig):
    """One way and when it is taken."""

    port: str = Field(title="Way", description="The port by which the run goes on.", pattern=PORT_NAME)
    label: str = Field(default="", description="What the canvas shows at the port.", max_length=200)
    when: Expr = Field(
        title="When",
        description="The condition; 0, an empty text, an empty list and null count as no.",
        json_schema_extra=hints(widget="rule"),
    )


class BranchConfig(NodeConfig):
    """The ways."""

    cases: list[BranchCase] = Field(
        title="Ways",
        description="The ways in their order; the first whose condition holds is taken.",
        max_length=100,
        json_schema_extra=hints(widget="cases", text=""),
    )


class BranchOutputs(BaseModel):
    """What a branch leaves behind."""

    case: str = Field(description="The port by which the run went on.")


class Branch(InlineKind[BranchConfig]):
    """Tests conditions in order and goes on by the first one that holds, else by `else`. Later ones are not worked out."""

    kind = "branch"
    title = "Branch"
    icon = "git-branch"
    Config = BranchConfig
    Outputs = BranchOutputs
    port_output = "case"
    fixed_ports = ()
    examples = (
        Example(
            "Large amounts go to a person",
            {"cases": [{"port": "large", "label": "over 1,000", "when": "inputs.amount > 1000"}]},
            {"inputs": {"amount": 2500}},
            {"case": "large"},
            port="large",
        ),
        Example(
            "What follows a match is not worked out",
            {"cases": [{"port": "a", "when": "true"}, {"port": "b", "when": "1 / 0 > 0"}]},
            {},
            {"case": "a"},
            port="a",
        ),
        Example("Nothing holds", {"cases": [{"port": "a", "when": "inputs.n > 1"}]}, {"inputs": {"n": 0}}, {"case": ELSE}, port=ELSE),
    )

    def ports(self, config: BranchConfig) -> tuple[str, ...]:
        """The cases' ports in their order, then `else`; two cases may share a port."""
        return tuple(dict.fromkeys([*(c.port for c in config.cases if c.port != "error"), ELSE]))

    def problems(self, config: BranchConfig) -> list[Problem]:
        """`else` and `error` have a meaning of their own."""
        return [
            Problem("reserved_port", f"A way cannot be called `{case.port}`.", "Give it another name.", field=f"cases[{i}].port")
            for i, case in enumerate(config.cases)
            if case.port in (ELSE, "error")
        ]

    def resolve(self, config: BranchConfig, fields: Mapping[str, Resolver], scope: Mapping[str, Any]) -> dict[str, JsonValue]:
        """`{"case": port}`: conditions are worked out one by one until the first that holds."""
        for case, resolver in zip(config.cases, cast("Each", fields["cases"]).items, strict=True):
            if is_true(cast("Keyed", resolver).entries["when"](scope)):
                return {"case": case.port}
        return {"case": ELSE}

    def work(self, config: BranchConfig, given: Mapping[str, Any]) -> Outcome:
        """Leaves by the port that was found."""
        return Outcome({"case": given["case"]}, given["case"])
