"""What a person sees, what exactly the answer allows, and what happens when that has changed (workflow.md, Running 10)."""

import hashlib
import json

import pytest

from engine.errors import AlreadyDecided, ExpressionFailed, Invalid, StaleApproval, Transient
from engine.run import events
from engine.run.happenings import Answered, TimerDue
from tests.unit.run.driving import Trial, call, edge, node


def canonical_digest(value: object) -> str:
    """Written out again on purpose: the formula is a contract."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def approval(**config):
    return node("ok", "approval", config={"title": "Send it?", **config})


def plain(**config) -> Trial:
    return Trial.of(
        ["start", call("draft"), approval(**config), "sent", "kept", "late", "end"],
        ["start -> draft", "draft -> ok", "ok.approved -> sent", "ok.rejected -> kept", "ok.expired -> late", "sent -> end"],
    ).done("draft", text="Dear Sir")


def guarded(**config) -> Trial:
    """start -> draft -> ok -(approved)-> send, which is the action."""
    return Trial.of(
        ["start", call("draft"), approval(action="send", editable={"reply": "nodes.draft.text"}, **config),
         call("send", say="{{ nodes.ok.values.reply }}", title="Send the letter", tokens=10), "kept", "end"],
        ["start -> draft", "draft -> ok", "ok.approved -> send", "send -> end", "ok.rejected -> kept"],
    ).done("draft", text="Dear Sir")  # fmt: skip


# The card and its digest


def test_without_an_action_the_digest_is_that_of_what_is_shown() -> None:
    run = plain(message="The text: {{ nodes.draft.text }}", show={"text": "nodes.draft.text"}, editable={"n": "1 + 1"})
    item = run.item("ok")
    shown = {"title": "Send it?", "message": "The text: Dear Sir", "show": {"text": "Dear Sir"}, "editable": {"n": 2}}
    assert item.digest == canonical_digest(shown)
    assert {name: item.card[name] for name in shown} == shown
    assert item.card["action"] is None


def test_with_an_action_the_digest_is_that_of_what_would_run() -> None:
    item = guarded().item("ok")
    action = item.card["action"]
    assert action["title"] == "Send the letter"
    config = action["config"]
    # The whole resolved config, not only the settings that hold expressions.
    assert (config["say"], config["tokens"], config["ways"]) == ("Dear Sir", 10, ["out"])
    whole = {"node": "send", "kind": "call", "config": config, "editable": {"reply": "Dear Sir"}}
    assert item.digest == canonical_digest(whole)


def test_the_digest_of_an_edited_answer_is_computed_over_the_edited_values_and_kept() -> None:
    run = guarded()
    shown = run.item("ok").card["action"]["config"]
    run.answer("ok", reply="Dear Madam")
    done = next(e for e in run.of_type(events.StepDone) if e.consent)
    edited = {"node": "send", "kind": "call", "config": shown | {"say": "Dear Madam"}, "editable": {"reply": "Dear Madam"}}
    assert done.consent == canonical_digest(edited)
    assert done.consent != run.item("ok").digest
    # The action runs with exactly that, and nothing was asked twice.
    assert run.calls["send"].given["say"] == "Dear Madam"
    assert run.of_type(events.ConsentVoid) == []
    assert run.done("send").status == "succeeded"


def test_an_answer_to_another_digest_is_stale_and_changes_nothing() -> None:
    run = plain()
    rows = len(run.rows)
    with pytest.raises(StaleApproval):
        run.answer("ok", digest="0" * 64)
    assert len(run.rows) == rows
    assert run.waiting == ["ok"]


@pytest.mark.parametrize(("decision", "last"), [("approved", "sent"), ("rejected", "kept")])
def test_the_run_leaves_by_the_decision(decision: str, last: str) -> None:
    run = plain(editable={"reply": "nodes.draft.text", "n": "1"})
    run.answer("ok", decision, reason="Because.", reply="Edited")
    assert last in run.paths
    assert run.state.outputs["ok"] == {"decision": decision, "by": "Bea", "reason": "Because.", "values": {"reply": "Edited", "n": 1}}


def test_a_waiting_approval_holds_no_worker_and_says_what_it_waits_for() -> None:
    run = plain()
    assert (run.status, run.live, run.state.running) == ("waiting", [], 0)
    assert "ok" in run.reason and "inbox" in run.reason


def test_values_that_are_not_editable_are_refused() -> None:
    run = plain(editable={"n": "1"})
    with pytest.raises(Invalid, match="other"):
        run.answer("ok", other=1)
    assert run.answer("ok", n=2).state.outputs["ok"]["values"] == {"n": 2}


def test_the_first_answer_counts() -> None:
    run = plain()
    item = run.item("ok")
    run.answer("ok")
    with pytest.raises(AlreadyDecided):
        run.tell(Answered("ok", item.id, item.digest, "rejected", "cy", "Cy", {}, ""))
    assert "kept" not in run.paths


def test_an_answer_to_the_item_of_an_earlier_visit_is_refused() -> None:
    run = Trial.of(
        ["start", call("draft"), approval(), "end"],
        ["start -> draft", "draft -> ok", edge("ok.rejected -> draft", max_visits=3), "ok.approved -> end"],
    )
    run.done("draft#1")
    first = run.item("draft#1/ok")
    run.answer("draft#1/ok", "rejected").done("draft#2")
    with pytest.raises(AlreadyDecided):
        run.tell(Answered("draft#2/ok", first.id, first.digest, "approved", "cy", "Cy", {}, ""))
    with pytest.raises(AlreadyDecided):
        run.tell(Answered("draft#1/ok", first.id, first.digest, "approved", "cy", "Cy", {}, ""))
    assert run.answer("draft#2/ok").status == "succeeded"


# Expiry


@pytest.mark.parametrize(
    ("on_expire", "last", "decision"), [("expired", "late", "expired"), ("rejected", "kept", "rejected"), ("approved", "sent", "approved")]
)
def test_when_nobody_answers_in_time_the_run_goes_on_as_the_approval_says(on_expire: str, last: str, decision: str) -> None:
    run = plain(expires_after_s=60, on_expire=on_expire, editable={"n": "1"})
    run.wait(59)
    assert run.status == "waiting"
    run.wait(1)
    assert last in run.paths
    outputs = run.state.outputs["ok"]
    assert (outputs["decision"], outputs["by"], outputs["values"]) == (decision, None, {"n": 1})


def test_an_expiry_survives_a_restart() -> None:
    run = plain(expires_after_s=60).crash()
    assert run.wait(60).paths[-1] == "late"


def test_an_answer_just_before_the_expiry_counts_and_the_timer_changes_nothing() -> None:
    run = plain(expires_after_s=60)
    run.answer("ok")
    rows = len(run.rows)
    run.tell(TimerDue("ok", 1, "expire"))
    assert len(run.rows) == rows
    assert "late" not in run.paths


def test_a_timer_that_comes_early_changes_nothing() -> None:
    run = plain(expires_after_s=60)
    run.tell(TimerDue("ok", 1, "expire"))
    assert run.waiting == ["ok"]


def test_silence_that_counts_as_consent_lets_the_action_run() -> None:
    run = guarded(expires_after_s=60, on_expire="approved")
    run.wait(60)
    assert run.live == ["send"]


def test_an_expiry_whose_action_cannot_be_worked_out_any_more_fails_the_step_and_not_the_engine() -> None:
    run = Trial.of(
        ["start", call("x", retry={"attempts": 2}), call("h"), approval(action="send", expires_after_s=60, on_expire="approved"),
         call("send", say="{{ nodes.x.word }}"), "end"],
        ["start -> x", "x -> h", "h -> ok", "ok.approved -> send", "send -> end"],
    )  # fmt: skip
    run.done("x", word="hi").done("h")
    # As if another branch had replaced what the action reads.
    run.state.outputs["x"] = {}
    run.shadow.outputs["x"] = {}
    run.wait(60)
    assert run.status == "failed"
    assert "ok" in run.reason


# Several people


def test_a_quorum_of_two_needs_two_people() -> None:
    run = plain(approvers={"quorum": 2})
    run.answer("ok", by="bea")
    assert run.waiting == ["ok"]
    with pytest.raises(AlreadyDecided, match="already"):
        run.answer("ok", by="bea")
    run.reload().answer("ok", by="cy")
    assert run.status == "succeeded"
    assert run.of_type(events.Voted)[0].by == "bea"


def test_one_rejection_is_enough() -> None:
    run = plain(approvers={"quorum": 3})
    run.answer("ok", by="bea").answer("ok", "rejected", by="cy")
    assert "kept" in run.paths


def test_values_cannot_be_edited_where_several_have_to_agree() -> None:
    run = plain(approvers={"quorum": 2}, editable={"n": "1"})
    with pytest.raises(Invalid, match="several"):
        run.answer("ok", n=2)
    assert run.waiting == ["ok"]


def test_votes_start_anew_when_the_item_is_asked_anew() -> None:
    run = Trial.of(
        ["start", call("a"), approval(approvers={"quorum": 2}), "end"], ["start -> a", "start -> ok", "ok.approved -> end", "a -> end"]
    )
    run.answer("ok", by="bea").fails("a").resume().answer("ok", by="bea")
    assert run.waiting == ["ok"]
    run.answer("ok", by="cy").done("a")
    assert run.status == "succeeded"


# Consent that no longer fits


def with_a_first_word(**more) -> Trial:
    nodes = [
        "start", call("x0"), call("x", "again", "out"), call("hog", tokens=90), call("h"), approval(action="send"),
        call("send", say="{{ default(nodes.x.word, 'none') }}", tokens=50, **more), "kept", "end",
    ]  # fmt: skip
    edges = [
        "start -> hog", "start -> x0", "x0 -> x", edge("x.again -> x", max_visits=3), "start -> h", "h -> ok", "ok.approved -> send",
        "ok.rejected -> kept", "send -> end", *(["send.error -> kept"] if more.get("on_error") == "port" else []),
    ]  # fmt: skip
    run = Trial.of(nodes, edges, limits={"tokens": 100, "steps": 100})
    run.done("x0").done("x#1", "again", word="first").done("h")
    return run


def test_what_changed_while_the_card_waited_was_not_consented_to() -> None:
    run = with_a_first_word()
    shown = run.item("ok")
    assert shown.card["action"]["config"]["say"] == "first"
    # The word changes before the answer, not after it: whoever answers has still seen the first one.
    run.done("hog").done("x#2", "out", word="second").answer("ok")
    assert run.live == [] and run.waiting == ["ok"]
    assert run.item("ok").card["action"]["config"]["say"] == "second"
    run.answer("ok")
    assert run.calls["send"].given["say"] == "second"
    assert run.done("send").status == "succeeded"


def test_an_edited_answer_to_a_card_that_no_longer_holds_is_asked_again_too() -> None:
    run = Trial.of(
        ["start", call("x0"), call("x", "again", "out"), call("h"), approval(action="send", editable={"to": "'Ann'"}),
         call("send", say="{{ nodes.x.word }} {{ nodes.ok.values.to }}"), "end"],
        ["start -> x0", "x0 -> x", edge("x.again -> x", max_visits=3), "start -> h", "h -> ok", "ok.approved -> send", "send -> end"],
    ).done("x0").done("x#1", "again", word="first").done("h")  # fmt: skip
    run.done("x#2", "out", word="second").answer("ok", to="Bea")
    assert run.live == [] and run.waiting == ["ok"]
    run.answer("ok", to="Cy")
    assert run.calls["send"].given["say"] == "second Cy"


def test_the_time_of_the_card_is_no_change() -> None:
    run = Trial.of(
        ["start", approval(action="send"), call("send", say="{{ now }} {{ nodes.ok.by }}"), "end"],
        ["start -> ok", "ok.approved -> send", "send -> end"],
    )
    run.wait(3600).answer("ok")
    assert run.live == ["send"] and run.of_type(events.ConsentVoid) == []


def test_consent_to_something_else_than_what_would_run_is_void_and_asked_again() -> None:
    run = with_a_first_word()
    first = run.item("ok")
    run.answer("ok")
    assert "send" not in run.live and run.waiting == []
    run.done("x#2", "out", word="second").done("hog")
    assert run.live == []
    void = run.of_type(events.ConsentVoid)[0]
    assert void.approval == "ok"
    assert any("'void'" in sql and parameters == ("run_1", "ok", 1) for sql, parameters in run.statements)
    second = run.item("ok")
    assert (second.attempt, second.card["action"]["config"]["say"]) == (2, "second")
    assert second.id != first.id
    assert void.digest == second.digest


def voided(**more) -> Trial:
    run = with_a_first_word(**more)
    run.answer("ok").done("x#2", "out", word="second").done("hog")
    assert run.waiting == ["ok"]
    return run


def test_approving_the_second_time_lets_the_action_run() -> None:
    run = voided()
    run.answer("ok")
    assert run.live == ["send"]
    assert run.calls["send"].given["say"] == "second"
    run.done("send")
    assert run.status == "succeeded"
    assert run.paths.count("send") == 1


def test_rejecting_the_second_time_refuses_the_action() -> None:
    run = voided()
    run.answer("ok", "rejected")
    assert (run.status, run.live) == ("failed", [])
    assert run.state.failure is not None and run.state.failure["code"] == "consent_refused"
    assert "kept" not in run.paths


def test_an_action_that_was_refused_leaves_by_its_error_port() -> None:
    run = voided(on_error="port")
    run.answer("ok", "rejected")
    assert run.status == "succeeded"
    assert run.paths[-1] == "kept"
    assert run.state.outputs["send"]["error"]["code"] == "consent_refused"


def test_a_resumed_run_asks_again_what_was_refused_and_runs_nothing_without_consent() -> None:
    run = voided()
    run.answer("ok", "rejected").resume()
    assert run.live == []
    assert run.waiting == ["ok"]
    run.answer("ok")
    assert run.live == ["send"]


def test_what_was_asked_again_survives_a_restart() -> None:
    run = voided().crash()
    run.answer("ok")
    assert run.live == ["send"]
    assert run.done("send").status == "succeeded"


def test_what_was_asked_again_survives_the_failure_of_another_branch() -> None:
    run = with_a_first_word()
    run.answer("ok").done("x#2", "again", word="second").done("hog")
    assert run.waiting == ["ok"]
    run.fails("x#3")
    assert (run.status, run.waiting) == ("failed", [])
    run.reload().resume()
    assert run.waiting == ["ok"]
    run.answer("ok").done("x#3", "out", word="second").done("send")
    assert run.status == "succeeded"


def test_an_any_join_that_gives_up_the_action_gives_up_the_second_question_too() -> None:
    run = Trial.of(
        ["start", call("x0"), call("x", "again", "out"), call("hog", tokens=90), call("fast"), approval(action="send"),
         call("send", say="{{ default(nodes.x.word, 'none') }}", tokens=50), call("j", join="any"), "kept", "end"],
        ["start -> hog", "start -> fast", "start -> x0", "x0 -> x", edge("x.again -> x", max_visits=3), "start -> ok",
         "ok.approved -> send", "ok.rejected -> kept", "send -> j", "fast -> j", "j -> end"],
        limits={"tokens": 100},
    )  # fmt: skip
    run.done("x0").done("x#1", "again", word="first").answer("ok").done("x#2", "out", word="second").done("hog")
    assert run.waiting == ["ok"]
    run.done("fast")
    assert (run.waiting, run.live) == ([], ["j"])
    assert run.done("j").status == "succeeded"


def test_one_consent_allows_one_run_of_the_action() -> None:
    run = Trial.of(
        ["start", approval(action="send"), call("send", "again", "out"), "end"],
        ["start -> ok", "ok.approved -> send", edge("send.again -> send", max_visits=3), "send.out -> end"],
    )
    run.answer("ok").done("send#1", "again")
    assert run.status == "failed"
    assert run.state.failure is not None and run.state.failure["code"] == "stale_approval"


def test_a_retry_of_the_action_needs_no_second_consent() -> None:
    run = Trial.of(
        ["start", approval(action="send"), call("send", retry={"attempts": 2, "backoff_s": 1}), "end"],
        ["start -> ok", "ok.approved -> send", "send -> end"],
    )
    run.answer("ok").fails("send", Transient()).wait(1)
    assert run.live == ["send"]
    assert run.done("send").status == "succeeded"


def test_the_inbox_tells_what_became_of_the_action() -> None:
    run = guarded()
    run.answer("ok")
    acting = [parameters[0] for sql, parameters in run.statements if sql.startswith("UPDATE approvals SET status = ?, result")]
    run.done("send", sent=True)
    after = [parameters[:2] for sql, parameters in run.statements if sql.startswith("UPDATE approvals SET status = ?, result")]
    assert acting == ["acting"]
    assert after[-1] == ("done", '{"sent":true}')
    failed = guarded().answer("ok").fails("send")
    assert [p[0] for sql, p in failed.statements if sql.startswith("UPDATE approvals SET status = ?, result")] == ["acting", "failed"]


def test_a_card_that_cannot_be_made_fails_the_step() -> None:
    run = Trial.of(["start", approval(message="{{ inputs.gone }}"), "end"], ["start -> ok", "ok.approved -> end"])
    assert (run.status, run.items()) == ("failed", [])
    action = Trial.of(
        ["start", approval(action="send"), call("send", say="{{ inputs.gone }}"), "end"],
        ["start -> ok", "ok.approved -> send", "send -> end"],
    )
    assert (action.status, action.items()) == ("failed", [])


def test_an_edit_that_the_action_cannot_use_is_refused_and_can_be_answered_again() -> None:
    run = Trial.of(
        ["start", approval(action="send", editable={"n": "2"}), call("send", say="{{ 10 / nodes.ok.values.n }}"), "end"],
        ["start -> ok", "ok.approved -> send", "send -> end"],
    )
    with pytest.raises(ExpressionFailed):
        run.answer("ok", n=0)
    assert run.waiting == ["ok"]
    run.answer("ok", n=5)
    assert run.calls["send"].given["say"] == 2
