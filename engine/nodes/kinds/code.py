"""A little program in a sandbox, for what expressions are too small for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, Field

from engine.nodes.contract import CallKind, Capability, Example, Expr, NodeConfig, NodeContext, Outcome, Problem
from engine.nodes.form import hints
from engine.nodes.programs import code_problems, name_problems, sandbox_problems


class CodeConfig(NodeConfig):
    """The program, and what it is given."""

    code: str = Field(
        title="Code",
        description="The program, in a part of Python. The variable `result`, or else the value of its last line, is the step's result.",
        json_schema_extra=hints(
            widget="code",
            text="Python without files, network, clock or chance. What its last line comes to, or the variable result, is the result.",
            placeholder="total = 0\nfor row in rows:\n    total += row['price']\nresult = round(total, 2)",
            order=1,
        ),
    )
    inputs: dict[str, Expr] = Field(
        default_factory=dict,
        max_length=50,
        title="What it is given",
        description="A name and an expression for each variable that the program starts with.",
        json_schema_extra=hints(widget="names", text="The code reads each value under its name.", order=0),
    )


class CodeOutputs(BaseModel):
    """What the program came to."""

    result: Any = Field(description="The result: any JSON value.")


class Code(CallKind[CodeConfig]):
    """Runs a little program where it can reach nothing: no files, no network, no clock, no chance. It comes to the same every time.

    It may work for 30 seconds, use 64 MB of memory and print 64 kB; what it prints is shown beside the step. A long program can
    call `checkpoint()` now and then: after a crash it goes on from there, with everything it knew, instead of from its beginning.
    """

    kind = "code"
    title = "Run a little program"
    icon = "code"
    group = "Tools"
    uses = frozenset({Capability.CODE})
    Config = CodeConfig
    Outputs = CodeOutputs
    examples = (
        Example(
            "The middle of several amounts",
            {
                "code": "rows = sorted(amounts)\nmiddle = len(rows) // 2\nresult = rows[middle] if len(rows) % 2 else "
                "(rows[middle - 1] + rows[middle]) / 2",
                "inputs": {"amounts": "inputs.amounts"},
            },
            {"inputs": {"amounts": [30, 10, 20]}},
            {"result": 20},
        ),
        Example(
            "The last line is the result",
            {"code": "words = text.lower().split()\n{word: words.count(word) for word in words}", "inputs": {"text": "inputs.text"}},
            {"inputs": {"text": "To be or not to be"}},
            {"result": {"to": 2, "be": 2, "or": 1, "not": 1}},
        ),
        Example(
            "A long one that would go on after a crash",
            {
                "code": "total = 0\nfor number in range(1, last + 1):\n    total += number * number\n    if number % 100 == 0:\n"
                "        checkpoint()\ntotal",
                "inputs": {"last": "inputs.last"},
            },
            {"inputs": {"last": 300}},
            {"result": 9045050},
        ),
        Example("A mistake names its line", {"code": "a = 1\nb = a / 0\nb"}, error="code_failed"),
    )

    def problems(self, config: CodeConfig) -> list[Problem]:
        """The code must be readable, and its inputs names that it can use."""
        return [*code_problems(config.code, "code"), *name_problems(config.inputs, "inputs"), *sandbox_problems()]

    async def execute(self, config: CodeConfig, given: Mapping[str, Any], ctx: NodeContext) -> Outcome:
        """The result. Raises CodeFailed with `type` and `line` in its details, CodeLimit, SandboxMissing and SandboxCrashed."""
        return Outcome({"result": await ctx.code(config.code, given.get("inputs", {}))})
