"""How the page of workflows looks."""

from __future__ import annotations

from typing import Any

import reflex as rx

from app.components.connection import pulse
from app.components.dialog import confirm, toast
from app.components.gallery import gallery
from app.components.importing import importing
from app.components.versions import versions_of
from app.pages.workflows.rows import Line, Mark
from app.pages.workflows.state import FRESH, Workflows
from app.ui.frame import frame, if_allowed, link, link_out
from app.ui.marks import badge, icon, nothing, skeleton, track_drawing
from app.ui.places import WORKFLOWS
from engine import Permission

EVERY_S = 5


def workflows() -> rx.Component:
    """The page."""
    is_bare = Workflows.is_loaded & (Workflows.lines.length() == 0) & (Workflows.query == "")
    return frame(
        WORKFLOWS,
        _head(),
        rx.el.div(
            rx.cond(is_bare, _empty(), _shelf()), if_allowed(Permission.WORKFLOW_EDIT, _templates()), class_name="col g16 page", id="list"
        ),
        _dialogs(),
        pulse(*FRESH, seconds=EVERY_S),
    )


def _head() -> rx.Component:
    told = rx.el.div(
        rx.el.h1("Workflows", class_name="t28 b"),
        rx.el.p("What decides which step comes next. A draft changes nothing until it is published.", class_name="mut t14"),
        class_name="sp",
    )
    return rx.el.div(told, if_allowed(Permission.WORKFLOW_EDIT, _buttons()), class_name="head")


def _buttons() -> rx.Component:
    importer = rx.el.button(icon("file_up"), "Import", type="button", class_name="btn", on_click=Workflows.show("import", "", ""))
    maker = rx.el.button(icon("plus"), "New workflow", type="button", class_name="btn pri", on_click=Workflows.create)
    return rx.el.div(importer, maker, class_name="row")


def _shelf() -> rx.Component:
    found = rx.cond(
        Workflows.lines.length() > 0,
        rx.el.ul(rx.foreach(Workflows.lines, _line), custom_attrs={"data-testid": "workflows"}),
        nothing("search", "No workflow has these words in its name."),
    )
    more = rx.el.button("Show more", type="button", class_name="btn sm", on_click=Workflows.more)
    return rx.el.section(
        _tools(),
        rx.cond(Workflows.is_loaded, found, skeleton(3)),
        rx.cond(Workflows.has_more, rx.el.div(more, class_name="none")),
        class_name="card",
        aria_label="All workflows",
    )


def _tools() -> rx.Component:
    search = rx.el.label(
        icon("search"),
        rx.el.span("Search workflows", class_name="sr"),
        rx.debounce_input(
            rx.el.input(type="search", placeholder="Search by name", value=Workflows.query, on_change=Workflows.search, class_name="bare"),
            debounce_timeout=250,
        ),
        class_name="inp sp search",
    )
    orders = [("changed", "Changed last"), ("run", "Ran last"), ("name", "Name")]
    sort = rx.el.label(
        rx.el.span("Order", class_name="sr"),
        rx.el.select(
            *[rx.el.option(word, value=name) for name, word in orders], value=Workflows.order, on_change=Workflows.sort, class_name="inp"
        ),
    )
    return rx.el.div(search, sort, class_name="ch tools")


def _line(line: Line) -> rx.Component:
    who = rx.el.div(
        link(line.name, to=line.address, class_name="md el name"),
        rx.el.div(line.about, class_name="mut t12 el"),
        class_name="tell",
    )
    state = rx.el.div(badge(line.tone, line.word), rx.el.div(line.more, class_name="mut t12 el"), class_name="state")
    return rx.el.li(who, state, _strip(line), _acts(line), class_name="li wf", custom_attrs={"data-row": "workflow", "data-id": line.id})


def _strip(line: Line) -> rx.Component:
    def one(mark: Mark) -> rx.Component:
        return link(rx.el.span(mark.told, class_name="sr"), to=mark.address, class_name=rx.Var.create("tick ") + mark.tone, title=mark.told)

    return rx.el.div(
        rx.el.div(rx.foreach(line.runs, one), class_name="ticks"),
        rx.el.div(line.went, " · changed ", line.changed, class_name="mut t12 el"),
        class_name="strip",
    )


def _acts(line: Line) -> rx.Component:
    def named(word: str) -> Any:
        return rx.Var.create(f"{word} ") + line.name

    versions = rx.el.button(
        icon("history"),
        type="button",
        class_name="btn sm ghost ic",
        title="Versions",
        aria_label=named("Versions of"),
        on_click=Workflows.show("versions", line.id, line.name),
    )
    export = link_out(
        icon("download"), to=line.export, download=True, class_name="btn sm ghost ic", title="Export", aria_label=named("Export")
    )
    delete = rx.el.button(
        icon("trash_2"),
        type="button",
        class_name="btn sm ghost ic",
        title="Delete",
        aria_label=named("Delete"),
        on_click=Workflows.show("delete", line.id, line.name),
    )
    return rx.el.div(versions, export, if_allowed(Permission.WORKFLOW_EDIT, delete), class_name="row acts")


def _templates() -> rx.Component:
    title = rx.el.h2("Start from a template", class_name="t16")
    return rx.el.section(title, gallery(), class_name="col g12", aria_label="Start from a template", id="templates")


def _empty() -> rx.Component:
    return rx.el.div(
        track_drawing(),
        rx.el.h2("Which work should run by itself?", class_name="t20"),
        rx.el.p(
            "Begin with a template below, an empty workflow, or a file. Nothing runs and nothing costs money until somebody starts it."
        ),
        class_name="empty",
        style={"margin": "32px auto"},
        custom_attrs={"data-testid": "empty"},
    )


def _dialogs() -> rx.Component:
    question = confirm(
        rx.el.p("It is taken off this list and its webhooks stop. Runs under way end as they would; runs and versions stay readable."),
        title=rx.Var.create("Delete ") + Workflows.chosen_name + "?",
        action="Delete",
        danger=True,
        on_confirm=Workflows.delete,
        on_close=Workflows.close,
    )
    opened = rx.match(
        Workflows.dialog,
        ("import", importing(on_close=Workflows.close)),
        ("versions", versions_of(Workflows.chosen, on_published=Workflows.published, on_close=Workflows.close)),
        ("delete", question),
        rx.fragment(),
    )
    gone = toast(rx.Var.create("Deleted ") + Workflows.chosen_name, action="Undo", on_action=Workflows.undo, on_gone=Workflows.forget)
    return rx.fragment(opened, rx.cond(Workflows.gone != "", gone))
