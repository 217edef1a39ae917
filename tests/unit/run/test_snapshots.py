"""Whatever a run is and whatever happens to it: a snapshot after any row and the rows behind it come to what all rows come to."""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterator
from dataclasses import fields
from random import Random
from typing import Any

import msgspec
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from engine.graph.plan import Plan
from engine.graph.validate import check
from engine.nodes.registry import Registry
from engine.run import codec, events, snapshots
from engine.run.beginning import TryOut
from engine.run.events import RunCancelled, RunForked
from engine.run.frontier import Frame, Step
from engine.run.snapshots import KeptFrame, KeptState, KeptStep, Unreadable
from engine.run.state import RunState, fold, new_state
from engine.storage.journal import Row
from tests.golden.test_golden import RUNS, no_blob, rows_of
from tests.unit.run.driving import Trial, call, edge, node, plan_of
from tests.unit.run.random_runs import Fate, documents, random_document, run_of
from tests.unit.run.test_approvals import voided
from tests.unit.run.test_guards import guarded
from tests.unit.run.test_try_outs import drive
from tests.unit.run.whole import whole

seeds = st.integers(0, 2**32 - 1)
Told = list[tuple[Row, events.Event]]


def told(run: Trial) -> Told:
    return [(row, codec.from_row(row, run.blobs.get)) for row in run.rows]


def step_on(state: RunState, row: Row, event: events.Event) -> None:
    fold(state, event, at=row.at, path=row.path, attempt=row.attempt)


def kept(state: RunState, run_id: str = "run_1") -> RunState:
    return snapshots.decode(snapshots.encode(state, "run_1"), state.plan, run_id=run_id, of="run_1", seq=state.seq)


def states_of(plan: Plan, rows: Told) -> Iterator[RunState]:
    """The state after each row; checks on the way that a snapshot of it is it, and that every earlier one comes to it too."""
    state, follower = new_state(plan, "run_1"), new_state(plan, "run_1")
    for row, event in rows:
        step_on(state, row, event)
        step_on(follower, row, event)
        assert whole(follower) == whole(state), f"the snapshot before row {row.seq} goes another way"
        follower = kept(state)
        assert whole(follower) == whole(state), f"the snapshot after row {row.seq} is not what was kept"
        yield state


def assert_any_snapshot_will_do(plan: Plan, rows: Told, random: Random) -> None:
    copies = {state.seq: kept(state) for state in states_of(plan, rows)}
    end = whole(copies[len(rows)])
    for seq in random.sample(sorted(copies), min(3, len(copies))):
        state = copies[seq]
        for row, event in rows[seq:]:
            step_on(state, row, event)
        assert whole(state) == end


@settings(max_examples=60)
@given(value=documents(), seed=seeds)
def test_a_snapshot_and_the_rows_behind_it_come_to_what_all_rows_come_to(value: dict[str, Any], seed: int) -> None:
    random = Random(seed)
    run = Fate(run_of(value), random, troubles=True).go_on(80)
    assert_any_snapshot_will_do(run.plan, told(run), random)


@settings(max_examples=40)
@given(value=documents(), seed=seeds)
def test_a_fork_goes_on_from_a_snapshot_as_from_the_rows(value: dict[str, Any], seed: int) -> None:
    random = Random(seed)
    run = Fate(run_of(value), random, troubles=True).go_on(80)
    rows = told(run)
    shared = random.randint(1, len(rows))
    event = RunForked(origin="run_1", limits=limits_of(rows), mode="test", effects="simulated", inputs={"n": 2}, by="bea")
    state, origin = new_state(run.plan, "run_2"), new_state(run.plan, "run_1")
    behind = random.randint(1, shared)
    for row, known in rows[:shared]:
        step_on(state, row, known)
    for row, known in rows[:behind]:
        step_on(origin, row, known)
    snapshot = kept(origin, "run_2")
    assert snapshot.run_id == "run_2"
    for row, known in rows[behind:shared]:
        step_on(snapshot, row, known)
    for each in (state, snapshot):
        step_on(each, Row(shared + 1, run.clock.now_us(), "run_forked", "", 0, b""), event)
    assert whole(snapshot) == whole(state)
    again = snapshots.decode(snapshots.encode(state, "run_2"), run.plan, run_id="run_2", of="run_2", seq=shared + 1)
    assert whole(again) == whole(state)


def limits_of(rows: Told) -> dict[str, int]:
    return next(dict(event.limits) for _, event in rows if isinstance(event, events.RunStarted))


@settings(max_examples=40)
@given(value=documents(errors=False), seed=seeds)
def test_a_try_out_is_kept_like_any_run(value: dict[str, Any], seed: int) -> None:
    plan = plan_of(value["nodes"], value["edges"], limits=value["limits"])
    some = [id_ for id_, known in plan.nodes.items() if not known.is_disabled and id_ != plan.start]
    assume(some)
    wanted = Random(seed).choice(some)
    run = drive(Trial.tried(plan, TryOut(events.Trial("until", wanted)), effects="simulated"), seed)
    assert run.state.may_open is not None
    assert_any_snapshot_will_do(run.plan, told(run), Random(seed))


def golden(name: str) -> tuple[Plan, Told]:
    run = next(run for _, known, run in RUNS if known == name)
    checked = check(run["document"], Registry.builtin())
    assert checked.plan is not None
    return checked.plan, [(row, codec.from_row(row, no_blob)) for row in rows_of(run)]


@pytest.mark.parametrize("name", [name for _, name, _ in RUNS])
def test_every_recorded_journal_can_be_kept_after_any_row(name: str) -> None:
    assert_any_snapshot_will_do(*golden(name), Random(1))


def given_up_child() -> tuple[Plan, Told]:
    """A run that is cancelled while it waits for another one: that one's part stays set aside."""
    plan, rows = golden("child")
    started = next(place for place, (_, event) in enumerate(rows) if isinstance(event, events.ChildStarted))
    shown = rows[: started + 1]
    return plan, [*shown, (Row(len(shown) + 1, shown[-1][0].at + 5, "run_cancelled", "", 0, b""), RunCancelled(by="bea", reason="No."))]


def boxed_consent() -> tuple[Plan, Told]:
    """An approval inside a box has allowed an action there, which is under way."""
    nodes = [
        node("each", "map", config={"items": "[1, 2]", "concurrency": 2}),
        node("ok", "approval", config={"title": "?", "action": "do"}) | {"parent": "each"},
        call("do", kind="unsafe_call", tokens=5) | {"parent": "each"},
    ]
    run = Trial.of(["start", *nodes], [edge("start -> each"), edge("each.item -> ok"), edge("ok.approved -> do")])
    run.answer("each[0]/ok")
    assert run.state.items["each[0]"].consents
    return run.plan, told(run)


def lonely() -> tuple[Plan, Told]:
    """One step alone, whose values were handed over; what it charges shows in the state."""
    plan = plan_of(["start", call("a", cost_micro=9)], [edge("start -> a")])
    run = Trial.tried(plan, TryOut(events.Trial("only", "a", path="a")), inputs={"n": 1}, pins={"x": {"port": "out", "outputs": {}}})
    run.done("a", spent=events.Spent(cost_micro=7))
    return plan, told(run)


def loop_used_up() -> tuple[Plan, Told]:
    run = Trial.of(["start", call("a", "again", "on")], [edge("start -> a"), edge("a.again -> a", max_visits=1)])
    run.done("a#1", "again")
    return run.plan, told(run)


def badly_ended() -> tuple[Plan, Told]:
    end = {"id": "bad", "kind": "end", "config": {"output": {"x": "1"}, "outcome": "failure"}}
    run = Trial.of(
        ["start", call("a"), end, {**node("off"), "disabled": True}], [edge("start -> bad"), edge("start -> off"), edge("off -> a")]
    )
    return run.plan, told(run)


def child_with_another_model() -> tuple[Plan, Told]:
    plan, ((first, started), *_) = golden("model")
    assert isinstance(started, events.RunStarted)
    child = msgspec.structs.replace(started, parent="run_0", parent_path="call", parent_attempt=2, depth=1)
    met = events.LimitMet(limit="tokens", used=1, needed=2, allowed=2)
    happened = [child, met, events.RunStopped(reason="No."), events.RunResumed(limits={}, by="bea", model="cheap")]
    return plan, [(Row(seq, first.at + seq, codec.events.kind_of(event), "", 0, b""), event) for seq, event in enumerate(happened, 1)]


def votes_and_stand_ins() -> tuple[Plan, Told]:
    """A test run until its approval, which two have to agree to; a step before it is pinned."""
    ask = node("ok", "approval", config={"title": "?", "approvers": {"quorum": 2}})
    plan = plan_of(["start", call("a"), ask, node("b")], [edge("start -> a"), edge("a -> ok"), edge("ok.approved -> b")])
    pins = {"a": {"port": "out", "outputs": {"x": 1}}}
    run = Trial.tried(plan, TryOut(events.Trial("until", "ok")), effects="simulated", pins=pins)
    if "ok" in run.waiting:
        run.answer("ok", by="ann")
    return plan, told(run)


def given_up_call() -> tuple[Plan, Told]:
    """A join that takes the first has given an unsafe call up, which is in flight."""
    nodes = ["start", call("fast"), call("pay", kind="unsafe_call", tool_calls=1), call("j", join="any")]
    run = Trial.of(nodes, [edge("start -> fast"), edge("start -> pay"), edge("fast -> j"), edge("pay -> j")])
    run.done("fast")
    assert run.state.steps["pay"].is_given_up
    return run.plan, told(run)


def void_consent() -> tuple[Plan, Told]:
    """An approval is asked a second time: what would run is not what was allowed."""
    run = voided()
    assert run.state.steps["ok"].void_for
    return run.plan, told(run)


def guarded_step() -> tuple[Plan, Told]:
    """A person looks at what would go out, and allows it; then the next one waits."""
    run = guarded()
    run.answer("post")
    return run.plan, told(run)


def test_between_them_these_runs_have_set_every_field_of_the_state() -> None:
    """Else a field could be forgotten and nobody would see."""
    trials = [
        given_up_child(),
        boxed_consent(),
        lonely(),
        loop_used_up(),
        badly_ended(),
        child_with_another_model(),
        votes_and_stand_ins(),
        given_up_call(),
        void_consent(),
        guarded_step(),
        *(golden(name) for _, name, _ in RUNS),
    ]
    left = (
        {(RunState, f.name) for f in fields(RunState)} | {(Step, f.name) for f in fields(Step)} | {(Frame, f.name) for f in fields(Frame)}
    )
    random = Random(7)
    for seed in range(60):
        run = Fate(run_of(random_document(Random(seed))), random, troubles=True).go_on(60)
        trials.append((run.plan, told(run)))
    for plan, rows in trials:
        empty = new_state(plan, "run_1")
        for state in states_of(plan, rows):
            left -= {(RunState, f.name) for f in fields(RunState) if getattr(state, f.name) != getattr(empty, f.name)}
            for step in (*state.steps.values(), *state.leaving.values()):
                bare = Step("", step.node, "none")
                left -= {(Step, f.name) for f in fields(Step) if getattr(step, f.name) != getattr(bare, f.name)}
            for frame in state.frames.values():
                left -= {(Frame, f.name) for f in fields(Frame) if getattr(frame, f.name) != getattr(Frame("-", -1, "-", "-"), f.name)}
    by_themselves = {(RunState, "plan"), (RunState, "run_id"), (Step, "node")}
    assert sorted(f"{of.__name__}.{name}" for of, name in left - by_themselves) == []


def test_what_is_written_has_every_field_of_what_it_is_made_from() -> None:
    assert {f.name for f in fields(RunState)} - {"plan", "run_id"} == set(KeptState.__struct_fields__)
    assert {f.name for f in fields(Step)} == set(KeptStep.__struct_fields__)
    assert {f.name for f in fields(Frame)} == set(KeptFrame.__struct_fields__)


def some_state() -> RunState:
    plan, rows = golden("box")
    return list(states_of(plan, rows[:6]))[-1]


def test_a_damaged_snapshot_is_refused_at_every_byte() -> None:
    state = some_state()
    body = snapshots.encode(state, "run_1")
    for place in range(len(body)):
        broken = bytearray(body)
        broken[place] ^= 0x20
        try:
            read = snapshots.decode(bytes(broken), state.plan, run_id="run_1", of="run_1", seq=state.seq)
        except Unreadable:
            continue
        # Bits of the header that say nothing about the content.
        assert whole(read) == whole(state)
    for cut in range(len(body)):
        with pytest.raises(Unreadable):
            snapshots.decode(body[:cut], state.plan, run_id="run_1", of="run_1", seq=state.seq)


@pytest.mark.parametrize(("of", "seq"), [("run_2", 6), ("run_1", 5)])
def test_a_snapshot_of_something_else_is_refused(of: str, seq: int) -> None:
    state = some_state()
    with pytest.raises(Unreadable, match="not of"):
        snapshots.decode(snapshots.encode(state, "run_1"), state.plan, run_id="run_1", of=of, seq=seq)


def test_a_snapshot_that_names_a_step_which_the_plan_lacks_is_refused() -> None:
    state = some_state()
    other, _ = golden("form")
    other.hash = state.plan.hash
    with pytest.raises(Unreadable, match="does not have"):
        snapshots.decode(snapshots.encode(state, "run_1"), other, run_id="run_1", of="run_1", seq=state.seq)


def test_the_schema_that_is_hashed_tells_every_field_and_its_type() -> None:
    schema = json.dumps(msgspec.json.schema(snapshots.Kept))
    inside = ("reserved_tokens", "settled", "is_waived", "opened", "around", "llm_calls", "workflow", "what")
    for name in (*KeptState.__struct_fields__, *KeptStep.__struct_fields__, *KeptFrame.__struct_fields__, *inside):
        assert f'"{name}"' in schema, name
    assert snapshots.CODEC.startswith(f"{snapshots.VERSION}/") and len(snapshots.CODEC) > 10


def test_a_snapshot_is_smaller_than_what_it_holds() -> None:
    state = some_state()
    state.outputs["a"] = {"text": "the same words again and again " * 500}
    assert len(snapshots.encode(state, "run_1")) < len(zlib.decompress(snapshots.encode(state, "run_1"))) / 5
