"""Tables of the workspace: people fill them, steps and agents read and write them, and nothing is added twice."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from engine.errors import Conflict, Invalid, NotAllowed, NotFound, StaleRevision, ToolFailed
from engine.people.permissions import Actor
from engine.roles import Role
from tests.integration.running import ANN, Bench, edge, node
from tests.integration.test_agents import Desk, Scripted, agent, begun, opened, says, wants

COLUMNS = [
    {"name": "order", "type": "text", "required": True},
    {"name": "state", "type": "choice", "choices": ["open", "closed"]},
    {"name": "total", "type": "number", "description": "In euros"},
    {"name": "due", "type": "date"},
]
ORDERS = {"slug": "orders", "name": "Orders", "description": "What customers ordered.", "columns": COLUMNS, "key": "order"}
VIEWER = Actor(kind="user", id="u2", name="Vic", email="v@b.c", roles=frozenset({Role.VIEWER}), workspace_id="main", user_id="u2")


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    async with opened(tmp_path / "home", Scripted([says("Done.")]), Desk()) as bench:
        await bench.engine.tables.create(ANN, ORDERS)
        yield bench


async def add(bench: Bench, *rows: dict[str, Any]) -> list[int]:
    return [(await bench.engine.tables.add_row(ANN, "orders", row)).row for row in rows]


async def values(bench: Bench, **asked: Any) -> list[Any]:
    return [row.values.get("order") for row in (await bench.engine.tables.rows(ANN, "orders", **asked)).items]


async def step(bench: Bench, tool: str, arguments: dict[str, str], **inputs: Any) -> Any:
    call = node("call", "tool", config={"tool": tool, "arguments": arguments, "effect": "idempotent"})
    nodes = [node("start", "start"), call, node("done", "end", config={"output": {"got": "nodes.call.result"}})]
    run = await bench.start(nodes, [edge("start -> call"), edge("call -> done")], inputs=inputs)
    return await bench.until(run)


# People


async def test_rows_are_added_changed_looked_for_and_removed(bench: Bench) -> None:
    some = ({"order": "A", "total": 5, "state": "open"}, {"order": "B", "total": 50, "due": "2026-05-01"}, {"order": "C"})
    assert await add(bench, *some) == [1, 2, 3]
    tables = bench.engine.tables
    assert await values(bench, sort="-total") == ["B", "A", "C"]
    assert await values(bench, where=[{"column": "total", "test": "at_least", "value": 5}]) == ["A", "B"]
    assert await values(bench, where=[{"column": "state", "test": "is_not", "value": "open"}]) == ["B", "C"]
    assert await values(bench, where=[{"column": "due", "test": "below", "value": "2026-06-01"}]) == ["B"]
    assert await values(bench, where=[{"column": "due", "test": "empty"}, {"column": "total", "test": "filled"}]) == ["A"]
    assert await values(bench, words="b") == ["B"]
    changed = await tables.change_row(ANN, "orders", 1, {"total": None, "state": "closed"}, revision=1)
    assert (changed.values, changed.revision, changed.updated_by) == ({"order": "A", "state": "closed"}, 2, "ann")
    with pytest.raises(StaleRevision):
        await tables.change_row(ANN, "orders", 1, {"state": "open"}, revision=1)
    await tables.remove_row(ANN, "orders", 3)
    assert (await tables.get(ANN, "orders")).rows == 2
    assert await add(bench, {"order": "D"}) == [4], "a number is not used again"
    first = await tables.rows(ANN, "orders", limit=2)
    assert [row.row for row in first.items] == [1, 2]
    assert [row.row for row in (await tables.rows(ANN, "orders", limit=2, cursor=first.next)).items] == [4]


@pytest.mark.parametrize(
    ("row", "error", "field"),
    [
        ({"total": 5}, Invalid, "order"),
        ({"order": "X", "total": "5"}, Invalid, "total"),
        ({"order": "X", "colour": "red"}, Invalid, "colour"),
        ({"order": "A"}, Conflict, "order"),
    ],
)
async def test_a_row_that_does_not_fit_is_refused_by_its_column(bench: Bench, row: Any, error: Any, field: str) -> None:
    await add(bench, {"order": "A"})
    with pytest.raises(error) as caught:
        await add(bench, row)
    assert [problem["field"] for problem in caught.value.details["problems"]] == [field]
    assert (await bench.engine.tables.get(ANN, "orders")).rows == 1


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        ({"where": [{"column": "colour", "test": "is", "value": 1}]}, "where.0.column"),
        ({"where": [{"column": "total", "test": "is", "value": "x"}]}, "where.0.value"),
        ({"where": [{"column": "total", "test": "like", "value": 1}]}, "where.0"),
        ({"sort": "colour"}, "sort"),
        ({"sort": "total') --"}, "sort"),
        ({"cursor": "x"}, "cursor"),
    ],
)
async def test_a_question_that_cannot_be_asked_names_its_part(bench: Bench, asked: Any, field: str) -> None:
    with pytest.raises(Invalid) as caught:
        await bench.engine.tables.rows(ANN, "orders", **asked)
    assert caught.value.details["problems"][0]["field"] == field


async def test_columns_change_only_where_no_value_is_lost_unsaid(bench: Bench) -> None:
    await add(bench, {"order": "A", "total": 5}, {"order": "B", "total": 7.5})
    tables = bench.engine.tables
    without = {**ORDERS, "columns": [COLUMNS[0], COLUMNS[1], COLUMNS[3]]}
    with pytest.raises(Invalid, match="total is left out"):
        await tables.change(ANN, "orders", without, revision=1)
    whole = {**ORDERS, "columns": [COLUMNS[0], COLUMNS[1], {"name": "total", "type": "integer"}, COLUMNS[3]]}
    with pytest.raises(Invalid, match="Row 2, total: It is a whole number"):
        await tables.change(ANN, "orders", whole, revision=1)
    with pytest.raises(Invalid, match="Row 1 has no state"):
        await tables.change(ANN, "orders", {**ORDERS, "columns": [COLUMNS[0], {**COLUMNS[1], "required": True}, *COLUMNS[2:]]}, revision=1)
    text = {**ORDERS, "columns": [COLUMNS[0], COLUMNS[1], {"name": "total", "type": "text"}, COLUMNS[3]]}
    assert (await tables.change(ANN, "orders", text, revision=1)).revision == 2
    assert [row.values["total"] for row in (await tables.rows(ANN, "orders")).items] == ["5", "7.5"]
    gone = await tables.change(ANN, "orders", {**without, "drop": ["total"]}, revision=2)
    assert [column.name for column in gone.columns] == ["order", "state", "due"]
    assert all("total" not in row.values for row in (await tables.rows(ANN, "orders")).items)
    with pytest.raises(StaleRevision):
        await tables.change(ANN, "orders", ORDERS, revision=2)


async def test_a_sheet_is_taken_in_whole_or_not_at_all_unless_mistakes_may_be_skipped(bench: Bench) -> None:
    tables = bench.engine.tables
    await add(bench, {"order": "A", "total": 1})
    sheet = "order,total\nA,2\nB,3\nC,much\n,4\nB,9\n"
    told = await tables.read_sheet(ANN, "orders", sheet)
    assert not told.is_kept
    assert [(line.line, line.column) for line in told.refused] == [(4, "total"), (5, "order")]
    assert [row.values for row in (await tables.rows(ANN, "orders")).items] == [{"order": "A", "total": 1}]
    told = await tables.read_sheet(ANN, "orders", sheet, skips_mistakes=True)
    assert (told.is_kept, told.added, told.changed, len(told.refused)) == (True, 1, 2, 2)
    assert [row.values["total"] for row in (await tables.rows(ANN, "orders")).items] == [2, 9]
    assert (await tables.write_sheet(ANN, "orders")).splitlines() == ["order,state,total,due", "A,,2,", "B,,9,"]
    with pytest.raises(Invalid) as caught:
        await tables.read_sheet(ANN, "orders", "colour\nred")
    assert caught.value.details["problems"][0]["field"] == "csv"


async def test_only_who_may_changes_and_every_change_is_in_the_audit_log(bench: Bench) -> None:
    tables = bench.engine.tables
    await add(bench, {"order": "A"})
    assert await tables.rows(VIEWER, "orders")
    for refused in (
        tables.create(VIEWER, {**ORDERS, "slug": "more"}),
        tables.add_row(VIEWER, "orders", {"order": "B"}),
        tables.change_row(VIEWER, "orders", 1, {}, revision=None),
        tables.remove_row(VIEWER, "orders", 1),
        tables.read_sheet(VIEWER, "orders", "order\nB"),
        tables.change(VIEWER, "orders", ORDERS, revision=1),
        tables.remove(VIEWER, "orders"),
    ):
        with pytest.raises(NotAllowed):
            await refused
    await tables.change_row(ANN, "orders", 1, {"total": 3}, revision=None)
    await tables.remove(ANN, "orders")
    with pytest.raises(NotFound):
        await tables.get(ANN, "orders")
    with bench.engine._core.records.reading() as session:
        told = [row[0] for row in session.connection().exec_driver_sql("SELECT action FROM audit WHERE action LIKE 'table.%' ORDER BY seq")]
        left = session.connection().exec_driver_sql("SELECT count(*) FROM data_rows").scalar()
    assert (told, left) == (["table.add", "table.row_add", "table.row_change", "table.remove"], 0)


# Steps and agents


async def test_steps_look_add_change_and_remove(bench: Bench) -> None:
    view = await step(bench, "add_orders", {"order": "inputs.o", "total": "12.5"}, o="A")
    assert view.output == {"got": {"row": 1, "order": "A", "total": 12.5}}, view.reason
    assert (await bench.steps(view.id))["call"].labels == ["private"]
    view = await step(bench, "find_orders", {"where": '[{"column": "order", "test": "is", "value": "A"}]'})
    assert view.output == {"got": {"rows": [{"row": 1, "order": "A", "total": 12.5}], "found": 1}}
    view = await step(bench, "change_orders", {"row": "1", "set": '{"state": "open", "total": null}'})
    assert view.output == {"got": {"row": 1, "order": "A", "state": "open"}}
    assert (await bench.engine.tables.row(ANN, "orders", 1)).updated_by == "step"
    view = await step(bench, "add_orders", {"order": "'A'"})
    assert (view.status, "has a row with order A already" in view.reason) == ("failed", True)
    view = await step(bench, "add_orders", {"order": "'B'", "state": "'lost'"})
    assert (view.status, "state" in view.reason) == ("failed", True)
    assert (await step(bench, "remove_orders", {"row": "1"})).output == {"got": {"removed": True}}
    assert (await bench.engine.tables.get(ANN, "orders")).rows == 0


async def test_the_same_call_adds_one_row_however_often_it_is_made(bench: Bench) -> None:
    call = bench.engine._core.shelf.call
    same = await asyncio.gather(*[call("main", "add_orders", {"order": "A"}, digest="", key="k1") for _ in range(8)])
    assert same == [{"row": 1, "order": "A"}] * 8
    with pytest.raises(ToolFailed):
        await call("main", "add_orders", {"order": "A"}, digest="", key="k2")
    assert await call("main", "remove_orders", {"row": 1}, digest="", key="k3") == {"removed": True}
    assert await call("main", "remove_orders", {"row": 1}, digest="", key="k3") == {"removed": False}


async def test_an_agent_reads_freely_and_asks_before_it_writes(tmp_path: Path) -> None:
    model = Scripted([wants(("find_orders", {"words": "A"})), wants(("add_orders", {"order": "B", "total": 3})), says("Added.")])
    async with opened(tmp_path / "home", model, Desk()) as bench:
        await bench.engine.tables.create(ANN, ORDERS)
        await add(bench, {"order": "A"})
        run = await begun(bench, agent("find_orders", "add_orders"))
        await bench.until(run, "waiting")
        item = await bench.item()
        assert "add_orders" in item.title or "Orders" in f"{item.title} {item.message}"
        assert (await bench.engine.tables.get(ANN, "orders")).rows == 1
        await bench.decide(item)
        assert (await bench.until(run)).output["text"] == "Added."
        assert await values(bench) == ["A", "B"]
        found = next(m.text for m in model.asked[1].messages if m.role == "tool")
        assert '"found":1' in found.replace(" ", "")


async def test_a_table_and_a_tool_do_not_take_each_others_name(bench: Bench) -> None:
    web = {"description": "x", "parameters": {"type": "object", "properties": {}}, "method": "GET", "url": "https://example.com"}
    with pytest.raises(Invalid, match="tool of a table"):
        await bench.engine.tools.put(ANN, "find_orders", web)
    await bench.engine.tools.put(ANN, "add_goods", web)
    with pytest.raises(Invalid, match="There is a tool add_goods"):
        await bench.engine.tables.create(ANN, {**ORDERS, "slug": "goods"})
    catalog = {tool.name: tool for tool in (await bench.engine.tools.catalog(ANN)).items if tool.kind == "table"}
    assert {name: tool.is_writing for name, tool in catalog.items()} == {
        "find_orders": False, "add_orders": True, "change_orders": True, "remove_orders": True,
    }  # fmt: skip
    assert not any(tool.is_outward for tool in catalog.values())
