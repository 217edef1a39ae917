"""What grows with size and must not: a step's cost in a long run, memory of runs that wait, the time a large document takes."""

from __future__ import annotations

import asyncio
import gc
import resource
import tempfile
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from engine.cli.bench_documents import KILOBYTE, chain, document, growing, looping
from engine.cli.bench_engine import BENCH, bytes_in
from engine.facade.engine import Engine
from engine.graph.validate import check
from engine.nodes.registry import Registry
from engine.settings import Settings

TENTHS = 10
BEST_OF = 5


async def long_run(*, steps: int) -> dict[str, Any]:
    """One run of that many steps in a loop."""
    return {"bench": "long run", "steps": steps} | await _one_run(looping(steps), steps=steps, rows=steps, inputs={})


async def growing_run(*, items: int) -> dict[str, Any]:
    """One run whose state grows by 1 KB a step."""
    numbers = list(range(items))
    figures = await _one_run(growing(items), steps=items, rows=2 * items, inputs={"items": numbers})
    return {"bench": "growing state", "steps": items} | figures


async def _one_run(drawn: dict[str, Any], *, steps: int, rows: int, inputs: dict[str, Any]) -> dict[str, Any]:
    with tempfile.TemporaryDirectory(prefix="signalbox-bench-") as home, tempfile.TemporaryDirectory(prefix="signalbox-bench-") as empty:
        async with _opened(Path(empty)):
            pass
        figures = await _measured(Path(home), drawn, steps=steps, rows=rows, inputs=inputs)
        # What a database without runs takes is not the steps'.
        return figures | {"bytes_step": round((bytes_in(Path(home)) - bytes_in(Path(empty))) / steps)}


async def _measured(home: Path, drawn: dict[str, Any], *, steps: int, rows: int, inputs: dict[str, Any]) -> dict[str, Any]:
    async with _opened(home) as engine:
        saved = await engine.workflows.create(BENCH, drawn)
        await engine.workflows.publish(BENCH, saved.id)
        before, began = rss_mb(), time.perf_counter()
        started = await engine.runs.start(BENCH, saved.id, inputs=inputs)
        marks, memory = await _tenths(engine, rows)
        view = await engine.runs.wait(BENCH, started.run_id, seconds=36_000)
        seconds = time.perf_counter() - began
        if view is None or view.status != "succeeded":
            raise RuntimeError(f"The run {started.run_id} did not succeed: {view}")
    cpu = [round(mark / (steps / TENTHS) * 1e6, 1) for mark in marks]
    return {
        "seconds": round(seconds, 2),
        "cpu_us_step_by_tenth": cpu,
        "last_to_second": round(cpu[-1] / cpu[1], 3),
        "rss_mb_before": before,
        "rss_mb_by_tenth": memory,
    }


async def _tenths(engine: Engine, rows: int) -> tuple[list[float], list[float]]:
    """Seconds of this process's own work in each tenth of the run but the last, and its memory then."""
    marks: list[float] = []
    memory: list[float] = []
    first, last = engine.journal_counts.rows, time.process_time()
    while len(marks) < TENTHS - 1:
        await asyncio.sleep(0.005)
        if engine.journal_counts.rows - first >= rows // TENTHS * (len(marks) + 1):
            now = time.process_time()
            marks.append(now - last)
            memory.append(rss_mb())
            last = now
    return marks, memory


async def waiting_runs(*, runs: int) -> dict[str, Any]:
    """What this process needs for runs that wait for an approval."""
    asking = document(
        [{"id": "ok", "kind": "approval", "config": {"title": "Go on?", "message": "{{ inputs.text }}"}}],
        [("start", "out", "ok"), ("ok", "approved", "done")],
        steps=3,
    )
    with tempfile.TemporaryDirectory(prefix="signalbox-bench-") as home:
        figures = await _waiting(Path(home), asking, runs=runs)
        return figures | {"bytes_run": round(bytes_in(Path(home)) / runs)}


async def _waiting(home: Path, drawn: dict[str, Any], *, runs: int) -> dict[str, Any]:
    async with _opened(home) as engine:
        saved = await engine.workflows.create(BENCH, drawn)
        await engine.workflows.publish(BENCH, saved.id)

        async def start(count: int) -> None:
            for _ in range(count):
                await engine.runs.start(BENCH, saved.id, inputs={"text": KILOBYTE})
            for _ in range(1_000):
                if not engine.active_runs:
                    break
                await asyncio.sleep(0.01)

        # What is imported and cached with the first runs is not the runs' own.
        await start(50)
        gc.collect()
        before = rss_mb()
        await start(runs)
        gc.collect()
        return {
            "bench": "waiting runs",
            "runs": runs,
            "rss_mb_more": round(rss_mb() - before, 1),
            "in_memory": engine.active_runs,
        }


def large_document(*, nodes: int) -> dict[str, Any]:
    """Milliseconds that checking and compiling a document takes, at best."""
    drawn, registry = chain(nodes), Registry.builtin()

    def once() -> float:
        began = time.perf_counter()
        if check(drawn, registry).plan is None:
            raise RuntimeError("The document has problems.")
        return (time.perf_counter() - began) * 1e3

    return {"bench": "document", "nodes": nodes, "ms": round(_best(once), 1)}


def _best(measure: Callable[[], float]) -> float:
    return min(measure() for _ in range(BEST_OF))


@asynccontextmanager
async def _opened(home: Path) -> AsyncIterator[Engine]:
    engine = await Engine.open(Settings.load({"SIGNALBOX_HOME": str(home)}))
    try:
        yield engine
    finally:
        await engine.close()


def rss_mb() -> float:
    """Memory that this process has now."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return round(pages * resource.getpagesize() / 1e6, 1)
