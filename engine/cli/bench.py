"""Measurements that anybody can repeat; each prints JSON lines."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

bench = typer.Typer(help="Measure: each figure is one JSON line.", no_args_is_help=True)
app = bench


@bench.callback()
def measurements() -> None:
    """Measure: each figure is one JSON line."""


@bench.command()
def engine(
    nodes: Annotated[int, typer.Option(help="Steps of the long chain; the short ones have a hundredth.")] = 1000,
    runs: Annotated[int, typer.Option(help="Runs of the short chain.")] = 200,
    at_once: Annotated[int, typer.Option(help="Short chains at once.")] = 50,
    peers: Annotated[Path | None, typer.Option(help="Folder with peers.py: other engines are measured in the same minute.")] = None,
) -> None:
    """How fast steps become durable, and what a step's time is made of."""
    from engine.cli.bench_engine import run_all

    for figures in run_all(nodes=nodes, runs=runs, at_once=at_once, peers_folder=peers):
        typer.echo(json.dumps(figures))
