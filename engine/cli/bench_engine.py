"""How fast the engine makes steps durable: alone, and beside other engines on the same machine in the same minute."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

from engine.facade.engine import Engine
from engine.people.permissions import MAIN_WORKSPACE, Actor, Role
from engine.run import executor, turn
from engine.run.live import Hub
from engine.settings import Settings
from engine.storage.journal import Journal

PEERS = "raw-sqlite-fenced,raw-sqlite-full,langgraph-sqlite-sync,langgraph-asqlite-sync,dbos-sqlite-wal,burr-sqlite"
KILOBYTE = "x" * 1024
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


def chain(nodes: int) -> dict[str, Any]:
    """start, `nodes` steps that each make 1 KB, end."""
    names = [f"n{i}" for i in range(nodes)]
    steps = [{"id": name, "kind": "set", "config": {"values": {"out": f"'{i:06d}{KILOBYTE}'"}}} for i, name in enumerate(names)]
    path = ["start", *names, "done"]
    return {
        "format": "signalbox/1",
        "name": f"Chain of {nodes}",
        "limits": {"steps": nodes + 10},
        "nodes": [{"id": "start", "kind": "start"}, *steps, {"id": "done", "kind": "end", "config": {"output": {"n": str(nodes)}}}],
        "edges": [{"source": a, "target": b} for a, b in pairwise(path)],
    }


async def measure(*, nodes: int, runs: int, at_once: int, profile: Profile | None) -> dict[str, Any]:
    """Runs the chain `runs` times, `at_once` at a time, each waited for to its end."""
    with tempfile.TemporaryDirectory(prefix="signalbox-bench-") as home:
        engine = await Engine.open(Settings.load({"SIGNALBOX_HOME": home}))
        try:
            saved = await engine.workflows.create(BENCH, chain(nodes))
            await engine.workflows.publish(BENCH, saved.id)
            await _one(engine, saved.id)
            before = (engine.journal_counts.commits, engine.journal_counts.rows)
            gate = asyncio.Semaphore(at_once)

            async def gated() -> None:
                async with gate:
                    await _one(engine, saved.id)

            began = time.perf_counter()
            if profile is not None:
                with profile.watching():
                    await asyncio.gather(*(gated() for _ in range(runs)))
            else:
                await asyncio.gather(*(gated() for _ in range(runs)))
            seconds = time.perf_counter() - began
            commits = engine.journal_counts.commits - before[0]
        finally:
            await engine.close()
        size = bytes_in(Path(home))
    # The peers count their N nodes; our start and end are steps too, and are paid for but not counted.
    steps = nodes * runs
    return {
        "engine": "signalbox",
        "nodes": nodes,
        "runs": runs,
        "at_once": at_once,
        "seconds": round(seconds, 3),
        "ms_step": round(seconds / steps * 1e3, 3),
        "steps_s": round(steps / seconds, 1),
        "commits_step": round(commits / steps, 4),
        "bytes_step": round(size / (steps + nodes)),
    }


def bytes_in(folder: Path) -> int:
    """What all files of a folder take."""
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())


async def _one(engine: Engine, workflow: str) -> None:
    started = await engine.runs.start(BENCH, workflow)
    view = await engine.runs.wait(BENCH, started.run_id, seconds=600)
    if view is None or view.status != "succeeded":
        raise RuntimeError(f"The run {started.run_id} did not succeed: {view}")


def profile_of(*, nodes: int, runs: int, at_once: int) -> dict[str, Any]:
    """Microseconds of one step by part; `queue` is what none of the parts accounts for: the loop, tasks, waiting."""
    profile = Profile()
    figures = asyncio.run(measure(nodes=nodes, runs=runs, at_once=at_once, profile=profile))
    steps = (nodes + 2) * runs
    parts = {part: round(seconds / steps * 1e6, 1) for part, seconds in sorted(profile.seconds.items())}
    total = round(figures["seconds"] / steps * 1e6, 1)
    # With many at once the writer's thread works beside the loop: then the parts may add up to more than the whole.
    queue = round(max(0.0, total - sum(parts.values())), 1)
    return {"profile_us_per_step": {"publish": 0.0} | parts | {"queue": queue}, "total_us": total, "at_once": at_once}


def peers(folder: Path, *, nodes: int, runs: int, at_once: int) -> Iterator[dict[str, Any]]:
    """The other engines' figures for the same shape, by their own scripts in `folder`."""
    command = [sys.executable, str(folder / "peers.py"), "--engine", PEERS]
    command += ["--nodes", str(nodes), "--runs", str(runs), "--concurrency", str(at_once)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    for line in done.stdout.splitlines():
        figures = json.loads(line)
        kept = {k: figures.get(k) for k in ("ms_step", "steps_s", "commits_per_step", "disk_bytes_per_step", "fsync_ms_before", "error")}
        yield {"engine": figures["name"], "nodes": nodes, "runs": runs, "at_once": at_once} | {
            k: v for k, v in kept.items() if v is not None
        }


def run_all(*, nodes: int, runs: int, at_once: int, peers_folder: Path | None) -> Iterator[dict[str, Any]]:
    """One line a figure: the chain, the crowd, both profiles, and the peers."""
    shapes = ((nodes, 1, 1), (max(1, nodes // 100), runs, at_once))
    for size, count, together in shapes:
        yield asyncio.run(measure(nodes=size, runs=count, at_once=together, profile=None))
        if peers_folder is not None:
            yield from peers(peers_folder, nodes=size, runs=count, at_once=together)
    for size, count, together in shapes:
        yield profile_of(nodes=size, runs=count, at_once=together)
