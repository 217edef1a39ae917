"""Nodes, edges, ports and boxes have to fit together."""

import pytest

from tests.unit.graph.workflows import checked, codes, edge, members, node, plan_of, region_of, the


def test_a_workflow_needs_a_start() -> None:
    assert codes(checked(["a", "end"], ["a -> end"])) == ["no_start"]


def test_a_workflow_has_one_start_only() -> None:
    result = checked(["start", node("other", "start"), "end"], ["start -> end", "other -> end"])
    assert [p.node for p in result.problems if p.code == "several_starts"] == ["start", "other"]


def test_a_disabled_start_is_an_error() -> None:
    assert the(checked([node("start", "start", disabled=True), "end"], ["start -> end"]), "disabled_start").severity == "error"


def test_no_edge_may_lead_into_the_start() -> None:
    result = checked(["start", "a", "end"], ["start -> a", "a -> end", edge("a -> start", max_visits=2)])
    assert codes(result) == ["edge_into_start"]


def test_a_node_that_nothing_leads_to_is_an_error() -> None:
    problem = the(checked(["start", "a", "lost", "end"], ["start -> a", "a -> end", "lost -> end"]), "unreachable")
    assert (problem.node, problem.severity) == ("lost", "error")


def test_the_way_from_a_part_that_is_never_reached_does_not_spoil_a_sound_loop() -> None:
    result = checked(
        ["start", "a", node("b", "branch"), "end", "lost"],
        ["start -> a", "a -> b", edge("b.yes -> a", max_visits=2), "b.else -> end", "lost -> b"],
    )
    assert codes(result, "error") == ["unreachable"]


def test_an_edge_with_a_loose_end_is_told_with_the_nearest_id() -> None:
    problem = the(checked(["start", "draft", "end"], ["start -> drafft", "start -> draft", "draft -> end"]), "dangling_edge")
    assert (problem.edge, problem.field, problem.hint) == (0, "target", "Did you mean `draft`?")


def test_an_edge_from_a_port_that_does_not_exist_is_an_error() -> None:
    problem = the(checked(["start", "a", "end"], ["start -> a", "a -> end", "a.oout -> end"]), "unknown_port")
    assert (problem.node, problem.edge, problem.hint) == ("a", 2, "Did you mean `out`?")


def test_nothing_can_follow_an_end() -> None:
    assert codes(checked(["start", "end", "a"], ["start -> end", "end -> a", "start -> a"]), "error") == ["unknown_port"]


def test_ports_of_a_node_with_a_wrong_setting_are_still_known() -> None:
    bad = node("b", "branch", config={"cases": [{"port": "yes", "when": "true"}], "color": 1})
    result = checked(["start", bad, "end"], ["start -> b", "b.yes -> end", "b.else -> end", "b.nope -> end"])
    assert codes(result, "error") == ["unknown_key", "unknown_port"]


def test_a_fixed_port_is_known_even_without_a_required_setting() -> None:
    result = checked(["start", node("a", "llm", config={}), "end"], ["start -> a", "a -> end", "a.nope -> end"])
    assert codes(result, "error") == ["missing_key", "unknown_port"]


@pytest.mark.parametrize("values", [[None, False], [None], {"x": 5}, "text", {"": []}])
def test_settings_of_any_form_spoil_no_other_check(values) -> None:
    bad, reader = node("a", config={"values": values}), node("b", config={"values": {"x": "nodes.a.y"}})
    result = checked(["start", bad, reader, "end"], ["start -> a", "a -> b", "b -> end", "b -> nowhere"])
    assert "dangling_edge" in codes(result)


def test_the_error_port_exists_exactly_when_errors_leave_by_it() -> None:
    nodes = ["start", node("a", on_error="port"), "end"]
    plan = plan_of(nodes, ["start -> a", "a -> end", "a.error -> end"])
    assert plan.nodes["a"].ports == ("out", "error")
    assert codes(checked(nodes, ["start -> a", "a -> end"])) == ["unconnected_port"]
    assert codes(checked(["start", "a", "end"], ["start -> a", "a -> end", "a.error -> end"])) == ["unknown_port"]


def test_a_port_that_leads_nowhere_is_a_warning_that_names_it() -> None:
    result = checked(["start", node("ok", "approval"), "end"], ["start -> ok", "ok.approved -> end"])
    told = [p for p in result.problems if p.code == "unconnected_port"]
    assert [p.field for p in told] == ["port.rejected"]
    assert all(p.severity == "warning" and p.node == "ok" for p in told)
    assert result.plan is not None


@pytest.mark.parametrize(
    ("config", "loop", "is_told"),
    [
        ({}, {}, False),
        ({"expires_after_s": 60}, {}, True),
        ({"expires_after_s": 60, "on_expire": "rejected"}, {}, False),
        ({}, {"max_visits": 2, "on_exhausted": "expired"}, True),
    ],
)
def test_only_a_port_by_which_a_run_can_leave_has_to_lead_somewhere(config, loop, is_told) -> None:
    back = edge("ok.rejected -> a", **(loop or {"max_visits": 2}))
    result = checked(["start", "a", node("ok", "approval", config=config), "end"], ["start -> a", "a -> ok", "ok.approved -> end", back])
    told = [p.field for p in result.problems if p.code == "unconnected_port"]
    assert told == (["port.expired"] if is_told else [])


def test_a_workflow_that_never_ends_by_an_end_is_a_warning() -> None:
    assert codes(checked(["start", "a"], ["start -> a"]), "warning") == ["no_end", "unconnected_port"]


def test_two_equal_edges_are_a_warning() -> None:
    assert codes(checked(["start", "end"], ["start -> end", "start -> end"])) == ["duplicate_edge"]


def test_an_unknown_kind_is_told_with_the_nearest_one() -> None:
    problem = the(checked(["start", node("a", "aproval"), "end"], ["start -> a", "a -> end"]), "unknown_kind")
    assert (problem.node, problem.field, problem.hint) == ("a", "kind", "Did you mean `approval`?")


def test_two_labels_cannot_share_a_port() -> None:
    labels = [{"port": "a"}, {"port": "a"}]
    result = checked(["start", node("c", "classify", config={"text": "x", "labels": labels})], ["start -> c"])
    assert codes(result, "error") == ["duplicate_port"]


@pytest.mark.parametrize(
    ("config", "field", "code"),
    [
        ({"prompt": 5}, "config.prompt", "wrong_type"),
        ({"prompt": "x", "max_tokens": "9"}, "config.max_tokens", "wrong_type"),
        ({"prompt": "x", "max_tokens": 0}, "config.max_tokens", "bad_value"),
        ({"prompt": "x", "temperature": 3}, "config.temperature", "bad_value"),
        ({"prompt": "x", "fallback_models": ["a", 1]}, "config.fallback_models[1]", "wrong_type"),
        ({}, "config.prompt", "missing_key"),
        ({"promt": "x"}, "config.promt", "unknown_key"),
        ({"prompt": "x", "output": {"type": "nonsense"}}, "config.output", "bad_schema"),
    ],
)
def test_a_setting_that_does_not_fit_its_kind_is_told_in_plain_words(config, field, code) -> None:
    result = checked(["start", node("a", "llm", config=config), "end"], ["start -> a", "a -> end"])
    problem = next(p for p in result.problems if p.code == code)
    assert (problem.node, problem.field, problem.severity) == ("a", field, "error")
    assert "Input should" not in problem.message and problem.hint


def test_a_bad_setting_deep_inside_is_told_with_its_place() -> None:
    cases = [{"port": "a", "when": "true"}, {"port": "b", "wenn": "true"}]
    result = checked(["start", node("b", "branch", config={"cases": cases})], ["start -> b"])
    told = {(p.code, p.field, p.hint) for p in result.problems if p.severity == "error"}
    assert ("unknown_key", "config.cases[1].wenn", "Did you mean `when`?") in told
    assert ("missing_key", "config.cases[1].when", "Fill in “When” of item 2 in “Ways”.") in told


# Boxes

BOX = [node("each", "map"), node("check", parent="each")]


def test_a_box_has_a_region_of_its_own() -> None:
    plan = plan_of(["start", *BOX, "end"], ["start -> each", "each.item -> check", "each -> end"])
    assert members(plan, "each") == {"check"}
    body = region_of(plan, "each")
    assert plan.nodes["each"].body == body.index and plan.nodes["each"].region == 0
    assert body.joins == {"check": 1} and [e.target for e in body.entries] == ["check"]
    assert plan.edges[1].settles_in == body.index


def test_a_loop_inside_a_box_belongs_to_the_box() -> None:
    plan = plan_of(
        ["start", *BOX, node("good", "branch", parent="each"), "end"],
        ["start -> each", "each.item -> check", "check -> good", edge("good.else -> check", max_visits=3), "each -> end"],
    )
    loop = region_of(plan, "check")
    assert loop.kind == "loop" and loop.parent == plan.nodes["each"].body
    assert region_of(plan, "each").joins == {"check": 1}


def test_boxes_nest() -> None:
    plan = plan_of(
        ["start", node("outer", "map"), node("inner", "map", parent="outer"), node("a", parent="inner"), "end"],
        ["start -> outer", "outer.item -> inner", "inner.item -> a", "outer -> end"],
    )
    assert region_of(plan, "inner").parent == plan.nodes["outer"].body


@pytest.mark.parametrize("text", ["start -> check", "check -> end", "each.item -> end", "each -> check"])
def test_only_the_item_port_crosses_the_border_of_a_box(text) -> None:
    edges = ["start -> each", "each.item -> check", "each -> end", text]
    assert codes(checked(["start", *BOX, "end"], edges), "error") == ["crosses_box"]


def test_a_parent_has_to_be_a_box() -> None:
    result = checked(["start", "a", node("b", parent="a"), "end"], ["start -> a", "a -> b", "b -> end"])
    assert codes(result) == ["not_a_box"]
    assert codes(checked(["start", node("b", parent="no"), "end"], ["start -> b", "b -> end"])) == ["unknown_parent"]


def test_boxes_cannot_stand_in_each_other() -> None:
    boxes = [node("a", "map", parent="b"), node("b", "map", parent="a")]
    assert "box_in_itself" in codes(checked(["start", *boxes, "end"], ["start -> a", "a -> end", "b -> end"]), "error")
    assert "box_in_itself" in codes(checked(["start", node("a", "map", parent="a"), "end"], ["start -> a", "a -> end"]), "error")


def test_start_and_end_stand_outside_of_boxes() -> None:
    result = checked(["start", *BOX, node("inner", "end", parent="each"), "end"], ["start -> each", "each -> end", "each.item -> check"])
    assert "not_in_a_box" in codes(result, "error")


def test_item_exists_only_inside_a_box() -> None:
    inside = node("check", parent="each", config={"values": {"x": "item.name", "i": "index"}})
    edges = ["start -> each", "each.item -> check", "check -> last", "each -> end"]
    last = node("last", parent="each")
    assert codes(checked(["start", BOX[0], inside, last, "end"], edges), "error") == []
    outside = node("a", config={"values": {"x": "item"}})
    problem = the(checked(["start", outside, "end"], ["start -> a", "a -> end"]), "item_outside_box")
    assert (problem.node, problem.field) == ("a", "config.values.x")


def test_what_a_box_collects_is_judged_inside_it() -> None:
    box = node("each", "map", config={"items": "inputs.list", "collect": "nodes.check.x + index"})
    edges = ["start -> each", "each.item -> check", "each -> end"]
    assert codes(checked(["start", box, BOX[1], "end"], edges)) == []
    reader = node("end", "end", config={"output": {"x": "nodes.check.x"}})
    assert "possibly_untaken" in codes(checked(["start", box, BOX[1], reader], edges))


def test_items_are_not_worked_out_inside_the_box() -> None:
    box = node("each", "map", config={"items": "item"})
    assert "item_outside_box" in codes(checked(["start", box, BOX[1], "end"], ["start -> each", "each.item -> check", "each -> end"]))


def test_the_last_step_of_a_body_needs_no_edge_and_a_forgotten_port_is_told() -> None:
    edges = ["start -> each", "each.item -> check", "each -> end"]
    assert codes(checked(["start", *BOX, "end"], edges)) == []
    choice = node("check", "branch", parent="each", ways=["a", "b"])
    nodes = ["start", BOX[0], choice, node("x", parent="each"), "end"]
    told = checked(nodes, [*edges, "check.a -> x"], limits={"steps": 1000}).problems
    assert {(p.code, p.node, p.field) for p in told} == {("unconnected_port", "check", f"port.{port}") for port in ("b", "else")}


def test_a_box_in_which_nothing_happens_is_told_and_runs() -> None:
    result = checked(["start", node("each", "map"), "end"], ["start -> each", "each -> end"])
    assert the(result, "empty_box").severity == "warning" and result.plan is not None
    inside = checked(["start", *BOX, "end"], ["start -> each", "each -> end"])
    assert codes(inside) == ["empty_box", "unreachable"]


def test_settings_that_mean_nothing_to_a_box_are_told() -> None:
    box = node("each", "map", retry={"attempts": 3}, timeout_s=5)
    result = checked(["start", box, BOX[1], "end"], ["start -> each", "each.item -> check", "each -> end"])
    assert [(p.code, p.field) for p in result.problems] == [("unused_setting", "retry"), ("unused_setting", "timeout_s")]


def test_everything_wrong_with_boxes_is_told_at_once_with_the_node_and_a_hint() -> None:
    nodes = [
        "start", *BOX, node("lost", parent="nowhere"), node("odd", parent="check"), node("stop", "end", parent="each"),
        node("a", "map", parent="b"), node("b", "map", parent="a"), node("reader", config={"values": {"x": "item"}}), "end",
    ]  # fmt: skip
    edges = ["start -> each", "each.item -> check", "check -> reader", "start -> reader", "each -> end", "reader -> lost", "start -> odd",
             "start -> a", "start -> b", "start -> stop"]  # fmt: skip
    result = checked(nodes, edges)
    told = {(p.code, p.node) for p in result.problems if p.severity == "error"}
    assert told == {
        ("unknown_parent", "lost"), ("not_a_box", "odd"), ("not_in_a_box", "stop"), ("box_in_itself", "a"), ("crosses_box", "check"),
        ("crosses_box", "start"), ("item_outside_box", "reader"), ("unreachable", "b"),
    }  # fmt: skip
    assert all(p.hint and p.node for p in result.problems if p.code != "worst_case_above_limit")
