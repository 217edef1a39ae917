"""How fast the engine makes steps durable: alone, and beside other engines on the same machine in the same minute."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from engine.cli.bench_documents import KILOBYTE, chain, growing, looping
from engine.collector import collect_rarely
from engine.facade.engine import Engine
from engine.people.permissions import MAIN_WORKSPACE, Actor, Role
from engine.run import executor, turn
from engine.run.live import Hub
from engine.settings import Settings
from engine.storage.journal import Journal

PEERS = "raw-sqlite-fenced,raw-sqlite-full,langgraph-sqlite-sync,langgraph-asqlite-sync,dbos-sqlite-wal,burr-sqlite"
BENCH = Actor(kind="system", id="bench", name="Bench", email="", roles=frozenset(Role), workspace_id=MAIN_WORKSPACE, user_id="bench")


@dataclass(slots=True)
class Profile:
    """Where the time of a run goes; seconds by part."""

    seconds: dict[str, float] = field(default_factory=dict)

    def timed(self, part: str, function: Any) -> Any:
        """The function, its time counted under `part`."""

        def call(*args: Any, **kwargs: Any) -> Any:
            began = time.perf_counter()
            try:
                return function(*args, **kwargs)
            finally:
                self.seconds[part] = self.seconds.get(part, 0.0) + time.perf_counter() - began

        return call

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Counts what the engine does inside the block; timing itself costs about 0.3 µs a call."""
        places = [
            (turn, "decide", "decide"),
            (turn, "apply", "apply"),
            (turn, "begin", "apply"),
            (turn.Turn, "given", "expressions"),
            (turn.codec, "to_row", "encode"),
            (executor, "work", "work"),
            (Journal, "_write", "commit"),
            (Hub, "publish", "publish"),
        ]
        kept = [(place, name, getattr(place, name)) for place, name, _ in places]
        for (place, name, part), (_, _, original) in zip(places, kept, strict=True):
            setattr(place, name, self.timed(part, original))
        try:
            yield
        finally:
            for place, name, original in kept:
                setattr(place, name, original)


@dataclass(frozen=True, slots=True)
class Shape:
    """What is run, and how the peers' scripts call the same."""

    name: str
    document: dict[str, Any]
    steps: int
    """Of one run, as the peers count them: our start and end, and a second step of each round, are paid for and not counted."""
    peers: tuple[str, ...] = ()
    runs: int = 1
    at_once: int = 1
    inputs: dict[str, Any] = field(default_factory=dict)


def shapes(*, nodes: int, runs: int, at_once: int) -> list[Shape]:
    """A long chain, many short ones at once, a loop of as many rounds, and a state that grows by 1 KB a step."""
    short = max(1, nodes // 100)
    return [
        Shape("chain", chain(nodes), nodes, inputs={"text": KILOBYTE}),
        Shape("crowd", chain(short), short, runs=runs, at_once=at_once, inputs={"text": KILOBYTE}),
        Shape("loop", looping(2 * nodes), nodes, ("--shape", "loop")),
        Shape("growing", growing(nodes), nodes, ("--grow",), inputs={"items": list(range(nodes))}),
    ]


async def measure(shape: Shape, *, profile: Profile | None = None) -> dict[str, Any]:
    """Runs it as often as it says, each run waited for to its end."""
    with tempfile.TemporaryDirectory(prefix="signalbox-bench-") as home:
        engine = await Engine.open(Settings.load({"SIGNALBOX_HOME": home}))
        try:
            saved = await engine.workflows.create(BENCH, shape.document)
            await engine.workflows.publish(BENCH, saved.id)
            await _one(engine, saved.id, shape.inputs)
            before = engine.journal_counts.commits
            collect_rarely()
            gate = asyncio.Semaphore(shape.at_once)

            async def gated() -> None:
                async with gate:
                    await _one(engine, saved.id, shape.inputs)

            began, cpu = time.perf_counter(), time.process_time()
            with profile.watching() if profile is not None else nullcontext():
                await asyncio.gather(*(gated() for _ in range(shape.runs)))
            seconds, cpu = time.perf_counter() - began, time.process_time() - cpu
            commits = engine.journal_counts.commits - before
        finally:
            await engine.close()
        size = bytes_in(Path(home))
    steps = shape.steps * shape.runs
    return {
        "engine": "signalbox",
        "shape": shape.name,
        "nodes": shape.steps,
        "runs": shape.runs,
        "at_once": shape.at_once,
        "seconds": round(seconds, 3),
        "ms_step": round(seconds / steps * 1e3, 3),
        "steps_s": round(steps / seconds, 1),
        "cpu_us_step": round(cpu / steps * 1e6, 1),
        "commits_step": round(commits / steps, 4),
        "bytes_step": round(size / (steps + shape.steps)),
    }


def bytes_in(folder: Path) -> int:
    """What all files of a folder take."""
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())


async def _one(engine: Engine, workflow: str, inputs: dict[str, Any]) -> None:
    started = await engine.runs.start(BENCH, workflow, inputs=inputs)
    view = await engine.runs.wait(BENCH, started.run_id, seconds=600)
    if view is None or view.status != "succeeded":
        raise RuntimeError(f"The run {started.run_id} did not succeed: {view}")


def profile_of(shape: Shape) -> dict[str, Any]:
    """Microseconds of one step by part; `queue` is what none of the parts accounts for: the loop, tasks, waiting."""
    profile = Profile()
    figures = asyncio.run(measure(shape, profile=profile))
    steps = shape.steps * shape.runs
    parts = {part: round(seconds / steps * 1e6, 1) for part, seconds in sorted(profile.seconds.items())}
    total = round(figures["seconds"] / steps * 1e6, 1)
    # With many at once the writer's thread works beside the loop: then the parts may add up to more than the whole.
    queue = round(max(0.0, total - sum(parts.values())), 1)
    return {"shape": shape.name, "profile_us_per_step": {"publish": 0.0} | parts | {"queue": queue}, "total_us": total}


def peers(folder: Path, shape: Shape) -> Iterator[dict[str, Any]]:
    """The other engines' figures for the same shape, by their own scripts in `folder`."""
    command = [sys.executable, str(folder / "peers.py"), "--engine", PEERS, "--nodes", str(shape.steps)]
    command += ["--runs", str(shape.runs), "--concurrency", str(shape.at_once), *shape.peers]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    for line in done.stdout.splitlines():
        figures = json.loads(line)
        kept = {k: figures.get(k) for k in ("ms_step", "steps_s", "commits_per_step", "disk_bytes_per_step", "fsync_ms_before", "error")}
        told = {"engine": figures["name"], "shape": shape.name, "nodes": shape.steps, "runs": shape.runs, "at_once": shape.at_once}
        yield told | {k: v for k, v in kept.items() if v is not None}


def run_all(*, nodes: int, runs: int, at_once: int, peers_folder: Path | None) -> Iterator[dict[str, Any]]:
    """One line a figure: every shape, beside the peers where they are there, and what a step is made of."""
    found = shapes(nodes=nodes, runs=runs, at_once=at_once)
    for shape in found:
        yield asyncio.run(measure(shape))
        if peers_folder is not None:
            yield from peers(peers_folder, shape)
    for shape in found[:2]:
        yield profile_of(shape)
