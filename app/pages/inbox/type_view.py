"""How requests that are no approvals look: a form to fill in, and questions with a few answers of which one is chosen."""

from __future__ import annotations

from typing import Any

import reflex as rx

from app.components.decision import draft
from app.pages.inbox.asked import Asked
from app.pages.inbox.parts import DECIDE, box, key, seen
from app.pages.inbox.state import Inbox
from app.pages.inbox.telling import Choice
from app.ui.frame import if_allowed
from app.ui.marks import icon
from engine import Permission


def form_fields() -> rx.Component:
    """The fields of a form while it waits; what was filled in stands above, with what came of it."""
    item = Inbox.card
    told = rx.cond(item.message != "", rx.el.div(item.message, class_name="rep pre", custom_attrs={"data-testid": "message"}))
    fields = rx.el.div(rx.foreach(Inbox.asked, _field), class_name="asked", key=item.id)
    none = rx.el.p("Nothing is asked for: sending it is enough.", class_name="mut rep")
    content = rx.cond(item.is_pending & item.may_decide, rx.cond(Inbox.asked.length() > 0, fields, none), _only_names())
    return rx.cond((item.message != "") | item.is_pending, box(item.question, told, rx.cond(item.is_pending, content), test="form"))


def _only_names() -> rx.Component:
    """For whoever may look only: what is asked for."""

    def one(asked: Asked) -> rx.Component:
        return rx.el.div(rx.el.span(asked.label, class_name="md"), rx.el.span(asked.help, class_name="mut t12"), class_name="ev col")

    return rx.foreach(Inbox.asked, one)


def why(title: str) -> rx.Component:
    """What has happened, in words of ours."""
    return rx.cond(Inbox.card.message != "", box(title, rx.el.div(Inbox.card.message, class_name="rep pre"), test="what"))


def answers() -> rx.Component:
    """The answers, one below the other, each with what it means; what belongs to one comes out when it is chosen."""
    item = Inbox.card
    can = item.is_pending & item.may_decide
    picked = rx.el.fieldset(
        rx.el.legend(item.question, class_name="sr"), rx.foreach(item.choices, _choice), class_name="picks", key=item.id
    )
    return rx.cond(item.is_pending, box(item.question, rx.cond(can, picked, rx.foreach(item.choices, _told)), test="answers"))


def _told(one: Choice) -> rx.Component:
    return rx.el.div(rx.el.span(one.word, class_name="md"), rx.el.span(one.means, class_name="mut t12"), class_name="ev col")


def _choice(one: Choice) -> rx.Component:
    pick = rx.el.input(
        type="radio",
        name="choice",
        value=one.name,
        default_checked=one.is_first,
        custom_attrs={"form": DECIDE},
        aria_describedby=f"means-{one.name}",
    )
    words = rx.el.span(
        rx.el.span(one.word, class_name="md"), rx.el.span(one.means, class_name="mut t12", id=f"means-{one.name}"), class_name="col sp"
    )
    fields = rx.el.div(rx.foreach(Inbox.asked, _field), class_name="asked")
    result = rx.fragment(rx.el.p("What it answered, as far as you know. May be empty.", class_name="mut t12"), fields)
    more = rx.match(one.name, ("extend", rx.cond(Inbox.asked.length() > 0, fields)), ("done", result), ("fail", _reason()), rx.fragment())
    return rx.el.div(
        rx.el.label(pick, words), rx.el.div(more, class_name="more"), class_name="pick", custom_attrs={"data-choice": one.name}
    )


def _reason() -> rx.Component:
    field = draft(
        of=Inbox.card.id,
        id="asked-reason",
        keep=f"reason/{Inbox.card.id}",
        name="reason",
        original="",
        form=DECIDE,
        is_long=True,
        placeholder="What you have found out",
    )
    name = rx.el.label("Reason", rx.el.span("may be empty", class_name="mut"), html_for="asked-reason", class_name="lab")
    return rx.el.div(name, field, class_name="one")


def _field(one: Asked) -> rx.Component:
    """A label, a field, its help, and what is wrong with it."""
    name = rx.el.label(one.label, rx.cond(one.is_required, rx.el.span("required", class_name="mut")), html_for=one.id, class_name="lab")
    field = draft(
        of=Inbox.card.id,
        id=one.id,
        keep=one.keep,
        name=one.input,
        original=one.original,
        form=DECIDE,
        kind=one.kind,
        options=one.options,
        is_long=(one.kind == "long") | (one.kind == "json"),
        is_asked=one.is_required,
        is_wrong=one.problem != "",
        placeholder=one.placeholder,
        described_by=one.told_by,
    )
    help_ = rx.cond(one.help != "", rx.el.p(one.help, class_name="mut t12", id=one.id + "-help"))
    problem = rx.cond(
        one.problem != "", rx.el.p(icon("circle_x", size=14), one.problem, class_name="st failed bad", role="alert", id=one.id + "-problem")
    )
    return rx.el.div(name, field, help_, problem, class_name="one", custom_attrs={"data-asked": one.name})


def send_buttons() -> dict[str, rx.Component]:
    """The one button of each type, for whoever may decide that type."""
    return {
        "form": if_allowed(Permission.APPROVAL_DECIDE, _send("Submit", Inbox.fill_in)),
        "in_doubt": if_allowed(Permission.RUN_CONTROL, _send("Send this answer", Inbox.say_what_happened)),
        "limit": if_allowed(Permission.RUN_RAISE_LIMITS, _send("Send this answer", Inbox.answer_limit)),
    }


def _send(word: str, event: Any) -> rx.Component:
    button = rx.el.button(icon("check"), word, key("Ctrl Enter"), type="submit", class_name="btn pri", custom_attrs={"data-enter": ""})
    return rx.el.form(seen(), button, id=DECIDE, on_submit=event, class_name="whole")
