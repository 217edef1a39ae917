"""How the section of models and keys looks."""

from __future__ import annotations

from typing import Any

import reflex as rx

from app.components.dialog import confirm
from app.pages.settings.masking_view import masking
from app.pages.settings.model_tables_view import tables
from app.pages.settings.models_state import Models
from app.pages.settings.parts import choice, field, form_sheet, section
from app.pages.settings.rows import KeyRow, ModelRow
from app.ui.frame import if_allowed
from app.ui.marks import badge, card, icon, nothing, tone_icon
from engine import Permission

P = Permission
ADDRESS = "Speaks the OpenAI API, such as http://localhost:11434/v1. It gets the key of OpenAI, if there is one."
HOSTS = "Steps may send it there and nowhere else. Several with commas; *.example.com means every host below example.com."
HEADER = "Empty: “Authorization: Bearer” and the secret. A name such as X-Api-Key: that header, with the secret as it is."
SERVER = (
    ("base_url", "Own server", ADDRESS),
    ("price_in", "Price in", "US dollars for a million tokens that go in: of the default model and your own server."),
    ("price_out", "Price out", "The same for a million tokens that come out. Both empty: the list price."),
)


def models_section() -> rx.Component:
    """The section."""
    return section(
        "models",
        "Models and keys",
        "Steps name a model by what it is for; here stands which one that is. A change holds for the calls that start from now on.",
        card("What the names mean", "brain_circuit", rx.el.ul(rx.foreach(Models.rows, _model))),
        if_allowed(P.SETTINGS_READ, card("Choose models", "sliders_horizontal", _choices())),
        if_allowed(P.SECRET_LIST, card("Keys and secrets", "key_round", _keys(), beside=if_allowed(P.SECRET_MANAGE, _new_key()))),
        tables(),
        masking(),
        _dialogs(),
    )


def _model(row: ModelRow) -> rx.Component:
    who = rx.el.div(
        rx.el.div(rx.el.b(row.title, class_name="md"), " ", rx.el.span(row.label), class_name="el"),
        rx.el.div(row.price, class_name="mut t12"),
        class_name="tell",
    )
    tried = rx.cond(Models.tried == row.name, _result())
    return rx.el.li(
        who,
        badge(row.tone, row.word),
        if_allowed(P.SETTINGS_MANAGE, _try(row.name, Models.try_model(row.name), row.title)),
        tried,
        class_name="li set",
        custom_attrs={"data-model": row.name},
    )


def _try(mark: Any, on_click: Any, what: Any) -> rx.Component:
    is_busy = Models.trying == mark
    return rx.el.button(
        rx.cond(is_busy, "Asking …", "Try it"),
        type="button",
        class_name="btn sm",
        disabled=Models.trying != "",
        on_click=on_click,
        title="Asks one short question, which costs a fraction of a cent",
        aria_label=rx.Var.create("Try ") + what,
    )


def _result() -> rx.Component:
    told = rx.el.p(tone_icon(Models.tone), rx.el.span(Models.told), class_name=rx.Var.create("result ") + Models.tone)
    return rx.el.div(rx.cond(Models.told != "", told), role="status", class_name="result-row", custom_attrs={"data-testid": "result"})


def _choices() -> rx.Component:
    names = [
        _name("default", "Default", "For every step that names none."),
        _name("cheap", "Cheap", "For simple work. Empty: the default."),
        _name("careful", "Careful", "For work that must be right. Empty: the default."),
    ]
    server = [_text(*words) for words in SERVER]
    said = rx.cond(Models.is_saved, rx.fragment(icon("circle_check", size=14), "Saved"), "")
    saved = rx.el.span(said, class_name="st done", role="status")
    save = rx.el.div(rx.el.button("Save", type="submit", class_name="btn pri"), saved, class_name="row")
    form = rx.el.form(
        rx.el.div(*names, *server, class_name="three"), if_allowed(P.SETTINGS_MANAGE, save), on_submit=Models.save, class_name="col g16 pad"
    )
    # Drawn anew when other choices come, for these fields keep what was typed.
    return rx.cond(Models.chosen.length() > 0, form)


def _name(name: str, label: str, help: str) -> rx.Component:
    hint = rx.cond(Models.outside[name] != "", rx.Var.create("From the environment: ") + Models.outside[name], "Such as gpt-5-mini")
    return field(name, label, help=help, wrong=Models.wrong[name], default_value=Models.chosen[name], placeholder=hint)


def _text(name: str, label: str, help: str) -> rx.Component:
    hint = rx.cond(Models.outside[name] != "", rx.Var.create("From the environment: ") + Models.outside[name], "")
    return field(name, label, help=help, wrong=Models.wrong[name], default_value=Models.chosen[name], placeholder=hint)


def _keys() -> rx.Component:
    empty = nothing("key_round", "No key is stored. The practice model needs none; a real model does.")
    return rx.cond(Models.keys.length() > 0, rx.el.ul(rx.foreach(Models.keys, _key)), empty)


def _new_key() -> rx.Component:
    return rx.el.div(
        rx.el.button(icon("plus"), "Add a key", type="button", class_name="btn sm", on_click=Models.show("key", "")),
        rx.el.button(icon("plus"), "Add a secret", type="button", class_name="btn sm", on_click=Models.show("secret", "")),
        class_name="row",
        style={"marginLeft": "auto"},
    )


def _key(row: KeyRow) -> rx.Component:
    who = rx.el.div(
        rx.el.div(rx.el.b(row.title, class_name="md"), " ", rx.el.span(row.name, class_name="mono mut"), class_name="el"),
        rx.el.div(row.told, class_name="mut t12"),
        rx.cond(row.hosts != "", rx.el.div("Steps may send it to ", rx.el.span(row.hosts, class_name="mono"), class_name="mut t12")),
        class_name="tell",
    )
    replace = rx.el.button(
        rx.cond(row.is_stored, "Replace", "Store another"), type="button", class_name="btn sm",
        on_click=Models.show(rx.cond(row.provider != "", "key", "secret"), row.name),
        aria_label=rx.Var.create("Replace ") + row.name,
    )  # fmt: skip
    remove = rx.el.button(
        "Remove",
        type="button",
        class_name="btn sm danger",
        on_click=Models.show("remove", row.name),
        aria_label=rx.Var.create("Remove ") + row.name,
    )
    trial = rx.cond(row.provider != "", _try(row.name, Models.try_key(row.name, row.provider), row.name))
    acts = rx.el.div(trial, replace, rx.cond(row.is_stored, remove), class_name="row")
    tried = rx.cond(Models.tried == row.name, _result())
    return rx.el.li(
        who, badge(row.tone, row.word), if_allowed(P.SECRET_MANAGE, acts), tried, class_name="li set", custom_attrs={"data-key": row.name}
    )


def _dialogs() -> rx.Component:
    options = [
        rx.foreach(Models.providers, lambda provider: rx.el.option(provider[1], value=provider[0])),
    ]
    which = rx.cond(Models.key == "", choice("name", "Provider", *options))
    value = field("value", "Key", type="password", help="It is kept encrypted and never shown again, to nobody.", required=True)
    title = rx.cond(Models.key == "", "Add a key", rx.Var.create("Another key for ") + Models.key)
    enter = form_sheet(title, which, value, action="Store", on_submit=Models.store, on_close=Models.close, wrong=Models.problem)
    remove = confirm(
        rx.el.p("Calls that start from now on go without it. Signalbox cannot bring it back: it would have to be entered again."),
        title=rx.Var.create("Remove ") + Models.key + "?",
        action="Remove",
        danger=True,
        on_confirm=Models.remove,
        on_close=Models.close,
    )
    return rx.match(Models.dialog, ("key", enter), ("secret", _secret()), ("remove", remove), rx.fragment())  # pyright: ignore[reportReturnType]


def _secret() -> rx.Component:
    name = field("name", "Name", help="As steps name it, such as SHOP_KEY.", required=True)
    return form_sheet(
        rx.cond(Models.key == "", "Add a secret", rx.Var.create("Another value for ") + Models.key),
        rx.cond(Models.key == "", name),
        field("value", "Secret", type="password", help="It is kept encrypted and never shown again, to nobody.", required=True),
        field("hosts", "Hosts", help=HOSTS, default_value=Models.hosts, placeholder="api.example.com"),
        field("header", "Header", help=HEADER, default_value=Models.header, placeholder="Authorization"),
        action="Store",
        on_submit=Models.store,
        on_close=Models.close,
        wrong=Models.problem,
    )
