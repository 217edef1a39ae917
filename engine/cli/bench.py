"""Measurements that anybody can repeat; each prints JSON lines."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

bench = typer.Typer(help="Measure: each figure is one JSON line.", no_args_is_help=True)


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


@bench.command()
def scale(
    steps: Annotated[int, typer.Option(min=100, help="Steps of the long run.")] = 100_000,
    items: Annotated[int, typer.Option(min=100, help="Steps of the run whose state grows by 1 KB a step.")] = 10_000,
    waiting: Annotated[int, typer.Option(min=1, help="Runs that wait.")] = 1_000,
    nodes: Annotated[int, typer.Option(min=1, max=1_990, help="Nodes of the large document.")] = 1_000,
) -> None:
    """What must not grow with size: a step's cost in a long run, memory of runs that wait, the time a document takes."""
    import asyncio

    from engine.cli import bench_scale

    typer.echo(json.dumps(bench_scale.large_document(nodes=nodes)))
    typer.echo(json.dumps(asyncio.run(bench_scale.waiting_runs(runs=waiting))))
    typer.echo(json.dumps(asyncio.run(bench_scale.growing_run(items=items))))
    typer.echo(json.dumps(asyncio.run(bench_scale.long_run(steps=steps))))


@bench.command()
def table(
    figures: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="What `bench engine` and `bench scale` printed.")],
) -> None:
    """A page of figures that were measured before, as Markdown."""
    from engine.cli.bench_table import page
    from engine.clock import iso

    on = (iso(int(figures.stat().st_mtime * 1e6)) or "")[:10]
    typer.echo(page(figures.read_text(encoding="utf-8").splitlines(), on=on), nl=False)


@bench.command("map")
def long_box(
    items: Annotated[int, typer.Option(min=10, max=100_000, help="Items of the list.")] = 10_000,
    concurrency: Annotated[int, typer.Option(min=1, max=1_000, help="Items at once.")] = 5,
    size: Annotated[int, typer.Option(min=1, max=100_000, help="Bytes of text in an item; both steps keep it in the journal.")] = 1024,
) -> None:
    """What a long map box costs: steps a second, whether that stays so to its end, and memory."""
    import asyncio

    from engine.cli.bench_map import measure

    typer.echo(json.dumps(asyncio.run(measure(items=items, concurrency=concurrency, size=size))))


@bench.command()
def triage(
    data: Annotated[Path | None, typer.Option(exists=True, dir_okay=False, help="CSV: text,category. Default: an excerpt of 154.")] = None,
    messages: Annotated[int, typer.Option(min=1, help="At most so many, evenly from the whole file.")] = 1000,
    at_once: Annotated[int, typer.Option(min=1, max=256, help="Messages at once.")] = 50,
) -> None:
    """How many messages a second a whole server sorts, how well, and in how much memory."""
    from engine.cli.bench_triage import measure

    for figures in measure(data=data, messages=messages, at_once=at_once):
        typer.echo(json.dumps(figures))


@bench.command()
def airline(
    data: Annotated[Path, typer.Option(exists=True, dir_okay=False, help="JSON: recorded conversations with their right actions.")],
    served: Annotated[str | None, typer.Option(metavar="URL", help="A server of these recordings: http://127.0.0.1:9101/v1.")] = None,
) -> None:
    """How many wrong writes of a recorded agent the rules of examples/airline stop, and how many right ones they hold up."""
    from engine.cli.bench_airline import measure

    for figures in measure(data=data, served=served):
        typer.echo(json.dumps(figures, ensure_ascii=False))


@bench.command()
def grounded(
    data: Annotated[Path, typer.Option(exists=True, dir_okay=False, help="Conversations in the form of LoCoMo.")],
    answers: Annotated[int, typer.Option(min=3, max=10_000, help="Answers of four sentences, one of them planted.")] = 100,
    seed: Annotated[int, typer.Option(help="The same number makes the same answers.")] = 1,
    only: Annotated[int | None, typer.Option(min=0, help="About this conversation of the file alone, counted from 0.")] = None,
) -> None:
    """How many planted sentences the check of sources catches, and how often it is wrong about true ones."""
    from engine.cli.bench_grounded import measure

    for figures in measure(data, answers=answers, seed=seed, only=only):
        typer.echo(json.dumps(figures))


@bench.command()
def masking(
    data: Annotated[Path | None, typer.Option(exists=True, dir_okay=False, help="Sentences with marks; else Signalbox's own.")] = None,
) -> None:
    """How much of what tells of a person is kept from a model, and how often something else is taken for it."""
    from engine.cli.bench_masking import SENTENCES, measure

    for figures in measure(data or SENTENCES):
        typer.echo(json.dumps(figures))


@bench.command()
def memory(
    data: Annotated[Path, typer.Option(exists=True, dir_okay=False, help="Conversations in the form of LoCoMo.")],
    rows: Annotated[int, typer.Option(min=0, max=1_000_000, help="Also how long a question takes among so many texts.")] = 0,
) -> None:
    """How well the memory finds the turns that answer questions: by words, by meaning, by both, and as Signalbox does it."""
    from engine.cli.bench_memory import measure, measure_size

    for figures in measure(data):
        typer.echo(json.dumps(figures))
    if rows:
        typer.echo(json.dumps(measure_size(rows)))
