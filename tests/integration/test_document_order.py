"""A document keeps the order in which its author wrote it; two that differ in nothing else are the same."""

from pathlib import Path
from typing import Any

import pytest

from engine import Engine
from engine.jsonvalue import digest, loads
from engine.storage.tables import Document, Workflow
from tests.integration.modelled import ANN, opened, published, until
from tests.integration.running import edge, node

NAMES = ["surname", "age", "middle name", "address"]


def ordered(names: list[str]) -> dict[str, Any]:
    """A workflow that asks for these in this order, at its start, in its form and in its output."""
    fields = {"type": "object", "required": ["surname"], "properties": {name: {"type": "string", "title": name} for name in names}}
    output = {name.replace(" ", "_"): f"'{name}'" for name in names}
    return {
        "name": "Ask for everything",
        "format": "signalbox/1",
        "nodes": [
            node("start", "start", config={"inputs": fields}),
            node("ask", "form", config={"title": "Who is it?", "fields": fields}),
            node("done", "end", config={"output": output}),
        ],
        "edges": [edge("start -> ask"), edge("ask.submitted -> done")],
    }


def orders(document: Any) -> list[list[str]]:
    start, ask, done = (one["config"] for one in document["nodes"])
    return [list(start["inputs"]["properties"]), list(ask["fields"]["properties"]), list(done["output"])]


ASKED = orders(ordered(NAMES))
BACKWARDS = orders(ordered(NAMES[::-1]))


async def waiting_form(engine: Engine, workflow: str) -> list[str]:
    """The fields of the form that a fresh run waits for."""
    run = await engine.runs.start(ANN, workflow, inputs={"surname": "Doe"})
    await until(engine, run.run_id, lambda view: view.status == "waiting")
    items = (await engine.approvals.list(ANN, status="pending")).items
    fields = next(item.fields for item in items if item.run_id == run.run_id)
    assert fields is not None
    return list(fields["properties"])


async def test_drafts_versions_and_forms_have_the_order_of_their_author(tmp_path: Path) -> None:
    async with opened(tmp_path / "home", None) as engine:
        workflow = await published(engine, ordered(NAMES))
        assert orders((await engine.workflows.get(ANN, workflow)).document) == ASKED
        assert orders((await engine.workflows.version(ANN, workflow, 1)).document) == ASKED
        assert list((await engine.workflows.get(ANN, workflow)).document) == ["name", "format", "nodes", "edges"]
        assert await waiting_form(engine, workflow) == NAMES
    async with opened(tmp_path / "home", None) as engine:
        assert await waiting_form(engine, workflow) == NAMES, "the plan is read from what is stored"


async def test_an_operation_changes_what_it_names_and_no_order(tmp_path: Path) -> None:
    async with opened(tmp_path / "home", None) as engine:
        saved = await engine.workflows.create(ANN, ordered(NAMES))
        ops = [{"op": "update", "target": "node", "id": "ask", "value": {"title": "Zoë is asked"}}]
        await engine.workflows.edit(ANN, saved.id, revision=saved.revision, ops=ops)
        assert orders((await engine.workflows.get(ANN, saved.id)).document) == ASKED


@pytest.mark.parametrize("is_tried", [False, True])
async def test_what_differs_only_in_the_order_is_the_same_version_and_the_first_order_stays(tmp_path: Path, is_tried: bool) -> None:
    async with opened(tmp_path / "home", None) as engine:
        workflow = await published(engine, ordered(NAMES))
        first = await engine.workflows.version(ANN, workflow, 1)
        draft = await engine.workflows.get(ANN, workflow)
        saved = await engine.workflows.replace(ANN, workflow, revision=draft.revision, document=ordered(NAMES[::-1]))
        assert saved.has_unpublished is False
        assert (await engine.shelf.lines(ANN))[0].has_unpublished is False
        assert (await engine.changes.between(ANN, workflow)).is_same
        # The draft keeps the order of whoever wrote it; what runs has the one that was kept first, now and after a restart.
        assert orders((await engine.workflows.get(ANN, workflow)).document) == BACKWARDS
        if is_tried:
            await engine.runs.start(ANN, workflow, inputs={"surname": "Doe"}, mode="test")
        second = await engine.workflows.publish(ANN, workflow)
        assert (second.version, second.hash) == (2, first.hash)
        assert orders((await engine.workflows.version(ANN, workflow, 2)).document) == ASKED
        assert await waiting_form(engine, workflow) == NAMES


async def test_the_hash_is_that_of_the_stored_text_in_its_one_spelling(tmp_path: Path) -> None:
    async with opened(tmp_path / "home", None) as engine:
        numbers = {**ordered(NAMES), "vars": {"z": 1e16, "a": 1e-7, "m": 20.0, "b": -0.0, "c": 2**53 + 1}}
        workflow = await published(engine, numbers)
        with engine._core.records.reading() as session:
            draft = session.get_one(Workflow, workflow).document
            stored = session.get_one(Document, (await engine.workflows.version(ANN, workflow, 1)).hash)
            assert digest(loads(stored.body)) == stored.hash == digest(numbers) == digest(loads(draft))
