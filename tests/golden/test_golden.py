"""Journals that earlier versions have written load and replay to the same end."""

import json
from pathlib import Path
from typing import Any

import pytest

from engine.graph.validate import check
from engine.insight.timeline import steps_of
from engine.nodes.registry import Registry
from engine.run import codec
from engine.run.budget import spent_as_json
from engine.run.decide import run_status
from engine.run.state import fold, new_state
from engine.storage.journal import Row
from tests.golden.record import FOLDER, record

RECORDED = sorted(FOLDER.glob("*.json"))
RUNS = [(path.stem, name, run) for path in RECORDED for name, run in json.loads(path.read_text(encoding="utf-8")).items()]
every_run = pytest.mark.parametrize(("version", "name", "run"), RUNS, ids=[f"{version}-{name}" for version, name, _ in RUNS])


def rows_of(run: dict[str, Any]) -> list[Row]:
    return [Row(*row[:5], json.dumps(row[5]).encode()) for row in run["rows"]]


def no_blob(_: str) -> bytes | None:
    return None


def test_there_is_something_to_load() -> None:
    assert RECORDED and RUNS


@every_run
def test_a_recorded_journal_tells_what_it_told_then(version: str, name: str, run: dict[str, Any]) -> None:
    checked = check(run["document"], Registry.builtin())
    assert checked.plan is not None, checked.problems
    state = new_state(checked.plan, "run_1")
    decoded = [(row, codec.from_row(row, no_blob)) for row in rows_of(run)]
    for row, event in decoded:
        fold(state, event, at=row.at, path=row.path, attempt=row.attempt)
    assert run_status(state) == run["status"]
    amounts = {key: value for key, value in spent_as_json(state.ledger).items() if key != "seconds"}
    assert amounts == {key: value for key, value in run["spent"].items() if key != "seconds"}
    assert [[step.path, step.status, step.attempt, step.port] for step in steps_of(decoded)] == run["steps"]


async def test_what_is_recorded_today_holds_every_kind_of_event_that_these_steps_can_write(tmp_path: Path) -> None:
    told = await record(tmp_path / "home")
    kinds = {row[2] for run in told.values() for row in run["rows"]}
    assert {
        "run_started", "step_done", "step_failed", "step_waiting", "step_paused", "box_opened", "item_ended",
        "limit_reached", "limit_asked", "run_paused", "run_stopped", "run_resumed", "run_cancelled", "run_forked", "child_started",
        "child_returned", "run_ended",
    } <= kinds  # fmt: skip
    assert {run["status"] for run in told.values()} == {"succeeded", "failed", "cancelled", "stopped", "waiting"}
