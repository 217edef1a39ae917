"""Tools that agents and steps may call, over HTTP."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Response
from pydantic import Field

from app.api.reading import AskingOf, Body, StrictRoute
from engine import CatalogToolView, Page, ToolsRead, ToolView

router = APIRouter(prefix="/api/v1/tools", tags=["tools"], route_class=StrictRoute)


class WebToolBody(Body):
    """A request to a web address; `{{ arguments.name }}` puts an argument in."""

    description: str
    parameters: dict[str, Any] = Field(default_factory=lambda: {"type": "object", "properties": {}})
    effect: Literal["pure", "idempotent", "reconcilable", "unsafe"] = "unsafe"
    method: Literal["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"] = "GET"
    url: str
    query: dict[str, str] = Field(default_factory=dict)
    headers: dict[str, str] = Field(default_factory=dict)
    body: str = ""
    secret: str = ""
    cost_usd: Annotated[float, Field(ge=0, le=1_000, allow_inf_nan=False)] = 0.0
    origins: list[Literal["private", "external"]] = Field(default_factory=lambda: ["external"])
    carries: bool | None = None


@router.get("")
async def listed(asking: AskingOf) -> Page[ToolView]:
    """List the tools that were made here."""
    return await asking.ask(asking.engine.tools.list(asking.actor))


@router.get("/catalog")
async def catalog(asking: AskingOf) -> Page[CatalogToolView]:
    """List everything that agents and steps may call."""
    return await asking.ask(asking.engine.tools.catalog(asking.actor))


class Described(Body):
    """An OpenAPI 3 description as JSON, and the secret that its calls take along."""

    openapi: dict[str, Any]
    secret: str = ""


@router.post("/openapi")
async def read_openapi(asking: AskingOf, body: Described) -> ToolsRead:
    """Read the tools out of an OpenAPI description; none is kept before it is put."""
    return await asking.ask(asking.engine.tools.read_openapi(asking.actor, body.openapi, secret=body.secret))


@router.put("/{name}")
async def put(asking: AskingOf, name: str, body: WebToolBody) -> ToolView:
    """Make a tool, or another one in its place."""
    return await asking.ask(asking.engine.tools.put(asking.actor, name, body.model_dump()))


@router.delete("/{name}", status_code=204)
async def removed(asking: AskingOf, name: str) -> Response:
    """Remove a tool."""
    await asking.ask(asking.engine.tools.remove(asking.actor, name))
    return Response(status_code=204)
