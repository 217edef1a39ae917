"""Circles are natural loops with a bound; regions, joins and exits follow from them."""

import networkx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.graph.document import DraftEdge
from engine.graph.flow import ENTRY, dominance_of, flow_of
from tests.unit.graph.workflows import checked, codes, edge, members, node, plan_of, region_of, the

REVIEW = ["start", "draft", node("ok", "approval"), "end"]
REVIEW_EDGES = ["start -> draft", "draft -> ok", "ok.approved -> end", edge("ok.rejected -> draft", max_visits=3, on_exhausted="expired")]


def test_a_loop_is_a_region_with_its_header_inside() -> None:
    plan = plan_of(REVIEW, REVIEW_EDGES)
    loop = region_of(plan, "draft")
    assert (loop.kind, loop.parent, loop.max_visits, members(plan, "draft")) == ("loop", 0, 3, {"draft", "ok"})
    assert members(plan) == {"start", "end"}
    assert plan.nodes["draft"].heads == loop.index and plan.nodes["ok"].heads is None


def test_joins_count_a_loop_by_its_header_in_the_region_around_it() -> None:
    plan = plan_of(REVIEW, REVIEW_EDGES)
    assert plan.regions[0].joins == {"draft": 1, "end": 1}
    assert region_of(plan, "draft").joins == {"ok": 1}


def test_edges_settle_where_their_join_is_counted() -> None:
    plan = plan_of(REVIEW, REVIEW_EDGES)
    loop = region_of(plan, "draft").index
    assert [e.settles_in for e in plan.edges] == [0, loop, 0, loop]
    assert [e.target for e in region_of(plan, "draft").exits] == ["end"]


def test_a_back_edge_knows_its_bound_and_its_way_out() -> None:
    plan = plan_of(REVIEW, REVIEW_EDGES)
    back = plan.edges[3]
    assert (back.is_back, back.max_visits, back.on_exhausted) == (True, 3, "expired")
    assert plan.nodes["ok"].back == back
    assert not any(e.is_back for e in plan.edges[:3])


def test_a_step_can_repeat_itself() -> None:
    plan = plan_of(["start", node("a", "branch"), "end"], ["start -> a", edge("a.yes -> a", max_visits=5), "a.else -> end"])
    assert members(plan, "a") == {"a"} and region_of(plan, "a").joins == {}


def test_a_loop_without_a_bound_is_an_error() -> None:
    problem = the(checked(REVIEW, [*REVIEW_EDGES[:3], "ok.rejected -> draft"]), "loop_without_bound")
    assert (problem.severity, problem.node, problem.edge, problem.field) == ("error", "ok", 3, "max_visits")
    assert "draft" in problem.message and "ok" in problem.message


def test_a_bound_on_an_edge_that_does_not_lead_back_is_a_warning() -> None:
    problem = the(checked(["start", "end"], [edge("start -> end", max_visits=2)]), "unused_setting")
    assert (problem.severity, problem.edge, problem.field) == ("warning", 0, "max_visits")


@pytest.mark.parametrize("port", ["rejected", "nope", "error"])
def test_the_way_out_of_a_used_up_loop_is_another_port_of_the_same_node(port) -> None:
    edges = [*REVIEW_EDGES[:3], edge("ok.rejected -> draft", max_visits=3, on_exhausted=port)]
    assert the(checked(REVIEW, edges), "unknown_port").field == "on_exhausted"


@pytest.mark.parametrize("visits", [0, -1, 1.5, "3", True])
def test_a_bound_is_a_whole_number_from_one_on(visits) -> None:
    result = checked(REVIEW, [*REVIEW_EDGES[:3], edge("ok.rejected -> draft", max_visits=visits)])
    assert {"out_of_bounds", "wrong_type"} & set(codes(result, "error"))


def test_several_edges_back_to_one_header_share_the_smallest_bound() -> None:
    edges = [
        "start -> draft", "draft -> ok", "ok.approved -> end",
        edge("ok.rejected -> draft", max_visits=4), edge("ok.expired -> draft", max_visits=2),
    ]  # fmt: skip
    result = checked(REVIEW, edges)
    assert the(result, "different_bounds").edge == 3
    assert result.plan is not None
    assert [e.max_visits for e in result.plan.edges if e.is_back] == [2, 2]
    assert region_of(result.plan, "draft").max_visits == 2


def test_a_circle_entered_from_aside_is_an_error_that_names_both_nodes_and_the_edge() -> None:
    nodes = ["start", node("a", "branch"), "b", node("c", "branch"), "end"]
    edges = ["start -> a", "a.yes -> b", "a.else -> c", "b -> c", edge("c.yes -> b", max_visits=3), "c.else -> end"]
    problem = the(checked(nodes, edges), "not_a_loop")
    assert (problem.node, problem.edge, problem.severity) == ("c", 4, "error")
    assert "“c” back to “b”" in problem.message and "from “a” to “c”" in problem.message


def test_a_crooked_circle_hides_no_other_problem() -> None:
    nodes = ["start", node("a", "branch"), "b", node("c", "branch"), node("d", config={"values": {"x": "1 +"}}), "end"]
    edges = ["start -> a", "a.yes -> b", "a.else -> c", "b -> c", edge("c.yes -> b", max_visits=3), "c.else -> d", "d -> end", "d -> no"]
    assert codes(checked(nodes, edges), "error") == ["bad_expression", "dangling_edge", "not_a_loop"]


def test_loops_nest() -> None:
    nodes = ["start", "outer", "inner", node("again", "branch"), node("more", "branch"), "end"]
    edges = [
        "start -> outer", "outer -> inner", "inner -> again", edge("again.yes -> inner", max_visits=2), "again.else -> more",
        edge("more.yes -> outer", max_visits=3), "more.else -> end",
    ]  # fmt: skip
    plan = plan_of(nodes, edges)
    outer, inner = region_of(plan, "outer"), region_of(plan, "inner")
    assert (inner.parent, outer.parent) == (outer.index, 0)
    assert members(plan, "outer") == {"outer", "more"} and members(plan, "inner") == {"inner", "again"}
    assert outer.joins == {"inner": 1, "more": 1}
    assert [e.target for e in inner.exits] == ["more"] and [e.target for e in outer.exits] == ["end"]


def test_an_edge_that_leaves_two_loops_is_an_exit_of_both() -> None:
    nodes = ["start", "outer", "inner", node("again", "branch", ways=["inner", "outer"]), "end"]
    edges = [
        "start -> outer", "outer -> inner", "inner -> again", edge("again.inner -> inner", max_visits=2),
        edge("again.outer -> outer", max_visits=3), "again.else -> end",
    ]  # fmt: skip
    plan = plan_of(nodes, edges)
    outer, inner = region_of(plan, "outer"), region_of(plan, "inner")
    assert [e.target for e in inner.exits] == ["outer", "end"]
    assert [e.target for e in outer.exits] == ["end"]
    assert plan.edges[4].settles_in == outer.index and plan.edges[5].settles_in == 0


def test_a_side_branch_that_reaches_no_end_belongs_to_the_loop() -> None:
    plan = plan_of(
        ["start", "draft", "log", "store", node("ok", "approval"), "end"],
        ["start -> draft", "draft -> log", "log -> store", "draft -> ok", "ok.approved -> end", edge("ok.rejected -> draft", max_visits=3)],
    )
    assert members(plan, "draft") == {"draft", "ok", "log", "store"}


def test_a_side_branch_that_reaches_an_end_is_outside_the_loop() -> None:
    plan = plan_of(
        ["start", "draft", "log", node("ok", "approval"), "end"],
        ["start -> draft", "draft -> ok", "ok.approved -> log", "log -> end", edge("ok.rejected -> draft", max_visits=3)],
    )
    assert members(plan, "draft") == {"draft", "ok"}


def test_a_side_branch_that_others_reach_too_is_outside_the_loop() -> None:
    plan = plan_of(
        ["start", "draft", "log", node("ok", "approval"), "end"],
        ["start -> draft", "start -> log", "draft -> log", "draft -> ok", "ok.approved -> end", edge("ok.rejected -> draft", max_visits=3)],
    )
    assert members(plan) == {"start", "log", "end"}
    assert plan.regions[0].joins["log"] == 2


def test_a_loop_on_a_side_branch_of_a_loop_is_inside_it() -> None:
    plan = plan_of(
        ["start", "draft", "try", node("done", "branch"), node("ok", "approval"), "end"],
        [
            "start -> draft", "draft -> try", "try -> done", edge("done.else -> try", max_visits=2), "draft -> ok", "ok.approved -> end",
            edge("ok.rejected -> draft", max_visits=3),
        ],
    )  # fmt: skip
    assert region_of(plan, "try").parent == region_of(plan, "draft").index
    assert region_of(plan, "draft").joins == {"try": 1, "ok": 1}


def test_a_step_of_an_outer_loop_is_no_side_branch_of_the_inner_one() -> None:
    nodes = ["start", "outer", node("inner", "branch"), node("back", "branch")]
    edges = [
        "start -> outer", "outer -> inner", edge("inner.yes -> inner", max_visits=2), "inner.else -> back",
        edge("back.yes -> outer", max_visits=2),
    ]  # fmt: skip
    plan = plan_of(nodes, edges)
    assert members(plan, "outer") == {"outer", "back"}


def test_leaving_and_repeating_by_one_port_is_a_warning() -> None:
    edges = [*REVIEW_EDGES, "ok.rejected -> end"]
    problem = the(checked(REVIEW, edges), "loop_both_ways")
    assert (problem.severity, problem.node, problem.edge) == ("warning", "ok", 4)


# join: any

RACE = ["start", "a", "b", node("first", join="any"), "end"]
RACE_EDGES = ["start -> a", "start -> b", "a -> first", "b -> first", "first -> end"]


def test_what_can_only_lead_to_an_any_join_is_known() -> None:
    assert plan_of(RACE, RACE_EDGES).nodes["first"].feeds_only == {"start", "a", "b"}


def test_what_also_leads_elsewhere_does_not_only_feed_the_join() -> None:
    assert plan_of(RACE, [*RACE_EDGES, "a -> end"]).nodes["first"].feeds_only == {"b"}


def test_what_feeds_only_through_others_counts_too() -> None:
    plan = plan_of([*RACE, "c"], ["start -> c", "c -> a", *RACE_EDGES[1:]])
    assert plan.nodes["first"].feeds_only == {"start", "a", "b", "c"}


def test_a_loop_that_only_feeds_the_join_counts_as_its_header() -> None:
    nodes = ["start", "a", node("again", "branch"), "b", node("first", join="any"), "end"]
    edges = [
        "start -> a",
        "a -> again",
        edge("again.yes -> a", max_visits=2),
        "again.else -> first",
        "start -> b",
        "b -> first",
        "first -> end",
    ]
    assert plan_of(nodes, edges).nodes["first"].feeds_only == {"start", "a", "b"}
    assert plan_of(nodes, [*edges, "a -> end"]).nodes["first"].feeds_only == {"b"}


def test_a_join_inside_a_loop_is_fed_from_inside_only() -> None:
    nodes = ["start", "top", "a", node("b", "branch"), node("first", join="any"), node("more", "branch"), "end"]
    edges = [
        "start -> top", "top -> a", "top -> b", "a -> first", "b.yes -> first", "b.else -> end", "first -> more",
        edge("more.yes -> top", max_visits=2), "more.else -> end",
    ]  # fmt: skip
    assert plan_of(nodes, edges).nodes["first"].feeds_only == {"a"}


# Dominators

GRAPHS = st.integers(1, 12).flatmap(
    lambda n: st.tuples(st.just(n), st.lists(st.tuples(st.integers(0, n - 1), st.integers(0, n - 1)), max_size=30))
)


@given(GRAPHS)
def test_dominators_are_those_that_networkx_finds(graph) -> None:
    count, pairs = graph
    names = [f"n{i}" for i in range(count)]
    edges = [DraftEdge(i, names[a], "out", names[b]) for i, (a, b) in enumerate(pairs)]
    flow = flow_of(names, edges, [names[0]])
    found = dominance_of(flow)
    wanted = networkx.DiGraph([(ENTRY, n) for n in flow.entries] + [(e.source, e.target) for e in flow.edges])
    immediate = networkx.immediate_dominators(wanted, ENTRY)
    assert found.parent == {n: d for n, d in immediate.items() if n != ENTRY}
    for lower in names:
        above, step = {lower}, lower
        while step != ENTRY:
            step = found.parent[step]
            above.add(step)
        assert {n for n in names if found.dominates(n, lower)} == above - {ENTRY}
