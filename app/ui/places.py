"""The places of the web UI, in the order of the navigation: a place stands here when its page exists, never before."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Place:
    """One entry of the navigation."""

    route: str
    name: str
    icon: str
    """A name of lucide.dev."""
    is_counted: bool = False
    """Whether the number of things that wait is shown beside it."""


HOME = Place("/", "Home", "house")
INBOX = Place("/inbox", "Inbox", "inbox", is_counted=True)
RUNS = Place("/runs", "Runs", "history")
WORKFLOWS = Place("/workflows", "Workflows", "workflow")
AGENTS = Place("/agents", "Agents", "bot")
SETTINGS = Place("/settings", "Settings", "settings")

PLACES: tuple[Place, ...] = (HOME, INBOX, RUNS, WORKFLOWS, AGENTS)
FOOT: tuple[Place, ...] = (SETTINGS,)
"""Those at the foot of the navigation."""
