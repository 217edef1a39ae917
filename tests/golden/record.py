"""Records journals as this version writes them: `python -m tests.golden.record NAME` adds a file, which is never changed afterwards.

A release records its journals once; every later version must load them and replay them to the same end.
"""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from engine import Engine, Settings
from engine.clock import ManualClock
from engine.ids import CountingIds
from engine.llm.gateway import Gateway, GatewaySettings
from tests.golden.workflows import WORKFLOWS
from tests.integration.modelled import ANN, until

FOLDER = Path(__file__).parent / "journals"
REST = ("succeeded", "failed", "cancelled", "stopped", "paused", "waiting")


async def record(home: Path) -> dict[str, Any]:
    """Name of each run -> its journal, its document, and what the engine says of it."""
    clock = ManualClock()
    gateway = Gateway(GatewaySettings(practice_ms_per_token=0, find_ollama=lambda: None), clock=clock)
    engine = await Engine.open(Settings.load({"SIGNALBOX_HOME": str(home)}), clock=clock, ids=CountingIds(), gateway=gateway)
    told: dict[str, Any] = {}
    try:
        for name, (document, inputs, go_on) in WORKFLOWS.items():
            saved = await engine.workflows.create(ANN, {**document, "name": name})
            await engine.workflows.publish(ANN, saved.id)
            run = (await engine.runs.start(ANN, saved.id, inputs=inputs)).run_id
            run = await go_on(engine, run) if go_on else run
            await until(engine, run, lambda view: view.status in REST)
            told[name] = await recorded(engine, run)
    finally:
        await engine.close()
    return told


async def recorded(engine: Engine, run: str) -> dict[str, Any]:
    """One run as a file holds it."""
    reader = engine._core.reader
    stored = reader.run(run)
    assert stored is not None
    rows = [[row.seq, row.at, row.kind, row.path, row.attempt, json.loads(row.payload)] for row in reader.rows(run)]
    view, steps = await engine.runs.get(ANN, run), (await engine.runs.steps(ANN, run, limit=1000)).items
    return {
        "document": json.loads(reader.document(stored.doc_hash) or "null"),
        "rows": rows,
        "status": view.status,
        "reason": view.reason,
        "output": view.output,
        "spent": view.spent,
        "steps": [[step.path, step.status, step.attempt, step.port] for step in steps],
    }


GoOn = Callable[[Engine, str], Awaitable[str]]

if __name__ == "__main__":
    target = FOLDER / f"{sys.argv[1]}.json"
    if target.exists():
        sys.exit(f"{target} is recorded already; a recorded journal never changes.")
    with tempfile.TemporaryDirectory() as folder:
        found = asyncio.run(record(Path(folder) / "home"))
    FOLDER.mkdir(exist_ok=True)
    target.write_text(json.dumps(found, indent=1, ensure_ascii=False, sort_keys=True) + "\n", encoding="utf-8")
    print(f"{target}: {', '.join(found)}")
