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


# Finish with what there is, where it is drawn

LOOP = [
    "start -> draft",
    "draft -> ok",
    {"source": "ok", "port": "again", "target": "draft", "max_visits": 9, "on_exhausted": "good"},
    "ok.good -> tell",
    "tell -> end",
]


def looping(*, limits: dict[str, int], **tell: Any) -> Trial:
    nodes = ["start", call("draft", tokens=40), call("ok", "again", "good"), call("tell", **tell), "end"]
    return Trial.of(nodes, LOOP, limits=limits, on_limit="ask")


def test_a_loop_that_says_where_it_leads_when_it_is_exhausted_can_be_finished() -> None:
    run = looping(limits={"tokens": 100})
    run.done("draft#1", spent=Spent(tokens=40)).done("draft#1/ok", "again").done("draft#2", spent=Spent(tokens=40))
    run.done("draft#2/ok", "again")
    assert (run.status, run.item("").card["choices"]) == ("waiting", ["extend", "finish", "stop"])
    run.answer("", "finish")
    assert run.live == ["tell"] and run.state.ledger.limits.tokens == 100
    assert run.done("tell").status == "succeeded"
    assert run.paths == ["draft#1", "draft#1/ok", "draft#2", "draft#2/ok", "tell", "end"]


def test_what_comes_behind_still_has_to_fit() -> None:
    run = looping(limits={"tokens": 100}, tokens=40)
    run.done("draft#1", spent=Spent(tokens=40)).done("draft#1/ok", "again").done("draft#2", spent=Spent(tokens=40))
    run.done("draft#2/ok", "again").answer("", "finish")
    assert (run.status, run.live) == ("waiting", [])
    # Behind the loop nothing is drawn that could end early.
    assert run.items()[-1].card["choices"] == ["extend", "stop"]


def test_a_loop_that_has_come_to_nothing_yet_cannot_be_finished() -> None:
    run = looping(limits={"tokens": 30})
    assert run.item("").card["choices"] == ["extend", "stop"]


@pytest.mark.parametrize("limit", [{"steps": 3}, {"seconds": 1}])
def test_where_nothing_more_may_run_nothing_can_be_finished(limit: dict[str, int]) -> None:
    run = looping(limits=limit)
    run.done("draft#1")
    run.clock.advance(2)
    run.done("draft#1/ok", "again")
    assert (run.status, run.item("").card["choices"]) == ("waiting", ["extend", "stop"])


def boxed(on_item_error: str, *, tokens: int = 100) -> Trial:
    config = {"items": "[1, 2, 3, 4]", "collect": "nodes.ask.out", "concurrency": 2, "on_item_error": on_item_error}
    nodes = ["start", node("each", "map", config=config), call("ask", tokens=50, parent="each"), call("tell"), "end"]
    edges = ["start -> each", "each.item -> ask", "each.out -> tell", "tell -> end"]
    return Trial.of(nodes, edges, limits={"tokens": tokens}, on_limit="ask")


def test_a_box_that_collects_errors_ends_with_what_it_has() -> None:
    run = boxed("collect")
    run.done("each[0]/ask", out="one", spent=Spent(tokens=50))
    run.done("each[1]/ask", out="two", spent=Spent(tokens=50))
    assert (run.status, run.item("").card["choices"]) == ("waiting", ["extend", "finish", "stop"])
    run.answer("", "finish")
    assert run.live == ["tell"]
    outputs = run.state.outputs["each"]
    assert outputs["results"] == ["one", "two", None, None]
    assert [(error["index"], error["code"], error["path"]) for error in outputs["errors"]] == [
        (2, "limit_reached", "each[2]"),
        (3, "limit_reached", "each[3]"),
    ]
    assert run.done("tell").status == "succeeded"


@pytest.mark.parametrize("how", ["stop", "skip"])
def test_a_box_that_does_not_collect_errors_is_not_drawn_to_end_early(how: str) -> None:
    run = boxed(how, tokens=60)
    run.done("each[0]/ask", out="one", spent=Spent(tokens=50))
    assert run.item("").card["choices"] == ["extend", "stop"]


def test_it_is_not_offered_where_one_of_the_steps_that_are_held_back_could_not_end_early() -> None:
    config = {"items": "[1, 2]", "collect": "nodes.ask.out", "on_item_error": "collect"}
    nodes = [
        "start",
        node("each", "map", config=config),
        call("ask", tokens=50, parent="each"),
        call("slow"),
        call("other", tokens=50),
        "end",
    ]
    edges = ["start -> each", "each.item -> ask", "each.out -> end", "start -> slow", "slow -> other", "other -> end"]
    run = Trial.of(nodes, edges, limits={"tokens": 60}, on_limit="ask")
    run.done("each[0]/ask", out="one", spent=Spent(tokens=50)).done("slow")
    assert run.item("").card["choices"] == ["extend", "stop"]


def test_approvals_in_the_part_that_ends_are_given_up() -> None:
    config = {"items": "[1, 2]", "collect": "nodes.ask.out", "on_item_error": "collect", "concurrency": 2}
    nodes = [
        "start",
        node("each", "map", config=config),
        node("ok", "approval", parent="each"),
        call("ask", tokens=50, parent="each"),
        "end",
    ]
    edges = ["start -> each", "each.item -> ok", "ok.approved -> ask", "each.out -> end"]
    run = Trial.of(nodes, edges, limits={"tokens": 30}, on_limit="ask")
    run.answer("each[1]/ok")
    assert run.status == "waiting"
    run.answer("", "finish")
    assert run.status == "succeeded"
    given_up = [values for sql, values in run.statements if "status = 'cancelled'" in sql]
    assert any("each[0]/ok" in values for values in given_up)
    assert [error["index"] for error in run.state.outputs["each"]["errors"]] == [0, 1]


def test_the_outer_loop_ends_where_the_visits_of_the_inner_one_are_used_up() -> None:
    nodes = ["start", call("a"), call("b", "more", "next"), call("c", "again", "good"), "end"]
    edges = [
        "start -> a",
        "a -> b",
        {"source": "b", "port": "more", "target": "b", "max_visits": 1},
        "b.next -> c",
        {"source": "c", "port": "again", "target": "a", "max_visits": 5, "on_exhausted": "good"},
        "c.good -> end",
    ]
    run = Trial.of(nodes, edges, on_limit="ask")
    run.done("a#1").done("a#1/b#1", "more")
    assert (run.status, run.item("").card["choices"]) == ("waiting", ["extend", "stop"])
    run.answer("", "extend").done("a#1/b#2", "next").done("a#1/c", "again").done("a#2").done("a#2/b#1", "more")
    assert run.items()[-1].card["choices"] == ["extend", "finish", "stop"]
    assert run.answer("", "finish").status == "succeeded"
    assert run.paths[-3:] == ["a#2", "a#2/b#1", "end"]
