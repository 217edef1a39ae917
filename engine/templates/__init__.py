"""Workflows to start from."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from engine.jsonvalue import loads

_FOLDER = Path(__file__).parent
_NAMES = ("card_triage", "refund_desk", "weekly_digest")


@dataclass(frozen=True, slots=True)
class Template:
    """A document that can be copied into a draft."""

    slug: str
    name: str
    description: str
    document: dict[str, Any]
    """A fresh copy: changing it changes no template."""


def templates() -> list[Template]:
    """All templates, in the order in which they are offered."""
    found: list[Template] = []
    for name in _NAMES:
        document = loads(_text(name))
        found.append(Template(name.replace("_", "-"), document["name"], document["description"], document))
    return found


def banking77_topics() -> dict[str, str]:
    """Category of banking77 -> topic of the card triage, to measure agreement by."""
    return loads(_text("banking77_topics"))


def banking77_messages() -> str:
    """CSV `text,category`: 154 messages of banking77, two of each category, none of them an example of the card triage."""
    return (_FOLDER / "banking77_messages.csv").read_text(encoding="utf-8")


@lru_cache
def _text(name: str) -> bytes:
    return (_FOLDER / f"{name}.json").read_bytes()
