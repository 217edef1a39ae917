"""Every template runs to its end with the practice model, on each of its ways."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from engine import Actor, Engine, Role, SignalboxError
from engine.templates import templates
from tests.integration.modelled import ANN, opened, published, rested, steps_of, until

BEN = Actor(kind="user", id="u2", name="Ben", email="b@b.c", roles=frozenset({Role.APPROVER}), workspace_id="main", user_id="u2")
CLEO = Actor(kind="user", id="u3", name="Cleo", email="c@b.c", roles=frozenset({Role.APPROVER}), workspace_id="main", user_id="u3")
ASKED = {"order": "A-17", "customer": "Ines", "reason": "The lamp arrived broken."}


@pytest.fixture
async def engine(tmp_path: Path) -> AsyncIterator[Engine]:
    async with opened(tmp_path / "home", None) as engine:
        yield engine


def template(slug: str) -> dict[str, Any]:
    return next(t.document for t in templates() if t.slug == slug)


async def start(engine: Engine, slug: str, **inputs: Any) -> str:
    return (await engine.runs.start(ANN, await published(engine, template(slug)), inputs=inputs)).run_id


async def card(engine: Engine, run: str) -> Any:
    await until(engine, run, lambda view: view.status == "waiting")
    return next(item for item in (await engine.approvals.list(ANN, status="pending")).items if item.run_id == run)


async def decide(engine: Engine, run: str, who: Actor, decision: str, **more: Any) -> None:
    item = await card(engine, run)
    await engine.approvals.decide(who, item.id, decision=decision, digest=item.digest, **more)


async def outcome(engine: Engine, run: str) -> dict[str, Any]:
    ended = await rested(engine, run)
    assert ended.status == "succeeded", (ended.status, ended.reason)
    return ended.output


async def test_a_small_refund_goes_through_without_a_person(engine: Engine) -> None:
    run = await start(engine, "refund-desk", amount=20, **ASKED)
    told = await outcome(engine, run)
    assert (told["decision"], told["amount"]) == ("paid", 20)
    assert told["reply"]
    assert {"desk", "two"}.isdisjoint(path for path, step in (await steps_of(engine, run)).items() if step.status == "done")


async def test_the_desk_may_correct_the_amount_and_that_is_what_is_paid(engine: Engine) -> None:
    run = await start(engine, "refund-desk", amount=120, **ASKED)
    assert (await card(engine, run)).editable == {"amount": 120}
    await decide(engine, run, BEN, "approve", values={"amount": 90})
    told = await outcome(engine, run)
    assert (told["decision"], told["amount"]) == ("paid", 90)
    paid = (await steps_of(engine, run))["pay_desk"]
    assert paid.inputs["subject"] == "Pay $90 to Ines"


async def test_a_refusal_pays_nothing_and_is_explained(engine: Engine) -> None:
    run = await start(engine, "refund-desk", amount=120, **ASKED)
    await decide(engine, run, BEN, "reject", reason="No photo of the lamp.")
    told = await outcome(engine, run)
    assert (told["decision"], told["amount"]) == ("refused", 0)
    steps = await steps_of(engine, run)
    assert "No photo of the lamp." in steps["no"].inputs["prompt"]
    assert not any(path.startswith("pay_") and step.status == "done" for path, step in steps.items())


async def test_a_large_refund_needs_two_people_who_did_not_start_it(engine: Engine) -> None:
    run = await start(engine, "refund-desk", amount=900, **ASKED)
    with pytest.raises(SignalboxError, match="four-eyes"):
        await decide(engine, run, ANN, "approve")
    await decide(engine, run, BEN, "approve")
    assert (await engine.runs.get(ANN, run)).status == "waiting"
    await decide(engine, run, CLEO, "approve")
    told = await outcome(engine, run)
    assert (told["decision"], told["amount"]) == ("paid", 900)


async def test_the_desk_cannot_raise_an_amount_past_its_own_limit(engine: Engine) -> None:
    run = await start(engine, "refund-desk", amount=120, **ASKED)
    await decide(engine, run, BEN, "approve", values={"amount": 5000})
    item = await card(engine, run)
    assert item.path == "two" and "$5000" in item.title and item.approvers["quorum"] == 2
    await decide(engine, run, BEN, "reject", reason="Never.")
    assert (await outcome(engine, run))["decision"] == "refused"


async def test_each_report_is_summed_up_and_the_digest_holds_them_all(engine: Engine) -> None:
    reports = [{"team": f"Team {n}", "text": f"Sales rose by {n} %. Two machines stand still. Everybody is well."} for n in range(7)]
    run = await start(engine, "weekly-digest", reports=reports)
    told = await outcome(engine, run)
    assert (told["reports"], told["unread"]) == (7, [])
    assert told["digest"].startswith("[practice model] In short: ")
    assert told["digest"].count("[practice model]") == 1
    steps = await steps_of(engine, run)
    assert sum(path.endswith("/short") for path in steps) == 7
    asked = steps["digest"].inputs["prompt"]
    assert [asked.index(f"Team {n}: ") for n in range(7)] == sorted(asked.index(f"Team {n}: ") for n in range(7))


async def test_a_report_that_fails_is_named_and_the_others_are_kept(engine: Engine) -> None:
    document = template("weekly-digest")
    next(node for node in document["nodes"] if node["id"] == "short")["config"]["model"] = "practice/flaky"
    workflow = await published(engine, document)
    reports = [{"team": f"Team {n}", "text": "All is well."} for n in range(4)]
    run = (await engine.runs.start(ANN, workflow, inputs={"reports": reports})).run_id
    told = await outcome(engine, run)
    assert len(told["unread"]) == 2
    assert told["digest"]


async def test_a_week_without_reports_costs_nothing(engine: Engine) -> None:
    run = await start(engine, "weekly-digest")
    assert (await outcome(engine, run))["digest"] is None
    assert (await engine.runs.get(ANN, run)).spent["llm_calls"] == 0
