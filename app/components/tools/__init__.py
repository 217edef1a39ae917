"""The dialogs about tools: making and trying one, reading a description, servers of tools, and what stands behind a name."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import reflex as rx

from app.components import dialog, inspector, rest, versions

SOURCES = sorted(file.name for file in Path(__file__).parent.iterdir() if file.suffix in {".js", ".jsx", ".css"})
FILES: dict[str, Any] = {name: rx.asset(name, shared=True) for name in SOURCES}
NEEDS = (dialog, inspector, rest, versions)
"""What the JSX imports beside it."""


class _ToolForm(rx.NoSSRComponent):
    """A web tool in a form, and a call of it to try."""

    library = FILES["tool_form.jsx"].importable_path
    tag = "ToolForm"
    name: rx.Var[str]
    on_saved: rx.EventHandler[rx.event.no_args_event_spec]
    on_close: rx.EventHandler[rx.event.no_args_event_spec]


class _ToolLook(rx.NoSSRComponent):
    """A tool that is not made here, to be read."""

    library = FILES["look.jsx"].importable_path
    tag = "ToolLook"
    name: rx.Var[str]
    on_close: rx.EventHandler[rx.event.no_args_event_spec]


class _OpenApi(rx.NoSSRComponent):
    """Tools out of a description."""

    library = FILES["openapi.jsx"].importable_path
    tag = "OpenApiImport"
    on_saved: rx.EventHandler[rx.event.no_args_event_spec]
    on_close: rx.EventHandler[rx.event.no_args_event_spec]


class _Removing(rx.NoSSRComponent):
    """The question before a tool goes, with what names it."""

    library = FILES["removing.jsx"].importable_path
    tag = "ToolRemoving"
    name: rx.Var[str]
    on_saved: rx.EventHandler[rx.event.no_args_event_spec]
    on_close: rx.EventHandler[rx.event.no_args_event_spec]


class _Servers(rx.NoSSRComponent):
    """Servers that offer tools, and what of it may be called."""

    library = FILES["servers.jsx"].importable_path
    tag = "ToolServers"
    on_changed: rx.EventHandler[rx.event.no_args_event_spec]
    on_close: rx.EventHandler[rx.event.no_args_event_spec]


def tool_form(name: Any, *, on_saved: Any, on_close: Any) -> rx.Component:
    """The form of the tool of this name; of a new one without."""
    return _ToolForm.create(name=name, on_saved=on_saved, on_close=on_close)


def tool_look(name: Any, *, on_close: Any) -> rx.Component:
    """What is told of a tool."""
    return _ToolLook.create(name=name, on_close=on_close)


def openapi_import(*, on_saved: Any, on_close: Any) -> rx.Component:
    """The dialog, open."""
    return _OpenApi.create(on_saved=on_saved, on_close=on_close)


def tool_removing(name: Any, *, on_saved: Any, on_close: Any) -> rx.Component:
    """The question, open."""
    return _Removing.create(name=name, on_saved=on_saved, on_close=on_close)


def tool_servers(*, on_changed: Any, on_close: Any) -> rx.Component:
    """The dialog, open."""
    return _Servers.create(on_changed=on_changed, on_close=on_close)
