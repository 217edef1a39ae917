"""The measurements measure: what they run has ended well, and what must not grow does not."""

import pytest

from engine.cli import bench_documents, bench_engine, bench_scale
from engine.graph.validate import check
from engine.nodes.registry import Registry


async def test_a_long_run_and_a_growing_one_are_run_to_their_end() -> None:
    for figures in (await bench_scale.long_run(steps=400), await bench_scale.growing_run(items=400)):
        assert figures["steps"] == 400
        assert len(figures["cpu_us_step_by_tenth"]) == len(figures["rss_mb_by_tenth"]) == bench_scale.TENTHS - 1
        assert 1_000 < figures["bytes_step"] < 5_000


async def test_runs_that_wait_are_not_in_memory() -> None:
    figures = await bench_scale.waiting_runs(runs=60)
    assert figures["in_memory"] == 0 and figures["bytes_run"] > 1_000


def test_the_large_document_is_one_without_problems() -> None:
    assert bench_scale.large_document(nodes=50)["ms"] > 0
    for document in (bench_documents.looping(100), bench_documents.growing(100)):
        assert check(document, Registry.builtin()).problems == []


def test_a_step_is_taken_apart_into_what_it_is_made_of() -> None:
    told = bench_engine.profile_of(bench_engine.shapes(nodes=20, runs=1, at_once=1)[0])["profile_us_per_step"]
    assert {"apply", "commit", "decide", "encode", "expressions", "publish", "queue", "work"} <= told.keys()
    assert all(told[part] > 0 for part in ("apply", "commit", "decide", "encode", "expressions", "work"))


@pytest.mark.parametrize("shape", bench_engine.shapes(nodes=500, runs=40, at_once=20), ids=lambda shape: shape.name)
async def test_every_shape_is_run_with_one_commit_a_step_at_most(shape: bench_engine.Shape) -> None:
    figures = await bench_engine.measure(shape)
    assert figures["runs"] == shape.runs and figures["bytes_step"] > 500
    # A round of the loop has two steps, an item of the box one and its end.
    most = {"chain": 1.05, "crowd": 0.5, "loop": 2.1, "growing": 2.1}[shape.name]
    assert 0 < figures["commits_step"] <= most
