"""Hands `bench` over to the measurements, which are a command of their own."""

from __future__ import annotations

import importlib
from typing import Any

from engine.errors import ConfigInvalid


def bench_command(arguments: list[str]) -> int:
    """Runs `engine.cli.bench`; ConfigInvalid when this installation has none."""
    import typer.main

    try:
        module: Any = importlib.import_module("engine.cli.bench")
    except ModuleNotFoundError as error:
        if error.name != "engine.cli.bench":
            raise
        raise ConfigInvalid("This installation has no benchmarks.", hint="Call ./signalbox bench from a checkout.") from None
    command = typer.main.get_command(module.bench)
    outcome = command.main(args=arguments or ["--help"], prog_name="signalbox bench", standalone_mode=False)
    return outcome if isinstance(outcome, int) else 0
