"""Long runs: what they cost stays flat, what reading them takes is bounded, and nothing depends on a snapshot."""

import asyncio
import base64
import logging
import sqlite3
import threading
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import closing
from dataclasses import fields, is_dataclass
from itertools import pairwise
from pathlib import Path
from random import Random
from typing import Any

import pytest

from engine.errors import StorageUnavailable
from engine.facade import timelines
from engine.graph.plan import Plan, PlannedNode
from engine.nodes.contract import Outcome
from engine.run import snapshots
from engine.run.keeping import LEAST_BYTES
from engine.run.loading import load_run, load_state
from engine.storage.journal import ROW_BYTES
from engine.storage.snapshots import SnapshotWriter, StoredSnapshot
from tests.integration import running
from tests.integration.running import ANN, Bench, Works, edge, node, opened, work
from tests.unit.run.whole import whole

KILOBYTE = 1000
MOST_PER_STEP = 2560
DONE = node("done", "end", config={"output": {}})


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running, "PATIENCE_S", 600.0)


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    async with opened(tmp_path / "home") as bench:
        yield bench


def dense(random: Random, size: int) -> str:
    """Text that no compression makes much smaller."""
    return base64.b85encode(random.randbytes(size)).decode()[:size]


async def looping(bench: Bench, visits: int, *then: Any, size: int = KILOBYTE) -> str:
    """A run whose step `a` runs so often, each time with new outputs of that size; what it comes to afterwards is the caller's."""
    random = Random(5)

    class Answers(dict[str, Outcome]):
        def get(self, said: str, default: Any = None) -> Any:
            return Outcome({"said": dense(random, size)}, "again") if said == "a" else super().get(said, default)

    bench.works.answers = Answers()
    edges = [edge("start -> a"), edge("a.again -> a", max_visits=visits, on_exhausted="out")]
    nodes = ["start", work("a", ways=["again", "out"]), *(then or [DONE])]
    names = [each["id"] for each in nodes[2:]]
    edges.append(edge(f"a.out -> {names[0]}"))
    edges += [edge(f"{one}{'.approved' if one == 'ok' else ''} -> {two}") for one, two in pairwise(names)]
    slug = await bench.publish(nodes, edges, limits={"steps": visits + 20})
    return (await bench.engine.runs.start(ANN, slug)).run_id


async def settled(bench: Bench) -> Any:
    keeper = bench.engine._core.executor.keeper
    await keeper.settle()
    return keeper


def stored(bench: Bench) -> list[tuple[str, int, str, bytes]]:
    with closing(sqlite3.connect(bench.home / "signalbox.db")) as database:
        return database.execute("SELECT run_id, seq, codec, state FROM snapshots ORDER BY run_id, seq").fetchall()


def change(bench: Bench, sql: str, *parameters: Any) -> None:
    with closing(sqlite3.connect(bench.home / "signalbox.db", isolation_level=None)) as database:
        assert database.execute(sql, parameters).rowcount > 0


async def reading(bench: Bench, look: Callable[[], Any]) -> int:
    """How many journal rows it reads."""
    reader = bench.engine._core.reader
    before = reader.rows_read
    await look()
    return reader.rows_read - before


# What reading takes


async def test_nothing_that_is_asked_of_a_long_run_reads_it_from_the_beginning(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    tell = work("tell")
    ask = node("ok", "approval", config={"title": "Go on?", "editable": {"x": "1"}, "action": "tell"})
    run = await looping(bench, 4990, ask, tell, DONE, size=100)
    await bench.until(run, "waiting")
    await settled(bench)
    rows = bench.engine._core.reader.run(run).head_seq  # pyright: ignore[reportOptionalMemberAccess]
    assert rows > 4990
    engine, item = bench.engine, await bench.item()
    # A later snapshot, which a fork from an earlier row cannot use, would depend on how far the thread has come.
    monkeypatch.setattr(engine._core.executor.keeper, "after", lambda *_: None)
    took = {
        "view": await reading(bench, lambda: engine.runs.get(ANN, run)),
        "list": await reading(bench, lambda: engine.runs.list(ANN)),
        "events": await reading(bench, lambda: engine.runs.events(ANN, run, after=rows - 50)),
        "card": await reading(bench, lambda: engine.inbox.card(ANN, item.id)),
        "inbox": await reading(bench, lambda: engine.inbox.list(ANN, is_waiting=True)),
        "preview of the action": await reading(bench, lambda: engine.inbox.preview(ANN, item.id, {"x": 2})),
        "answer": await reading(bench, lambda: bench.decide(item)),
    }
    assert (await bench.until(run)).status == "succeeded"
    took |= {
        "bill": await reading(bench, lambda: engine.runs.fork_bill(ANN, run, "tell")),
        "fork": await reading(bench, lambda: engine.runs.fork(ANN, run, "tell")),
        "first look at the timeline": await reading(bench, lambda: engine.runs.steps(ANN, run)),
        "next page of the timeline": await reading(bench, lambda: engine.runs.steps(ANN, run, limit=1000)),
        "one step": await reading(bench, lambda: engine.runs.step(ANN, run, "tell")),
    }
    assert took.pop("first look at the timeline") > rows, "the timeline is all of it, once"
    assert max(took.values()) < 500, took


async def test_the_rows_that_bound_a_run_are_found_by_their_index(bench: Bench) -> None:
    from engine.storage import journal_reader

    with closing(sqlite3.connect(bench.home / "signalbox.db")) as database:
        plan = database.execute(f"EXPLAIN QUERY PLAN {journal_reader._BOUNDS}", ("r", 0, 9)).fetchall()
    assert len(plan) == 1 and "USING INDEX journal_bounds (run_id=? AND seq>? AND seq<?)" in plan[0][3]


async def test_a_timeline_that_was_looked_at_goes_on_with_the_rows_that_are_new(bench: Bench) -> None:
    run = await looping(bench, 30, node("ok", "approval", config={"title": "?"}), DONE)
    await bench.until(run, "waiting")
    assert (await bench.steps(run))["ok"].status == "waiting"
    await bench.decide(await bench.item())
    await bench.until(run)
    seen = await bench.steps(run)
    assert (seen["ok"].status, seen["done"].status) == ("done", "done")
    anew = await _anew(bench, run)
    assert [step.model_dump() for step in seen.values()] == anew


async def _anew(bench: Bench, run: str) -> list[Any]:
    from engine.facade.runs import Runs

    return [step.model_dump() for step in (await Runs(bench.engine._core).steps(ANN, run, limit=1000)).items]


# What it costs


def count_of(value: Any) -> int:
    """Objects in a state, down to the last text; the plan is not the run's."""
    if isinstance(value, Plan | PlannedNode):
        return 0
    if isinstance(value, dict):
        return 1 + sum(count_of(inner) for inner in value.values())
    if isinstance(value, list | tuple | set | frozenset):
        return 1 + sum(count_of(inner) for inner in value)
    if is_dataclass(value):
        return 1 + sum(count_of(getattr(value, f.name)) for f in fields(value))
    return 1


class Watching:
    """Hears every statement of the journal's writer."""

    def __init__(self, bench: Bench) -> None:
        self._statements = 0
        self.per_commit: list[int] = []
        self.objects: list[int] = []
        self._executor = bench.engine._core.executor
        bench.engine._core.journal._connection.set_trace_callback(self._hear)

    def _hear(self, sql: str) -> None:
        # Beside what a step writes: a BEGIN may be tried twice, when somebody else is just writing.
        self._statements += not sql.startswith(("PRAGMA", "BEGIN"))
        if sql == "COMMIT":
            self.per_commit.append(self._statements)
            self._statements = 0
            if len(self.per_commit) % 100 == 0:
                self.objects += [count_of(active.state) for active in self._executor._active.values()]


@pytest.mark.parametrize("visits", [3_000, pytest.param(20_000, marks=[pytest.mark.long, pytest.mark.timeout(900)])])
async def test_step_ten_thousand_costs_what_step_ten_did(tmp_path: Path, visits: int) -> None:
    async with opened(tmp_path / "home") as bench:
        watching = Watching(bench)
        before = bench.engine.journal_counts.commits
        run = await looping(bench, visits)
        assert (await bench.until(run)).spent["steps"] == visits + 2
        assert bench.engine.journal_counts.commits - before <= (visits + 2) * 1.05
        steps = watching.per_commit[10:-10]
        assert len(steps) > visits - 30
        assert set(steps) == {3}, f"the run, one row, COMMIT: {Counter(steps)}"
        assert len(watching.objects) >= visits // 100 - 2
        assert len(set(watching.objects[10:])) == 1, "the state of visit 1,000 has as many objects as that of the last one"
        keeper = await settled(bench)
        assert keeper.taken >= visits * KILOBYTE // (70 * 1024)
        assert len(stored(bench)) == 1, "only the newest is kept"
    size = (tmp_path / "home" / "signalbox.db").stat().st_size
    assert size / visits <= MOST_PER_STEP
    assert not (tmp_path / "home" / "signalbox.db-wal").exists()


async def test_the_log_is_folded_back_by_what_it_really_takes(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    from engine.storage import journal

    monkeypatch.setattr(journal, "CHECKPOINT_BYTES", 4 * 1024 * 1024)
    await bench.until(await looping(bench, 1000))
    assert (bench.home / "signalbox.db-wal").stat().st_size < 8 * 1024 * 1024


def written_by(bench: Bench, run: str) -> int:
    """Bytes of the run's rows and large values."""
    with closing(sqlite3.connect(bench.home / "signalbox.db")) as database:
        payloads = database.execute("SELECT sum(length(payload)), count(*) FROM journal WHERE run_id = ?", (run,)).fetchone()
        values = database.execute("SELECT coalesce(sum(bytes), 0) FROM blob_refs WHERE run_id = ?", (run,)).fetchone()[0]
    return payloads[0] + payloads[1] * ROW_BYTES + values


async def growing(bench: Bench, steps: int) -> str:
    """Every step leaves another kilobyte in the state."""
    random, names = Random(3), [f"n{i}" for i in range(steps)]
    bench.works.answers = {name: Outcome({"said": dense(random, KILOBYTE)}, "out") for name in names}
    edges = [edge(f"{one} -> {two}") for one, two in zip(["start", *names], [*names, "done"], strict=True)]
    return await bench.start(["start", *(work(name) for name in names), DONE], edges, limits={"steps": steps + 10})


async def boxed(bench: Bench, items: int) -> str:
    """A box with so many items, of which each leaves a kilobyte."""
    random = Random(4)
    start = node("start", "start", config={"inputs": {"type": "object", "properties": {"items": {"type": "array"}}}})
    each = node("each", "map", config={"items": "inputs.items", "collect": "nodes.a.x", "max_items": 10_000, "concurrency": 10})
    a = node("a", "set", config={"values": {"x": "item"}}) | {"parent": "each"}
    given = {"items": [dense(random, KILOBYTE) for _ in range(items)]}
    nodes, edges = [start, each, a, DONE], [edge("start -> each"), edge("each.item -> a"), edge("each -> done")]
    return await bench.start(nodes, edges, inputs=given, limits={"steps": items + 10})


@pytest.mark.parametrize(
    ("kind", "size"),
    [
        (growing, 1_200),
        (boxed, 1_000),
        pytest.param(growing, 1_900, marks=pytest.mark.long),
        pytest.param(boxed, 10_000, marks=[pytest.mark.long, pytest.mark.timeout(900)]),
    ],
)
async def test_a_run_whose_state_grows_writes_at_most_twice_what_its_rows_take(bench: Bench, kind: Any, size: int) -> None:
    run = await kind(bench, size)
    assert (await bench.until(run)).status == "succeeded"
    keeper = await settled(bench)
    rows = written_by(bench, run)
    assert rows > size * KILOBYTE
    assert keeper.taken >= 1, "else nothing was measured"
    assert keeper.bytes <= rows
    with closing(sqlite3.connect(bench.home / "signalbox.db")) as database:
        assert database.execute("SELECT written_bytes FROM snapshots WHERE run_id = ?", (run,)).fetchone()[0] == keeper.bytes
    assert whole(load_run(bench.engine._core.reader, bench.engine._core.plans.of, run)[1].state) == whole(bench.replayed(run))


async def test_a_run_whose_snapshots_took_as_much_as_its_rows_is_not_kept_again(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    keeper = bench.engine._core.executor.keeper
    # How often the thread comes to it would else decide what is measured.
    monkeypatch.setattr(keeper, "after", lambda *_: None)
    random, names = Random(6), [f"n{i}" for i in range(300)]
    bench.works.answers = {name: Outcome({"said": dense(random, KILOBYTE)}, "out") for name in names}
    order = ["start", *names[:100], "ok", *names[100:], "done"]
    ask = node("ok", "approval", config={"title": "Go on?"})
    edges = [edge(f"{one}{'.approved' if one == 'ok' else ''} -> {two}") for one, two in pairwise(order)]
    run = await bench.start(["start", *(work(name) for name in names), ask, DONE], edges, limits={"steps": 320})
    await bench.until(run, "waiting")
    first = (await asyncio.to_thread(keeper._kept, run))[1]
    assert first > 50 * KILOBYTE
    await bench.decide(await bench.item())
    assert (await bench.until(run)).status == "succeeded"
    rows = written_by(bench, run)

    change(bench, "UPDATE snapshots SET written_bytes = ?", rows)
    wait, size = await asyncio.to_thread(keeper._kept, run)
    assert size == 0, "with this one they would take more than the rows"
    assert wait > LEAST_BYTES
    change(bench, "UPDATE snapshots SET written_bytes = ?", first)
    assert (await asyncio.to_thread(keeper._kept, run))[1] > first


# Off the path


async def test_steps_go_on_while_a_snapshot_cannot_be_finished(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    keeper, free, asked = bench.engine._core.executor.keeper, threading.Event(), threading.Event()
    keep = keeper._writer.keep

    def slow(snapshot: StoredSnapshot, workspace: str) -> bool:
        asked.set()
        assert free.wait(60)
        return keep(snapshot, workspace)

    monkeypatch.setattr(keeper._writer, "keep", slow)
    run = await looping(bench, 400)
    try:
        assert (await bench.until(run)).status == "succeeded"
        assert asked.is_set() and keeper.taken == 0 and stored(bench) == []
    finally:
        free.set()
    await keeper.settle()
    assert keeper.taken == len(stored(bench)) == 1


@pytest.mark.parametrize(
    "error", [StorageUnavailable("The disk is full."), sqlite3.DatabaseError("malformed"), ZeroDivisionError("a defect")]
)
async def test_a_snapshot_that_fails_is_told_and_harms_nothing(
    bench: Bench, error: Exception, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    keeper, keep, fails = bench.engine._core.executor.keeper, bench.engine._core.executor.keeper._writer.keep, [error]

    def failing(*given: Any) -> bool:
        if fails:
            raise fails.pop()
        return keep(*given)

    monkeypatch.setattr(keeper._writer, "keep", failing)
    run = await looping(bench, 300)
    assert (await bench.until(run)).status == "succeeded"
    await settled(bench)
    assert sum(f"no snapshot of run {run}" in message for message in caplog.messages) == 1
    assert keeper.taken >= 1, "the next one is taken"


async def test_what_is_kept_is_what_the_rows_tell(bench: Bench) -> None:
    run = await looping(bench, 300)
    await bench.until(run)
    await settled(bench)
    core = bench.engine._core
    loaded = load_run(core.reader, core.plans.of, run)[1]
    assert loaded.base is not None and loaded.base.seq > 1
    assert whole(loaded.state) == whole(bench.replayed(run))


async def test_another_process_goes_on_from_the_snapshot(tmp_path: Path) -> None:
    async with opened(tmp_path / "home") as bench:
        run = await looping(bench, 1500, work("slow", kind="gated"), DONE)
        await bench.called("slow")
        await settled(bench)
        home = bench.copy()
    works = Works()
    async with opened(home, works) as after:
        await after.called("slow")
        assert after.engine._core.reader.rows_read < 700, "of more than 1,500"
        works.gate("slow").set()
        assert (await after.until(run)).status == "succeeded"
        after.replayed(run)


@pytest.mark.parametrize(
    ("sql", "told"),
    [
        ("UPDATE snapshots SET codec = '0/unknown'", "snapshots written as 0/unknown are not used"),
        ("UPDATE snapshots SET state = x'00'", "is not used: it is damaged"),
        ("UPDATE snapshots SET state = substr(state, 1, length(state) - 3)", "is not used: it is damaged"),
        ("UPDATE snapshots SET seq = seq - 1", "is not used: it is one of"),
    ],
)
async def test_a_snapshot_that_cannot_be_used_is_left_aside_and_told_once(
    bench: Bench, sql: str, told: str, caplog: pytest.LogCaptureFixture
) -> None:
    run = await looping(bench, 200, node("ok", "approval", config={"title": "?"}), DONE)
    await bench.until(run, "waiting")
    await settled(bench)
    change(bench, sql)
    core = bench.engine._core
    for _ in range(3):
        loaded = load_run(core.reader, core.plans.of, run)[1]
        assert loaded.base is None and whole(loaded.state) == whole(bench.replayed(run))
    assert sum(told in message for message in caplog.messages) == 1
    await bench.decide(await bench.item())
    assert (await bench.until(run)).status == "succeeded"


async def test_rows_that_do_not_fit_a_snapshot_are_read_without_it(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    run = await looping(bench, 200)
    await bench.until(run)
    await settled(bench)
    core = bench.engine._core
    plan = core.plans.of(core.reader.run(run).doc_hash)  # pyright: ignore[reportOptionalMemberAccess]
    ((_, seq, _, body),) = stored(bench)
    assert snapshots.decode(body, plan, run_id=run, of=run, seq=seq).seq == seq
    # Half way, so that rows lie behind it that do not fit.
    wrong = load_state(core.reader, plan, run, upto=seq // 2).state
    wrong.steps.clear()
    change(bench, "UPDATE snapshots SET seq = ?, state = ?", seq // 2, snapshots.encode(wrong, run))
    loaded = load_run(core.reader, core.plans.of, run)[1]
    assert loaded.base is None and whole(loaded.state) == whole(bench.replayed(run))
    assert any("the rows behind it do not fit" in message for message in caplog.messages)


async def test_without_snapshots_everything_is_as_it_was(bench: Bench) -> None:
    run = await looping(bench, 200, node("ok", "approval", config={"title": "?"}), DONE)
    await bench.until(run, "waiting")
    await settled(bench)
    change(bench, "DELETE FROM snapshots")
    await bench.decide(await bench.item())
    assert (await bench.until(run)).status == "succeeded"


# Forks


async def test_a_fork_begins_from_a_snapshot_of_its_origin_and_gets_its_own(bench: Bench) -> None:
    run = await looping(bench, 300, work("b"), DONE)
    await bench.until(run)
    await settled(bench)
    core = bench.engine._core
    ((_, seq, _, _),) = stored(bench)
    # Where the snapshot lies depends on how soon its thread came to it; what lies before it is read by nobody.
    behind = core.reader.run(run).head_seq - seq  # pyright: ignore[reportOptionalMemberAccess]
    assert seq > 60
    assert await reading(bench, lambda: bench.engine.runs.fork(ANN, run, "b")) <= behind + 5
    fork = next(item.id for item in (await bench.engine.runs.list(ANN)).items if item.id != run)
    await bench.until(fork)
    loaded = load_run(core.reader, core.plans.of, fork)[1]
    assert loaded.base is not None and (loaded.base.run_id, loaded.base.seq) == (run, seq)
    assert whole(loaded.state) == whole(bench.replayed(fork))
    early = (await bench.engine.runs.fork(ANN, run, "a#20")).run_id
    await bench.until(early)
    await settled(bench)
    loaded = load_run(core.reader, core.plans.of, early)[1]
    assert loaded.base is not None and loaded.base.run_id == early, "what its origin knows lies behind where it has left"
    assert whole(loaded.state) == whole(bench.replayed(early))


async def test_the_state_at_any_earlier_row_is_told_right(bench: Bench) -> None:
    run = await looping(bench, 200)
    await bench.until(run)
    await settled(bench)
    core = bench.engine._core
    ((_, kept, _, _),) = stored(bench)
    plan = core.plans.of(core.reader.run(run).doc_hash)  # pyright: ignore[reportOptionalMemberAccess]
    last = core.reader.run(run).head_seq  # pyright: ignore[reportOptionalMemberAccess]
    for seq in {1, kept - 1, kept, min(kept + 1, last), last}:
        loaded = load_state(core.reader, plan, run, upto=seq)
        assert loaded.state.seq == seq and (loaded.base is not None) == (seq >= kept)


def test_of_a_run_that_is_gone_no_snapshot_is_left_behind(tmp_path: Path) -> None:
    async def made() -> None:
        async with opened(tmp_path / "home"):
            pass

    asyncio.run(made())
    writer = SnapshotWriter(tmp_path / "home" / "signalbox.db")
    try:
        assert not writer.keep(StoredSnapshot("run_gone", 5, snapshots.CODEC, 1, 1, b"x"), "main")
    finally:
        writer.close()
    with closing(sqlite3.connect(tmp_path / "home" / "signalbox.db")) as database:
        assert database.execute("SELECT * FROM snapshots").fetchall() == []


def test_the_log_of_this_test_is_the_one_that_is_used() -> None:
    assert logging.getLogger("signalbox.run").isEnabledFor(logging.WARNING)


async def test_the_timelines_that_are_kept_have_one_bound_together(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timelines, "BYTES_KEPT", 40_000)
    runs = [await looping(bench, 20) for _ in range(3)]
    for run in runs:
        await bench.until(run)
        assert len((await bench.engine.runs.steps(ANN, run, limit=1000)).items) > 20
    kept = bench.engine.runs._timelines._kept
    assert 0 < sum(one.bytes for one in kept.values()) <= 40_000 and list(kept) == runs[-len(kept) :], "the latest stay"
