"""How the tools of a colleague look, and what every part of its page is made of."""

from __future__ import annotations

from typing import Any

import reflex as rx

from app.pages.agent.rows import ICONS, Rule, ToolRow
from app.pages.agent.state import POLICIES, Agent
from app.pages.settings.parts import choice, problem
from app.ui.frame import Frame, if_allowed
from app.ui.marks import icon, nothing, tile
from engine import Permission

P = Permission
WORDS = {"auto": ("Auto", "check"), "ask": ("Ask", "user_check"), "never": ("Never", "lock")}
NAMES = "It can read arguments (what the call is made with), results (what earlier calls came to) and said (who said what)."


def part(title: str, *content: Any, note: str = "", beside: Any = None) -> rx.Component:
    """A card of the page."""
    head = [rx.el.h2(title, class_name="t13"), rx.el.span(note, class_name="mut t12"), rx.el.span(class_name="sp")]
    head += [beside] if beside is not None else []
    return rx.el.section(rx.el.div(*head, class_name="ch"), *content, class_name="card agent-part", aria_label=title)


def saved_mark(what: str) -> rx.Component:
    """Says that a part was just saved."""
    said = rx.cond(Agent.saved == what, rx.fragment(icon("circle_check", size=14), "Saved"))
    return rx.el.span(said, class_name="st done t12", role="status")


def edit_button(what: str, told: str) -> rx.Component:
    """Opens a part for changes; gone while it is open."""
    button = rx.el.button("Edit", type="button", class_name="btn sm", aria_label=told, on_click=Agent.edit(what))
    return rx.fragment(saved_mark(what), if_allowed(P.AGENT_MANAGE, rx.cond(Agent.editing != what, button)))


def form_of(*fields: Any, action: str = "Save") -> rx.Component:
    """The form of the part that is open; what is wrong is told above its buttons."""
    return plain_form_of(*fields, rx.cond(Agent.wrong["any"], problem(Agent.wrong["any"])), action=action)


def plain_form_of(*fields: Any, action: str = "Save") -> rx.Component:
    """The same for fields that tell themselves what is wrong with them."""
    buttons = rx.el.div(
        rx.el.button(action, type="submit", class_name="btn pri sm"),
        rx.el.button("Cancel", type="button", class_name="btn sm", on_click=Agent.edit("")),
        class_name="row",
    )
    return rx.el.form(*fields, buttons, on_submit=Agent.save, class_name="col g12 pad")


def tools_card() -> rx.Component:
    """Every tool with its policy and its conditions."""
    none = nothing("wrench", "It has no tool: it can think and answer, and call nothing.")
    rows = rx.el.ul(rx.foreach(Agent.shown.tools, _tool))
    add = rx.el.button(icon("plus", size=14), "Add a tool", type="button", class_name="btn sm", on_click=Agent.edit("tool"))
    beside = if_allowed(P.AGENT_MANAGE, rx.cond(Agent.editing != "tool", add))
    return part(
        "Tools",
        rx.cond(Agent.editing == "tool", rx.el.div(_adding(), class_name="agent-adding")),
        rx.cond(Agent.editing == "", rx.cond(Agent.wrong["any"], rx.el.div(problem(Agent.wrong["any"]), class_name="pad"))),
        rx.cond(Agent.shown.tools.length() > 0, rows, rx.cond(Agent.editing == "tool", rx.fragment(), none)),
        note="enforced by Signalbox, not by the prompt",
        beside=beside,
    )


def _adding() -> rx.Component:
    options = rx.foreach(Agent.others, lambda one: rx.el.option(one[1], value=one[0]))
    first = rx.el.option("Choose a tool", value="", disabled=True)
    tool = choice("tool", "Tool", first, options, default_value="", required=True, on_change=Agent.consider)
    policies = [rx.el.option(word, value=name) for name, (word, _) in WORDS.items()]
    policy = choice("policy", "May it?", *policies, value=Agent.chosen, on_change=Agent.choose)
    none = nothing("wrench", "There is no other tool. Tools are made in the settings, under Tools.")
    form = form_of(rx.el.div(tool, policy, class_name="two-fields"), action="Add tool")
    return rx.cond(Agent.others.length() > 0, form, none)


def _tool(tool: ToolRow) -> rx.Component:
    told = rx.el.div(
        rx.el.div(
            tool.title, rx.cond(tool.title != tool.name, rx.el.code(tool.name, class_name="mut")), class_name="md row agent-tool-name"
        ),
        rx.el.div(tool.about, class_name="mut t12 two"),
        rx.cond(tool.trouble != "", rx.el.div(tool.trouble, class_name="t12 st failed agent-missing")),
        class_name="sp",
    )
    drop = rx.el.button(
        icon("x"),
        type="button",
        class_name="btn sm ghost ic",
        title="Take this tool away",
        aria_label=rx.Var.create("Take away ") + tool.name,
        on_click=Agent.drop(tool.name, -1),
    )
    picture = rx.match(tool.kind, *[(kind, tile(name)) for kind, name in ICONS.items()], tile("wrench"))
    head = rx.el.div(picture, told, _policy(tool), if_allowed(P.AGENT_MANAGE, drop), class_name="agent-tool-row")
    return rx.el.li(head, _rules(tool), class_name="agent-tool", custom_attrs={"data-tool": tool.name, "data-policy": tool.pressed})


def _policy(tool: ToolRow) -> rx.Component:
    def press(name: str) -> rx.Component:
        word, picture = WORDS[name]
        return rx.el.button(
            rx.cond(tool.pressed == name, icon(picture, size=12)),
            word,
            type="button",
            aria_pressed=tool.pressed == name,
            on_click=Agent.allow(tool.name, name),
        )

    asked = rx.Var.create("May it call ") + tool.name
    seg = rx.el.div(*[press(name) for name in POLICIES], class_name="seg pol", role="group", aria_label=asked)
    words = [(name, rx.el.span(icon(picture, size=14), word, class_name="st neutral")) for name, (word, picture) in WORDS.items()]
    read_only = rx.match(tool.pressed, *words, rx.fragment())
    note = rx.cond(tool.note != "", rx.el.span(tool.note, class_name="mut t12"))
    return rx.el.div(rx.cond(Frame.allowed.contains(str(P.AGENT_MANAGE)), seg, read_only), note, class_name="col g4 agent-policy")


def _rules(tool: ToolRow) -> rx.Component:
    here = rx.Var.create("rule:") + tool.name
    add = rx.el.button(
        icon("plus", size=12),
        rx.cond(tool.has_rules, "Another condition", "Only when …"),
        type="button",
        class_name="btn sm ghost agent-when",
        aria_label=rx.Var.create("Add a condition for ") + tool.name,
        on_click=Agent.edit(here),
    )
    rows = rx.el.ul(rx.foreach(tool.rules, lambda rule: _rule(rule, tool.name)), class_name="agent-rules")
    return rx.el.div(
        rx.cond(tool.has_rules, rows),
        rx.cond(Agent.editing == here, _new_rule(), if_allowed(P.AGENT_MANAGE, add)),
        class_name="agent-only",
    )


def _rule(rule: Rule, tool: Any) -> rx.Component:
    drop = rx.el.button(
        icon("x", size=14),
        type="button",
        class_name="btn sm ghost ic",
        title="Take this condition away",
        aria_label=rx.Var.create("Take away the condition ") + rule.that,
        on_click=Agent.drop(tool, rule.number),
    )
    because = rx.cond(rule.because != "", rx.el.span(rule.because, " · "))
    told = rx.el.div(rx.el.code(rule.that), rx.el.span(because, rule.otherwise, class_name="mut t12"), class_name="col sp")
    return rx.el.li(told, if_allowed(P.AGENT_MANAGE, drop))


def _new_rule() -> rx.Component:
    that = rx.el.div(
        rx.el.label("Only when this holds", html_for="field-that", class_name="lab"),
        rx.el.input(
            name="that",
            id="field-that",
            class_name="inp mono",
            auto_complete="off",
            spell_check=False,
            placeholder="arguments.amount <= 4000",
        ),
        rx.el.span(NAMES, class_name="mut t12"),
        class_name="col g4 field",
    )
    ways = [rx.el.option("It is not called", value="stop"), rx.el.option("A person decides", value="ask")]
    otherwise = choice("otherwise", "Else", *ways, default_value="stop")
    because = rx.el.div(
        rx.el.label("Because", html_for="field-because", class_name="lab"),
        rx.el.input(name="because", id="field-because", class_name="inp", auto_complete="off", placeholder="Larger limits need a person"),
        class_name="col g4 field",
    )
    return form_of(that, rx.el.div(otherwise, because, class_name="two-fields"), action="Add condition")
