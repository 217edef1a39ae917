"""How the list of runs looks."""

from __future__ import annotations

from typing import Any

import reflex as rx

from app.components.connection import pulse
from app.components.typing import typing
from app.pages.runs.rows import STATUSES, Choice, RunRow
from app.pages.runs.state import FRESH, Runs
from app.ui.frame import frame, link
from app.ui.marks import icon, skeleton, status, tone_tile, track_drawing
from app.ui.places import RUNS

FILTERS = "run-filters"
# The browser empties the fields at once, before any answer, so that what is typed right after stays.
CLEARS: dict[str, Any] = {"type": "reset", "form": FILTERS, "on_click": Runs.ask_for_all}


def runs() -> rx.Component:
    """The page."""
    is_new = Runs.is_loaded & ~Runs.is_filtered & (Runs.rows.length() == 0) & (Runs.trail.length() == 0)
    head = rx.el.div(rx.el.h1("Runs", class_name="t20 b"), _live(), class_name="head")
    filled = rx.fragment(_filters(), rx.el.section(_list(), _pages(), class_name="card runs", aria_label="Runs"))
    return frame(RUNS, head, rx.cond(is_new, _empty(), filled), pulse(*FRESH))


def _live() -> rx.Component:
    return rx.el.span("Newest first, kept up to date", class_name="mut t12", style={"paddingBottom": "4px"})


def _filters() -> rx.Component:
    kinds = [rx.el.option(choice.word, value=choice.value) for choice in STATUSES]
    flows = [rx.el.option("Any workflow", value=""), rx.foreach(Runs.workflows, _option)]
    return rx.el.form(
        _labelled("Find", typing(_asks("query"), type="search", placeholder="Workflow or reason", class_name="inp"), "wider"),
        _labelled("Status", rx.el.select(*kinds, value=Runs.status, on_change=_asks("status"), class_name="inp")),
        _labelled("Workflow", rx.el.select(*flows, value=Runs.workflow, on_change=_asks("workflow"), class_name="inp")),
        _labelled("Cost above, $", typing(_asks("cost"), input_mode="decimal", placeholder="0.00", class_name="inp"), "small"),
        _labelled("From", _day("since", "T00:00:00")),
        _labelled("To", _day("until", "T23:59:59.999")),
        rx.cond(Runs.is_filtered, rx.el.button("Clear", class_name="btn ghost", **CLEARS)),
        on_submit=rx.prevent_default,
        class_name="filters",
        role="search",
        aria_label="Which runs",
        id=FILTERS,
    )


def _labelled(word: str, field: rx.Component, size: str = "") -> rx.Component:
    return rx.el.label(rx.el.span(word, class_name="lab"), field, class_name=size)


def _option(choice: Choice) -> rx.Component:
    return rx.el.option(choice.word, value=choice.value)


def _asks(name: str) -> Any:
    return lambda value: Runs.ask_for(name, value)


def _day(name: str, hour: str) -> rx.Component:
    """A day as the visitor's own clock means it: the server may stand in another zone."""

    def asks(value: Any) -> Any:
        moment = rx.Var(f"({value!s} ? new Date({value!s} + '{hour}').toISOString() : '')").to(str)
        return Runs.ask_for(name, moment)

    return rx.el.input(type="date", on_change=asks, class_name="inp")


def _list() -> rx.Component:
    rows = rx.el.ul(rx.foreach(Runs.rows, _row))
    return rx.cond(Runs.is_loaded, rx.cond(Runs.rows.length() > 0, rows, _no_match()), skeleton(6))


def _row(row: RunRow) -> rx.Component:
    under = rx.el.div(status(row.tone, row.word), " · ", row.under, class_name="mut t12 el")
    who = rx.el.div(rx.el.div(row.title, class_name="md el"), under, class_name="who")
    told = rx.el.div(
        rx.el.span(row.told, class_name="two"), rx.cond(row.next != "", rx.el.span(row.next, class_name="mut t12")), class_name="tell col"
    )
    amounts = rx.el.span(
        rx.el.span(row.amount, class_name="num"),
        rx.el.span(row.worked, class_name="mut num worked", title="Time worked"),
        rx.el.span(row.when, class_name="mut num since"),
        class_name="amounts",
    )
    opens = link(tone_tile(row.tone), who, told, amounts, to=rx.Var.create("/runs/") + row.id, class_name="li")
    return rx.el.li(opens, class_name="holds", custom_attrs={"data-row": "run", "data-tone": row.tone})


def _pages() -> rx.Component:
    newer = rx.el.button(
        icon("arrow_left"), "Newer", type="button", on_click=Runs.go_newer, disabled=Runs.trail.length() == 0, class_name="btn sm"
    )
    older = rx.el.button(
        "Older", icon("arrow_right"), type="button", on_click=Runs.go_older, disabled=Runs.older == "", class_name="btn sm"
    )
    number = rx.el.span("Page ", Runs.trail.length() + 1, class_name="mut t12 num")
    bar = rx.el.nav(newer, number, older, class_name="pages", aria_label="Pages")
    return rx.cond((Runs.older != "") | (Runs.trail.length() > 0), bar)


def _no_match() -> rx.Component:
    clear = rx.el.button("Show all runs", class_name="btn sm", **CLEARS)
    return rx.el.div(
        icon("search"), rx.el.span("No run fits these filters."), clear, class_name="none", custom_attrs={"data-testid": "no-match"}
    )


def _empty() -> rx.Component:
    return rx.el.div(
        track_drawing(),
        rx.el.h2("Nothing has run yet", class_name="t20"),
        rx.el.p("Every run of a workflow appears here, with what it did, what it cost and why it stopped."),
        link("Start from a template", to="/", class_name="btn pri"),
        class_name="empty",
        custom_attrs={"data-testid": "empty"},
    )
