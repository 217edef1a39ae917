"""What the inbox says: rows, cards, what was changed, and what typed text means."""

from datetime import UTC, datetime
from typing import Any

import pytest

from app.pages.inbox.cards import card, editables
from app.pages.inbox.rows import oldest, request, requests
from app.pages.inbox.values import Fact, Part, as_text, changes, edits, facts, parsed, plain, typed
from engine import Actor, InboxCard, InboxItem, Role

NOW = datetime(2026, 11, 25, 9, 30, tzinfo=UTC)
ANN = Actor("user", "u1", "Ann Lee", "ann@example.com", frozenset({Role.APPROVER}), "main", "u1")
ACTION = {"node": "pay", "kind": "notify", "title": "Pay it", "config": {"subject": "Refund", "message": "Dear Tom"}}
FIELDS: dict[str, Any] = {
    "id": "apr_1", "run_id": "run_1", "path": "ok", "workflow": "wf_1", "workflow_name": "Refunds", "type": "approval", "status": "pending",
    "choices": ["approve", "reject"], "title": "Refund Tom?", "message": "He asks.", "digest": "d", "opened_at": "2026-11-25T09:26:00Z",
    "expires_at": None, "step": "Ask the lead", "version": 3, "spent": {"cost_usd": 0.021}, "limits": {"cost_usd": 0.38},
    "run_status": "waiting", "may_decide": True, "action": ACTION, "editable": {"reply": "Dear Tom"},
    "approvers": {"roles": ["approver"], "users": [], "quorum": 1, "four_eyes": False},
}  # fmt: skip


def item(**more: Any) -> InboxItem:
    return InboxItem(**FIELDS | more)


def shown(**more: Any) -> Any:
    decided = {} if more.get("status", "pending") == "pending" else {"decided_at": "2026-11-25T09:29:00Z", "may_decide": False}
    return card(InboxCard(**FIELDS | {"after": ["Pay it", "Paid"], "action_kind": "Notify"} | decided | more), me=ANN, now=NOW)


# The list


def test_a_row_says_what_waits_since_when_until_when_and_what_it_is_worth() -> None:
    row = request(item(expires_at="2026-11-25T09:56:00Z"), now=NOW)
    assert (row.title, row.workflow, row.step) == ("Refund Tom?", "Refunds", "Ask the lead")
    assert (row.tone, row.word, row.due, row.stake) == ("waiting", "Waiting 4 min", "26 min", "$0.0210 of $0.38")
    assert request(item(show={"amount": 1240}), now=NOW).stake == "1,240"
    assert request(item(expires_at="2026-11-25T09:00:00Z"), now=NOW).due == "Overdue"
    assert request(item(title=""), now=NOW).title == "A decision is needed"


@pytest.mark.parametrize(
    ("status", "tone", "word"),
    [
        ("approved", "done", "Approved"),
        ("acting", "running", "Running"),
        ("failed", "failed", "Failed"),
        ("in_doubt", "doubt", "In doubt"),
        ("rejected", "skipped", "Rejected"),
        ("expired", "skipped", "Expired"),
        ("void", "skipped", "Asked again"),
        ("cancelled", "skipped", "Not needed"),
        ("held_back", "skipped", "Held back"),
    ],
)
def test_what_no_longer_waits_stays_with_its_own_word(status: str, tone: str, word: str) -> None:
    row = request(item(status=status, decided_at="2026-11-25T09:25:00Z"), now=NOW)
    assert (row.tone, row.word, row.due, row.group) == (tone, word, "5 min ago", "No longer waiting")


def test_other_types_say_what_kind_of_thing_waits() -> None:
    assert [request(item(type=kind), now=NOW).tone for kind in ("form", "limit", "in_doubt", "proposal")] == [
        "waiting", "limit", "doubt", "waiting",
    ]  # fmt: skip
    assert request(item(type="proposal"), now=NOW).word == "Proposal 4 min"


def test_several_people_that_have_to_agree_are_counted() -> None:
    row = request(item(approvers={"quorum": 2}, votes=["u7"]), now=NOW)
    assert row.told == "1 of 2 agreed"


def test_what_is_due_first_stands_first_under_its_heading() -> None:
    late, soon, never = "2026-12-02T09:00:00Z", "2026-11-25T12:00:00Z", None
    items = [item(id=name, expires_at=at) for name, at in (("c", never), ("b", late), ("a", soon), ("d", never))]
    rows = requests(items, now=NOW, new={"b"})
    assert [(row.id, row.group) for row in rows] == [("a", "Due within a day"), ("b", "Later"), ("c", "No due time"), ("d", "")]
    assert [row.id for row in rows if row.is_new] == ["b"]
    assert oldest(1204, items[0].opened_at, now=NOW) == "1,204 open, oldest 4 min"
    assert oldest(0, None, now=NOW) == "Nothing is open"


# The card


def test_a_card_says_in_one_sentence_what_a_decision_does_and_shows_the_action_whole() -> None:
    found = shown(message="<b>Pay a million</b>")
    assert "Refunds asks to run “Pay it”" in found.sentence and "it sends a message" in found.sentence
    assert "million" not in found.sentence, "what a model says is no action"
    assert found.action_facts == [Fact("Subject", "Refund"), Fact("Message", "Dear Tom")]
    assert (found.cost, found.limit, found.percent, found.needed) == ("$0.0210", "$0.38", 6, "One is enough")
    assert [stop.word for stop in found.stations] == ["You decide", "Pay it", "Paid"]
    assert shown(action=None).sentence.endswith("the decision itself does nothing else.")


def test_the_card_stays_and_tells_how_far_the_action_is() -> None:
    mine = {"decided_by": "u1", "decided_by_name": "Ann Lee", "decision": "approved"}
    acting = shown(status="acting", run_status="running", **mine)
    assert (acting.outcome, acting.is_moving, acting.may_decide) == ("Approved, running now", True, False)
    assert [(stop.word, stop.tone) for stop in acting.stations] == [("Approved by you", "done"), ("Pay it", "running"), ("Paid", "")]
    done = shown(status="done", run_status="succeeded", result={"delivered": True}, ran={"message": "Dear Madam"}, **mine)
    assert (done.outcome, done.is_moving, done.result) == ("Approved and done", False, [Fact("Delivered", "yes")])
    assert (done.action_head, done.action_facts) == ("Exactly this ran", [Fact("Message", "Dear Madam")])
    assert [stop.tone for stop in done.stations] == ["done", "done", "done"]
    failed = shown(status="failed", result={"error": {"message": "The desk is closed.", "hint": "Try tomorrow."}}, **mine)
    assert failed.outcome_text.endswith("“Pay it” failed: The desk is closed. Try tomorrow.")
    doubt = shown(status="in_doubt", result=None, **mine)
    assert "a person must check" in doubt.outcome_text and doubt.tone == "doubt"


def test_a_card_of_a_test_run_does_not_claim_that_anything_is_sent() -> None:
    simulated = {"action": ACTION | {"simulated": True}, "cannot_be_undone": True, "mode": "test"}
    asked = shown(**simulated)
    assert "in a test run. Nothing leaves Signalbox" in asked.sentence
    assert (asked.is_final, asked.is_simulated, asked.action_head) == (False, True, "Exactly this would happen in a live run")
    done = shown(status="done", run_status="succeeded", ran={"message": "Dear Madam"}, decided_by="u1", **simulated)
    assert done.outcome == "Approved and simulated" and done.outcome_text.endswith("nothing was sent.")
    assert done.action_head == "Exactly this would happen in a live run"
    assert shown(cannot_be_undone=True).is_final and not shown(cannot_be_undone=True).is_simulated


def test_an_approval_whose_run_was_stopped_does_not_claim_to_go_on() -> None:
    found = shown(status="approved", run_status="stopped", run_reason="The money limit is reached.", decided_by="u1")
    assert found.outcome == "Approved, but the run does not go on" and not found.is_moving
    assert "The money limit is reached." in found.outcome_text and "“Pay it” has not run" in found.outcome_text


def test_what_others_decided_is_told_with_their_name() -> None:
    found = shown(status="rejected", decided_by="u2", decided_by_name="Priya Shah", reason="Not our customer.")
    assert found.outcome_text == "Priya Shah decided this 1 min ago. Nothing was done."
    assert (found.reason, found.stations[0].word) == ("Not our customer.", "Rejected by Priya Shah")


@pytest.mark.parametrize(("means", "words"), [("expired", "goes on without it"), ("approved", "as approved"), ("rejected", "as rejected")])
def test_what_silence_means_is_said_before_and_after(means: str, words: str) -> None:
    assert words in shown(on_expire=means, expires_at="2026-11-25T09:56:00Z").silence
    assert shown(on_expire=means).silence == ""
    assert shown(on_expire=means, status="expired").outcome == "Nobody decided in time"


def test_a_type_without_a_card_of_its_own_offers_its_choices() -> None:
    found = shown(type="proposal", choices=["submit", "ask_ann"], action=None)
    assert [choice.word for choice in found.choices] == ["Submit", "Ask ann"]
    assert found.sentence == "Refunds waits for a person."


def test_who_may_decide_is_told_by_role_name_and_number() -> None:
    found = shown(
        approvers={"roles": ["approver"], "users": ["ann@example.com", "cfo@example.com"], "quorum": 2}, votes=["x"], agreed=["Bea"]
    )
    assert [(one.label, one.text) for one in found.deciders] == [
        ("Everybody with the role approver", ""), ("You", ""), ("cfo@example.com", ""), ("Bea", "agreed"),
    ]  # fmt: skip
    assert found.needed == "1 of 2 agreed"


# Values


def test_values_within_values_are_told_whole() -> None:
    value = {"to": ["a@x", "b@x"], "order": {"id": 7, "lines": [{"what": "Tea"}, "gift"]}, "paid": False, "note": None, "empty": {}}
    assert [(one.label, one.text) for one in facts(value)] == [
        ("To", "a@x, b@x"), ("Order · id", "7"), ("Order · lines · 1 · what", "Tea"), ("Order · lines · 2", "gift"),
        ("Paid", "no"), ("Note", "–"), ("Empty", "{}"),
    ]  # fmt: skip


def test_nothing_in_an_action_can_hide_or_turn_its_text_round() -> None:
    assert plain("pay \u202e001 \u200bEUR\nnow\t!") == "pay ⟨U+202E⟩001 ⟨U+200B⟩EUR\nnow\t!"
    assert plain("pay\u200dpal \U000e0041") == "pay⟨U+200D⟩pal ⟨U+E0041⟩"
    assert plain("👨\u200d👩\u200d👧 می\u200cشود") == "👨\u200d👩\u200d👧 می\u200cشود"
    assert request(item(title="Pay \u202eTom"), now=NOW).title == shown(title="Pay \u202eTom").title == "Pay ⟨U+202E⟩Tom"
    assert facts({"iban": "DE\u206612"})[0].text == "DE⟨U+2066⟩12"


@pytest.mark.parametrize(
    ("original", "text", "value"),
    [
        ("Dear Sir", "Dear Madam", "Dear Madam"),
        ("a\nb", "a\r\nb", "a\nb"),
        (None, "x", "x"),
        (None, "", None),
        (86.4, "90", 90),
        (86.4, "90.25", 90.25),
        (3, "+4", 4),
        (True, "false", False),
        ([1, 2], "[1, 2, 3]", [1, 2, 3]),
        ({"a": 1}, '{"a": 2}', {"a": 2}),
    ],
)
def test_typed_text_becomes_a_value_of_the_same_type(original: Any, text: str, value: Any) -> None:
    assert parsed(text, original) == value
    assert parsed(as_text(original), original) == original


@pytest.mark.parametrize(
    ("original", "text"), [(1, "1,240"), (1, "€5"), (1, ""), (1, "nan"), (True, "maybe"), ([1], "[1"), ([1], "{}"), ({}, "[" * 5000)]
)
def test_text_that_cannot_be_such_a_value_is_told_in_words(original: Any, text: str) -> None:
    with pytest.raises(ValueError, match=r"^[A-Z].*\.$"):
        parsed(text, original)


def test_only_what_differs_is_sent_and_what_is_wrong_is_named() -> None:
    editable = {"reply": "a", "amount": 5, "gift": True, "untouched": "x"}
    form = {"value.reply": "b", "value.amount": "five", "value.gift": "true", "item": "apr_1", "value.other": "y", "value.untouched": 7}
    values, problems = typed(editable, form)
    assert values == {"reply": "b"} and list(problems) == ["amount"]


def test_changes_are_shown_word_by_word() -> None:
    parts = changes("thanks for so quickly. I have blocked it", "thanks for quickly. I am blocking it now")
    assert "".join(part.text for part in parts if part.kind != "ins") == "thanks for so quickly. I have blocked it"
    assert "".join(part.text for part in parts if part.kind != "del") == "thanks for quickly. I am blocking it now"
    assert Part("ins", " now") in parts
    assert changes("we have blocked it", "we are blocking it") == [
        Part("same", "we "), Part("del", "have blocked"), Part("ins", "are blocking"), Part("same", " it"),
    ]  # fmt: skip
    assert edits(changes("a b c", "a x c")) == 1 and edits(changes("a b c", "x b y")) == 2
    assert changes("a ", "b ") == [Part("del", "a"), Part("ins", "b"), Part("same", " ")]
    assert (edits(changes("same", "same")), changes("", ""), edits(changes("", "new"))) == (0, [], 1)


def test_a_very_long_text_is_told_as_changed_without_comparing_every_word() -> None:
    old = "word " * 5000
    assert [part.kind for part in changes(old, old + "end")] == ["del", "ins"]


def test_what_is_typed_shows_until_it_is_decided_and_then_what_was_decided() -> None:
    waiting = InboxCard(**FIELDS | {"editable": {"n": 5, "gift": True, "reply": "Dear Tom"}})
    fields = editables(waiting, {"reply": "Dear Ann"}, {"n": "Write a number."})
    assert [(one.name, one.kind, one.edits, one.problem) for one in fields] == [
        ("reply", "text", "1 edit", ""), ("n", "number", "", "Write a number."), ("gift", "choice", "", ""),
    ]  # fmt: skip
    assert fields[0].keep == "run_1/ok/reply", "a request that is asked again finds what was typed"
    decided = waiting.model_copy(update={"status": "done", "values": {"n": 5, "gift": False, "reply": "Dear Tom"}})
    assert [one.edits for one in editables(decided, {"reply": "typed too late"}, {})] == ["", "", "1 edit"]


# What an agent wants to call


def asked_call(**more: Any) -> dict[str, Any]:
    rules = [
        {"that": "arguments.amount <= 50", "because": "At most $50.", "otherwise": "stop", "holds": True},
        {"that": "results[0].age < 24", "because": "Only new orders.", "otherwise": "ask", "holds": False},
        {"that": "results[0].vip", "because": "Only regulars.", "otherwise": "ask", "holds": None, "unknown": "`vip` has no value"},
    ]
    call = {"tool": "refund", "arguments": {"order": "7"}, "reason": "Only new orders.", "said": "I refund it.", "rules": rules}
    config = {"tool": "refund", "arguments": {"order": "7"}, "digest": "d", "cost_micro": 0, "effect": "unsafe", "is_counted": False}
    action = {"node": "desk.asked", "kind": "tool", "title": "Tool", "config": config}
    show = {rule["that"]: "holds" for rule in rules} | {"amount": 40}
    return {
        "call": call,
        "action": action,
        "step": "Refund desk",
        "title": "Let the agent call refund?",
        "show": show,
        "after": ["refund"],
        **more,
    }


def test_a_call_of_an_agent_says_in_one_sentence_what_will_happen_and_shows_only_what_it_is_called_with() -> None:
    told = shown(**asked_call(cannot_be_undone=True))
    assert told.title == "Refund desk wants to call refund"
    assert told.sentence.startswith("If you approve, refund is called once, with exactly what stands below")
    assert (told.action, told.action_facts) == ("refund", [Fact("Order", "7")])
    assert (told.message, told.why.said_by) == ("I refund it.", "Refund desk says")
    assert [station.word for station in told.stations] == ["You decide", "refund"]
    tried = shown(**asked_call(action=asked_call()["action"] | {"simulated": True}))
    assert "nothing leaves Signalbox" in tried.sentence
    assert request(item(**{k: v for k, v in asked_call().items() if k in ("action", "step", "title", "show")}), now=NOW).title == told.title


def test_the_rules_of_a_call_speak_for_and_against_it() -> None:
    told = shown(**asked_call()).why
    assert [(one.word, one.because) for one in told.against] == [
        ("Does not hold", "Only new orders."),
        ("Cannot be said", "Only regulars."),
    ]
    assert [one.because for one in told.speaks_for] == ["At most $50."]
    # The rules say why somebody is asked; a reason beside them is told.
    assert told.asked == ""
    policy = asked_call()["call"] | {"reason": "refund needs a person's consent."}
    assert shown(**asked_call(call=policy)).why.asked == "refund needs a person's consent."
    bare = {"that": "arguments.order != ''", "because": "This does not hold: arguments.order != ''.", "otherwise": "stop", "holds": True}
    assert shown(**asked_call(call=policy | {"rules": [bare]})).why.speaks_for[0].because == "arguments.order != ''"
    # What a card shows beside its rules stays.
    assert shown(**asked_call()).evidence == [Fact("Amount", "40")]
    assert (shown().why.against, shown().why.said_by) == ([], "Message, may be written by a model")
