"""One life of an engine that runs a code step: `python -m tests.integration.code_life HOME HITS` is killed when so many
checkpoints of its program are kept."""

import asyncio
import os
import signal
import sys
from collections import Counter
from pathlib import Path
from typing import Any

from engine.faultpoints import armed
from engine.run import programs
from tests.integration.running import ANN, opened
from tests.unit.graph.workflows import node

LAST = 40
CODE = """
total = 0
seen = []
for number in range(last):
    checkpoint()
    print(number)
    seen.append(number)
    total += number
result = {"total": total, "times": len(seen), "distinct": len(set(seen))}
"""
NODES = [
    node("start", "start") | {"config": {"inputs": {"type": "object", "properties": {"last": {"type": "integer"}}}}},
    node("count", "code") | {"config": {"code": CODE, "inputs": {"last": "inputs.last"}}},
    node("done", "end") | {"config": {"output": {"result": "nodes.count.result"}}},
]
EDGES = ["start -> count", "count -> done"]


async def live(home: Path, dies_after: int | None = None) -> dict[str, Any]:
    """What came of the run; every checkpoint is kept."""
    every_s, programs.KEEP_EVERY_S = programs.KEEP_EVERY_S, 0.0
    try:
        return await _lived(home, dies_after)
    finally:
        programs.KEEP_EVERY_S = every_s


async def _lived(home: Path, dies_after: int | None) -> dict[str, Any]:
    hits: Counter[str] = Counter()

    def at(name: str) -> None:
        hits[name] += 1
        if dies_after is not None and name == "program.committed" and hits[name] == dies_after:
            os.kill(os.getpid(), signal.SIGKILL)

    with armed(at):
        async with opened(home) as bench:
            runs = (await bench.engine.runs.list(ANN)).items
            run = runs[0].id if runs else await bench.start(NODES, EDGES, inputs={"last": LAST})
            view = await bench.until(run)
            step = (await bench.steps(run))["count"]
            return {
                "status": view.status,
                "output": view.output,
                "note": step.note,
                "attempt": step.attempt,
                "kept": hits["program.committed"],
            }


if __name__ == "__main__":
    asyncio.run(live(Path(sys.argv[1]), int(sys.argv[2])))
