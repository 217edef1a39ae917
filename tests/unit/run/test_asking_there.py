"""What a crash leaves of a call that the other system can be asked about: it runs on, and the time of nobody does not count."""

import pytest

from engine.errors import InDoubt, StepTimedOut
from engine.nodes.contract import Effect, Outcome
from engine.nodes.registry import Registry
from engine.run import events
from engine.run.events import Spent
from engine.run.happenings import Finished
from tests.unit.run import driving
from tests.unit.run.driving import Call, Trial, call


class Asked(Call):
    """A call whose end the test decides, and of which the other system knows whether it happened."""

    kind = "asked_call"
    effect = Effect.RECONCILABLE


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Trial:
    monkeypatch.setattr(driving, "REGISTRY", Registry([*driving.REGISTRY.all(), Asked()]))
    nodes = ["start", call("pay", kind="asked_call", tokens=50), call("b"), "end"]
    return Trial.of(nodes, ["start -> pay", "start -> b", "pay -> end", "b -> end"], limits={"tokens": 80, "seconds": 100})


def finished(run: Trial, **more: object) -> Trial:
    prepared = run.calls.pop("pay")
    return run.tell(Finished("pay", prepared.attempt, prepared.given, was_asked=prepared.asks, **more))  # type: ignore[arg-type]


def test_after_a_crash_it_runs_on_in_the_same_attempt_and_is_asked_about(run: Trial) -> None:
    run.clock.advance(3)
    run.crash()
    assert run.of_type(events.RunRecovered)[0].lost == ("b",)
    prepared = run.calls["pay"]
    assert (prepared.attempt, prepared.asks, run.calls["b"].attempt, run.calls["b"].asks) == (1, True, 2, False)
    assert run.state.ledger.reserved_tokens == 50
    finished(run, outcome=Outcome({}, "out"), spent=Spent(tokens=50))
    assert run.done("b").status == "succeeded"
    assert (run.state.ledger.tokens, run.state.ledger.steps) == (50, 5)


def test_the_time_in_which_nobody_ran_it_does_not_count(run: Trial) -> None:
    run.clock.advance(2)
    run.done("b")
    run.clock.advance(60)
    run.crash()
    run.clock.advance(1)
    finished(run, outcome=Outcome({}, "out"))
    # Two seconds until the last row before the crash, one behind it.
    assert run.state.ledger.busy_us == 3_000_000


def test_a_crash_while_it_is_asked_asks_again(run: Trial) -> None:
    run.crash().crash()
    assert run.calls["pay"].asks and run.calls["pay"].attempt == 1
    finished(run, outcome=Outcome({}, "out"))
    assert run.done("b").status == "succeeded"


@pytest.mark.parametrize("error", [InDoubt("Nobody knows."), StepTimedOut("Too slow.")])
def test_no_answer_asks_there_first_and_then_a_person(run: Trial, error: InDoubt) -> None:
    rows = len(run.rows)
    finished(run, error=error)
    assert (run.calls["pay"].asks, len(run.rows), run.items()) == (True, rows, [])
    finished(run, error=error, spent=Spent(tokens=50))
    assert run.item("pay").card["type"] == "in_doubt"
    assert (run.state.ledger.tokens, run.state.ledger.reserved_tokens) == (50, 0)


def test_a_late_answer_of_the_call_itself_counts(run: Trial) -> None:
    run.crash()
    finished(run, outcome=Outcome({}, "out"))
    before = len(run.rows)
    run.tell(Finished("pay", 1, {}, Outcome({}, "out")))
    assert len(run.rows) == before
