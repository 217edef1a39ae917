"""A run of many steps, written into the journal of a home in one go: executing it would take a test's whole time."""

from __future__ import annotations

import itertools
from dataclasses import asdict
from pathlib import Path
from typing import Any

from app.gate import COMMAND_LINE
from engine import EngineThread, Settings
from engine.run import codec, events
from engine.storage.journal import Commit, Head, NewRun

BODY = 9
"""Steps in one round of the loop, the one that decides about another round apart."""


def document(rounds: int) -> dict[str, Any]:
    """Start, a loop of ten steps, done."""
    body = [{"id": f"s{i}", "kind": "set", "title": f"Work {i + 1}", "config": {"values": {"n": "visit"}}} for i in range(BODY)]
    again = {"port": "more", "label": "More to do", "when": f"visit < {rounds}"}
    nodes = [
        {"id": "start", "kind": "start", "config": {"inputs": {"type": "object", "properties": {}}}},
        *body,
        {"id": "again", "kind": "branch", "title": "Another round?", "config": {"cases": [again]}},
        {"id": "done", "kind": "end", "config": {"output": {}}},
    ]
    chain = ["start", *(node["id"] for node in body), "again"]
    edges: list[dict[str, Any]] = [{"source": a, "target": b} for a, b in itertools.pairwise(chain)]
    edges += [
        {"source": "again", "port": "more", "target": "s0", "max_visits": rounds + 1},
        {"source": "again", "port": "else", "target": "done"},
    ]
    return {"format": "signalbox/1", "name": "Long run", "limits": {"steps": 100_000}, "nodes": nodes, "edges": edges}


def write(home: Path, *, rounds: int = 1000, name: str = "run_long", **settings: str) -> str:
    """The id of a run that has ended, of `10 * rounds + 2` steps; the home is not served at the time."""
    thread = EngineThread.open(Settings.load({"SIGNALBOX_HOME": str(home), **settings}))
    try:
        saved = thread.run(thread.engine.workflows.create(COMMAND_LINE, document(rounds)))
        thread.run(thread.engine.workflows.publish(COMMAND_LINE, saved.id))
        core = thread.engine._core
        found = core.reader.beginning(COMMAND_LINE.workspace_id, saved.id, None)
        assert found is not None and found.doc_hash is not None
        plan = core.plans.of(found.doc_hash)
        paths = ["start", *(path for number in range(1, rounds + 1) for path in _round(number)), "done"]
        at = core.clock.now_us() - 1000 * len(paths) - 60_000_000
        began = at
        first = events.RunStarted(
            workflow=saved.id,
            hash=plan.hash,
            version=1,
            inputs={},
            limits=asdict(plan.limits),
            by="ann",
            by_name="Ann",
            starts=(events.Start("start"),),
        )
        rows = [codec.to_row(first, seq=1, at=at, path="", attempt=0, blobs=[])]
        for path, following in zip(paths, [*paths[1:], None], strict=True):
            at += 1000
            port = ("else" if following == "done" else "more") if path.endswith("again") else None if path == "done" else "out"
            starts = () if following is None else (events.Start(following),)
            done = events.StepDone(started_at=at - 900, port=port, outputs={"n": len(rows)}, starts=starts)
            rows.append(codec.to_row(done, seq=len(rows) + 1, at=at, path=path, attempt=1, blobs=[]))
        rows.append(codec.to_row(events.RunEnded(status="succeeded", output={}), seq=len(rows) + 1, at=at, path="", attempt=0, blobs=[]))
        head = Head("succeeded", "", 0, 0, at - began, len(paths), 0, 0, at, at)
        new = NewRun(saved.id, "Long run", 1, plan.hash, "live", "ann", began, "test")
        commit = Commit(
            run_id=name, workspace_id=COMMAND_LINE.workspace_id, epoch=1, expected_epoch=1, expected_head=0, rows=rows, head=head, new=new
        )
        thread.run(core.journal.commit(commit))
    finally:
        thread.close()
    return name


def _round(number: int) -> list[str]:
    loop = f"s0#{number}"
    return [loop, *(f"{loop}/s{i}" for i in range(1, BODY)), f"{loop}/again"]
