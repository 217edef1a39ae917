"""What both pages about colleagues show: a face, money against its bar, and the fields of who somebody is."""

from __future__ import annotations

from typing import Any

import reflex as rx

from app.pages.agents.rows import COLOURS, Money
from app.pages.settings.parts import choice, field
from app.ui.marks import badge


def face(mark: Any, colour: Any, *, size: str = "") -> rx.Component:
    """A rounded square with an emoji or initials; people are round."""
    look = rx.Var.create(f"agent-face {size} face-") + colour
    return rx.el.span(mark, class_name=look, aria_hidden="true")


def burn(money: Money, *, is_large: bool = False) -> rx.Component:
    """What was spent today, and the bar where there is a budget."""
    filling = rx.cond(money.tone == "limit", "full", "")
    bar = rx.el.div(
        rx.el.i(style={"width": money.width}, class_name=filling), class_name="burn lg" if is_large else "burn", aria_hidden="true"
    )
    word = rx.cond(money.word != "", badge(money.tone, money.word))
    spent = rx.el.span(money.spent, class_name="t20 b num" if is_large else "num md")
    when = rx.el.span("today", class_name="mut")
    told = rx.el.div(spent, rx.el.span(money.of, class_name="mut num"), when, word, class_name="row burn-told")
    return rx.el.div(told, rx.cond(money.of != "", bar), class_name="col g6")


def who_fields(wrong: Any, *, name: Any = "", duty: Any = "", mark: Any = "", colour: Any = "iris") -> list[rx.Component]:
    """Name, duty and face."""
    colours = [rx.el.option(word, value=value) for value, word in COLOURS]
    return [
        field("name", "Name", wrong=wrong["name"], default_value=name, max_length=100, required=True, placeholder="Mara"),
        field(
            "duty",
            "Duty, in one sentence",
            wrong=wrong["duty"],
            default_value=duty,
            max_length=300,
            placeholder="Answers card requests and asks before anything changes a card",
        ),
        rx.el.div(
            field(
                "mark",
                "Face",
                help="An emoji or up to three letters; empty: the initials.",
                wrong=wrong["face.mark"],
                default_value=mark,
                placeholder="🦊",
            ),
            choice("colour", "Colour", *colours, default_value=colour),
            class_name="two-fields",
        ),
    ]
