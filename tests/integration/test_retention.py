"""How long runs are kept: those that ended long ago go whole, what others need stays, and a crash leaves nothing half-visible."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from engine import Invalid, NotAllowed, NotFound, Role
from engine.clock import DAY_US, ManualClock
from engine.errors import Permanent
from engine.nodes.contract import Outcome
from engine.storage.retention import ROWS_AT_ONCE, RunRemover
from tests.integration.running import ANN, Bench, Works, actor, edge, gated, node, opened, work

DAY_S = 86_400
LARGE = "x" * 50_000
DONE = node("done", "end", config={"output": {"said": "nodes.a.said"}})


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    """Sweeps only when the test says so."""
    async with opened(tmp_path / "home", clock=ManualClock()) as bench:
        await bench.engine.storage.sweeper.close()
        yield bench


def advance(bench: Bench, *, days: float) -> None:
    assert isinstance(bench.clock, ManualClock)
    bench.clock.advance(days * DAY_S)


def database(bench: Bench) -> Any:
    return closing(sqlite3.connect(bench.home / "signalbox.db"))


def rows_of(bench: Bench, run: str) -> dict[str, int]:
    """Table -> how many of its rows belong to the run; tables with none are left out."""
    with database(bench) as db:
        tables = [name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()]
        named = [table for table in tables if any(column[1] == "run_id" for column in db.execute(f"PRAGMA table_info({table})"))]
        assert {"journal", "runs", "approvals", "timers", "waits", "children", "snapshots", "blob_refs", "notifications"} <= set(named)
        counts = {table: db.execute(f"SELECT count(*) FROM {table} WHERE run_id = ?", (run,)).fetchone()[0] for table in named}
    return {table: count for table, count in counts.items() if count}


def all_of(bench: Bench, sql: str) -> list[Any]:
    with database(bench) as db:
        return db.execute(sql).fetchall()


async def simple(bench: Bench, *nodes: Any, **more: Any) -> str:
    """The slug of a workflow start -> a -> done, live."""
    return await bench.publish(["start", work("a"), *nodes, DONE], [edge("start -> a"), edge("a -> done")], **more)


async def ran(bench: Bench, slug: str, **more: Any) -> str:
    run = (await bench.engine.runs.start(ANN, slug, **more)).run_id
    await bench.until(run)
    return run


async def keep(bench: Bench, slug: str, days: int | None) -> None:
    await bench.engine.storage.keep(ANN, slug, days=days)


async def sweep(bench: Bench) -> int:
    return sum((await bench.engine.storage.sweeper.sweep()).values())


async def assert_gone(bench: Bench, run: str) -> None:
    runs = bench.engine.runs
    for look in (
        runs.get(ANN, run), runs.steps(ANN, run), runs.events(ANN, run), runs.events_json(ANN, run), runs.document(ANN, run),
        runs.event(ANN, run, 1), runs.fork_bill(ANN, run, "a"), runs.retry(ANN, run), runs.cancel(ANN, run), anext(runs.watch(ANN, run)),
    ):  # fmt: skip
        with pytest.raises(NotFound):
            await look
    assert run not in {item.id for item in (await runs.list(ANN, limit=1000)).items}
    assert run not in {item.run_id for item in (await bench.engine.approvals.list(ANN)).items}


async def test_a_run_that_ended_long_ago_goes_with_everything_that_is_its_own(bench: Bench) -> None:
    bench.works.answers["a"] = Outcome({"said": LARGE}, "out")
    ask = node("ok", "approval", config={"title": "?"})
    tell = node("tell", "notify", config={"subject": "s", "message": "m"})
    slug = await bench.publish(
        ["start", work("a"), ask, tell, DONE], [edge("start -> a"), edge("a -> ok"), edge("ok.approved -> tell"), edge("tell -> done")]
    )
    run = (await bench.engine.runs.start(ANN, slug)).run_id
    item = await bench.item()
    await bench.decide(item)
    await bench.until(run)
    assert rows_of(bench, run).keys() >= {"runs", "journal", "approvals", "notifications", "blob_refs"}
    await keep(bench, slug, 30)
    advance(bench, days=29.9)
    assert await sweep(bench) == 0
    advance(bench, days=0.2)
    assert await sweep(bench) == 1
    assert rows_of(bench, run) == {} and all_of(bench, "SELECT hash FROM blobs") == []
    await assert_gone(bench, run)
    with pytest.raises(NotFound):
        await bench.engine.approvals.get(ANN, item.id)


async def test_without_a_word_runs_are_kept_for_ever(bench: Bench) -> None:
    slug = await simple(bench)
    run = await ran(bench, slug)
    advance(bench, days=5000)
    assert await sweep(bench) == 0
    assert (await bench.engine.storage.retention(ANN, slug)).days is None
    assert (await bench.engine.runs.get(ANN, run)).status == "succeeded"


async def test_each_workflow_is_kept_as_long_as_it_was_said_of_it(bench: Bench) -> None:
    one, two = await simple(bench, name="One"), await simple(bench, name="Two")
    runs = [await ran(bench, one), await ran(bench, two)]
    await keep(bench, one, 1)
    await keep(bench, two, 10)
    advance(bench, days=2)
    later = await ran(bench, one)
    assert await sweep(bench) == 1
    await assert_gone(bench, runs[0])
    assert rows_of(bench, runs[1]) and rows_of(bench, later)
    advance(bench, days=9)
    await keep(bench, two, None)
    assert await sweep(bench) == 1, "only the later one of the first: the other is kept for ever again"


async def test_money_and_the_audit_chain_stay_and_the_chain_tells_how_many_went(bench: Bench) -> None:
    slug = await simple(bench)
    for _ in range(3):
        await ran(bench, slug)
    core = bench.engine._core
    with core.records.writing() as session:
        from engine.storage.tables import Spent

        session.add(Spent(workspace_id="main", scope="workflow", subject="wf", period="2026-01-01", cost_micro=5))
    before = all_of(bench, "SELECT * FROM audit ORDER BY seq")
    await keep(bench, slug, 1)
    advance(bench, days=2)
    assert await sweep(bench) == 3
    after = all_of(bench, "SELECT * FROM audit ORDER BY seq")
    assert after[: len(before)] == before
    told = all_of(bench, "SELECT actor, action, details FROM audit WHERE action LIKE 'workflow.%' ORDER BY seq")[-2:]
    assert told == [
        ("user:ann", "workflow.retention", '{"before":null,"days":1}'),
        ("system:system", "workflow.sweep", '{"kept_days":1,"runs":3}'),
    ]
    with core.records.reading() as session:
        assert core.audit.verify(session).intact
    assert all_of(bench, "SELECT cost_micro FROM spending WHERE subject = 'wf'") == [(5,)]


async def test_runs_that_have_not_ended_or_ask_somebody_are_kept(bench: Bench) -> None:
    works = bench.works
    waits = await bench.start(["start", node("ok", "approval", config={"title": "?"})], [edge("start -> ok")])
    stopped = await bench.start(["start", work("a"), work("b")], [edge("start -> a"), edge("a -> b")], limits={"steps": 2})
    works.failures["bad"] = [Permanent("No.")]
    runs = [waits, stopped]
    doubtful = await bench.start(
        ["start", work("pay", kind="unsafe", timeout_s=0.01), work("bad")], [edge("start -> pay"), edge("start -> bad")]
    )
    await bench.until(doubtful, "failed", "waiting")
    await bench.until(stopped, "stopped")
    runs.append(doubtful)
    for id_, _ in all_of(bench, "SELECT id, slug FROM workflows"):
        await keep(bench, id_, 1)
    advance(bench, days=400)
    assert await sweep(bench) == 0
    assert all(rows_of(bench, run) for run in runs)


async def test_a_run_whose_rows_a_fork_shares_is_kept_until_the_fork_has_gone(bench: Bench) -> None:
    slug = await bench.publish(["start", work("a"), work("b"), DONE], [edge("start -> a"), edge("a -> b"), edge("b -> done")])
    run = await ran(bench, slug)
    advance(bench, days=20)
    fork = (await bench.engine.runs.fork(ANN, run, "b")).run_id
    await bench.until(fork)
    again = (await bench.engine.runs.fork(ANN, fork, "done")).run_id
    await bench.until(again)
    whole = bench.replayed(again).seq
    await keep(bench, slug, 10)
    advance(bench, days=5)
    assert await sweep(bench) == 0, "the run is old enough, its forks are not"
    with database(bench) as db:
        db.execute("DELETE FROM snapshots")
        db.commit()
    assert bench.replayed(again).seq == whole and (await bench.steps(again))["a"].reused == run
    advance(bench, days=6)
    assert await sweep(bench) == 3, "one after the other, the last fork first"
    assert rows_of(bench, run) == rows_of(bench, fork) == rows_of(bench, again) == {}


async def test_a_fork_that_begins_while_its_origin_goes_does_not_begin(bench: Bench) -> None:
    slug = await simple(bench)
    run = await ran(bench, slug)
    core, runs = bench.engine._core, bench.engine.runs
    stored = core.reader.run(run)
    assert stored is not None
    spec = runs._forks.spec(ANN, stored, "done", changes={}, limits=None, mode=None, effects=None)
    await keep(bench, slug, 1)
    advance(bench, days=2)
    assert await sweep(bench) == 1
    assert await core.executor.start(spec) is None
    assert rows_of(bench, spec.owner.run_id) == {}
    with pytest.raises(NotFound):
        await runs.fork(ANN, run, "done")


async def test_parents_and_children_wait_for_each_others_end(bench: Bench) -> None:
    child = await bench.publish(
        ["start", gated("inner"), node("done", "end")], [edge("start -> inner"), edge("inner -> done")], name="Inner"
    )
    call = node("call", "subflow", config={"workflow": child, "inputs": {}})
    parent = await bench.publish(["start", call, gated("after")], [edge("start -> call"), edge("call -> after")], name="Outer")
    run = (await bench.engine.runs.start(ANN, parent)).run_id
    await bench.called("inner")
    bench.works.gate("inner").set()
    await bench.called("after")
    inner = next(item.id for item in (await bench.engine.runs.list(ANN)).items if item.id != run)
    for slug in (child, parent):
        await keep(bench, slug, 1)
    advance(bench, days=3)
    assert await sweep(bench) == 0, "the child has ended, its parent has not"
    bench.works.gate("after").set()
    await bench.until(run)
    assert await sweep(bench) == 1 and rows_of(bench, inner) == {}
    assert rows_of(bench, run)


async def test_a_value_that_two_runs_share_goes_with_the_second(bench: Bench) -> None:
    bench.works.answers["a"] = Outcome({"said": LARGE}, "out")
    one, two = await simple(bench, name="One"), await simple(bench, name="Two")
    first = await ran(bench, one)
    advance(bench, days=5)
    second = await ran(bench, two)
    assert len(all_of(bench, "SELECT hash FROM blobs")) == 1
    await keep(bench, one, 1)
    assert await sweep(bench) == 1 and rows_of(bench, first) == {}
    assert (await bench.engine.runs.get(ANN, second)).output == {"said": LARGE}
    await keep(bench, two, 1)
    advance(bench, days=2)
    assert await sweep(bench) == 1 and all_of(bench, "SELECT hash FROM blobs") == []


async def hidden(bench: Bench, slug: str) -> RunRemover:
    """A sweep that has got as far as taking the workflow's runs away from every reader."""
    workflow = (await bench.engine.workflows.get(ANN, slug)).id
    remover = RunRemover(bench.home / "signalbox.db")
    assert remover.hide(workflow, ended_before=bench.clock.now_us(), tell=lambda connection, runs: None)
    return remover


async def test_a_run_that_starts_while_a_sweep_runs_does_not_lose_the_value_it_shares(bench: Bench) -> None:
    bench.works.answers["a"] = Outcome({"said": LARGE}, "out")
    slug = await simple(bench)
    first = await ran(bench, slug)
    with closing(await hidden(bench, slug)) as remover:
        second = await ran(bench, slug)
        while remover.purge(10):
            pass
        assert rows_of(bench, first) == {}
    assert (await bench.engine.runs.get(ANN, second)).output == {"said": LARGE}
    assert (await bench.steps(second))["a"].status == "done"
    with closing(await hidden(bench, slug)) as remover:
        while remover.purge(10):
            pass
    assert all_of(bench, "SELECT hash FROM blobs") == []
    third = await ran(bench, slug)
    assert (await bench.engine.runs.get(ANN, third)).output == {"said": LARGE}, "it was written again"


async def long_run(bench: Bench, items: int) -> tuple[str, str]:
    """A run with two rows an item and more, and its workflow."""
    start = node("start", "start", config={"inputs": {"type": "object", "properties": {"items": {"type": "array"}}}})
    box = node("each", "map", config={"items": "inputs.items", "collect": "nodes.a.said", "max_items": 1000})
    edges = [edge("start -> each"), edge("each.item -> a")]
    slug = await bench.publish([start, box, work("a", parent="each")], edges, limits={"steps": 9999})
    return await ran(bench, slug, inputs={"items": list(range(items))}), slug


async def test_no_transaction_deletes_more_than_five_hundred_rows(bench: Bench) -> None:
    run, slug = await long_run(bench, 700)
    assert rows_of(bench, run)["journal"] > 1400
    with closing(await hidden(bench, slug)) as remover:
        sizes = []
        while True:
            before = remover._connection.total_changes
            told = remover.purge()
            if not told:
                break
            sizes.append(remover._connection.total_changes - before)
            assert sizes[-1] <= told <= ROWS_AT_ONCE
    assert len(sizes) >= 3 and rows_of(bench, run) == {}


async def test_whatever_a_crash_leaves_is_gone_for_every_reader_and_the_next_start_goes_on(bench: Bench, tmp_path: Path) -> None:
    bench.works.answers["a"] = Outcome({"said": LARGE}, "out")
    run, slug = await long_run(bench, 60)
    other = await simple(bench, name="Other")
    kept = await ran(bench, other)
    with closing(await hidden(bench, slug)) as remover:
        left = [1000]
        while left[-1]:
            await assert_gone(bench, run)
            home = bench.copy()
            async with opened(home, bench.works, clock=bench.clock) as after:
                await after.see(lambda: asyncio.sleep(0, rows_of(after, run)), lambda rows: rows == {})
                await assert_gone(after, run)
                assert (await after.engine.runs.get(ANN, kept)).status == "succeeded" and rows_of(after, kept)
            _remove(home)
            remover.purge(40)
            left.append(sum(rows_of(bench, run).values()))
    assert left == sorted(left, reverse=True) and len(left) > 4


def _remove(home: Path) -> None:
    import shutil

    shutil.rmtree(home)


async def test_a_run_of_the_same_id_can_only_begin_when_the_old_one_is_gone_altogether(bench: Bench) -> None:
    slug = await simple(bench)
    first = (await bench.engine.runs.start(ANN, slug, key="monday")).run_id
    await bench.until(first)
    with closing(await hidden(bench, slug)) as remover:
        refused = 0
        while "journal" in rows_of(bench, first):
            with pytest.raises(sqlite3.IntegrityError):
                await bench.engine.runs.start(ANN, slug, key="monday")
            refused += 1
            remover.purge(4)
        again = (await bench.engine.runs.start(ANN, slug, key="monday")).run_id
        assert again == first and refused
        await bench.until(again)
        while remover.purge():
            pass
    assert (await bench.engine.runs.get(ANN, again)).status == "succeeded" and len(await bench.events(again)) > 2


async def test_the_engine_sweeps_by_itself_every_hour(bench: Bench) -> None:
    bench.engine.storage.sweeper.start()
    slug = await simple(bench)
    run = await ran(bench, slug)
    await keep(bench, slug, 1)
    advance(bench, days=2)
    await bench.see(lambda: asyncio.sleep(0, rows_of(bench, run)), lambda rows: rows == {})


async def test_the_engine_sweeps_when_it_starts(bench: Bench) -> None:
    slug = await simple(bench)
    run = await ran(bench, slug)
    await keep(bench, slug, 1)
    later = ManualClock(bench.clock.now_us() + 3 * DAY_S * 1_000_000)
    async with opened(bench.copy(), Works(), clock=later) as after:
        await after.see(lambda: asyncio.sleep(0, rows_of(after, run)), lambda rows: rows == {})


@pytest.mark.parametrize("role", sorted(set(Role) - {Role.ADMIN}))
async def test_only_an_administrator_says_how_long_runs_are_kept(bench: Bench, role: Role) -> None:
    slug = await simple(bench)
    with pytest.raises(NotAllowed):
        await bench.engine.storage.keep(actor("one", role), slug, days=1)
    assert (await bench.engine.storage.retention(actor("one", role), slug)).days is None


@pytest.mark.parametrize("days", [0, -1, 36_501])
async def test_days_that_are_none_are_refused(bench: Bench, days: int) -> None:
    slug = await simple(bench)
    with pytest.raises(Invalid, match="days"):
        await bench.engine.storage.keep(ANN, slug, days=days)


async def test_runs_of_a_deleted_workflow_go_too(bench: Bench) -> None:
    slug = await simple(bench)
    run = await ran(bench, slug)
    workflow = (await bench.engine.workflows.get(ANN, slug)).id
    await keep(bench, slug, 1)
    await bench.engine.workflows.delete(ANN, slug)
    advance(bench, days=2)
    assert await sweep(bench) == 1 and rows_of(bench, run) == {}
    assert (await bench.engine.storage.retention(ANN, workflow)).days == 1


async def test_what_would_go_is_told_before_anybody_decides(bench: Bench) -> None:
    slug = await simple(bench)
    await ran(bench, slug)
    advance(bench, days=10)
    await ran(bench, slug)
    advance(bench, days=5)
    told = [await bench.engine.storage.over(ANN, slug, days=days) for days in (1, 7, 14, 20)]
    assert [over.runs for over in told] == [2, 1, 1, 0]
    sizes = [over.bytes for over in told]
    assert sizes[0] > sizes[1] == sizes[2] > sizes[3] == 0
    await keep(bench, slug, 7)
    assert await sweep(bench) == told[1].runs
    with pytest.raises(Invalid):
        await bench.engine.storage.over(ANN, slug, days=0)


async def test_what_would_go_is_measured_anew_whatever_a_page_has_just_told(bench: Bench) -> None:
    slug = await simple(bench)
    await bench.engine.storage.get(ANN)
    await ran(bench, slug)
    change = "UPDATE runs SET started_at = started_at - ?, ended_at = ended_at - ?"
    with closing(sqlite3.connect(bench.home / "signalbox.db", isolation_level=None)) as database:
        database.execute(change, (2 * DAY_US, 2 * DAY_US))
    over = await bench.engine.storage.over(ANN, slug, days=1)
    assert over.runs == 1 and over.bytes > 500
