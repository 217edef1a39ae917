"""How the card looks that says what of people's data is kept from models."""

from __future__ import annotations

import reflex as rx

from app.pages.settings.masking_state import Masked
from app.pages.settings.parts import choice, problem
from app.ui.frame import if_allowed
from app.ui.marks import card, icon
from engine import MASKED_KINDS, Permission

P = Permission
TOLD = (
    "A placeholder such as [EMAIL_1] goes to the model in place of what tells of a person, and its answer is filled in again. "
    "What is found is found by its form and its check digits; names only where they are listed. Steps can ask for more, never for less."
)
MODES = (
    ("off", "Nothing, unless a step asks for it"),
    ("outside", "From models outside of this machine"),
    ("all", "From every model"),
)


def masking() -> rx.Component:
    """The card, for whoever may see settings."""
    return if_allowed(P.SETTINGS_READ, card("Personal data", "venetian_mask", rx.cond(Masked.mode != "", _form())))


def _form() -> rx.Component:
    options = [rx.el.option(word, value=name) for name, word in MODES]
    said = rx.cond(Masked.is_saved, rx.fragment(icon("circle_check", size=14), "Saved"), "")
    save = rx.el.div(
        rx.el.button("Save", type="submit", class_name="btn pri"), rx.el.span(said, class_name="st done", role="status"), class_name="row"
    )
    return rx.el.form(
        rx.el.p(TOLD, class_name="mut t12"),
        choice("mode", "Is kept", *options, default_value=Masked.mode),
        rx.el.fieldset(
            rx.el.legend("What", class_name="lab"),
            rx.el.div(*[_tick(kind, word) for kind, word in MASKED_KINDS.items()], class_name="three"),
            rx.cond(Masked.wrong["kinds"], problem(Masked.wrong["kinds"])),
            class_name="ticks-of",
        ),
        _words(),
        if_allowed(P.SETTINGS_MANAGE, save),
        on_submit=Masked.save_masking,
        class_name="col g16 pad",
        custom_attrs={"data-testid": "masking"},
    )


def _tick(kind: str, word: str) -> rx.Component:
    box = rx.el.input(type="checkbox", name=f"kind-{kind}", default_checked=Masked.kinds.contains(kind))
    return rx.el.label(box, rx.el.span(word), class_name="tick-row")


def _words() -> rx.Component:
    area = rx.el.textarea(
        name="words",
        id="field-words",
        default_value=Masked.words,
        rows="3",
        class_name="inp set-words",
        spell_check=False,
        placeholder="Anna Keller",
    )
    return rx.el.div(
        rx.el.label("And these names and words", html_for="field-words", class_name="lab"),
        area,
        rx.el.span("One a line, in any spelling of capitals.", class_name="mut t12"),
        rx.cond(Masked.wrong["words"], problem(Masked.wrong["words"])),
        class_name="col g4 field",
    )
