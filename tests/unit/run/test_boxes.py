"""Map boxes: the body once per item, so many at a time, in the order of the items (workflow.md, Running 5 and 6)."""

from __future__ import annotations

from typing import Any

import pytest

from engine.errors import Permanent, Transient
from engine.run import events
from engine.run.turn import MOST_ITEMS
from tests.unit.run.driving import Trial, call, edge, node, plan_of

EDGES = ["start -> each", "each.item -> check", "each -> done"]


def each(id_: str = "each", items: str = "inputs.list", **more: Any) -> dict[str, Any]:
    """A map box; settings of its config and of nodes."""
    own = {name: more.pop(name) for name in list(more) if name in ("concurrency", "max_items", "collect", "on_item_error")}
    return node(id_, "map", config={"items": items, **own}, **more)


def ends(**output: str) -> dict[str, Any]:
    return {"id": "done", "kind": "end", "config": {"output": output or {"results": "nodes.each.results", "errors": "nodes.each.errors"}}}


def check(*ways: str, **more: Any) -> dict[str, Any]:
    return call("check", *ways, parent="each", **{"say": "{{ item }}/{{ index }}", **more})


def boxed(items: Any, *body: Any, edges: Any = EDGES, limits: Any = None, **settings: Any) -> Trial:
    """start -> each(check) -> done."""
    box = each(**{"collect": "default(nodes.check.x, null)", **settings})
    return Trial.of(["start", box, *(body or (check(),)), ends()], edges, inputs={"list": items}, limits=limits)


def items_of(run: Trial) -> list[tuple[str, Any]]:
    """What the journal tells of items: the result, or the code of the error."""
    told = [(row.path, e) for row, e in zip(run.rows, run.events, strict=True) if isinstance(e, events.ItemEnded)]
    return [(path, e.error["code"] if e.error else e.outputs["result"]) for path, e in told]


# Items


def test_the_body_runs_once_per_item_and_results_keep_the_order_of_the_items() -> None:
    run = boxed(["a", "b", "c"])
    assert [run.calls[path].given["say"] for path in run.live] == ["a/0", "b/1", "c/2"]
    for i in (2, 0, 1):
        run.done(f"each[{i}]/check", x=i * 10)
    assert run.status == "succeeded"
    assert run.output == {"results": [0, 10, 20], "errors": []}
    assert items_of(run) == [("each[2]", 20), ("each[0]", 0), ("each[1]", 10)]
    assert run.paths == ["each", "each[0]/check", "each[1]/check", "each[2]/check", "done"]


def test_so_many_items_are_in_the_box_at_a_time_and_the_next_starts_when_one_has_ended() -> None:
    run = boxed([1, 2, 3, 4], concurrency=2)
    assert run.live == ["each[0]/check", "each[1]/check"]
    run.done("each[1]/check")
    assert run.live == ["each[0]/check", "each[2]/check"]
    run.done("each[2]/check").done("each[3]/check").done("each[0]/check")
    assert run.status == "succeeded"


def test_a_list_without_items_ends_the_box_at_once() -> None:
    run = boxed([])
    assert run.paths == ["each", "done"]
    assert run.output == {"results": [], "errors": []}


@pytest.mark.parametrize("items", ["text", None, 3, True, {"a": 1}])
def test_items_that_are_no_list_are_an_error_that_says_so(items: Any) -> None:
    run = boxed(items)
    assert run.status == "failed"
    assert run.state.failure is not None
    assert run.state.failure["code"] == "config_invalid" and "must be a list; it is" in run.state.failure["message"]


def test_more_items_than_the_box_allows_are_an_error_that_tells_both_numbers() -> None:
    run = boxed([1, 2, 3], max_items=2)
    assert run.status == "failed" and "3 items; the box allows 2" in run.reason
    assert boxed([1, 2], max_items=2).status == "running"


def test_what_a_step_leaves_is_seen_in_its_own_item_only_and_not_behind_the_box() -> None:
    run = Trial.of(
        ["start", "before", each(concurrency=2, collect="[nodes.late.said, nodes.before.x]"),
         check(), call("late", parent="each", say="{{ nodes.check.x }} {{ nodes.before.x }}"),
         ends(results="nodes.each.results", inside="default(nodes.check.x, 'gone')")],
        ["start -> before", "before -> each", "each.item -> check", "check -> late", "each -> done"],
        inputs={"list": [1, 2, 3]},
    )  # fmt: skip
    run.done("each[0]/check", x="zero").done("each[1]/check", x="one")
    assert [run.calls[path].given["say"] for path in run.live] == ["zero 1", "one 1"]
    run.done("each[1]/late", said="b").done("each[0]/late", said="a")
    run.done("each[2]/check", x="two").done("each[2]/late", said="c")
    assert run.output == {"results": [["a", 1], ["b", 1], ["c", 1]], "inside": "gone"}
    assert set(run.state.outputs) == {"start", "before", "each", "done"}


def test_a_branch_that_was_not_taken_in_an_item_left_nothing_in_it() -> None:
    run = boxed([1, 2], check("a", "b"), call("rare", parent="each"), edges=[*EDGES, "check.b -> rare"], collect="default(nodes.rare.x, 0)")
    run.done("each[0]/check", "b").done("each[1]/check", "a").done("each[0]/rare", x=7)
    assert run.output == {"results": [7, 0], "errors": []}


def test_an_item_waits_for_all_its_branches() -> None:
    edges = ["start -> each", "each.item -> check", "each.item -> other", "check -> both", "other -> both", "each -> done"]
    run = boxed([1], check(), call("other", parent="each"), call("both", parent="each"), edges=edges)
    run.done("each[0]/check")
    assert run.live == ["each[0]/other"]
    run.done("each[0]/other").done("each[0]/both")
    assert run.status == "succeeded"


def test_steps_that_only_compute_work_through_a_long_list_in_several_turns() -> None:
    many = 2 * MOST_ITEMS + 5
    run = boxed(
        list(range(many)), node("check", config={"values": {"x": "item * 2"}}, parent="each"), max_items=many, limits={"steps": 500}
    )
    assert run.output["results"] == [i * 2 for i in range(many)]


def test_a_box_without_steps_collects_its_items_in_turns_of_bounded_length() -> None:
    many = 3 * MOST_ITEMS
    run = Trial.of(["start", each(collect="item + index", max_items=many), ends()], ["start -> each", "each -> done"],
                   inputs={"list": list(range(many))})  # fmt: skip
    assert run.output["results"] == [i * 2 for i in range(many)]
    assert run.paths == ["each", "done"]


def test_a_box_that_is_switched_off_is_passed_with_everything_in_it() -> None:
    run = Trial.of(["start", each(disabled=True), check(), ends(x="default(nodes.each.results, 'none')")], EDGES, inputs={"list": [1]})
    assert run.log == ["+start", "-start", "~each", "+done", "-done"]
    assert run.output == {"x": "none"}


# Paths: boxes in boxes, loops in boxes, boxes in loops


def test_boxes_nest_and_the_inner_items_hide_the_outer_ones() -> None:
    run = Trial.of(
        ["start", each(collect="nodes.inner.results"), each("inner", "item.parts", parent="each", collect="nodes.x.v"),
         call("x", parent="inner", say="{{ item }}/{{ index }}"), ends()],
        ["start -> each", "each.item -> inner", "inner.item -> x", "each -> done"],
        inputs={"list": [{"parts": ["a"]}, {"parts": ["b", "c"]}]},
    )  # fmt: skip
    assert run.live == ["each[0]/inner[0]/x", "each[1]/inner[0]/x", "each[1]/inner[1]/x"]
    assert [run.calls[path].given["say"] for path in run.live] == ["a/0", "b/0", "c/1"]
    for path in reversed(run.live):
        run.done(path, v=path)
    assert run.output["results"] == [["each[0]/inner[0]/x"], ["each[1]/inner[0]/x", "each[1]/inner[1]/x"]]
    assert [path for path, _ in items_of(run)] == ["each[1]/inner[1]", "each[1]/inner[0]", "each[1]", "each[0]/inner[0]", "each[0]"]


def test_a_loop_in_a_box_turns_in_each_item_for_itself() -> None:
    body = (call("draft", parent="each", say="{{ item }} {{ visit }}"), call("ok", "good", "bad", parent="each"))
    edges = ["start -> each", "each.item -> draft", "draft -> ok", edge("ok.bad -> draft", max_visits=3), "each -> done"]
    run = boxed(["a", "b"], *body, edges=edges, collect="visit")
    run.done("each[0]/draft#1").done("each[0]/draft#1/ok", "bad").done("each[1]/draft#1")
    assert run.live == ["each[0]/draft#2", "each[1]/draft#1/ok"]
    assert run.calls["each[0]/draft#2"].given["say"] == "a 2"
    run.done("each[0]/draft#2").done("each[0]/draft#2/ok", "good").done("each[1]/draft#1/ok", "good")
    assert run.output == {"results": [1, 1], "errors": []}


def test_a_box_in_a_loop_opens_anew_in_each_visit() -> None:
    run = Trial.of(
        ["start", call("h"), each(collect="[visit, item]"), check(say="{{ visit }}"), call("again", "more", "enough"), ends()],
        ["start -> h", "h -> each", "each.item -> check", "each -> again", edge("again.more -> h", max_visits=3), "again.enough -> done"],
        inputs={"list": ["a", "b"]},
    )
    run.done("h#1").done("h#1/each[0]/check").done("h#1/each[1]/check").done("h#1/again", "more").done("h#2")
    assert run.live == ["h#2/each[0]/check", "h#2/each[1]/check"]
    assert run.calls["h#2/each[0]/check"].given["say"] == 2
    run.done("h#2/each[1]/check").done("h#2/each[0]/check").done("h#2/again", "enough")
    assert run.output["results"] == [[2, "a"], [2, "b"]]


def test_a_box_that_heads_a_loop_is_named_by_its_visit() -> None:
    run = Trial.of(
        ["start", each(), check(), call("again", "more", "enough"), ends()],
        ["start -> each", "each.item -> check", "each -> again", edge("again.more -> each", max_visits=2), "again.enough -> done"],
        inputs={"list": [1]},
    )
    run.done("each#1[0]/check").done("each#1/again", "more")
    assert run.live == ["each#2[0]/check"]
    run.done("each#2[0]/check").done("each#2/again", "enough")
    assert run.status == "succeeded"


def test_a_loop_in_a_box_whose_visits_are_used_up_stops_the_run_and_goes_on_when_it_is_resumed() -> None:
    edges = ["start -> each", "each.item -> check", edge("check.again -> check", max_visits=1), "each -> done"]
    run = boxed([1, 2], check("again", "enough"), edges=edges, collect="index")
    run.done("each[0]/check#1", "again").done("each[1]/check#1", "enough")
    assert run.status == "stopped" and "each[0]/check#1" in run.reason
    run.resume()
    run.done("each[0]/check#2", "enough")
    assert run.output == {"results": [0, 1], "errors": []}


# Items that fail


def failing(policy: str, **more: Any) -> Trial:
    """Of three items the second fails."""
    run = boxed(["a", "b", "c"], on_item_error=policy, **more)
    return run.done("each[0]/check", x="A").fails("each[1]/check", Permanent("It cannot be."))


def test_stop_fails_the_run_and_a_resumed_run_goes_on_from_the_step_that_failed() -> None:
    run = failing("stop")
    assert run.live == ["each[2]/check"] and run.status == "running"
    run.done("each[2]/check", x="C")
    assert run.status == "failed" and run.reason.startswith("each[1]/check: It cannot be.")
    run.reload().resume()
    assert run.live == ["each[1]/check"]
    run.done("each[1]/check", x="B")
    assert run.output == {"results": ["A", "B", "C"], "errors": []}


def test_skip_leaves_the_item_out_of_the_results() -> None:
    assert failing("skip").done("each[2]/check", x="C").output == {"results": ["A", "C"], "errors": []}


def test_collect_puts_null_in_its_place_and_tells_the_error() -> None:
    run = failing("collect").done("each[2]/check", x="C")
    error = {"index": 1, "code": "step_failed", "message": "It cannot be.", "path": "each[1]/check"}
    assert run.output == {"results": ["A", None, "C"], "errors": [error]}
    assert items_of(run) == [("each[0]", "A"), ("each[1]", "step_failed"), ("each[2]", "C")]


def test_a_box_with_an_error_port_fails_as_a_whole_and_gives_up_its_other_items() -> None:
    run = Trial.of(
        ["start", each(on_error="port"), check(), node("late", config={"values": {"why": "nodes.each.error.message"}}),
         ends(why="nodes.late.why")],
        [*EDGES, "each.error -> late", "late -> done"],
        inputs={"list": [1, 2, 3]},
    )  # fmt: skip
    run.fails("each[1]/check")
    assert run.cancelled_calls == ["each[0]/check", "each[2]/check"]
    assert run.output == {"why": "each[1]/check: It cannot be."}
    assert run.state.items == {} and set(run.state.frames) == {""}


def test_a_box_with_a_default_output_goes_on_with_it() -> None:
    run = Trial.of(["start", each(on_error="default", default_output={"results": [0]}), check(), ends(results="nodes.each.results")],
                   EDGES, inputs={"list": [1]}).fails("each[0]/check")  # fmt: skip
    assert run.status == "succeeded" and run.output == {"results": [0]}


def test_an_item_that_fails_gives_up_everything_in_it_and_nothing_else() -> None:
    edges = ["start -> each", "each.item -> check", "each.item -> slow", "each.item -> ask", "each -> done"]
    body = (check(), call("slow", parent="each"), node("ask", "approval", parent="each"))
    run = boxed([1, 2], *body, edges=edges, on_item_error="skip", collect="index")
    run.fails("each[0]/check")
    assert run.cancelled_calls == ["each[0]/slow"]
    assert run.waiting == ["each[1]/ask"] and run.live == ["each[1]/check", "each[1]/slow"]
    run.done("each[1]/check").done("each[1]/slow").answer("each[1]/ask")
    assert run.output == {"results": [1], "errors": []}


def test_an_unsafe_call_in_an_item_that_has_failed_is_finished_and_leads_nowhere() -> None:
    edges = ["start -> each", "each.item -> check", "each.item -> pay", "pay -> after", "each -> done"]
    body = (check(), call("pay", parent="each", kind="unsafe_call"), call("after", parent="each"))
    run = boxed([1], *body, edges=edges, on_item_error="collect").fails("each[0]/check")
    assert run.live == ["each[0]/pay"] and run.status == "running"
    run.done("each[0]/pay", receipt=1)
    assert run.status == "succeeded" and run.output["results"] == [None]


def test_a_step_with_an_error_port_keeps_its_error_to_itself() -> None:
    run = boxed([1], check(on_error="port"), call("mend", parent="each"), edges=[*EDGES, "check.error -> mend"], collect="nodes.mend.x")
    run.fails("each[0]/check").done("each[0]/mend", x="mended")
    assert run.output == {"results": ["mended"], "errors": []}


def test_a_step_in_a_box_is_tried_again_before_its_item_fails() -> None:
    run = boxed([1], check(retry={"attempts": 2, "backoff_s": 1}), on_item_error="skip")
    run.fails("each[0]/check", Transient("Not now.")).wait(1)
    assert run.live == ["each[0]/check"]
    assert run.fails("each[0]/check", Transient("Not now.")).output == {"results": [], "errors": []}


def test_collect_that_cannot_be_worked_out_is_an_error_of_its_item() -> None:
    run = boxed([1, 0], collect="10 / item", on_item_error="collect").done("each[0]/check").done("each[1]/check")
    assert run.output["results"] == [10.0, None]
    assert run.output["errors"][0]["code"] == "division_by_zero" and run.output["errors"][0]["path"] == "each[1]"


def test_collect_that_cannot_be_worked_out_fails_a_box_that_stops_and_no_item_runs_again() -> None:
    run = boxed([1, 0], collect="10 / item").done("each[0]/check").done("each[1]/check")
    assert run.status == "failed" and run.reason.startswith("each: each[1]: ")
    started = len(run.paths)
    run.resume()
    assert run.status == "failed" and len(run.paths) == started


def test_an_error_that_an_inner_box_does_not_take_ends_the_item_of_the_outer_one() -> None:
    run = Trial.of(
        ["start", each(on_item_error="collect", collect="nodes.inner.results"), each("inner", "item", parent="each"),
         call("x", parent="inner"), ends()],
        ["start -> each", "each.item -> inner", "inner.item -> x", "each -> done"],
        inputs={"list": [[1, 2], [3]]},
    )  # fmt: skip
    run.fails("each[0]/inner[1]/x")
    assert run.live == ["each[1]/inner[0]/x"]
    run.done("each[1]/inner[0]/x")
    assert run.output["results"] == [None, [3]]
    assert [(e["index"], e["path"]) for e in run.output["errors"]] == [(0, "each[0]/inner[1]/x")]


def test_an_error_that_an_inner_box_takes_stays_in_it() -> None:
    run = Trial.of(
        ["start", each(collect="nodes.inner.results"), each("inner", "item", parent="each", on_item_error="skip"),
         call("x", parent="inner"), ends()],
        ["start -> each", "each.item -> inner", "inner.item -> x", "each -> done"],
        inputs={"list": [[1, 2]]},
    )  # fmt: skip
    assert run.fails("each[0]/inner[0]/x").done("each[0]/inner[1]/x").output == {"results": [[2]], "errors": []}


def test_a_list_that_is_too_long_in_an_item_is_an_error_of_that_item() -> None:
    run = Trial.of(
        ["start", each(on_item_error="skip", collect="nodes.inner.results"), each("inner", "item", parent="each", max_items=1), ends()],
        ["start -> each", "each.item -> inner", "each -> done"],
        inputs={"list": [[1, 2], [3]]},
    )
    assert run.output == {"results": [[3]], "errors": []}


def test_fail_in_a_box_is_an_error_of_its_item() -> None:
    run = boxed([1, 2], {"id": "check", "kind": "fail", "config": {"message": "No {{ item }}"}, "parent": "each"}, on_item_error="collect")
    assert [e["message"] for e in run.output["errors"]] == ["No 1", "No 2"]
    assert {e["code"] for e in run.output["errors"]} == {"failed_on_purpose"}


# People


def test_approvals_in_a_box_are_one_inbox_item_each_and_the_run_waits() -> None:
    run = boxed(["a", "b", "c"], node("check", "approval", config={"title": "{{ item }}?"}, parent="each"), concurrency=2,
                collect="nodes.check.decision")  # fmt: skip
    assert run.waiting == ["each[0]/check", "each[1]/check"] and run.status == "waiting"
    assert run.reason == "check waits for 2 answers in the inbox."
    assert [item.card["title"] for item in run.items()] == ["a?", "b?"]
    run.reload().answer("each[1]/check", "rejected")
    assert run.waiting == ["each[0]/check", "each[2]/check"]
    run.reload().answer("each[2]/check").reload()
    assert run.reason == "check waits for an answer in the inbox."
    assert run.answer("each[0]/check").output["results"] == ["approved", "rejected", "approved"]


def consenting() -> Trial:
    body = (
        node("ok", "approval", config={"title": "Send?", "editable": {"to": "item"}, "action": "send"}, parent="each"),
        call("send", say="{{ nodes.ok.values.to }}", parent="each"),
    )
    return boxed(["a", "b"], *body, edges=["start -> each", "each.item -> ok", "ok.approved -> send", "each -> done"], collect="index")


def test_a_consent_counts_for_the_action_of_its_own_item() -> None:
    run = consenting()
    run.answer("each[1]/ok", to="x")
    assert run.live == ["each[1]/send"] and run.calls["each[1]/send"].given["say"] == "x"
    run.answer("each[0]/ok")
    assert run.calls["each[0]/send"].given["say"] == "a"
    run.done("each[0]/send").done("each[1]/send")
    assert run.status == "succeeded"


def test_a_consent_that_is_void_asks_again_in_its_own_item() -> None:
    run = consenting()
    # What the card of the first item showed has changed by the time that it is answered.
    digest = run.item("each[0]/ok").digest
    run.state.steps["each"].box.items[0] = "other"
    run.shadow.steps["each"].box.items[0] = "other"
    run.state.steps["each[0]/ok"].inputs["editable"]["to"] = "other"
    run.shadow.steps["each[0]/ok"].inputs["editable"]["to"] = "other"
    run.answer("each[0]/ok", digest=digest)
    assert run.waiting == ["each[0]/ok", "each[1]/ok"] and run.of_type(events.ConsentVoid)
    run.answer("each[0]/ok")
    assert run.live == ["each[0]/send"]


# Limits, crashes, cancelling


def test_a_limit_met_in_a_box_stops_the_run_and_a_resumed_run_repeats_no_item() -> None:
    run = boxed([1, 2, 3], concurrency=1, limits={"steps": 4}, collect="nodes.check.x")
    run.done("each[0]/check", x=1).done("each[1]/check", x=2)
    assert run.status == "stopped" and "limit steps" in run.reason
    run.reload().resume(steps=10)
    assert run.live == ["each[2]/check"]
    assert run.done("each[2]/check", x=3).output["results"] == [1, 2, 3]
    assert run.paths.count("each[0]/check") == run.paths.count("each[1]/check") == 1


def test_after_a_crash_only_the_steps_that_were_running_run_again() -> None:
    run = boxed(["a", "b", "c", "d"], concurrency=2)
    run.done("each[1]/check", x="B").crash()
    assert run.live == ["each[0]/check", "each[2]/check"]
    assert all(run.calls[path].attempt == 2 for path in run.live)
    run.done("each[0]/check", x="A").crash()
    run.done("each[2]/check", x="C").done("each[3]/check", x="D")
    assert run.output["results"] == ["A", "B", "C", "D"]
    assert [path for path, _ in items_of(run)] == ["each[1]", "each[0]", "each[2]", "each[3]"]


def test_a_crash_between_two_turns_of_a_long_box_loses_and_repeats_no_item() -> None:
    many = 2 * MOST_ITEMS
    nodes, edges = ["start", each(collect="item", max_items=many), ends()], ["start -> each", "each -> done"]
    run = Trial(plan_of(nodes, edges), by_hand=True).start(inputs={"list": list(range(many))})
    while not run.is_unfinished:
        run.next_turn()
    assert len(items_of(run)) == MOST_ITEMS
    run.by_hand = False
    run.crash()
    assert run.output["results"] == list(range(many))
    assert [path for path, _ in items_of(run)] == [f"each[{i}]" for i in range(many)]


def test_cancelling_gives_up_what_is_in_the_box() -> None:
    run = boxed([1, 2, 3], concurrency=2).cancel()
    assert run.status == "cancelled" and run.live == []
    assert set(run.of_type(events.RunCancelled)[0].cancelled) == {"each", "each[0]/check", "each[1]/check"}


def test_a_join_that_has_opened_gives_the_whole_box_up() -> None:
    run = Trial.of(
        ["start", each(), check(), call("quick"), call("first", join="any"), ends(x="1")],
        ["start -> each", "each.item -> check", "start -> quick", "each -> first", "quick -> first", "first -> done"],
        inputs={"list": [1, 2]},
    )
    run.done("quick")
    assert run.live == ["first"] and run.cancelled_calls == ["each[0]/check", "each[1]/check"]
    assert run.state.items == {} and set(run.state.frames) == {""}
    assert run.done("first").status == "succeeded"


def test_a_port_that_leads_nowhere_in_a_box_is_not_how_the_run_was_left() -> None:
    run = Trial.of(["start", each(), check()], ["start -> each", "each.item -> check"], inputs={"list": [1]}).done("each[0]/check")
    assert run.status == "succeeded" and run.reason == "It reached no end; it left by each.out."


# What is held


def test_items_that_have_ended_leave_nothing_behind_but_what_was_collected() -> None:
    run = boxed(list(range(50)), concurrency=3, max_items=50)
    for i in range(40):
        run.done(f"each[{i}]/check", x=i, much="y" * 1000)
    assert len(run.state.steps) == 4 and len(run.state.frames) == 4 and len(run.state.items) == 3
    box = run.state.steps["each"].box
    assert box is not None and box.results[:41] == [*(str(i).encode() for i in range(40)), None]
    assert set(run.state.outputs) == {"start"}
