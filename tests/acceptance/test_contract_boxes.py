"""workflow.md, the kind `map` and "Running" 5 and 6: boxes whose body runs once per item."""

import asyncio
from typing import Any

import pytest

from tests.acceptance.by_contract import START, doc, ends, errors, link, node, problems, run, sets, steps, waits
from tests.fakes import provider as fake
from tests.fakes.provider import FakeProvider
from tests.integration.modelled import ANN, events_of, opened, published, rested, until

pytestmark = pytest.mark.filterwarnings("ignore:Accessing the '.*' attribute on the instance is deprecated")

EDGES = ["start -> each", "each.item -> check", "each -> done"]
RESULTS = {"results": "nodes.each.results", "errors": "nodes.each.errors"}


@pytest.fixture
async def engine(tmp_path):
    async with opened(tmp_path, None) as it:
        yield it


def box(id_: str = "each", items: str = "inputs.list", **config: Any) -> dict[str, Any]:
    return node(id_, "map", {"items": items, **config})


def inside(parent: str, body: dict[str, Any]) -> dict[str, Any]:
    return body | {"parent": parent}


def boxed(body: dict[str, Any], **config: Any) -> dict[str, Any]:
    """start -> each(body) -> done, which gives back what was collected."""
    return doc([START, box(**config), inside("each", body | {"id": "check"}), ends(**RESULTS)], EDGES)


def asks(id_: str = "check", **config: Any) -> dict[str, Any]:
    return node(id_, "approval", {"title": "{{ item }}?", **config})


# Items


async def test_the_body_runs_once_per_item_with_item_and_index_and_results_keep_the_order(engine) -> None:
    view = await run(engine, boxed(sets("check", x="item * 10", i="index"), collect="[nodes.check.x, nodes.check.i]"), list=[3, 1, 2])
    assert (view.status, view.output) == ("succeeded", {"results": [[30, 0], [10, 1], [20, 2]], "errors": []})
    told = await steps(engine, view)
    assert set(told) == {"start", "each", "each[0]/check", "each[1]/check", "each[2]/check", "done"}
    step = told["each[1]/check"]
    assert (step.node, step.kind, step.parent, step.status, step.outputs) == ("check", "set", "each[1]", "done", {"x": 10, "i": 1})
    assert (told["each"].kind, told["each"].parent, told["each"].inputs) == ("map", None, {"items": [3, 1, 2]})
    assert told["each"].outputs == view.output and told["each"].port == "out"
    assert view.spent["steps"] == 6


async def test_a_list_without_items_runs_no_step_of_the_body(engine) -> None:
    view = await run(engine, boxed(sets("check", x="1")), list=[])
    assert (view.status, view.output) == ("succeeded", {"results": [], "errors": []})
    assert "each" in await steps(engine, view) and view.spent["steps"] == 3


@pytest.mark.parametrize("given", ["a text", 3, None, {"a": 1}])
async def test_items_that_are_no_list_fail_the_step_and_the_message_says_what_they_are(engine, given: Any) -> None:
    view = await run(engine, boxed(sets("check", x="1")), list=given)
    assert view.status == "failed" and "must be a list" in view.reason
    assert (await steps(engine, view))["each"].error["hint"]


async def test_more_than_max_items_fail_the_step_and_the_message_tells_both_numbers(engine) -> None:
    view = await run(engine, boxed(sets("check", x="1"), max_items=3), list=[1, 2, 3, 4])
    assert view.status == "failed" and "4 items" in view.reason and "3" in view.reason


async def test_what_runs_in_a_box_sees_what_ran_before_it_and_its_own_item_only(engine) -> None:
    document = doc(
        [
            START,
            sets("before", v='"b"'),
            box(collect="nodes.late.v", concurrency=3),
            inside("each", sets("check", v="item")),
            inside("each", sets("late", v="[nodes.before.v, nodes.check.v]")),
            ends(results="nodes.each.results", outside="default(nodes.check.v, null)"),
        ],
        ["start -> before", "before -> each", "each.item -> check", "check -> late", "each -> done"],
    )
    assert (await run(engine, document, list=[1, 2, 3])).output == {"results": [["b", 1], ["b", 2], ["b", 3]], "outside": None}


async def test_concurrency_is_how_many_items_are_worked_on_at_a_time(tmp_path) -> None:
    with FakeProvider() as provider:
        provider.default = fake.slow(0.1)
        async with opened(tmp_path, provider) as engine:
            document = boxed(node("check", "llm", {"prompt": "{{ item }}", "max_tokens": 10}), concurrency=3)
            assert (await run(engine, document, list=list(range(8)))).status == "succeeded"
    assert provider.max_concurrency == 3 and len(provider.calls) == 8


# Paths


async def test_boxes_nest_and_paths_name_the_items_of_both(engine) -> None:
    document = doc(
        [
            START,
            box(collect="nodes.inner.results"),
            inside("each", box("inner", "item", collect="nodes.x.v")),
            inside("inner", sets("x", v="item + index")),
            ends(**RESULTS),
        ],
        ["start -> each", "each.item -> inner", "inner.item -> x", "each -> done"],
    )
    view = await run(engine, document, list=[[1], [10, 20, 30]])
    assert view.output["results"] == [[1], [10, 21, 32]]
    told = await steps(engine, view)
    assert {"each[0]/inner", "each[0]/inner[0]/x", "each[1]/inner[2]/x"} <= set(told)
    assert told["each[1]/inner[2]/x"].parent == "each[1]/inner[2]" and told["each[1]/inner"].parent == "each[1]"


async def test_a_loop_in_a_box_and_a_box_in_a_loop(engine) -> None:
    body = [
        inside("each", sets("draft", v="visit")),
        inside("each", node("ok", "branch", {"cases": [{"port": "no", "when": "visit < item"}]})),
    ]
    edges = ["start -> each", "each.item -> draft", "draft -> ok", link("ok.no -> draft", max_visits=3), "each -> done"]
    view = await run(engine, doc([START, box(collect="nodes.draft.v"), *body, ends(**RESULTS)], edges), list=[1, 3])
    assert view.output["results"] == [1, 3]
    assert {"each[0]/draft#1", "each[0]/draft#1/ok", "each[1]/draft#3", "each[1]/draft#3/ok"} <= set(await steps(engine, view))
    nodes = [START, sets("h", v="visit"), box(collect="visit"), inside("each", sets("check", v="1")),
             node("more", "branch", {"cases": [{"port": "yes", "when": "visit < 2"}]}), ends(**RESULTS)]  # fmt: skip
    edges = ["start -> h", "h -> each", "each.item -> check", "each -> more", link("more.yes -> h", max_visits=3), "more.else -> done"]
    view = await run(engine, doc(nodes, edges), list=["a"])
    assert view.output["results"] == [2]
    assert {"h#1/each[0]/check", "h#2/each[0]/check"} <= set(await steps(engine, view))


# Items that fail


def dividing(**config: Any) -> dict[str, Any]:
    return boxed(sets("check", x="10 / item"), collect="nodes.check.x", **config)


async def test_on_item_error_stop_is_the_default_and_fails_the_run(engine) -> None:
    view = await run(engine, dividing(), list=[5, 0, 2])
    assert view.status == "failed" and view.reason.startswith("each[1]/check")


async def test_on_item_error_skip_leaves_the_item_out(engine) -> None:
    assert (await run(engine, dividing(on_item_error="skip"), list=[5, 0, 2])).output == {"results": [2.0, 5.0], "errors": []}


async def test_on_item_error_collect_fills_errors_and_keeps_the_places_of_the_others(engine) -> None:
    view = await run(engine, dividing(on_item_error="collect"), list=[5, 0, 2])
    assert view.status == "succeeded" and view.output["results"] == [2.0, None, 5.0]
    (error,) = view.output["errors"]
    assert error["index"] == 1 and error["code"] == "division_by_zero" and error["message"]
    told = await steps(engine, view)
    assert told["each[1]/check"].status == "failed" and told["each"].note == {"items": 3, "ended": 3, "failed": 1}


async def test_a_box_can_leave_by_its_error_port(engine) -> None:
    nodes = [
        START,
        box() | {"on_error": "port"},
        inside("each", sets("check", x="10 / item")),
        ends(**RESULTS),
        ends("bad", why="nodes.each.error.code"),
    ]
    view = await run(engine, doc(nodes, [*EDGES, "each.error -> bad"]), list=[5, 0])
    assert (view.status, view.output) == ("succeeded", {"why": "item_failed"})


# People


async def test_approvals_in_a_box_are_one_inbox_item_each_while_the_run_waits(engine) -> None:
    view = await waits(engine, boxed(asks(), collect="nodes.check.decision"), list=["a", "b", "c"])
    assert view.status == "waiting" and "3 answers" in view.reason
    found = {i.path: i for i in (await engine.approvals.list(ANN, status="pending")).items}
    assert {path: i.title for path, i in found.items()} == {"each[0]/check": "a?", "each[1]/check": "b?", "each[2]/check": "c?"}
    for path, decision in (("each[2]/check", "reject"), ("each[0]/check", "approve"), ("each[1]/check", "approve")):
        assert (await engine.runs.get(ANN, view.id)).status == "waiting"
        await engine.approvals.decide(ANN, found[path].id, decision=decision, digest=found[path].digest)
    assert (await rested(engine, view.id)).output["results"] == ["approved", "approved", "rejected"]


async def test_an_item_that_fails_takes_its_cards_out_of_the_inbox(engine) -> None:
    nodes = [
        START,
        box(on_item_error="skip", collect="index"),
        inside("each", asks()),
        inside("each", sets("bad", x="1 / item")),
        ends(**RESULTS),
    ]
    view = await waits(engine, doc(nodes, [*EDGES, "each.item -> bad"]), list=[0, 1])
    assert [i.path for i in (await engine.approvals.list(ANN, status="pending")).items] == ["each[1]/check"]
    assert (await steps(engine, view))["each[0]/check"].status == "cancelled"


# Limits, cancelling, restarts


async def test_a_limit_met_in_a_box_stops_the_run_and_nothing_runs_twice_when_it_is_resumed(engine) -> None:
    document = boxed(sets("check", x="item"), collect="nodes.check.x", concurrency=1) | {"limits": {"steps": 4}}
    view = await run(engine, document, list=[1, 2, 3])
    assert view.status == "stopped" and "steps" in view.reason
    await engine.runs.resume(ANN, view.id, limits={"steps": 20})
    view = await rested(engine, view.id)
    assert view.output["results"] == [1, 2, 3]
    started = [s["path"] for e in (await engine.runs.events(ANN, view.id, limit=1000)).items for s in e.data.get("starts", [])]
    assert len(started) == len(set(started)) == view.spent["steps"] == 6


async def test_cancelling_a_run_gives_up_its_items(engine) -> None:
    view = await waits(engine, boxed(asks()), list=["a", "b"])
    view = await engine.runs.cancel(ANN, view.id)
    assert view.status == "cancelled"
    assert {s.status for p, s in (await steps(engine, view)).items() if p.startswith("each")} == {"cancelled"}
    assert not (await engine.approvals.list(ANN, status="pending")).items


async def test_a_box_goes_on_after_a_restart_and_no_item_that_has_ended_runs_again(tmp_path) -> None:
    with FakeProvider() as provider:
        # The third call never answers: then the process goes away.
        provider.default = fake.text("fine")
        provider.then(fake.text("fine"), fake.text("fine"), fake.hanging())
        async with opened(tmp_path, provider) as engine:
            body = node("check", "llm", {"prompt": "item {{ item }}", "max_tokens": 10})
            document = boxed(body, collect="[item, nodes.check.text]", concurrency=1)
            started = await engine.runs.start(ANN, await published(engine, document), inputs={"list": [1, 2, 3, 4]})
            async with asyncio.timeout(60):
                while len(await events_of(engine, started.run_id, "item_ended")) < 2 or len(provider.calls) < 3:
                    await asyncio.sleep(0.02)
        async with opened(tmp_path, provider) as engine:
            view = await rested(engine, started.run_id)
            assert view.output["results"] == [[i, "fine"] for i in (1, 2, 3, 4)]
            ended = [e.path for e in await events_of(engine, started.run_id, "item_ended")]
            assert ended == [f"each[{i}]" for i in range(4)]
            assert {p: s.attempt for p, s in (await steps(engine, view)).items() if "/" in p} == {
                "each[0]/check": 1, "each[1]/check": 1, "each[2]/check": 2, "each[3]/check": 1,
            }  # fmt: skip


async def test_a_run_that_waits_in_a_box_survives_a_restart_between_any_two_answers(tmp_path) -> None:
    async with opened(tmp_path, None) as engine:
        view = await waits(engine, boxed(asks(), collect="nodes.check.decision", concurrency=2), list=["a", "b", "c"])
    for path in ("each[1]/check", "each[2]/check", "each[0]/check"):
        async with opened(tmp_path, None) as engine:
            found = {i.path: i for i in (await engine.approvals.list(ANN, status="pending")).items}
            await engine.approvals.decide(ANN, found[path].id, decision="approve", digest=found[path].digest)
            view = await until(engine, view.id, lambda r: r.status not in ("queued", "running"))
    assert (view.status, view.output["results"]) == ("succeeded", ["approved"] * 3)


# Documents


@pytest.mark.parametrize(
    ("change", "code", "where"),
    [
        (lambda d: d["edges"].append(link("start -> check")), "crosses_box", "start"),
        (lambda d: d["edges"].append(link("check -> done")), "crosses_box", "check"),
        (lambda d: d["edges"].append(link("each.item -> done")), "crosses_box", "each"),
        (lambda d: d["nodes"][2].update(parent="start"), "not_a_box", "check"),
        (lambda d: d["nodes"][2].update(parent="nobody"), "unknown_parent", "check"),
        (lambda d: d["nodes"][1].update(parent="each"), "box_in_itself", "each"),
        (lambda d: d["nodes"].append(ends("inner") | {"parent": "each"}), "not_in_a_box", "inner"),
        (lambda d: d["nodes"][1]["config"].update(items="item"), "item_outside_box", "each"),
        (lambda d: d["nodes"][1]["config"].update(on_item_error="ignore"), "bad_value", "each"),
        (lambda d: d["nodes"][1]["config"].update(concurrency=0), "bad_value", "each"),
        (lambda d: d["nodes"][1]["config"].pop("items"), "missing_key", "each"),
    ],
)
async def test_what_is_wrong_with_a_box_is_an_error_that_names_the_node_and_a_way_out(engine, change: Any, code: str, where: str) -> None:
    document = boxed(sets("check", x="item"))
    change(document)
    told = [p for p in errors(await problems(engine, document)) if p["code"] == code]
    assert [p["node"] for p in told] == [where] and told[0]["hint"]


async def test_the_worst_case_counts_the_body_as_often_as_the_list_may_have_items(engine) -> None:
    document = boxed(node("check", "llm", {"prompt": "x"}), max_items=7) | {"limits": {"llm_calls": 5}}
    checked = await engine.workflows.validate(ANN, document)
    assert checked.worst_case is not None
    assert (checked.worst_case["steps"], checked.worst_case["llm_calls"]) == (3 + 7, 7)
    assert [p["field"] for p in checked.problems if p["code"] == "worst_case_above_limit"] == ["limits.llm_calls"]


async def test_a_thousand_items_run_and_their_records_can_be_the_output(engine) -> None:
    rows = [{"n": i, "text": f"row {i}", "tags": ["a", "b"]} for i in range(1000)]
    document = boxed(sets("check", x="item.n * 2"), collect='{"n": item.n, "double": nodes.check.x, "tags": item.tags}', max_items=1000,
                     concurrency=50) | {"limits": {"steps": 1100}}  # fmt: skip
    view = await run(engine, document, list=rows)
    assert view.output["results"] == [{"n": i, "double": 2 * i, "tags": ["a", "b"]} for i in range(1000)]
    page = await engine.runs.steps(ANN, view.id, limit=1000)
    rest = await engine.runs.steps(ANN, view.id, limit=1000, cursor=page.next)
    assert [s.path for s in page.items[:2]] == ["start", "each"] and len(page.items) + len(rest.items) == 1003 and rest.next is None


async def test_a_box_without_steps_collects_a_long_list_beside_other_runs(engine) -> None:
    long = doc([START, box(collect="item * 2", max_items=1000), ends(**RESULTS)], ["start -> each", "each -> done"])
    short = await published(engine, doc([START, sets("a", x="1"), ends(x="nodes.a.x")], ["start -> a", "a -> done"]))
    started = await engine.runs.start(ANN, await published(engine, long), inputs={"list": list(range(1000))})
    others = [await engine.runs.start(ANN, short) for _ in range(3)]
    assert (await rested(engine, started.run_id)).output == {"results": [i * 2 for i in range(1000)], "errors": []}
    assert {(await rested(engine, other.run_id)).status for other in others} == {"succeeded"}
