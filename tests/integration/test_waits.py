"""Waiting for a time, an event or a filled-in form: nothing is held meanwhile, and any number of restarts changes nothing."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from engine import Actor, Invalid, NotAllowed, Role
from engine.clock import ManualClock
from engine.errors import AlreadyDecided
from tests.integration.running import ANN, BEA, Bench, actor, edge, node, opened, work

DAY_S = 86_400.0
OPERATOR = actor("ope", Role.OPERATOR)


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    async with opened(tmp_path / "home", clock=ManualClock()) as bench:
        yield bench


def waiting(**config: Any) -> tuple[list[Any], list[Any]]:
    """start -> pause -> done; `expired` goes to `late`."""
    nodes = [
        node("start", "start"),
        node("pause", "wait", title="The pause", config=config),
        node("done", "end", config={"output": {"event": "nodes.pause.event"}}),
        node("late", "end", config={"output": {"late": "true"}}),
    ]
    return nodes, [edge(e) for e in ("start -> pause", "pause -> done", "pause.expired -> late")]


def form(**config: Any) -> tuple[list[Any], list[Any]]:
    """start -> ask -> done; `expired` goes to `late`."""
    fields = {
        "type": "object",
        "required": ["amount"],
        "properties": {"amount": {"type": "number", "minimum": 0}, "why": {"type": "string", "default": "as usual"}},
        "additionalProperties": False,
    }
    nodes = [
        node("start", "start"),
        node("ask", "form", config={"title": "How much?", "fields": fields, **config}),
        node("done", "end", config={"output": {"amount": "nodes.ask.amount", "why": "nodes.ask.why", "by": "nodes.ask.by"}}),
        node("late", "end", config={"output": {"late": "true"}}),
    ]
    return nodes, [edge(e) for e in ("start -> ask", "ask.submitted -> done", "ask.expired -> late")]


def manual(bench: Bench) -> ManualClock:
    assert isinstance(bench.clock, ManualClock)
    return bench.clock


# A time


async def test_a_run_waits_for_some_seconds_and_says_until_when(bench: Bench) -> None:
    run = await bench.start(*waiting(seconds=3600))
    seen = await bench.until(run, "waiting")
    assert seen.reason == "The pause waits until 2025-06-15T16:06:40.000000Z."
    step = (await bench.steps(run))["pause"]
    assert (step.status, step.note["until"]) == ("waiting", "2025-06-15T16:06:40.000000Z")
    assert bench.engine._core.executor.active_count == 0, "a run that waits is not in memory"
    manual(bench).advance(3599)
    assert (await bench.engine.runs.get(ANN, run)).status == "waiting"
    manual(bench).advance(1)
    ended = await bench.until(run)
    assert (ended.status, ended.output, ended.spent["seconds"]) == ("succeeded", {"event": None}, 0)
    bench.replayed(run)


async def test_a_time_that_is_past_is_not_waited_for(bench: Bench) -> None:
    run = await bench.start(*waiting(until="inputs.due"), inputs={"due": "2001-01-01"})
    assert (await bench.until(run)).status == "succeeded"


async def test_a_time_that_is_none_fails_the_step_and_says_why(bench: Bench) -> None:
    run = await bench.start(*waiting(until="inputs.due"), inputs={"due": "soon"})
    ended = await bench.until(run)
    assert (ended.status, ended.reason) == ("failed", "pause: `until` must be a time; it is 'soon'.")


async def test_a_wait_survives_restarts_and_ends_at_its_time(tmp_path: Path) -> None:
    clock = ManualClock()
    async with opened(tmp_path / "home", clock=clock) as bench:
        run = await bench.start(*waiting(seconds=10 * DAY_S))
        await bench.until(run, "waiting")
    for _ in range(3):
        clock.advance(3 * DAY_S)
        async with opened(tmp_path / "home", clock=clock) as bench:
            assert (await bench.engine.runs.get(ANN, run)).status == "waiting"
    # Its time comes while nobody is there.
    clock.advance(3 * DAY_S)
    async with opened(tmp_path / "home", clock=clock) as bench:
        assert (await bench.until(run)).status == "succeeded"


async def test_a_run_waits_a_year_for_an_approval_through_restarts_and_a_newer_version_and_finishes_as_it_began(tmp_path: Path) -> None:
    clock = ManualClock()
    ask = node("ok", "approval", config={"title": "Go on?", "expires_after_s": 365 * DAY_S})
    nodes = [
        node("start", "start"),
        ask,
        work("after", say="version one"),
        node("done", "end", config={"output": {"x": "nodes.after.said"}}),
    ]
    edges = [edge(e) for e in ("start -> ok", "ok.expired -> after", "ok.approved -> done", "after -> done")]
    async with opened(tmp_path / "home", clock=clock) as bench:
        slug = await bench.publish(nodes, edges)
        run = (await bench.engine.runs.start(ANN, slug)).run_id
        await bench.until(run, "waiting")
    for number in range(3):
        clock.advance(100 * DAY_S)
        async with opened(tmp_path / "home", clock=clock) as bench:
            seen = await bench.engine.runs.get(ANN, run)
            assert (seen.status, seen.version) == ("waiting", 1)
            if number == 1:
                found = await bench.engine.workflows.get(ANN, slug)
                draft = found.document | {"nodes": [n | {"config": {"say": "version two"}} if n["id"] == "after" else n for n in nodes]}
                await bench.engine.workflows.replace(ANN, slug, revision=found.revision, document=draft)
                await bench.engine.workflows.publish(ANN, slug)
    async with opened(tmp_path / "home", clock=clock) as bench:
        clock.advance(66 * DAY_S)
        ended = await bench.until(run)
        assert (ended.status, ended.version, ended.output) == ("succeeded", 1, {"x": "version one"})
        later = (await bench.engine.runs.start(ANN, slug)).run_id
        await bench.decide(await bench.item())
        assert (await bench.until(later)).version == 2


# An event


async def test_an_event_wakes_the_runs_that_wait_for_it_and_no_other(bench: Bench) -> None:
    slug = await bench.publish(*waiting(event="paid", key="inputs.invoice"))
    first, second = [(await bench.engine.runs.start(ANN, slug, inputs={"invoice": number})).run_id for number in ("R-17", "R-18")]
    seen = await bench.until(first, "waiting")
    await bench.until(second, "waiting")
    assert seen.reason == "The pause waits for the event paid R-17."
    send = bench.engine.events.send
    assert (await send(OPERATOR, "paid", key="R-99")).delivered == 0
    assert (await send(OPERATOR, "sent", key="R-17")).delivered == 0
    assert (await send(OPERATOR, "paid", key="R-17", payload={"amount": 12})).delivered == 1
    assert (await bench.until(first)).output == {"event": {"amount": 12}}
    assert (await send(OPERATOR, "paid", key="R-17")).delivered == 0, "it waits no more"
    assert (await bench.engine.runs.get(ANN, second)).status == "waiting"


async def test_an_event_wakes_everybody_who_waits_for_it(bench: Bench) -> None:
    slug = await bench.publish(*waiting(event="opened"))
    runs = [(await bench.engine.runs.start(ANN, slug)).run_id for _ in range(20)]
    for run in runs:
        await bench.until(run, "waiting")
    assert (await bench.engine.events.send(OPERATOR, "opened", payload=7)).delivered == 20
    assert [(await bench.until(run)).output for run in runs] == [{"event": 7}] * 20


async def test_an_event_that_does_not_come_lets_the_run_go_on_by_expired(bench: Bench) -> None:
    run = await bench.start(*waiting(event="paid", expires_after_s=60))
    await bench.until(run, "waiting")
    manual(bench).advance(60)
    assert (await bench.until(run)).output == {"late": True}
    assert (await bench.engine.events.send(OPERATOR, "paid")).delivered == 0


async def test_an_event_finds_a_run_that_waited_through_a_restart(tmp_path: Path) -> None:
    clock = ManualClock()
    async with opened(tmp_path / "home", clock=clock) as bench:
        run = await bench.start(*waiting(event="paid", expires_after_s=60))
        await bench.until(run, "waiting")
    async with opened(tmp_path / "home", clock=clock) as bench:
        assert (await bench.engine.events.send(OPERATOR, "paid", payload="late but here")).delivered == 1
        assert (await bench.until(run)).output == {"event": "late but here"}


async def test_a_cancelled_run_hears_no_event(bench: Bench) -> None:
    run = await bench.start(*waiting(event="paid"))
    await bench.until(run, "waiting")
    await bench.engine.runs.cancel(ANN, run)
    assert (await bench.engine.events.send(OPERATOR, "paid")).delivered == 0


async def test_a_wait_that_nobody_needs_any_more_is_given_up(bench: Bench) -> None:
    nodes = [
        node("start", "start"),
        node("pause", "wait", config={"event": "paid"}),
        work("quick", say="x"),
        node("first", "set", join="any", config={"values": {"x": "1"}}),
        node("done", "end"),
    ]
    edges = [edge(e) for e in ("start -> pause", "start -> quick", "pause -> first", "quick -> first", "first -> done")]
    run = await bench.start(nodes, edges)
    assert (await bench.until(run)).status == "succeeded"
    assert (await bench.steps(run))["pause"].status == "cancelled"
    assert (await bench.engine.events.send(OPERATOR, "paid")).delivered == 0


@pytest.mark.parametrize("event", ["", "   ", "x" * 201])
async def test_an_event_without_a_name_is_refused(bench: Bench, event: str) -> None:
    with pytest.raises(Invalid) as refused:
        await bench.engine.events.send(OPERATOR, event)
    assert refused.value.details["problems"][0]["field"] == "event"


async def test_whoever_may_not_send_events_wakes_nobody(bench: Bench) -> None:
    run = await bench.start(*waiting(event="paid"))
    await bench.until(run, "waiting")
    with pytest.raises(NotAllowed):
        await bench.engine.events.send(actor("vic", Role.VIEWER, Role.EDITOR), "paid")
    assert (await bench.engine.runs.get(ANN, run)).status == "waiting"


# A form


async def test_a_form_is_filled_in_and_the_run_goes_on_with_its_fields(bench: Bench) -> None:
    run = await bench.start(*form())
    item = await bench.item()
    assert (item.type, item.choices, item.title) == ("form", ["submit"], "How much?")
    assert item.fields is not None and list(item.fields["properties"]) == ["amount", "why"]
    decided = await bench.decide(item, "submit", values={"amount": 12.5})
    assert (decided.status, decided.decision) == ("done", "submitted")
    assert (await bench.until(run)).output == {"amount": 12.5, "why": "as usual", "by": "bea@example.com"}
    bench.replayed(run)


@pytest.mark.parametrize(
    ("values", "fields"),
    [
        ({}, ["values.amount", "values"]),
        ({"amount": "a lot"}, ["values.amount"]),
        ({"amount": -1}, ["values.amount"]),
        ({"amount": 1, "colour": "red"}, ["values.colour", "values"]),
    ],
)
async def test_a_form_that_does_not_fit_is_refused_by_field_and_still_waits(bench: Bench, values: Any, fields: list[str]) -> None:
    run = await bench.start(*form())
    item = await bench.item()
    with pytest.raises(Invalid) as refused:
        await bench.decide(item, "submit", values=values)
    assert refused.value.details["problems"][0]["field"] in fields
    assert (await bench.item()).id == item.id
    await bench.decide(item, "submit", values={"amount": 1})
    assert (await bench.until(run)).status == "succeeded"


@pytest.mark.parametrize("decision", ["approve", "reject", "", "submitted"])
async def test_a_form_is_only_submitted(bench: Bench, decision: str) -> None:
    await bench.start(*form())
    with pytest.raises(Invalid):
        await bench.decide(await bench.item(), decision, values={"amount": 1})


async def test_only_whoever_is_named_fills_the_form_in_and_only_once(bench: Bench) -> None:
    run = await bench.start(*form(assignees={"users": ["{{ 'bea@example.com' }}"]}))
    item = await bench.item()
    other: Actor = actor("cy", Role.APPROVER)
    with pytest.raises(NotAllowed):
        await bench.decide(item, "submit", by=other, values={"amount": 1})
    await bench.decide(item, "submit", by=BEA, values={"amount": 1})
    with pytest.raises(AlreadyDecided):
        await bench.decide(item, "submit", by=BEA, values={"amount": 2})
    assert (await bench.until(run)).output["amount"] == 1


async def test_a_form_that_nobody_fills_in_expires(bench: Bench) -> None:
    run = await bench.start(*form(expires_after_s=60))
    item = await bench.item()
    manual(bench).advance(60)
    assert (await bench.until(run)).output == {"late": True}
    assert (await bench.engine.approvals.get(ANN, item.id)).status == "expired"
