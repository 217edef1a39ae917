"""How the tables of models look: what is asked instead, what a model costs, and how much it may be asked."""

from __future__ import annotations

from typing import Any

import reflex as rx

from app.components.dialog import confirm
from app.pages.settings.model_tables_rows import TableRow
from app.pages.settings.model_tables_state import ModelTables
from app.pages.settings.parts import field, form_sheet
from app.ui.frame import if_allowed
from app.ui.marks import card, icon, nothing
from engine import Permission

P = Permission
NO_PRICES = "No price is set here. Prices come from the packaged list; set one where your contract says another."
NO_LIMITS = "No model is limited. Set what your provider allows: calls then wait in line, which costs nothing, in place of being refused."
NAME_HELP = "Its own name, as steps or the names above have it, such as gpt-5-mini."
PRICE_WORDS = (
    ("input", "In", "US dollars for a million tokens that go in."),
    ("output", "Out", "For a million tokens that come out, thoughts included."),
    ("cached_input", "In, from a cache", "For those that the provider reads from its cache. Empty: as any other."),
)
LIMIT_WORDS = (
    ("requests_per_min", "Questions a minute", "Empty: as many as there are."),
    ("tokens_per_min", "Tokens a minute", "What goes in and what comes out. Empty: no limit."),
    ("at_once", "At once", "How many may be answered at the same time. Empty: no limit."),
)


def tables() -> rx.Component:
    """The three cards, for whoever may see settings."""
    prices = _table("prices", ModelTables.prices, NO_PRICES)
    limits = _table("limits", ModelTables.limits, NO_LIMITS)
    return if_allowed(
        P.SETTINGS_READ,
        rx.el.div(
            card("If a model does not answer", "corner_down_right", _fallbacks()),
            card("Prices", "circle_dollar_sign", prices, beside=_add("prices", "Set a price")),
            card("Limits of models", "gauge", limits, beside=_add("limits", "Set a limit")),
            _dialogs(),
            class_name="col g12",
        ),
    )


def _fallbacks() -> rx.Component:
    told = rx.el.p("Names of models with commas between them, asked in turn. A run sets money aside for all of them.", class_name="mut t12")
    fields = [
        field(f"instead_{alias}", label, wrong=ModelTables.wrong[alias], default_value=ModelTables.fallbacks[alias], placeholder=hint)
        for alias, label, hint in (
            ("default", "Instead of Default", "Nobody else"),
            ("cheap", "Instead of Cheap", "Nobody else"),
            ("careful", "Instead of Careful", "Nobody else"),
        )
    ]
    said = rx.cond(ModelTables.is_saved, rx.fragment(icon("circle_check", size=14), "Saved"), "")
    save = rx.el.div(
        rx.el.button("Save", type="submit", class_name="btn pri", aria_label="Save what is asked instead"),
        rx.el.span(said, class_name="st done", role="status"),
        class_name="row",
    )
    form = rx.el.form(
        told,
        rx.el.div(*fields, class_name="three"),
        if_allowed(P.SETTINGS_MANAGE, save),
        on_submit=ModelTables.save_fallbacks,
        class_name="col g16 pad",
        custom_attrs={"data-testid": "fallbacks"},
    )
    return rx.cond(ModelTables.fallbacks.length() > 0, form)


def _table(name: str, rows: Any, empty: str) -> rx.Component:
    filled = rx.el.ul(rx.foreach(rows, lambda row: _row(name, row)), custom_attrs={"data-testid": f"table-{name}"})
    return rx.cond(rows.length() > 0, filled, nothing("gauge", empty))


def _row(table: str, row: TableRow) -> rx.Component:
    who = rx.el.div(
        rx.el.div(rx.el.b(row.name, class_name="md mono"), class_name="el"),
        rx.el.div(row.told, class_name="mut t12"),
        rx.cond(row.now != "", rx.el.div(row.now, class_name="mut t12", role="status")),
        class_name="tell",
    )

    def act(word: str, dialog: str, look: str) -> rx.Component:
        label = rx.Var.create(f"{word} the {'price' if table == 'prices' else 'limits'} of ") + row.name
        shows = ModelTables.show(dialog, table, row.name, row.typed)
        return rx.el.button(word, type="button", class_name=look, on_click=shows, aria_label=label)

    acts = rx.el.div(act("Change", "set", "btn sm"), act("Remove", "remove", "btn sm danger"), class_name="row")
    return rx.el.li(who, if_allowed(P.SETTINGS_MANAGE, acts), class_name="li set", custom_attrs={"data-row": row.name})


def _add(table: str, word: str) -> rx.Component:
    shows = ModelTables.show("set", table, "", ["", "", ""])
    button = rx.el.button(icon("plus"), word, type="button", class_name="btn sm", on_click=shows, style={"marginLeft": "auto"})
    return if_allowed(P.SETTINGS_MANAGE, button)


def _dialogs() -> rx.Component:
    def sheet(words: Any, what: str) -> rx.Component:
        named = field("name", "Model", help=NAME_HELP, wrong=ModelTables.wrong["name"], required=True)
        which = rx.cond(ModelTables.name == "", named)
        fields = [
            field(part, label, help=told, wrong=ModelTables.wrong[part], default_value=ModelTables.typed[i], input_mode="decimal")
            for i, (part, label, told) in enumerate(words)
        ]
        title = rx.cond(ModelTables.name == "", f"Set {what}", rx.Var.create(f"Set {what} of ") + ModelTables.name)
        return form_sheet(
            title, which, *fields, action="Set", on_submit=ModelTables.save, on_close=ModelTables.close, wrong=ModelTables.problem
        )

    set_ = rx.cond(ModelTables.table == "prices", sheet(PRICE_WORDS, "the price"), sheet(LIMIT_WORDS, "the limits"))
    told = rx.cond(
        ModelTables.table == "prices",
        "Calls that start from now on cost what the packaged list says. Where it says nothing, runs refuse to use the model.",
        "Calls that wait in line start at once, and the provider may refuse some of them.",
    )
    remove = confirm(
        rx.el.p(told),
        title=rx.Var.create("Remove what is set for ") + ModelTables.name + "?",
        action="Remove",
        danger=True,
        on_confirm=ModelTables.remove,
        on_close=ModelTables.close,
    )
    return rx.match(ModelTables.dialog, ("set", set_), ("remove", remove), rx.fragment())  # pyright: ignore[reportReturnType]
