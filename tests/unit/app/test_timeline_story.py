"""What the page of a run says: why it does not move, what is kept, what can be done, and how it went."""

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
    assert told_all["banner"]["link"] == f"/inbox?item={run.item('ok').id}"
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


def test_a_step_whose_effect_is_not_known_is_in_doubt_and_never_called_failed() -> None:
    run = Trial.of(["start", call("pay", kind="unsafe_call")], [edge("start -> pay")])
    run.crash()
    told_all = said(run, pay="Pay the bill")
    assert told_all["banner"]["title"] == "In doubt at Pay the bill" and told_all["banner"]["tone"] == "doubt"
    assert told_all["steps"]["pay"] == "In doubt" and told_all["badge"]["tone"] == "doubt"
    assert told_all["banner"]["again"] == "It did not happen: do it again"


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
