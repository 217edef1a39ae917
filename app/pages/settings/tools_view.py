"""How the section of tools looks."""

from __future__ import annotations

import reflex as rx

from app.components.tools import openapi_import, tool_form, tool_look, tool_removing, tool_servers
from app.pages.settings.parts import section, why_read_only
from app.pages.settings.tools_rows import KINDS, PAGE, ToolRow
from app.pages.settings.tools_state import Tools
from app.ui.frame import Frame, if_allowed
from app.ui.marks import badge, icon, nothing, skeleton, tile
from engine import Permission

P = Permission
TOLD = "What agents and steps may call. A model knows of a tool only what is written here, and each call is held to it."
NONE = {
    "web": ("globe", "No web request was made into a tool yet. Make one, or take over a service's own description."),
    "mcp": ("server", "No tool of a server was allowed yet. Add a server, and look at what it offers."),
    "table": ("table_2", "There is no table yet. Make one below: its tools come with it."),
    "": ("wrench", "There is no tool yet. Make one that calls a web address, or take over a service's own description."),
}


def tools_section() -> rx.Component:
    """The section."""
    why = why_read_only(P.TOOL_MANAGE, "You see which tools there are but cannot change them: administrators do.")
    rows = rx.el.ul(rx.foreach(Tools.rows, _row), custom_attrs={"data-testid": "tools"})
    bare = rx.match(Tools.kind, *[(kind, nothing(*told)) for kind, told in NONE.items()], nothing("package", "There is none."))
    none = rx.cond(Tools.query != "", nothing("search", "No tool has these words, or none of this kind."), bare)
    found = rx.cond(Tools.rows.length() > 0, rows, none)
    card = rx.el.div(_finding(), rx.cond(Tools.is_loaded, found, skeleton(3)), _pages(), class_name="card")
    whole = section("tools", "Tools", TOLD, why, card, _dialogs(), beside=if_allowed(P.TOOL_MANAGE, _makers()))
    return if_allowed(P.TOOL_READ, whole)


def _makers() -> rx.Component:
    def button(picture: str, word: str, dialog: str) -> rx.Component:
        return rx.el.button(icon(picture), word, type="button", class_name="btn", on_click=Tools.show(dialog, ""))

    makers = [button("plus", "New tool", "form"), button("file_up", "From OpenAPI", "openapi"), button("server", "Servers", "servers")]
    return rx.el.div(*makers, class_name="row tool-makers")


def _finding() -> rx.Component:
    search = rx.el.label(
        icon("search"),
        rx.el.span("Search tools", class_name="sr"),
        rx.debounce_input(
            rx.el.input(type="search", placeholder="Search", value=Tools.query, on_change=Tools.search, class_name="bare"),
            debounce_timeout=250,
        ),
        class_name="inp sp search",
    )
    kinds = [
        rx.el.button(word, type="button", on_click=Tools.narrow(kind), aria_pressed=Tools.kind == kind) for kind, word in KINDS
    ]  # fmt: skip
    return rx.el.div(search, rx.el.div(*kinds, class_name="seg", role="group", aria_label="Which tools"), class_name="ch tools")


def _row(row: ToolRow) -> rx.Component:
    name = rx.el.div(rx.el.b(row.title, class_name="md"), " ", rx.cond(row.title != row.name, rx.el.span(row.name, class_name="mono mut")))
    tell = rx.el.div(name, rx.el.div(row.told, class_name="t12 el"), rx.el.div(row.does, class_name="mut t12"), class_name="tell")
    state = rx.el.div(badge(row.tone, row.word), rx.el.div(row.owner, class_name="mut t12 el"), class_name="col g4 tool-state")
    why = rx.cond(row.why != "", rx.el.p(row.why, class_name="mut t12 result-row"))
    picture = rx.match(row.kind, ("web", tile("globe")), ("mcp", tile("server")), ("table", tile("table_2")), tile("package"))
    return rx.el.li(picture, tell, state, _acts(row), why, class_name="li set tool", custom_attrs={"data-tool": row.name})


def _acts(row: ToolRow) -> rx.Component:
    def button(word: str, dialog: str, *, look: str = "btn sm") -> rx.Component:
        label = rx.Var.create(f"{word} ") + row.name
        return rx.el.button(word, type="button", class_name=look, on_click=Tools.show(dialog, row.name), aria_label=label)

    web = rx.fragment(button("Change", "form"), button("Remove", "remove", look="btn sm danger"))
    look = button("Look", "look")
    servers = rx.el.button(
        "Look at the server",
        type="button",
        class_name="btn sm",
        on_click=Tools.show("servers", ""),
        aria_label=rx.Var.create("Look at the server of ") + row.name,
    )
    may = rx.match(row.kind, ("web", web), ("mcp", rx.cond(row.word == "Waits for you", servers, look)), look)
    acts = rx.cond(Frame.allowed.contains(str(P.TOOL_MANAGE)), may, look)
    return rx.el.div(acts, class_name="row tool-acts")


def _pages() -> rx.Component:
    is_last = (Tools.page + 1) * PAGE >= Tools.found
    before = rx.el.button("Before", type="button", class_name="btn sm", disabled=Tools.page == 0, on_click=Tools.turn(-1))
    after = rx.el.button("After", type="button", class_name="btn sm", disabled=is_last, on_click=Tools.turn(1))
    told = rx.el.span(Tools.page_told, class_name="mut t12 num sp", role="status")
    return rx.cond(Tools.page_told != "", rx.el.div(told, before, after, class_name="row pad"))


def _dialogs() -> rx.Component:
    # A dialog that may not be used does not open; what decides is the engine.
    changing = rx.match(
        Tools.dialog,
        ("form", tool_form(Tools.name, on_saved=Tools.saved, on_close=Tools.close)),
        ("openapi", openapi_import(on_saved=Tools.saved, on_close=Tools.close)),
        ("servers", tool_servers(on_changed=Tools.load, on_close=Tools.close)),
        ("remove", tool_removing(Tools.name, on_saved=Tools.saved, on_close=Tools.close)),
        rx.fragment(),
    )
    looking = rx.cond(Tools.dialog == "look", tool_look(Tools.name, on_close=Tools.close))
    return rx.fragment(if_allowed(P.TOOL_MANAGE, changing), looking)  # pyright: ignore[reportArgumentType]
