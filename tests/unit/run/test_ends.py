"""How runs end: by ends, by leaving nowhere, by failing (workflow.md, Running 3), and what `on_error` makes of errors."""

import pytest

from engine.errors import Permanent, WrongState
from engine.run import events
from engine.run.happenings import Pause
from tests.unit.run.driving import Trial, call, node


def end(id_: str, *, outcome: str = "success", **output: str):
    return {"id": id_, "kind": "end", "config": {"output": output, "outcome": outcome}}


def test_the_output_is_that_of_the_end() -> None:
    run = Trial.of(["start", end("done", twice="inputs.n * 2", name="run.id")], ["start -> done"], inputs={"n": 4})
    assert run.output == {"twice": 8, "name": "run_1"}
    assert (run.status, run.reason) == ("succeeded", "")


@pytest.mark.parametrize("order", [("a", "b"), ("b", "a")])
def test_outputs_of_several_ends_merge_in_document_order(order: tuple[str, str]) -> None:
    nodes = ["start", call("a"), call("b"), end("second", x="'second'", y="2"), end("first", x="'first'", z="3")]
    run = Trial.of(nodes, ["start -> a", "start -> b", "a -> second", "b -> first"])
    for path in order:
        run.done(path)
    assert run.output == {"x": "first", "y": 2, "z": 3}
    assert list(run.output) == ["x", "y", "z"]


def test_reaching_an_end_does_not_cut_off_other_branches() -> None:
    run = Trial.of(["start", call("slow"), end("early", a="1"), end("late", b="2")], ["start -> early", "start -> slow", "slow -> late"])
    assert run.status == "running"
    assert run.live == ["slow"]
    run.done("slow")
    assert run.output == {"a": 1, "b": 2}


def test_an_end_of_outcome_failure_makes_the_run_failed_and_names_it() -> None:
    nodes = ["start", end("bad", outcome="failure", a="1"), end("good", b="2")]
    run = Trial.of(nodes, ["start -> bad", "start -> good"])
    assert run.status == "failed"
    assert "bad" in run.reason
    assert run.output == {"a": 1, "b": 2}


def test_a_run_that_failed_by_its_end_has_nothing_to_resume() -> None:
    run = Trial.of(["start", end("bad", outcome="failure")], ["start -> bad"])
    with pytest.raises(WrongState, match="nothing left to do"):
        run.resume()


def test_a_run_that_reached_no_end_succeeded_with_null_and_says_the_port() -> None:
    run = Trial.of(["start", call("pick", "x", "y"), "end"], ["start -> pick", "pick.x -> end"])
    run.done("pick", "y")
    assert (run.status, run.output) == ("succeeded", None)
    assert "pick.y" in run.reason


def test_a_taken_port_without_an_edge_ends_its_branch_only() -> None:
    run = Trial.of(["start", call("pick", "x", "y"), call("b"), end("done", a="1")], ["start -> pick", "start -> b", "b -> done"])
    run.done("pick", "x")
    assert run.status == "running"
    run.done("b")
    assert (run.status, run.output, run.reason) == ("succeeded", {"a": 1}, "")


def test_a_fail_step_fails_the_run_with_its_message() -> None:
    run = Trial.of(["start", {"id": "no", "kind": "fail", "config": {"message": "Not {{ inputs.n }}."}}], ["start -> no"], inputs={"n": 5})
    assert (run.status, run.reason) == ("failed", "no: Not 5.")
    assert run.of_type(events.StepFailed)[0].error["code"] == "failed_on_purpose"
    assert run.output is None


def test_an_unhandled_error_starts_nothing_new_and_lets_running_calls_finish() -> None:
    run = Trial.of(["start", call("a"), call("b"), call("after"), "end"], ["start -> a", "start -> b", "b -> after", "after -> end"])
    run.fails("a", Permanent("It broke."))
    assert run.status == "running"
    assert run.live == ["b"]
    run.done("b", kept=1)
    assert (run.status, run.reason) == ("failed", "a: It broke.")
    assert "after" not in run.paths
    assert run.state.outputs["b"] == {"kept": 1}


def test_an_unhandled_error_cancels_waits_and_closes_their_inbox_items() -> None:
    run = Trial.of(["start", call("a"), node("ok", "approval"), "end"], ["start -> a", "start -> ok", "ok.approved -> end", "a -> end"])
    run.fails("a")
    assert run.status == "failed"
    assert run.waiting == []
    assert any("'cancelled'" in sql and parameters == ("run_1", "ok") for sql, parameters in run.statements)


def test_the_first_of_several_errors_is_the_reason() -> None:
    run = Trial.of(["start", call("a"), call("b")], ["start -> a", "start -> b"])
    run.fails("a", Permanent("The first.")).fails("b", Permanent("The second."))
    assert run.reason == "a: The first."


@pytest.mark.parametrize("said", ["permanent", "defect"])
def test_a_step_that_only_computes_can_fail_too(said: str) -> None:
    run = Trial.of(["start", call("x", kind="fallible", say=said), "end"], ["start -> x", "x -> end"])
    assert run.status == "failed"
    code = run.of_type(events.StepFailed)[0].error["code"]
    assert code == {"permanent": "step_failed", "defect": "internal"}[said]


def test_a_missing_value_fails_the_step_and_never_the_engine() -> None:
    run = Trial.of(["start", node("s", config={"values": {"x": "inputs.gone"}}), "end"], ["start -> s", "s -> end"])
    assert run.status == "failed"
    assert run.of_type(events.StepFailed)[0].error["code"] in ("missing_value", "expression_failed")
    assert run.state.ledger.steps == 2


# on_error


def error_port(**more):
    return call("x", on_error="port", **more)


def test_an_error_port_carries_on_with_code_and_message_readable_behind_it() -> None:
    run = Trial.of(
        ["start", error_port(), end("good", ok="true"), end("bad", code="nodes.x.error.code", told="nodes.x.error.message")],
        ["start -> x", "x -> good", "x.error -> bad"],
    )
    run.fails("x", Permanent("No such card."))
    assert (run.status, run.output) == ("succeeded", {"code": "step_failed", "told": "No such card."})
    assert run.of_type(events.StepFailed)[0].goes_on == "port"


def test_an_error_port_without_an_edge_ends_the_branch() -> None:
    run = Trial.of(["start", error_port(), "end"], ["start -> x", "x -> end"])
    run.fails("x")
    assert (run.status, run.output) == ("succeeded", None)
    assert "x.error" in run.reason


def test_on_error_default_goes_on_by_the_first_port_with_the_default_output() -> None:
    nodes = ["start", call("x", on_error="default", default_output={"n": 7}), end("done", n="nodes.x.n", code="nodes.x.error.code")]
    run = Trial.of(nodes, ["start -> x", "x -> done"])
    run.fails("x")
    assert (run.status, run.output) == ("succeeded", {"n": 7, "code": "step_failed"})


def test_an_error_of_a_step_that_only_computes_leaves_by_its_error_port() -> None:
    run = Trial.of(
        ["start", call("x", kind="fallible", say="permanent", on_error="port"), "good", end("bad")],
        ["start -> x", "x -> good", "x.error -> bad"],
    )
    assert run.paths == ["x", "bad"]


def test_an_expression_that_fails_is_an_error_like_any_other() -> None:
    run = Trial.of(
        ["start", call("x", say="{{ inputs.gone }}", on_error="port"), end("bad", told="nodes.x.error.message")],
        ["start -> x", "x.error -> bad"],
    )
    assert run.status == "succeeded"
    assert "gone" in run.output["told"]


def test_success_clears_the_error_of_an_earlier_visit() -> None:
    run = Trial.of(
        ["start", call("h"), error_port(), "again", end("done", was="default(nodes.x.error.code, 'none')")],
        ["start -> h", "h -> x", "x.error -> again", {"source": "again", "target": "h", "max_visits": 3}, "x -> done"],
    )
    run.done("h#1").fails("h#1/x").done("h#2").done("h#2/x")
    assert run.output == {"was": "none"}


# Disabled nodes


def test_disabled_steps_are_passed_and_told() -> None:
    run = Trial.of(
        ["start", call("a", disabled=True), node("b", "branch", disabled=True), "no", "end"],
        ["start -> a", "a -> b", "b.yes -> no", "b.else -> end"],
    )
    assert run.status == "succeeded"
    assert run.paths == ["end"]
    assert [line for line in run.log if line.startswith("~")] == ["~a", "~b"]
    assert run.state.ledger.steps == 2


def test_a_disabled_classify_is_passed_as_unsure_and_a_disabled_end_gives_nothing() -> None:
    run = Trial.of(
        ["start", node("c", "classify", disabled=True), {**end("done", a="1"), "disabled": True}], ["start -> c", "c.unsure -> done"]
    )
    assert (run.status, run.output) == ("succeeded", None)


def test_a_disabled_header_is_passed_in_each_visit() -> None:
    run = Trial.of(
        ["start", call("h", disabled=True), call("b", "again", "out"), "end"],
        ["start -> h", "h -> b", {"source": "b", "port": "again", "target": "h", "max_visits": 3}, "b.out -> end"],
    )
    run.done("h#1/b", "again").done("h#2/b", "out")
    assert [line for line in run.log if line.startswith("~")] == ["~h#1", "~h#2"]
    assert run.status == "succeeded"


def test_a_run_that_is_paused_in_its_last_step_ends_with_it() -> None:
    run = Trial.of(["start", call("a")], ["start -> a"]).tell(Pause("bob"))
    run.done("a")
    assert (run.status, run.output) == ("succeeded", None)


def test_a_run_whose_last_question_is_answered_while_it_is_paused_ends_with_it() -> None:
    run = Trial.of(["start", node("ok", "approval")], ["start -> ok"]).tell(Pause("bob"))
    assert run.status == "paused"
    run.answer("ok")
    assert (run.status, run.output) == ("succeeded", None)


def test_a_run_that_is_paused_before_its_last_step_still_has_something_to_do() -> None:
    run = Trial.of(["start", call("a"), end("done", x="1")], ["start -> a", "a -> done"]).tell(Pause("bob"))
    run.done("a")
    assert run.status == "paused"
    assert run.resume().output == {"x": 1}


def test_after_an_unhandled_error_nothing_starts_while_other_calls_still_run() -> None:
    run = Trial.of(["start", call("a"), call("b"), call("c"), call("d")], ["start -> a", "start -> b", "start -> c", "b -> d"])
    run.fails("a").done("b")
    assert (run.status, run.live) == ("running", ["c"])
    assert run.done("c").status == "failed"
    assert run.resume().live == ["a", "d"]
