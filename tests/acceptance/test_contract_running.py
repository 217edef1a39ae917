"""workflow.md, part "Running": readiness, joins, ends, loops, paths, limits and statuses."""

import asyncio
from typing import Any

import pytest

from engine.errors import Invalid, SignalboxError
from tests.acceptance.by_contract import START, decide, doc, ends, errors, item, link, node, problems, run, sets, steps, straight, waits
from tests.fakes import provider as fake
from tests.fakes.provider import FakeProvider
from tests.integration.modelled import ANN, opened, published, rested, until

pytestmark = pytest.mark.filterwarnings("ignore:Accessing the '.*' attribute on the instance is deprecated")


@pytest.fixture
async def engine(tmp_path):
    async with opened(tmp_path, None) as it:
        yield it


@pytest.fixture
async def modelled(tmp_path):
    with FakeProvider() as provider:
        async with opened(tmp_path, provider) as it:
            yield it, provider


def branch(id_: str, **cases: str) -> dict[str, Any]:
    return node(id_, "branch", {"cases": [{"port": p, "when": w} for p, w in cases.items()]})


def ask(id_: str, **config: Any) -> dict[str, Any]:
    return node(id_, "approval", {"title": id_, **config})


# Ready, joins, death


async def test_ready_nodes_run_concurrently(modelled) -> None:
    engine, provider = modelled
    provider.default = fake.slow(0.3)
    models = [node(f"l{i}", "llm", {"prompt": "x", "max_tokens": 10}) for i in range(4)]
    document = doc([START, *models, ends()], [*[f"start -> {m['id']}" for m in models], *[f"{m['id']} -> done" for m in models]])
    assert (await run(engine, document)).status == "succeeded"
    assert provider.max_concurrency == 4


async def test_a_join_waits_for_every_edge_and_runs_when_one_of_them_was_taken(engine) -> None:
    document = doc(
        [
            START,
            branch("b", left="inputs.left"),
            sets("l", v='"l"'),
            sets("l2", v="1"),
            sets("r", v='"r"'),
            ends(l="default(nodes.l.v, null)", r="default(nodes.r.v, null)"),
        ],
        ["start -> b", "b.left -> l", "l -> l2", "b.else -> r", "l2 -> done", "r -> done"],
    )
    assert (await run(engine, document, left=True)).output == {"l": "l", "r": None}
    assert (await run(engine, document, left=False)).output == {"l": None, "r": "r"}


async def test_death_spreads_through_joins_whose_edges_are_all_dead(engine) -> None:
    document = doc(
        [
            START,
            branch("b", no="false"),
            sets("x", v="1"),
            sets("y", v="1"),
            sets("j", v="1"),
            sets("k", v="1"),
            ends(j="default(nodes.j.v, 0)"),
        ],
        ["start -> b", "b.no -> x", "b.no -> y", "x -> j", "y -> j", "j -> k", "k -> done", "b.else -> done"],
    )
    view = await run(engine, document)
    assert (
        view.output == {"j": 0}
        and {"x", "y", "j", "k"} & {p for p, s in (await steps(engine, view)).items() if s.status == "done"} == set()
    )


async def test_join_any_starts_at_the_first_edge_and_cancels_what_could_only_lead_there(modelled) -> None:
    engine, provider = modelled
    provider.model("slow", fake.hanging())
    document = doc(
        [
            START,
            sets("quick", v='"q"'),
            node("slow", "llm", {"model": "slow", "prompt": "x"}),
            ask("wait"),
            sets("any", v="default(nodes.slow.text, nodes.quick.v)") | {"join": "any"},
            ends(v="nodes.any.v"),
        ],
        ["start -> quick", "start -> slow", "start -> wait", "quick -> any", "slow -> any", "wait.approved -> any", "any -> done"],
    )
    view = await run(engine, document)
    assert (view.status, view.output) == ("succeeded", {"v": "q"})
    found = await steps(engine, view)
    assert (found["wait"].status == "cancelled" and found.get("slow") is None) or found["slow"].status == "cancelled"
    assert [i for i in (await engine.approvals.list(ANN, status="pending")).items] == []


# Ends


async def test_reaching_an_end_does_not_cut_off_others_and_outputs_merge_in_document_order(engine) -> None:
    nodes = [START, sets("a", v="1"), sets("b", v="1"), ends("second", x='"second"', only2="2"), ends("first", x='"first"', only1="1")]
    assert (await run(engine, doc(nodes, ["start -> first", "start -> a", "a -> b", "b -> second"]))).output == {
        "x": "first",
        "only2": 2,
        "only1": 1,
    }


async def test_any_end_of_outcome_failure_makes_the_run_failed(engine) -> None:
    nodes = [START, ends("good", x="1"), node("bad", "end", {"outcome": "failure"}), sets("a", v="1")]
    view = await run(engine, doc(nodes, ["start -> bad", "start -> a", "a -> good"]))
    assert view.status == "failed" and "bad" in view.reason and (await steps(engine, view))["good"].status == "done"


async def test_a_run_that_reaches_no_end_succeeds_with_null_and_says_which_port_it_left_by(engine) -> None:
    view = await run(engine, doc([START, branch("b", yes="true"), ends()], ["start -> b", "b.else -> done"]))
    assert (view.status, view.output) == ("succeeded", None) and "b" in view.reason and "yes" in view.reason


async def test_an_unhandled_error_starts_nothing_new_cancels_waits_and_lets_calls_finish(modelled) -> None:
    engine, provider = modelled
    provider.default = fake.slow(0.4, "done anyway")
    document = doc(
        [
            START,
            node("l", "llm", {"prompt": "x"}),
            sets("after", v="1"),
            ask("w"),
            ask("gate", expires_after_s=0.15),
            sets("bad", v="inputs.gone"),
            ends(),
        ],
        [
            "start -> l",
            "l -> after",
            "start -> w",
            "w.approved -> done",
            "start -> gate",
            "gate.expired -> bad",
            "bad -> done",
            "after -> done",
        ],
    )
    started = await engine.runs.start(ANN, await published(engine, document))
    view = await until(engine, started.run_id, lambda r: r.ended_at is not None)
    found = await steps(engine, view)
    assert view.status == "failed" and "bad" in view.reason
    assert (found["l"].status, found["l"].outputs["text"], found["w"].status) == ("done", "done anyway", "cancelled")
    assert found.get("after") is None or found["after"].status not in ("done", "running")
    assert (await engine.approvals.list(ANN, status="pending")).items == []


async def test_retry_tries_again_and_counts_every_attempt(modelled) -> None:
    engine, provider = modelled
    provider.then(fake.failing(500), fake.failing(500), fake.text("third"))
    document = straight(
        node("l", "llm", {"prompt": "x", "max_tokens": 64}, retry={"attempts": 3, "backoff_s": 0.01, "factor": 1}), ends(t="nodes.l.text")
    )
    started = await engine.runs.start(ANN, await published(engine, document))
    view = await until(engine, started.run_id, lambda r: r.ended_at is not None)
    assert (view.status, view.output) == ("succeeded", {"t": "third"})
    assert (await steps(engine, view))["l"].attempt == 3 and view.spent["steps"] == 5 and view.spent["llm_calls"] == 3


async def test_a_step_that_takes_longer_than_timeout_s_fails(modelled) -> None:
    engine, provider = modelled
    provider.default = fake.hanging()
    document = doc(
        [START, node("l", "llm", {"prompt": "x"}, timeout_s=0.2, on_error="port"), ends(c="nodes.l.error.code")],
        ["start -> l", "l.error -> done"],
    )
    assert (await run(engine, document)).output == {"c": "timeout"}


# Loops


def loop(until_visit: int, *, most: int = 5, **more: Any) -> dict[str, Any]:
    return doc(
        [START, sets("a", v="visit"), branch("b", again=f"visit < {until_visit}"), ends(v="nodes.a.v")],
        ["start -> a", "a -> b", link("b.again -> a", max_visits=most, **more), "b.else -> done"],
    )


async def test_steps_in_a_loop_are_named_by_the_visit_of_its_header(engine) -> None:
    view = await run(engine, loop(3))
    assert view.output == {"v": 3}
    assert set(await steps(engine, view)) == {"start", "a#1", "a#1/b", "a#2", "a#2/b", "a#3", "a#3/b", "done"}
    assert view.spent["steps"] == 8


async def test_when_visits_are_used_up_the_node_leaves_by_on_exhausted(engine) -> None:
    document = loop(99, most=2, on_exhausted="else")
    view = await run(engine, document)
    assert (view.status, view.output) == ("succeeded", {"v": 2})


async def test_without_on_exhausted_the_run_meets_on_limit_and_can_be_resumed(engine) -> None:
    view = await run(engine, loop(3, most=2))
    assert view.status == "stopped" and "a" in view.reason
    await engine.runs.resume(ANN, view.id)
    view = await rested(engine, view.id)
    assert (view.status, view.output) == ("succeeded", {"v": 3})


def leaving(quit_at: int, *, again: str) -> dict[str, Any]:
    """start -> h -> (c -> quit | else -> b) where b goes back or on; `early` and `late` are two ways out."""
    return doc(
        [
            START,
            sets("h", v="visit"),
            branch("c", quit=f"visit == {quit_at}"),
            branch("b", again=again),
            ends("early", e="nodes.h.v"),
            ends("late", l="nodes.h.v"),
        ],
        ["start -> h", "h -> c", "c.quit -> early", "c.else -> b", link("b.again -> h", max_visits=5), "b.else -> late"],
    )


async def test_exit_edges_may_leave_from_any_node_of_the_body(engine) -> None:
    assert (await run(engine, leaving(3, again="true"))).output == {"e": 3}
    assert (await run(engine, leaving(9, again="visit < 2"))).output == {"l": 2}


async def test_an_exit_taken_in_an_earlier_visit_that_went_back_is_both_ways(engine) -> None:
    document = doc(
        [START, sets("h", v="visit"), branch("c", tell="visit == 1"), branch("b", again="visit < 2"), ends("early"), ends("late")],
        ["start -> h", "h -> c", "c.tell -> early", "c.tell -> b", "c.else -> b", link("b.again -> h", max_visits=3), "b.else -> late"],
    )
    view = await run(engine, document)
    assert view.status == "failed" and "loop_both_ways" in view.reason


async def test_exit_edges_that_are_not_taken_in_the_last_visit_are_dead_so_a_join_behind_them_opens(engine) -> None:
    document = leaving(3, again="visit < 2")
    document["nodes"].append(ends("both", x="1"))
    document["edges"] += [link("c.quit -> both"), link("b.else -> both")]
    assert (await run(engine, document)).output == {"l": 2, "x": 1}


async def test_side_branches_belong_to_the_visit_and_it_waits_for_them(modelled) -> None:
    engine, provider = modelled
    provider.default = fake.slow(0.15, "side")
    document = doc(
        [
            START,
            sets("h", v="visit"),
            node("side", "llm", {"prompt": "x", "max_tokens": 64}),
            branch("b", again="visit < 2"),
            ends(v="nodes.h.v"),
        ],
        ["start -> h", "h -> side", "h -> b", link("b.again -> h", max_visits=3), "b.else -> done"],
    )
    view = await run(engine, document)
    found = await steps(engine, view)
    assert {"h#1/side", "h#2/side"} <= set(found) and found["h#2"].started_at >= found["h#1/side"].ended_at
    assert found["done"].started_at >= found["h#2/side"].ended_at


async def test_loops_nest_and_an_inner_loop_starts_anew_in_each_visit(engine) -> None:
    document = doc(
        [
            START,
            sets("o", n="default(nodes.o.n, 0) + 1"),
            sets("i", v="visit"),
            branch("bi", again="visit < 2"),
            branch("bo", again="nodes.o.n < 2"),
            ends(n="nodes.o.n", v="nodes.i.v"),
        ],
        [
            "start -> o",
            "o -> i",
            "i -> bi",
            link("bi.again -> i", max_visits=2),
            "bi.else -> bo",
            link("bo.again -> o", max_visits=2),
            "bo.else -> done",
        ],
    )
    view = await run(engine, document)
    assert view.output == {"n": 2, "v": 2}
    found = set(await steps(engine, view))
    assert {
        "o#1",
        "o#1/i#1",
        "o#1/i#1/bi",
        "o#1/i#2",
        "o#1/i#2/bi",
        "o#1/bo",
        "o#2/i#1",
        "o#2/i#2/bi",
        "o#2/bo",
        "done",
        "start",
    } <= found, found


async def test_back_edges_to_one_header_share_max_visits(engine) -> None:
    document = doc(
        [START, sets("h", v="visit"), branch("b", x="visit % 2 == 1", y="true"), ends()],
        [
            "start -> h",
            "h -> b",
            link("b.x -> h", max_visits=4, on_exhausted="else"),
            link("b.y -> h", max_visits=4, on_exhausted="else"),
            "b.else -> done",
        ],
    )
    view = await run(engine, document)
    assert view.status == "succeeded" and "h#4" in await steps(engine, view) and "h#5" not in await steps(engine, view)


async def test_a_node_may_lead_back_to_itself(engine) -> None:
    document = doc(
        [START, branch("b", again="visit < 3"), ends(v="visit")], ["start -> b", link("b.again -> b", max_visits=9), "b.else -> done"]
    )
    view = await run(engine, document)
    assert set(await steps(engine, view)) == {"start", "b#1", "b#2", "b#3", "done"}


async def test_a_join_behind_a_loop_waits_for_the_loop(engine) -> None:
    document = doc(
        [START, sets("h", v="visit"), branch("b", again="visit < 3"), sets("other", v="1"), ends(v="nodes.h.v", o="nodes.other.v")],
        ["start -> h", "start -> other", "h -> b", link("b.again -> h", max_visits=3), "b.else -> done", "other -> done"],
    )
    assert (await run(engine, document)).output == {"v": 3, "o": 1}


async def test_a_back_edge_may_lead_out_of_an_inner_loop_to_the_outer_header(engine) -> None:
    document = doc(
        [
            START,
            sets("o", n="default(nodes.o.n, 0) + 1"),
            sets("i", v="1"),
            branch("b", inner="visit < 2", outer="nodes.o.n < 3"),
            ends(n="nodes.o.n"),
        ],
        ["start -> o", "o -> i", "i -> b", link("b.inner -> i", max_visits=2), link("b.outer -> o", max_visits=3), "b.else -> done"],
    )
    view = await run(engine, document)
    assert view.output == {"n": 3} and "o#3/i#2/b" in await steps(engine, view)


# Limits


async def test_steps_count_every_attempt_and_the_run_stops_at_a_checkpoint_and_goes_on_with_more(engine) -> None:
    document = straight(*[sets(f"s{i}", v=str(i)) for i in range(5)], ends(v="nodes.s4.v"), limits={"steps": 4})
    view = await run(engine, document)
    assert view.status == "stopped" and "steps" in view.reason and view.spent["steps"] == 4
    assert {p for p, s in (await steps(engine, view)).items() if s.status == "done"} == {"start", "s0", "s1", "s2"}
    await engine.runs.resume(ANN, view.id, limits={"steps": 7})
    view = await rested(engine, view.id)
    assert (view.status, view.output, view.spent["steps"]) == ("succeeded", {"v": 4}, 7)


@pytest.mark.parametrize(
    ("limits", "name"),
    [
        ({"llm_calls": 1}, "llm_calls"),
        ({"tokens": 80}, "tokens"),
        ({"cost_usd": 0.0000001}, "cost_usd"),
        ({"llm_calls": 0}, "llm_calls"),
        ({"cost_usd": 0}, "cost_usd"),
    ],
)
async def test_each_limit_stops_the_run_and_says_which(modelled, limits: dict[str, Any], name: str) -> None:
    engine, _ = modelled
    models = [node(f"l{i}", "llm", {"prompt": "x", "max_tokens": 64}) for i in range(2)]
    view = await run(engine, straight(*models, ends(), limits=limits))
    assert view.status == "stopped" and name in view.reason
    assert view.spent[name] <= limits[name]


async def test_the_limit_of_seconds_counts_while_steps_run_and_waits_are_free(modelled) -> None:
    engine, provider = modelled
    provider.default = fake.hanging()
    view = await run(engine, straight(node("l", "llm", {"prompt": "x"}), ends(), limits={"seconds": 0.3}))
    assert view.status == "stopped" and "seconds" in view.reason
    document = doc([START, ask("w", expires_after_s=0.5), ends()], ["start -> w", "w.expired -> done"], limits={"seconds": 0.4})
    started = await engine.runs.start(ANN, await published(engine, document))
    assert (await until(engine, started.run_id, lambda r: r.ended_at is not None)).status == "succeeded"


async def test_limits_given_at_the_start_can_only_lower(engine) -> None:
    document = straight(sets("a", v="1"), ends(), limits={"steps": 10, "tokens": 100})
    try:
        view = await run(engine, document, limits={"steps": 5, "tokens": 1000})
        assert (view.limits["steps"], view.limits["tokens"]) == (5, 100)
    except Invalid:
        pass
    assert (await run(engine, document, limits={"steps": 2})).status == "stopped"
    for bad in ({"steps": -1}, {"nonesuch": 1}, {"steps": "x"}, {"steps": None}, [1], {"steps": float("nan")}):
        with pytest.raises(SignalboxError):
            await run(engine, document, limits=bad)


async def test_parallel_branches_cannot_overspend(modelled) -> None:
    engine, provider = modelled
    provider.default = fake.filling()
    models = [node(f"l{i}", "llm", {"prompt": "x", "max_tokens": 200}) for i in range(20)]
    document = doc(
        [START, *models, ends()], [e for m in models for e in (f"start -> {m['id']}", f"{m['id']} -> done")], limits={"tokens": 1500}
    )
    view = await run(engine, document)
    assert view.status == "stopped" and view.spent["tokens"] <= 1500 and provider.total_tokens() <= 1500


# Statuses


async def test_a_waiting_run_says_why_and_a_cancelled_one_is_cancelled(engine) -> None:
    view = await waits(engine, doc([START, ask("w"), ends()], ["start -> w", "w.approved -> done"]))
    assert view.reason
    assert (await steps(engine, view))["w"].status == "waiting"
    view = await engine.runs.cancel(ANN, view.id, reason="changed my mind")
    view = await rested(engine, view.id)
    assert view.status == "cancelled" and (await steps(engine, view))["w"].status == "cancelled"
    assert (await engine.approvals.list(ANN, status="pending")).items == []


async def test_a_failed_run_is_resumed_from_the_failed_step(modelled) -> None:
    engine, provider = modelled
    provider.then(fake.failing(400), fake.text("now"))
    view = await run(engine, straight(sets("a", v="1"), node("l", "llm", {"prompt": "x"}), ends(t="nodes.l.text")))
    assert view.status == "failed"
    await engine.runs.resume(ANN, view.id)
    view = await rested(engine, view.id)
    assert (view.status, view.output) == ("succeeded", {"t": "now"}) and (await steps(engine, view))["a"].attempt == 1


async def test_two_approvals_in_parallel_both_wait_and_both_count(engine) -> None:
    document = doc(
        [START, ask("a"), ask("b"), ends(a="nodes.a.decision", b="nodes.b.decision")],
        ["start -> a", "start -> b", "a.approved -> done", "b.approved -> done"],
    )
    view = await waits(engine, document)
    for card in (await engine.approvals.list(ANN, status="pending")).items:
        await engine.approvals.decide(ANN, card.id, decision="approve", digest=card.digest)
    assert (await rested(engine, view.id)).output == {"a": "approved", "b": "approved"}


async def test_error_port_with_no_edge_ends_the_branch_and_says_so(engine) -> None:
    view = await run(engine, straight(sets("a", v="inputs.gone") | {"on_error": "port"}, ends()))
    assert (view.status, view.output) == ("succeeded", None) and "error" in view.reason


async def test_a_disabled_node_in_a_loop_and_a_disabled_branch_are_passed(engine) -> None:
    document = doc(
        [
            START,
            sets("h", v="visit") | {"disabled": True},
            branch("off", x="true") | {"disabled": True},
            branch("b", again="visit < 3"),
            ends("bad"),
            ends(v="visit"),
        ],
        ["start -> h", "h -> off", "off.x -> bad", "off.else -> b", link("b.again -> h", max_visits=3), "b.else -> done"],
    )
    view = await run(engine, document)
    assert view.status == "succeeded" and "h#3/b" in await steps(engine, view)


async def test_an_empty_body_of_things_is_fine(engine) -> None:
    document = doc([START, branch("b"), sets("s"), ends()], ["start -> b", "b.else -> s", "s -> done"])
    assert (await run(engine, document)).output == {}


async def test_loop_both_ways_is_the_error_of_that_name(engine) -> None:
    document = doc([START, branch("b", again="true"), ends()], ["start -> b", link("b.again -> b", max_visits=3), "b.again -> done"])
    view = await run(engine, document)
    told = [e for e in (await engine.runs.events(ANN, view.id, limit=100)).items]
    assert view.status == "failed" and ("loop_both_ways" in str([e.data for e in told]) + view.reason)


async def test_a_long_chain_and_a_wide_fan_run(engine) -> None:
    chain = straight(
        *[sets(f"s{i}", v=f"nodes.s{i - 1}.v + 1" if i else "0") for i in range(500)], ends(v="nodes.s499.v"), limits={"steps": 1000}
    )
    assert (await run(engine, chain)).output == {"v": 499}
    fan = [sets(f"f{i}", v=str(i)) for i in range(500)]
    document = doc(
        [START, *fan, ends(v="nodes.f499.v")],
        [e for f in fan for e in (f"start -> {f['id']}", f"{f['id']} -> done")],
        limits={"steps": 1000},
    )
    assert (await run(engine, document)).output == {"v": 499}


async def test_the_item_of_the_inbox_names_its_path_in_a_loop(engine) -> None:
    document = doc(
        [START, sets("d", v="visit"), ask("ok"), ends(v="nodes.d.v")],
        ["start -> d", "d -> ok", "ok.approved -> done", link("ok.rejected -> d", max_visits=3)],
    )
    view = await decide(engine, await waits(engine, document), "reject")
    assert (await item(engine, view)).path == "d#2/ok"
    assert (await decide(engine, view)).output == {"v": 2}
    assert errors(await problems(engine, document)) == []
    await asyncio.sleep(0)
