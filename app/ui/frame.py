"""The frame around every page: navigation, who is signed in, what went wrong, and whether the server is there."""

from __future__ import annotations

from typing import Any, Literal

import reflex as rx
from reflex.style import color_mode, set_color_mode

from app.api.reading import Asking
from app.components.connection import connection, pulse
from app.ui import reflex_inside
from app.ui.actions import SIGNED_IN, action
from app.ui.marks import banner, icon, logo
from app.ui.places import FOOT, PLACES, Place
from app.ui.words import initials, listing
from engine import Permission, Role, require


class Frame(rx.State):
    """What the frame shows."""

    name: rx.Field[str] = rx.field(default="")
    email: rx.Field[str] = rx.field(default="")
    initials: rx.Field[str] = rx.field(default="")
    roles: rx.Field[str] = rx.field(default="")
    allowed: rx.Field[list[str]] = rx.field(default_factory=list)
    waiting: rx.Field[int] = rx.field(default=0)
    trouble: rx.Field[str] = rx.field(default="")
    next_step: rx.Field[str] = rx.field(default="")

    @action(SIGNED_IN)
    async def open(self, asking: Asking) -> None:
        """Shows who is signed in, and forgets the trouble of the page before."""
        actor = asking.actor
        self.name, self.email, self.initials = actor.name, actor.email, initials(actor.name)
        self.roles = "Every role" if len(actor.roles) == len(Role) else listing(sorted(actor.roles)).capitalize()
        self.allowed = [str(permission) for permission in Permission if actor.may(permission)]
        self.trouble = self.next_step = ""

    @action(Permission.APPROVAL_READ)
    async def count(self, asking: Asking) -> None:
        """Counts what waits for a person."""
        self.waiting = await asking.ask(asking.engine.inbox.count(asking.actor))

    @action(SIGNED_IN)
    async def dismiss(self, asking: Asking) -> None:
        """Puts the trouble away."""
        self.trouble = self.next_step = ""

    @action(SIGNED_IN)
    async def refuse(self, asking: Asking, permission: str) -> None:
        """Tells why an action was refused; the event gate calls it."""
        wanted = next((known for known in Permission if known == permission), None)
        if wanted is not None:
            require(asking.actor, wanted)


OPENED: list[Any] = [Frame.open, Frame.count]
"""What every page does first when it is opened."""


def frame(place: Place, *content: rx.Component) -> rx.Component:
    """A whole page with this content, reached from this place."""
    return _framed(place, content, look="app")


def slim_frame(place: Place, *content: rx.Component) -> rx.Component:
    """The same with a rail of icons as its navigation, for pages that need the width."""
    return _framed(place, content, look="app slim")


def _framed(place: Place, content: tuple[rx.Component, ...], *, look: str) -> rx.Component:
    main = rx.el.main(_trouble(), *content, class_name="main", id="main")
    return rx.el.div(
        rx.el.a("Skip to the content", href="#main", class_name="skip"),
        _side(place),
        _phone_bar(),
        main,
        _bottom(place),
        _me(),
        connection(),
        pulse(Frame.count),
        class_name=look,
    )


def if_allowed(permission: Permission, *content: rx.Component) -> rx.Component:
    """Shown to whoever may; what decides is the engine, this only keeps away buttons that would be refused."""
    return rx.cond(Frame.allowed.contains(str(permission)), rx.fragment(*content))


def link(*children: Any, to: Any, **more: Any) -> rx.Component:
    """A link to another page of ours, which opens without loading everything again."""
    return reflex_inside.page_link(*children, to=to, **more)


def link_out(*children: Any, to: Any, **more: Any) -> rx.Component:
    """A link to what is ours but no page: the browser itself goes there."""
    return reflex_inside.page_link(*children, to=to, custom_attrs={"reloadDocument": True}, **more)


def _count() -> rx.Component:
    # It only calls those who may answer.
    look = rx.cond(Frame.allowed.contains(str(Permission.APPROVAL_DECIDE)), "pill hot", "pill")
    number = rx.el.span(Frame.waiting, class_name=look, aria_hidden="true")
    return rx.cond(Frame.waiting > 0, rx.fragment(number, rx.el.span(", ", Frame.waiting, " waiting", class_name="sr")))


def _entry(place: Place, here: Place) -> rx.Component:
    is_here = place.route == here.route
    more = {"aria_current": "page", "class_name": "on"} if is_here else {}
    return link(
        icon(place.icon), rx.el.span(place.name, class_name="name"), _count() if place.is_counted else rx.fragment(), to=place.route, **more
    )


def _brand() -> rx.Component:
    return rx.el.div(logo(), rx.el.span("Signalbox", class_name="name"), class_name="brand")


def _side(here: Place) -> rx.Component:
    entries = [_entry(place, here) for place in PLACES]
    return rx.el.nav(
        _brand(),
        *entries,
        rx.el.div(class_name="sp"),
        *[_entry(place, here) for place in FOOT],
        rx.el.div(class_name="sep"),
        _who(),
        class_name="nav",
        aria_label="Main",
    )


def _bottom(here: Place) -> rx.Component:
    return rx.el.nav(*[_entry(place, here) for place in PLACES[:5]], class_name="botnav", aria_label="Main, short")


def _phone_bar() -> rx.Component:
    face = rx.el.span(Frame.initials, class_name="person")
    opener = rx.el.button(face, type="button", aria_label="Your account", class_name="opener", custom_attrs={"popoverTarget": "me"})
    return rx.el.header(logo(), rx.el.span("Signalbox", class_name="b t14"), rx.el.span(class_name="sp"), opener, class_name="phonebar")


def _who() -> rx.Component:
    told = rx.el.span(
        rx.el.span(Frame.name, class_name="md t12 el"),
        rx.el.span(Frame.roles, class_name="mut t12 el"),
        class_name="col sp",
        style={"textAlign": "left"},
    )
    return rx.el.button(
        rx.el.span(Frame.initials, class_name="person"),
        told,
        type="button",
        class_name="opener",
        aria_label=rx.Var.create("Your account: ") + Frame.name,
        custom_attrs={"popoverTarget": "me", "data-testid": "who"},
    )


def _me() -> rx.Component:
    facts = rx.el.dl(
        rx.el.dt("Signed in as"), rx.el.dd(Frame.name), rx.el.dt("E-mail"), rx.el.dd(Frame.email), rx.el.dt("Roles"), rx.el.dd(Frame.roles)
    )
    leave = reflex_inside.post_form(rx.el.button(icon("log_out"), "Sign out", type="submit", class_name="act"), action="/logout")
    separator = rx.el.div(class_name="sep")
    # On a phone the bar below has no room for what stands at the foot of the navigation.
    foot = [link(icon(place.icon), place.name, to=place.route, class_name="act") for place in FOOT]
    return rx.el.div(facts, separator, _themes(), separator, *foot, leave, id="me", class_name="pop", custom_attrs={"popover": "auto"})


def _themes() -> rx.Component:
    def choice(mode: Literal["light", "dark", "system"], word: str, picture: str) -> rx.Component:
        return rx.el.button(
            icon(picture),
            word,
            type="button",
            on_click=set_color_mode(mode),
            class_name="act",
            custom_attrs={"data-mode": mode},
            aria_pressed=color_mode == mode,
        )

    choices = [choice("light", "Light", "sun"), choice("dark", "Dark", "moon"), choice("system", "As the system", "monitor")]
    return rx.el.div(*choices, role="group", aria_label="Theme")


def _trouble() -> rx.Component:
    away = rx.el.button("Close", type="button", on_click=Frame.dismiss, class_name="btn sm")
    told = rx.el.div(banner("failed", Frame.trouble, Frame.next_step, away), class_name="trouble", custom_attrs={"data-testid": "trouble"})
    return rx.cond(Frame.trouble != "", told)
