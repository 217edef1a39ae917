"""What the sections of the settings are made of: a section, fields with their words, ticks for roles, a form in a dialog."""

from __future__ import annotations

from typing import Any

import reflex as rx

from app.components.dialog import sheet
from app.pages.settings.rows import ROLES
from app.ui.frame import Frame
from app.ui.marks import icon
from engine import Permission


def section(anchor: str, title: str, told: Any, *content: Any, beside: Any = None) -> rx.Component:
    """One section of the page, reached by its anchor."""
    words = rx.el.div(rx.el.h2(title, class_name="t16"), rx.el.p(told, class_name="mut"), class_name="sp")
    head = rx.el.div(words, *([beside] if beside is not None else []), class_name="row sec-head")
    return rx.el.section(head, *content, id=anchor, aria_label=title, class_name="col g12 sec", custom_attrs={"data-section": anchor})


def field(name: str, label: str, *, help: Any = "", wrong: Any = "", **more: Any) -> rx.Component:
    """A labelled field; `wrong` is what is wrong with it."""
    control = rx.el.input(name=name, id=f"field-{name}", class_name="inp", auto_complete="off", spell_check=False, **more)
    return _labelled(name, label, control, help=help, wrong=wrong)


def choice(name: str, label: str, *options: rx.Component, help: Any = "", **more: Any) -> rx.Component:
    """A labelled list to choose from."""
    control = rx.el.select(*options, name=name, id=f"field-{name}", class_name="inp", **more)
    return _labelled(name, label, control, help=help, wrong="")


def _labelled(name: str, label: str, control: rx.Component, *, help: Any, wrong: Any) -> rx.Component:
    # Vars of the page are always truthy in Python: only texts that are known to be empty are left out.
    note = rx.el.span(help, class_name="mut t12") if not (isinstance(help, str) and help == "") else rx.fragment()
    error = rx.fragment() if isinstance(wrong, str) and wrong == "" else rx.cond(wrong, problem(wrong))
    return rx.el.div(rx.el.label(label, html_for=f"field-{name}", class_name="lab"), control, note, error, class_name="col g4 field")


def why_read_only(permission: Permission, sentence: str) -> rx.Component:
    """Why somebody sees a section and cannot change it."""
    is_kept_out = ~Frame.allowed.contains(str(permission)) & (Frame.name != "")
    return rx.cond(is_kept_out, rx.el.p(icon("lock", size=14), sentence, class_name="mut row only-read"))


def problem(words: Any) -> rx.Component:
    """What is wrong, below what it is wrong with."""
    return rx.el.p(icon("circle_x", size=14), rx.el.span(words), class_name="wrong failed", role="alert")


def role_ticks(chosen: Any, *, only: Any = None) -> rx.Component:
    """A tick for every role, with what it means; `only` names those that can be given."""

    def tick(name: str, word: str, meaning: str) -> rx.Component:
        box = rx.el.input(type="checkbox", name=f"role-{name}", default_checked=chosen.contains(name) if chosen is not None else False)
        told = rx.el.span(rx.el.b(word, class_name="md"), rx.el.span(meaning, class_name="mut t12"), class_name="col")
        row = rx.el.label(box, told, class_name="tick-row")
        return row if only is None else rx.cond(only.contains(name), row)

    return rx.el.fieldset(rx.el.legend("Roles", class_name="lab"), *[tick(*role) for role in ROLES], class_name="ticks-of")


def form_sheet(title: Any, *fields: Any, action: str, on_submit: Any, on_close: Any, wrong: Any) -> rx.Component:
    """A dialog with a form; what is wrong is told above its buttons, and nothing that was typed is lost."""
    buttons = rx.el.div(
        rx.el.button(action, type="submit", class_name="btn pri"),
        rx.el.button("Cancel", type="button", class_name="btn", on_click=on_close),
        class_name="row",
    )
    form = rx.el.form(*fields, rx.cond(wrong != "", problem(wrong)), buttons, on_submit=on_submit, class_name="col g16")
    return sheet(form, title=title, on_close=on_close)
