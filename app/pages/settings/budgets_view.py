"""How the section of budgets looks."""

from __future__ import annotations

import reflex as rx

from app.components.connection import pulse
from app.components.dialog import confirm
from app.pages.settings.budgets_rows import ICONS, WHOLE, BudgetRow, Period
from app.pages.settings.budgets_state import Budgets
from app.pages.settings.parts import choice, field, form_sheet, problem, section, why_read_only
from app.ui.frame import if_allowed
from app.ui.marks import badge, icon, nothing, skeleton, tile
from engine import Permission

P = Permission
TOLD = (
    "The most that all runs together may spend on models in a day or in a month, in UTC. Near its end a step gets a shorter answer, "
    "or waits for what other runs have set aside. What still does not fit stops its run: it keeps what it has done, and can be let "
    "go on when the budget is raised or starts anew."
)
NONE_YET = (
    "There is no budget, so only each run's own limits hold. With one, runs stop before it is overspent, however many of them there "
    "are; none of their work is lost."
)
SCOPES = (("workspace", f"{WHOLE}, a month"), ("workflow", "A workflow, a day"), ("agent", "An agent, a day"))


def budgets_section() -> rx.Component:
    """The section; whoever may not see what things cost gets none."""
    add = rx.el.button(icon("plus"), "Add a budget", type="button", class_name="btn", on_click=Budgets.add)
    empty = rx.el.div(nothing("gauge", NONE_YET), class_name="card", custom_attrs={"data-testid": "no-budgets"})
    filled = rx.cond(Budgets.periods.length() > 0, rx.fragment(rx.foreach(Budgets.periods, _period)), empty)
    why = why_read_only(P.BUDGET_MANAGE, "You see budgets but cannot set them: administrators do.")
    content = rx.cond(Budgets.is_loaded, filled, rx.el.div(skeleton(), class_name="card"))
    whole = section("budgets", "Budgets", TOLD, why, content, _dialogs(), beside=if_allowed(P.BUDGET_MANAGE, add))
    return if_allowed(P.COST_READ, whole, pulse(Budgets.load))


def _period(period: Period) -> rx.Component:
    head = rx.el.div(
        rx.el.h3(period.title), rx.el.span(class_name="sp"), rx.el.span(period.anew, class_name="mut t12 anew"), class_name="ch tall"
    )
    rows = rx.el.ul(rx.foreach(period.rows, _budget))
    return rx.el.div(head, rows, class_name="card", custom_attrs={"data-period": period.name})


def _budget(row: BudgetRow) -> rx.Component:
    picture = rx.match(row.scope, *[(scope, tile(name)) for scope, name in ICONS.items()], tile("gauge"))
    who = rx.el.div(rx.el.div(row.title, class_name="md el"), rx.el.div(row.kind, class_name="mut t12 el"), class_name="who")
    used = rx.el.span(rx.el.b(row.spent, class_name="num"), rx.el.span(" of ", row.limit, class_name="num mut"), class_name="sp")
    filling = rx.cond(row.tone == "limit", "full", "")
    rest = rx.cond(row.word != "", badge(row.tone, row.word), rx.el.span(row.left, class_name="mut t12 num"))
    bar = rx.el.div(rx.el.i(style={"width": row.width}, class_name=filling), class_name="burn", aria_hidden="true")
    meter = rx.el.div(rx.el.div(used, rest, class_name="row"), bar, class_name="tell meter-of")
    return rx.el.li(
        picture,
        who,
        meter,
        if_allowed(P.BUDGET_MANAGE, _acts(row)),
        class_name="li budget",
        custom_attrs={"data-budget": row.title},
    )


def _acts(row: BudgetRow) -> rx.Component:
    def act(word: str, dialog: str, look: str = "btn sm") -> rx.Component:
        return rx.el.button(
            word,
            type="button",
            class_name=look,
            on_click=Budgets.show(dialog, row.scope, row.subject, row.title, row.amount),
            aria_label=rx.Var.create(f"{word} the budget of ") + row.title,
        )

    return rx.el.div(act("Change", "change"), act("Remove", "remove", "btn sm danger"), class_name="row")


def _dialogs() -> rx.Component:
    amount = field(
        "amount",
        "At most, in US dollars",
        help="A budget of 0 allows only what costs nothing.",
        wrong=Budgets.wrong["limit_usd"],
        input_mode="decimal",
        placeholder="5.00",
        default_value=Budgets.amount,
        required=True,
    )
    scopes = [rx.el.option(word, value=scope) for scope, word in SCOPES]
    # The workspace has one budget: a second one would silently take the first one's place.
    kinds = rx.fragment(rx.cond(Budgets.has_whole, rx.fragment(), scopes[0]), *scopes[1:])
    whose = choice("scope", "Budget of", kinds, value=Budgets.scope, on_change=Budgets.choose)
    workflows = rx.foreach(Budgets.workflows, lambda one: rx.el.option(one[1], value=one[0]))
    workflow = choice("subject", "Workflow", workflows, help="Those that have a budget are left out: change it in the list.")
    none_left = problem("Every workflow has a budget already, or there is none yet.")
    agent = field("subject", "Agent", help="Its name, as the steps that it does have it.", wrong=Budgets.wrong["subject"], required=True)
    of_workflow = rx.el.div(
        rx.cond(Budgets.workflows.length() > 0, workflow, none_left),
        rx.cond(Budgets.wrong["subject"], problem(Budgets.wrong["subject"])),
        class_name="col g4",
    )
    subject = rx.match(Budgets.scope, ("workflow", of_workflow), ("agent", agent), rx.fragment())
    shared = {"on_close": Budgets.close, "on_submit": Budgets.save, "wrong": Budgets.problem}
    add = form_sheet("Add a budget", whose, subject, amount, action="Set budget", **shared)
    change = form_sheet(rx.Var.create("Budget of ") + Budgets.title, amount, action="Save", **shared)
    remove = confirm(
        rx.el.p("Runs that it has stopped can be let go on. What was spent stays counted: a new budget starts with it."),
        title=rx.Var.create("Remove the budget of ") + Budgets.title + "?",
        action="Remove",
        danger=True,
        on_confirm=Budgets.remove,
        on_close=Budgets.close,
    )
    return rx.match(Budgets.dialog, ("add", add), ("change", change), ("remove", remove), rx.fragment())  # pyright: ignore[reportReturnType]
