"""The inbox as people read it: what stands on a card before, while and after somebody decides."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from engine import Actor, Invalid, NotAllowed, NotFound, Role
from engine.errors import Permanent
from engine.people.permissions import MAIN_WORKSPACE
from tests.integration.running import ANN, BEA, CY, Bench, actor, edge, gated, node, opened, work

LOOKS_ONLY = actor("vic", Role.VIEWER)


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    async with opened(tmp_path / "home") as bench:
        yield bench


def asking(*, action: dict[str, Any] | None = None, **config: Any) -> tuple[list[Any], list[Any]]:
    """start -> draft -> ok -(approved)-> act -> done; rejected goes to `kept`."""
    act = action or node("act", "notify", title="Send the letter", config={"subject": "s", "message": "{{ nodes.ok.values.reply }}"})
    ask = {"title": "Send it?", "action": "act", "editable": {"reply": "nodes.draft.said", "n": "1"}, **config}
    nodes = [
        node("start", "start"),
        work("draft", say="Dear Sir"),
        node("ok", "approval", title="Ask the desk", config=ask),
        act,
        node("done", "end", title="Reply ready"),
        node("kept", "end"),
    ]
    return nodes, [edge(e) for e in ("start -> draft", "draft -> ok", "ok.approved -> act", "act -> done", "ok.rejected -> kept")]


async def test_a_card_tells_the_run_around_it_and_what_follows(bench: Bench) -> None:
    await bench.start(*asking(expires_after_s=3600, on_expire="rejected"))
    card = await bench.engine.inbox.card(BEA, (await bench.item()).id)
    assert (card.step, card.version, card.mode, card.run_status) == ("Ask the desk", 1, "live", "waiting")
    assert card.spent["steps"] == 3 and card.limits is not None and card.limits["steps"] == 200
    assert (card.action_kind, card.cannot_be_undone) == ("Notify", True)
    assert list(card.after) == ["Send the letter", "Reply ready"]
    assert (card.on_expire, card.may_decide, card.may_not) == ("rejected", True, "")
    assert (card.values, card.ran, card.asked_again) == (None, None, None)


async def test_a_call_of_a_model_can_be_taken_back_and_an_unsafe_step_cannot(bench: Bench) -> None:
    for kind, is_final in (("work", False), ("unsafe", True), ("set", False)):
        config = {"config": {"values": {"x": "1"}}} if kind == "set" else {}
        act = node("act", kind, **config) if config else work("act", kind=kind)
        run = await bench.start(*asking(action=act))
        card = await bench.engine.inbox.card(BEA, (await bench.item()).id)
        assert card.cannot_be_undone is is_final, kind
        await bench.engine.runs.cancel(ANN, run)


async def test_what_was_decided_stays_on_the_card_when_the_action_is_done(bench: Bench) -> None:
    await bench.start(*asking())
    item = await bench.item()
    await bench.decide(item, values={"reply": "Dear Madam"}, reason="Politer.")
    done = await bench.item(status="done")
    card = await bench.engine.inbox.card(ANN, done.id)
    assert (card.decision, card.decided_by, card.reason) == ("approved", "bea", "Politer.")
    assert card.values == {"reply": "Dear Madam", "n": 1} and card.editable == {"reply": "Dear Sir", "n": 1}
    assert card.ran is not None and card.ran["message"] == "Dear Madam"
    assert card.result == {"delivered": True}
    assert (card.may_decide, card.may_not) == (False, "It is decided already.")


async def test_people_read_the_name_of_whoever_decided_and_the_workflow_gets_the_address(bench: Bench) -> None:
    run = await bench.start(*asking())
    await bench.decide(await bench.item(), by=BEA)
    await bench.until(run, "succeeded")
    note = next(event.data["note"] for event in await bench.events(run) if event.type == "step_done" and event.path == "ok")
    assert (note["by"], note["by_name"]) == ("bea", "Bea")
    assert (await bench.steps(run))["ok"].outputs["by"] == "bea@example.com"


async def test_a_failed_action_leaves_its_error_on_the_card(bench: Bench) -> None:
    bench.works.failures["act"] = [Permanent("The desk is closed.")]
    await bench.start(*asking(action=work("act")))
    await bench.decide(await bench.item())
    failed = await bench.item(status="failed")
    card = await bench.engine.inbox.card(ANN, failed.id)
    assert card.result["error"]["message"] == "The desk is closed."
    assert card.run_status == "failed" and card.ran is None


async def test_a_card_names_its_successor_when_what_would_run_has_changed(bench: Bench) -> None:
    nodes, edges = asking(action=node("act", "notify", config={"message": "{{ default(nodes.late.said, 'nothing') }}"}))
    await bench.start([*nodes, gated("late")], [*edges, edge("start -> late")])
    first = await bench.item()
    bench.works.gate("late").set()
    await bench.see(lambda: bench.engine.runs.get(ANN, first.run_id), lambda run: run.status == "waiting")
    await bench.decide(first)
    second = await bench.item()
    card = await bench.engine.inbox.card(BEA, first.id)
    assert (card.status, card.asked_again) == ("void", second.id)
    fresh = await bench.engine.inbox.card(BEA, second.id)
    assert fresh.action is not None and fresh.action["config"]["message"] == "late" and fresh.may_decide


@pytest.mark.parametrize(
    ("config", "who", "told"),
    [
        ({}, LOOKS_ONLY, "Ask somebody with the role approver"),
        ({"approvers": {"users": ["cy@example.com"]}}, BEA, "can be decided by: cy@example.com"),
        ({"approvers": {"users": ["cy@example.com"]}}, CY, ""),
        ({"approvers": {"four_eyes": True}}, ANN, "started the run"),
        ({"approvers": {"four_eyes": True}}, BEA, ""),
    ],
)
async def test_a_card_says_who_may_not_decide_and_the_decision_agrees(bench: Bench, config: Any, who: Actor, told: str) -> None:
    await bench.start(*asking(**config))
    item = await bench.item()
    card = await bench.engine.inbox.card(who, item.id)
    assert card.may_decide is (told == "") and told in card.may_not
    (row,) = (await bench.engine.inbox.list(who, is_waiting=True)).items
    assert row.may_decide is card.may_decide
    for whose, is_listed in (("mine", told == ""), ("others", told != ""), ("all", True)):
        page = await bench.engine.inbox.list(who, is_waiting=True, whose=whose)
        assert ([one.id for one in page.items], page.total) == ([item.id] if is_listed else [], int(is_listed))
        assert (page.mine, page.others) == (int(told == ""), int(told != ""))
    if told:
        with pytest.raises(NotAllowed):
            await bench.decide(item, by=who)
    else:
        await bench.decide(item, by=who)


async def test_who_has_agreed_already_waits_for_the_others(bench: Bench) -> None:
    nodes, edges = asking(approvers={"quorum": 2}, editable={})
    nodes[3] = node("act", "notify", config={"message": "x"})
    await bench.start(nodes, edges)
    item = await bench.item()
    await bench.decide(item, by=BEA)
    card = await bench.engine.inbox.card(BEA, item.id)
    assert (card.status, card.agreed, card.may_decide) == ("pending", ["bea"], False)
    assert [(await bench.engine.inbox.list(who, is_waiting=True)).mine for who in (BEA, CY)] == [0, 1]
    assert "others have to agree" in card.may_not
    assert (await bench.engine.inbox.card(CY, item.id)).may_decide


async def test_the_list_keeps_what_waits_and_what_does_not_apart(bench: Bench) -> None:
    await bench.start(*asking(), name="Letters")
    first = await bench.item()
    await bench.decide(first, "reject", reason="No.")
    await bench.start(*asking(title="Pay it?"), name="Payments")
    inbox = bench.engine.inbox
    assert await inbox.count(ANN) == 1
    assert [row.title for row in (await inbox.list(ANN, is_waiting=True)).items] == ["Pay it?"]
    assert [row.status for row in (await inbox.list(ANN, is_waiting=False)).items] == ["rejected"]
    assert [row.title for row in (await inbox.list(ANN, is_waiting=True, query="PAYM")).items] == ["Pay it?"]
    assert (await inbox.list(ANN, is_waiting=True, query="letters")).items == []
    assert (await inbox.list(ANN, is_waiting=True, type="form")).items == []
    page = await inbox.list(ANN, is_waiting=True, limit=1)
    assert (page.total, page.next, page.items[0].step) == (1, None, "Ask the desk")
    assert (await inbox.list(ANN, is_waiting=False)).total == 1


async def test_what_is_due_first_is_listed_first_and_all_of_it_is_counted(bench: Bench) -> None:
    for title, expires in (("Never", None), ("Late", 7200), ("Soon", 3600), ("Never again", None)):
        run = await bench.start(*asking(title=title, expires_after_s=expires))
        await bench.until(run, "waiting")
    page = await bench.engine.inbox.list(BEA, is_waiting=True, limit=3)
    assert [row.title for row in page.items] == ["Soon", "Late", "Never"]
    oldest = (await bench.engine.inbox.list(BEA, is_waiting=True, query="never", limit=1)).items[0]
    assert (page.total, page.mine, page.others, page.oldest_at) == (4, 4, 0, oldest.opened_at)


async def test_a_preview_is_exactly_what_would_run(bench: Bench) -> None:
    run = await bench.start(*asking())
    item = await bench.item()
    shown = await bench.engine.inbox.preview(BEA, item.id, {"reply": "Dear Madam"})
    assert item.action is not None and shown is not None
    assert shown == item.action | {"config": item.action["config"] | {"message": "Dear Madam"}}
    assert await bench.engine.inbox.preview(BEA, item.id, {}) == item.action
    with pytest.raises(Invalid, match="other"):
        await bench.engine.inbox.preview(BEA, item.id, {"other": 1})
    await bench.decide(item, values={"reply": "Dear Madam"})
    await bench.until(run)
    assert (await bench.steps(run))["act"].inputs == {"channel": "app", "subject": "s", "message": "Dear Madam"}
    assert await bench.engine.inbox.preview(BEA, item.id, {}) is None


async def test_values_that_the_action_cannot_be_worked_out_with_are_told(bench: Bench) -> None:
    await bench.start(*asking(action=node("act", "notify", config={"message": "{{ nodes.ok.values.n + 1 }}"})))
    item = await bench.item()
    with pytest.raises(Invalid, match="cannot run with these values"):
        await bench.engine.inbox.preview(BEA, item.id, {"n": "many"})


async def test_whoever_may_not_see_the_inbox_sees_nothing_of_it(bench: Bench) -> None:
    await bench.start(*asking())
    item = await bench.item()
    nobody = Actor("agent", "a", "A", "", frozenset(), MAIN_WORKSPACE)
    stranger = Actor("user", "s", "S", "s@example.com", frozenset(Role), "elsewhere", "s")
    inbox = bench.engine.inbox
    for call in (inbox.count(nobody), inbox.list(nobody, is_waiting=True), inbox.card(nobody, item.id), inbox.preview(nobody, item.id, {})):
        with pytest.raises(NotAllowed):
            await call
    with pytest.raises(NotFound):
        await inbox.card(stranger, item.id)
    assert await inbox.count(stranger) == 0
