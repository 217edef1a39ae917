"""Approvals of one map box as the inbox tells them: one row however many there are, and one grid, page by page."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from engine import Actor, NotAllowed, NotFound, Role
from engine.people.permissions import MAIN_WORKSPACE
from tests.integration.running import ANN, BEA, CY, Bench, edge, node, opened


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    async with opened(tmp_path / "home") as bench:
        yield bench


def boxed(items: int, *, at_once: int = 100, **config: Any) -> tuple[list[Any], list[Any]]:
    """start -> each(ok) -> done: asks once for each of so many items."""
    asks = {"title": "Pay it?", "show": {"n": "item"}, **config}
    nodes = [
        node("start", "start"),
        node("each", "map", title="Every bill", config={"items": str([*range(items)]), "concurrency": at_once}),
        node("ok", "approval", title="Ask the desk", parent="each", config=asks),
        node("done", "end"),
    ]
    return nodes, [edge("start -> each"), edge("each.item -> ok"), edge("each -> done")]


async def all_wait(bench: Bench, number: int) -> Any:
    return await bench.see(lambda: bench.engine.inbox.list(BEA, is_waiting=True), lambda page: page.total == number)


async def decide(bench: Bench, item: Any, decision: str = "approve") -> None:
    reason = "No." if decision == "reject" else ""
    entry = {"id": item.id, "decision": decision, "digest": item.digest, "reason": reason}
    (result,) = await bench.engine.approvals.decide_many(BEA, [entry])
    assert result.error is None


async def test_a_list_of_rows_is_bounded_by_boxes_and_counts_every_item(bench: Bench) -> None:
    run = await bench.start(*boxed(12))
    await bench.start([node("start", "start"), node("one", "approval", config={"title": "Alone?"})], [edge("start -> one")])
    await all_wait(bench, 13)
    page = await bench.engine.inbox.rows(BEA)
    assert [(item.title, item.box and item.box.waiting) for item in page.items] == [("Pay it?", 12), ("Alone?", None)]
    assert (page.total, page.mine, page.others) == (2, 13, 0)
    box = page.items[0].box
    assert box is not None and (box.grid, box.title, box.asks) == (f"{run}-ok", "Every bill", "Pay it?")
    short = await bench.engine.inbox.rows(BEA, limit=1)
    assert ([item.title for item in short.items], short.total) == (["Pay it?"], 2)
    assert [item.title for item in (await bench.engine.inbox.rows(BEA, query="alone")).items] == ["Alone?"]


async def test_what_some_may_not_decide_stands_in_a_row_of_its_own(bench: Bench) -> None:
    await bench.start(*boxed(3, approvers={"quorum": 2}))
    waiting = await all_wait(bench, 3)
    await decide(bench, waiting.items[0])
    mine, others = [await bench.engine.inbox.rows(BEA, whose=whose) for whose in ("mine", "others")]
    assert [page.items[0].box and page.items[0].box.waiting for page in (mine, others)] == [2, 1]
    assert (mine.total, others.total, mine.mine, mine.others) == (1, 1, 2, 1)


async def test_a_grid_has_its_lines_in_the_order_of_the_items_page_by_page(bench: Bench) -> None:
    run = await bench.start(*boxed(12, title="Pay {{ item }}?"))
    await all_wait(bench, 12)
    first = await bench.engine.inbox.grid(BEA, f"{run}-ok", limit=5)
    assert [item.show["n"] for item in first.items] == [0, 1, 2, 3, 4]
    assert (first.at, first.total, first.waiting, first.asks) == (0, 12, 12, "Ask the desk")
    assert all(item.may_decide and item.run_status == "waiting" for item in first.items)
    last = await bench.engine.inbox.grid(BEA, f"{run}-ok", at=10, limit=5)
    assert [item.box and item.box.number for item in last.items] == ["11", "12"]
    beyond = await bench.engine.inbox.grid(BEA, f"{run}-ok", at=500, limit=5)
    assert beyond.at == 10 and [item.id for item in beyond.items] == [item.id for item in last.items]


async def test_what_was_seen_waiting_stays_with_what_came_of_it(bench: Bench) -> None:
    run = await bench.start(*boxed(4, editable={"n": "item"}))
    await all_wait(bench, 4)
    name = f"{run}-ok"
    seen = await bench.engine.inbox.grid(BEA, name)
    yes, no, unseen, _ = seen.items
    await bench.engine.approvals.decide_many(BEA, [{"id": yes.id, "decision": "approve", "digest": yes.digest, "values": {"n": 9}}])
    await decide(bench, no, "reject")
    await decide(bench, unseen)
    after = await bench.engine.inbox.grid(BEA, name, seen={yes.id, no.id})
    assert [item.status for item in after.items] == ["approved", "rejected", "pending"]
    assert (after.items[0].values, after.items[1].reason, after.items[1].decided_by_name) == ({"n": 9}, "No.", "bea")
    assert (after.total, after.waiting) == (3, 1)
    await bench.engine.runs.cancel(ANN, run)
    gone = await bench.engine.inbox.grid(BEA, name)
    assert (gone.items, gone.total, gone.waiting, gone.about.run_status) == ([], 0, 0, "cancelled")


async def test_items_that_come_later_join_their_grid_and_a_card_knows_it(bench: Bench) -> None:
    run = await bench.start(*boxed(5, at_once=2))
    waiting = await all_wait(bench, 2)
    first = next(item for item in waiting.items if item.show["n"] == 0)
    card = await bench.engine.inbox.card(BEA, first.id)
    assert card.box is not None and (card.box.grid, card.box.waiting) == (f"{run}-ok", 2)
    await decide(bench, first)
    page = await bench.see(lambda: bench.engine.inbox.grid(BEA, f"{run}-ok"), lambda grid: grid.waiting == 2)
    assert [item.show["n"] for item in page.items] == [1, 2]


async def test_forms_of_a_box_stay_single(bench: Bench) -> None:
    nodes, edges = boxed(3)
    nodes[2] = node("ok", "form", parent="each", config={"title": "Who is it?"})
    await bench.start(nodes, edges)
    await all_wait(bench, 3)
    page = await bench.engine.inbox.rows(BEA)
    assert (page.total, [item.box for item in page.items]) == (3, [None, None, None])


async def test_steps_whose_names_end_alike_and_other_runs_have_grids_of_their_own(bench: Bench) -> None:
    nodes, edges = boxed(2)
    nodes.append(node("not_ok", "approval", parent="each", config={"title": "Really?"}))
    run = await bench.start(nodes, [*edges, edge("each.item -> not_ok")])
    await bench.start(*boxed(2))
    await all_wait(bench, 6)
    assert sorted(item.box.waiting for item in (await bench.engine.inbox.rows(BEA)).items if item.box) == [2, 2, 2]
    assert {item.title for item in (await bench.engine.inbox.grid(BEA, f"{run}-ok")).items} == {"Pay it?"}


async def test_a_grid_is_seen_by_whoever_may_see_the_inbox_of_its_workspace(bench: Bench) -> None:
    run = await bench.start(*boxed(2))
    await all_wait(bench, 2)
    nobody = Actor("agent", "a", "A", "", frozenset(), MAIN_WORKSPACE)
    stranger = Actor("user", "s", "S", "s@example.com", frozenset(Role), "elsewhere", "s")
    inbox = bench.engine.inbox
    for call in (inbox.rows(nobody), inbox.grid(nobody, f"{run}-ok")):
        with pytest.raises(NotAllowed):
            await call
    for name in (f"{run}-ok", f"{run}-each", f"{run}-%", "ok", "", "-"):
        with pytest.raises(NotFound):
            await inbox.grid(stranger if name == f"{run}-ok" else CY, name)
    assert (await inbox.rows(stranger)).items == []
