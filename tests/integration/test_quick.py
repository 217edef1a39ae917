"""What is read in passing is what a thread would read, and what is no small read goes to one."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from engine.facade import quick
from engine.facade.quick import QuickReads, TooMuch, is_small
from engine.run.codec import BLOB_BYTES
from tests.integration.running import ANN, Bench, edge, node, opened

START = node("start", "start", config={"inputs": {"type": "object", "properties": {"text": {"type": "string"}}}})


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    async with opened(tmp_path / "home") as bench:
        yield bench


async def echoing(bench: Bench) -> str:
    done = node("done", "end", config={"output": {"text": "inputs.text"}})
    return await bench.publish([START, done], [edge("start -> done")])


def in_passing(bench: Bench) -> int:
    return bench.engine._core.quick.in_passing


@pytest.mark.parametrize("size", [10, BLOB_BYTES + 1])
async def test_a_run_is_the_same_in_passing_and_beside_the_loop(bench: Bench, size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    workflow = await echoing(bench)
    text = "x" * size
    run = (await bench.engine.runs.start(ANN, workflow, inputs={"text": text})).run_id
    await bench.until(run)
    before = in_passing(bench)
    found = await bench.engine.runs.get(ANN, run)
    # A value that is kept beside its row is no small read.
    assert in_passing(bench) - before == (size <= BLOB_BYTES)
    assert found.output == {"text": text}
    monkeypatch.setattr(bench.engine._core.quick, "_is_busy", lambda: True)
    assert await bench.engine.runs.get(ANN, run) == found
    assert in_passing(bench) - before == (size <= BLOB_BYTES)


async def test_a_small_start_takes_no_thread_once_its_plan_is_known(bench: Bench) -> None:
    workflow = await echoing(bench)
    before = in_passing(bench)
    for text in ("a", "x" * 10, "x" * 1_000_000):
        started = await bench.engine.runs.start(ANN, workflow, inputs={"text": text})
        assert started.status in ("running", "succeeded")
    assert in_passing(bench) - before == 2


async def test_one_slow_read_sends_the_next_ones_to_a_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    reads = QuickReads(lambda: False)
    seen: list[bool] = []
    monkeypatch.setattr(quick, "SLOW_S", -1.0)
    await reads.read(seen.append)
    monkeypatch.setattr(quick, "SLOW_S", 60.0)
    for _ in range(quick.REST + 1):
        await reads.read(seen.append)
    assert seen == [True, *[False] * quick.REST, True]


async def test_what_is_too_much_is_asked_for_again_beside_the_loop() -> None:
    def work(is_here: bool) -> str:
        if is_here:
            raise TooMuch
        return "beside"

    reads = QuickReads(lambda: False)
    assert await reads.read(work) == "beside"
    assert reads.in_passing == 0


async def test_an_error_is_the_callers() -> None:
    def work(_: bool) -> None:
        raise LookupError("not there")

    with pytest.raises(LookupError):
        await QuickReads(lambda: False).read(work)


@pytest.mark.parametrize(
    ("value", "small"),
    [
        (None, True),
        ({"a": ["b", {"c": 1}]}, True),
        (["x"] * 255, True),
        (["x"] * 257, False),
        ([[[]] * 100] * 3, False),
        ("x" * 200_000, True),
        ({"a": "x" * 300_000}, False),
    ],
)
def test_small_is_what_is_looked_through_in_passing(value: Any, small: bool) -> None:
    assert is_small(value) is small
