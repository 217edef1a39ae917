"""Natural loops: visits, paths, exits, exhaustion, nesting (workflow.md, Running 4 and 6)."""

import pytest

from engine.errors import Permanent
from engine.run import events
from tests.unit.run.driving import Trial, call, edge, node


def back(text: str, max_visits: int = 3, **more):
    return edge(text, max_visits=max_visits, **more)


def review(max_visits: int = 3, *, ports: tuple[str, ...] = ("good", "bad", "given_up"), **more):
    """draft -> ok, back by `bad`, out by `good`."""
    return Trial.of(
        ["start", call("draft"), call("ok", *ports), {"id": "done", "kind": "end", "config": {"output": {"visit": "nodes.note.v"}}},
         node("note", config={"values": {"v": "visit"}}), "late", "end"],
        ["start -> draft", "draft -> ok", back("ok.bad -> draft", max_visits, **more), "ok.good -> note", "note -> done",
         "ok.given_up -> late", "late -> end"],
    )  # fmt: skip


def test_paths_name_the_visit_of_their_loop() -> None:
    run = review()
    run.done("draft#1").done("draft#1/ok", "bad").done("draft#2").done("draft#2/ok", "good")
    assert run.paths == ["draft#1", "draft#1/ok", "draft#2", "draft#2/ok", "note", "done"]
    # Behind the loop the visit is 1 again.
    assert run.output == {"visit": 1}


def test_expressions_see_the_number_of_the_visit() -> None:
    run = Trial.of(
        ["start", call("h", say="{{ visit }}"), call("b", "again", "out", say="{{ visit }}"), "end"],
        ["start -> h", "h -> b", back("b.again -> h"), "b.out -> end"],
    )
    seen = []
    for visit in (1, 2, 3):
        seen.append(run.calls[f"h#{visit}"].given["say"])
        run.done(f"h#{visit}")
        seen.append(run.calls[f"h#{visit}/b"].given["say"])
        run.done(f"h#{visit}/b", "again" if visit < 3 else "out")
    assert seen == [1, 1, 2, 2, 3, 3]


def test_a_step_that_repeats_itself_is_a_loop_of_one() -> None:
    run = Trial.of(["start", call("h", "again", "out"), "end"], ["start -> h", back("h.again -> h"), "h.out -> end"])
    run.done("h#1", "again").done("h#2", "again").done("h#3", "out")
    assert run.paths == ["h#1", "h#2", "h#3", "end"]


def test_outputs_of_the_last_visit_can_be_read_in_the_next_one() -> None:
    run = Trial.of(
        ["start", call("h", say="{{ default(nodes.b.why, 'first') }}"), call("b", "again", "out"), "end"],
        ["start -> h", "h -> b", back("b.again -> h"), "b.out -> end"],
    )
    assert run.calls["h#1"].given["say"] == "first"
    run.done("h#1").done("h#1/b", "again", why="too long")
    assert run.calls["h#2"].given["say"] == "too long"


def test_max_visits_counts_how_often_the_body_may_run() -> None:
    run = review(2, on_exhausted="given_up")
    run.done("draft#1").done("draft#1/ok", "bad").done("draft#2").done("draft#2/ok", "bad")
    assert run.paths[-2:] == ["late", "end"]
    assert run.status == "succeeded"
    # The journal keeps the port that was really taken.
    assert [e.port for e in run.of_type(events.StepDone)][-3] == "given_up"


def test_on_exhausted_by_an_error_port() -> None:
    run = Trial.of(
        ["start", call("h"), call("b", "out", "worn_out", on_error="port"), "late", "end"],
        ["start -> h", "h -> b", back("b.error -> h", 2, on_exhausted="worn_out"), "b -> end", "b.worn_out -> late", "late -> end"],
    )
    run.done("h#1").fails("h#1/b").done("h#2").fails("h#2/b")
    assert run.paths[-2:] == ["late", "end"]
    assert run.status == "succeeded"


def test_on_exhausted_may_lead_into_an_outer_loop_that_is_used_up_too() -> None:
    run = Trial.of(
        ["start", call("o"), call("i"), call("b", "inner", "outer", "out"), "late", "end"],
        ["start -> o", "o -> i", "i -> b", back("b.inner -> i", 1, on_exhausted="outer"), back("b.outer -> o", 2, on_exhausted="out"),
         "b.out -> late", "late -> end"],
    )  # fmt: skip
    run.done("o#1").done("o#1/i#1").done("o#1/i#1/b", "inner")
    assert run.live == ["o#2"]
    run.done("o#2").done("o#2/i#1").done("o#2/i#1/b", "inner")
    assert run.paths[-2:] == ["late", "end"]


def test_a_loop_without_on_exhausted_meets_the_limit_and_a_resumed_run_gets_as_many_visits_again() -> None:
    run = review(2)
    run.done("draft#1").done("draft#1/ok", "bad").done("draft#2").done("draft#2/ok", "bad")
    assert run.status == "stopped"
    assert "draft#2" in run.reason and "visits" in run.reason
    met = run.of_type(events.LimitMet)[0]
    assert (met.limit, met.used, met.needed, met.allowed) == ("max_visits", 2, 1, 2)
    run.resume()
    assert run.live == ["draft#3"]
    run.done("draft#3").done("draft#3/ok", "bad").done("draft#4").done("draft#4/ok", "bad")
    assert run.status == "stopped"
    run.resume().done("draft#5").done("draft#5/ok", "good")
    assert run.status == "succeeded"


def test_visits_that_were_granted_survive_a_restart() -> None:
    run = review(1)
    run.done("draft#1").done("draft#1/ok", "bad").reload().resume()
    assert run.live == ["draft#2"]
    run.reload()
    assert run.state.frames["draft#2"].allowed == 2


def test_raising_another_limit_does_not_grant_visits_that_nobody_was_asked_for() -> None:
    run = Trial.of(
        ["start", call("h", "again", "out"), call("x"), call("y"), "end"],
        ["start -> h", "start -> x", back("h.again -> h", 1), "h.out -> end", "x -> y"],
        limits={"steps": 3},
    )
    run.done("x")
    assert run.state.halted == "steps"
    run.done("h#1", "again")
    assert run.status == "stopped"
    run.resume(steps=100)
    assert run.state.halted == "max_visits"
    run.done("y") if "y" in run.live else None
    assert "h#2" not in run.paths
    assert run.status == "stopped"


def test_exits_are_settled_when_the_loop_ends_and_only_if_taken_in_the_last_visit() -> None:
    run = Trial.of(
        ["start", call("h"), call("a", "x", "y"), call("b", "again", "stop"), call("side"), "seen_x", "seen_y", "j", "end"],
        ["start -> h", "h -> a", "h -> side", "a.x -> b", "a.y -> b", "b.stop -> seen_x", "a.y -> seen_y", back("b.again -> h"),
         "seen_x -> j", "seen_y -> j", "j -> end"],
    )  # fmt: skip
    run.done("h#1").done("h#1/side").done("h#1/a", "x").done("h#1/b", "again")
    run.done("h#2").done("h#2/a", "y").done("h#2/b", "stop")
    # Both exits are taken, and wait for what is still alive in the visit.
    assert run.live == ["h#2/side"]
    assert not {"seen_x", "seen_y"} & set(run.paths)
    run.done("h#2/side")
    assert run.paths[-4:] == ["seen_x", "seen_y", "j", "end"]


def test_an_exit_that_is_not_taken_in_the_last_visit_is_dead() -> None:
    run = Trial.of(
        ["start", call("h", "l", "r"), call("a", "again", "out"), call("b", "again", "out"), "left", "right", "j", "end"],
        ["start -> h", "h.l -> a", "h.r -> b", back("a.again -> h"), back("b.again -> h"), "a.out -> left", "b.out -> right",
         "left -> j", "right -> j", "j -> end"],
    )  # fmt: skip
    run.done("h#1", "l").done("h#1/a", "again").done("h#2", "r").done("h#2/b", "out")
    assert run.paths[-3:] == ["right", "j", "end"]
    assert "left" not in run.paths


def test_leaving_and_repeating_in_one_visit_is_an_error_that_names_both() -> None:
    run = Trial.of(
        ["start", call("h"), call("a", "leave", "stay"), call("b", "again", "done"), "end"],
        ["start -> h", "h -> a", "h -> b", "a.leave -> end", "a.stay -> b", back("b.again -> h"), "b.done -> end"],
    )
    run.done("h#1").done("h#1/a", "leave").done("h#1/b", "again")
    assert run.status == "failed"
    assert run.state.failure is not None
    assert run.state.failure["code"] == "loop_both_ways"
    assert "a.leave" in run.reason
    # Resuming cannot mend it.
    run.resume()
    assert run.status == "failed"


def test_a_visit_ends_when_nothing_in_the_body_is_alive_side_branches_included() -> None:
    run = Trial.of(
        ["start", call("h"), call("b", "again", "out"), call("side"), call("side2"), "end"],
        ["start -> h", "h -> b", "h -> side", "side -> side2", back("b.again -> h"), "b.out -> end"],
    )
    run.done("h#1").done("h#1/b", "again")
    assert run.live == ["h#1/side"]
    run.done("h#1/side")
    assert run.live == ["h#1/side2"]
    run.done("h#1/side2")
    assert run.live == ["h#2"]
    run.done("h#2").done("h#2/side").done("h#2/side2").done("h#2/b", "out")
    assert run.paths.count("h#1/side") == run.paths.count("h#2/side") == 1
    assert run.status == "succeeded"


def test_a_join_behind_the_loop_waits_for_the_loop() -> None:
    run = Trial.of(
        ["start", call("h"), call("b", "again", "out"), call("beside"), "j", "end"],
        ["start -> h", "start -> beside", "h -> b", back("b.again -> h"), "b.out -> j", "beside -> j", "j -> end"],
    )
    run.done("beside").done("h#1").done("h#1/b", "again")
    assert "j" not in run.paths
    run.done("h#2").done("h#2/b", "out")
    assert run.paths[-2:] == ["j", "end"]


def test_a_loop_that_is_never_entered_kills_its_exits() -> None:
    run = Trial.of(
        ["start", call("pick", "loop", "past"), call("h"), call("b", "again", "out"), "j", "end"],
        ["start -> pick", "pick.loop -> h", "h -> b", back("b.again -> h"), "b.out -> j", "pick.past -> j", "j -> end"],
    )
    run.done("pick", "past")
    assert run.paths == ["pick", "j", "end"]


def test_a_header_with_two_edges_in_waits_for_both() -> None:
    run = Trial.of(
        ["start", call("a"), call("b"), call("h", "again", "out"), "end"],
        ["start -> a", "start -> b", "a -> h", "b -> h", back("h.again -> h"), "h.out -> end"],
    )
    run.done("a")
    assert run.live == ["b"]
    run.done("b").done("h#1", "again").done("h#2", "out")
    assert run.status == "succeeded"


def test_joins_and_dead_paths_inside_a_body_are_counted_anew_in_each_visit() -> None:
    run = Trial.of(
        ["start", call("h", "l", "r", "both"), "x", "y", call("j", "again", "out"), "end"],
        ["start -> h", "h.l -> x", "h.r -> y", "h.both -> x", "h.both -> y", "x -> j", "y -> j", back("j.again -> h"), "j.out -> end"],
    )
    run.done("h#1", "l").done("h#1/j", "again").done("h#2", "r").done("h#2/j", "again").done("h#3", "both").done("h#3/j", "out")
    assert [p for p in run.paths if "/" in p] == ["h#1/x", "h#1/j", "h#2/y", "h#2/j", "h#3/x", "h#3/y", "h#3/j"]


def test_any_join_inside_a_body_gives_up_only_this_visit() -> None:
    run = Trial.of(
        ["start", call("h"), call("a"), call("b"), call("j", "again", "out", join="any"), "end"],
        ["start -> h", "h -> a", "h -> b", "a -> j", "b -> j", back("j.again -> h"), "j.out -> end"],
    )
    run.done("h#1").done("h#1/a")
    assert run.live == ["h#1/j"]
    run.done("h#1/j", "again").done("h#2")
    assert run.live == ["h#2/a", "h#2/b"]
    run.done("h#2/b").done("h#2/j", "out")
    assert run.status == "succeeded"


# Nesting


def nested(outer: int = 3, inner: int = 2, **more):
    return Trial.of(
        ["start", call("o"), call("i"), call("ib", "again", "out"), call("ob", "again", "out"), "end"],
        [
            "start -> o",
            "o -> i",
            "i -> ib",
            back("ib.again -> i", inner, **more),
            "ib.out -> ob",
            back("ob.again -> o", outer),
            "ob.out -> end",
        ],
    )


def test_inner_loops_start_anew_in_each_visit_of_the_outer_one() -> None:
    run = nested(inner=2)
    for visit in (1, 2):
        run.done(f"o#{visit}").done(f"o#{visit}/i#1").done(f"o#{visit}/i#1/ib", "again").done(f"o#{visit}/i#2")
        run.done(f"o#{visit}/i#2/ib", "out").done(f"o#{visit}/ob", "again" if visit == 1 else "out")
    assert run.status == "succeeded"
    assert run.of_type(events.LimitMet) == []


def test_an_inner_loop_that_is_used_up_stops_the_run_and_goes_on_when_resumed() -> None:
    run = nested(inner=1)
    run.done("o#1").done("o#1/i#1").done("o#1/i#1/ib", "again")
    assert run.status == "stopped"
    assert "o#1/i#1" in run.reason
    run.resume().done("o#1/i#2").done("o#1/i#2/ib", "out").done("o#1/ob", "out")
    assert run.status == "succeeded"


def test_the_visit_is_that_of_the_innermost_loop() -> None:
    run = Trial.of(
        [
            "start",
            call("o"),
            call("i", say="{{ visit }}"),
            call("ib", "again", "out"),
            call("ob", "again", "out", say="{{ visit }}"),
            "end",
        ],
        ["start -> o", "o -> i", "i -> ib", back("ib.again -> i"), "ib.out -> ob", back("ob.again -> o"), "ob.out -> end"],
    )
    run.done("o#1").done("o#1/i#1").done("o#1/i#1/ib", "again")
    assert run.calls["o#1/i#2"].given["say"] == 2
    run.done("o#1/i#2").done("o#1/i#2/ib", "out")
    assert run.calls["o#1/ob"].given["say"] == 1
    run.done("o#1/ob", "again").done("o#2")
    assert run.calls["o#2/i#1"].given["say"] == 1


def test_a_back_edge_out_of_an_inner_loop_repeats_the_outer_one() -> None:
    run = Trial.of(
        ["start", call("o"), call("i"), call("b", "inner", "outer", "out"), "end"],
        ["start -> o", "o -> i", "i -> b", back("b.inner -> i"), back("b.outer -> o"), "b.out -> end"],
    )
    run.done("o#1").done("o#1/i#1").done("o#1/i#1/b", "inner").done("o#1/i#2").done("o#1/i#2/b", "outer")
    assert run.live == ["o#2"]
    run.done("o#2").done("o#2/i#1").done("o#2/i#1/b", "out")
    assert run.paths[-1] == "end"
    assert sorted(run.state.frames) == [""]


def test_an_exit_through_two_loops_is_settled_when_both_have_ended() -> None:
    run = Trial.of(
        ["start", call("o"), call("i"), call("b", "inner", "on", "out"), call("side"), call("c", "again", "stay"), "end"],
        ["start -> o", "o -> i", "i -> b", back("b.inner -> i"), "b.out -> end", "b.on -> c", back("c.again -> o"), "o -> side"],
    )
    run.done("o#1").done("o#1/i#1").done("o#1/i#1/b", "out")
    assert "end" not in run.paths
    run.done("o#1/side")
    assert run.paths[-1] == "end"


def test_two_back_edges_to_one_header_share_its_visits() -> None:
    run = Trial.of(
        ["start", call("h"), call("a", "again", "on"), call("b", "again", "out"), "end"],
        ["start -> h", "h -> a", back("a.again -> h", 2), "a.on -> b", back("b.again -> h", 2), "b.out -> end"],
    )
    run.done("h#1").done("h#1/a", "again").done("h#2").done("h#2/a", "on").done("h#2/b", "again")
    assert run.status == "stopped"


def test_two_back_edges_taken_in_one_visit_start_one_visit() -> None:
    run = Trial.of(
        ["start", call("h"), call("a", "again", "on"), call("b", "again", "out"), "end"],
        ["start -> h", "h -> a", "h -> b", back("a.again -> h"), back("b.again -> h"), "a.on -> end", "b.out -> end"],
    )
    run.done("h#1").done("h#1/a", "again").done("h#1/b", "again")
    assert run.live == ["h#2"]


def test_a_loop_that_is_left_by_a_port_without_an_edge_kills_its_exits() -> None:
    run = Trial.of(
        ["start", call("h", "again", "out", "nowhere"), "after", call("beside"), "j", "end"],
        ["start -> h", "start -> beside", back("h.again -> h"), "h.out -> after", "after -> j", "beside -> j", "j -> end"],
    )
    run.done("h#1", "again").done("h#2", "nowhere").done("beside")
    assert run.paths[-2:] == ["j", "end"]
    assert "after" not in run.paths


def test_an_error_in_the_body_can_be_resumed_in_its_visit() -> None:
    run = nested()
    run.done("o#1").done("o#1/i#1").done("o#1/i#1/ib", "again").fails("o#1/i#2", Permanent("no"))
    assert run.status == "failed"
    run.reload().resume()
    assert run.live == ["o#1/i#2"]
    run.done("o#1/i#2").done("o#1/i#2/ib", "out").done("o#1/ob", "out")
    assert run.status == "succeeded"


@pytest.mark.parametrize("visits", [1, 50])
def test_the_state_does_not_grow_with_the_number_of_visits(visits: int) -> None:
    run = Trial.of(["start", call("h"), "x", call("b", "again", "out")], ["start -> h", "h -> x", "x -> b", back("b.again -> h", 1000)])
    for visit in range(1, visits + 1):
        run.done(f"h#{visit}").done(f"h#{visit}/b", "again")
    assert len(run.state.frames) == 2
    assert len(run.state.steps) == 1
    assert len(run.state.outputs) == 4
