"""How the page of one colleague looks."""

from __future__ import annotations

from typing import Any

import reflex as rx

from app.components.dialog import confirm
from app.pages.agent.rows import Change, Place
from app.pages.agent.side_view import limits_card, model_card
from app.pages.agent.state import Agent
from app.pages.agent.tools_view import edit_button, form_of, part, tools_card
from app.pages.agents.parts import face, who_fields
from app.pages.settings.parts import form_sheet, why_read_only
from app.ui.frame import frame, if_allowed, link
from app.ui.marks import icon, nothing, skeleton, tile, track_drawing
from app.ui.places import AGENTS
from engine import Permission

P = Permission


def agent() -> rx.Component:
    """The page; which colleague it is stands in its address."""
    why = why_read_only(P.AGENT_MANAGE, "You see this agent but cannot change it: operators and administrators do.")
    pair = rx.el.div(_duties(), _works_in(), class_name="agent-two")
    main = rx.el.div(pair, tools_card(), _instructions(), class_name="col g16", style={"minWidth": "0"})
    side = rx.el.div(limits_card(), model_card(), _changes(), class_name="col g16", style={"minWidth": "0"})
    there = rx.fragment(_head(), rx.el.div(why, class_name="agent-why"), rx.el.div(main, side, class_name="agent-grid"))
    waiting = rx.el.div(rx.el.div(skeleton(3), class_name="card"), class_name="page", style={"paddingTop": "24px"})
    return frame(AGENTS, rx.cond(Agent.is_missing, _nobody(), rx.cond(Agent.is_loaded, there, waiting)), _dialogs())


def _head() -> rx.Component:
    told = rx.el.div(
        rx.el.h1(Agent.shown.name, class_name="t28 b"),
        rx.el.p(rx.cond(Agent.shown.duty != "", Agent.shown.duty, "No duty written down yet"), class_name="mut t14"),
        rx.el.p("Steps name it ", rx.el.code(Agent.shown.slug), class_name="mut t12"),
        class_name="sp",
    )
    change = rx.el.button(icon("pencil"), "Edit", type="button", class_name="btn", on_click=Agent.edit("who"))
    remove = rx.el.button(icon("trash_2"), "Remove", type="button", class_name="btn danger", on_click=Agent.show("remove"))
    return rx.el.div(
        link(icon("arrow_left", size=14), "Agents", to="/agents", class_name="t12 agent-back"),
        rx.el.div(
            face(Agent.shown.mark, Agent.shown.colour, size="huge"),
            told,
            if_allowed(P.AGENT_MANAGE, rx.el.div(change, remove, class_name="row")),
            class_name="agent-head-row",
        ),
        class_name="agent-head",
        custom_attrs={"data-testid": "agent"},
    )


def _duties() -> rx.Component:
    lines = rx.el.ul(rx.foreach(Agent.shown.duties, _duty), class_name="agent-duties")
    told = rx.cond(Agent.shown.duties.length() > 0, lines, nothing("list_checks", "No duties yet: one line for each thing it does."))
    text = rx.el.textarea(
        name="duties",
        id="field-duties",
        class_name="inp",
        rows="6",
        default_value=Agent.shown.duties.join("\n"),
        aria_label="Duties, one a line",
        placeholder="Sorts new messages\nDrafts replies\nDoes not refund",
    )
    form = form_of(text, rx.el.p("One line for each.", class_name="mut t12"))
    return part("Duties", rx.cond(Agent.editing == "duties", form, told), beside=edit_button("duties", "Edit the duties"))


def _duty(line: rx.Var[str]) -> rx.Component:
    return rx.el.li(icon("check", size=16), rx.el.span(line))


def _works_in() -> rx.Component:
    rows = rx.el.ul(rx.foreach(Agent.shown.works, _place))
    none = nothing("workflow", "No workflow names it yet. Choose it in an agent step.")
    return part("Works in", rx.cond(Agent.shown.works.length() > 0, rows, none))


def _place(place: Place) -> rx.Component:
    return rx.el.li(
        tile("workflow"),
        link(place.name, to=place.address, class_name="el sp"),
        rx.el.span(place.state, class_name="mut t12"),
        class_name="li agent-li",
    )


def _instructions() -> rx.Component:
    told = rx.cond(
        Agent.shown.instructions != "",
        rx.el.p(Agent.shown.instructions, class_name="agent-words"),
        nothing("scroll_text", "Nothing yet. Write who it is and what rules it keeps; every step that it does begins with this."),
    )
    text = rx.el.textarea(
        name="instructions",
        id="field-instructions",
        class_name="inp",
        rows="12",
        max_length=20_000,
        default_value=Agent.shown.instructions,
        aria_label="Instructions",
        placeholder="You are Mara, who answers card requests …",
    )
    note = "A model may follow this or not. What must hold belongs to the tools above."
    form = form_of(text, rx.el.p(note, class_name="mut t12"))
    body = rx.cond(Agent.editing == "instructions", form, told)
    return part("Instructions", body, note="read by the model", beside=edit_button("instructions", "Edit the instructions"))


def _changes() -> rx.Component:
    rows = rx.el.ul(rx.foreach(Agent.changes, _change), class_name="agent-changes")
    return part("Changes", rx.cond(Agent.changes.length() > 0, rows, nothing("history", "Nothing was changed yet.")))


def _change(change: Change) -> rx.Component:
    return rx.el.li(rx.el.span(change.told, class_name="md"), rx.el.span(change.by, " · ", change.when, class_name="mut t12"))


def _nobody() -> rx.Component:
    return rx.el.div(
        track_drawing(),
        rx.el.h1("Nobody works here under this name", class_name="t20"),
        rx.el.p("This colleague was removed, or the address is cut short."),
        link("All agents", to="/agents", class_name="btn pri"),
        class_name="empty",
        custom_attrs={"data-testid": "nobody"},
    )


def _dialogs() -> rx.Component:
    shown: Any = Agent.shown
    who = form_sheet(
        rx.Var.create("Edit ") + shown.name,
        *who_fields(Agent.wrong, name=shown.name, duty=shown.duty, mark=shown.mark, colour=shown.colour),
        action="Save",
        on_submit=Agent.save,
        on_close=Agent.edit(""),
        wrong="",
    )
    works = rx.el.div(
        rx.el.p("Its steps in these workflows fail from now on:"),
        rx.el.ul(rx.foreach(shown.works, lambda place: rx.el.li(place.name)), class_name="agent-list"),
        class_name="col g6",
    )
    nowhere = rx.el.p("No workflow names it.")
    kept = rx.el.p("Runs that have begun their step finish with it. Its budget of a day stays until it is taken away in the settings.")
    remove = confirm(
        rx.cond(shown.works.length() > 0, works, nowhere),
        kept,
        title=rx.Var.create("Remove ") + shown.name + "?",
        action="Remove",
        danger=True,
        on_confirm=Agent.remove,
        on_close=Agent.show(""),
    )
    return rx.fragment(rx.cond(Agent.editing == "who", who), rx.cond(Agent.dialog == "remove", remove))
