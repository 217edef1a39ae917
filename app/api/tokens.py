"""API tokens over HTTP: made, listed and revoked."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, Field

from app.api.paging import page_of
from app.api.reading import AskingOf, Body, CursorOf, LimitOf, StrictRoute
from app.repeats import HOLDS_SECRET
from engine import Page, TokenInfo, iso

router = APIRouter(prefix="/api/v1/tokens", tags=["tokens"], route_class=StrictRoute)


class NewToken(Body):
    """A token to make, of oneself or of another person."""

    name: Annotated[str, Field(max_length=1000)]
    roles: Annotated[list[str], Field(max_length=20)]
    days: Annotated[int, Field(ge=1, le=100_000)] | None = None
    user_id: Annotated[str, Field(max_length=200)] = ""


class TokenLine(BaseModel):
    """One token; its text is not kept."""

    id: str
    user_id: str
    name: str
    roles: list[str]
    created_at: str | None
    expires_at: str | None
    last_used_at: str | None
    revoked_at: str | None


class FreshToken(TokenLine):
    """A token that was just made; `token` is shown this once."""

    token: str


def told(token: TokenInfo) -> TokenLine:
    """A token as the API tells it."""
    return TokenLine(
        id=token.id,
        user_id=token.user_id,
        name=token.name,
        roles=sorted(str(role) for role in token.roles),
        created_at=iso(token.created_at),
        expires_at=iso(token.expires_at),
        last_used_at=iso(token.last_used_at),
        revoked_at=iso(token.revoked_at),
    )


@router.get("")
async def listed(
    asking: AskingOf,
    cursor: CursorOf,
    limit: LimitOf = 100,
    everybody: Annotated[bool, Query(alias="all", description="Everybody's, not only one's own.")] = False,
) -> Page[TokenLine]:
    """List one's own tokens, or everybody's."""
    tokens = asking.engine.tokens
    found = await asking.look(lambda: tokens.list_all(asking.actor) if everybody else tokens.list(asking.actor))
    return page_of([told(token) for token in found], limit=limit, cursor=cursor)


@router.post("", status_code=201)
async def create(request: Request, asking: AskingOf, body: NewToken) -> FreshToken:
    """Make a token; its text is in this answer and nowhere else."""
    setattr(request.state, HOLDS_SECRET, True)
    made = await asking.look(
        lambda: asking.engine.tokens.create(asking.actor, name=body.name, roles=body.roles, days=body.days, user_id=body.user_id)
    )
    return FreshToken(**told(made.token).model_dump(), token=made.text)


@router.delete("/{token}")
async def revoke(asking: AskingOf, token: str) -> TokenLine:
    """End a token at once."""
    return told(await asking.look(lambda: asking.engine.tokens.revoke(asking.actor, token)))
