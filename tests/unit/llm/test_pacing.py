"""How often a model is asked: calls wait in line, in their order, for as long as they must and no longer."""

import asyncio

import pytest

from engine.clock import ManualClock
from engine.llm.pacing import Pace, Pacer


class Visit:
    """One call that wants to be let through, and ends when it is told to."""

    def __init__(self, pacer: Pacer, name: str, order: list[str], *, tokens: int = 10, uses: int | None = None) -> None:
        self.over, self.waits = asyncio.Event(), list[bool]()
        self.task = asyncio.get_running_loop().create_task(self._go(pacer, name, order, tokens, uses))

    async def _go(self, pacer: Pacer, name: str, order: list[str], tokens: int, uses: int | None) -> None:
        async with pacer.turn("m", tokens, self.waits.append) as turn:
            order.append(name)
            await self.over.wait()
            turn.tokens = turn.tokens if uses is None else uses


async def settled() -> None:
    """Everything that can go on has gone on."""
    for _ in range(20):
        await asyncio.sleep(0)


def pacer(clock: ManualClock | None = None, **pace: int) -> Pacer:
    return Pacer(clock or ManualClock(), {"m": Pace(**pace)})


async def test_without_limits_nobody_waits_and_nothing_is_remembered() -> None:
    free, order = Pacer(ManualClock(), {}), list[str]()
    visits = [Visit(free, str(number), order) for number in range(50)]
    await settled()
    assert len(order) == 50 and all(visit.waits == [] for visit in visits)
    assert (free.lines()[0].running, free.lines()[0].waiting) == (50, 0)
    for visit in visits:
        visit.over.set()
    await settled()
    assert free.lines() == []


async def test_calls_at_once_are_limited_and_the_next_one_starts_when_one_ends() -> None:
    line, order = pacer(at_once=2), list[str]()
    visits = [Visit(line, name, order) for name in "abcd"]
    await settled()
    assert order == ["a", "b"] and (line.lines()[0].running, line.lines()[0].waiting) == (2, 2)
    assert [visit.waits for visit in visits] == [[], [], [True], [True]]
    visits[1].over.set()
    await settled()
    assert order == ["a", "b", "c"] and visits[2].waits == [True, False]


async def test_requests_of_the_last_minute_are_counted_and_nobody_overtakes() -> None:
    clock, order = ManualClock(), list[str]()
    line = pacer(clock, requests_per_min=2)
    for visit in [Visit(line, name, order) for name in "abcde"]:
        visit.over.set()
    await settled()
    assert order == ["a", "b"]
    clock.advance(59.9)
    await settled()
    assert order == ["a", "b"]
    clock.advance(0.2)
    await settled()
    assert order == ["a", "b", "c", "d"]
    clock.advance(60.1)
    await settled()
    assert order == list("abcde")


async def test_tokens_count_as_the_most_until_a_call_has_answered() -> None:
    clock, order = ManualClock(), list[str]()
    line = pacer(clock, tokens_per_min=100)
    first = Visit(line, "a", order, tokens=80, uses=10)
    second = Visit(line, "b", order, tokens=80)
    await settled()
    assert order == ["a"]
    first.over.set()
    await settled()
    assert order == ["a", "b"], "it used less than it might have, so there is room without a minute's wait"
    second.over.set()


async def test_a_call_larger_than_the_minute_goes_when_it_is_alone() -> None:
    clock, order = ManualClock(), list[str]()
    line = pacer(clock, tokens_per_min=100)
    for visit in [Visit(line, name, order, tokens=500) for name in "ab"]:
        visit.over.set()
    await settled()
    assert order == ["a"]
    clock.advance(60.1)
    await settled()
    assert order == ["a", "b"]


@pytest.mark.parametrize("place", [0, 1, 2])
async def test_whoever_is_cancelled_in_line_leaves_no_trace(place: int) -> None:
    line, order = pacer(at_once=1), list[str]()
    first = Visit(line, "first", order)
    await settled()
    waiting = [Visit(line, name, order) for name in "abc"]
    await settled()
    gone = waiting.pop(place)
    gone.task.cancel()
    await settled()
    assert gone.task.cancelled() and gone.waits == [True, False]
    assert (line.lines()[0].running, line.lines()[0].waiting) == (1, 2)
    for visit in (first, *waiting):
        visit.over.set()
    await settled()
    assert order == ["first", *(name for i, name in enumerate("abc") if i != place)] and line.lines() == []


async def test_a_call_that_is_cancelled_while_it_runs_gives_its_place_back() -> None:
    line, order = pacer(at_once=1), list[str]()
    first = Visit(line, "a", order)
    await settled()
    second = Visit(line, "b", order)
    first.task.cancel()
    await settled()
    assert order == ["a", "b"]
    second.over.set()


async def test_other_limits_hold_for_those_who_wait_already() -> None:
    line, order = pacer(requests_per_min=1), list[str]()
    for visit in [Visit(line, name, order) for name in "abc"]:
        visit.over.set()
    await settled()
    assert order == ["a"]
    line.set({})
    await settled()
    assert order == ["a", "b", "c"]


async def test_models_do_not_wait_for_each_other() -> None:
    both = Pacer(ManualClock(), {"m": Pace(at_once=1)})
    async with both.turn("m", 1), both.turn("other", 1):
        assert {line.model for line in both.lines()} == {"m", "other"}
