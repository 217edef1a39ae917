"""Whatever can be read of a document is read, and everything else is told at once."""

from itertools import pairwise

import pytest

from engine.errors import NotADocument
from engine.graph.document import parse
from engine.graph.plan import Limits
from engine.graph.validate import check
from tests.unit.graph.workflows import CATALOG, checked, codes, document, edge, node, plan_of, the

LINE = ["start", "a", "end"], ["start -> a", "a -> end"]


@pytest.mark.parametrize("value", [None, 1, "x", [], {}, {"nodes": []}, {"nodes": {}, "edges": []}, {"edges": [], "nodes": None}])
def test_only_an_object_with_two_arrays_is_a_document(value) -> None:
    with pytest.raises(NotADocument):
        parse(value)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), "\ud800", 2**70, {1: 2}, {1, 2}])
def test_what_json_cannot_hold_is_no_document(value) -> None:
    with pytest.raises(NotADocument):
        parse({"nodes": [], "edges": [], "vars": {"a": value}})


def test_a_document_nested_too_deep_is_no_document() -> None:
    deep: list = []
    for _ in range(100_000):
        deep = [deep]
    with pytest.raises(NotADocument):
        parse({"nodes": [], "edges": [], "notes": deep})


def test_an_empty_document_is_kept_with_its_problems() -> None:
    result = check({"nodes": [], "edges": []}, CATALOG)
    assert codes(result) == ["missing_key", "missing_key", "no_start"]
    assert result.plan is None


def test_a_minimal_document_needs_nothing_else() -> None:
    plan = plan_of(*LINE)
    assert plan.limits == Limits() and plan.on_limit == "stop"
    assert plan.nodes["a"].ports == ("out",) and plan.nodes["a"].join == "all"


def test_every_mistake_is_told_at_once() -> None:
    result = checked(
        [
            "start",
            node("a", "nonsense"),
            node("b", color="red"),
            node("Bad Id"),
            node("c", "llm", config={"prompt": "{{ 1 + }}", "colour": 1}),
            node("d"),
            node("d"),
            7,
        ],
        ["start -> a", "a -> b", "b -> Bad Id", "b -> nowhere", "b.side -> c", "b -> d", edge("d -> b")],
        extra=1,
        limits={"steps": 0, "coins": 3},
    )
    found = set(codes(result, "error"))
    assert found == {
        "unknown_key", "unknown_kind", "bad_id", "bad_expression", "duplicate_id", "wrong_type", "dangling_edge", "unknown_port",
        "loop_without_bound", "bad_limit",
    }  # fmt: skip
    fields = {(p.node, p.field) for p in result.problems if p.code == "unknown_key"}
    assert fields == {(None, "extra"), (None, "limits.coins"), ("b", "color"), ("c", "config.colour")}


def test_an_unknown_key_is_refused_on_every_level() -> None:
    result = checked(
        ["start", node("a", retry={"tries": 2}, position={"x": 1, "z": 2})],
        [edge("start -> a", label="x")],
        triggers=[{"kind": "webhook", "path": "p", "secret": "s"}],
        limits={"money": 1},
    )
    fields = {(p.node, p.edge, p.field) for p in result.problems if p.code == "unknown_key"}
    assert fields == {
        ("a", None, "retry.tries"),
        ("a", None, "position.z"),
        (None, 0, "label"),
        (None, None, "triggers[0].secret"),
        (None, None, "limits.money"),
    }


def test_a_misspelt_key_is_told_with_the_right_one() -> None:
    assert the(checked(["start"], [], trigers=[]), "unknown_key").hint == "Did you mean `triggers`?"


def test_notes_and_groups_are_kept_as_they_are() -> None:
    result = checked(*LINE, notes=[{"text": "x", "anything": 1}], groups=[{"ids": ["a"]}])
    assert result.problems == []
    assert codes(checked(*LINE, notes=["x"])) == ["wrong_type"]


@pytest.mark.parametrize("id_", ["", "A", "1a", "a-b", "a" * 41, "ä", None, 5])
def test_a_bad_id_is_an_error(id_) -> None:
    assert {"bad_id", "missing_key", "wrong_type"} & set(codes(checked(["start", {"id": id_, "kind": "set"}], [])))


def test_a_bad_id_does_not_make_its_edges_wrong() -> None:
    result = checked(["start", node("Draft"), "end"], ["start -> Draft", "Draft -> end"])
    assert codes(result) == ["bad_id"]


def test_two_nodes_with_one_id_are_told_with_their_places() -> None:
    problem = the(checked(["start", "a", "a", "end"], ["start -> a", "a -> end"]), "duplicate_id")
    assert (problem.node, problem.field) == ("a", "nodes[2].id")


def test_limits_that_are_not_given_keep_their_defaults() -> None:
    plan = plan_of(*LINE, limits={"cost_usd": 0.5, "steps": 7}, on_limit="ask")
    assert plan.limits == Limits(cost_micro=500_000, steps=7)
    assert plan.on_limit == "ask"


def test_money_and_calls_may_be_limited_to_nothing() -> None:
    plan = plan_of(*LINE, limits={"cost_usd": 0, "tokens": 0, "llm_calls": 0, "tool_calls": 0})
    assert plan.limits == Limits(cost_micro=0, tokens=0, llm_calls=0, tool_calls=0)


@pytest.mark.parametrize(
    "limits",
    [
        {"steps": 0}, {"seconds": 0}, {"steps": -1}, {"cost_usd": -0.1}, {"steps": 1.5}, {"tokens": None}, {"steps": "10"}, {"steps": True},
        {"seconds": 1e12}, {"steps": 1e15},
    ],
)  # fmt: skip
def test_a_limit_cannot_be_removed_or_nonsense(limits) -> None:
    problem = the(checked(*LINE, limits=limits), "bad_limit")
    assert problem.field == f"limits.{next(iter(limits))}"


@pytest.mark.parametrize(
    ("settings", "code"),
    [
        ({"timeout_s": 0}, "out_of_bounds"), ({"timeout_s": "5"}, "wrong_type"), ({"join": "some"}, "bad_value"),
        ({"on_error": "ignore"}, "bad_value"), ({"retry": {"attempts": 0}}, "out_of_bounds"),
        ({"retry": {"attempts": 21}}, "out_of_bounds"),
        ({"retry": {"backoff_s": -1}}, "out_of_bounds"), ({"retry": {"factor": 0}}, "out_of_bounds"), ({"retry": 3}, "wrong_type"),
        ({"disabled": "yes"}, "wrong_type"), ({"title": 5}, "wrong_type"), ({"on_error": "default"}, "missing_key"),
        ({"position": {"x": "1"}}, "wrong_type"), ({"config": []}, "wrong_type"), ({"default_output": {}}, "unused_setting"),
    ],
)  # fmt: skip
def test_a_common_setting_that_does_not_fit_is_told(settings, code) -> None:
    problem = the(checked(["start", node("a", **settings), "end"], LINE[1]), code)
    assert problem.node == "a"
    assert problem.field and problem.field.split(".")[0] in {*settings, "default_output"}


def test_common_settings_arrive_in_the_plan() -> None:
    settings = {
        "title": "T", "agent": "mara", "join": "any", "timeout_s": 5, "retry": {"attempts": 3}, "on_error": "default",
        "default_output": {"x": 0},
    }  # fmt: skip
    planned = plan_of(["start", node("a", **settings), "end"], LINE[1]).nodes["a"]
    assert (planned.title, planned.agent, planned.join, planned.timeout_s, planned.on_error) == ("T", "mara", "any", 5, "default")
    assert planned.default_output == {"x": 0} and planned.retry.attempts == 3 and planned.retry.backoff_s == 1.0


@pytest.mark.parametrize(
    ("trigger", "field"),
    [
        ({"kind": "schedule"}, "triggers[0].cron"),
        ({"kind": "schedule", "cron": "every day"}, "triggers[0].cron"),
        ({"kind": "schedule", "cron": "0 9 * * 1", "timezone": "Mars base"}, "triggers[0].timezone"),
        ({"kind": "schedule", "cron": "0 25 * * 1"}, "triggers[0].cron"),
        ({"kind": "schedule", "cron": "0 0 31 feb *"}, "triggers[0].cron"),
        ({"kind": "schedule", "cron": "0 9 * * 1", "timezone": "Europe/Berln"}, "triggers[0].timezone"),
        ({"kind": "schedule", "cron": "0 9 * * 1", "timezone": "Europe"}, "triggers[0].timezone"),
        ({"kind": "webhook"}, "triggers[0].path"),
        ({"kind": "webhook", "path": "a/../b"}, "triggers[0].path"),
        ({"kind": "alarm"}, "triggers[0].kind"),
        ({}, "triggers[0].kind"),
        ("x", "triggers[0]"),
    ],
)
def test_a_trigger_of_the_wrong_shape_is_told(trigger, field) -> None:
    assert [p.field for p in checked(*LINE, triggers=[trigger]).problems] == [field]


def test_all_kinds_of_triggers_are_known() -> None:
    triggers = [
        {"kind": "manual"}, {"kind": "form"}, {"kind": "chat"}, {"kind": "webhook", "path": "cards"},
        {"kind": "schedule", "cron": "*/5 8-18 * * MON-FRI", "timezone": "Europe/Berlin", "inputs": {"a": 1}},
    ]  # fmt: skip
    draft = parse(document(*LINE, triggers=triggers))
    assert draft.problems.found == []
    assert [t.kind for t in draft.triggers] == ["manual", "form", "chat", "webhook", "schedule"]


def test_a_schedule_that_makes_no_sense_says_why() -> None:
    told = the(checked(*LINE, triggers=[{"kind": "schedule", "cron": "0 9 * * 1-9"}]), "bad_value")
    assert told.message == "`0 9 * * 1-9` is no schedule: A weekday is from 0 to 7, not 9."
    assert "`0 9 * * 1` is Mondays at nine" in told.hint


def test_two_webhooks_cannot_share_a_path() -> None:
    hook = {"kind": "webhook", "path": "cards"}
    assert codes(checked(*LINE, triggers=[hook, hook])) == ["duplicate_path"]


def test_more_than_two_thousand_nodes_are_an_error() -> None:
    ids = ["start", *(f"n{i}" for i in range(2_000))]
    result = checked(ids, [f"{a} -> {b}" for a, b in pairwise(ids)])
    assert "too_many_nodes" in codes(result, "error")


def test_problems_are_bounded_however_bad_the_document_is() -> None:
    result = check({"nodes": [], "edges": [], **{f"k{i}": 1 for i in range(12_000)}}, CATALOG)
    assert len(result.problems) == 10_001
    assert "more_problems" in codes(result)


def test_too_many_expressions_are_an_error_and_not_compiled() -> None:
    values = {f"v{i}": "1" for i in range(20_100)}
    result = checked(["start", node("a", config={"values": values})], ["start -> a"])
    assert "too_many_expressions" in codes(result, "error")


def test_errors_come_before_warnings() -> None:
    result = checked(["start", node("a", color=1)], ["start -> a"])
    assert [p.severity for p in result.problems] == ["error", "warning", "warning"]
