"""Attempts, pauses, crashes and what a resumed run does again (workflow.md, Running 3, 9, 12)."""

import math

import pytest

from engine.errors import Bug, OutputInvalid, Permanent, ProviderRateLimited, ProviderRejected, StepTimedOut, Transient, WrongState
from engine.nodes.contract import Outcome
from engine.run import events
from engine.run.events import Spent
from engine.run.happenings import Finished, TimerDue
from tests.unit.run.driving import Trial, call, edge, node


def tried(attempts: int = 3, *, backoff_s: float = 2, factor: float = 3, **more) -> Trial:
    retry = {"attempts": attempts, "backoff_s": backoff_s, "factor": factor}
    return Trial.of(["start", call("x", retry=retry, **more), "end"], ["start -> x", "x -> end"])


@pytest.mark.parametrize("error", [Transient(), ProviderRateLimited(), StepTimedOut(), OutputInvalid()])
def test_a_transient_error_is_tried_again_after_a_growing_pause(error: Transient) -> None:
    run = tried()
    run.fails("x", error)
    assert (run.status, run.live) == ("waiting", [])
    assert run.reason
    run.wait(1.9)
    assert run.live == []
    run.wait(0.2)
    assert run.live == ["x"]
    run.fails("x", error).wait(5.9)
    assert run.live == []
    run.wait(0.2).done("x")
    assert run.status == "succeeded"
    assert [e.retry_at is not None for e in run.of_type(events.StepFailed)] == [True, True]
    assert run.rows[-3].attempt == 3


@pytest.mark.parametrize("error", [Permanent(), ProviderRejected(), Bug("oops")])
def test_any_other_error_is_not_tried_again(error: Exception) -> None:
    assert tried().fails("x", error).status == "failed"


def test_a_step_fails_when_its_attempts_are_used_up() -> None:
    run = tried(2)
    run.fails("x", Transient("Busy.")).wait(2).fails("x", Transient("Still busy."))
    assert (run.status, run.reason) == ("failed", "x: Still busy.")
    assert run.state.ledger.steps == 3


def test_on_error_takes_effect_when_the_attempts_are_used_up() -> None:
    run = Trial.of(
        ["start", call("x", on_error="port", retry={"attempts": 2, "backoff_s": 0}), "bad", "end"],
        ["start -> x", "x -> end", "x.error -> bad"],
    )
    run.fails("x", Transient()).wait(0).fails("x", Transient())
    assert run.paths == ["x", "x", "bad"]


def test_the_provider_may_ask_for_a_longer_pause_but_not_for_a_shorter_one() -> None:
    run = tried()
    run.fails("x", ProviderRateLimited(details={"retry_after_s": 10})).wait(9)
    assert run.live == []
    run.wait(1).fails("x", ProviderRateLimited(details={"retry_after_s": 1})).wait(5)
    assert run.live == []
    assert run.wait(1).live == ["x"]


def test_the_longest_pause_is_a_year() -> None:
    run = tried(20, backoff_s=86_400, factor=100)
    for _ in range(10):
        run.fails("x", Transient()).wait(31_536_000)
    assert run.live == ["x"]
    assert max(e.retry_at for e in run.of_type(events.StepFailed)) < 2**63


@pytest.mark.parametrize("asked", ["soon", math.nan, math.inf, -5, None])
def test_a_pause_that_is_no_number_is_ignored(asked: object) -> None:
    run = tried(backoff_s=2)
    run.fails("x", ProviderRateLimited(details={"retry_after_s": asked})).wait(31_536_001)
    assert run.live == ["x"]


def test_a_step_that_only_computes_is_tried_again_too() -> None:
    run = Trial.of(["start", call("x", kind="fallible", say="transient", retry={"attempts": 2, "backoff_s": 1})], ["start -> x"])
    assert run.status == "waiting"
    assert run.wait(1).status == "failed"


def test_a_pause_holds_nothing_and_is_not_counted_as_seconds() -> None:
    run = tried(backoff_s=1000)
    run.clock.advance(1)
    run.fails("x", Transient()).wait(1000)
    run.clock.advance(2)
    run.done("x")
    assert run.state.ledger.busy_us == 3_000_000


def test_each_attempt_is_charged() -> None:
    run = tried(tokens=100)
    run.fails("x", Transient(), spent=Spent(tokens=30)).wait(2).done("x", spent=Spent(tokens=40))
    assert run.state.ledger.tokens == 70


def test_a_pause_survives_a_restart() -> None:
    run = tried()
    run.fails("x", Transient()).crash()
    assert run.live == []
    assert run.wait(2).live == ["x"]


def test_a_pause_that_ended_while_nobody_looked_is_over_at_the_next_turn() -> None:
    run = Trial.of(
        ["start", call("x", retry={"attempts": 3, "backoff_s": 1}), call("y"), call("z")], ["start -> x", "start -> y", "y -> z"]
    )
    run.fails("x", Transient())
    run.timers.clear()
    run.clock.advance(5)
    run.done("y")
    assert run.live == ["x", "z"]


def test_a_timer_of_an_earlier_attempt_changes_nothing() -> None:
    run = tried()
    run.fails("x", Transient()).wait(2)
    rows = len(run.rows)
    run.tell(TimerDue("x", 1, "retry"))
    run.tell(TimerDue("gone", 1, "retry"))
    assert len(run.rows) == rows


def test_a_timer_that_fires_while_the_run_is_stopped_is_not_lost() -> None:
    run = Trial.of(
        ["start", call("x", retry={"attempts": 3, "backoff_s": 5}), call("y"), "z", "end"],
        ["start -> x", "start -> y", "y -> z", "z -> end", "x -> end"],
        limits={"steps": 3},
    )
    run.fails("x", Transient()).done("y")
    assert run.status == "stopped"
    run.wait(5)
    assert run.status == "stopped"
    run.reload().resume(steps=50)
    assert run.live == ["x"]
    assert run.done("x").status == "succeeded"


def test_a_retry_that_comes_due_after_another_step_failed_runs_when_the_run_is_resumed() -> None:
    run = Trial.of(
        ["start", call("x", retry={"attempts": 3, "backoff_s": 5}), call("y"), "end"], ["start -> x", "start -> y", "x -> end", "y -> end"]
    )
    run.fails("y").fails("x", Transient())
    assert run.status == "failed"
    assert run.timers == {}
    run.wait(100).reload().resume()
    assert run.live == ["x", "y"]
    assert run.done("x").done("y").status == "succeeded"


# Resuming a failed run


def test_a_resumed_run_repeats_the_failed_step_only() -> None:
    run = Trial.of(["start", call("a"), call("b"), call("c"), "end"], ["start -> a", "start -> c", "a -> b", "b -> end", "c -> end"])
    run.done("a").done("c").fails("b")
    assert run.status == "failed"
    run.reload().resume()
    assert (run.status, run.live) == ("running", ["b"])
    run.done("b")
    assert run.status == "succeeded"
    assert [run.paths.count(p) for p in "abc"] == [1, 2, 1]
    assert [row.attempt for row in run.rows if row.path == "b"] == [1, 2]


def test_a_resumed_run_counts_attempts_anew() -> None:
    run = tried(2, backoff_s=1)
    run.fails("x", Transient()).wait(1).fails("x", Transient())
    assert run.status == "failed"
    run.resume().fails("x", Transient())
    assert run.status == "waiting"
    assert run.wait(1).done("x").status == "succeeded"


def test_what_had_become_ready_before_the_failure_starts_when_the_run_is_resumed() -> None:
    run = Trial.of(["start", call("a"), call("b"), call("b2"), "end"], ["start -> a", "start -> b", "b -> b2", "a -> end", "b2 -> end"])
    run.fails("a").done("b")
    assert run.status == "failed"
    run.resume()
    assert run.live == ["a", "b2"]


def test_a_resumed_run_asks_anew_what_the_failure_had_given_up() -> None:
    run = Trial.of(["start", call("a"), node("ok", "approval"), "end"], ["start -> a", "start -> ok", "a -> end", "ok.approved -> end"])
    first = run.item("ok")
    run.fails("a").resume()
    assert run.waiting == ["ok"]
    second = run.item("ok")
    assert first.id != second.id and (first.attempt, second.attempt) == (1, 2)
    run.done("a").answer("ok")
    assert run.status == "succeeded"


@pytest.mark.parametrize("ending", ["running", "waiting", "succeeded", "cancelled"])
def test_only_a_stopped_or_failed_run_can_be_resumed(ending: str) -> None:
    run = Trial.of(["start", call("a"), node("ok", "approval"), "end"], ["start -> a", "a -> ok", "ok.approved -> end"])
    if ending == "cancelled":
        run.cancel()
    elif ending != "running":
        run.done("a")
    if ending == "succeeded":
        run.answer("ok")
    assert run.status == ending
    with pytest.raises(WrongState, match=ending):
        run.resume()
    assert run.status == ending


# Cancelling


def test_cancelling_gives_up_calls_waits_and_pauses_and_keeps_the_reservation_charged() -> None:
    run = Trial.of(
        ["start", call("a", tokens=50), node("ok", "approval"), call("b", retry={"attempts": 2, "backoff_s": 9}), "end"],
        ["start -> a", "start -> ok", "start -> b", "a -> end"],
    )
    run.fails("b", Transient()).cancel()
    assert (run.status, run.reason, run.live, run.waiting) == ("cancelled", "Not needed.", [], [])
    assert run.cancelled_calls == ["a"]
    assert run.state.ledger.tokens == 50
    assert run.output is None
    assert any("'cancelled'" in sql and parameters == ("run_1", "ok") for sql, parameters in run.statements)


def test_a_stopped_run_can_be_cancelled_and_an_ended_one_cannot() -> None:
    run = Trial.of(["start", call("a"), "end"], ["start -> a", "a -> end"], limits={"steps": 1})
    assert run.status == "stopped"
    assert run.cancel().status == "cancelled"
    with pytest.raises(WrongState, match="cancelled"):
        run.cancel()
    done = Trial.of(["start", "end"], ["start -> end"])
    with pytest.raises(WrongState, match="succeeded"):
        done.cancel()


# Crashes


def test_after_a_crash_what_was_running_runs_again_and_keeps_its_reservation_charged() -> None:
    run = Trial.of(["start", call("a", tokens=50), "end"], ["start -> a", "a -> end"])
    run.crash()
    assert run.live == ["a"]
    assert run.of_type(events.RunRecovered)[0].lost == ("a",)
    assert (run.state.ledger.tokens, run.state.ledger.reserved_tokens) == (50, 50)
    run.done("a", spent=Spent(tokens=10))
    assert run.state.ledger.tokens == 60
    assert run.status == "succeeded"


def test_a_crash_uses_up_no_attempt() -> None:
    run = tried(2, backoff_s=1)
    run.crash().crash().fails("x", Transient()).wait(1)
    assert run.live == ["x"]
    assert run.state.steps["x"].attempt == 4


def test_after_a_crash_an_unsafe_call_is_in_doubt_and_never_repeated_by_itself() -> None:
    run = Trial.of(["start", call("pay", kind="unsafe_call", retry={"attempts": 5}), "end"], ["start -> pay", "pay -> end"])
    run.crash()
    assert (run.status, run.live, run.waiting) == ("waiting", [], ["pay"])
    assert run.reason == "pay is in doubt: somebody has to say in the inbox whether it happened."
    card = run.item("pay").card
    assert (card["type"], card["choices"], card["action"]["node"]) == ("in_doubt", ["done", "retry", "fail"], "pay")
    # However often the process dies, it stays one question.
    run.crash().crash()
    assert (run.status, run.live, len(run.items())) == ("waiting", [], 1)


def in_doubt(**more) -> Trial:
    """A payment that was running when the process died."""
    config = {"tokens": 40, "per_token": 0}
    run = Trial.of(["start", call("pay", kind="unsafe_call", **config, **more), "end"], ["start -> pay", "pay -> end"])
    return run.crash()


def test_what_happened_goes_on_with_the_result_that_a_person_writes() -> None:
    run = in_doubt()
    assert run.answer("pay", "done", receipt="R-17").status == "succeeded"
    assert run.state.outputs["pay"] == {"receipt": "R-17"}
    assert run.of_type(events.StepDone)[1].note["by_name"] == "Bea"


def test_what_did_not_happen_runs_again_only_when_a_person_says_so() -> None:
    run = in_doubt()
    assert run.answer("pay", "retry").live == ["pay"]
    assert run.state.steps["pay"].attempt == 2
    assert run.done("pay").status == "succeeded"


def test_what_did_not_happen_and_is_not_to_fails_as_the_step_says() -> None:
    assert in_doubt().answer("pay", "fail", reason="Not ours.").status == "failed"
    run = in_doubt(on_error="default", default_output={"receipt": None})
    assert run.answer("pay", "fail").status == "succeeded"


def test_what_was_reserved_for_a_call_in_doubt_stays_charged_whatever_comes_of_it() -> None:
    for decision in ("done", "retry", "fail"):
        run = in_doubt()
        assert (run.state.ledger.tokens, run.state.ledger.reserved_tokens) == (40, 0)
        run.answer("pay", decision)
        assert run.state.ledger.tokens == 40


def test_a_late_answer_of_a_call_in_doubt_changes_nothing() -> None:
    run = Trial.of(["start", call("pay", kind="unsafe_call"), "end"], ["start -> pay", "pay -> end"])
    zombie = run.calls["pay"]
    run.crash()
    rows = len(run.rows)
    run.tell(Finished("pay", zombie.attempt, {}, Outcome({"receipt": "late"}, "out")))
    assert (len(run.rows), run.status) == (rows, "waiting")
    run.answer("pay", "retry")
    run.tell(Finished("pay", zombie.attempt, {}, Outcome({"receipt": "late"}, "out")))
    assert run.live == ["pay"]


def test_an_unsafe_call_that_got_no_answer_in_time_is_not_tried_again() -> None:
    run = Trial.of(["start", call("pay", kind="unsafe_call", retry={"attempts": 5}), "end"], ["start -> pay", "pay -> end"])
    run.fails("pay", StepTimedOut("It took longer than 3 s."))
    assert (run.live, run.waiting) == ([], ["pay"])
    assert "got no answer: It took longer than 3 s." in run.item("pay").card["message"]


def test_a_doubt_outlives_the_failure_of_another_branch() -> None:
    run = Trial.of(["start", call("pay", kind="unsafe_call"), call("b"), "end"], ["start -> pay", "start -> b", "pay -> end", "b -> end"])
    run.crash()
    run.fails("b")
    assert (run.status, run.waiting) == ("failed", ["pay"])
    run.answer("pay", "done")
    assert run.status == "failed"
    assert run.resume().live == ["b"]
    assert run.done("b").status == "succeeded"


def test_a_cancelled_run_keeps_telling_that_nobody_knows() -> None:
    run = Trial.of(["start", call("pay", kind="unsafe_call"), call("b"), "end"], ["start -> pay", "start -> b", "pay -> end", "b -> end"])
    run.cancel()
    assert run.of_type(events.RunCancelled)[0].doubtful == ("pay",)


def test_a_crash_before_anything_ran_loses_nothing() -> None:
    run = Trial.of(["start", "a", "b", "end"], ["start -> a", "a -> b", "b -> end"])
    assert run.status == "succeeded"
    rows = len(run.rows)
    run.rows = run.rows[:3]
    run.log.clear()
    run.crash()
    assert run.status == "succeeded"
    assert len(run.rows) >= rows


def test_the_time_between_the_last_row_and_the_crash_is_not_counted() -> None:
    run = Trial.of(["start", call("a"), "end"], ["start -> a", "a -> end"])
    run.clock.advance(500)
    run.crash()
    run.clock.advance(3)
    run.done("a")
    assert run.state.ledger.busy_us == 3_000_000


def test_a_waiting_run_needs_no_recovery() -> None:
    run = Trial.of(["start", node("ok", "approval"), "end"], ["start -> ok", "ok.approved -> end"])
    rows = len(run.rows)
    run.crash()
    assert len(run.rows) == rows
    assert run.answer("ok").status == "succeeded"


def test_a_crash_inside_nested_loops_goes_on_in_the_same_visits() -> None:
    run = Trial.of(
        ["start", call("o"), call("i", "again", "on"), call("b", "again", "out"), "end"],
        ["start -> o", "o -> i", edge("i.again -> i", max_visits=3), "i.on -> b", edge("b.again -> o", max_visits=3), "b.out -> end"],
    )
    run.done("o#1").done("o#1/i#1", "again").crash()
    assert run.live == ["o#1/i#2"]
    run.done("o#1/i#2", "on").done("o#1/b", "again").crash().done("o#2").crash().done("o#2/i#1", "on").done("o#2/b", "out")
    assert run.status == "succeeded"


def test_a_run_that_is_over_ended_when_it_ended_whatever_is_said_of_it_later() -> None:
    nodes = ["start", call("pay", kind="unsafe_call"), call("b"), "end"]
    run = Trial.of(nodes, ["start -> pay", "start -> b", "pay -> end", "b -> end"])
    run.crash().fails("b")
    assert run.status == "failed"
    assert run.head is not None
    ended = run.head.ended_at
    assert ended
    run.clock.advance(60)
    run.answer("pay", "done", receipt="R-17")
    assert (run.status, run.head.ended_at) == ("failed", ended)
    run.resume()
    assert run.head.ended_at is None
    run.clock.advance(60)
    run.done("b")
    assert run.status == "succeeded" and run.head.ended_at == ended + 120_000_000
