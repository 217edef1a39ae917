"""How the approvals of one map box look: what they have in common, and below it the lines to decide."""

from __future__ import annotations

from typing import Any

import reflex as rx

from app.components.connection import pulse
from app.components.decision import grid
from app.pages.inbox.grid_state import Grid
from app.pages.inbox.grids import PAGE
from app.pages.inbox.state import Inbox
from app.ui.frame import Frame, link
from app.ui.marks import badge, tone_tile
from engine import Permission

DECIDED: list[Any] = [Grid.decide, Inbox.load, Frame.count]
"""A decision also changes the list and what is counted."""


def lines() -> rx.Component:
    """The grid in the place of a card."""
    following = rx.cond(Inbox.next_id != "", rx.Var.create("/inbox/") + Inbox.next_id, "")
    table = grid(
        _head(),
        head=Grid.head,
        lines=Grid.lines,
        shows=Grid.shows,
        edits=Grid.edits,
        problems=Grid.problems,
        previews=Grid.previews,
        answered=Grid.answered,
        said=Grid.said,
        at=Grid.at,
        page=PAGE,
        total=Grid.total,
        waiting=Grid.waiting,
        can_decide=Frame.allowed.contains(str(Permission.APPROVAL_DECIDE)),
        next_to=following,
        next_title=Inbox.next_title,
        on_decide=DECIDED,
        on_type=Grid.type,
        on_turn=Grid.turn,
        key=Grid.name,
    )
    # While actions are on their way their lines are asked for every second.
    return rx.fragment(table, pulse(Grid.refresh), rx.cond(Grid.is_moving, pulse(Grid.refresh, seconds=1)))


def _head() -> rx.Component:
    head = Grid.head
    where = rx.el.p(
        head.workflow,
        rx.cond(head.version != "", rx.fragment(" ", head.version), ""),
        " · ",
        link("open the run", to=f"/runs/{head.run}"),
        " · box “",
        head.box,
        "”",
        rx.cond(head.oldest != "", rx.fragment(" · oldest waits ", head.oldest), ""),
        class_name="mut",
    )
    who = rx.el.p(head.deciders, rx.cond(head.cost != "", rx.fragment(" · cost so far ", head.cost)), class_name="mut num")
    told = rx.el.div(
        rx.el.h2(head.title, class_name="t20", custom_attrs={"data-testid": "title"}),
        rx.el.p(head.sentence, class_name="t13 says", custom_attrs={"data-testid": "sentence"}),
        where,
        who,
        class_name="sp",
    )
    return rx.el.div(
        tone_tile(head.tone), told, badge(head.tone, head.word), class_name="dec-ask", custom_attrs={"data-testid": "grid-head"}
    )
