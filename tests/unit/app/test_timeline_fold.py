"""The page of a run folds events into the same steps, amounts and status as the engine does, whatever happened to the run."""

from __future__ import annotations

from random import Random
from typing import Any

from engine.facade.run_views import event_view
from engine.insight.timeline import steps_of
from engine.run import codec
from engine.run.beginning import TryOut
from engine.run.decide import run_status
from engine.run.events import Trial as Start
from engine.run.state import fold, new_state
from engine.run.trial import Kept, Reuse
from tests.unit.app.javascript import run as javascript
from tests.unit.run.driving import Trial, call, plan_of
from tests.unit.run.random_runs import Fate, random_document, run_of

FOLDER = "app/components/timeline"
FOLD = """
import { emptyRun, fold, busyUs } from "./fold.js";
---
given.map(({ before, behind }) => {
  const run = fold(fold(emptyRun(), before), [...before.slice(-2), ...behind]);
  const steps = [...run.steps.values()];
  return {
    status: run.status, used: { ...run.used, busy_us: Math.round(busyUs(run, run.at)) }, running: run.running,
    steps: steps.filter((s) => s.tries.length || !["ready", "cancelled"].includes(s.status)).map((s) => [s.path, s.status, s.attempt]),
    open: steps.filter((s) => !["running", "waiting", "in_doubt"].includes(s.status) && s.spans.some((p) => p.to === null)).length,
  };
})
"""


MARKS = """
import { emptyRun, fold } from "./fold.js";
---
[...fold(emptyRun(), given).steps.values()].map((step) => [step.path, step.reused, step.pinned])
"""


def told(trial: Trial, rows: int) -> list[dict[str, Any]]:
    """The first events of a run, as the API tells them."""
    return [
        event_view(row, codec.from_row(row, trial.blobs.get), address=f"/api/v1/runs/run_1/events/{row.seq}").model_dump()
        for row in trial.rows[:rows]
    ]


def engine_says(trial: Trial, rows: int) -> dict[str, Any]:
    decoded = [(row, codec.from_row(row, trial.blobs.get)) for row in trial.rows[:rows]]
    state = new_state(trial.plan, "run_1")
    for row, event in decoded:
        fold(state, event, at=row.at, path=row.path, attempt=row.attempt)
    ledger = state.ledger
    amounts = {name: getattr(ledger, name) for name in ("cost_micro", "tokens", "llm_calls", "tool_calls", "steps")}
    return {
        # Between the rows of one commit no status means anything.
        "status": run_status(state) if rows == len(trial.rows) else None,
        # Moments are told to the millisecond in a browser, and the limit is told in whole ones.
        "used": amounts | {"busy_us": state.busy_us(state.at)},
        "running": state.running,
        "steps": [[step.path, step.status, step.attempt] for step in steps_of(decoded)],
        "open": 0,
    }


def test_the_page_tells_the_same_as_the_engine_whatever_happens() -> None:
    given, expected, seen = [], [], set()
    for seed in range(120):
        random = Random(seed)
        trial = Fate(run_of(random_document(random)), random, troubles=True).go_on()
        for rows in {len(trial.rows), random.randint(1, len(trial.rows))}:
            events = told(trial, rows)
            cut = random.randint(0, rows)
            given.append({"before": events[:cut], "behind": events[cut:]})
            expected.append(engine_says(trial, rows))
            seen |= {event["type"] for event in events}
    found = javascript(FOLD, given, folder=FOLDER)
    for number, (ours, theirs) in enumerate(zip(found, expected, strict=True)):
        assert abs(ours["used"].pop("busy_us") - theirs["used"].pop("busy_us")) <= 1000 * (1 + len(given[number]["before"])), number
        assert ours == (theirs if theirs["status"] else theirs | {"status": ours["status"]}), number
    # What the figures rest on: every kind of event that these runs can meet has been met.
    assert {
        "step_failed",
        "step_waiting",
        "limit_reached",
        "run_stopped",
        "run_resumed",
        "run_recovered",
        "run_cancelled",
        "step_in_doubt",
        "doubt_resolved",
    } <= seen


def test_the_page_tells_what_a_try_out_takes_over() -> None:
    plan = plan_of(["start", call("a"), call("b"), call("c"), "end"], ["start -> a", "a -> b", "b -> c", "c -> end"])
    trial = Start("from", "c")
    reuse = Reuse(plan, trial, {"a": Kept("run_0", "out", {"x": 1}), "b": Kept("run_0", "out", {})}, None)
    run = Trial.tried(plan, TryOut(trial, reuse=reuse), pins={"b": {"port": "out", "outputs": {}}}).done("c")
    events = told(run, len(run.rows))
    (found,) = javascript(FOLD, [{"before": [], "behind": events}], folder=FOLDER)
    expected = engine_says(run, len(run.rows))
    assert abs(found["used"].pop("busy_us") - expected["used"].pop("busy_us")) <= 1000 * len(events)
    assert found == expected and ["a", "done", 0] in found["steps"] and found["status"] == "succeeded"
    marks = javascript(MARKS, events, folder=FOLDER)
    assert marks == [["start", "", False], ["a", "run_0", False], ["b", "", True], ["c", "", False], ["end", "", False]]
