"""Facts of a running engine: a step's own words are a receipt, and the inbox shows what waits to whoever may read it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from engine.errors import NotAllowed, NotFound
from engine.facade.fact_desk import run_words
from engine.memory.scope import Trust
from engine.roles import Role
from tests.integration.running import ANN, BEA, Bench, actor, edge, node, opened, work

VIEWER, EDITOR = actor("vic", Role.VIEWER), actor("eve", Role.EDITOR)


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    async with opened(tmp_path / "home") as bench:
        yield bench


async def test_a_step_is_cited_by_what_it_answered(bench: Bench) -> None:
    say = work("say", say="Mrs Berg works at Acme")
    model = node("think", "llm", config={"prompt": "Say something.", "max_tokens": 64})
    nodes = [node("start", "start"), say, model, node("done", "end", config={"output": {}})]
    run = await bench.start(nodes, [edge("start -> say"), edge("say -> think"), edge("think -> done")])
    assert (await bench.until(run)).status == "succeeded"
    cited = {"kind": "run", "run_id": run, "path": "say", "quote": "Mrs Berg works at Acme"}
    fact = {"subject": "Mrs Berg", "predicate": "works_at", "object": "Acme", "source": cited}
    (told,) = (await bench.engine.facts.tell(ANN, [fact])).items
    seen = await bench.engine.facts.get(ANN, told.fact)
    assert [(one.run_id, one.path, one.char_start) for one in seen.sources] == [(run, "say", 0)]
    for changes in ({"quote": "Mrs Berg owns Acme"}, {"path": "gone"}, {"run_id": "run_x"}):
        (refused,) = (await bench.engine.facts.tell(ANN, [fact | {"source": cited | changes}])).items
        assert refused.result == "rejected"
    core = bench.engine._core
    trusts = [run_words(core, "main", run, path) for path in ("say", "think")]
    assert [one.trust for one in trusts if one] == [Trust.OUTSIDE, Trust.AGENT]
    assert run_words(core, "another", run, "say") is None


async def test_what_is_private_to_somebody_nobody_else_reads_changes_or_decides(bench: Bench) -> None:
    fact = {"subject": "My plan", "predicate": "role", "object": "secret one", "visibility": "private", "valid_from": "2026-01-01"}
    facts = bench.engine.facts
    first, second = (await facts.tell(ANN, [fact, fact | {"object": "secret two"}])).items
    assert (first.result, second.result) == ("added", "disputed")
    (item,) = await bench.pending()
    assert "secret" not in item.model_dump_json() and "My plan" not in item.model_dump_json()
    for asked in (facts.get(BEA, first.fact), facts.confirm(BEA, second.fact), bench.decide(item, "take_new", by=BEA)):
        with pytest.raises(NotFound):
            await asked
    assert (await facts.list(BEA)).items == (await facts.entities.list(BEA)).items == []
    assert (await bench.decide(item, "take_new", by=ANN)).status == "done"
    assert [one.object for one in (await facts.list(ANN, as_of="2026-02-01")).items] == ["secret two"]


async def test_whoever_may_look_may_not_tell_and_an_editor_decides_what_no_approver_has_to(bench: Bench) -> None:
    facts = bench.engine.facts
    with pytest.raises(NotAllowed):
        await facts.tell(VIEWER, [])
    same = {"subject": "Acme", "predicate": "status", "valid_from": "2026-01-01"}
    await facts.tell(EDITOR, [same | {"object": "open"}, same | {"object": "closed"}])
    (row,) = (await bench.engine.inbox.list(EDITOR, is_waiting=True, whose="mine")).items
    assert (row.type, row.may_decide, row.step, row.run_id) == ("memory", True, "", "")
    assert not (await bench.engine.inbox.list(VIEWER, is_waiting=True, whose="mine")).items
    card = await bench.engine.inbox.card(EDITOR, row.id)
    assert card.choices == ["keep_old", "take_new", "both"]
    await bench.decide(row, "keep_old", by=EDITOR)
    after = await bench.engine.inbox.card(EDITOR, row.id)
    assert (after.status, after.decision, after.decided_by) == ("done", "keep_old", "eve")
    assert (await bench.engine.approvals.list(ANN, type="memory", status="done")).items[0].id == row.id
