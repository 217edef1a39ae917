"""What is told of MCP servers: the shapes that API and pages share."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel

from engine.tools.messages import Origin


class McpWas(BaseModel):
    """A tool as it was when it was allowed."""

    description: str
    parameters: dict[str, Any]


class McpHints(BaseModel):
    """What the server says of its tool: shown, never trusted."""

    read_only: bool
    destructive: bool


class McpToolView(BaseModel):
    """A tool of a server."""

    name: str
    """In the catalog."""
    tool: str
    """The server's own name."""
    description: str
    parameters: dict[str, Any]
    effect: str
    origins: list[Origin]
    carries: bool | None
    digest: str
    """Of what the server offers now; what is allowed is allowed by it."""
    state: Literal["new", "allowed", "changed", "gone"]
    was: McpWas | None
    """Where it was changed: as it was allowed."""
    hints: McpHints


class McpServerView(BaseModel):
    """A server, what it offers and what of it is allowed."""

    name: str
    transport: Literal["http", "program"]
    url: str
    secret: str
    state: Literal["ready", "changed", "unreachable"]
    message: str
    """In words, where there is something to say."""
    looked_at: str | None
    updated_by: str
    tools: list[McpToolView]
