"""How the page of colleagues looks."""

from __future__ import annotations

import reflex as rx

from app.components.connection import pulse
from app.pages.agents.parts import burn, face, who_fields
from app.pages.agents.rows import Card
from app.pages.agents.state import FRESH, Agents
from app.pages.settings.parts import form_sheet, why_read_only
from app.ui.frame import frame, if_allowed, link
from app.ui.marks import icon, skeleton, track_drawing
from app.ui.places import AGENTS
from engine import Permission

P = Permission
EVERY_S = 15


def agents() -> rx.Component:
    """The page."""
    filled = rx.cond(
        Agents.cards.length() > 0,
        rx.el.ul(rx.foreach(Agents.cards, _card), class_name="agent-cards", custom_attrs={"data-testid": "agents"}),
        _empty(),
    )
    content = rx.cond(Agents.is_loaded, filled, rx.el.div(skeleton(3), class_name="card"))
    why = why_read_only(P.AGENT_MANAGE, "You see the agents but cannot change them: operators and administrators do.")
    return frame(AGENTS, _head(), rx.el.div(why, content, class_name="col g16 page"), _dialog(), pulse(*FRESH, seconds=EVERY_S))


def _head() -> rx.Component:
    told = rx.el.div(
        rx.el.h1("Agents", class_name="t28 b"),
        rx.el.p("Digital colleagues: each has its duty, its tools and its limits, in every workflow it works in.", class_name="mut t14"),
        class_name="sp",
    )
    return rx.el.div(told, if_allowed(P.AGENT_MANAGE, _maker()), class_name="head")


def _maker() -> rx.Component:
    return rx.el.button(icon("plus"), "New colleague", type="button", class_name="btn pri", on_click=Agents.show("new"))


def _card(card: Card) -> rx.Component:
    who = rx.el.div(
        face(card.mark, card.colour, size="big"),
        rx.el.div(
            rx.el.h2(link(card.name, to=card.address, class_name="agent-name"), class_name="t16 el"),
            rx.el.p(card.duty, class_name="mut two"),
            class_name="sp",
        ),
        class_name="agent-who",
    )
    facts = rx.el.div(
        rx.el.span(icon("sparkles", size=14), rx.el.span(card.model, class_name="el"), class_name="fact"),
        rx.el.span(icon("wrench", size=14), card.tools, class_name="fact"),
        rx.el.span(icon("workflow", size=14), rx.el.span(card.works, class_name="el"), class_name="fact"),
        class_name="agent-facts mut t12",
    )
    return rx.el.li(
        who, facts, rx.cond(card.sees_money, burn(card.money)), class_name="card agent-card", custom_attrs={"data-agent": card.name}
    )


def _empty() -> rx.Component:
    return rx.el.div(
        track_drawing(),
        rx.el.h2("Who should do the work?", class_name="t20"),
        rx.el.p(
            "Make a colleague, say what it is there for, and give it tools. Then name it in an agent step of a workflow: "
            "its rules and limits hold there, whatever the step says."
        ),
        if_allowed(P.AGENT_MANAGE, _maker()),
        class_name="empty",
        custom_attrs={"data-testid": "empty"},
    )


def _dialog() -> rx.Component:
    new = form_sheet(
        "New colleague",
        *who_fields(Agents.wrong),
        rx.el.p("Tools, rules and limits come next. It may call nothing before you give it a tool.", class_name="mut t12"),
        action="Make colleague",
        on_submit=Agents.create,
        on_close=Agents.show(""),
        wrong="",
    )
    return rx.cond(Agents.dialog == "new", new)
