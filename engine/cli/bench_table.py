"""Makes a page of what `bench engine` and `bench scale` have printed: only numbers that were measured stand there."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

OURS, FLOOR = "signalbox", "raw-sqlite-fenced"
NAMES = {
    OURS: "Signalbox",
    FLOOR: "floor: fenced rows in SQLite, no engine",
    "raw-sqlite-full": "floor: rows in SQLite, not fenced",
    "langgraph-sqlite-sync": "LangGraph, SQLite",
    "langgraph-asqlite-sync": "LangGraph, aiosqlite",
    "dbos-sqlite-wal": "DBOS, SQLite",
    "burr-sqlite": "Burr, SQLite",
}
SHAPES = {
    "chain": "One run of {nodes:,} steps of 1 KB",
    "crowd": "{runs} runs of {nodes} steps, {at_once} at once",
    "loop": "One loop of {nodes:,} rounds (ours has two steps a round, the peers one)",
    "growing": "One run of {nodes:,} steps whose state grows by 1 KB a step",
}
PARTS = {
    "commit": "SQLite: the run's row, the journal row, fsync",
    "queue": "the event loop: tasks, futures, waking",
    "expressions": "settings worked out",
    "apply": "the state changed, edges settled",
    "work": "the step itself",
    "encode": "rows as JSON",
    "decide": "what follows",
    "publish": "telling who watches",
}


def page(lines: Iterable[str], *, on: str) -> str:
    """The page as Markdown, of the JSON lines of one or several runs that were made on that day."""
    told = [json.loads(line) for line in lines if line.startswith("{")]
    parts = [
        "# How fast, how much, beside others",
        "",
        "Made by `signalbox bench table FILE` of what `signalbox bench engine --peers ../shared/bench` and `signalbox bench scale`"
        f" printed on {on}, on a shared machine with two cores. Only the ratios of one run mean anything.",
    ]
    for shape, title in SHAPES.items():
        rows = [one for one in told if one.get("shape") == shape and "ms_step" in one]
        if rows:
            parts += ["", f"## {title.format(**rows[0])}", "", *_table(rows)]
    parts += [line for one in told if "profile_us_per_step" in one for line in _made_of(one)]
    parts += list(_scale([one for one in told if "bench" in one]))
    return "\n".join([*parts, ""])


def _table(rows: list[dict[str, Any]]) -> Iterator[str]:
    floor = next((one["ms_step"] for one in rows if one["engine"] == FLOOR), None)
    yield "| engine | ms a step | steps a second | beside the floor | commits a step | bytes a step |"
    yield "|---|---|---|---|---|---|"
    for one in rows:
        beside = f"{one['ms_step'] / floor:.2f}" if floor else ""
        commits = one.get("commits_step", one.get("commits_per_step", ""))
        size = one.get("bytes_step", one.get("disk_bytes_per_step"))
        cells = [f"{one['ms_step']:.3f}", f"{one['steps_s']:,.0f}", beside, str(commits), "" if size is None else f"{size:,.0f}"]
        yield f"| {NAMES.get(one['engine'], one['engine'])} | {' | '.join(cells)} |"


def _made_of(one: dict[str, Any]) -> Iterator[str]:
    yield from ("", f"## What a step of the {one['shape']} is made of", "", "| part | µs |", "|---|---|")
    for part, micro in sorted(one["profile_us_per_step"].items(), key=lambda pair: -pair[1]):
        yield f"| {PARTS.get(part, part)} | {micro:,.1f} |"
    yield f"| in all, with what measuring costs | {one['total_us']:,.1f} |"


def _scale(told: list[dict[str, Any]]) -> Iterator[str]:
    if told:
        yield from ("", "## What must not grow with size", "", "| measured | |", "|---|---|")
    for one in told:
        match one["bench"]:
            case "document":
                yield f"| a document of {one['nodes']:,} nodes is checked and compiled in | {one['ms']} ms |"
            case "waiting runs":
                yield f"| {one['runs']:,} runs that wait take in memory | {one['rss_mb_more']} MB |"
            case name:
                tenths = ", ".join(f"{micro:,.0f}" for micro in one["cpu_us_step_by_tenth"])
                memory = one["rss_mb_by_tenth"]
                yield f"| {name}, {one['steps']:,} steps: CPU µs a step, tenth by tenth | {tenths} |"
                yield f"| {name}: memory of the process after the first and the ninth tenth | {memory[0]} and {memory[-1]} MB |"
                yield f"| {name}: bytes on disk a step | {one['bytes_step']:,} |"
