"""How the section of the workspace's own tables looks."""

from __future__ import annotations

import reflex as rx

from app.components.tables import data_tables
from app.pages.settings.parts import section, why_read_only
from app.ui.frame import Frame, if_allowed
from engine import Permission

P = Permission
TOLD = "What several runs need and people keep up to date. Steps and agents look rows up and change them by tools of their own."


def data_tables_section() -> rx.Component:
    """The section."""
    why = why_read_only(P.TABLE_MANAGE, "You see the tables but cannot change their columns: editors and administrators do.")
    may_write = Frame.allowed.contains(str(P.TABLE_WRITE))
    may_manage = Frame.allowed.contains(str(P.TABLE_MANAGE))
    return if_allowed(P.TABLE_READ, section("tables", "Tables", TOLD, why, data_tables(may_write=may_write, may_manage=may_manage)))
