"""Requests that are no approvals: what a form, a limit and a doubt ask for, what typed text means, and what came of it."""

from typing import Any

import pytest

from app.pages.inbox.asked import WHOLE, Option, answers, asked, kind_of, refused
from app.pages.inbox.rows import request
from app.pages.inbox.state import Inbox
from app.pages.inbox.values import Fact
from app.ui.actions import needs_of
from engine import InboxCard, Permission
from engine.facade.approvals import needed_for
from tests.unit.app.test_inbox_words import ACTION, FIELDS, NOW, item, shown

SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["why", "amount"],
    "properties": {
        "amount": {"type": "number", "title": "Amount to refund", "description": "In euros."},
        "pieces": {"type": "integer", "default": 1},
        "letter": {"type": "string", "x-rows": 4, "default": "Dear Tom"},
        "agreed": {"type": "boolean"},
        "how": {"enum": ["transfer", 2, None], "default": "transfer"},
        "due": {"type": ["string", "null"], "format": "date"},
        "lines": {"type": "array", "items": {"type": "string"}},
        "why": {"type": "string"},
    },
}
OUTPUTS = {
    "type": "object",
    "required": ["receipt"],
    "properties": {"receipt": {"type": "string"}, "is_booked": {"type": "boolean", "title": "Is Booked"}},
}
FORM = {"type": "form", "choices": ["submit"], "fields": SCHEMA, "action": None, "editable": {}}
DOUBT = {"type": "in_doubt", "choices": ["done", "retry", "fail"], "editable": {}, "approvers": {}, "outputs": OUTPUTS}
LIMIT = {
    "type": "limit", "choices": ["extend", "cheaper", "stop"], "editable": {"cost_usd": 0.000002}, "action": None, "path": "", "step": "",
    "approvers": {},
    "title": "The limit cost_usd is reached",
    "message": "The limit cost_usd is reached: $1 of $1 used, and the next step needs more. Raise it and resume.",
}  # fmt: skip


def of(kind: dict[str, Any], **more: Any) -> InboxCard:
    return InboxCard(**FIELDS | kind | more)


# Fields


def test_a_form_is_drawn_from_its_schema_required_fields_first_in_their_own_order() -> None:
    fields = {one.name: one for one in asked(of(FORM), {"amount": "Fill this in."})}
    assert [(one.name, one.kind, one.is_required) for one in fields.values()] == [
        ("why", "text", True), ("amount", "number", True), ("pieces", "number", False), ("letter", "long", False),
        ("agreed", "choice", False), ("how", "choice", False), ("due", "date", False), ("lines", "json", False),
    ]  # fmt: skip
    assert (fields["amount"].label, fields["amount"].help, fields["amount"].problem) == ("Amount to refund", "In euros.", "Fill this in.")
    assert fields["amount"].told_by == "asked-1-help asked-1-problem"
    assert (fields["pieces"].original, fields["pieces"].help) == ("1", "Left empty, it is 1.")
    assert (fields["letter"].original, fields["how"].original, fields["agreed"].original) == ("Dear Tom", "0", "")
    assert fields["agreed"].options == [Option("", "Choose one"), Option("0", "yes"), Option("1", "no")]
    assert [option.word for option in fields["how"].options] == ["Choose one", "transfer", "2", "–"]
    assert "square" not in fields["lines"].help and '["red", "blue"]' in fields["lines"].help
    assert fields["why"].keep == "apr_1/why", "what was typed belongs to this request alone"


@pytest.mark.parametrize("schema", [{}, {"type": "object"}, {"anyOf": [{"type": "string"}, {"type": "number"}]}, {"$ref": "#/$defs/x"}])
def test_whatever_has_no_field_of_its_own_is_written_as_json(schema: dict[str, Any]) -> None:
    assert kind_of(schema) == "json"


def test_what_is_typed_becomes_values_of_the_types_that_are_asked_for() -> None:
    form = {
        "value.amount": " 12.50 ", "value.pieces": "3", "value.letter": "a\r\nb", "value.agreed": "1", "value.how": "1",
        "value.due": "2026-12-01", "value.lines": '["x"]', "value.why": "because", "value.other": "y", "item": "apr_1",
    }  # fmt: skip
    values, problems = answers(of(FORM), form)
    assert problems == {}
    assert values == {
        "amount": 12.5, "pieces": 3, "letter": "a\nb", "agreed": False, "how": 2, "due": "2026-12-01", "lines": ["x"], "why": "because",
    }  # fmt: skip
    assert answers(of(FORM), {"value.amount": "1", "value.why": "x"})[0] == {"amount": 1, "why": "x", "letter": ""}, "emptied on purpose"


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("amount", "", "Fill this in."),
        ("amount", "a lot", "Write a number"),
        ("pieces", "1.5", "whole number"),
        ("agreed", "7", "Choose one"),
        ("lines", '["x"', "A bracket"),
        ("lines", "{}", "square brackets"),
        ("why", "   ", "Fill this in."),
    ],
)
def test_what_cannot_be_taken_is_told_beside_its_field(name: str, text: str, words: str) -> None:
    form = {"value.amount": "1", "value.why": "x"} | {f"value.{name}": text}
    problems = answers(of(FORM), form)[1]
    assert list(problems) == [name] and words in problems[name]


def test_what_the_engine_refuses_stands_beside_its_field() -> None:
    told = [
        {"field": "values.amount", "message": "amount must be at least 0."},
        {"field": "values.lines[0]", "message": "lines[0] must be text."},
        {"field": "values", "message": "colour is not known."},
        {"field": "reason", "message": "Too long."},
    ]
    assert refused(told, of(FORM)) == {"amount": "Must be at least 0.", "lines": "Lines[0] must be text."}
    assert refused(None, of(FORM)) == refused(told, of({})) == {}
    dear = [{"field": "values.cost_usd", "message": "cost_usd must be above $1: that much is allowed already."}]
    assert refused(dear, of(LIMIT)) == {"cost_usd": "Must be above $1: that much is allowed already."}


def test_a_limit_asks_for_its_new_amount() -> None:
    (field,) = asked(of(LIMIT), {})
    assert (field.label, field.original, field.kind) == ("New money limit, in US dollars", "0.000002", "number")
    assert answers(of(LIMIT), {"value.cost_usd": "2"}) == ({"cost_usd": 2}, {})
    assert answers(of(LIMIT), {"value.cost_usd": ""}) == ({}, {"cost_usd": "Fill this in."})


def test_what_happened_may_be_told_by_the_names_of_the_kind_or_not_at_all() -> None:
    assert [(one.name, one.label, one.kind, one.is_required) for one in asked(of(DOUBT), {})] == [
        ("receipt", "Receipt", "text", False), ("is_booked", "Is booked", "choice", False),
    ]  # fmt: skip
    assert answers(of(DOUBT), {"value.receipt": "R-17", "value.is_booked": ""}) == ({"receipt": "R-17"}, {})
    assert answers(of(DOUBT), {}) == ({}, {})
    unknown = of(DOUBT, outputs=None)
    assert [(one.name, one.kind) for one in asked(unknown, {})] == [(WHOLE, "json")]
    assert answers(unknown, {"value.": '{"receipt": "R-17"}'}) == ({"receipt": "R-17"}, {})
    assert answers(unknown, {"value.": " "}) == ({}, {})
    assert list(answers(unknown, {"value.": "R-17"})[1]) == [WHOLE]
    assert refused([{"field": "values", "message": "it does not fit."}], unknown) == {WHOLE: "It does not fit."}


# Words


def test_a_form_says_what_it_wants_and_what_follows() -> None:
    found = shown(**FORM)
    assert found.sentence == "Refunds asks somebody to fill in a form. When it is sent, the run goes on with “Pay it”."
    assert (found.question, found.who) == ("What is filled in", "Who may fill it in")
    assert [(stop.word, stop.tone) for stop in found.stations] == [("You fill it in", "waiting"), ("Pay it", ""), ("Paid", "")]
    assert "nobody fills it in" in shown(**FORM, expires_at="2026-11-25T09:56:00Z").silence
    done = shown(**FORM, status="done", decision="submitted", result={"amount": 5, "reason": "x"}, decided_by="u1", run_status="succeeded")
    assert (done.outcome, done.word, done.is_moving) == ("Filled in", "Filled in", False)
    assert done.result == [Fact("Amount", "5"), Fact("Reason", "x")]
    assert [stop.tone for stop in done.stations] == ["done", "done", "done"]


def test_a_limit_is_told_without_the_names_that_programs_use() -> None:
    found = shown(**LIMIT, after=[])
    assert (found.title, found.message, found.step) == ("The money limit is reached", "The money limit is reached: $1 of $1 used.", "")
    assert [(one.word, one.is_first) for one in found.choices] == [
        ("Raise the limit and go on", True), ("Go on with a cheaper model", False), ("Stop here", False),
    ]  # fmt: skip
    assert all(one.means for one in found.choices)
    assert [one.label for one in found.deciders] == ["Everybody with the role operator"]
    raised = shown(**LIMIT, after=[], status="done", decision="extend", result={"cost_micro": 2_000_000}, decided_by="u1")
    assert (raised.outcome, raised.result) == ("The limit was raised", [Fact("New money limit", "$2.00")])
    row = request(item(**LIMIT | {"status": "done", "decision": "stop"}), now=NOW)
    assert (row.title, row.word, row.step) == ("The money limit is reached", "Stopped", "")


def test_a_loop_without_rounds_left_asks_for_as_many_again() -> None:
    message = "The loop draft#2 has used up its visits. Resume to allow as many again, or draw on_exhausted."
    found = shown(
        **LIMIT | {"title": "A loop has used up its visits", "message": message, "editable": {}, "choices": ["extend", "stop"]}, after=[]
    )
    assert (found.title, found.choices[0].word) == ("A loop has used up its rounds", "Allow as many rounds again")
    assert "draft" not in found.message and "round" in found.message


def test_a_doubt_shows_what_was_called_and_what_came_of_it() -> None:
    message = "It got no answer: It took longer than 3 s.. Nobody knows whether it happened: look there, then say so."
    found = shown(**DOUBT, message=message, action=ACTION, cannot_be_undone=True, after=[])
    assert found.sentence == "Refunds called “Pay it” and got no answer. The run waits until somebody says what came of it."
    assert (found.action_head, found.tone) == ("Exactly this was called", "doubt")
    assert "3 s. Nobody knows" in found.message
    assert [one.word for one in found.choices] == ["It happened", "It did not happen: do it now", "It did not happen: let it fail"]
    assert not any(one.is_first for one in found.choices), "nobody says by accident what happened"
    done = shown(**DOUBT, status="done", decision="done", result={"receipt": "R-17"}, decided_by="u2", decided_by_name="Priya", after=[])
    assert (done.outcome, done.result) == ("It happened", [Fact("Receipt", "R-17")])
    assert [stop.word for stop in done.stations] == ["It happened, by Priya"]
    for decision, word in (("retry", "Done again"), ("fail", "It did not happen")):
        assert shown(**DOUBT, status="done", decision=decision, decided_by="u1", after=[]).word == word


# Who may


@pytest.mark.parametrize(
    ("handler", "kind"), [("fill_in", "form"), ("say_what_happened", "in_doubt"), ("answer_limit", "limit"), ("choose", "proposal")]
)
def test_each_type_is_answered_by_whoever_the_engine_lets_answer_it(handler: str, kind: str) -> None:
    needs = needs_of(Inbox.event_handlers[handler].fn)
    assert needs is not None and needs.permission == needed_for(kind)
    assert needs.permission in (Permission.APPROVAL_DECIDE, Permission.RUN_CONTROL, Permission.RUN_RAISE_LIMITS)
