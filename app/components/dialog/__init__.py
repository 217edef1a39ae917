"""Dialogs, messages that go by themselves, and a button that copies: what several pages lay over themselves."""

from __future__ import annotations

from typing import Any

import reflex as rx

_JSX: Any = rx.asset("dialog.jsx", shared=True)
_CSS: Any = rx.asset("dialog.css", shared=True)
_PROBLEMS: Any = rx.asset("problems.jsx", shared=True)


class _Confirm(rx.NoSSRComponent):
    """A question before something that cannot simply be repeated."""

    library = _JSX.importable_path
    tag = "Confirm"
    title: rx.Var[str]
    confirm: rx.Var[str]
    danger: rx.Var[bool]
    on_confirm: rx.EventHandler[rx.event.no_args_event_spec]
    on_close: rx.EventHandler[rx.event.no_args_event_spec]


class _Sheet(rx.NoSSRComponent):
    """A dialog whose content is ours."""

    library = _JSX.importable_path
    tag = "Dialog"
    title: rx.Var[str]
    on_close: rx.EventHandler[rx.event.no_args_event_spec]


class _Toast(rx.NoSSRComponent):
    """Says that something was done, and takes it back while it is shown."""

    library = _JSX.importable_path
    tag = "Toast"
    text: rx.Var[str]
    action: rx.Var[str]
    on_action: rx.EventHandler[rx.event.no_args_event_spec]
    on_gone: rx.EventHandler[rx.event.no_args_event_spec]


class _Copy(rx.NoSSRComponent):
    """A button that copies a text."""

    library = _JSX.importable_path
    tag = "Copy"
    text: rx.Var[str]
    label: rx.Var[str]


def confirm(*content: Any, title: Any, action: str, on_confirm: Any, on_close: Any, danger: bool = False) -> rx.Component:
    """A question with two answers."""
    return _Confirm.create(*content, title=title, confirm=action, danger=danger, on_confirm=on_confirm, on_close=on_close)


def sheet(*content: Any, title: Any, on_close: Any) -> rx.Component:
    """A dialog with this content."""
    return _Sheet.create(*content, title=title, on_close=on_close)


def toast(text: Any, *, action: str, on_action: Any, on_gone: Any) -> rx.Component:
    """A message for some seconds, with one thing to do."""
    return _Toast.create(text=text, action=action, on_action=on_action, on_gone=on_gone)


def copy_button(text: Any, *, label: str = "Copy") -> rx.Component:
    """A button that copies this text."""
    return _Copy.create(text=text, label=label)
