"""Try-outs of random workflows come to what the whole run came to; what stands in for a step is replayed as it was."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from engine.errors import StepMissing
from engine.facade.earlier import kept_by_path
from engine.facade.tryouts import _before_place
from engine.graph.plan import Plan
from engine.nodes.contract import Outcome
from engine.run import events
from engine.run.beginning import TryOut
from engine.run.happenings import Finished
from engine.run.paths import in_order, node_of, slot_of, visits_of
from engine.run.state import ENDED
from engine.run.trial import Kept, Reuse, after, before
from engine.storage.journal_reader import Mark
from tests.unit.run.driving import Trial, call, edge, plan_of
from tests.unit.run.random_runs import documents

seeds = st.integers(0, 2**32 - 1)


def drive(run: Trial, seed: int) -> Trial:
    """To its end; how a step ends depends on its path alone."""
    for _ in range(500):
        if run.status in ENDED or run.status == "stopped":
            return run
        path = sorted([*run.calls, *run.waiting])[0]
        random = Random(f"{seed} {path}")
        if path in run.calls:
            prepared = run.calls.pop(path)
            port = random.choice(prepared.node.config.ways)
            run.tell(Finished(path, prepared.attempt, prepared.given, Outcome({"came_from": path}, port)))
        else:
            run.answer(path, random.choice(("approved", "rejected")))
    raise AssertionError("it does not end")


def planned(value: dict[str, Any]) -> Plan:
    return plan_of(value["nodes"], value["edges"], limits=value["limits"])


def done(run: Trial) -> dict[str, events.StepDone]:
    """Path -> how it ended, boxes' insides apart."""
    found = {row.path: e for row, e in zip(run.rows, run.events, strict=True) if isinstance(e, events.StepDone)}
    return {path: e for path, e in found.items() if "[" not in path}


def reuse_of(base: Trial, node: str) -> tuple[Reuse, dict[str, Kept]]:
    marks = {row.path: Mark("run_0", row.seq, row.at, row.kind, row.path, row.attempt) for row in base.rows if row.kind == "step_done"}
    marks = {path: mark for path, mark in marks.items() if "[" not in path and path != "start"}
    place, chosen = _before_place(base.plan, node, marks)
    kept = kept_by_path({path: done(base)[path] for path in chosen}, "run_0", base.plan.nodes)
    return Reuse(base.plan, events.Trial("from", node), kept, place), kept


def some_step(base: Trial, random: Random) -> str:
    """A node outside of boxes that ran."""
    ran = sorted({node_of(path) for path in done(base)} - {"start"})
    assume(ran)
    return random.choice(ran)


@settings(max_examples=60)
@given(value=documents(errors=False, any_joins=False), seed=seeds)
def test_from_any_step_on_a_run_comes_to_what_it_came_to(value: dict[str, Any], seed: int) -> None:
    base = drive(Trial.tried(planned(value)), seed)
    assume(base.status == "succeeded")
    node = some_step(base, Random(seed))
    reuse, kept = reuse_of(base, node)
    again = drive(Trial.tried(base.plan, TryOut(events.Trial("from", node), reuse=reuse)), seed)
    assert (again.status, again.output) == ("succeeded", base.output)
    assert {path: e.port for path, e in done(again).items()} == {path: e.port for path, e in done(base).items()}
    taken = {path for path, e in done(again).items() if e.reused}
    assert taken <= set(kept) and reuse.place not in taken
    # What waits for the end of the loop that the step stands in is executed: only what lies before the step must be taken over.
    assert not {node_of(path) for path in set(kept) - taken} & before(base.plan, node)
    assert set(again.paths) & taken == set()


@settings(max_examples=60)
@given(value=documents(errors=False, any_joins=False), seed=seeds)
def test_until_any_step_a_run_does_what_the_whole_one_did_and_no_more(value: dict[str, Any], seed: int) -> None:
    base = drive(Trial.tried(planned(value)), seed)
    assume(base.status == "succeeded")
    node = some_step(base, Random(seed))
    until = drive(Trial.tried(base.plan, TryOut(events.Trial("until", node))), seed)
    first = next(path for path in done(base) if node_of(path) == node)
    assert until.status == "succeeded" and first in done(until)
    assert set(until.paths) <= set(base.paths)
    assert {node_of(path) for path in done(until)} <= before(base.plan, node) | {node, "start"}
    assert until.live == until.waiting == []


def test_paths_are_ordered_by_the_visits_of_their_common_loops() -> None:
    assert visits_of("a#2/b#3/x") == [("a", 2), ("b", 3)] and visits_of("x") == []
    assert in_order("a#1/b#9/x", "a#2/b#1/x") < 0 < in_order("a#2/b#3", "a#2/b#2/x")
    assert in_order("a#2/x", "a#2/b#3/y") == in_order("a#1", "c#2") == in_order("x", "y") == 0
    assert slot_of("a#2/b#3/x") == "a" and slot_of("each[3]/x") == "each" and slot_of("x") == "x"


def test_what_comes_before_and_after_a_step_of_a_loop() -> None:
    plan = plan_of(
        ["start", call("h"), call("x", "on", "back"), "last", "end"],
        ["start -> h", "h -> x", edge("x.back -> h", max_visits=3), "x.on -> last", "last -> end"],
    )
    assert after(plan, "h") == {"x", "last", "end"} and before(plan, "h") == {"start"}
    assert before(plan, "last") == {"start", "h", "x"} and after(plan, "x") == {"last", "end"}


def test_a_step_that_only_computes_is_worked_out_where_it_has_no_result() -> None:
    plan = plan_of(["start", "new", call("a"), call("b"), "end"], ["start -> new", "new -> a", "a -> b", "b -> end"])
    trial = events.Trial("from", "b")
    run = Trial.tried(plan, TryOut(trial, reuse=Reuse(plan, trial, {"a": Kept("run_0", "out", {})}, None)))
    assert run.live == ["b"] and [path for path, e in done(run).items() if e.reused] == ["a"]
    with pytest.raises(StepMissing, match="Run “a” first"):
        Trial.tried(plan, TryOut(trial, reuse=Reuse(plan, trial, {}, None)))


def test_a_step_that_left_by_a_port_that_is_gone_has_to_run_first() -> None:
    plan = plan_of(["start", call("a"), call("b"), "end"], ["start -> a", "a -> b", "b -> end"])
    trial = events.Trial("from", "b")
    with pytest.raises(StepMissing, match="has no such way any more"):
        Trial.tried(plan, TryOut(trial, reuse=Reuse(plan, trial, {"a": Kept("run_0", "left", {})}, None)))


def test_what_stands_in_for_an_unsafe_call_is_never_in_doubt() -> None:
    nodes = ["start", call("send", kind="unsafe_call"), "end"]
    plan = plan_of(nodes, ["start -> send", "send -> end"])
    run = Trial(plan)
    turn = run._new_turn()
    limits = {name: getattr(plan.limits, name) for name in plan.limits.__dataclass_fields__}
    pins = {"send": {"port": "out", "outputs": {"sent": True}}}
    run.by_hand = True
    turn.record(events.RunStarted(limits=limits, mode="test", pins=pins))
    run._finish(turn)
    run.next_turn()
    assert run.state.steps["send"].status == "running" and not run.state.steps["send"].is_unsafe
    run.by_hand = False
    run.crash()
    assert run.status == "succeeded" and done(run)["send"].pinned and not run.live


def test_a_loop_of_pinned_steps_meets_the_limit_of_steps() -> None:
    plan = plan_of(
        ["start", call("a", "on", "back"), "end"],
        ["start -> a", "a.on -> end", edge("a.back -> a", max_visits=1_000_000)],
        limits={"steps": 20},
    )
    run = Trial.tried(plan, pins={"a": {"port": "back", "outputs": {}}})
    assert run.status == "stopped" and run.state.halted == "steps"
