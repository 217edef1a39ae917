"""The most that a run can use is known before it starts."""

from engine.graph.worst_case import UNBOUNDED, bounds_of, worst_case
from engine.llm.messages import Bound
from engine.nodes.contract import Estimate
from engine.nodes.estimates import static_estimates
from tests.unit.graph.workflows import checked, codes, edge, node, plan_of, the

LOOP = ["start", node("draft", "llm"), node("ok", "approval"), "end"]
LOOP_EDGES = ["start -> draft", "draft -> ok", "ok.approved -> end", edge("ok.rejected -> draft", max_visits=3)]


class Prices:
    def bound(self, request, fallbacks=()) -> Bound:
        return Bound(tokens=100 + request.max_tokens, cost_micro=7)

    def chain(self, model, fallbacks=()) -> list[str]:
        return [model, *fallbacks]


def test_without_model_calls_a_run_costs_nothing() -> None:
    plan = plan_of(["start", "a", "end"], ["start -> a", "a -> end"])
    assert worst_case(plan) == {"steps": 3, "llm_calls": 0, "tool_calls": 0, "tokens": 0, "cost_usd": 0.0}


def test_a_loop_counts_as_often_as_it_may_run() -> None:
    assert (bounds_of(plan_of(LOOP, LOOP_EDGES)).steps, bounds_of(plan_of(LOOP, LOOP_EDGES)).llm_calls) == (8, 3)


def test_nested_loops_multiply() -> None:
    nodes = ["start", "a", node("b", "branch"), node("c", "branch"), "end"]
    edges = ["start -> a", "a -> b", edge("b.yes -> b", max_visits=4), "b.else -> c", edge("c.yes -> a", max_visits=3), "c.else -> end"]
    assert bounds_of(plan_of(nodes, edges)).steps == 2 + 3 * (2 + 4)


def test_every_attempt_counts() -> None:
    plan = plan_of(["start", node("a", "llm", retry={"attempts": 4}), "end"], ["start -> a", "a -> end"])
    assert (bounds_of(plan).steps, bounds_of(plan).llm_calls) == (6, 4)


def test_a_fallback_is_one_more_call() -> None:
    nodes = ["start", node("a", "llm", config={"prompt": "x", "fallback_models": ["b", "c"]}), "end"]
    assert bounds_of(plan_of(nodes, ["start -> a", "a -> end"])).llm_calls == 3


def test_a_step_that_is_switched_off_counts_nothing() -> None:
    plan = plan_of(["start", node("a", "llm", disabled=True), "end"], ["start -> a", "a -> end"])
    assert worst_case(plan)["steps"] == 2 and worst_case(plan)["llm_calls"] == 0


def test_a_box_counts_as_often_as_it_may_have_items() -> None:
    nodes = ["start", node("each", "map", config={"items": "inputs.list", "max_items": 5}), node("a", parent="each"), "end"]
    assert bounds_of(plan_of(nodes, ["start -> each", "each.item -> a", "each -> end"])).steps == 3 + 5


def test_boxes_multiply_and_so_do_the_loops_and_retries_in_them() -> None:
    nodes = [
        "start", node("outer", "map", config={"items": "[]", "max_items": 3}),
        node("inner", "map", config={"items": "[]", "max_items": 4}, parent="outer"),
        node("a", "llm", parent="inner", retry={"attempts": 2}), node("b", "branch", parent="inner", ways=["again"]), "end",
    ]  # fmt: skip
    edges = ["start -> outer", "outer.item -> inner", "inner.item -> a", "a -> b", edge("b.again -> a", max_visits=5), "outer -> end"]
    told = worst_case(plan_of(nodes, edges))
    assert told["steps"] == 3 + 3 * (1 + 4 * 5 * (2 + 1)) and told["llm_calls"] == 3 * 4 * 5 * 2


def test_a_box_without_a_bound_worth_the_name_is_warned_about() -> None:
    nodes = ["start", node("each", "map", config={"items": "inputs.list", "max_items": 1000}), node("a", parent="each"), "end"]
    problem = the(checked(nodes, ["start -> each", "each.item -> a", "each -> end"]), "worst_case_above_limit")
    assert "1,003" in problem.message and "max_items" in problem.hint


def test_money_is_bounded_by_its_limit_where_only_the_run_knows_the_prompt() -> None:
    plan = plan_of(LOOP, LOOP_EDGES, limits={"cost_usd": 0.25, "tokens": 5_000})
    assert (worst_case(plan)["cost_usd"], worst_case(plan)["tokens"]) == (0.25, 5_000)


def test_money_is_known_where_the_prompt_does_not_depend_on_the_run() -> None:
    plan = plan_of(LOOP, LOOP_EDGES)
    estimates = static_estimates(plan, Prices(), lambda *_: None)
    assert estimates == {"draft": Estimate(cost_micro=7, tokens=1_124, llm_calls=1)}
    assert worst_case(plan, estimates)["cost_usd"] == 21 / 1e6
    assert worst_case(plan, estimates)["tokens"] == 3 * 1_124


def test_a_prompt_from_the_inputs_is_not_known_before_the_run() -> None:
    nodes = ["start", node("a", "llm", config={"prompt": "{{ inputs.m }}"}), "end"]
    assert static_estimates(plan_of(nodes, ["start -> a", "a -> end"]), Prices(), lambda *_: None) == {}


def calls(workflow: str, *, version: int | None = None, **more):
    config = {"workflow": workflow, "inputs": {"m": "inputs.m"}} | ({"version": version} if version else {})
    return node("call", "subflow", config=config, **more)


def bounds_with(child, *, version: int | None = None, **more):
    """Of a workflow that runs `child`, known as `other`."""
    plan = plan_of(["start", calls("other", version=version, **more), "end"], ["start -> call", "call -> end"])
    asked = []

    def called(workflow: str, wanted: int | None):
        asked.append((workflow, wanted))
        return child if workflow == "other" else None

    bounds = bounds_of(plan, static_estimates(plan, Prices(), called))
    assert asked == [("other", version)]
    return bounds


def test_a_step_that_runs_another_workflow_can_use_what_that_one_can() -> None:
    child = plan_of(LOOP, LOOP_EDGES)
    bounds = bounds_with(child, version=2)
    assert (bounds.steps, bounds.llm_calls, bounds.cost_micro, bounds.tokens) == (3 + 8, 3, 21, 3 * 1_124)
    twice = bounds_with(child, retry={"attempts": 2})
    assert (twice.steps, twice.llm_calls, twice.cost_micro) == (2 + 2 * (1 + 8), 6, 42)


def test_its_own_limits_bound_what_it_can_use() -> None:
    child = plan_of(LOOP, LOOP_EDGES, limits={"steps": 5, "llm_calls": 2, "cost_usd": 0.00001, "tokens": 2_000})
    bounds = bounds_with(child)
    assert (bounds.steps, bounds.llm_calls, bounds.cost_micro, bounds.tokens) == (3 + 5, 2, 10, 2_000)


def test_a_workflow_that_is_not_known_or_runs_itself_is_bounded_by_the_limits_alone() -> None:
    assert bounds_with(None) == UNBOUNDED
    plan = plan_of(["start", calls("itself"), "end"], ["start -> call", "call -> end"], limits={"steps": 90, "llm_calls": 8})
    told = worst_case(plan, static_estimates(plan, Prices(), lambda *_: plan))
    assert (told["steps"], told["llm_calls"]) == (90, 8)
    somewhere = plan_of(["start", calls("{{ inputs.m }}"), "end"], ["start -> call", "call -> end"], limits={"steps": 70})
    assert worst_case(somewhere, static_estimates(somewhere, Prices(), lambda *_: plan_of(LOOP, LOOP_EDGES)))["steps"] == 70


def test_a_worst_case_above_a_limit_is_a_warning() -> None:
    result = checked(LOOP, LOOP_EDGES, limits={"steps": 7, "llm_calls": 2})
    assert [p.field for p in result.problems if p.code == "worst_case_above_limit"] == ["limits.steps", "limits.llm_calls"]
    assert result.plan is not None
    assert the(checked(LOOP, LOOP_EDGES, limits={"steps": 7}), "worst_case_above_limit").severity == "warning"
    assert "worst_case_above_limit" not in codes(checked(LOOP, LOOP_EDGES, limits={"steps": 8}))


def test_workflows_that_run_each_other_many_times_are_worked_out_once_each() -> None:
    def level(number: int):
        each = [node(f"c{i}", "subflow", config={"workflow": f"level-{number + 1}"}) for i in range(30)]
        return plan_of(["start", *each, "end"], ["start -> c0", *(f"c{i} -> c{i + 1}" for i in range(29)), "c29 -> end"])

    levels = {f"level-{i}": level(i) for i in range(6)} | {"level-6": plan_of(["start", "end"], ["start -> end"])}
    asked: list[str] = []

    def called(workflow: str, version: int | None):
        asked.append(workflow)
        return levels[workflow]

    bounds = bounds_of(levels["level-0"], static_estimates(levels["level-0"], Prices(), called))
    assert len(asked) == 6 * 30, "not thirty to the sixth"
    assert bounds.steps == 2 + 30 * (1 + 200), "each level is bounded by its own limit"
