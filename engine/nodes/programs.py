"""What is wrong with the code of a step, as problems of its settings; nothing of it is executed."""

from __future__ import annotations

from collections.abc import Iterable
from typing import cast

from engine.graph.plan import Plan
from engine.nodes.contract import Capability, NodeKind, Problem
from engine.sandbox.monty import missing
from engine.sandbox.program import RESERVED, read

__all__ = ["check_sandbox", "code_problems", "name_problems", "sandbox_problems"]


def code_problems(code: str, field: str) -> list[Problem]:
    """What cannot be read or run of it, with the line; a warning where it says no result."""
    return [
        Problem("bad_code" if flaw.is_fatal else "no_result", flaw.message, flaw.hint, "error" if flaw.is_fatal else "warning", field=field)
        for flaw in read(code)[1]
    ]


def name_problems(names: Iterable[str], field: str) -> list[Problem]:
    """Names of inputs that the code could not use."""
    told: list[Problem] = []
    for name in names:
        if name in RESERVED:
            told.append(Problem("reserved_name", f"An input cannot be called `{name}`.", "Give it another name.", field=f"{field}.{name}"))
        elif not _is_a_word(name):
            hint = "Use letters, digits and _, with a letter first."
            told.append(Problem("bad_name", f"Code cannot use the name “{name[:80]}”.", hint, field=f"{field}.{name}"))
    return told


def _is_a_word(name: str) -> bool:
    # A line that only assigns: keywords and everything that is no name cannot stand there.
    return name.isidentifier() and name.isascii() and read(f"{name} = 1\nresult = 1")[0] is not None


def sandbox_problems() -> list[Problem]:
    """A warning where no code can run here: such a step refuses to run, and its workflow cannot be published."""
    error = missing()
    return [Problem(error.code, error.message, error.next_step, "warning", field="code")] if error is not None else []


def check_sandbox(plan: Plan) -> None:
    """SandboxMissing where a step of the plan runs code and none can run here."""
    if any(Capability.CODE in cast("NodeKind[object]", node.kind).uses for node in plan.nodes.values()):  # pyright: ignore[reportInvalidTypeArguments]
        if (error := missing()) is not None:
            raise error
