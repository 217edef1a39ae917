"""What the pages of a run and of the builder tell of an agent: its turns and calls in words, however deep they stand."""

from __future__ import annotations

from typing import Any

import pytest

from app.ui.words import why
from tests.unit.app.javascript import run as javascript

AT = "2026-12-01T03:53:46.000Z"
RULES = [
    {"that": "inputs.limit > 10", "otherwise": "stop", "because": "Only large ones.", "holds": True, "unknown": ""},
    {"that": "arguments.age < 30", "otherwise": "ask", "because": "It is old.", "holds": False, "unknown": ""},
]
DOCUMENT = {
    "name": "Work",
    "nodes": [{"id": "start", "kind": "start"}, {"id": "desk", "kind": "agent", "title": "Refund desk", "config": {"max_turns": 8}}],
    "edges": [],
}
TOLD = """
import { emptyRun, fold } from "./fold.js";
import { bookOf, nameOf, openFor, rowsOf, treeOf } from "./rows.js";
import { bannerOf, storyOf } from "./story.js";
import { agentsOf, agentTold, callTold, nodeWord, standsFor, toldLast, toolOf, turnTold, whereOf, worthALook } from "./agents.js";
import { whichOf } from "./words.js";
---
(() => {
  const run = fold(emptyRun(), given.events), book = bookOf(given.document), tree = treeOf(run);
  const open = new Set(given.open ?? (given.show ? openFor(tree, given.show) : []));
  const text = (part) => (typeof part === "string" ? part : part.bold ?? part.text);
  const ms = (length) => `${length} ms`;
  const called = (call) => [toolOf(call), callTold(call, ms).word, callTold(call, ms).told].join(" | ");
  const fact = (row) => (row.agent ? agentTold(row.agent) : row.turn ? turnTold(row.turn) : row.call ? called(row.call) : "");
  const agent = [...agentsOf(run).values()][0], where = given.show ? whereOf(run, given.show) : null;
  return {
    rows: rowsOf(tree, book, open, { isOver: false }).map((row) => [row.level, row.kind, row.path, fact(row)]),
    story: storyOf(run, book).map((sentence) => sentence.map(text).join("")).join(" "),
    title: bannerOf(run, book, run.at)?.title ?? "", node: nodeWord(agent, 8), names: agent.steps.map((step) => nameOf(book, step.node)),
    where: where && { part: where.part, turn: where.turn?.number ?? 0, call: where.call?.index ?? -1 },
    which: given.show ? whichOf(book, given.show) : "",
    odd: worthALook(agent, ms).calls.map(toolOf),
    stands: ((step) => `${step.path} ${step.status}`)(standsFor(agent, run.steps.get(agent.path))),
    told: agent.turns.map((turn) => toldLast(run, agent, turn).title),
  };
})()
"""


class Desk:
    """The journal of a run with one agent, as the API tells it."""

    def __init__(self, owner: str = "desk") -> None:
        self.owner, self.events = owner, []
        self.turns, self.item = 0, ""
        self.put("run_started", None, workflow="wf", inputs={}, limits={}, by_name="Ann", starts=[{"path": owner}])
        self.put("box_opened", owner, inputs={"items": [{"task": "Refund order 7"}]}, starts=[{"path": f"{owner}[0]/desk.offer"}])
        self.put("step_done", f"{owner}[0]/desk.offer", outputs={"tools": [{"name": "refund"}]}, starts=self.next_turn())

    def put(self, type_: str, path: str | None, **data: Any) -> Desk:
        self.events.append({"seq": len(self.events) + 1, "type": type_, "at": AT, "path": path, "attempt": 1, "data": data})
        return self

    def next_turn(self) -> list[dict[str, Any]]:
        self.turns += 1
        return [{"path": self.turn}]

    @property
    def turn(self) -> str:
        return f"{self.owner}[0]/desk.turn#{self.turns}"

    def wants(self, *tools: str, is_large: bool = False) -> Desk:
        calls = [{"tool": tool, "arguments": {}} for tool in tools]
        outputs = {"$ref": "/x", "field": "data.outputs", "bytes": 9999} if is_large else {"text": "Hm.", "calls": calls}
        self.put("step_done", self.turn, port="calls", outputs=outputs, starts=[{"path": f"{self.turn}/desk.calls"}])
        return self.put("box_opened", f"{self.turn}/desk.calls", inputs={"items": calls}, starts=[{"path": self.call(0)}])

    def call(self, number: int, part: str = "call") -> str:
        return f"{self.turn}/desk.calls[{number}]/desk.{part}"

    def judged(self, number: int, tool: str, verdict: str, port: str, reason: str = "", rules: Any = ()) -> Desk:
        starts = [] if port == "stop" else [{"path": self.call(number, port)}]
        outputs = {"tool": tool, "arguments": {"order": "7"}, "verdict": verdict, "reason": reason, "rules": list(rules)}
        return self.put("step_done", self.call(number), port=port, outputs=outputs, starts=starts)

    def asks(self, number: int, tool: str, **approvers: Any) -> Desk:
        card = {"type": "approval", "title": f"Let the agent call {tool}?", "approvers": approvers, "action": {"config": {"tool": tool}}}
        return self.put("step_waiting", self.call(number, "ask"), item="apr_1", card=card)

    def decided(self, number: int, decision: str, reason: str = "") -> Desk:
        starts = [{"path": self.call(number, "asked")}] if decision == "approved" else []
        note = {"decision": decision, "by_name": "Bea", "reason": reason}
        return self.put("step_done", self.call(number, "ask"), port=decision, outputs={"decision": decision}, note=note, starts=starts)

    def made(self, number: int, part: str) -> Desk:
        return self.put("step_done", self.call(number, part), port="out", outputs={"result": {"ok": True}})

    def goes_on(self) -> Desk:
        box = f"{self.turn}/desk.calls"
        return self.put("step_done", box, port="out", outputs={"results": []}, starts=self.next_turn())

    def told(self, **more: Any) -> dict[str, Any]:
        return javascript(TOLD, {"events": self.events, "document": DOCUMENT, **more}, folder="app/components/timeline")


def desk() -> Desk:
    """One turn that looked something up, one that waits for a person."""
    made = Desk().wants("find_order").judged(0, "find_order", "allow", "read").made(0, "read").goes_on()
    wanted = made.wants("refund", "delete_all").judged(0, "refund", "ask", "ask", "It is old.", RULES)
    return wanted.asks(0, "refund", users=["ann@example.com"])


def test_an_agent_is_one_row_that_unfolds_into_turns_and_calls() -> None:
    run = desk()
    folded = [row for row in run.told()["rows"] if row[1] == "step"]
    assert folded == [[0, "step", "desk", "1 asked · 2 calls · 2 turns"]]
    rows = run.told(open=["desk"])["rows"]
    assert rows[1:5] == [
        [1, "turn", "desk[0]/desk.turn#1", "wants find_order"],
        [2, "call", "desk[0]/desk.turn#1/desk.calls[0]/desk.call", "find_order | Done | allowed · 0 ms"],
        [1, "turn", "desk[0]/desk.turn#2", "wants refund, delete_all"],
        [2, "call", "desk[0]/desk.turn#2/desk.calls[0]/desk.call", "refund | Waiting | a person decides: It is old."],
    ]


@pytest.mark.parametrize(
    ("ends", "told"),
    [
        (lambda run: run.decided(0, "approved").made(0, "asked"), "refund | Done | approved by Bea · 0 ms"),
        (lambda run: run.decided(0, "rejected", "Too old."), "refund | Refused | refused by Bea: Too old."),
        (lambda run: run.decided(0, "expired"), "refund | No answer | no answer by Bea"),
        (
            lambda run: run.decided(0, "approved").put(
                "step_failed", run.call(0, "asked"), error={"message": "The bank is closed."}, goes_on="default"
            ),
            "refund | Failed | approved by Bea · The bank is closed.",
        ),
        (
            lambda run: run.decided(0, "approved").put("step_waiting", run.call(0, "asked"), item="apr_2", card={}),
            "refund | Waiting | a person looks at it before it goes out",
        ),
        (
            lambda run: run.decided(0, "approved").put("step_done", run.call(0, "asked"), outputs={"result": "x"}, simulated=True),
            "refund | Done | approved by Bea · simulated, not called",
        ),
    ],
)
def test_a_call_says_what_came_of_it(ends: Any, told: str) -> None:
    rows = ends(desk()).told(open=["desk"])["rows"]
    assert rows[4][3] == told


def test_what_was_stopped_says_why_and_counts_first() -> None:
    run = Desk().wants("delete_all").judged(0, "delete_all", "stop", "stop", "delete_all must not be called here.").goes_on()
    told = run.told(open=["desk"])
    assert told["rows"][0][3] == "1 stopped · 1 call · 2 turns"
    assert told["rows"][2][3] == "delete_all | Stopped | delete_all must not be called here."
    assert "Refund desk took 2 turns and wanted 1 call: 1 was stopped." in told["story"]


@pytest.mark.parametrize(
    ("part", "row"),
    [("call", "call"), ("ask", "call")],
)
def test_a_link_to_a_hidden_step_unfolds_its_agent_and_says_where_it_is(part: str, row: str) -> None:
    run = desk()
    told = run.told(show=run.call(0, part))
    assert row in [kind for _, kind, _, _ in told["rows"]]
    assert told["where"] == {"part": part, "turn": 2, "call": 0}
    assert told["which"] == "turn 2 of at most 8"


@pytest.mark.parametrize("owner", ["desk", "each[3]/desk", "draft#2/desk", "desk#2"])
def test_an_agent_is_found_wherever_it_stands(owner: str) -> None:
    run = Desk(owner).wants("find_order").judged(0, "find_order", "allow", "read").made(0, "read")
    shown = run.told(show=run.call(0))
    assert shown["where"] == {"part": "call", "turn": 1, "call": 0}
    assert [row[1] for row in shown["rows"]].count("call") == 1


def test_the_drawing_says_how_far_an_agent_is_and_for_whom_it_waits() -> None:
    run = Desk().wants("find_order").judged(0, "find_order", "allow", "read").made(0, "read").goes_on()
    assert run.told()["node"] == "turn 2 of 8 · 1 call"
    assert desk().told()["node"] == "waits for Ann: refund"
    assert desk().told()["title"] == "Waiting for ann: Let the agent call refund?"


def test_large_bodies_and_nothing_hidden_are_told_without_ids() -> None:
    run = Desk().wants("find_order", is_large=True).judged(0, "find_order", "allow", "read").made(0, "read").goes_on()
    told = run.told(open=["desk"])
    assert told["rows"][1][3] == "wants find_order"
    assert told["told"] == ["Its task", "What its calls came to"]
    assert not [name for name in told["names"] if "." in name], told["names"]


def test_the_worst_calls_of_an_agent_stand_first() -> None:
    run = Desk().wants("a").judged(0, "a", "stop", "stop").goes_on()
    run.wants("b").judged(0, "b", "allow", "read")
    run.put("step_failed", run.call(0, "read"), error={"message": "No."}, goes_on="default").goes_on()
    run.wants("c").judged(0, "c", "allow", "read").made(0, "read").goes_on()
    run.wants("d").judged(0, "d", "stop", "stop").goes_on()
    assert run.told()["odd"] == ["b", "d", "a"]


def test_a_turn_that_fails_is_told_as_the_agents_failure() -> None:
    run = Desk()
    run.put("step_failed", run.turn, error={"code": "step_failed", "message": "The model is gone."}, cancelled=["desk"])
    run.put("run_ended", None, status="failed", reason=f"{run.turn}: The model is gone.")
    told = run.told(open=["desk"])
    assert told["title"] == "Failed at Refund desk: a turn"
    assert told["rows"][1][3] == "The model is gone."
    assert told["stands"] == f"{run.turn} failed"
    assert why(f"{run.turn}: The model is gone.") == "The model is gone."


def test_a_thousand_turns_are_rows_of_one_agent() -> None:
    run = Desk()
    for _ in range(1000):
        run.wants("find_order").judged(0, "find_order", "allow", "read").made(0, "read").goes_on()
    told = run.told(open=["desk"])
    assert told["rows"][0][3] == "1,000 calls · 1,001 turns"
    assert len(told["rows"]) == 1 + 1001 + 1000 + 1
