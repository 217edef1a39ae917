"""Writes our HTML pages: one frame, our own style sheet, nothing from elsewhere; callers escape what they put in."""

from __future__ import annotations

from html import escape

MARK = (
    '<svg class="mark" viewBox="0 0 24 24" width="24" height="24" aria-hidden="true" focusable="false">'
    '<rect width="24" height="24" rx="6.5" fill="var(--slate-12)"/>'
    '<path d="M5 16h14M9.5 16c3 0 3-8 6-8H19" fill="none" stroke="var(--surface)" stroke-width="1.8" stroke-linecap="round"/>'
    '<circle cx="6.6" cy="9" r="2.1" fill="#30a46c"/></svg>'
)


def page(title: str, body: str, *, wide: bool = False) -> str:
    """A whole page; `body` is HTML."""
    shape = "wide" if wide else "narrow"
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta name="color-scheme" content="light dark">'
        f"<title>{escape(title)} · Signalbox</title>"
        '<link rel="icon" href="/door/icon.svg" type="image/svg+xml"><link rel="stylesheet" href="/door/style.css">'
        f'</head><body><header><a class="brand" href="/">{MARK}<span>Signalbox</span></a></header>'
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
