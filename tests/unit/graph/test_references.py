"""What expressions refer to has to exist, and to have a value by then."""

import pytest

from tests.unit.graph.workflows import checked, codes, edge, node, plan_of, the


def reading(source: str, id_: str = "r", **more) -> dict:
    """A node that reads something."""
    return node(id_, config={"values": {"x": source}}, **more)


def read(source: str, **more):
    """The check of a line whose middle reads something."""
    return checked(["start", "a", reading(source), "end"], ["start -> a", "a -> r", "r -> end"], **more)


@pytest.mark.parametrize(
    "source", ["nodes.a.x", "default(nodes.a.y, 1)", "vars.k", "run.id", "run.started_at", "now", "visit", "inputs.any", "1"]
)
def test_what_exists_can_be_read(source) -> None:
    result = read(source, vars={"k": 1})
    assert codes(result, "error") == []


@pytest.mark.parametrize(
    ("source", "code", "severity"),
    [
        ("nodes.b.x", "unknown_node", "error"),
        ("default(nodes.b.x, 1)", "unknown_node", "error"),
        ("nodes.a.y", "unknown_output", "warning"),
        ("vars.kk", "unknown_var", "error"),
        ("run.cost", "unknown_name", "error"),
        ("item", "item_outside_box", "error"),
        ("index + 1", "item_outside_box", "error"),
        ("nodes.r.x", "possibly_untaken", "warning"),
        ("nodes.a.error.code", "unknown_output", "warning"),
        ("1 +", "bad_expression", "error"),
        ("unknown", "bad_expression", "error"),
        ("nope(1)", "bad_expression", "error"),
    ],
)
def test_what_does_not_exist_is_told_at_its_field(source, code, severity) -> None:
    problem = the(read(source, vars={"k": 1}), code)
    assert (problem.severity, problem.node, problem.field) == (severity, "r", "config.values.x")
    assert "character" in problem.message and problem.hint


def test_the_nearest_node_is_proposed() -> None:
    assert the(read("nodes.start_.x"), "unknown_node").hint == "Did you mean `start`?"


def test_the_place_in_the_text_is_told() -> None:
    result = checked(["start", node("a", "llm", config={"prompt": "Dear {{ inputs.name }}: {{ 1 + }}"})], ["start -> a"])
    problem = the(result, "bad_expression")
    assert problem.field == "config.prompt" and "at character 3" in problem.message


def test_braces_mean_nothing_in_an_expression() -> None:
    assert codes(read("{{ inputs.a }}"), "error") == ["bad_expression"]


def test_expressions_deep_inside_a_setting_are_told_with_their_place() -> None:
    cases = [{"port": "a", "when": "true"}, {"port": "b", "when": "nodes.q.x"}]
    result = checked(["start", node("b", "branch", config={"cases": cases})], ["start -> b"])
    assert the(result, "unknown_node").field == "config.cases[1].when"


def test_the_expressions_of_a_node_with_a_wrong_setting_are_still_checked() -> None:
    bad = node("a", "llm", config={"prompt": "{{ nodes.q.x }}", "color": 1})
    assert codes(checked(["start", bad, "end"], ["start -> a", "a -> end"]), "error") == ["unknown_key", "unknown_node"]


def test_a_number_is_its_own_expression() -> None:
    plan = plan_of(["start", node("a", config={"values": {"n": 5, "t": True, "z": None}}), "end"], ["start -> a", "a -> end"])
    assert plan.nodes["a"].fields["values"]({}) == {"n": 5, "t": True, "z": None}


# Inputs

SCHEMA = {"type": "object", "properties": {"message": {"type": "string"}}}


@pytest.mark.parametrize(
    ("schema", "source", "found"),
    [
        (SCHEMA, "inputs.message", []),
        (SCHEMA, "inputs.mesage", ["unknown_input"]),
        (SCHEMA, "nodes.start.mesage", ["unknown_output"]),
        ({"type": "object"}, "inputs.mesage", []),
        ({"type": "object", "additionalProperties": False}, "inputs.mesage", ["unknown_input"]),
        ({}, "inputs.mesage", []),
    ],
)
def test_an_input_that_the_start_does_not_ask_for_is_a_warning(schema, source, found) -> None:
    start = node("start", "start", config={"inputs": schema})
    result = checked([start, reading(source), "end"], ["start -> r", "r -> end"])
    assert codes(result) == found
    assert codes(result, "error") == []


def test_a_schema_that_cannot_be_used_is_an_error() -> None:
    for schema in ({"type": "nonsense"}, {"pattern": "(?=a)"}, {"$ref": "https://example.com/x"}, {"type": "array"}):
        result = checked([node("start", "start", config={"inputs": schema}), "end"], ["start -> end"])
        assert codes(result, "error") == ["bad_schema"], schema


# Will it have run by then?


def told(nodes, edges) -> list[str]:
    return [f"{p.node}:{p.message.split('“')[1].split('”')[0]}" for p in checked(nodes, edges).problems if p.code == "possibly_untaken"]


def test_one_way_of_a_branch_may_not_have_been_taken() -> None:
    nodes = ["start", node("b", "branch"), "x", "y", reading("nodes.x.x + nodes.y.x"), "end"]
    edges = ["start -> b", "b.yes -> x", "b.else -> y", "x -> r", "y -> r", "r -> end"]
    assert told(nodes, edges) == ["r:x", "r:y"]


def test_both_ways_of_a_fan_out_have_run_when_they_meet() -> None:
    nodes = ["start", "x", "y", reading("nodes.x.x + nodes.y.x"), "end"]
    assert told(nodes, ["start -> x", "start -> y", "x -> r", "y -> r", "r -> end"]) == []


def test_a_fan_out_from_one_way_of_a_branch_has_run_when_it_meets() -> None:
    nodes = ["start", node("b", "branch"), "x", "y", "y2", reading("nodes.x.x + nodes.y.x + nodes.y2.x"), "end"]
    edges = ["start -> b", "b.yes -> x", "b.yes -> y", "y -> y2", "x -> r", "y2 -> r", "r -> end", "b.else -> end"]
    assert told(nodes, edges) == []


def test_a_step_that_all_ways_of_a_branch_lead_to_has_run() -> None:
    nodes = ["start", node("b", "branch"), "x", reading("nodes.x.x"), "end"]
    assert told(nodes, ["start -> b", "b.yes -> x", "b.else -> x", "x -> r", "r -> end"]) == []


def test_the_first_of_several_does_not_wait_for_the_others() -> None:
    nodes = ["start", "x", "y", reading("nodes.x.x", join="any"), "end"]
    assert told(nodes, ["start -> x", "start -> y", "x -> r", "y -> r", "r -> end"]) == ["r:x"]


def test_a_step_beside_is_not_waited_for() -> None:
    nodes = ["start", "x", reading("nodes.x.x"), "end"]
    assert told(nodes, ["start -> x", "start -> r", "r -> end", "x -> end"]) == ["r:x"]


def test_a_step_that_may_fail_by_its_own_port_has_not_always_gone_on() -> None:
    nodes = ["start", node("x", on_error="port"), "y", "z", reading("nodes.y.x + nodes.x.x + nodes.x.error.message"), "end"]
    edges = ["start -> x", "x -> y", "x.error -> z", "y -> r", "z -> r", "r -> end"]
    assert told(nodes, edges) == ["r:y"]


def test_an_error_has_a_code_and_a_message_only() -> None:
    nodes = ["start", node("x", on_error="port"), reading("nodes.x.error.trace"), "end"]
    assert the(checked(nodes, ["start -> x", "x -> end", "x.error -> r", "r -> end"]), "unknown_output").severity == "warning"


def test_what_a_later_step_of_the_loop_made_is_missing_in_the_first_visit() -> None:
    nodes = ["start", reading("nodes.ok.reason", "draft"), node("ok", "approval"), "end"]
    edges = ["start -> draft", "draft -> ok", "ok.approved -> end", edge("ok.rejected -> draft", max_visits=2)]
    assert told(nodes, edges) == ["draft:ok"]
    guarded = [nodes[0], reading("default(nodes.ok.reason, '')", "draft"), *nodes[2:]]
    assert told(guarded, edges) == []


def test_what_ran_in_the_last_visit_can_be_read_after_the_loop() -> None:
    nodes = ["start", "draft", node("ok", "approval"), reading("nodes.draft.x + nodes.ok.reason"), "end"]
    edges = ["start -> draft", "draft -> ok", "ok.approved -> r", "r -> end", edge("ok.rejected -> draft", max_visits=2)]
    assert told(nodes, edges) == []


def test_a_step_that_is_switched_off_has_no_outputs() -> None:
    nodes = ["start", node("x", disabled=True), reading("nodes.x.x"), "end"]
    assert told(nodes, ["start -> x", "x -> r", "r -> end"]) == ["r:x"]


def test_a_box_body_can_read_what_ran_before_the_box() -> None:
    nodes = ["start", "x", node("each", "map"), reading("nodes.x.x + item", parent="each"), "end"]
    assert told(nodes, ["start -> x", "x -> each", "each.item -> r", "each -> end"]) == []


def test_a_box_has_no_results_yet_inside_its_body() -> None:
    nodes = ["start", node("each", "map"), reading("nodes.each.results", parent="each"), "end"]
    assert told(nodes, ["start -> each", "each.item -> r", "each -> end"]) == ["r:each"]


# Actions of approvals


def approving(action: str, edges: list, **more):
    nodes = ["start", node("ok", "approval", config={"title": "?", "action": action}), node("block", "notify", **more), "end"]
    return checked(nodes, edges)


def test_an_action_behind_the_approval_is_bound_to_it() -> None:
    result = approving("block", ["start -> ok", "ok.approved -> block", "block -> end"])
    assert result.plan is not None and result.plan.nodes["block"].consent == "ok"


@pytest.mark.parametrize(
    ("action", "edges", "code"),
    [
        ("nothing", ["start -> ok", "ok.approved -> block", "block -> end"], "unknown_node"),
        ("block", ["start -> ok", "ok.approved -> block", "ok.expired -> block", "block -> end"], "action_not_guarded"),
        ("block", ["start -> ok", "ok.rejected -> block", "block -> end"], "action_not_guarded"),
        ("block", ["start -> ok", "start -> block", "ok.approved -> block", "block -> end"], "action_not_guarded"),
        ("start", ["start -> ok", "ok.approved -> block", "block -> end"], "bad_action"),
        ("ok", ["start -> ok", "ok.approved -> block", "block -> end"], "action_not_guarded"),
    ],
)
def test_an_action_that_could_run_without_the_approval_is_an_error(action, edges, code) -> None:
    problem = the(approving(action, edges), code)
    assert (problem.severity, problem.node, problem.field) == ("error", "ok", "config.action")


def test_two_approvals_cannot_share_an_action() -> None:
    ok = {"title": "?", "action": "block"}
    nodes = ["start", node("ok", "approval", config=ok), node("ok2", "approval", config=ok), node("block", "notify"), "end"]
    edges = ["start -> ok", "ok.approved -> ok2", "ok2.approved -> block", "block -> end"]
    assert the(checked(nodes, edges), "action_taken").node == "ok2"
