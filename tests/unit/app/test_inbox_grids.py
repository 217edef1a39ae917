"""The approvals of one map box: one row of the list, and one grid of lines; what is sent of it, and what is refused."""

from typing import Any

import pytest

from app.pages.inbox import grids
from app.pages.inbox.grid_state import Grid
from app.pages.inbox.grids import Decision, decisions, edited_columns, head, lines, refusal, shown_columns, told
from app.pages.inbox.rows import requests
from app.pages.inbox.state import GRID
from app.pages.inbox.values import Fact
from app.ui.actions import needs_of
from engine import InboxBox, InboxCard, InboxGrid, InboxItem, Permission
from engine.facade.boxes import box_of, grid_of, number_of, order_of
from tests.unit.app.test_inbox_words import ACTION, ANN, FIELDS, NOW


def box(number: int, **more: Any) -> InboxBox:
    return InboxBox(grid="run_1-ok", number=str(number), title="Every order", **more)


def boxed(number: int, **more: Any) -> Any:
    fields = {"id": f"apr_{number}", "path": f"each[{number - 1}]/ok", "box": box(number)}
    return InboxItem(**FIELDS | fields | more)


def card(number: int, **more: Any) -> InboxCard:
    return InboxCard(**boxed(number, action=None, editable={}).model_dump() | more)


def grid(*items: InboxCard, **more: Any) -> InboxGrid:
    fields = {"name": "run_1-ok", "asks": "Refund Tom?", "about": items[0], "items": items, "at": 0, "total": len(items)}
    return InboxGrid(**fields | {"waiting": len(items), "oldest_at": "2026-11-25T09:26:00Z"} | more)


def drawn(*items: InboxCard, **more: Any) -> list[grids.Line]:
    return lines(grid(*items, **more), me=ANN, now=NOW)


# Which belong together


@pytest.mark.parametrize(
    ("path", "number", "around", "order"),
    [
        ("each[0]/ok", "1", "each", (0,)),
        ("each[11]/ok", "12", "each", (11,)),
        ("outer[1]/each[4]/ok", "2.5", "each", (1, 4)),
        ("draft#2/each[0]/ok", "1", "each", (2, 0)),
        ("each[0]/draft#1/ok", "1", "each", (0, 1)),
        ("each[0]/draft#3/ok", "1, round 3", "each", (0, 3)),
        ("each[0]/ok#2", "1, round 2", "each", (0, 2)),
    ],
)
def test_a_path_tells_the_grid_the_box_the_item_and_its_place(path: str, number: str, around: str, order: tuple[int, ...]) -> None:
    assert (grid_of("approval", "run_1", path), number_of(path), box_of(path), order_of(path)) == ("run_1-ok", number, around, order)
    assert GRID in grid_of("approval", "run_1", path)


@pytest.mark.parametrize(
    ("type", "path"), [("approval", "ok"), ("approval", "draft#2/ok"), ("form", "each[0]/ok"), ("limit", ""), ("in_doubt", "each[0]/ok")]
)
def test_other_types_and_what_stands_in_no_box_have_no_grid(type: str, path: str) -> None:
    assert grid_of(type, "run_1", path) == ""


# The row


def test_approvals_of_one_box_are_one_row_with_their_number_and_the_oldest_wait() -> None:
    items = [boxed(1), boxed(2, opened_at="2026-11-25T09:20:00Z"), boxed(3), InboxItem(**FIELDS)]
    rows = requests(items, now=NOW, new=set())
    assert [(row.key, row.title) for row in rows] == [("run_1-ok", "Refund Tom? · 3 to decide"), ("apr_1", "Refund Tom?")]
    assert (rows[0].workflow, rows[0].step, rows[0].word, rows[0].told) == ("Refunds", "Every order", "Waiting 10 min", "run of version 3")
    assert (rows[0].stake, rows[0].grid, rows[0].id) == ("$0.0210 of $0.38", "run_1-ok", "apr_2")


def test_a_single_one_is_an_ordinary_row() -> None:
    (row,) = requests([boxed(7)], now=NOW, new={"run_1-ok"})
    assert (row.key, row.title, row.step, row.grid) == ("apr_7", "Refund Tom?", "Ask the lead", "run_1-ok")
    assert row.is_new, "what is new is known by its grid, so that it is not new again when the others are decided"


def test_other_runs_other_steps_and_what_is_decided_stay_apart() -> None:
    other_run = boxed(2, box=InboxBox(grid="run_2-ok", number="2"))
    decided = boxed(3, status="rejected", decided_at="2026-11-25T09:25:00Z")
    rows = requests([boxed(1), other_run, decided, boxed(4, status="done", id="apr_4")], now=NOW, new=set())
    assert [row.key for row in rows] == ["apr_1", "apr_2", "apr_3", "apr_4"]


def test_one_that_stands_for_all_tells_how_many_there_are() -> None:
    first = boxed(1, box=box(1, asks="Ask the lead", waiting=1204, oldest_at="2026-11-25T09:00:00Z"))
    (row,) = requests([first], now=NOW, new=set())
    assert (row.key, row.title, row.word) == ("run_1-ok", "Ask the lead · 1,204 to decide", "Waiting 30 min")
    (others,) = requests([first.model_copy(update={"may_decide": False})], now=NOW, new=set())
    assert others.title == "Ask the lead · 1,204 waiting"


def test_different_questions_are_told_by_their_step() -> None:
    (row,) = requests([boxed(1), boxed(2, title="Refund Ann?")], now=NOW, new=set())
    assert row.title == "Ask the lead · 2 to decide"


# The grid


def test_columns_are_all_names_that_a_line_shows_a_value_under() -> None:
    found = grid(card(1, show={"customer": "Tom", "amount": 5}), card(2, show={"amount": 7.5, "is_new": True}))
    assert [(one.name, one.label, one.is_number) for one in shown_columns(found)] == [
        ("customer", "Customer", False), ("amount", "Amount", True), ("is_new", "Is new", False),
    ]  # fmt: skip
    first, second = lines(found, me=ANN, now=NOW)
    assert (first.cells, second.cells) == ({"customer": "Tom", "amount": "5"}, {"amount": "7.5", "is_new": "yes"})


def test_what_has_no_column_stands_below_its_line() -> None:
    (line,) = drawn(card(1, show={f"v{n}": n for n in range(grids.MOST_COLUMNS + 1)}))
    assert len(line.cells) == grids.MOST_COLUMNS
    assert line.more == [Fact(f"V{grids.MOST_COLUMNS}", str(grids.MOST_COLUMNS))]


def test_a_line_shows_what_waits_the_action_whole_and_what_may_be_edited() -> None:
    (line,) = drawn(card(1, action=ACTION, editable={"reply": "Dear Tom", "gift": False}, cannot_be_undone=True, message="Pay \u202e!"))
    assert (line.number, line.title, line.word, line.tone, line.by) == ("1", "", "Waiting 4 min", "waiting", "")
    assert line.acts == [Fact("Subject", "Refund"), Fact("Message", "Dear Tom")]
    assert (line.acts_word, line.is_final, line.message) == ("Exactly what “Pay it” does", True, "Pay ⟨U+202E⟩!")
    assert [(one.name, one.kind, one.original, one.text) for one in line.fields] == [
        ("reply", "text", "Dear Tom", "Dear Tom"), ("gift", "choice", "false", "no"),
    ]  # fmt: skip
    assert line.fields[0].keep == "run_1/each[0]/ok/reply", "the card and the grid keep one draft"
    assert [one.label for one in edited_columns(grid(card(1, editable={"n": 1}), card(2, editable={"reply": "x"})))] == ["N", "Reply"]


@pytest.mark.parametrize(
    ("fields", "word", "by", "note"),
    [
        ({"status": "approved"}, "Approved", "by you", ""),
        ({"status": "acting", "run_status": "running"}, "Running", "approved by you", ""),
        ({"status": "done"}, "Done", "approved by you", ""),
        ({"status": "rejected", "reason": "No."}, "Rejected", "by you", "Reason: No."),
        ({"status": "rejected", "decided_by": "u2", "decided_by_name": "Priya"}, "Rejected", "by Priya", ""),
        ({"status": "failed", "result": {"error": {"message": "Closed."}}}, "Failed", "approved by you", "It failed: Closed."),
        ({"status": "cancelled", "decided_by": None}, "Not needed", "", ""),
    ],
)
def test_a_decided_line_tells_what_came_of_it(fields: dict[str, Any], word: str, by: str, note: str) -> None:
    (line,) = drawn(card(1, **{"decided_by": "u1", "decision": "approved", "may_decide": False, "action": ACTION} | fields))
    assert (line.word, line.by, line.note, line.may_decide) == (word, by, note, False)
    assert line.is_moving is (fields["status"] == "acting")


def test_a_decided_line_shows_what_was_decided_and_what_ran() -> None:
    changes = {"values": {"reply": "Dear Madam"}, "ran": {"message": "Dear Madam"}}
    (line,) = drawn(card(1, status="done", decided_by="u1", action=ACTION, editable={"reply": "Dear Tom"}, **changes))
    assert (line.fields[0].text, line.acts) == ("Dear Madam", [Fact("Message", "Dear Madam")])
    assert line.acts_word == "Exactly what “Pay it” was told"
    assert drawn(card(1, status="rejected", action=ACTION))[0].acts_word == "What “Pay it” would have done"


def test_several_that_have_to_agree_are_counted_on_the_line() -> None:
    (line,) = drawn(card(1, approvers={"quorum": 2}, votes=["u1"], may_decide=False, may_not="You have agreed already."))
    assert (line.by, line.may_not) == ("1 of 2 agreed", "You have agreed already.")


def test_the_head_says_what_the_decisions_do_and_which_lines_are_drawn() -> None:
    found = head(grid(card(1, action=ACTION), total=104, at=50, waiting=3), now=NOW)
    assert "Refunds asks once for each item of “Every order”." in found.sentence and "it sends a message" in found.sentence
    assert (found.word, found.place, found.oldest, found.action) == ("3 to decide", "51–100 of 104", "4 min", "Pay it")
    assert (found.version, found.deciders) == ("version 3", "Everybody with the role approver")
    done = head(grid(card(1), waiting=0, oldest_at=None), now=NOW)
    assert (done.word, done.tone, done.place, done.oldest) == ("Nothing waits", "skipped", "", "")
    assert done.sentence.endswith("Each item goes on by itself as soon as it is decided.")
    assert "nothing leaves Signalbox" in head(grid(card(1, action=ACTION | {"simulated": True})), now=NOW).sentence


# Deciding


def test_what_is_sent_holds_the_digest_that_was_shown_and_only_what_was_changed() -> None:
    items = {"apr_1": card(1, editable={"n": 5, "reply": "a"}), "apr_2": card(2, editable={"n": 5})}
    changed = {"id": "apr_1", "digest": "seen", "texts": {"n": "5", "reply": "b", "other": "x"}}
    wrong = {"id": "apr_2", "digest": "d", "texts": {"n": "five"}}
    form = {"decision": "approve", "lines": [changed, wrong]}
    sent, problems = decisions(form, items)
    assert sent == [Decision("apr_1", "approve", "seen", {"reply": "b"})]
    assert list(problems) == ["apr_2"] and problems["apr_2"].startswith("N: Write a number")
    assert sent[0].as_entry() == {"id": "apr_1", "decision": "approve", "digest": "seen", "reason": "", "values": {"reply": "b"}}


def test_a_rejection_needs_a_reason_and_sends_no_edits() -> None:
    form = {"decision": "reject", "lines": [{"id": "apr_1", "digest": "d", "texts": {"n": "five"}}]}
    items = {"apr_1": card(1, editable={"n": 5})}
    assert decisions(form | {"reason": " \n"}, items) == ([], {"apr_1": grids.REASONLESS})
    assert decisions(form | {"reason": " No. "}, items) == ([Decision("apr_1", "reject", "d", reason="No.")], {})


@pytest.mark.parametrize(
    "form",
    [
        {},
        {"decision": "approve"},
        {"decision": "approve", "lines": "apr_1"},
        {"decision": "approve", "lines": [None, 7, "apr_1", {"id": "apr_9"}, {"id": ["apr_1"]}]},
        {"decision": "submit", "lines": [{"id": "apr_1"}]},
    ],
)
def test_what_a_page_did_not_show_is_never_decided(form: dict[str, Any]) -> None:
    assert decisions(form, {"apr_1": card(1)}) == ([], {})


def test_a_refusal_is_told_in_words_and_what_came_of_all_is_counted() -> None:
    assert "has changed since you looked" in refusal({"code": "stale_approval"})
    assert "somebody was faster" in refusal({"code": "already_decided"})
    assert refusal({"code": "not_allowed", "message": "Not you.", "hint": "Ask Ann."}) == "Nothing was decided. Not you. Ask Ann."
    assert (told("approve", 2, 0), told("reject", 1, 2)) == ("2 approved.", "1 rejected. 2 not: look at their lines.")


@pytest.mark.parametrize("handler", ["decide", "open", "refresh", "turn", "type"])
def test_only_deciding_needs_more_than_looking(handler: str) -> None:
    needs = needs_of(Grid.event_handlers[handler].fn)
    assert needs is not None and needs.permission == (Permission.APPROVAL_DECIDE if handler == "decide" else Permission.APPROVAL_READ)
