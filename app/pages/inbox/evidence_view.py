"""How it looks what speaks for and against a request: the rules of an agent's call, and the words that came with it."""

from __future__ import annotations

from typing import Any

import reflex as rx

from app.pages.inbox.evidence import Evidence
from app.pages.inbox.state import Inbox
from app.ui.marks import icon, tone_icon


def message() -> rx.Component:
    """May hold words of a model or of a stranger: always text, and named as what it is."""
    name = rx.el.div(icon("message_square_text", size=14), Inbox.card.why.said_by, class_name="lab")
    told = rx.el.div(name, rx.el.div(Inbox.card.message, class_name="quo"), class_name="ev", custom_attrs={"data-testid": "message"})
    return rx.cond(Inbox.card.message != "", told)


def rules() -> rx.Component:
    """Why a person is asked, and each rule: first those that speak against the call."""
    told = Inbox.card.why
    asked = rx.el.div(
        rx.el.div(icon("hand", size=14), "Why you are asked", class_name="lab"),
        rx.el.p(told.asked, class_name="t13"),
        class_name="ev",
        custom_attrs={"data-testid": "why-asked"},
    )
    against = _listed("What speaks against it", told.against, "against")
    return rx.fragment(rx.cond(told.asked != "", asked), against, _listed("What speaks for it", told.speaks_for, "speaks-for"))


def _listed(title: str, rules: Any, test: str) -> rx.Component:
    listed = rx.el.ul(rx.foreach(rules, _rule), class_name="rules")
    told = rx.el.div(rx.el.div(title, class_name="lab"), listed, class_name="ev", custom_attrs={"data-testid": test})
    return rx.cond(rules.length() > 0, told)


def _rule(one: Evidence) -> rx.Component:
    mark = rx.el.span(tone_icon(one.tone), one.word, class_name="st " + one.tone)
    more = rx.cond(one.more != "", rx.el.p(one.more, class_name="t12 mut"))
    return rx.el.li(mark, rx.el.p(one.because, class_name="t13"), more)
