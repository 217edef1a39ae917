"""Builds the ASGI application: the layers every request passes, the API's routes and the pages."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware

from app.answers import told_error, told_http_error, told_invalid
from app.api import routers
from app.api.reading import StrictRoute
from app.bodies import Bodies
from app.door import door_router
from app.gate import Gate
from app.headers import Headers
from app.heads import Heads
from app.repeats import Repeats
from app.web import NotBuilt, WebUi
from engine import EngineThread, Settings, SignalboxError

OPENAPI = "/api/v1/openapi.json"
DESCRIPTION = """Send `Authorization: Bearer sbx_…`. Errors are `{"error": {"code", "message", "hint", "problems"?}}`; lists are
`{"items", "next"}`, take `?limit=` (100, at most 1000) and go on with `?cursor=` and the value of `next`; every POST takes an
`Idempotency-Key`."""


def create_app(
    thread: EngineThread | None = None,
    *,
    local_token: str | None = None,
    when_set_up: Callable[[], None] | None = None,
    ui: WebUi | None = None,
) -> FastAPI:
    """The application over a running engine; without one, it opens the engine of the environment's settings at its start.

    `local_token` lets the command line of this machine in; `when_set_up` is called after the first account was made; `ui` answers
    what is no part of the API.
    """

    pages = ui or NotBuilt()
    app = FastAPI(
        title="Signalbox",
        version="1",
        description=DESCRIPTION,
        lifespan=_lifespan(thread, pages),
        openapi_url=OPENAPI,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        # Outermost first.
        middleware=[Middleware(Headers), Middleware(Gate), Middleware(Heads), Middleware(Bodies), Middleware(Repeats)],
        exception_handlers={SignalboxError: told_error, HTTPException: told_http_error, RequestValidationError: told_invalid},
        responses=_errors(),
    )
    app.router.route_class = StrictRoute
    app.state.thread = thread
    app.state.local_token = local_token
    app.state.when_set_up = when_set_up or _nothing
    for router in routers:
        app.include_router(router)
    app.include_router(door_router, include_in_schema=False)
    # Only what nothing else answers: a method that an address of ours does not take stays a 405.
    app.router.default = pages
    app.openapi = lambda: _described(app)
    return app


def _lifespan(thread: EngineThread | None, pages: WebUi) -> Callable[[FastAPI], AbstractAsyncContextManager[None]]:
    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with pages.lifespan():
            if thread is not None:
                yield
                return
            app.state.thread = await asyncio.to_thread(EngineThread.open, Settings.load())
            try:
                yield
            finally:
                await asyncio.to_thread(app.state.thread.close)

    return lifespan


def _nothing() -> None:
    """Nobody wants to know."""


def _errors() -> dict[int | str, dict[str, Any]]:
    shape = {
        "type": "object",
        "required": ["error"],
        "properties": {
            "error": {
                "type": "object",
                "required": ["code", "message", "hint"],
                "properties": {
                    "code": {"type": "string"},
                    "message": {"type": "string"},
                    "hint": {"type": "string"},
                    "problems": {"type": "array", "items": {"type": "object"}},
                },
            }
        },
    }
    told = {
        400: "The body is not JSON, or not a document",
        401: "No or bad credentials",
        403: "The role is missing",
        404: "There is no such thing",
        409: "Somebody was faster, or the state does not allow it",
        413: "The body is too large",
        422: "Fields are not valid; `problems` names them",
    }
    return {status: {"description": text, "content": {"application/json": {"schema": shape}}} for status, text in told.items()}


def _described(app: FastAPI) -> dict[str, Any]:
    if app.openapi_schema is None:
        schema = FastAPI.openapi(app)
        schema.setdefault("components", {})["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
        schema["security"] = [{"token": []}]
        for path in ("/healthz", "/readyz"):
            schema["paths"][path]["get"]["security"] = []
    return app.openapi_schema or {}


def __getattr__(name: str) -> FastAPI:
    # `granian app.server:app` works, and whoever only wants `create_app` does not pay for another application.
    if name == "app":
        return create_app()
    raise AttributeError(name)
