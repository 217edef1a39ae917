"""Fifty branches ask a model at once under one limit: what the provider bills never passes it."""

import asyncio
import random
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from engine import Engine, RunView
from engine.graph.plan import Limits
from engine.nodes.contract import Estimate
from engine.run.budget import RESERVED, Exceeds, Fits, Ledger, MustWait, fit
from engine.run.events import Spent
from tests.fakes import provider as fake
from tests.fakes.provider import Behaviour, FakeProvider
from tests.integration.modelled import (
    ANN,
    PRICE_IN,
    PRICE_OUT,
    bound_of,
    document,
    events_of,
    ledger_of,
    llm,
    opened,
    published,
    rested,
    run_through,
    steps_of,
    until,
)

# litellm asks pydantic for what is going away; outside pytest it silences that itself.
pytestmark = pytest.mark.filterwarnings("ignore:Accessing the '.*' attribute on the instance is deprecated")

BRANCHES = 50
PROMPT = "Say something about the weather."
COST, TOKENS = bound_of(PROMPT, max_tokens=100)
"""The most that one branch may use."""
ANSWER = "It rains. " * 32
"""Costs about half of what a branch may use, so that a limit for some branches is not enough for all."""
PLENTY = {"cost_usd": 10, "tokens": 10_000_000, "llm_calls": 1000, "steps": 1000}


@pytest.fixture
def provider():
    with FakeProvider() as running:
        yield running


@pytest.fixture
async def engine(tmp_path: Path, provider: FakeProvider):
    async with opened(tmp_path / "home", provider) as running:
        yield running


def fan_out(*, limits: dict[str, Any], branches: int = BRANCHES, model: str = "default", **node: Any) -> dict[str, Any]:
    names = [f"ask_{number}" for number in range(branches)]
    edges = [("start", name) for name in names] + [(name, "done") for name in names]
    nodes = [llm(name, PROMPT, config={"model": model}, **node) for name in names]
    return document(*nodes, output={"last": f"nodes.{names[-1]}.text"}, edges=edges, limits=PLENTY | limits)


def slowly(*behaviours: Behaviour, seed: int = 1) -> list[Behaviour]:
    """The same, each after 0.1 to 0.3 seconds."""
    chance = random.Random(seed)
    return [replace(behaviour, sleep_s=chance.uniform(0.1, 0.3)) for behaviour in behaviours]


def billed(provider: FakeProvider, model: str = "fake-1") -> tuple[int, int]:
    """(micro-USD, tokens) in the provider's own ledger."""
    calls = [call for call in provider.calls if call.model == model]
    tokens_in, tokens_out = sum(call.tokens_in for call in calls), sum(call.tokens_out for call in calls)
    return round(tokens_in * PRICE_IN + tokens_out * PRICE_OUT), tokens_in + tokens_out


async def assert_stopped_within(engine: Engine, run: RunView, provider: FakeProvider, *, limit: str, model: str = "fake-1") -> None:
    """It is stopped by `limit`, nobody has overspent, and nothing is set aside any more."""
    assert provider.wait_until_idle()
    assert run.status == "stopped", run
    assert run.reason.startswith(f"The limit {limit} is reached") and "Raise it and resume" in run.reason
    cost, tokens = billed(provider, model)
    assert run.limits is not None
    assert cost <= run.spent["cost_usd"] * 1e6 <= run.limits["cost_usd"] * 1e6
    assert tokens <= run.spent["tokens"] <= run.limits["tokens"]
    assert len([call for call in provider.calls if call.model == model]) <= run.spent["llm_calls"] <= run.limits["llm_calls"]
    ledger = ledger_of(engine, run.id)
    assert ledger.open == 0
    assert [getattr(ledger, f"reserved_{name}") for name in RESERVED] == [0, 0, 0, 0]
    assert ledger.cost_micro == round(run.spent["cost_usd"] * 1e6)
    met = await events_of(engine, run.id, "limit_reached")
    assert len(met) == 1


async def assert_resume_finishes(engine: Engine, run: RunView, provider: FakeProvider, **limits: Any) -> None:
    """With raised limits every branch comes to its end, and what was done before is not done again."""
    before = {path: step for path, step in (await steps_of(engine, run.id)).items() if step.status == "done"}
    resumed = await engine.runs.resume(ANN, run.id, limits=limits)
    assert resumed.status in ("running", "waiting", "succeeded")
    run = await rested(engine, run.id)
    assert run.status == "succeeded", run.reason
    after = await steps_of(engine, run.id)
    assert {path: after[path] for path in before} == before
    assert len([path for path in after if path.startswith("ask_")]) == BRANCHES
    assert {step.status for step in after.values()} == {"done"}
    cost, tokens = billed(provider)
    assert cost <= run.spent["cost_usd"] * 1e6 and tokens <= run.spent["tokens"]
    assert ledger_of(engine, run.id).open == 0


async def test_fifty_branches_stay_within_one_limit_of_money(engine: Engine, provider: FakeProvider) -> None:
    provider.then(*slowly(*[fake.text(ANSWER)] * BRANCHES))
    run = await run_through(engine, fan_out(limits={"cost_usd": 8 * COST / 1e6}))
    await assert_stopped_within(engine, run, provider, limit="cost_usd")
    # What came back unused was used by others: far more than eight, and not all.
    assert 8 < len(provider.calls) < BRANCHES
    assert provider.max_concurrency <= 8
    asked = len(provider.calls)
    await assert_resume_finishes(engine, run, provider, cost_usd=1)
    assert len(provider.calls) == BRANCHES, f"{asked} before the stop"


async def test_answers_that_use_all_they_may_fill_the_limit_and_no_more(engine: Engine, provider: FakeProvider) -> None:
    provider.default = fake.filling(sleep_s=0.1)
    run = await run_through(engine, fan_out(limits={"cost_usd": 8.5 * COST / 1e6}))
    await assert_stopped_within(engine, run, provider, limit="cost_usd")
    assert len(provider.calls) >= 8
    assert all(call.tokens_out == call.body["max_tokens"] for call in provider.calls)
    await assert_resume_finishes(engine, run, provider, cost_usd=1)
    assert len(provider.calls) == BRANCHES


async def test_calls_that_the_provider_refuses_cost_a_call_and_no_money(engine: Engine, provider: FakeProvider) -> None:
    mixed = [fake.failing(500) if number % 4 == 0 else fake.text(ANSWER) for number in range(BRANCHES)]
    provider.then(*slowly(*mixed))
    retry = {"attempts": 5, "backoff_s": 0.01, "factor": 1}
    run = await run_through(engine, fan_out(limits={"cost_usd": 5 * COST / 1e6}, retry=retry))
    await assert_stopped_within(engine, run, provider, limit="cost_usd")
    assert run.spent["llm_calls"] == len(provider.calls)
    assert run.spent["cost_usd"] * 1e6 == billed(provider)[0]
    await assert_resume_finishes(engine, run, provider, cost_usd=1)


async def test_what_a_cut_stream_has_cost_is_not_known_so_all_of_it_stays_charged(engine: Engine, provider: FakeProvider) -> None:
    mixed = [fake.cut(9) if number % 5 == 1 else fake.text(ANSWER) for number in range(BRANCHES)]
    provider.then(*slowly(*mixed))
    retry = {"attempts": 5, "backoff_s": 0.01, "factor": 1}
    workflow = await published(engine, fan_out(limits={"cost_usd": 12 * COST / 1e6}, retry=retry))
    run_id = (await engine.runs.start(ANN, workflow)).run_id
    watching = asyncio.create_task(_watched(engine, run_id))
    run = await until(engine, run_id, lambda run: run.status == "stopped")
    await assert_stopped_within(engine, run, provider, limit="cost_usd")
    cuts = [call for call in provider.calls if call.tokens_out < fake.count(ANSWER)]
    failed = await events_of(engine, run_id, "step_failed")
    assert 0 < len(failed) == len(cuts)
    assert {event.data["spent"]["cost_micro"] for event in failed} == {COST}
    await assert_resume_finishes(engine, run, provider, cost_usd=1)
    # What was under way before somebody watched is not streamed: both ways of breaking off may be here.
    assert any(call.stream for call in provider.calls)
    assert await watching


async def _watched(engine: Engine, run_id: str) -> int:
    return len([item async for item in engine.runs.watch(ANN, run_id)])


async def test_an_answer_that_is_none_may_have_been_billed(engine: Engine, provider: FakeProvider) -> None:
    provider.default = fake.text(ANSWER)
    provider.then(*slowly(*[fake.garbage()] * 5))
    retry = {"attempts": 5, "backoff_s": 0.01, "factor": 1}
    run = await run_through(engine, fan_out(limits={"cost_usd": 6 * COST / 1e6}, retry=retry))
    await assert_stopped_within(engine, run, provider, limit="cost_usd")
    failed = await events_of(engine, run.id, "step_failed")
    assert [event.data["spent"]["cost_micro"] for event in failed] == [COST] * 5


async def test_calls_that_never_come_back_stay_charged(engine: Engine, provider: FakeProvider) -> None:
    provider.then(*[fake.hanging()] * 3, *slowly(*[fake.text(ANSWER)] * BRANCHES))
    retry = {"attempts": 3, "backoff_s": 0.01, "factor": 1}
    run = await run_through(engine, fan_out(limits={"cost_usd": 9 * COST / 1e6}, retry=retry, timeout_s=1.5))
    await assert_stopped_within(engine, run, provider, limit="cost_usd")
    timed_out = [e for e in await events_of(engine, run.id, "step_failed") if e.data["error"]["code"] == "timeout"]
    assert len(timed_out) >= 3
    assert {event.data["spent"]["cost_micro"] for event in timed_out} == {COST}
    await assert_resume_finishes(engine, run, provider, cost_usd=1)


async def test_two_runs_at_once_keep_a_limit_each(engine: Engine, provider: FakeProvider) -> None:
    provider.default = fake.text(ANSWER, sleep_s=0.1)
    limits = {"fake-a": 4 * COST, "fake-b": 9 * COST}
    documents = [fan_out(limits={"cost_usd": most / 1e6}, model=model) | {"name": model} for model, most in limits.items()]
    runs = await asyncio.gather(*(run_through(engine, d) for d in documents))
    for model, run in zip(limits, runs, strict=True):
        await assert_stopped_within(engine, run, provider, limit="cost_usd", model=model)
        assert billed(provider, model)[0] <= limits[model]


async def test_the_limit_of_tokens_holds_as_well(engine: Engine, provider: FakeProvider) -> None:
    provider.then(*slowly(*[fake.text(ANSWER)] * BRANCHES))
    run = await run_through(engine, fan_out(limits={"tokens": 7 * TOKENS}))
    await assert_stopped_within(engine, run, provider, limit="tokens")
    assert provider.max_concurrency <= 7
    await assert_resume_finishes(engine, run, provider, tokens=1_000_000)


async def test_the_limit_of_calls_is_used_up_to_the_last_one(engine: Engine, provider: FakeProvider) -> None:
    provider.then(*slowly(*[fake.text(ANSWER)] * BRANCHES))
    run = await run_through(engine, fan_out(limits={"llm_calls": 17}))
    await assert_stopped_within(engine, run, provider, limit="llm_calls")
    assert len(provider.calls) == run.spent["llm_calls"] == 17
    await assert_resume_finishes(engine, run, provider, llm_calls=BRANCHES)
    assert len(provider.calls) == BRANCHES


async def test_near_the_limit_answers_get_shorter_but_not_below_64_tokens(engine: Engine, provider: FakeProvider) -> None:
    provider.default = fake.filling()
    # One whole answer, one that is shortened, and a rest that is too small for any.
    whole = round((fake.count(PROMPT) + 8) * PRICE_IN + 100 * PRICE_OUT)
    limit = whole + COST - 20
    run = await run_through(engine, fan_out(limits={"cost_usd": limit / 1e6}))
    await assert_stopped_within(engine, run, provider, limit="cost_usd")
    asked = [call.body["max_tokens"] for call in provider.calls]
    assert asked[0] == 100
    assert all(64 <= tokens <= 100 for tokens in asked) and min(asked) < 100
    told = [s.inputs.get("max_tokens") for s in (await steps_of(engine, run.id)).values() if s.kind == "llm" and s.status == "done"]
    assert sorted(told, key=lambda tokens: tokens or 100) == sorted((t if t < 100 else None for t in asked), key=lambda t: t or 100)
    await assert_resume_finishes(engine, run, provider, cost_usd=1)


async def test_a_step_waits_for_what_others_give_back_before_it_is_shortened(engine: Engine, provider: FakeProvider) -> None:
    provider.default = fake.text("It rains.", sleep_s=0.2)
    # Side by side the second would have to be short; after the first has answered in few words there is enough for a whole one.
    run = await run_through(engine, fan_out(limits={"cost_usd": 1.9 * COST / 1e6}, branches=2))
    assert run.status == "succeeded", run.reason
    assert [call.body["max_tokens"] for call in provider.calls] == [100, 100]
    assert provider.max_concurrency == 1


async def test_a_step_that_fits_only_shortened_waits_while_money_is_set_aside(engine: Engine, provider: FakeProvider) -> None:
    provider.default = fake.text("It rains.", sleep_s=0.2)
    small, large = llm("small", PROMPT, max_tokens=100), llm("large", PROMPT, max_tokens=2000)
    edges = [("start", "small"), ("start", "large"), ("small", "done"), ("large", "done")]
    limit = COST + bound_of(PROMPT, max_tokens=64)[0] // 2
    doc = document(small, large, output={"a": "nodes.small.text", "b": "nodes.large.text"}, edges=edges, limits={"cost_usd": limit / 1e6})
    run = await run_through(engine, doc)
    assert run.status == "succeeded", run.reason
    asked = sorted(call.body["max_tokens"] for call in provider.calls)
    assert asked[0] == 100 and 100 < asked[1] < 2000
    assert billed(provider)[0] <= limit


async def test_a_retry_whose_pause_ends_while_the_run_is_stopped_is_not_forgotten(engine: Engine, provider: FakeProvider) -> None:
    provider.model("broken", fake.failing(500)).model("fine", fake.text("It rains."))
    broken = llm("broken", PROMPT, config={"model": "broken"}, retry={"attempts": 2, "backoff_s": 0.3, "factor": 1})
    first, second = llm("first", PROMPT, config={"model": "fine"}), llm("second", PROMPT, config={"model": "fine"})
    edges = [("start", "broken"), ("start", "first"), ("first", "second"), ("second", "done"), ("broken", "done")]
    output = {"a": "nodes.second.text", "b": "nodes.broken.text"}
    run = await run_through(engine, document(broken, first, second, output=output, edges=edges, limits={"llm_calls": 2}))
    assert run.status == "stopped"
    assert (await steps_of(engine, run.id))["broken"].status == "ready"
    failed = (await events_of(engine, run.id, "step_failed"))[0]
    provider.model("broken", fake.text("Mended."))
    await asyncio.sleep(max(0.0, failed.data["retry_at"] / 1e6 - engine._core.clock.now_us() / 1e6) + 0.2)
    await engine.runs.resume(ANN, run.id, limits={"llm_calls": 10})
    run = await rested(engine, run.id)
    assert (run.status, run.output) == ("succeeded", {"a": "It rains.", "b": "Mended."})


# The sums themselves, with every order of reserving and settling.

AMOUNTS = st.builds(Estimate, *[st.integers(0, 400)] * 2, *[st.integers(0, 4)] * 2)


class Budget(RuleBasedStateMachine):
    """Calls begin when they fit and end with anything up to what was set aside for them."""

    def __init__(self) -> None:
        super().__init__()
        self.ledger = Ledger(Limits(cost_micro=1000, tokens=1200, llm_calls=6, tool_calls=6))
        self.running: list[Spent] = []
        self.charged: list[Spent] = []

    @rule(estimate=AMOUNTS)
    def begin(self, estimate: Estimate) -> None:
        match fit(self.ledger, estimate):
            case Fits(amount):
                assert amount == Spent(estimate.cost_micro, estimate.tokens, estimate.llm_calls, estimate.tool_calls)
                self.ledger.reserve(amount)
                self.running.append(amount)
            case MustWait():
                assert self.running
                assert isinstance(fit(self._if_all_came_back(), estimate), Fits)
            case Exceeds(limit, needed, _, _):
                assert needed == getattr(estimate, limit) > self.ledger.left(limit)
                assert not self.running or isinstance(fit(self._if_all_came_back(), estimate), Exceeds)

    def _if_all_came_back(self) -> Ledger:
        spent = {name: getattr(self.ledger, name) for name in RESERVED}
        return Ledger(self.ledger.limits, **spent)

    @precondition(lambda self: self.running)
    @rule(which=st.integers(0, 1000), parts=st.tuples(*[st.floats(0, 1)] * 4))
    def end(self, which: int, parts: tuple[float, ...]) -> None:
        amount = self.running.pop(which % len(self.running))
        used = Spent(*(int(getattr(amount, name) * part) for name, part in zip(RESERVED, parts, strict=True)))
        self.ledger.release(amount)
        self.ledger.charge(used)
        self.charged.append(used)

    @precondition(lambda self: self.running)
    @rule()
    def lose(self) -> None:
        amount = self.running.pop()
        self.ledger.release(amount)
        self.ledger.charge(amount)
        self.charged.append(amount)

    @rule(more=st.integers(0, 500))
    def raise_the_limit(self, more: int) -> None:
        self.ledger.limits = replace(self.ledger.limits, cost_micro=self.ledger.limits.cost_micro + more)

    @invariant()
    def nothing_is_ever_overspent(self) -> None:
        assert self.ledger.open == len(self.running)
        for name in RESERVED:
            spent, reserved = getattr(self.ledger, name), getattr(self.ledger, f"reserved_{name}")
            assert spent == sum(getattr(used, name) for used in self.charged)
            assert reserved == sum(getattr(amount, name) for amount in self.running)
            assert spent + reserved <= getattr(self.ledger.limits, name)


TestBudget = Budget.TestCase


@given(st.lists(AMOUNTS, min_size=1, max_size=60), st.randoms(use_true_random=False))
def test_branches_that_begin_as_soon_as_they_fit_never_pass_the_limit_and_never_get_stuck(wanted: list[Estimate], chance: Any) -> None:
    ledger = Ledger(Limits(cost_micro=1000, tokens=1200, llm_calls=6, tool_calls=6))
    ready, running = list(wanted), []
    while ready or running:
        for estimate in list(ready):
            answer = fit(ledger, estimate)
            if isinstance(answer, Fits):
                ledger.reserve(answer.amount)
                running.append(answer.amount)
                ready.remove(estimate)
            elif isinstance(answer, Exceeds):
                ready.remove(estimate)
        assert running or not ready, "everything waits for nothing"
        assert all(ledger.left(name) >= 0 for name in RESERVED)
        if running:
            amount = running.pop(chance.randrange(len(running)))
            ledger.release(amount)
            ledger.charge(Spent(*(chance.randint(0, getattr(amount, name)) for name in RESERVED)))
    assert ledger.open == 0
