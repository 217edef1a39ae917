"""How the sections of people and of one's own password look."""

from __future__ import annotations

from typing import Any

import reflex as rx

from app.components.dialog import confirm
from app.pages.settings.parts import field, form_sheet, problem, role_ticks, section
from app.pages.settings.people_state import People
from app.pages.settings.rows import PersonRow
from app.ui.frame import if_allowed
from app.ui.marks import badge, icon
from engine import Permission

P = Permission
NO_ROLES: list[str] = []
LEAST = "At least 10 characters."


def people_section() -> rx.Component:
    """The section; whoever may not see it gets none."""
    add = rx.el.button(icon("user_plus"), "Add a person", type="button", class_name="btn", on_click=People.show("add", "", "", NO_ROLES))
    rows = rx.el.ul(rx.foreach(People.rows, _person), class_name="card", custom_attrs={"data-testid": "people"})
    told = "Who works here and what each of them may do. What a role does not allow is refused by the server, whatever a page shows."
    return if_allowed(P.USER_READ, section("people", "People", told, rows, _dialogs(), beside=if_allowed(P.USER_MANAGE, add)))


def password_section() -> rx.Component:
    """One's own password."""
    form = rx.el.form(
        field("old", "Password now", type="password", required=True),
        field("new", "New password", type="password", help=LEAST, required=True),
        rx.cond(People.own_problem != "", problem(People.own_problem)),
        rx.el.div(rx.el.button("Change password", type="submit", class_name="btn"), class_name="row"),
        on_submit=People.change_own,
        class_name="col g16 pad narrow-form",
    )
    told = "A new password signs you out everywhere, so you sign in again."
    return section("password", "Your password", told, rx.el.div(form, class_name="card"))


def _person(row: PersonRow) -> rx.Component:
    name = rx.el.div(rx.el.b(row.name, class_name="md"), rx.cond(row.is_me, rx.el.span(" (you)", class_name="mut")), class_name="el")
    who = rx.el.div(name, rx.el.div(row.email, class_name="mut t12 el"), class_name="tell")
    face = rx.el.span(row.initials, class_name="person", aria_hidden="true")
    roles = rx.el.div(row.roles, class_name="tell mut")
    return rx.el.li(
        face,
        who,
        roles,
        badge(row.tone, row.word),
        if_allowed(P.USER_MANAGE, _acts(row)),
        class_name="li set",
        custom_attrs={"data-person": row.email},
    )


def _acts(row: PersonRow) -> rx.Component:
    def act(word: str, on_click: Any, style: str = "btn sm ghost") -> rx.Component:
        return rx.el.button(word, type="button", class_name=style, on_click=on_click, aria_label=rx.Var.create(f"{word}: ") + row.name)

    return rx.el.div(
        act("Roles", People.show("roles", row.id, row.name, row.role_names)),
        act("Password", People.show("password", row.id, row.name, row.role_names)),
        rx.cond(
            row.is_disabled,
            act("Activate", People.enable(row.id)),
            act("Deactivate", People.show("disable", row.id, row.name, row.role_names)),
        ),
        class_name="row acts",
    )


def _dialogs() -> rx.Component:
    shared: dict[str, Any] = {"on_close": People.close, "wrong": People.problem}
    add = form_sheet(
        "Add a person",
        field("email", "E-mail address", type="email", required=True),
        field("name", "Name", help="Empty: the first part of the address."),
        role_ticks(None),
        field("password", "First password", type="password", help=f"{LEAST} Hand it over yourself; it can be changed under Settings."),
        action="Add",
        on_submit=People.add,
        **shared,
    )
    roles = form_sheet(
        rx.Var.create("What ") + People.name + " may do", role_ticks(People.roles), action="Save", on_submit=People.change_roles, **shared
    )
    password = form_sheet(
        rx.Var.create("New password for ") + People.name,
        field("password", "New password", type="password", help=f"{LEAST} It signs this person out everywhere.", required=True),
        action="Set password",
        on_submit=People.change_password,
        **shared,
    )
    disable = confirm(
        rx.el.p("This person is signed out at once and their API tokens stop working. Runs that they started go on."),
        rx.cond(People.problem != "", problem(People.problem)),
        title=rx.Var.create("Deactivate ") + People.name + "?",
        action="Deactivate",
        danger=True,
        on_confirm=People.disable,
        on_close=People.close,
    )
    cases = (("add", add), ("roles", roles), ("password", password), ("disable", disable))
    return rx.match(People.dialog, *cases, rx.fragment())  # pyright: ignore[reportReturnType]
