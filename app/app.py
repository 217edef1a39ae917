"""The web UI: its pages, its look, and the gate before its events."""

from __future__ import annotations

import logging

import reflex as rx

from app.pages.agent import agent
from app.pages.agent.state import Agent
from app.pages.agents import agents
from app.pages.agents.state import Agents
from app.pages.builder import builder
from app.pages.home import home
from app.pages.home.state import FRESH, SLOW
from app.pages.inbox import inbox
from app.pages.inbox.state import Inbox
from app.pages.inbox.view import TITLE
from app.pages.run import run
from app.pages.runs import runs
from app.pages.runs.state import Runs
from app.pages.settings import settings
from app.pages.settings.view import LOADED
from app.pages.workflows import workflows
from app.pages.workflows.state import Workflows
from app.ui.event_gate import EventGate
from app.ui.frame import OPENED
from app.ui.missing import missing

log = logging.getLogger("signalbox.web")
MOST_TOLD = 2000
LOOKS = ("fonts", "tokens", "dark", "signalbox", "inbox", "workflows", "settings", "agents")
"""Stylesheets; what stands later wins."""


def _told_by_browser(exception: Exception) -> None:
    # Whatever a browser says is a stranger's text: cut, and on one line.
    log.warning("a page reported an error: %r", str(exception)[:MOST_TOLD])


def _met_a_defect(exception: Exception) -> None:
    log.error("an action met a defect", exc_info=exception)


app = rx.App(
    stylesheets=[f"/{name}.css" for name in LOOKS],
    html_lang="en",
    head_components=[rx.el.link(rel="icon", href="/door/icon.svg", type="image/svg+xml")],
    reset_style=False,
    # Reflex would show its own messages for a lost connection; app/components/connection says it in our words.
    app_wraps={},
    toaster=None,
    frontend_exception_handler=_told_by_browser,
    backend_exception_handler=_met_a_defect,
)
app.add_middleware(EventGate(), index=0)
app.add_page(home, route="/", title="Home · Signalbox", on_load=[*OPENED, *FRESH, *SLOW])
app.add_page(workflows, route="/workflows", title="Workflows · Signalbox", on_load=[*OPENED, Workflows.open, Workflows.load])
app.add_page(settings, route="/settings", title="Settings · Signalbox", on_load=[*OPENED, *LOADED])
app.add_page(agents, route="/agents", title="Agents · Signalbox", on_load=[*OPENED, Agents.open, Agents.load])
app.add_page(agent, route="/agents/[colleague]", title="Agent · Signalbox", on_load=[*OPENED, Agent.open, Agent.load])
app.add_page(builder, route="/workflows/[workflow]", title="Workflow · Signalbox", on_load=OPENED)
app.add_page(runs, route="/runs", title="Runs · Signalbox", on_load=[*OPENED, Runs.open, Runs.load, Runs.load_workflows])
app.add_page(run, route="/runs/[run]", title="Run · Signalbox", on_load=OPENED)
app.add_page(inbox, route="/inbox/[[item]]", title=TITLE, on_load=[*OPENED, Inbox.load, Inbox.open])
app.add_page(missing, route="404", title="Not found · Signalbox", on_load=OPENED)
