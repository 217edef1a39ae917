"""Whatever a run is and whatever happens to it: its journal tells the same story as its state, and its books agree.

Every turn of a `Trial` folds the journal rows into a second state and compares after each row; see driving.py.
"""

from __future__ import annotations

from random import Random
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from engine.run import events
from engine.run.state import ENDED
from tests.unit.run.driving import Trial, ledger_reserved
from tests.unit.run.random_runs import Fate, documents, run_of

seeds = st.integers(0, 2**32 - 1)


@settings(max_examples=150)
@given(value=documents(), seed=seeds)
def test_the_journal_tells_the_same_as_the_state_whatever_happens(value: dict[str, Any], seed: int) -> None:
    run = Fate(run_of(value), Random(seed), troubles=True).go_on()
    if run.status in ENDED:
        # What is in doubt stays a question, also when the run has failed.
        assert run.live == [path for path in run.waiting if run.state.steps[path].status != "in_doubt"] == []
        assert ledger_reserved(run.state) == run.state.ledger.open == 0
    assert_every_wait_was_closed_once(run)


@settings(max_examples=100)
@given(value=documents(errors=False), seed=seeds)
def test_a_run_without_trouble_always_ends(value: dict[str, Any], seed: int) -> None:
    run = Fate(run_of(value), Random(seed), troubles=False).go_on(2_000)
    assert run.status in ("succeeded", "stopped", "failed")
    if run.status == "failed":
        # Nothing else can fail here.
        assert run.state.failure is not None and run.state.failure["code"] == "loop_both_ways"
    if run.status == "stopped":
        assert run.state.halted in ("max_visits", "steps")
    if run.status == "succeeded":
        assert set(run.state.frames) == {""} and not run.state.frames[""].live
        assert run.state.items == run.state.ended == run.state.full == {}


@settings(max_examples=100)
@given(value=documents(errors=False, loops=False, any_joins=False, boxes=False, most=12), seed=seeds)
def test_without_loops_a_step_runs_exactly_when_an_edge_to_it_was_taken(value: dict[str, Any], seed: int) -> None:
    run = Fate(run_of(value), Random(seed), troubles=False).go_on(500)
    assert run.status == "succeeded"
    port_of = {row.path: e.port for row, e in zip(run.rows, run.events, strict=True) if isinstance(e, events.StepDone)}
    passed = {line.removeprefix("~") for line in run.log if line.startswith("~")}
    expected = {"start"}
    while True:
        taken = {
            e["target"] for e in value["edges"] if e["source"] in expected and e["port"] == leaves_by(run, e["source"], port_of, passed)
        }
        if taken <= expected:
            break
        expected |= taken
    assert expected == {"start", *run.paths} | passed
    assert_started_after_what_leads_there(run, value)


@settings(max_examples=60)
@given(value=documents(errors=False, loops=False), first=seeds, second=seeds)
def test_without_any_joins_and_choices_the_order_of_calls_does_not_matter(value: dict[str, Any], first: int, second: int) -> None:
    for n in value["nodes"]:
        if isinstance(n, dict):
            n["join"] = "all"
            n["disabled"] = False
    runs = []
    for seed in (first, second):
        run = run_of(value)
        random = Random(seed)
        while run.status not in ENDED:
            path = random.choice([*run.calls, *run.waiting])
            run.done(path, run.calls[path].node.config.ways[0]) if path in run.calls else run.answer(path)
        runs.append((sorted(run.paths), run.output, run.status))
    assert runs[0] == runs[1]


def leaves_by(run: Trial, source: str, port_of: dict[str, Any], passed: set[str]) -> str | None:
    if source not in passed:
        return port_of[source]
    ports = run.plan.nodes[source].ports
    return next((p for p in ("out", "else", "unsure") if p in ports), ports[0])


def assert_started_after_what_leads_there(run: Trial, value: dict[str, Any]) -> None:
    for edge in value["edges"]:
        ended, started = f"-{edge['source']}", f"+{edge['target']}"
        if ended in run.log and started in run.log:
            assert run.log.index(ended) < run.log.index(started)


def assert_every_wait_was_closed_once(run: Trial) -> None:
    """Of each path at most the latest item is open, and only while its step waits."""
    paths = [item.path for item in run.items()]
    attempts = [(item.path, item.attempt) for item in run.items()]
    assert len(set(attempts)) == len(attempts)
    assert set(run.waiting) <= set(paths)
