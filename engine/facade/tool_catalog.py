"""What agents and steps of a workspace may call, whatever it is made of, and what stands in the way of the rest."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel

from engine.facade.core import Core
from engine.facade.naming import names_of
from engine.people.permissions import Actor
from engine.tools.messages import Origin, ToolKind
from engine.tools.toolbox import Known

HOUSE = "Signalbox"


class CatalogToolView(BaseModel):
    """A tool of the catalog."""

    name: str
    title: str
    kind: ToolKind
    owner: str
    """The name of whoever made it."""
    description: str
    parameters: dict[str, Any]
    """JSON Schema of an object: the arguments."""
    effect: str
    is_writing: bool
    is_outward: bool
    origins: list[Origin]
    cost_usd: float
    digest: str
    state: Literal["usable", "off", "waits"]
    why: str
    """Why it cannot be called now, with the next step; empty where it can."""


async def catalog_of(core: Core, actor: Actor) -> list[CatalogToolView]:
    """Every tool of the actor's workspace, by name."""
    known = await core.shelf.known(actor.workspace_id)
    names = await core.in_thread(lambda: _names(core, {one.owner for one in known if one.owner}))
    return [_view(one, names) for one in known]


def _names(core: Core, ids: set[str]) -> dict[str, str]:
    with core.records.reading() as session:
        return names_of(session, ids)


def _view(known: Known, names: dict[str, str]) -> CatalogToolView:
    tool = known.tool
    return CatalogToolView(
        name=tool.name,
        title=known.title or tool.name,
        kind=known.kind,
        owner=names.get(known.owner, known.owner) or HOUSE,
        description=tool.description,
        parameters=tool.parameters,
        effect=tool.effect,
        is_writing=tool.is_writing,
        is_outward=tool.is_outward,
        origins=list(tool.origins),
        cost_usd=tool.cost_micro / 1e6,
        digest=tool.digest,
        state="waits" if known.waits else "off" if known.why_not else "usable",
        why=known.why_not,
    )
