"""How one request looks: what will happen, why, who decides, and the buttons to decide with."""

from __future__ import annotations

from typing import Any

import reflex as rx

from app.components.decision import draft
from app.pages.inbox import evidence_view, type_view
from app.pages.inbox.cards import Editable, Station
from app.pages.inbox.grid_state import Grid
from app.pages.inbox.parts import DECIDE, box, key, seen, table
from app.pages.inbox.state import Inbox
from app.pages.inbox.telling import Choice
from app.pages.inbox.values import Fact, Part
from app.ui.frame import if_allowed, link
from app.ui.marks import badge, icon, tone_icon, tone_tile
from engine import Permission

REJECT = "reject-form"


def body() -> rx.Component:
    """Head and columns; what stands in the left one depends on the type of the request."""
    main = rx.match(
        Inbox.card.type,
        ("approval", _approval()),
        ("form", rx.fragment(type_view.form_fields(), _after())),
        ("in_doubt", rx.fragment(type_view.why("What happened"), type_view.answers(), _action())),
        ("limit", rx.fragment(type_view.why("Which limit"), type_view.answers())),
        _other(),
    )
    return rx.fragment(_to_the_others(), _head(), rx.el.div(rx.el.div(main, class_name="col g12"), _side(), class_name="c2"))


def _to_the_others() -> rx.Component:
    """Of an item that is one of many: the way back to all of them."""
    item = Inbox.card
    back = link(
        icon("arrow_left"), rx.el.span(item.others), to=f"/inbox/{item.grid}", class_name="to-grid", custom_attrs={"data-testid": "to-grid"}
    )
    return rx.cond((item.grid != "") & (item.is_one_of_many | (item.grid == Grid.name)), back)


def _head() -> rx.Component:
    item = Inbox.card
    where = rx.el.p(
        item.workflow,
        rx.cond(item.version != "", rx.fragment(" ", item.version), ""),
        " · ",
        link("open the run", to=f"/runs/{item.run}"),
        rx.cond(item.step != "", rx.fragment(" · step “", item.step, "”")),
        " · asked ",
        item.asked,
        class_name="mut",
    )
    told = rx.el.div(
        rx.el.h2(item.title, class_name="t20", custom_attrs={"data-testid": "title"}),
        rx.el.p(item.sentence, class_name="t13 says", custom_attrs={"data-testid": "sentence"}),
        where,
        class_name="sp",
    )
    return rx.el.div(tone_tile(item.tone), told, rx.el.span(badge(item.tone, item.word), class_name="wide"), class_name="dec-ask")


def outcome() -> rx.Component:
    """What came of it, once it is decided; it changes by itself until the action has run."""
    item = Inbox.card
    again = rx.cond(
        item.successor != "",
        link("Open the fresh card", to=f"/inbox/{item.successor}", class_name="btn"),
    )
    reason = rx.cond(item.reason != "", rx.el.p("Reason: ", item.reason, class_name="t13 quo"))
    told = rx.el.div(
        rx.el.p(item.outcome, class_name="t14 b"), rx.el.p(item.outcome_text), reason, table(item.result), again, class_name="col sp g4"
    )
    mark = tone_icon(item.tone, size=20)
    shown = rx.el.div(mark, told, class_name=f"banner {item.tone}", role="status", custom_attrs={"data-testid": "outcome"})
    return rx.cond(item.outcome != "", shown)


def last_decision() -> rx.Component:
    """A strip on top: what was decided last, and how far its action is."""
    strip = rx.el.div(
        rx.el.span(
            rx.el.span("Your last decision: ", class_name="mut wide"),
            link(Inbox.last.title, to=f"/inbox/{Inbox.last.id}", class_name="md quiet"),
            class_name="el",
        ),
        _route(Inbox.last.stations),
        class_name="dec",
        custom_attrs={"data-testid": "last"},
    )
    return rx.cond((Inbox.last.id != "") & (Inbox.last.id != Inbox.card.id), strip)


def _route(stations: Any) -> rx.Component:
    def station(stop: Station, at: Any) -> rx.Component:
        is_ahead = stop.tone == ""
        track = rx.cond(at > 0, rx.el.span(class_name=rx.cond(stop.tone == "done", "trk d", "trk")))
        word = rx.cond(is_ahead, rx.el.span(stop.word, class_name="t12 mut"), rx.el.span(stop.word, class_name="t12 md"))
        return rx.fragment(track, rx.el.span(class_name=f"stp {stop.tone}", aria_hidden="true"), word)

    return rx.el.div(rx.foreach(stations, station), class_name="route")


def _approval() -> rx.Component:
    return rx.fragment(_action(), rx.foreach(Inbox.fields, _field), _after())


def _other() -> rx.Component:
    """A type that has no card of its own yet: its title, its message, and its choices as buttons below."""
    message = rx.el.section(rx.el.div(Inbox.card.message, class_name="rep pre"), class_name="card")
    return rx.fragment(message, rx.foreach(Inbox.fields, _field))


def _action() -> rx.Component:
    """What runs when it is approved, from the step's settings as they were worked out; no model has written this table."""
    item = Inbox.card
    final = rx.cond(
        item.is_final,
        rx.el.span(icon("lock", size=14), "Cannot be undone", class_name="bd limit"),
        rx.el.span(
            icon("undo_2", size=14), rx.cond(item.is_simulated, "Only simulated", "Changes nothing outside"), class_name="bd neutral"
        ),
    )
    edited = rx.cond(item.is_pending & (Inbox.preview.length() > 0), table(Inbox.preview), table(item.action_facts))
    act = rx.el.div(
        rx.el.span(icon("zap"), class_name="tile"),
        rx.el.div(rx.el.span(item.action, class_name="b"), rx.el.span(item.action_kind, class_name="mut t12"), class_name="col"),
        final,
        edited,
        class_name="act",
    )
    beside = rx.cond(
        item.is_pending & (Inbox.preview.length() > 0),
        rx.el.span("with your edits", class_name="bd accent"),
        rx.cond(item.is_pending & (item.type == "approval"), rx.el.span("once", class_name="mut t12")),
    )
    return rx.cond(item.action != "", box(item.action_head, act, beside=beside, test="action"))


def _field(one: Editable, at: Any) -> rx.Component:
    """One value that may be changed: what is written, what was changed, what it was."""
    can_write = Inbox.card.is_pending & Inbox.card.may_decide
    count = rx.cond(one.edits != "", rx.el.span(one.edits, rx.cond(Inbox.card.is_pending, " by you", ""), class_name="bd neutral"))
    views = rx.el.div(
        *[_view(name, word) for name, word in (("write", "Write"), ("changes", "Changes"), ("original", "Original"))],
        class_name="seg",
        role="group",
        aria_label="What to show",
    )
    written = rx.el.div(_input(one, at), class_name=rx.cond(Inbox.view == "write", "rep", "rep hidden"))
    shown = rx.match(
        Inbox.view,
        ("changes", _changes(one)),
        (
            "original",
            rx.el.div(rx.match(one.kind, ("choice", rx.cond(one.original == "true", "yes", "no")), one.original), class_name="rep pre"),
        ),
        rx.fragment(),
    )
    problem = rx.cond(one.problem != "", rx.el.p(icon("circle_x", size=14), one.problem, class_name="st failed wrong", role="alert"))
    content = rx.cond(can_write, rx.fragment(written, shown, problem), _changes(one))
    return rx.el.section(
        rx.el.div(rx.el.h3(one.label), count, rx.el.span(class_name="sp"), rx.cond(can_write, views), class_name="ch"),
        content,
        class_name="card",
        custom_attrs={"data-field": one.name},
    )


def _view(name: str, word: str) -> rx.Component:
    is_on = Inbox.view == name
    return rx.el.button(word, type="button", class_name=rx.cond(is_on, "on", ""), aria_pressed=is_on, on_click=Inbox.look(name))


def _input(one: Editable, at: Any) -> rx.Component:
    yes_or_no = rx.el.select(
        rx.el.option("yes", value="true"),
        rx.el.option("no", value="false"),
        name=one.input,
        default_value=one.original,
        on_change=lambda value: Inbox.type(one.name, value),
        class_name="inp",
        aria_label=one.label,
        custom_attrs={"form": DECIDE},
    )
    written = draft(
        of=Inbox.card.id,
        keep=one.keep,
        name=one.input,
        label=one.label,
        original=one.original,
        form=DECIDE,
        is_long=one.kind == "text",
        on_draft=lambda _, text: Inbox.type(one.name, text),
    )
    return rx.cond(one.kind == "choice", yes_or_no, written)


def _changes(one: Editable) -> rx.Component:
    def part(piece: Part) -> rx.Component:
        return rx.cond(
            piece.kind == "del", rx.el.del_(piece.text), rx.cond(piece.kind == "ins", rx.el.ins(piece.text), rx.el.span(piece.text))
        )

    return rx.el.div(rx.foreach(one.parts, part), class_name="rep pre", custom_attrs={"data-testid": "changes"})


def _after() -> rx.Component:
    ahead = rx.cond(Inbox.card.type == "form", "After it is sent", "After you approve")
    title = rx.cond(Inbox.card.is_pending, ahead, "The way it went")
    return rx.el.section(rx.el.h3(title), _route(Inbox.card.stations), class_name="card after", custom_attrs={"data-testid": "after"})


def _side() -> rx.Component:
    item = Inbox.card
    limit = rx.cond(item.limit != "", rx.el.span(" of ", item.limit, class_name="mut"))
    cost = rx.el.div(
        rx.el.div(
            rx.el.span(icon("coins", size=14), "Cost so far", class_name="lab"),
            rx.el.span(class_name="sp"),
            rx.el.span(rx.el.b(item.cost), limit, class_name="num"),
            class_name="row",
        ),
        rx.el.div(rx.el.i(style={"width": item.percent.to_string() + "%"}), class_name="burn", aria_hidden="true"),
        class_name="ev",
        custom_attrs={"data-testid": "cost"},
    )
    evidence = rx.cond(item.evidence.length() > 0, rx.el.div(table(item.evidence), class_name="ev"))
    return rx.el.div(
        box(
            rx.match(item.type, ("approval", "Why"), "What it has used"),
            evidence_view.rules(),
            rx.cond(item.type == "approval", evidence_view.message()),
            evidence,
            cost,
            test="why",
        ),
        box(
            item.who,
            rx.foreach(item.deciders, _decider),
            beside=rx.el.span(item.needed, class_name="bd neutral"),
            test="who-decides",
        ),
        class_name="col g12",
    )


def _decider(one: Fact) -> rx.Component:
    return rx.el.div(
        rx.el.span(icon("user", size=14), class_name="person"),
        rx.el.span(one.label, class_name="md"),
        rx.el.span(class_name="sp"),
        rx.el.span(one.text, class_name="mut t12"),
        class_name="ev row",
    )


def foot() -> rx.Component:
    """The buttons, always in sight: to decide while it waits, to go on afterwards."""
    item = Inbox.card
    own = type_view.send_buttons()
    others = if_allowed(Permission.APPROVAL_DECIDE, _choice_buttons())
    choices = rx.match(item.type, ("approval", if_allowed(Permission.APPROVAL_DECIDE, _approval_buttons())), *own.items(), others)
    silence = rx.el.span(item.silence, class_name="mut t12 wide silence")
    not_you = rx.el.span(icon("eye", size=16), item.may_not, class_name="mut t13 not-you", custom_attrs={"data-testid": "may-not"})
    waiting = rx.cond(item.may_decide, rx.fragment(choices, silence), rx.fragment(not_you, silence))
    return rx.el.footer(rx.cond(item.is_pending, waiting, _next()), class_name="foot", custom_attrs={"data-testid": "foot"})


def _next() -> rx.Component:
    following = link(
        icon("arrow_right"),
        "Next: ",
        rx.el.span(Inbox.next_title, class_name="el"),
        key("J"),
        to=f"/inbox/{Inbox.next_id}",
        class_name="btn pri",
        custom_attrs={"data-key": "j", "data-testid": "next"},
    )
    none = rx.el.span("Nothing else waits here.", class_name="mut t13")
    return rx.cond(Inbox.next_id != "", following, none)


def _approval_buttons() -> rx.Component:
    word = rx.cond(Inbox.edited > 0, "Approve with your edits", "Approve")
    content = (icon("check"), word, key("A"))
    at_once = rx.el.button(
        *content, type="submit", class_name="btn pri", custom_attrs={"data-key": "a", "data-enter": "", "aria-keyshortcuts": "a"}
    )
    asks = rx.el.button(
        *content,
        type="button",
        class_name="btn pri",
        custom_attrs={"popoverTarget": "sure", "data-key": "a", "data-enter": "", "aria-keyshortcuts": "a"},
    )
    form = rx.el.form(seen(), rx.cond(Inbox.card.is_final, rx.fragment(asks, _sure()), at_once), id=DECIDE, on_submit=Inbox.approve)
    edit = rx.el.button(
        icon("pencil"),
        "Edit & approve",
        key("E"),
        type="button",
        on_click=Inbox.look("write"),
        class_name="btn",
        custom_attrs={"data-key": "e", "aria-keyshortcuts": "e", "data-focus": "[data-draft]"},
    )
    refuse = rx.el.button(
        icon("x"),
        "Reject…",
        key("R"),
        type="button",
        class_name="btn danger",
        custom_attrs={"popoverTarget": "reject", "data-key": "r", "aria-keyshortcuts": "r"},
    )
    later = rx.cond(Inbox.next_id != "", link("Later", to=f"/inbox/{Inbox.next_id}", class_name="btn narrow"))
    return rx.fragment(form, rx.cond(Inbox.fields.length() > 0, edit), refuse, later, _reject())


def _sure() -> rx.Component:
    """Asked once more, because nothing takes it back."""
    return rx.el.div(
        rx.el.h2("This cannot be undone", class_name="t16"),
        rx.el.p("“", Inbox.card.action, "” runs as soon as you say yes, exactly as the card shows it."),
        rx.el.div(
            rx.el.button(
                icon("check"),
                "Yes, approve",
                key("A"),
                type="submit",
                class_name="btn pri",
                custom_attrs={"data-key": "a", "data-first": "", "data-enter": ""},
            ),
            rx.el.button("Not yet", type="button", class_name="btn", custom_attrs={"popoverTarget": "sure", "popoverTargetAction": "hide"}),
            class_name="row",
        ),
        id="sure",
        class_name="sheet",
        role="dialog",
        aria_label="This cannot be undone",
        custom_attrs={"popover": "auto"},
    )


def _reject() -> rx.Component:
    why = draft(
        of=Inbox.card.id,
        keep=f"reason/{Inbox.card.id}",
        name="reason",
        label="Reason",
        original="",
        form=REJECT,
        is_long=True,
        is_required=True,
        first=True,
        placeholder="What is wrong, and what should be different?",
    )
    send = rx.el.button(
        icon("x"),
        "Reject",
        key("Ctrl Enter"),
        type="submit",
        class_name="btn danger",
        custom_attrs={"data-enter": ""},
    )
    away = rx.el.button("Cancel", type="button", class_name="btn", custom_attrs={"popoverTarget": "reject", "popoverTargetAction": "hide"})
    form = rx.el.form(seen(), why, rx.el.div(send, away, class_name="row"), id=REJECT, on_submit=Inbox.reject, class_name="col g12")
    return rx.el.div(
        rx.el.h2("Why do you reject it?", class_name="t16"),
        rx.el.p("Nothing will be done. The run goes on by the way for rejections, and your reason goes along.", class_name="mut"),
        form,
        id="reject",
        class_name="sheet",
        role="dialog",
        aria_label="Why do you reject it?",
        custom_attrs={"popover": "auto"},
    )


def _choice_buttons() -> rx.Component:
    def choice(one: Choice) -> rx.Component:
        pick = rx.el.input(type="hidden", name="choice", value=one.name, read_only=True)
        return rx.el.form(seen(), pick, rx.el.button(one.word, type="submit", class_name="btn"), on_submit=Inbox.choose)

    return rx.foreach(Inbox.card.choices, choice)
