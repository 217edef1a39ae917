"""What a long box costs: steps a second in each tenth of it, and the memory that the process needs at most."""

from __future__ import annotations

import asyncio
import resource
import tempfile
import time
from typing import Any

from engine.cli.bench_engine import BENCH
from engine.facade.engine import Engine
from engine.settings import Settings

TENTHS = 10
ROWS_AN_ITEM = 3
"""Two steps, and what was collected."""


def boxed(items: int, *, concurrency: int) -> dict[str, Any]:
    """start, a box whose body has two steps that hand the text of the item on, end."""
    values = {"first": {"out": "item.text"}, "second": {"length": "len(nodes.first.out)", "out": "item.text"}}
    body = [{"id": name, "kind": "set", "parent": "each", "config": {"values": v}} for name, v in values.items()]
    collect = '{"n": item.n, "length": nodes.second.length}'
    box = {"items": "inputs.rows", "max_items": items, "concurrency": concurrency, "collect": collect}
    return {
        "format": "signalbox/1",
        "name": f"Box of {items}",
        "limits": {"steps": 2 * items + 10},
        "nodes": [
            {"id": "start", "kind": "start"},
            {"id": "each", "kind": "map", "config": box},
            *body,
            {"id": "done", "kind": "end", "config": {"output": {"results": "nodes.each.results"}}},
        ],
        "edges": [
            {"source": "start", "target": "each"},
            {"source": "each", "port": "item", "target": "first"},
            {"source": "first", "target": "second"},
            {"source": "each", "target": "done"},
        ],
    }


async def measure(*, items: int, concurrency: int, size: int) -> dict[str, Any]:
    """Works `items` of `size` bytes through once; memory in MB, that of the process before the run apart."""
    with tempfile.TemporaryDirectory(prefix="signalbox-bench-") as home:
        engine = await Engine.open(Settings.load({"SIGNALBOX_HOME": home}))
        try:
            saved = await engine.workflows.create(BENCH, boxed(items, concurrency=concurrency))
            await engine.workflows.publish(BENCH, saved.id)
            # The list is as small as it can be, and its texts are shared: what grows is the engine's.
            rows = [{"n": n, "text": "x" * size} for n in range(items)]
            before = _peak_mb()
            began = time.perf_counter()
            started = await engine.runs.start(BENCH, saved.id, inputs={"rows": rows})
            marks = await _tenths(engine, items, began)
            view = await engine.runs.wait(BENCH, started.run_id, seconds=3_600)
            seconds = time.perf_counter() - began
            if view is None or view.status != "succeeded" or len((view.output or {})["results"]) != items:
                raise RuntimeError(f"The run {started.run_id} did not succeed: {view}")
        finally:
            await engine.close()
    return {
        "items": items,
        "concurrency": concurrency,
        "bytes": size,
        "seconds": round(seconds, 3),
        "steps_s": round(2 * items / seconds, 1),
        "ms_item_by_tenth": marks,
        "rss_mb_before": before,
        "rss_mb_peak": _peak_mb(),
    }


async def _tenths(engine: Engine, items: int, began: float) -> list[float]:
    """Milliseconds an item took in each tenth of the list, but for the last, told by the rows that are durable."""
    marks: list[float] = []
    last, wanted, rows = began, items * ROWS_AN_ITEM // TENTHS, engine.journal_counts.rows
    while len(marks) < TENTHS - 1:
        await asyncio.sleep(0.002)
        if engine.journal_counts.rows - rows >= wanted * (len(marks) + 1):
            now = time.perf_counter()
            marks.append(round((now - last) / (items / TENTHS) * 1e3, 3))
            last = now
    return marks


def _peak_mb() -> float:
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1)
