"""The start page: what runs here, and where to go on."""

from __future__ import annotations

import asyncio
from html import escape
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import HTMLResponse

from app.api.reading import AskingOf
from app.pages.markup import page
from engine import Page

router = APIRouter()

MOST = 1000


@router.get("/")
async def home(request: Request, asking: AskingOf) -> HTMLResponse:
    """What runs here."""
    engine, actor = asking.engine, asking.actor
    workflows, runs, waiting = await asyncio.gather(
        asking.ask(engine.workflows.list(actor, limit=MOST)),
        asking.ask(engine.runs.list(actor, limit=MOST)),
        asking.ask(engine.approvals.list(actor, status="pending", limit=MOST)),
    )
    account = (
        f'<form class="account" method="post" action="/logout"><span title="{escape(actor.email)}">{escape(actor.name)}</span>'
        '<button class="second" type="submit">Sign out</button></form>'
    )
    body = (
        "<h1>Signalbox is running</h1>"
        "<p>The engine, its API and its command line work. Workflows are stored, run and watched here; "
        "the pages to build them on come next.</p>"
        f'<ul class="counts">{_count(workflows, "workflow", "workflows")}{_count(runs, "run", "runs")}'
        f"{_count(waiting, 'waits for a person', 'wait for a person')}</ul>"
        '<p><a class="button" href="/api/docs">Look at the API</a></p>'
        '<p class="quiet">From a terminal: <code>./signalbox run workflow.json --input message=Hello</code></p>'
    )
    return HTMLResponse(page("Home", body, account=account))


def _count(found: Page[Any], one: str, many: str) -> str:
    number = f"{len(found.items)}{'+' if found.next else ''}"
    return f"<li><strong>{number}</strong> <span>{one if number == '1' else many}</span></li>"
