"""Colleagues over HTTP: who they are, what they may call and how freely."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Response
from pydantic import Field

from app.api.reading import AskingOf, Body, StrictRoute
from engine import AgentChange, AgentView, Page

router = APIRouter(prefix="/api/v1/agents", tags=["agents"], route_class=StrictRoute)

ToolEntry = Annotated[dict[str, Any] | str, Field(examples=[{"tool": "refund", "policy": "ask", "preconditions": []}])]


class AgentBody(Body):
    """A colleague. Of `tools` each is a name, or `{tool, policy, preconditions: [{that, otherwise, because}]}`."""

    name: str
    face: Annotated[dict[str, Any], Field(default_factory=dict, examples=[{"mark": "🦊", "colour": "iris"}])]
    duty: str = ""
    duties: list[str] = Field(default_factory=list)
    instructions: str = ""
    model: str = ""
    tools: list[ToolEntry] = Field(default_factory=list)
    limits: Annotated[dict[str, Any], Field(default_factory=dict, examples=[{"max_turns": 10, "calls_per_turn": 3, "cost_usd_per_day": 5}])]


class NewAgent(AgentBody):
    """A colleague to make; without `slug`, the name that steps know it by, it gets one from its name."""

    slug: Annotated[str, Field(max_length=200)] = ""


class ChangedAgent(AgentBody):
    """The whole colleague as it is to be, and the revision that it was read at."""

    revision: Annotated[int, Field(ge=0, le=2**53)]


class Changes(Body):
    """The latest first."""

    items: list[AgentChange]


@router.get("")
async def listed(asking: AskingOf) -> Page[AgentView]:
    """List the colleagues with where they work and what they have spent."""
    return await asking.ask(asking.engine.agents.list(asking.actor))


@router.post("", status_code=201)
async def created(asking: AskingOf, body: NewAgent) -> AgentView:
    """Make a colleague."""
    return await asking.ask(asking.engine.agents.create(asking.actor, body.model_dump(exclude={"slug"}), slug=body.slug))


@router.get("/{agent}")
async def got(asking: AskingOf, agent: str) -> AgentView:
    """Get one by id or short name."""
    return await asking.ask(asking.engine.agents.get(asking.actor, agent))


@router.put("/{agent}")
async def put(asking: AskingOf, agent: str, body: ChangedAgent) -> AgentView:
    """Put a whole definition in the place of what was; it holds from the next agent step on."""
    changed = asking.engine.agents.change(asking.actor, agent, body.model_dump(exclude={"revision"}), revision=body.revision)
    return await asking.ask(changed)


@router.delete("/{agent}", status_code=204)
async def removed(asking: AskingOf, agent: str) -> Response:
    """Remove one: agent steps that name it fail from now on."""
    await asking.ask(asking.engine.agents.remove(asking.actor, agent))
    return Response(status_code=204)


@router.get("/{agent}/changes")
async def changes(asking: AskingOf, agent: str) -> Changes:
    """Who changed it and when, the latest first."""
    return Changes(items=await asking.ask(asking.engine.agents.changes(asking.actor, agent)))
