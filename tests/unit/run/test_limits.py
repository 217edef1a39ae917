"""The six limits: counted, reserved, waited for, shrunk to, met and raised (workflow.md, Running 8)."""

import pytest

from engine.errors import Invalid, Transient
from engine.facade.starting import lowered, parsed_limits
from engine.graph.plan import Limits
from engine.nodes.contract import Estimate
from engine.run import events
from engine.run.budget import Exceeds, Fits, Ledger, MustWait, fit
from engine.run.events import Spent
from engine.run.prepare import LEAST_TOKENS
from tests.unit.run.driving import Trial, call, ledger_reserved, node


def test_steps_count_every_attempt_start_and_end_included() -> None:
    run = Trial.of(
        ["start", call("a", retry={"attempts": 3, "backoff_s": 0}), node("ok", "approval"), "end"],
        ["start -> a", "a -> ok", "ok.approved -> end"],
    )
    run.fails("a", Transient()).wait(0).done("a").answer("ok")
    # start, a, a again, ok, end
    assert run.state.ledger.steps == 5


def test_a_run_may_use_its_last_step_and_not_one_more() -> None:
    exact = Trial.of(["start", "a", "end"], ["start -> a", "a -> end"], limits={"steps": 3})
    assert exact.status == "succeeded"
    short = Trial.of(["start", "a", "end"], ["start -> a", "a -> end"], limits={"steps": 2})
    assert short.status == "stopped"
    assert "steps" in short.reason and "2 steps" in short.reason
    met = short.of_type(events.LimitMet)[0]
    assert (met.limit, met.used, met.needed, met.allowed) == ("steps", 2, 1, 2)


def test_body_steps_of_every_visit_count() -> None:
    run = Trial.of(
        ["start", call("h", "again", "out"), "end"],
        ["start -> h", {"source": "h", "port": "again", "target": "h", "max_visits": 100}, "h.out -> end"],
        limits={"steps": 4},
    )
    run.done("h#1", "again").done("h#2", "again").done("h#3", "again")
    assert run.status == "stopped"
    assert run.paths == ["h#1", "h#2", "h#3"]


def test_a_stopped_run_keeps_everything_and_finishes_with_a_raised_limit() -> None:
    run = Trial.of(["start", call("a"), call("b"), "end"], ["start -> a", "a -> b", "b -> end"], limits={"steps": 2})
    run.done("a", x=1)
    assert run.status == "stopped"
    run.reload().resume(steps=3)
    assert run.live == ["b"]
    run.done("b")
    assert run.status == "stopped"
    run.resume(steps=4)
    assert run.status == "succeeded"
    assert run.paths == ["a", "b", "end"]
    assert run.state.outputs["a"] == {"x": 1}


def test_a_resumed_run_stops_at_once_when_the_limit_was_not_raised() -> None:
    run = Trial.of(["start", "a", "end"], ["start -> a", "a -> end"], limits={"steps": 2})
    run.resume()
    assert run.status == "stopped"
    assert run.paths == ["a"]


def test_calls_in_flight_finish_before_a_run_stops() -> None:
    run = Trial.of(
        ["start", call("a"), call("b"), "c", "end"], ["start -> a", "start -> b", "a -> c", "c -> end", "b -> end"], limits={"steps": 3}
    )
    run.done("a")
    assert (run.status, run.live) == ("running", ["b"])
    run.done("b")
    assert run.status == "stopped"
    run.resume(steps=9)
    assert run.status == "succeeded"


def test_of_several_ready_steps_as_many_start_as_the_limit_allows() -> None:
    run = Trial.of(["start", call("a"), call("b"), call("c")], ["start -> a", "start -> b", "start -> c"], limits={"steps": 3})
    assert run.live == ["a", "b"]
    run.done("a").done("b")
    assert run.status == "stopped"
    assert run.resume(steps=4).live == ["c"]


def test_a_person_may_answer_while_the_run_is_stopped() -> None:
    run = Trial.of(
        ["start", node("ok", "approval"), call("a"), "b", "end"], ["start -> ok", "start -> a", "a -> b", "ok.approved -> end"],
        limits={"steps": 3},
    )  # fmt: skip
    run.done("a")
    assert (run.status, run.waiting) == ("stopped", ["ok"])
    run.answer("ok")
    assert run.status == "stopped"
    run.reload().resume(steps=10)
    assert run.status == "succeeded"
    assert run.paths.count("ok") == 1


# Seconds


def test_seconds_run_only_while_a_step_runs() -> None:
    run = Trial.of(
        ["start", call("a"), node("ok", "approval"), call("b"), "end"], ["start -> a", "a -> ok", "ok.approved -> b", "b -> end"]
    )
    run.clock.advance(3)
    run.done("a")
    run.clock.advance(10_000)
    run.answer("ok")
    run.clock.advance(4)
    run.done("b")
    assert run.state.ledger.busy_us == 7_000_000


def test_steps_that_run_at_the_same_time_are_counted_once() -> None:
    run = Trial.of(["start", call("a"), call("b")], ["start -> a", "start -> b"])
    run.clock.advance(2)
    run.done("a")
    run.clock.advance(3)
    run.done("b")
    assert run.state.ledger.busy_us == 5_000_000


def test_seconds_cut_a_call_that_hangs() -> None:
    run = Trial.of(["start", call("a", tokens=40), "end"], ["start -> a", "a -> end"], limits={"seconds": 10})
    run.clock.advance(9)
    run.seconds_up()
    assert run.live == ["a"]
    run.clock.advance(1)
    run.seconds_up()
    assert (run.status, run.live, run.cancelled_calls) == ("stopped", [], ["a"])
    assert "seconds" in run.reason
    assert run.of_type(events.LimitMet)[0].interrupted == ("a",)
    # Nobody knows what the call has cost, so it stays charged in full.
    assert run.state.ledger.tokens == 40
    run.reload().resume(busy_us=20_000_000)
    assert run.live == ["a"]
    run.done("a")
    assert run.status == "succeeded"


def test_nothing_starts_when_the_seconds_are_used_up() -> None:
    run = Trial.of(["start", call("a"), call("b"), "end"], ["start -> a", "a -> b", "b -> end"], limits={"seconds": 5})
    run.clock.advance(6)
    run.done("a")
    assert run.status == "stopped"
    assert "b" not in run.paths


def test_a_call_that_hangs_is_cut_also_when_another_limit_was_met_before() -> None:
    run = Trial.of(["start", call("a"), call("b"), "c"], ["start -> a", "start -> b", "a -> c"], limits={"seconds": 5, "steps": 3})
    run.done("a")
    assert run.state.halted == "steps"
    run.clock.advance(5)
    run.seconds_up()
    assert run.status == "stopped"
    assert run.live == []
    assert run.resume(busy_us=60_000_000, steps=9).live == ["b"]


def test_a_call_that_hangs_is_cut_when_the_seconds_were_met_by_the_end_of_another() -> None:
    run = Trial.of(["start", call("a"), call("b"), "c"], ["start -> a", "start -> b", "a -> c"], limits={"seconds": 5})
    run.clock.advance(5)
    run.done("a")
    assert (run.status, run.live) == ("running", ["b"])
    run.seconds_up()
    assert (run.status, run.live) == ("stopped", [])


def test_a_call_that_hangs_is_cut_when_the_run_fails_meanwhile() -> None:
    run = Trial.of(["start", call("a"), call("b")], ["start -> a", "start -> b"], limits={"seconds": 5})
    run.fails("a")
    run.clock.advance(5)
    run.seconds_up()
    assert run.status == "failed"
    assert run.resume(busy_us=60_000_000).live == ["a", "b"]


def test_an_unsafe_call_that_is_cut_is_in_doubt() -> None:
    run = Trial.of(["start", call("pay", kind="unsafe_call"), "end"], ["start -> pay", "pay -> end"], limits={"seconds": 5})
    run.clock.advance(5)
    run.seconds_up()
    assert (run.status, run.waiting) == ("stopped", ["pay"])
    assert run.of_type(events.StepInDoubt)[0].why == "was cut off by the limit of seconds"
    # Raising the limit alone repeats nothing.
    run.resume(busy_us=60_000_000)
    assert (run.status, run.live, run.waiting) == ("waiting", [], ["pay"])
    assert run.answer("pay", "done").status == "succeeded"


# Reservations


@pytest.mark.parametrize(
    ("limit", "config", "spent"),
    [
        ("tokens", {"tokens": 60}, Spent(tokens=60)),
        ("llm_calls", {"llm_calls": 60}, Spent(llm_calls=60)),
        ("tool_calls", {"tool_calls": 60}, Spent(tool_calls=60)),
        ("cost_usd", {"cost_micro": 60}, Spent(cost_micro=60)),
    ],
)
def test_two_calls_at_once_cannot_overspend(limit: str, config: dict[str, int], spent: Spent) -> None:
    allowed = 100 / 1e6 if limit == "cost_usd" else 100
    run = Trial.of(
        ["start", call("a", **config), call("b", **config), "end"], ["start -> a", "start -> b", "a -> end"], limits={limit: allowed}
    )
    # The second waits for what the first may give back.
    assert run.live == ["a"]
    run.done("a", spent=spent)
    assert run.status == "stopped"
    assert limit in run.reason
    field = "cost_micro" if limit == "cost_usd" else limit
    met = run.of_type(events.LimitMet)[0]
    assert (met.limit, met.used, met.needed, met.allowed) == (field, 60, 60, 100)
    run.resume(**{field: 120}).done("b", spent=spent)
    assert run.status == "succeeded"
    assert getattr(run.state.ledger, field) == 120


def test_what_was_not_used_is_given_back() -> None:
    run = Trial.of(
        ["start", call("a", tokens=60), call("b", tokens=60), "end"], ["start -> a", "start -> b", "a -> end"], limits={"tokens": 100}
    )
    run.done("a", spent=Spent(tokens=10))
    assert run.live == ["b"]
    run.done("b", spent=Spent(tokens=60))
    assert run.status == "succeeded"
    assert (run.state.ledger.tokens, ledger_reserved(run.state)) == (70, 0)


def test_a_step_that_must_wait_does_not_hold_up_a_smaller_one() -> None:
    run = Trial.of(
        ["start", call("a", tokens=60), call("big", tokens=60), call("small", tokens=40)],
        ["start -> a", "start -> big", "start -> small"],
        limits={"tokens": 100},
    )
    assert run.live == ["a", "small"]
    run.done("a", spent=Spent(tokens=1))
    assert run.live == ["small"]
    run.done("small", spent=Spent(tokens=1))
    assert run.live == ["big"]


def test_what_can_never_fit_meets_the_limit_at_once() -> None:
    run = Trial.of(["start", call("a", tokens=60), call("b", tokens=101)], ["start -> a", "start -> b"], limits={"tokens": 100})
    assert run.state.halted == "tokens"
    assert run.live == ["a"]
    run.done("a")
    assert run.status == "stopped"


def test_a_reservation_holds_in_all_limits_at_once_or_not_at_all() -> None:
    run = Trial.of(
        ["start", call("a", tokens=50, llm_calls=1), call("b", tokens=50, llm_calls=1)], ["start -> a", "start -> b"],
        limits={"tokens": 100, "llm_calls": 1},
    )  # fmt: skip
    assert run.live == ["a"]
    assert run.state.ledger.reserved_tokens == 50


def test_an_answer_is_shortened_to_what_is_left() -> None:
    run = Trial.of(
        ["start", call("a", tokens=100, per_token=1, max_tokens=1000), "end"], ["start -> a", "a -> end"], limits={"tokens": 600}
    )
    assert run.calls["a"].given["max_tokens"] == 500
    assert run.calls["a"].reserved.tokens == 600


def test_an_answer_is_not_shortened_below_64() -> None:
    def run(tokens: int) -> Trial:
        return Trial.of(["start", call("a", tokens=100, per_token=1, max_tokens=1000)], ["start -> a"], limits={"tokens": tokens})

    assert run(100 + LEAST_TOKENS).calls["a"].given["max_tokens"] == LEAST_TOKENS == 64
    assert run(100 + LEAST_TOKENS - 1).status == "stopped"


def test_a_shorter_answer_is_tried_only_when_no_reservation_is_open() -> None:
    run = Trial.of(
        ["start", call("a", tokens=500), call("b", tokens=100, per_token=1, max_tokens=1000)],
        ["start -> a", "start -> b"],
        limits={"tokens": 1000},
    )
    # It would fit now with 400 tokens of answer, but more comes back.
    assert run.live == ["a"]
    run.done("a", spent=Spent(tokens=100))
    assert run.calls["b"].given["max_tokens"] == 800


def test_a_limit_is_not_met_while_what_is_reserved_may_come_back() -> None:
    run = Trial.of(
        ["start", call("a", tokens=950), call("b", tokens=100, per_token=1, max_tokens=1000)],
        ["start -> a", "start -> b"],
        limits={"tokens": 1000},
    )
    assert (run.state.halted, run.live) == ("", ["a"])
    run.done("a", spent=Spent(tokens=900))
    # Only 100 are left: less than the request and 64.
    assert run.status == "stopped"


def test_the_request_count_cannot_be_shrunk() -> None:
    run = Trial.of(["start", call("a", llm_calls=3, per_token=1, max_tokens=1000)], ["start -> a"], limits={"llm_calls": 2})
    assert run.status == "stopped"
    assert "llm_calls" in run.reason


def test_a_step_that_only_computes_reserves_nothing() -> None:
    run = Trial.of(["start", "a", "end"], ["start -> a", "a -> end"], limits={"tokens": 0, "cost_usd": 0, "llm_calls": 0})
    assert run.status == "succeeded"


def test_a_failed_call_gives_its_reservation_back_and_is_charged_what_it_used() -> None:
    run = Trial.of(["start", call("a", tokens=50, on_error="port"), "end"], ["start -> a", "a.error -> end"])
    run.fails("a", spent=Spent(tokens=20))
    assert (run.state.ledger.tokens, run.state.ledger.reserved_tokens) == (20, 0)


# The sums themselves


def ledger(**more: int) -> Ledger:
    return Ledger(Limits(tokens=100, cost_micro=100, llm_calls=2), **more)


@pytest.mark.parametrize(
    ("books", "estimate", "answer"),
    [
        ({}, Estimate(tokens=100), Fits(Spent(tokens=100))),
        ({}, Estimate(tokens=101), Exceeds("tokens", 101, 0, 100)),
        ({"tokens": 1}, Estimate(tokens=100), Exceeds("tokens", 100, 1, 100)),
        ({"reserved_tokens": 1, "open": 1}, Estimate(tokens=100), MustWait()),
        ({"reserved_tokens": 1, "open": 1}, Estimate(tokens=100, llm_calls=3), Exceeds("llm_calls", 3, 0, 2)),
        ({"tokens": 200}, Estimate(), Fits(Spent())),
        ({"cost_micro": 200}, Estimate(tokens=1), Fits(Spent(tokens=1))),
    ],
)
def test_an_estimate_fits_must_wait_or_exceeds(books: dict[str, int], estimate: Estimate, answer: object) -> None:
    assert fit(ledger(**books), estimate) == answer


def test_limits_given_at_the_start_only_lower_those_of_the_document() -> None:
    document = Limits(steps=100, cost_micro=500_000)
    assert lowered(document, {"steps": 10, "cost_usd": 2}) == Limits(steps=10, cost_micro=500_000)
    assert lowered(document, None) == document
    run = Trial.of(["start", "a", "end"], ["start -> a", "a -> end"], limits={"steps": 3}, at_start={"steps": 2, "tokens": 10**9})
    assert run.status == "stopped"
    assert run.state.ledger.limits.tokens == 200_000


@pytest.mark.parametrize(
    "bad", [{"time": 3}, {"steps": -1}, {"tokens": 1.5}, {"steps": "3"}, {"steps": True}, {"steps": None}, [], {"seconds": float("nan")}]
)
def test_limits_that_make_no_sense_are_refused(bad: object) -> None:
    with pytest.raises(Invalid):
        parsed_limits(bad)


def test_money_is_kept_in_millionths_and_seconds_in_microseconds() -> None:
    assert parsed_limits({"cost_usd": 0.29, "seconds": 1.1}) == {"cost_micro": 290_000, "busy_us": 1_100_000}
