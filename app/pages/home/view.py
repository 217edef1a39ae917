"""How Home looks."""

from __future__ import annotations

from typing import Any

import reflex as rx

from app.components.connection import pulse
from app.pages.home.rows import Row, TemplateRow
from app.pages.home.state import FRESH, Home
from app.ui.frame import Frame, frame, if_allowed, link
from app.ui.marks import badge, card, nothing, skeleton, status, tile, tone_tile, track_drawing
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
        pulse(*FRESH),
    )


def _head() -> rx.Component:
    greeting = rx.cond(Frame.name != "", rx.fragment(rx.Var(GREETING).to(str), ", ", Frame.name.split(" ")[0]), "Home")
    told = rx.el.p(rx.cond(Home.is_loaded, _summary(), " "), class_name="mut t14", custom_attrs={"data-testid": "summary"})
    return rx.el.div(rx.el.div(rx.el.h1(greeting, class_name="t28 b"), told), class_name="head")


def _summary() -> rx.Component:
    waiting = rx.match(
        Frame.waiting,
        (0, "Nothing waits for a person"),
        (1, "1 decision waits for a person"),
        Frame.waiting.to_string() + " decisions wait for a person",
    )
    number = Home.stopped.length()
    stopped = rx.match(number, (0, "no run is stopped"), (1, "1 run is stopped"), number.to_string() + " runs are stopped")
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
        _list("Stopped or failed", "octagon_pause", Home.stopped, _run_row, nothing("circle_check", "No run is stopped.")),
        _list("Running now", "route", Home.running, _run_row, nothing("route", "Nothing runs at the moment.")),
        class_name="col",
    )


def _side_column() -> rx.Component:
    return rx.el.div(
        _list("Workflows", "workflow", Home.workflows, _workflow_row, nothing("workflow", "There is no workflow yet.")),
        _list("Last runs", "history", Home.recent, _short_row, nothing("history", "No run has ended yet.")),
        _templates(),
        class_name="col",
    )


def _list(title: str, picture: str, rows: Any, draw: Any, empty: rx.Component) -> rx.Component:
    filled = rx.cond(rows.length() > 0, rx.el.ul(rx.foreach(rows, draw)), empty)
    return card(title, picture, rx.cond(Home.is_loaded, filled, skeleton()))


def _waiting_row(row: Row) -> rx.Component:
    return rx.el.li(
        tone_tile(row.tone), _who(row), _told(row.told), badge(row.tone, row.word), class_name="li", custom_attrs={"data-row": "waiting"}
    )


def _run_row(row: Row) -> rx.Component:
    under = rx.el.div(status(row.tone, row.word), " · ", row.under, class_name="mut t12 el")
    who = rx.el.div(rx.el.div(row.title, class_name="md el"), under, class_name="who")
    amounts = rx.el.span(rx.el.span(row.amount, class_name="num"), rx.el.span(row.when, class_name="mut num"), class_name="row g16")
    opens = link(tone_tile(row.tone), who, _told(row.told), amounts, to=_address(row), class_name="li")
    return rx.el.li(opens, class_name="holds", custom_attrs={"data-row": "run"})


def _short_row(row: Row) -> rx.Component:
    under = rx.el.div(status(row.tone, row.word), " · ", row.when, class_name="mut t12 el")
    who = rx.el.div(rx.el.div(row.title, class_name="md el"), under, class_name="tell")
    opens = link(who, rx.el.span(row.amount, class_name="num"), to=_address(row), class_name="li")
    return rx.el.li(opens, class_name="holds", custom_attrs={"data-row": "ended"})


def _address(row: Row) -> Any:
    return rx.Var.create("/runs/") + row.id


def _workflow_row(row: Row) -> rx.Component:
    who = rx.el.div(rx.el.div(row.title, class_name="md el"), rx.el.div(row.under, class_name="mut t12 el"), class_name="tell")
    return rx.el.li(who, badge(row.tone, row.word), class_name="li", custom_attrs={"data-row": "workflow"})


def _who(row: Row) -> rx.Component:
    return rx.el.div(
        rx.el.div(row.title, class_name="md el"), rx.el.div(row.under, " · ", row.when, class_name="mut t12 el"), class_name="who"
    )


def _told(text: Any) -> rx.Component:
    return rx.el.div(text, class_name="tell two")


def _templates() -> rx.Component:
    rows = rx.el.ul(rx.foreach(Home.templates, _template_row))
    return if_allowed(Permission.WORKFLOW_EDIT, card("Start from a template", "layout_template", rows))


def _template_row(template: TemplateRow) -> rx.Component:
    told = rx.el.div(rx.el.div(template.name, class_name="md"), rx.el.div(template.description, class_name="mut t12"), class_name="tell")
    start = rx.el.button(
        "Use", type="button", on_click=Home.start_from(template.slug), class_name="btn sm", aria_label=rx.Var.create("Use ") + template.name
    )
    return rx.el.li(tile("workflow", is_ai=True), told, start, class_name="li", custom_attrs={"data-row": "template"})


def _empty() -> rx.Component:
    by_hand = rx.fragment(
        rx.el.p("Or run a file of your own in a terminal:", style={"marginTop": "16px"}),
        rx.el.pre(RUN_A_FILE),
    )
    choices = rx.el.div(_templates(), style={"width": "100%", "marginTop": "16px", "textAlign": "left"})
    return rx.el.div(
        track_drawing(),
        rx.el.h2("Nothing runs here yet", class_name="t20"),
        rx.el.p("Begin with a template: it becomes a draft of yours. Nothing runs and nothing costs money until somebody starts it."),
        choices,
        by_hand,
        class_name="empty",
        custom_attrs={"data-testid": "empty"},
    )
