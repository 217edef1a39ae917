"""The airline desk at work, with its rules enforced: what breaks the policy is not done, what keeps to it waits for a person."""

import json
from pathlib import Path
from typing import Any

from engine.cli.bench_airline import EXAMPLE
from engine.tools.messages import Tool
from tests.integration.running import ANN, Bench
from tests.integration.test_agents import Desk, Scripted, opened, says, wants

RESERVATION = {
    "reservation_id": "R1",
    "user_id": "ada_1",
    "cabin": "business",
    "insurance": "no",
    "created_at": "2024-05-01T10:00:00",
    "flights": [{"flight_number": "F1", "date": "2024-05-20"}],
}
CANCEL, LOOK = ("cancel_reservation", {"reservation_id": "R1"}), ("get_reservation_details", {"reservation_id": "R1"})


def desk(reservation: dict[str, Any]) -> Desk:
    tools = json.loads((EXAMPLE / "tools.json").read_text(encoding="utf-8"))
    described = {t["name"]: Tool(t["name"], t["description"], t["parameters"], t["effect"]) for t in tools}
    found = Desk(answers={"get_reservation_details": reservation, "cancel_reservation": reservation | {"status": "cancelled"}})
    found.tools = described
    return found


async def begun(bench: Bench) -> str:
    document = json.loads((EXAMPLE / "workflow.json").read_text(encoding="utf-8"))
    agent = next(node["config"] for node in document["nodes"] if node["kind"] == "agent")
    agent |= {"gate": "enforce", "model": "practice"}
    saved = await bench.engine.workflows.create(ANN, document)
    await bench.engine.workflows.publish(ANN, saved.id)
    return (await bench.engine.runs.start(ANN, saved.slug, inputs={"message": "I am ada_1, please cancel R1."})).run_id


async def test_what_the_policy_allows_waits_for_a_person_and_is_done_once(tmp_path: Path) -> None:
    model, tools = Scripted([wants(CANCEL), wants(LOOK), wants(CANCEL), says("It is cancelled.")]), desk(RESERVATION)
    async with opened(tmp_path / "home", model, tools) as bench:
        run = await begun(bench)
        item = await bench.item()
        assert item.title == "Let the agent call cancel_reservation?"
        assert set(item.show.values()) == {"holds"}
        assert tools.made("cancel_reservation") == []
        await bench.decide(item)
        await bench.decide(await bench.item(), "submit", values={"text": ""})
        view = await bench.until(run)
        assert [(call["tool"], call["verdict"]) for call in view.output["calls"]] == [
            ("cancel_reservation", "stop"),
            ("get_reservation_details", "allow"),
            ("cancel_reservation", "allow"),
        ]
    assert tools.made("cancel_reservation") == [{"reservation_id": "R1"}]
    assert "Not done: First obtain the reservation id and look the reservation up." in model.asked[1].messages[-1].text


async def test_what_the_policy_forbids_is_not_done_and_the_model_is_told_the_sentence(tmp_path: Path) -> None:
    model, tools = Scripted([wants(LOOK), wants(CANCEL), says("I cannot.")]), desk(RESERVATION | {"cabin": "economy"})
    async with opened(tmp_path / "home", model, tools) as bench:
        run = await begun(bench)
        await bench.decide(await bench.item(), "submit", values={"text": ""})
        assert (await bench.until(run)).output["text"] == "I cannot."
    assert tools.made("cancel_reservation") == []
    assert model.asked[2].messages[-1].text.startswith("Not done: More than 24 hours after booking, economy can be cancelled only")
