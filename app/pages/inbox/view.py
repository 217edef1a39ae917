"""How the inbox looks: the list at the left, one card at the right; on a phone one after the other."""

from __future__ import annotations

from typing import Any

import reflex as rx

from app.components.connection import pulse
from app.components.decision import keys
from app.pages.inbox import grid_view
from app.pages.inbox.card_view import body, foot, last_decision, outcome
from app.pages.inbox.grid_state import Grid
from app.pages.inbox.rows import Request
from app.pages.inbox.state import MOST, PULSE, Inbox
from app.ui.frame import Frame, frame, link
from app.ui.marks import badge, banner, icon, status, track_drawing
from app.ui.places import INBOX
from app.ui.words import WAITING_TONES

TITLE: Any = rx.cond(Frame.waiting > 0, "(" + Frame.waiting.to_string() + ") Inbox · Signalbox", "Inbox · Signalbox")
KEYS = (
    ("A", "Approve"),
    ("E", "Edit, then approve"),
    ("R", "Reject with a reason"),
    ("J", "Next request"),
    ("K", "Request before"),
    ("↑ ↓ ← →", "Through the lines of a grid"),
    ("/", "Search"),
    ("Ctrl Enter", "Send what is being typed"),
    ("Esc", "Leave a field"),
)


def inbox() -> rx.Component:
    """The page."""
    columns = rx.el.div(_list(), _card(), class_name=rx.cond(Inbox.is_open, "ig open", "ig"))
    return frame(
        INBOX,
        _head(),
        columns,
        _all_keys(),
        keys(),
        pulse(*PULSE),
        # While an action is on its way its card is asked for every second.
        rx.cond(Inbox.card.is_moving | Inbox.last.is_moving, pulse(Inbox.refresh, Inbox.follow, seconds=1)),
    )


def _head() -> rx.Component:
    back = link(icon("arrow_left", size=20), to="/inbox", class_name="narrow back", aria_label="All requests")
    search = rx.el.label(
        icon("search", size=14),
        rx.el.input(
            placeholder="Search requests",
            aria_label="Search requests",
            default_value=Inbox.query,
            on_change=Inbox.search.debounce(250),
            custom_attrs={"data-key": "/"},
        ),
        rx.el.kbd("/", class_name="wide"),
        class_name="inp find",
    )
    return rx.el.header(
        rx.cond(Inbox.is_open, back),
        rx.el.h1("Inbox", class_name="t16"),
        rx.el.span(Inbox.summary, class_name="mut told", custom_attrs={"data-testid": "summary"}),
        rx.el.span(Inbox.place, class_name="narrow md at"),
        rx.el.span(class_name="sp"),
        rx.cond(Inbox.card.id != "", rx.el.span(badge(Inbox.card.tone, Inbox.card.word), class_name="narrow due")),
        search,
        class_name="top",
    )


def _list() -> rx.Component:
    rows = rx.el.div(rx.foreach(Inbox.rows, _row), class_name="rows", role="list")
    content = rx.cond(Inbox.rows.length() > 0, rx.fragment(rows, rx.cond(Inbox.total > Inbox.rows.length(), _more())), _nothing())
    hint = rx.el.div(
        rx.el.kbd("J"),
        rx.el.kbd("K"),
        "next and previous",
        rx.el.span(class_name="sp"),
        rx.el.button(
            rx.el.kbd("?"), "all keys", type="button", class_name="plain", custom_attrs={"popoverTarget": "keys", "data-key": "?"}
        ),
        class_name="gh last wide",
    )
    return rx.el.section(_filters(), rx.cond(Inbox.is_loaded, content, _waiting_rows()), hint, class_name="il", aria_label="Requests")


def _more() -> rx.Component:
    shown = rx.el.span(Inbox.rows.length(), " of ", Inbox.total, " shown", class_name="mut num sp", custom_attrs={"data-testid": "shown"})
    word = rx.cond(Inbox.shown == "decided", "Show older", "Show more")
    more = rx.el.button(word, type="button", class_name="btn sm", on_click=Inbox.show_more)
    rest = rx.el.span("Search, or choose a type, to find the others.", class_name="mut")
    return rx.el.div(shown, rx.cond(Inbox.rows.length() < MOST, more, rest), class_name="none")


def _filters() -> rx.Component:
    def part(name: str, word: str, picture: str, number: Any = None) -> rx.Component:
        pill = rx.fragment() if number is None else rx.el.span(number, class_name="pill")
        is_on = Inbox.shown == name
        return rx.el.button(
            icon(picture, size=14),
            word,
            pill,
            type="button",
            class_name=rx.cond(is_on, "on", ""),
            aria_pressed=is_on,
            on_click=Inbox.show(name),
        )

    options = [rx.el.option(tone.word, value=name) for name, tone in WAITING_TONES.items()]
    kind = rx.el.select(
        rx.el.option("Every type", value=""), *options, value=Inbox.kind, on_change=Inbox.by_kind, aria_label="Type of request"
    )
    return rx.el.div(
        part("mine", "Waiting for me", "inbox", Inbox.mine),
        part("others", "For others", "users", Inbox.others),
        part("decided", "Decided", "history"),
        kind,
        class_name="fl",
        role="group",
        aria_label="Which requests",
    )


def _row(row: Request) -> rx.Component:
    under = rx.el.span(
        status(row.tone, row.word),
        rx.cond(row.told != "", rx.el.span("· ", row.told)),
        rx.el.span(class_name="sp"),
        rx.el.span(row.stake, class_name="num risk", title="At stake, or cost so far"),
        rx.el.span(row.due, class_name="num when"),
        class_name="row t12 mut",
    )
    who = rx.el.span(row.workflow, rx.cond(row.step != "", rx.fragment(" · ", row.step)), class_name="mut t12 el")
    new = rx.cond(row.is_new, rx.el.span(rx.el.span("New", class_name="sr"), class_name="dot"))
    heading = rx.cond(row.group != "", rx.el.div(row.group, rx.el.span(class_name="sp"), _column_names(), class_name="gh"))
    is_here = row.key == Inbox.here
    entry = link(
        rx.el.span(rx.el.span(new, row.title, class_name="tt"), who, under, class_name="col sp"),
        to=rx.Var.create("/inbox/") + row.key,
        class_name=rx.cond(is_here, "ir on", "ir"),
        custom_attrs={"data-row": "request", "aria-current": rx.cond(is_here, "true", "false")},
    )
    return rx.el.div(heading, entry, role="listitem")


def _column_names() -> rx.Component:
    return rx.cond(Inbox.shown == "decided", rx.el.span("Cost · When"), rx.el.span("At stake or cost · Due"))


def _waiting_rows() -> rx.Component:
    line = rx.el.div(rx.el.span(class_name="skeleton"), rx.el.span(class_name="skeleton half"), class_name="ir col", aria_hidden="true")
    return rx.el.div(line, line, line, class_name="rows")


def _nothing() -> rx.Component:
    filtered = (Inbox.query != "") | (Inbox.kind != "")
    sentence = rx.cond(
        filtered,
        "No request fits. Clear the search or choose every type.",
        rx.match(
            Inbox.shown,
            ("decided", "Nothing has been decided yet."),
            ("others", "Nothing waits for anybody else."),
            "Nothing waits for you. When a run needs a decision of yours, it stands here.",
        ),
    )
    return rx.el.p(sentence, class_name="mut none", custom_attrs={"data-testid": "nothing"})


def _card() -> rx.Component:
    notice = rx.cond(Inbox.notice.title != "", rx.el.div(_notice(), custom_attrs={"data-testid": "notice"}))
    content = rx.el.div(notice, outcome(), body(), class_name="cb")
    card = rx.fragment(last_decision(), content, foot())
    many = rx.cond(Grid.is_missing, _missing(), rx.cond(Grid.name == Inbox.grid, grid_view.lines()))
    shown = rx.cond(Inbox.grid != "", many, rx.cond(Inbox.card.id != "", card, _no_card()))
    return rx.el.section(shown, class_name="ic_", aria_label="Request")


def _notice() -> rx.Component:
    away = rx.el.button("Close", type="button", on_click=Inbox.dismiss, class_name="btn sm")
    told = (Inbox.notice.title, Inbox.notice.text, away)
    return rx.cond(Inbox.notice.tone == "failed", banner("failed", *told), banner("limit", *told))


def _no_card() -> rx.Component:
    others = rx.cond(
        Inbox.others > 0,
        rx.el.button("See what waits for others", type="button", on_click=Inbox.show("others"), class_name="btn"),
    )
    nobody = _empty(
        "Nothing waits for you",
        "A run that needs a person stops here and asks: what it wants to do, why, and what it has cost so far.",
        others,
        name="empty",
    )
    look = rx.el.button("See what waits for you", type="button", on_click=Inbox.show("mine"), class_name="btn")
    elsewhere = _empty("Nothing waits for others", "What somebody else has to decide is found here.", look, name="empty")
    decided = _empty("Nothing has been decided yet", "Every decision stays here, with who made it and what came of it.", look, name="empty")
    empty = rx.fragment(rx.match(Inbox.shown, ("others", elsewhere), ("decided", decided), nobody))
    is_empty = Inbox.is_loaded & (Inbox.rows.length() == 0)
    return rx.fragment(last_decision(), rx.cond(Inbox.is_missing, _missing(), rx.cond(is_empty, empty)))


def _missing() -> rx.Component:
    return _empty(
        "This request is not here",
        "The link may be cut short, or its run was removed. Nothing was decided.",
        link("All requests", to="/inbox", class_name="btn pri"),
        name="missing",
    )


def _empty(title: str, text: str, what_next: rx.Component, *, name: str) -> rx.Component:
    told = (track_drawing(), rx.el.h2(title, class_name="t20"), rx.el.p(text), what_next)
    return rx.el.div(*told, class_name="empty", custom_attrs={"data-testid": name})


def _all_keys() -> rx.Component:
    facts = [part for key, word in KEYS for part in (rx.el.dt(rx.el.kbd(key)), rx.el.dd(word))]
    told = (rx.el.h2("Keys", class_name="t13"), rx.el.dl(*facts, class_name="keys"))
    return rx.el.div(*told, id="keys", class_name="sheet", custom_attrs={"popover": "auto"})
