"""When steps become ready, how death spreads, and what `join: any` gives up (workflow.md, Running 2)."""

import pytest

from engine.errors import Transient
from engine.run import events
from tests.unit.run.driving import Trial, call, node


def test_steps_whose_edges_are_taken_run_at_the_same_time() -> None:
    run = Trial.of(["start", call("a"), call("b"), call("c"), "end"], ["start -> a", "start -> b", "start -> c", "c -> end"])
    assert run.live == ["a", "b", "c"]
    # All three start with one row: the one that ended the step before.
    assert [len(e.starts) for e in run.of_type(events.StepDone)] == [3]


def test_a_join_waits_for_all_its_edges() -> None:
    run = Trial.of(["start", call("a"), call("b"), call("j"), "end"], ["start -> a", "start -> b", "a -> j", "b -> j", "j -> end"])
    run.done("b")
    assert run.live == ["a"]
    run.done("a")
    assert run.live == ["j"]
    assert run.done("j").status == "succeeded"


def test_a_join_opens_once_although_several_edges_are_taken_in_one_turn() -> None:
    run = Trial.of(["start", call("a"), "b", "c", "j", "end"], ["start -> a", "a -> b", "a -> c", "b -> j", "c -> j", "j -> end"])
    assert run.done("a").paths == ["a", "b", "c", "j", "end"]


def test_two_ports_of_one_node_into_the_same_join_count_one_edge_each() -> None:
    run = Trial.of(["start", call("a", "x", "y"), "j", "end"], ["start -> a", "a.x -> j", "a.y -> j", "j -> end"])
    assert run.done("a", "y").paths == ["a", "j", "end"]


def test_a_join_goes_on_past_dead_edges() -> None:
    run = Trial.of(
        ["start", call("pick", "left", "right"), "l", "r", "j", "end"],
        ["start -> pick", "pick.left -> l", "pick.right -> r", "l -> j", "r -> j", "j -> end"],
    )
    assert run.done("pick", "left").paths == ["pick", "l", "j", "end"]
    assert run.status == "succeeded"


def test_death_spreads_along_a_whole_chain() -> None:
    run = Trial.of(
        ["start", call("pick", "left", "right"), "r1", "r2", "r3", call("l"), "j", "end"],
        ["start -> pick", "pick.left -> l", "pick.right -> r1", "r1 -> r2", "r2 -> r3", "r3 -> j", "l -> j", "j -> end"],
    )
    run.done("pick", "left").done("l")
    assert run.paths == ["pick", "l", "j", "end"]


def test_a_join_whose_edges_are_all_dead_never_runs_and_kills_what_follows() -> None:
    run = Trial.of(
        ["start", call("pick", "go", "stop"), "a", "b", "j", "after", "end"],
        ["start -> pick", "pick.go -> a", "pick.go -> b", "a -> j", "b -> j", "j -> after", "after -> end", "pick.stop -> end"],
    )
    assert run.done("pick", "stop").paths == ["pick", "end"]


def test_a_diamond_in_a_diamond_settles_every_edge_once() -> None:
    run = Trial.of(
        ["start", call("a", "x", "y"), call("b", "x", "y"), "c", "d", "e", "j", "end"],
        ["start -> a", "a.x -> b", "a.y -> c", "b.x -> d", "b.y -> e", "d -> j", "e -> j", "c -> j", "j -> end"],
    )
    run.done("a", "x").done("b", "y")
    assert run.paths == ["a", "b", "e", "j", "end"]


def test_any_join_starts_at_the_first_edge_and_gives_up_what_could_only_lead_there() -> None:
    run = Trial.of(
        ["start", call("fast"), call("slow"), call("j", join="any"), "end"],
        ["start -> fast", "start -> slow", "fast -> j", "slow -> j", "j -> end"],
    )
    run.done("fast")
    assert run.live == ["j"]
    assert run.cancelled_calls == ["slow"]
    assert "xslow" in run.log
    assert run.done("j").status == "succeeded"
    assert run.paths.count("j") == 1


def test_any_join_keeps_what_leads_elsewhere_too() -> None:
    run = Trial.of(
        ["start", call("fast"), call("slow"), call("j", join="any"), "other", "end"],
        ["start -> fast", "start -> slow", "fast -> j", "slow -> j", "slow -> other", "j -> end"],
    )
    run.done("fast").done("j")
    assert run.live == ["slow"]
    assert run.status == "running"
    run.done("slow")
    # The late edge into the join changes nothing.
    assert run.paths == ["fast", "slow", "j", "end", "other"]
    assert run.status == "succeeded"


def test_any_join_cancels_whole_chains_and_what_has_not_started_yet() -> None:
    run = Trial.of(
        ["start", call("fast"), call("s1"), call("s2"), call("s3"), "j2", node("j", join="any"), "end"],
        ["start -> fast", "start -> s1", "s1 -> s2", "start -> s3", "s2 -> j2", "s3 -> j2", "j2 -> j", "fast -> j", "j -> end"],
    )
    run.done("s3").done("fast")
    assert run.cancelled_calls == ["s1"]
    assert run.status == "succeeded"
    assert not {"s2", "j2"} & set(run.paths)


def test_any_join_gives_up_a_wait_and_its_inbox_item() -> None:
    run = Trial.of(
        ["start", call("fast"), node("ok", "approval"), call("j", join="any"), "end"],
        ["start -> fast", "start -> ok", "fast -> j", "ok.approved -> j", "j -> end"],
    )
    assert run.waiting == ["ok"]
    run.done("fast")
    assert run.waiting == []
    assert "xok" in run.log
    assert any("'cancelled'" in sql and parameters == ("run_1", "ok") for sql, parameters in run.statements)
    assert run.done("j").status == "succeeded"


def test_any_join_gives_up_a_retry_that_is_due_later() -> None:
    run = Trial.of(
        ["start", call("fast"), call("slow", retry={"attempts": 3, "backoff_s": 5}), call("j", join="any"), "end"],
        ["start -> fast", "start -> slow", "fast -> j", "slow -> j", "j -> end"],
    )
    run.fails("slow", Transient()).done("fast")
    run.wait(60)
    assert run.live == ["j"]


def test_any_join_ignores_edges_that_come_later_in_the_same_turn() -> None:
    run = Trial.of(
        ["start", call("a"), "b", "c", node("j", join="any"), "end"],
        ["start -> a", "a -> b", "a -> c", "b -> j", "c -> j", "j -> end"],
    )
    run.done("a")
    assert run.paths.count("j") == 1
    assert run.status == "succeeded"


def test_any_join_waits_while_dead_edges_come_in() -> None:
    run = Trial.of(
        ["start", call("a", "x", "y"), call("b"), "unused", call("j", join="any"), "end"],
        ["start -> a", "start -> b", "a.x -> j", "a.y -> unused", "b -> j", "j -> end"],
    )
    run.done("a", "y")
    assert run.live == ["b"]
    assert run.done("b").live == ["j"]


def test_any_join_whose_edges_all_die_dies_itself() -> None:
    run = Trial.of(
        ["start", call("a", "x", "y"), call("b", "x", "y"), call("j", join="any"), "after", "end"],
        ["start -> a", "start -> b", "a.x -> j", "b.x -> j", "j -> after", "after -> end", "a.y -> end"],
    )
    run.done("b", "y").done("a", "y")
    assert run.paths == ["a", "b", "end"]
    assert run.status == "succeeded"


def test_any_join_gives_up_a_whole_loop_with_the_loops_inside_it() -> None:
    run = Trial.of(
        ["start", call("fast"), call("h"), call("h2"), call("b2", "again", "out"), call("b", "again", "out"), call("j", join="any"), "end"],
        [
            "start -> fast", "start -> h", "h -> h2", "h2 -> b2",
            {"source": "b2", "port": "again", "target": "h2", "max_visits": 3}, "b2.out -> b",
            {"source": "b", "port": "again", "target": "h", "max_visits": 3}, "b.out -> j", "fast -> j", "j -> end",
        ],
    )  # fmt: skip
    run.done("h#1").done("h#1/h2#1")
    assert run.live == ["fast", "h#1/h2#1/b2"]
    run.done("fast")
    assert run.cancelled_calls == ["h#1/h2#1/b2"]
    assert run.live == ["j"]
    assert sorted(run.state.frames) == [""]
    assert run.done("j").status == "succeeded"


def test_any_join_finishes_and_records_an_unsafe_call_in_flight() -> None:
    run = Trial.of(
        ["start", call("fast"), call("pay", kind="unsafe_call", tool_calls=1), call("j", join="any"), "end"],
        ["start -> fast", "start -> pay", "fast -> j", "pay -> j", "j -> end"],
    )
    run.done("fast")
    assert run.live == ["j", "pay"]
    run.done("j")
    assert run.status == "running"
    run.done("pay", amount=5)
    assert run.status == "succeeded"
    assert run.paths.count("j") == 1
    assert [e.outputs for e in run.of_type(events.StepDone)][-1] == {"amount": 5}


def test_a_failing_unsafe_call_that_any_join_gave_up_does_not_fail_the_run() -> None:
    run = Trial.of(
        ["start", call("fast"), call("pay", kind="unsafe_call", retry={"attempts": 5}), call("j", join="any"), "end"],
        ["start -> fast", "start -> pay", "fast -> j", "pay -> j", "j -> end"],
    )
    run.done("fast").fails("pay", Transient()).done("j")
    assert run.status == "succeeded"
    assert run.timers == {}


def test_a_late_end_of_a_call_that_was_given_up_changes_nothing() -> None:
    run = Trial.of(
        ["start", call("fast"), call("slow"), call("j", join="any"), "end"],
        ["start -> fast", "start -> slow", "fast -> j", "slow -> j", "j -> end"],
    )
    late = run.calls["slow"]
    run.done("fast")
    rows = len(run.rows)
    run.calls["slow"] = late
    run.done("slow")
    assert len(run.rows) == rows


def test_what_any_join_gave_up_stays_charged() -> None:
    run = Trial.of(
        ["start", call("fast"), call("slow", tokens=70, cost_micro=7, llm_calls=1), call("j", join="any"), "end"],
        ["start -> fast", "start -> slow", "fast -> j", "slow -> j", "j -> end"],
    )
    run.done("fast")
    ledger = run.state.ledger
    assert (ledger.tokens, ledger.cost_micro, ledger.llm_calls) == (70, 7, 1)
    assert (ledger.reserved_tokens, ledger.reserved_cost_micro, ledger.reserved_llm_calls) == (0, 0, 0)


@pytest.mark.parametrize("order", [("a", "b"), ("b", "a")])
def test_the_order_in_which_calls_end_does_not_change_where_the_run_goes(order: tuple[str, str]) -> None:
    run = Trial.of(["start", call("a"), call("b"), "j", "end"], ["start -> a", "start -> b", "a -> j", "b -> j", "j -> end"])
    for path in order:
        run.done(path)
    assert sorted(run.paths) == ["a", "b", "end", "j"]
    assert run.status == "succeeded"
