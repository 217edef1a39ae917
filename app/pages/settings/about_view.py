"""How the section about this installation looks."""

from __future__ import annotations

import reflex as rx

from app.pages.settings.about_state import About
from app.pages.settings.parts import section
from app.pages.settings.rows import FindingRow
from app.ui.frame import if_allowed
from app.ui.marks import badge
from engine import Permission


def about_section() -> rx.Component:
    """The section; whoever may not see it gets none."""
    look = rx.el.button(
        rx.cond(About.is_looking, "Looking …", "Check now"),
        type="button",
        class_name="btn",
        on_click=About.examine,
        disabled=About.is_looking,
    )
    facts = rx.el.dl(
        rx.foreach(About.facts, lambda fact: rx.fragment(rx.el.dt(fact[0]), rx.el.dd(fact[1]))),
        class_name="facts pad",
        custom_attrs={"data-testid": "facts"},
    )
    findings = rx.cond(
        About.findings.length() > 0, rx.el.ul(rx.foreach(About.findings, _finding), custom_attrs={"data-testid": "findings"}, role="status")
    )
    variables = rx.el.details(
        rx.el.summary("What the environment says"),
        rx.el.dl(rx.foreach(About.settings, lambda line: rx.fragment(rx.el.dt(line["name"]), rx.el.dd(line["value"]))), class_name="facts"),
        class_name="pad",
    )
    told = "Check looks at everything that the command doctor looks at, and says what to do where something is wrong."
    content = rx.el.div(facts, variables, findings, class_name="card")
    return if_allowed(Permission.SETTINGS_READ, section("about", "About this installation", told, content, beside=look))


def _finding(row: FindingRow) -> rx.Component:
    who = rx.el.div(rx.el.b(row.subject, class_name="md"), rx.el.div(row.told, class_name="mut t12"), class_name="tell")
    return rx.el.li(who, badge(row.tone, row.word), class_name="li")
