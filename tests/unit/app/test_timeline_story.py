"""What the page of a run says: why it does not move, what is kept, what can be done, and how it went."""

import re
from typing import Any

import pytest

from app.ui.words import next_step, why
from engine.errors import Transient
from tests.unit.app.javascript import run as javascript
from tests.unit.app.test_timeline_fold import told
from tests.unit.run.driving import Trial, call, edge, node

SAID = """
import { emptyRun, fold } from "./fold.js";
import { bookOf } from "./rows.js";
import { bannerOf, storyOf } from "./story.js";
import { runStatus, stepStatus } from "./words.js";
---
(() => {
  const run = fold(emptyRun(), given.events);
  const book = bookOf(given.document);
  const text = (part) => (typeof part === "string" ? part : part.bold ?? part.text);
  return {
    badge: runStatus(run, book), banner: bannerOf(run, book, run.at),
    story: storyOf(run, book).map((sentence) => sentence.map(text).join("")).join(" "),
    steps: Object.fromEntries([...run.steps.values()].map((step) => [step.path, stepStatus(run, step).word])),
  };
})()
"""


def said(trial: Trial, **titles: str) -> dict[str, Any]:
    nodes = [{"id": name, "kind": "set", "title": title} for name, title in titles.items()]
    document = {"name": "Work", "nodes": nodes, "edges": []}
    return javascript(SAID, {"events": told(trial, len(trial.rows)), "document": document}, folder="app/components/timeline")


def test_a_run_that_met_its_limit_says_which_what_is_kept_and_what_comes_next() -> None:
    run = Trial.of(
        ["start", call("read", tokens=60), call("sum", tokens=60)], [edge("start -> read"), edge("read -> sum")], limits={"tokens": 100}
    )
    run.done("read", spent=run.calls["read"].reserved)
    told_all = said(run, read="Read it", sum="Sum it up")
    banner = told_all["banner"]
    assert told_all["badge"] == {"tone": "limit", "word": "Token limit reached"}
    assert banner["title"] == "Stopped at the token limit: 60 of 100"
    assert (banner["stepName"], banner["text"]) == ("Sum it up", " needs up to 60 more and did not start.")
    assert banner["kept"] == "2 finished steps are kept and not repeated."
    assert "raise" in banner["offers"] and told_all["steps"]["sum"] == "Token limit"


def test_a_run_that_waits_for_a_person_says_for_whom_and_where_to_decide() -> None:
    run = Trial.of(
        ["start", node("ok", "approval", config={"title": "Block it?", "approvers": {"roles": ["approver"]}})], [edge("start -> ok")]
    )
    told_all = said(run, ok="Ask the team")
    assert told_all["badge"]["word"] == "Waiting for an approver"
    assert told_all["banner"]["title"] == "Waiting for an approver: Block it?"
    assert told_all["banner"]["link"] == f"/inbox/{run.item('ok').id}"
    run.answer("ok", "approved", reason="It is clear.")
    assert "Bea approved Ask the team after 0.0 s: “It is clear.”." in said(run, ok="Ask the team")["story"]


def test_a_run_that_pauses_before_another_try_says_so() -> None:
    run = Trial.of(["start", call("post", retry={"attempts": 3, "backoff_s": 60})], [edge("start -> post")])
    run.fails("post", Transient("The line is busy."))
    told_all = said(run, post="Post it")
    assert told_all["banner"]["title"] == "Post it is tried again soon"
    assert told_all["banner"]["text"].startswith("The line is busy. It is tried again at ")
    assert told_all["steps"]["post"] == "Tried again soon"
    run.wait(60).done("post")
    assert "Post it failed once (“The line is busy.”), then worked." in said(run, post="Post it")["story"]


def in_doubt() -> Trial:
    return Trial.of(["start", call("pay", kind="unsafe_call"), "end"], ["start -> pay", "pay -> end"]).crash()


def test_a_step_whose_effect_is_not_known_is_in_doubt_and_leads_to_its_card() -> None:
    run = in_doubt()
    told_all = said(run, pay="Pay the bill")
    assert (told_all["badge"], told_all["steps"]["pay"]) == ({"tone": "doubt", "word": "In doubt"}, "In doubt")
    banner = told_all["banner"]
    assert (banner["tone"], banner["title"], banner["linkWord"]) == ("doubt", "Did “Pay the bill” happen?", "Say what happened")
    assert banner["link"] == f"/inbox/{run.item('pay').id}"
    assert banner["text"].startswith("It was running when the server stopped. Nobody knows whether it happened")
    assert "Pay the bill is in doubt: nobody knows whether it happened." in told_all["story"]


@pytest.mark.parametrize(
    ("decision", "sentence", "word"),
    [
        ("done", "Bea said that Pay the bill happened: “It is in the books.”.", "Happened"),
        ("retry", "Bea said that Pay the bill did not happen, and let it run: “It is in the books.”.", "Running"),
        ("fail", "Bea said that Pay the bill did not happen: “It is in the books.”. It failed with that.", "Failed"),
    ],
)
def test_what_came_of_a_doubt_is_told_with_who_said_it(decision: str, sentence: str, word: str) -> None:
    told_all = said(in_doubt().answer("pay", decision, reason="It is in the books."), pay="Pay the bill")
    assert sentence in told_all["story"]
    assert told_all["steps"]["pay"] == word


def test_a_run_that_failed_elsewhere_still_asks_about_the_doubt() -> None:
    run = Trial.of(["start", call("pay", kind="unsafe_call"), call("b"), "end"], ["start -> pay", "start -> b", "pay -> end", "b -> end"])
    told_all = said(run.crash().fails("b"), pay="Pay the bill", b="Book it")
    assert told_all["badge"]["word"] == "Failed at Book it"
    assert told_all["banner"]["linkWord"] == "Say what happened"


def test_a_cancelled_run_tells_what_nobody_knows() -> None:
    run = Trial.of(["start", call("pay", kind="unsafe_call"), call("read"), "end"], ["start -> pay", "pay -> read", "read -> end"])
    told_all = said(run.cancel("Cancelled by Bob."), pay="Pay the bill")
    assert told_all["banner"]["title"] == "Cancelled, with something in doubt"
    assert "“Pay the bill” was under way: nobody knows whether it happened." in told_all["banner"]["text"]
    assert "“Pay the bill” was under way" in told_all["story"] and told_all["steps"]["pay"] == "In doubt"


# Waits


def pausing(**config: Any) -> Trial:
    return Trial.of(["start", node("pause", "wait", config=config), "end"], [edge("start -> pause"), edge("pause -> end")])


def test_a_run_that_waits_for_a_time_says_until_when() -> None:
    told_all = said(pausing(seconds=864_000), pause="The pause")
    assert told_all["badge"]["word"].startswith("Waiting until ")
    assert told_all["steps"]["pause"] == told_all["badge"]["word"]
    assert told_all["banner"]["title"] == f"{told_all['badge']['word']}: The pause"
    assert "It goes on by itself." in told_all["banner"]["text"] and "link" not in told_all["banner"]


def test_a_run_that_waits_for_an_event_says_for_which_and_how_long_it_waited() -> None:
    run = pausing(event="paid", key="'R-17'", expires_after_s=3600)
    told_all = said(run, pause="The pause")
    assert told_all["steps"]["pause"] == "Waiting for the event paid R-17"
    assert told_all["banner"]["title"] == "Waiting for the event paid R-17: The pause"
    assert " at most. It goes on by itself." in told_all["banner"]["text"]
    run.wait(3600)
    assert "The pause waited 1 h" in said(run, pause="The pause")["story"]


def test_a_form_is_filled_in() -> None:
    fields = {"type": "object", "properties": {"colour": {"type": "string"}}}
    run = Trial.of(
        ["start", node("ask", "form", config={"title": "How much?", "fields": fields}), "end"], ["start -> ask", "ask.submitted -> end"]
    )
    assert said(run, ask="Ask them")["banner"]["linkWord"] == "Fill it in"
    told_all = said(run.answer("ask", "submitted", colour="blue"), ask="Ask them")
    assert "Bea filled in Ask them after 0.0 s." in told_all["story"] and told_all["steps"]["ask"] == "Filled in"


# A limit that somebody is asked about


def asked() -> Trial:
    nodes = ["start", call("a", tokens=60), call("b", tokens=60), "end"]
    run = Trial.of(nodes, ["start -> a", "a -> b", "b -> end"], limits={"tokens": 100}, on_limit="ask")
    return run.done("a", spent=run.calls["a"].reserved)


def test_a_limit_that_somebody_is_asked_about_says_so_and_leads_to_its_card() -> None:
    run = asked()
    told_all = said(run, b="Sum it up")
    assert told_all["badge"] == {"tone": "limit", "word": "Token limit reached"}
    banner = told_all["banner"]
    assert (banner["title"], banner["link"]) == ("Reached the token limit: 60 of 100", f"/inbox/{run.items()[-1].id}")
    assert banner["text"].endswith("Somebody has to say how it goes on: with more or not at all.")
    assert banner["linkWord"] == "Answer in the inbox" and banner["offers"] == []


def test_what_was_answered_about_a_limit_is_told() -> None:
    run = asked().answer("", "extend", tokens=200)
    assert "Bea set the token limit to 200 and let it go on at" in said(run, b="Sum it up")["story"]
    stopped = said(asked().answer("", "stop"), b="Sum it up")
    assert "Bea stopped it there." in stopped["story"] and "raise" in stopped["banner"]["offers"]
    events = [{"seq": 1, "type": "run_resumed", "at": "2026-11-25T09:00:00Z", "path": "", "data": {"by_name": "Bea", "model": "cheap"}}]
    cheaper = javascript(SAID, {"events": events, "document": {"nodes": [], "edges": []}}, folder="app/components/timeline")
    assert re.search(r"Bea let it go on at \d\d:\d\d with a cheaper model\.", cheaper["story"])


def test_a_cancelled_run_says_who_and_why() -> None:
    run = Trial.of(["start", call("read")], [edge("start -> read")]).cancel("Cancelled by Bob. The customer called.")
    told_all = said(run, read="Read it")
    assert told_all["banner"]["text"] == "Cancelled by Bob. The customer called."
    assert told_all["steps"] == {"start": "Done", "read": "Given up"}


@pytest.mark.parametrize(
    ("reason", "words"),
    [
        ("post: The ledger rejected it.", "The ledger rejected it."),
        ("draft#2/ok: Not: now.", "Not: now."),
        ("each[7]/check: No.", "No."),
        (
            "The limit cost_usd is reached: $1 of $1 used, and the next step needs more. Raise it and resume.",
            "The money limit is reached: $1 of $1 used.",
        ),
        ("Cancelled by Bob.", "Cancelled by Bob."),
        ("", ""),
    ],
)
def test_a_reason_is_told_without_the_names_that_programs_use(reason: str, words: str) -> None:
    assert why(reason) == words


def test_whatever_does_not_move_has_a_next_step() -> None:
    for status in ("stopped", "failed", "paused", "waiting"):
        assert next_step(status, "The limit steps is reached")
    assert next_step("waiting", "Post it is tried again later.") == "It goes on by itself."
    assert next_step("succeeded", "") == next_step("running", "") == ""
