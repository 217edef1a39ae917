"""How Home looks."""

from __future__ import annotations

from typing import Any

import reflex as rx

from app.components.connection import pulse
from app.components.gallery import gallery
from app.pages.home.rows import Bar, Outcome, Row
from app.pages.home.state import FEW, FRESH, SLOW, Home
from app.pages.workflows.state import Workflows
from app.ui.frame import Frame, frame, if_allowed, link
from app.ui.marks import badge, card, icon, nothing, skeleton, status, tone_tile, track_drawing
from app.ui.places import HOME
from engine import Permission

GREETING = "(new Date().getHours() < 12 ? 'Good morning' : new Date().getHours() < 18 ? 'Good afternoon' : 'Good evening')"
"""The visitor's own clock: the server may stand in another zone."""
RUN_A_FILE = './signalbox run workflow.json --input message="I lost my card"'


def home() -> rx.Component:
    """The page."""
    is_empty = (Home.workflows.length() == 0) & (Home.recent.length() == 0) & (Home.running.length() == 0) & (Home.stopped.length() == 0)
    return frame(
        HOME,
        _head(),
        rx.cond(Home.is_loaded & is_empty, _empty(), rx.el.div(_main_column(), _side_column(), class_name="hg")),
        if_allowed(Permission.WORKFLOW_EDIT, _templates()),
        pulse(*FRESH),
        pulse(*SLOW, seconds=60),
    )


def _head() -> rx.Component:
    greeting = rx.cond(Frame.name != "", rx.fragment(rx.Var(GREETING).to(str), ", ", Frame.name.split(" ")[0]), "Home")
    told = rx.el.p(rx.cond(Home.is_loaded, _summary(), " "), class_name="mut t14", custom_attrs={"data-testid": "summary"})
    make = rx.el.button(icon("plus"), "New workflow", type="button", class_name="btn pri", on_click=Workflows.create)
    words = rx.el.div(rx.el.h1(greeting, class_name="t28 b"), told, class_name="sp")
    return rx.el.div(words, if_allowed(Permission.WORKFLOW_EDIT, make), class_name="head")


def _summary() -> rx.Component:
    waiting = rx.match(
        Frame.waiting,
        (0, "Nothing waits for a person"),
        (1, "1 decision waits for a person"),
        Frame.waiting.to_string() + " decisions wait for a person",
    )
    number = Home.stopped.length()
    more = rx.cond(
        number >= FEW, number.to_string() + " or more runs have stopped or failed", number.to_string() + " runs have stopped or failed"
    )
    stopped = rx.match(number, (0, "no run has stopped or failed"), (1, "1 run has stopped or failed"), more)
    return rx.fragment(waiting, ", ", stopped, ".")


def _main_column() -> rx.Component:
    return rx.el.div(
        _list(
            "Waiting for a person",
            "inbox",
            Home.waiting,
            _waiting_row,
            nothing("inbox", "Nothing waits. Decisions that a run needs appear here."),
        ),
        _list("Stopped or failed", "octagon_pause", Home.stopped, _run_row, nothing("circle_check", "No live run has stopped or failed.")),
        _list("Running now", "route", Home.running, _moving_row, nothing("route", "Nothing runs at the moment.")),
        class_name="col",
    )


def _side_column() -> rx.Component:
    every = link("All workflows", to="/workflows")
    return rx.el.div(
        if_allowed(Permission.COST_READ, _spend()),
        card("Last 14 days", "chart_no_axes_column", rx.el.ul(rx.foreach(Home.outcomes, _outcome))),
        _list("Workflows", "workflow", Home.workflows, _workflow_row, nothing("workflow", "There is no workflow yet."), beside=every),
        _list("Last runs", "history", Home.recent, _short_row, nothing("history", "No run has ended yet.")),
        class_name="col",
    )


def _spend() -> rx.Component:
    today = rx.el.div(
        rx.el.span(Home.spent_today, class_name="t28 b num"), rx.el.span("since midnight, UTC", class_name="mut"), class_name="row"
    )
    chart = rx.el.ul(rx.foreach(Home.days, _bar), class_name="bars", aria_label="Spend per day")
    total = rx.el.div(rx.el.span("14 days", class_name="mut sp"), rx.el.span(Home.spent_all, class_name="num"), class_name="row")
    nothing_yet = rx.el.p("No run of the last 14 days has cost anything.", class_name="mut")
    shown = rx.cond(Home.spent_all == "$0", nothing_yet, rx.fragment(chart, total))
    return card("Spend today", "coins", rx.el.div(today, shown, class_name="col g12 pad", custom_attrs={"data-testid": "spend"}))


def _bar(bar: Bar) -> rx.Component:
    tone = rx.cond(bar.is_today, "bar now", "bar")
    return rx.el.li(rx.el.span(class_name=tone, style={"height": bar.height}), rx.el.span(bar.told, class_name="sr"), title=bar.told)


def _outcome(outcome: Outcome) -> rx.Component:
    return rx.el.li(
        status(outcome.tone, outcome.word), rx.el.span(class_name="sp"), rx.el.span(outcome.number, class_name="num"), class_name="li short"
    )


def _list(title: str, picture: str, rows: Any, draw: Any, empty: rx.Component, *, beside: Any = None) -> rx.Component:
    filled = rx.cond(rows.length() > 0, rx.el.ul(rx.foreach(rows, draw)), empty)
    end = rx.el.span(beside, class_name="t12 end") if beside is not None else None
    return card(title, picture, rx.cond(Home.is_loaded, filled, skeleton()), beside=end)


def _waiting_row(row: Row) -> rx.Component:
    content = (tone_tile(row.tone), _who(row), _told(row.told), badge(row.tone, row.word))
    return rx.el.li(link(*content, to=rx.Var.create("/inbox/") + row.id, class_name="li"), custom_attrs={"data-row": "waiting"})


def _run_row(row: Row) -> rx.Component:
    under = rx.el.div(status(row.tone, row.word), " · ", row.under, class_name="mut t12 el")
    who = rx.el.div(rx.el.div(row.title, class_name="md el"), under, class_name="who")
    amounts = rx.el.span(rx.el.span(row.amount, class_name="num"), rx.el.span(row.when, class_name="mut num"), class_name="row g16")
    opens = link(tone_tile(row.tone), who, _told(row.told), amounts, to=_address(row), class_name="li")
    return rx.el.li(opens, class_name="holds", custom_attrs={"data-row": "run"})


def _moving_row(row: Row) -> rx.Component:
    """A run under way: where it is, and the track it has taken."""
    under = rx.el.div(status(row.tone, row.word), rx.cond(row.at != "", rx.fragment(" · ", row.at)), class_name="mut t12 el")
    who = rx.el.div(rx.el.div(row.title, class_name="md el"), under, class_name="who")
    way = rx.cond(row.at != "", _route(row), _told(row.told))
    amounts = rx.el.span(rx.el.span(row.amount, class_name="num"), rx.el.span(row.when, class_name="mut num"), class_name="row g16")
    return rx.el.li(
        link(tone_tile(row.tone), who, way, amounts, to=_address(row), class_name="li"),
        class_name="holds",
        custom_attrs={"data-row": "run"},
    )


def _route(row: Row) -> rx.Component:
    def station(tone: Any, index: Any) -> rx.Component:
        track = rx.el.span(class_name=rx.cond(row.stations[index - 1] == "done", "trk d", "trk"))
        return rx.fragment(rx.cond(index > 0, track), rx.el.span(class_name=rx.Var.create("stp ") + tone))

    return rx.el.div(
        rx.foreach(row.stations, station), class_name="route tell wide", aria_hidden="true", custom_attrs={"data-testid": "route"}
    )


def _short_row(row: Row) -> rx.Component:
    under = rx.el.div(status(row.tone, row.word), " · ", row.when, class_name="mut t12 el")
    who = rx.el.div(rx.el.div(row.title, class_name="md el"), under, class_name="tell")
    opens = link(who, rx.el.span(row.amount, class_name="num"), to=_address(row), class_name="li")
    return rx.el.li(opens, class_name="holds", custom_attrs={"data-row": "ended"})


def _address(row: Row) -> Any:
    return rx.Var.create("/runs/") + row.id


def _workflow_row(row: Row) -> rx.Component:
    who = rx.el.div(rx.el.div(row.title, class_name="md el"), rx.el.div(row.under, class_name="mut t12 el"), class_name="tell")
    opens = link(who, badge(row.tone, row.word), to=rx.Var.create("/workflows/") + row.id, class_name="li")
    return rx.el.li(opens, class_name="holds", custom_attrs={"data-row": "workflow"})


def _who(row: Row) -> rx.Component:
    return rx.el.div(
        rx.el.div(row.title, class_name="md el"), rx.el.div(row.under, " · ", row.when, class_name="mut t12 el"), class_name="who"
    )


def _told(text: Any) -> rx.Component:
    return rx.el.div(text, class_name="tell two")


def _templates() -> rx.Component:
    title = rx.el.h2("Start from a template", class_name="t14 b")
    return rx.el.section(title, gallery(), class_name="col g12 page", aria_label="Start from a template")


def _empty() -> rx.Component:
    by_hand = rx.fragment(
        rx.el.p("Or run a file of your own in a terminal:", style={"marginTop": "16px"}),
        rx.el.pre(RUN_A_FILE),
    )
    return rx.el.div(
        track_drawing(),
        rx.el.h2("Nothing runs here yet", class_name="t20"),
        rx.el.p("Begin with a template below: it becomes a draft of yours. Nothing runs and nothing costs money until somebody starts it."),
        by_hand,
        class_name="empty",
        custom_attrs={"data-testid": "empty"},
    )
