"""Whether this server works, for those who watch over it."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import JSONResponse, Response

from app.api.reading import StrictRoute
from engine import EngineThread, SignalboxError

router = APIRouter(tags=["operations"], route_class=StrictRoute)
log = logging.getLogger("signalbox.web")

PATIENCE_S = 5.0
TOLD = ("status", "database")
"""Anybody may ask, so no more than this is told."""


@router.get("/healthz")
async def healthz(request: Request) -> Response:
    """Whether the server works: 200, or 503 when the engine does not answer."""
    thread: EngineThread = request.app.state.thread
    try:
        async with asyncio.timeout(PATIENCE_S):
            health: dict[str, Any] = await thread.call(thread.engine.health())
    except (TimeoutError, SignalboxError) as error:
        log.warning("the engine does not answer: %s", error or "it took too long")
        return JSONResponse({"status": "stuck"}, status_code=503)
    return JSONResponse({name: health[name] for name in TOLD if name in health})


@router.get("/readyz")
async def readyz(request: Request) -> Response:
    """Whether the server takes requests: 200, or 503 while it starts."""
    is_ready = request.app.state.thread.engine.ready()
    return JSONResponse({"ready": is_ready}, status_code=200 if is_ready else 503)
