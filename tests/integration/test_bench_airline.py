"""The bench plays recorded conversations through the engine, and scores the journaled verdicts as their definition does."""

import importlib.util
import json
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from engine.cli import bench_airline
from engine.cli.bench_airline import document_for_replay, measure, read_recordings, recording_of
from engine.cli.bench_airline_figures import Judged, by_rule, ceiling, difference, halves, label_of, score
from engine.errors import Invalid

SHARED = Path(__file__).resolve().parents[3] / "shared"
DATA, DEFINITION = SHARED / "data" / "airline" / "dev.json", SHARED / "bench" / "airline.py"
recorded = pytest.mark.skipif(not DATA.exists(), reason=f"needs the recordings in {SHARED}, which a stranger's clone does not have")
SLICE = 12


def definition() -> Any:
    spec = importlib.util.spec_from_file_location("airline_definition", DEFINITION)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def said(role: str, text: str | None = None, **more: Any) -> dict[str, Any]:
    return {"role": role, "content": text, **more}


def wants(name: str, id_: str = "c1", **arguments: Any) -> dict[str, Any]:
    return said("assistant", tool_calls=[{"id": id_, "function": {"name": name, "arguments": json.dumps(arguments)}}])


def gave(text: str, id_: str = "c1") -> dict[str, Any]:
    return said("tool", text, tool_call_id=id_)


def conversation(task: int, *messages: dict[str, Any], right: Any = ()) -> dict[str, Any]:
    return {"task_id": task, "trial": 0, "actions": [{"name": n, "kwargs": k} for n, k in right], "traj": [said("system", "…"), *messages]}


RESERVATION = {
    "reservation_id": "R1",
    "user_id": "ada_1",
    "cabin": "economy",
    "insurance": "no",
    "created_at": "2024-05-01T10:00:00",
    "flights": [{"flight_number": "F1", "date": "2024-05-20"}],
}
CANCELS = conversation(
    1,
    said("user", "Cancel R1 of ada_1."),
    wants("get_reservation_details", reservation_id="R1"),
    gave(json.dumps(RESERVATION)),
    said("assistant", "Shall I?"),
    said("user", "Yes."),
    wants("cancel_reservation", reservation_id="R1"),
    gave(json.dumps(RESERVATION)),
    said("assistant", "It is done."),
    said("user", "###STOP###"),
)
UNPREPARED = conversation(
    2,
    said("user", "Cancel R2 of ada_1."),
    wants("cancel_reservation", reservation_id="R2"),
    gave(json.dumps(RESERVATION | {"reservation_id": "R2"})),
    wants("transfer_to_human_agents", summary="…"),
    gave("Transfer successful"),
    right=[("cancel_reservation", {"reservation_id": "R2"})],
)


def test_a_conversation_is_played_to_its_end_and_its_writes_are_judged(tmp_path: Path) -> None:
    (tmp_path / "two.json").write_text(json.dumps([CANCELS, UNPREPARED]))
    figures = list(measure(data=tmp_path / "two.json"))
    assert figures[0]["counts"] == {"right": {"stop": 1}, "wrong": {"stop": 1}}
    assert (figures[0]["stopped_wrong"], figures[0]["held_right"], figures[0]["asked"]) == (1.0, 1.0, 0.0)
    assert [row["tasks"] for row in figures if "half" in row] == [1, 1]
    broken = {row["rule"]: row["broken"] for row in figures if row.get("broken")}
    assert broken["cancel_reservation 2"] == {"right": 1}
    assert broken["cancel_reservation 8"] == {"wrong": 1}
    assert figures[-1]["ceiling"] == 1.0


def test_a_recording_that_cannot_be_played_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "none.json").write_text('{"a": 1}')
    with pytest.raises(Invalid, match="not a file of recorded conversations"):
        read_recordings(tmp_path / "none.json")
    two_at_once = wants("get_user_details", user_id="ada_1")
    two_at_once["tool_calls"] = two_at_once["tool_calls"] * 2
    (tmp_path / "two.json").write_text(json.dumps([conversation(1, said("user", "Hi."), two_at_once, gave("{}"), gave("{}"))]))
    with pytest.raises(Invalid, match="did not make the calls"):
        list(measure(data=tmp_path / "two.json"))


def test_results_belong_to_calls_although_ids_repeat() -> None:
    task = conversation(
        1,
        said("user", "Hi."),
        wants("calculate", expression="1"),
        gave("1.0"),
        wants("calculate", expression="2"),
        gave("no number"),
        said("assistant", "Well."),
        said("user", "Bye."),
    )
    recording = recording_of(task)
    assert recording.result("calculate", {"expression": "2"}) == "no number"
    assert recording.result("calculate", {"expression": "1"}) == 1.0
    assert (recording.opening, recording.line()) == ("Hi.", "")


def test_only_what_a_replay_needs_differs_from_the_example() -> None:
    document = json.loads((bench_airline.EXAMPLE / "workflow.json").read_text(encoding="utf-8"))
    changed = document_for_replay(document | {"name": "x"}, is_served=False)
    desk, as_it_was = (next(n["config"] for n in d["nodes"] if n["kind"] == "agent") for d in (changed, document))
    assert desk["gate"] == "observe"
    assert {name for name in desk if desk[name] != as_it_was.get(name)} <= {"gate", "model"}


def told(task: int, label: Any, verdict: str, *, holds: bool | None = True, otherwise: str = "stop", difference: str = "") -> Judged:
    return Judged(task, "cancel_reservation", label, verdict, ({"holds": holds, "otherwise": otherwise},), difference)


def test_figures_say_who_was_stopped_by_what_and_what_no_rule_speaks_to() -> None:
    judged = [
        told(2, "wrong", "stop", holds=False),
        told(4, "wrong", "ask", holds=False, otherwise="ask", difference="flights"),
        told(4, "wrong", "ask", difference="payment_id"),
        told(6, "right", "ask", holds=None),
    ]
    assert score(judged)["counts"] == {"right": {"ask": 1}, "wrong": {"stop": 1, "ask": 2}}
    assert [(row["tasks"], row["stopped_wrong"]) for row in halves(judged, [6, 2, 4, 2])] == [(2, 1.0), (1, 0.0)]
    (row,) = by_rule(judged, {"cancel_reservation": [{"otherwise": "stop", "because": "No."}]})
    assert (row["broken"], row["unknown"], row["alone_stopped"]) == ({"wrong": 2}, {"right": 1}, {"wrong": 1})
    told_of = ceiling(judged)
    assert (told_of["ceiling"], told_of["no_rule_speaks_to"]) == (0.667, 1)
    assert told_of["these_differ_in"] == {"cancel_reservation": {"payment_id": 1}}


@pytest.mark.parametrize(
    ("arguments", "apart"),
    [
        ({"reservation_id": "R1", "payment_id": "b"}, "payment_id"),
        ({"reservation_id": "R2", "payment_id": "a"}, "nothing like it was right"),
    ],
)
def test_a_wrong_write_differs_from_the_nearest_right_one(arguments: dict[str, str], apart: str) -> None:
    call = wants("update_reservation_flights", **arguments)["tool_calls"][0]
    task = conversation(1, right=[("update_reservation_flights", {"reservation_id": "R1", "payment_id": "a"})])
    assert difference(task, call) == apart


@recorded
def test_labels_are_those_of_the_definition() -> None:
    tasks = json.loads(DATA.read_text(encoding="utf-8"))
    wanted = [(write.tool, write.label) for write in definition().writes(DATA)]
    calls = [(task, call) for task in tasks for m in task["traj"] for call in m.get("tool_calls") or []]
    found = [(call["function"]["name"], label_of(task, call)) for task, call in calls if call["function"]["name"] in definition().WRITES]
    assert found == wanted
    assert Counter(label for _, label in found) == {"right": 62, "wrong": 44, "refused": 17}


@recorded
@pytest.mark.timeout(120)
async def test_a_slice_of_the_recordings_is_scored_as_the_definition_does(tmp_path: Path) -> None:
    few = tmp_path / "few.json"
    few.write_text(json.dumps(json.loads(DATA.read_text(encoding="utf-8"))[:SLICE]))
    document, tools = (json.loads((bench_airline.EXAMPLE / name).read_text(encoding="utf-8")) for name in ("workflow.json", "tools.json"))
    judged = await bench_airline.replay(read_recordings(few), document, tools)
    verdicts = iter(judged)
    assert score(judged) == definition().score(few, lambda _: next(verdicts).verdict)
    assert next(verdicts, None) is None
    assert any(j.verdict == "stop" for j in judged) and not any(j.verdict == "allow" for j in judged)
