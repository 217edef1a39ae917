"""With `on_limit: ask` a limit is a question in the inbox, not an end (workflow.md, Running 8)."""

from typing import Any

import pytest

from engine.errors import Invalid, StaleApproval
from engine.run import events
from engine.run.events import Spent
from tests.unit.run.driving import Trial, call, node


def asked(**more: Any) -> Trial:
    """Two calls of 60 tokens under a limit of 100: the second does not fit."""
    nodes = ["start", call("a", tokens=60), call("b", tokens=60), "end"]
    run = Trial.of(nodes, ["start -> a", "a -> b", "b -> end"], limits={"tokens": 100, **more}, on_limit="ask")
    return run.done("a", spent=Spent(tokens=60))


def test_a_limit_is_asked_about_and_the_run_waits() -> None:
    run = asked()
    assert (run.status, run.live) == ("waiting", [])
    item = run.item("")
    assert (item.card["type"], item.card["choices"], item.card["editable"]) == ("limit", ["extend", "stop"], {"tokens": 200})
    assert "60 tokens of 100 tokens used" in item.card["message"]
    assert run.reason.endswith("Somebody has to say in the inbox how it goes on.")
    assert run.of_type(events.RunStopped) == []


def test_calls_in_flight_end_before_anybody_is_asked() -> None:
    nodes = ["start", call("a", tokens=60), call("b", tokens=10), call("c", tokens=90), "end"]
    edges = ["start -> a", "start -> b", "b -> c", "a -> end", "c -> end"]
    run = Trial.of(nodes, edges, limits={"tokens": 100}, on_limit="ask")
    run.done("b", spent=Spent(tokens=10))
    assert (run.status, run.live, run.items()) == ("running", ["a"], [])
    run.done("a", spent=Spent(tokens=60))
    assert (run.status, len(run.items())) == ("waiting", 1)


def test_more_lets_it_go_on_where_it_was() -> None:
    run = asked()
    assert run.answer("", "extend", tokens=160).live == ["b"]
    assert run.state.ledger.limits.tokens == 160
    assert run.done("b", spent=Spent(tokens=60)).status == "succeeded"
    assert run.paths == ["a", "b", "end"]


@pytest.mark.parametrize("values", [{}, {"tokens": 100}, {"tokens": 3}, {"steps": 900}])
def test_a_limit_that_is_not_above_what_is_allowed_is_refused_and_the_question_stays(values: dict[str, int]) -> None:
    run = asked()
    rows = len(run.rows)
    with pytest.raises(Invalid) as refused:
        run.answer("", "extend", **values)
    assert refused.value.details["problems"][0]["field"] == "values.tokens"
    assert (run.status, len(run.rows)) == ("waiting", rows)
    assert run.answer("", "extend", tokens=160).live == ["b"]


def test_too_little_more_is_asked_about_once_more() -> None:
    run = asked()
    run.answer("", "extend", tokens=110)
    assert (run.status, [item.attempt for item in run.items() if item.path == ""]) == ("waiting", [0, 0])
    assert len({item.id for item in run.items()}) == 2 and run.state.asks == 2


def test_stop_leaves_it_as_a_limit_without_a_question_does() -> None:
    run = asked().answer("", "stop")
    assert (run.status, run.live) == ("stopped", [])
    assert run.of_type(events.RunStopped)[0].by_name == "Bea"
    assert run.resume(tokens=200).live == ["b"]


def test_whoever_resumes_the_run_answers_the_question() -> None:
    run = asked()
    assert run.resume(tokens=200).live == ["b"]
    assert run.state.asked == ""
    assert any("status = 'cancelled'" in sql for sql, _ in run.statements)


def test_a_cancelled_run_asks_nobody() -> None:
    run = asked().cancel()
    assert (run.status, run.state.asked) == ("cancelled", "")
    assert any("status = 'cancelled'" in sql and "" in values for sql, values in run.statements)


def test_what_was_seen_is_what_is_answered() -> None:
    run = asked()
    with pytest.raises(StaleApproval):
        run.answer("", "extend", digest="another", tokens=200)


def test_a_crash_while_somebody_is_asked_changes_nothing() -> None:
    run = asked()
    rows = len(run.rows)
    run.crash().reload()
    assert (run.status, len(run.rows)) == ("waiting", rows)
    assert run.answer("", "extend", tokens=200).live == ["b"]


def test_a_loop_without_a_visit_left_asks_too_and_more_means_as_many_again() -> None:
    edges = ["start -> h", {"source": "h", "port": "again", "target": "h", "max_visits": 2}, "h.out -> end"]
    run = Trial.of(["start", call("h", "again", "out"), "end"], edges, on_limit="ask")
    run.done("h#1", "again").done("h#2", "again")
    assert (run.status, run.item("").card["editable"]) == ("waiting", {})
    assert run.answer("", "extend").live == ["h#3"]
    assert run.done("h#3").status == "succeeded"


def test_other_people_may_answer_their_cards_meanwhile() -> None:
    nodes = ["start", call("a", tokens=60), call("b", tokens=60), node("ok", "approval"), "end"]
    edges = ["start -> a", "a -> b", "start -> ok", "ok.approved -> end", "b -> end"]
    run = Trial.of(nodes, edges, limits={"tokens": 100}, on_limit="ask")
    run.done("a", spent=Spent(tokens=60))
    assert sorted(item.path for item in run.items()) == ["", "ok"]
    run.answer("ok")
    assert run.status == "waiting"
    assert run.answer("", "extend", tokens=200).done("b").status == "succeeded"
