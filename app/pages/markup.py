"""Writes our HTML pages: one frame, our own style sheet, nothing from elsewhere; callers escape what they put in."""

from __future__ import annotations

from html import escape

MARK = (
    '<svg class="mark" viewBox="0 0 24 24" width="24" height="24" aria-hidden="true" focusable="false">'
    '<path d="M4 17h6l6-10h4" fill="none" stroke="currentColor" stroke-width="2" stroke-linecap="round" stroke-linejoin="round"/>'
    '<path d="M4 17h16" fill="none" stroke="currentColor" stroke-width="2" stroke-linecap="round" opacity=".35"/>'
    '<circle cx="10" cy="17" r="2.2" fill="currentColor"/></svg>'
)


def page(title: str, body: str, *, wide: bool = False, account: str = "") -> str:
    """A whole page; `body` and `account` are HTML."""
    shape = "wide" if wide else "narrow"
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta name="color-scheme" content="light dark">'
        f"<title>{escape(title)} · Signalbox</title>"
        '<link rel="icon" href="/assets/icon.svg" type="image/svg+xml"><link rel="stylesheet" href="/assets/style.css">'
        f'</head><body><header><a class="brand" href="/">{MARK}<span>Signalbox</span></a>{account}</header>'
        f'<main class="{shape}">{body}</main></body></html>'
    )


def field(name: str, label: str, *, kind: str = "text", value: str = "", autocomplete: str = "off", hint: str = "") -> str:
    """A labelled form field."""
    describes = f' aria-describedby="{name}-hint"' if hint else ""
    told = f'<p class="hint" id="{name}-hint">{escape(hint)}</p>' if hint else ""
    return (
        f'<div class="field"><label for="{name}">{escape(label)}</label>'
        f'<input id="{name}" name="{name}" type="{kind}" value="{escape(value)}" autocomplete="{autocomplete}" required{describes}>'
        f"{told}</div>"
    )


def alert(message: str, hint: str = "") -> str:
    """A message that something went wrong, told at once to people who cannot see it."""
    told = f"<p>{escape(hint)}</p>" if hint else ""
    return f'<div class="alert" role="alert"><p><strong>{escape(message)}</strong></p>{told}</div>' if message else ""
