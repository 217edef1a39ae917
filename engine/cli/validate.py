"""`validate`: checks documents without storing or running anything; needs no home and no server."""

from __future__ import annotations

import sys
from pathlib import Path

from engine.cli.documents import read_document
from engine.cli.outcome import FAILED, OK, UNUSABLE, say
from engine.cli.run import problem_line
from engine.clock import SystemClock
from engine.errors import SignalboxError
from engine.graph.problems import has_errors
from engine.graph.validate import Checked, check
from engine.graph.worst_case import worst_case
from engine.llm.gateway import Gateway, GatewaySettings
from engine.nodes.estimates import static_estimates
from engine.nodes.registry import Registry
from engine.settings import Settings


def validate_files(files: list[Path]) -> int:
    """Prints the problems of each file; 0 without errors, 1 with some, 2 when a file is no document."""
    registry = Registry.builtin()
    worst = OK
    for file in files:
        try:
            checked = check(read_document(file), registry)
        except SignalboxError as error:
            say(f"{file}: {error.message}" if str(file) not in error.message else error.message, hint=error.next_step)
            worst = UNUSABLE
            continue
        for problem in checked.problems:
            print(f"{file}: {problem_line(problem.as_json())}")
        print(f"{file}: {_verdict(checked)}", file=sys.stderr)
        if has_errors(checked.problems):
            worst = max(worst, FAILED)
    return worst


def _verdict(checked: Checked) -> str:
    errors = sum(problem.severity == "error" for problem in checked.problems)
    if errors or checked.plan is None:
        return f"{errors} error{'s' if errors != 1 else ''}; it cannot be published."
    # Of other workflows that it runs a file tells nothing: there the limits are the bound.
    gateway = Gateway(GatewaySettings.of(Settings.load()), clock=SystemClock())
    most = worst_case(checked.plan, static_estimates(checked.plan, gateway, lambda *_: None))
    return (
        f"can be published. A run uses at most {most['steps']} steps, {most['llm_calls']} model calls, {most['tool_calls']} tool calls, "
        f"{most['tokens']} tokens and {most['cost_usd']:g} USD."
    )
