"""How the limits and the model of a colleague look."""

from __future__ import annotations

from typing import Any

import reflex as rx

from app.pages.agent.state import Agent
from app.pages.agent.tools_view import edit_button, part, plain_form_of, saved_mark
from app.pages.agents.parts import burn
from app.pages.settings.parts import field, problem
from app.ui.frame import Frame
from app.ui.marks import icon
from engine import Permission

P = Permission


def limits_card() -> rx.Component:
    """What it may use, and how much of a day's money is used."""
    shown: Any = Agent.shown
    money = rx.cond(
        Agent.shown.sees_money,
        rx.el.div(
            burn(shown.money, is_large=True),
            rx.el.p("This month: ", rx.el.span(Agent.shown.month, class_name="num"), class_name="mut t12"),
            class_name="col g6 pad agent-money",
        ),
    )
    facts = rx.el.dl(
        *_fact("Turns in one step", Agent.shown.max_turns),
        *_fact("Calls in one turn", Agent.shown.calls_per_turn),
        *_fact("Money a day", rx.cond(Agent.shown.per_day != "", rx.Var.create("$") + shown.per_day, "")),
        class_name="agent-facts-of pad",
    )
    # Money is the business of those who set budgets: for others the field stands still and is sent back as it was.
    may_pay = Frame.allowed.contains(str(P.BUDGET_MANAGE))
    form = plain_form_of(
        _limit("max_turns", "Turns in one step, at most", Agent.shown.max_turns),
        _limit("calls_per_turn", "Calls in one turn, at most", Agent.shown.calls_per_turn),
        field(
            "cost_usd_per_day",
            "Money a day, in US dollars",
            help=rx.cond(may_pay, "Over all its work, in UTC. Empty: no budget of its own.", "Administrators set this."),
            wrong=Agent.wrong["limits.cost_usd_per_day"],
            default_value=Agent.shown.per_day,
            input_mode="decimal",
            read_only=~may_pay,
        ),
    )
    body = rx.cond(Agent.editing == "limits", form, rx.fragment(money, facts))
    return part("Limits", body, beside=edit_button("limits", "Edit the limits"))


def _fact(word: str, value: Any) -> tuple[rx.Component, rx.Component]:
    told = rx.cond(value != "", rx.el.span(value, class_name="num md"), rx.el.span("as the step says", class_name="mut"))
    none = rx.cond(value != "", rx.el.span(value, class_name="num md"), rx.el.span("no budget of its own", class_name="mut"))
    return rx.el.dt(word), rx.el.dd(none if word.startswith("Money") else told)


def _limit(name: str, label: str, value: Any) -> rx.Component:
    return field(
        name, label, help="Empty: as the step says.", wrong=Agent.wrong[f"limits.{name}"], default_value=value, input_mode="numeric"
    )


def model_card() -> rx.Component:
    """The model that it thinks with, where a step leaves that open."""
    options = rx.foreach(Agent.models, lambda one: rx.el.option(one[1], value=one[0]))
    own = rx.cond(Agent.shown.warning != "", rx.el.option(Agent.shown.model, value=Agent.shown.model))
    pick = rx.el.select(
        rx.el.option("The step’s own", value=""),
        own,
        options,
        value=Agent.shown.model,
        on_change=Agent.use,
        class_name="inp",
        aria_label="Model",
        style={"width": "100%"},
    )
    told = rx.cond(Agent.shown.model != "", rx.el.span(Agent.shown.model, class_name="md"), rx.el.span("The step’s own", class_name="md"))
    alone = rx.el.span(icon("sparkles", size=14), told, class_name="row")
    may = Frame.allowed.contains(str(P.AGENT_MANAGE))
    note = rx.el.p("A step that names a model keeps that one.", class_name="mut t12")
    warning = rx.cond(Agent.shown.warning != "", problem(Agent.shown.warning))
    return part(
        "Model",
        rx.el.div(rx.cond(may, pick, alone), warning, note, class_name="col g6 pad"),
        beside=saved_mark("model"),
    )
