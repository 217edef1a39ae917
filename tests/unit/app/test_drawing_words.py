"""What the drawing of a workflow says of its steps: kinds, ports, and how far loops, boxes and waits are."""

from typing import Any

import pytest

from engine.nodes.docs import describe
from engine.nodes.registry import Registry
from tests.unit.app.javascript import run as javascript

FOLDER = "app/components/drawing"
TOLD = """
import { statusesOf } from "./tell.js";
---
statusesOf(given.steps, given.document)
"""
DRAWN = """
import { portsOf } from "./shape.js";
import { kindLine, kindWords } from "./words.js";
---
given.map(({ node, kind }) => ({
  ports: portsOf(node, kind).map((port) => port.name), line: kindLine(node, kind), ...kindWords(node.kind, kind),
}))
"""
IDS = """
import { portsOf } from "./shape.js";
---
given.map(({ node, kind }) => portsOf(node, kind).map((port) => port.id))
"""
LOOP = {"edges": [{"source": "ok", "target": "draft", "max_visits": 3}]}


def told(*steps: dict[str, Any], document: Any = LOOP) -> dict[str, str]:
    full = [{"spent": {}, "port": None, **step} for step in steps]
    return {node: status["word"] for node, status in javascript(TOLD, {"steps": full, "document": document}, folder=FOLDER).items()}


def test_a_loop_shows_its_round_and_of_how_many() -> None:
    first = {"path": "draft#1", "node": "draft", "status": "done"}
    second = {"path": "draft#2", "node": "draft", "status": "running"}
    inner = {"path": "draft#2/ok", "node": "ok", "status": "waiting", "kind": "approval"}
    assert told(first) == {"draft": "Done"}
    assert told(first, second, inner) == {"draft": "Running, 2 / 3", "ok": "Waiting for a person, 2 / 3"}
    assert told(second, document=None) == {"draft": "Running, round 2"}


def test_a_box_shows_how_far_it_is() -> None:
    box = {"path": "each", "node": "each", "status": "running", "note": {"items": 10, "ended": 7, "failed": 0}}
    assert told(box) == {"each": "7 / 10"}
    assert told(box | {"note": {"items": 10, "ended": 7, "failed": 2}}) == {"each": "7 / 10, 2 failed"}
    assert told(box | {"status": "done", "note": {"items": 10, "ended": 10, "failed": 0}}) == {"each": "Done"}


def test_a_wait_says_for_what_and_a_doubt_says_so() -> None:
    wait = {"path": "pause", "node": "pause", "status": "waiting", "kind": "wait"}
    assert told(wait | {"note": {"until": None, "event": "paid", "key": "R-17"}}) == {"pause": "Waiting for the event paid R-17"}
    assert told(wait | {"note": {"until": "2031-12-05T09:00:00Z", "event": None, "key": None}})["pause"].startswith(
        "Waiting until 5 Dec 2031, "
    )
    assert told({"path": "pay", "node": "pay", "status": "in_doubt"}) == {"pay": "In doubt"}


def test_every_port_that_the_engine_leaves_by_is_drawn() -> None:
    given: list[Any] = []
    left: list[Any] = []
    for kind in Registry.builtin().all():
        configs = [example.config for example in kind.examples]
        if kind.kind == "llm":
            configs.append({"prompt": "Answer.", "checks": ["polite"]})
        for config in configs:
            parsed = kind.Config.model_validate(config)
            given.append({"node": {"id": "x", "kind": kind.kind, "config": config}, "kind": describe(kind)})
            left.append(list(dict.fromkeys(kind.outcome_ports(parsed))))
    assert javascript(IDS, given, folder=FOLDER) == left


@pytest.mark.parametrize(
    ("kind", "config", "ports", "line"),
    [
        ("form", {"fields": {"properties": {"a": {}, "b": {}}}}, ["Submitted"], "People · asks for 2 fields"),
        ("form", {"fields": {"properties": {"a": {}}}, "expires_after_s": 60}, ["Submitted", "No answer"], "People · asks for 1 field"),
        ("wait", {"seconds": 7200}, ["Next"], "Flow · for 2 hours"),
        ("wait", {"seconds": 90}, ["Next"], "Flow · for 90 seconds"),
        ("wait", {"until": "inputs.due"}, ["Next"], "Flow · until a time"),
        ("wait", {"event": "paid"}, ["Next"], "Flow · for the event paid"),
        ("wait", {"event": "paid", "expires_after_s": 60}, ["Next", "Expired"], "Flow · for the event paid"),
        ("wait", {"seconds": 60, "expires_after_s": 60}, ["Next"], "Flow · for 1 minute"),
    ],
)
def test_a_port_that_is_never_left_is_not_drawn(kind: str, config: Any, ports: list[str], line: str) -> None:
    known = Registry.builtin().get(kind)
    assert known is not None
    (drawn,) = javascript(DRAWN, [{"node": {"id": "x", "kind": kind, "config": config}, "kind": describe(known)}], folder=FOLDER)
    assert (drawn["ports"], drawn["line"], drawn["isAi"]) == (ports, line, False)
    assert drawn["group"] == ("People" if kind == "form" else "Flow")


@pytest.mark.parametrize(
    ("config", "line"),
    [
        ({"url": "https://shop.example:8443/a?b"}, "Tools · reads shop.example:8443"),
        ({"method": "DELETE", "url": "https://shop.example"}, "Tools · removes at shop.example"),
        ({"method": "POST", "url": "{{ inputs.url }}"}, "Tools · sends to a web address"),
        ({"url": "https://{{ inputs.host }}/a"}, "Tools · reads a web address"),
        ({}, "Tools · reads a web address"),
    ],
)
def test_a_call_says_what_it_does_and_where(config: Any, line: str) -> None:
    known = Registry.builtin().get("http")
    assert known is not None
    (drawn,) = javascript(DRAWN, [{"node": {"id": "x", "kind": "http", "config": config}, "kind": describe(known)}], folder=FOLDER)
    assert (drawn["line"], drawn["name"]) == (line, "Call a web address")


PLAIN = """
import { plainly } from "./plain.js";
---
given.map(({ text, node }) => plainly(text, node))
"""
LOOSE = "The port `{}` of “Ask” (ask) leads nowhere: a run that leaves by it ends its branch there."


def plain(text: str, node: dict[str, Any] | None = None) -> str:
    return javascript(PLAIN, [{"text": text, "node": node}], folder=FOLDER)[0]


@pytest.mark.parametrize(
    ("port", "node", "label"),
    [
        ("expired", {"kind": "approval", "config": {"expires_after_s": 60}}, "No answer"),
        ("expired", {"kind": "wait", "config": {"event": "paid", "expires_after_s": 60}}, "Expired"),
        ("out", {"kind": "map"}, "All done"),
        ("big", {"kind": "branch", "config": {"cases": [{"port": "big", "label": "A large order"}]}}, "A large order"),
        ("stolen_card", {"kind": "classify", "config": {"labels": [{"port": "stolen_card"}]}}, "Stolen card"),
        ("error", None, "If it fails"),
    ],
)
def test_a_way_has_one_name_wherever_it_is_spoken_of(port: str, node: dict[str, Any] | None, label: str) -> None:
    told = f"The way “{label}” of “Ask” leads nowhere: a run that leaves by it ends its branch there."
    assert plain(LOOSE.format(port), node) == told
    if port != "out":
        assert plain(f"Draw an edge from `{port}`.", node) == f"Draw a connection from “{label}”."
    if node:
        assert label in javascript(DRAWN, [{"node": node, "kind": {"ports": [port]}}], folder=FOLDER)[0]["ports"]


def test_names_that_people_chose_stay_as_they_are() -> None:
    assert plain("There is no node `refund_desk`.", {"kind": "branch"}) == "There is no step “refund_desk”."
    assert plain("Add a node of kind `end`.") == "Add a step “Done”."
    assert plain("The node `node` has no edge") == "The step “node” has no connection"


AGENT = {"nodes": [{"id": "desk", "kind": "agent", "config": {"max_turns": 8}}, {"id": "other", "kind": "agent"}]}


def inside(path: str, status: str = "done", **more: Any) -> dict[str, Any]:
    return {"path": path, "node": path.split("/")[-1].split("#")[0].split("[")[0], "status": status, **more}


def test_an_agent_shows_its_turn_and_calls_and_for_whom_it_waits_on_its_own_node() -> None:
    open_box = {"path": "desk", "node": "desk", "status": "running", "note": {"items": 1, "ended": 0, "failed": 0}}
    first = [inside("desk[0]/desk.offer"), inside("desk[0]/desk.turn#1"), inside("desk[0]/desk.turn#1/desk.calls[0]/desk.call")]
    assert told(open_box, inside("desk[0]/desk.turn#1", "running"), document=AGENT) == {"desk": "Turn 1 of 8"}
    assert told(open_box, *first, inside("desk[0]/desk.turn#2", "running"), document=AGENT) == {"desk": "Turn 2 of 8 · 1 call"}
    card = {"approvers": {"users": ["ann@example.com", "bea@example.com"]}, "action": {"config": {"tool": "refund"}}}
    asks = inside("desk[0]/desk.turn#2/desk.calls[0]/desk.ask", "waiting", kind="approval", card=card)
    assert told(open_box, *first, asks, document=AGENT) == {"desk": "Waits for Ann or 1 more: refund"}
    assert told({**open_box, "status": "done"}, *first, document=AGENT) == {"desk": "Done"}
    assert told(
        {**open_box, "path": "other", "node": "other"}, inside("other[0]/other.turn#3", "running", node="other.turn"), document=AGENT
    ) == {"other": "Turn 3 of 10"}


def test_an_agent_in_a_box_of_many_items_is_counted_with_them() -> None:
    steps = [{"path": f"each[{i}]/desk", "node": "desk", "status": "running" if i else "done"} for i in range(2)]
    turns = [inside(f"each[{i}]/desk[0]/desk.turn#1", "running") for i in range(2)]
    assert told(*steps, *turns, document=AGENT) == {"desk": "Running 1 of 2"}
