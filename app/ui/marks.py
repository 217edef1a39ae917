"""The small marks that every page shows: logo, status badge, tile, empty and waiting places, banner."""

from __future__ import annotations

from typing import Any

import reflex as rx

TONE_ICONS = {
    "running": "loader_circle",
    "waiting": "hourglass",
    "done": "circle_check",
    "failed": "circle_x",
    "limit": "octagon_pause",
    "doubt": "circle_help",
    "skipped": "circle_minus",
    "accent": "circle_dot",
}
"""One icon a tone: colour never stands alone. Each tone is a class of assets/signalbox.css."""


def icon(name: str, *, size: int = 16, **more: Any) -> rx.Component:
    """An icon beside words; it tells nothing by itself."""
    return rx.icon(name, size=size, aria_hidden="true", **more)


def tone_icon(tone: Any, *, size: int = 14) -> rx.Component:
    """The icon of a tone that is known only when the page is open."""
    cases = [(name, icon(picture, size=size, class_name="spin" if name == "running" else "")) for name, picture in TONE_ICONS.items()]
    return rx.match(tone, *cases, icon("circle_dot", size=size))  # pyright: ignore[reportReturnType]


def badge(tone: Any, word: Any) -> rx.Component:
    """A status: icon, word and colour together."""
    return rx.el.span(tone_icon(tone), word, class_name=rx.Var.create("bd ") + tone)


def status(tone: Any, word: Any) -> rx.Component:
    """The same without a background, for rows that have a frame already."""
    return rx.el.span(tone_icon(tone), word, class_name=rx.Var.create("st ") + tone)


def tone_tile(tone: Any) -> rx.Component:
    """A large tile in the colour of a tone."""
    style = {"background": "var(--_bg)", "color": "var(--_fg)"}
    return rx.el.span(tone_icon(tone, size=18), class_name=rx.Var.create("tile l ") + tone, style=style)


def tile(name: str, *, is_ai: bool = False) -> rx.Component:
    """A grey tile with an icon; the accent is for steps that reason."""
    return rx.el.span(icon(name, size=18), class_name="tile l ai" if is_ai else "tile l")


def logo() -> rx.Component:
    """The mark of Signalbox."""
    track = rx.el.path(
        d="M5 16h14M9.5 16c3 0 3-8 6-8H19",
        stroke="var(--surface)",
        fill="none",
        custom_attrs={"strokeWidth": "1.8", "strokeLinecap": "round"},
    )
    ground = rx.el.rect(width="24", height="24", rx="6.5", fill="var(--slate-12)")
    lamp = rx.el.circle(cx="6.6", cy="9", r="2.1", fill="#30a46c")
    return rx.el.svg(ground, track, lamp, width="24", height="24", view_box="0 0 24 24", aria_hidden="true", style={"flex": "none"})


def track_drawing() -> rx.Component:
    """The drawing of an empty place: a track with a point, where nothing runs yet."""
    lines = rx.el.path(d="M8 52h192M72 52c32 0 20-28 52-28h48", stroke="var(--line-strong)", fill="none", custom_attrs={"strokeWidth": "3"})
    here, there = "var(--accent)", "var(--line-strong)"
    places = [(8, 52, here), (72, 52, there), (172, 24, there), (200, 52, there)]
    stations = [
        rx.el.circle(cx=str(x), cy=str(y), r="6", fill="var(--bg)", stroke=color, custom_attrs={"strokeWidth": "3"})
        for x, y, color in places
    ]
    return rx.el.svg(lines, *stations, width="208", height="72", view_box="0 0 208 72", aria_hidden="true")


def card(title: str, picture: str, *rows: Any, beside: Any = None, label: str | None = None) -> rx.Component:
    """A card with a head and rows."""
    head = [icon(picture), rx.el.h2(title, class_name="t13"), *([beside] if beside is not None else [])]
    return rx.el.section(rx.el.div(*head, class_name="ch"), *rows, class_name="card", aria_label=label or title)


def nothing(picture: str, sentence: str) -> rx.Component:
    """What a card says when it is empty."""
    return rx.el.div(tile(picture), rx.el.span(sentence), class_name="none")


def skeleton(rows: int = 2) -> rx.Component:
    """Rows that are on their way."""
    row = rx.el.div(
        rx.el.span(class_name="tile l"), rx.el.span(class_name="skeleton", style={"flex": "0 1 240px"}), class_name="li", aria_hidden="true"
    )
    return rx.fragment(*[row for _ in range(rows)])


def banner(tone: str, title: Any, text: Any, *actions: rx.Component) -> rx.Component:
    """What went wrong, what it means, what to do next."""
    told = rx.el.div(
        rx.el.p(title, class_name="t14 b"),
        rx.el.p(text, class_name="t13"),
        rx.el.div(*actions, class_name="row", style={"marginTop": "8px"}) if actions else rx.fragment(),
        class_name="col sp g4",
    )
    return rx.el.div(icon(TONE_ICONS[tone], size=20), told, class_name=f"banner {tone}", role="alert" if tone == "failed" else "status")
