"""How the settings look: one page, its sections one below the other."""

from __future__ import annotations

from typing import Any

import reflex as rx

from app.components.arrival import arrival
from app.pages.settings.about_state import About
from app.pages.settings.about_view import about_section
from app.pages.settings.budgets_state import Budgets
from app.pages.settings.budgets_view import budgets_section
from app.pages.settings.data_tables_view import data_tables_section
from app.pages.settings.masking_state import Masked
from app.pages.settings.model_tables_state import ModelTables
from app.pages.settings.models_state import Models
from app.pages.settings.models_view import models_section
from app.pages.settings.people_state import People
from app.pages.settings.people_view import password_section, people_section
from app.pages.settings.storage_state import Storage
from app.pages.settings.storage_view import storage_section
from app.pages.settings.tokens_state import Tokens
from app.pages.settings.tokens_view import tokens_section
from app.pages.settings.tools_state import Tools
from app.pages.settings.tools_view import tools_section
from app.ui.frame import frame, if_allowed
from app.ui.places import SETTINGS
from engine import Permission

LOADED: list[Any] = [Models.load_models, Tokens.load, Tools.open]
"""What everybody sees; the rest is asked by whoever may."""
FOR_SOME: tuple[tuple[Permission, Any], ...] = (
    (Permission.COST_READ, Budgets.load),
    (Permission.WORKFLOW_READ, Storage.load),
    (Permission.SETTINGS_READ, Models.load_choices),
    (Permission.SETTINGS_READ, Masked.load_masking),
    (Permission.SETTINGS_READ, ModelTables.load),
    (Permission.SECRET_LIST, Models.load_keys),
    (Permission.USER_READ, People.load),
    (Permission.SETTINGS_READ, About.load),
)


def settings() -> rx.Component:
    """The page."""
    head = rx.el.div(rx.el.h1("Settings", class_name="t28 b"), class_name="head")
    sections = [
        models_section(),
        tools_section(),
        data_tables_section(),
        budgets_section(),
        people_section(),
        tokens_section(),
        password_section(),
    ]
    sections += [storage_section(), about_section()]
    content = arrival(*sections, class_name="page sections-of")
    return frame(SETTINGS, head, _anchors(), content, *[_asked(permission, load) for permission, load in FOR_SOME])


def _asked(permission: Permission, load: Any) -> rx.Component:
    """Asks once it is known that this person may: asking without would be told as a refusal."""
    return if_allowed(permission, rx.el.span(on_mount=load, hidden=True))


def _anchors() -> rx.Component:
    def to(anchor: str, word: str) -> rx.Component:
        return rx.el.a(word, href=f"#{anchor}")

    return rx.el.nav(
        to("models", "Models and keys"),
        if_allowed(Permission.TOOL_READ, to("tools", "Tools")),
        if_allowed(Permission.TABLE_READ, to("tables", "Tables")),
        if_allowed(Permission.COST_READ, to("budgets", "Budgets")),
        if_allowed(Permission.USER_READ, to("people", "People")),
        to("tokens", "API tokens"),
        to("password", "Your password"),
        if_allowed(Permission.WORKFLOW_READ, to("storage", "Storage")),
        if_allowed(Permission.SETTINGS_READ, to("about", "About")),
        class_name="anchors",
        aria_label="Sections",
    )
