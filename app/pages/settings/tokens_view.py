"""How the section of API tokens looks."""

from __future__ import annotations

import reflex as rx

from app.components.dialog import confirm, copy_button, sheet
from app.pages.settings.parts import choice, field, form_sheet, role_ticks, section
from app.pages.settings.rows import TokenRow
from app.pages.settings.tokens_state import Tokens
from app.ui.frame import if_allowed, link_out
from app.ui.marks import badge, icon, nothing
from engine import Permission

P = Permission
PERIODS = (("30", "30 days"), ("90", "90 days"), ("365", "A year"), ("never", "Until it is revoked"))


def tokens_section() -> rx.Component:
    """The section."""
    make = rx.el.button(icon("plus"), "Create a token", type="button", class_name="btn", on_click=Tokens.show("create", "", ""))
    whose = rx.el.div(
        rx.el.button("Yours", type="button", on_click=Tokens.load, aria_pressed=~Tokens.is_all),
        rx.el.button("Everybody's", type="button", on_click=Tokens.load_all, aria_pressed=Tokens.is_all),
        class_name="seg",
        role="group",
        aria_label="Whose tokens",
    )
    beside = rx.el.div(if_allowed(P.TOKEN_MANAGE, whose), if_allowed(P.TOKEN_OWN, make), class_name="row")
    empty = rx.el.div(nothing("key_square", "There is no token. Programs need one to call the API."), class_name="card")
    rows = rx.el.ul(rx.foreach(Tokens.rows, _token), class_name="card", custom_attrs={"data-testid": "tokens"})
    told = rx.fragment(
        "By a token a program acts for you, with the roles that you give it. ", link_out("How to call the API", to="/api/docs"), "."
    )
    return section("tokens", "API tokens", told, rx.cond(Tokens.rows.length() > 0, rows, empty), _dialogs(), beside=beside)


def _token(row: TokenRow) -> rx.Component:
    who = rx.el.div(rx.el.b(row.name, class_name="md el"), rx.el.div(row.told, class_name="mut t12 el"), class_name="tell")
    revoke = rx.el.button(
        "Revoke",
        type="button",
        class_name="btn sm danger",
        on_click=Tokens.show("revoke", row.id, row.name),
        aria_label=rx.Var.create("Revoke ") + row.name,
    )
    return rx.el.li(
        who,
        rx.el.div(row.roles, class_name="tell mut"),
        badge(row.tone, row.word),
        rx.cond(row.is_alive, revoke),
        class_name="li set",
        custom_attrs={"data-token": row.name},
    )


def _dialogs() -> rx.Component:
    create = form_sheet(
        "Create a token",
        field("name", "Name", help="Which program it is for.", required=True),
        choice("days", "It works for", *[rx.el.option(word, value=value) for value, word in PERIODS]),
        role_ticks(None, only=Tokens.own_roles),
        action="Create",
        on_submit=Tokens.create,
        on_close=Tokens.close,
        wrong=Tokens.problem,
    )
    fresh = sheet(
        rx.el.p("Copy it now: it is not shown again."),
        rx.el.code(Tokens.fresh, class_name="fresh", custom_attrs={"data-testid": "fresh"}),
        rx.el.div(
            copy_button(Tokens.fresh, label="Copy token"),
            rx.el.button("I have copied it", type="button", class_name="btn pri", on_click=Tokens.close),
            class_name="row",
        ),
        title=rx.Var.create("The token ") + Tokens.name,
        on_close=Tokens.close,
    )
    revoke = confirm(
        rx.el.p("Programs that use it are refused at once. It cannot be brought back; make another one instead."),
        title=rx.Var.create("Revoke ") + Tokens.name + "?",
        action="Revoke",
        danger=True,
        on_confirm=Tokens.revoke,
        on_close=Tokens.close,
    )
    return rx.match(Tokens.dialog, ("create", create), ("fresh", fresh), ("revoke", revoke), rx.fragment())  # pyright: ignore[reportReturnType]
