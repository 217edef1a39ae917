"""MCP servers: what they offer and what of it is allowed, over HTTP."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Response
from pydantic import Field

from app.api.reading import AskingOf, Body, StrictRoute
from engine import McpServerView, Page

router = APIRouter(prefix="/api/v1/mcp-servers", tags=["tools"], route_class=StrictRoute)


class ServerBody(Body):
    """Where a server is (Streamable HTTP), and the secret that goes along."""

    url: str
    secret: str = ""


class Allowed(Body):
    """How a tool may be used; the digest says which description of it was looked at."""

    digest: str
    effect: Literal["pure", "idempotent", "reconcilable", "unsafe"] = "unsafe"
    origins: list[Literal["private", "external"]] = Field(default_factory=lambda: ["external"])
    carries: bool | None = None


class AllowBody(Body):
    """Tools by the server's own names; null keeps one off."""

    tools: Annotated[dict[str, Allowed | None], Field(min_length=1, max_length=500)]


@router.get("")
async def listed(asking: AskingOf) -> Page[McpServerView]:
    """List the servers and their tools, as they were when they were last asked."""
    return await asking.ask(asking.engine.mcp.list(asking.actor))


@router.put("/{name}")
async def put(asking: AskingOf, name: str, body: ServerBody) -> McpServerView:
    """Add a server, or another one in its place, and ask it what it offers."""
    return await asking.ask(asking.engine.mcp.put(asking.actor, name, body.model_dump()))


@router.post("/{name}/look")
async def look(asking: AskingOf, name: str) -> McpServerView:
    """Ask a server anew what it offers."""
    return await asking.ask(asking.engine.mcp.look(asking.actor, name))


@router.post("/{name}/allow")
async def allow(asking: AskingOf, name: str, body: AllowBody) -> McpServerView:
    """Allow tools as they are now, or keep them off."""
    tools = {tool: None if one is None else one.model_dump() for tool, one in body.tools.items()}
    return await asking.ask(asking.engine.mcp.allow(asking.actor, name, tools))


@router.delete("/{name}", status_code=204)
async def removed(asking: AskingOf, name: str) -> Response:
    """Remove a server."""
    await asking.ask(asking.engine.mcp.remove(asking.actor, name))
    return Response(status_code=204)
