"""How the section of storage looks."""

from __future__ import annotations

import reflex as rx

from app.components.connection import pulse
from app.components.dialog import confirm
from app.pages.settings.parts import choice, field, form_sheet, section, why_read_only
from app.pages.settings.storage_rows import CHOICES, OTHER, StorageRow
from app.pages.settings.storage_state import Storage
from app.ui.frame import if_allowed
from app.ui.marks import badge, nothing, skeleton, tile
from engine import Permission

P = Permission
TOLD = (
    "What runs take in the database, and how long those of a workflow are kept after they have ended. Runs are kept for ever until "
    "somebody decides otherwise; a run that is over goes whole, one that is under way or waits never goes."
)


def storage_section() -> rx.Component:
    """The section."""
    facts = rx.el.dl(rx.foreach(Storage.facts, _fact), class_name="sums pad", custom_attrs={"data-testid": "sums"})
    rows = rx.el.ul(rx.foreach(Storage.rows, _row))
    every = rx.el.button("Show all ", Storage.number, " workflows", type="button", class_name="btn sm", on_click=Storage.show_all)
    more = rx.cond(Storage.number > Storage.rows.length(), rx.el.div(every, class_name="none"))
    empty = nothing("database", "There is no workflow yet, so nothing takes room.")
    content = rx.cond(Storage.is_loaded, rx.fragment(facts, rx.cond(Storage.number > 0, rx.fragment(rows, more), empty)), skeleton())
    why = why_read_only(P.SETTINGS_MANAGE, "You see what runs take but cannot set how long they are kept: administrators do.")
    whole = section("storage", "Storage", TOLD, why, rx.el.div(content, class_name="card rooms"), _dialogs())
    return if_allowed(P.WORKFLOW_READ, whole, pulse(Storage.load, seconds=60))


def _fact(fact: list[str]) -> rx.Component:
    return rx.el.div(rx.el.dt(fact[1], class_name="mut t12"), rx.el.dd(fact[0], class_name="t20 b num"))


def _row(row: StorageRow) -> rx.Component:
    gone = rx.cond(row.is_deleted, badge("skipped", "Deleted"))
    name = rx.el.div(rx.el.span(row.name, class_name="md el"), gone, class_name="row")
    who = rx.el.div(name, rx.el.div(row.told, class_name="mut t12 el"), class_name="who")
    amounts = rx.el.div(rx.el.b(row.size, class_name="num sp"), rx.el.span(row.kept, class_name="mut t12"), class_name="row")
    bar = rx.el.div(rx.el.i(style={"width": row.width}), class_name="burn", aria_hidden="true")
    change = rx.el.button(
        "Change",
        type="button",
        class_name="btn sm",
        on_click=Storage.show(row.id, row.name, row.choice, row.days),
        aria_label=rx.Var.create("Change how long runs are kept: ") + row.name,
    )
    return rx.el.li(
        tile("workflow"),
        who,
        rx.el.div(amounts, bar, class_name="tell meter-of"),
        if_allowed(P.SETTINGS_MANAGE, rx.el.div(change, class_name="row")),
        class_name="li budget",
        custom_attrs={"data-room": row.name},
    )


def _dialogs() -> rx.Component:
    options = [rx.el.option(word, value=value) for value, word in CHOICES]
    days = field(
        "days", "Days", input_mode="numeric", default_value=Storage.days, help="Counted from the end of a run.", wrong=Storage.wrong
    )
    keep = form_sheet(
        rx.Var.create("How long runs are kept: ") + Storage.name,
        choice("keep", "Keep runs that have ended", *options, value=Storage.choice, on_change=Storage.choose),
        rx.cond(Storage.choice == OTHER, days),
        action="Save",
        on_submit=Storage.keep,
        on_close=Storage.close,
        wrong=rx.cond(Storage.choice == OTHER, "", Storage.wrong),
    )
    sure = confirm(
        rx.el.p(Storage.told),
        title=rx.Var.create("Delete old runs of ") + Storage.name + "?",
        action="Delete them",
        danger=True,
        on_confirm=Storage.confirm,
        on_close=Storage.close,
    )
    return rx.match(Storage.dialog, ("keep", keep), ("confirm", sure), rx.fragment())  # pyright: ignore[reportReturnType]
