"""What all cards of the inbox are made of."""

from __future__ import annotations

from typing import Any

import reflex as rx

from app.pages.inbox.state import Inbox
from app.pages.inbox.values import Fact

DECIDE = "decide"
"""Name of the form that a decision is sent with."""


def box(title: Any, *content: Any, beside: Any = None, test: str = "") -> rx.Component:
    """A part of a card, with its heading."""
    head = [rx.el.h3(title), rx.el.span(class_name="sp"), *([beside] if beside is not None else [])]
    attrs = {"data-testid": test} if test else {}
    return rx.el.section(rx.el.div(*head, class_name="ch"), *content, class_name="card", custom_attrs=attrs)


def table(facts: Any) -> rx.Component:
    """Names and values."""

    def fact(one: Fact) -> rx.Component:
        value = rx.el.dd(one.text, class_name=rx.cond(one.is_long, "long", ""))
        return rx.fragment(rx.el.dt(one.label), value)

    return rx.cond(facts.length() > 0, rx.el.dl(rx.foreach(facts, fact), class_name="kv"))


def seen() -> rx.Component:
    """What the browser shows goes along with the decision, so that nobody decides what he has not seen."""
    told = {"item": Inbox.card.id, "digest": Inbox.card.digest}
    return rx.fragment(*[rx.el.input(type="hidden", name=name, value=value, read_only=True) for name, value in told.items()])


def key(name: str) -> rx.Component:
    """The key that does the same; screen readers are told by the button itself."""
    return rx.el.kbd(name, class_name="wide", aria_hidden="true")
