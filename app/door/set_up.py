"""The first account, made through the one-time link that the terminal shows."""

from __future__ import annotations

import asyncio

from fastapi import APIRouter, BackgroundTasks, Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response

from app.answers import error_answer
from app.door import forms
from app.door.markup import alert, field, page
from app.door.sign_in import FIRST
from engine import Engine, NotSignedIn, SignalboxError

router = APIRouter()


@router.get("/setup")
async def setup(request: Request, token: str = "") -> Response:
    """The form for the first account; without a link, where to find it."""
    engine: Engine = request.app.state.thread.engine
    if not await asyncio.to_thread(engine.accounts.needs_setup):
        return RedirectResponse("/login", status_code=303)
    return HTMLResponse(form(token) if token else page("Set up", FIRST))


@router.post("/setup")
async def complete(request: Request, background: BackgroundTasks) -> Response:
    """Makes the first account and signs it in."""
    engine: Engine = request.app.state.thread.engine
    given: dict[str, str] = {}
    try:
        given = await forms.fields_of(request)
        email, password = given.get("email", ""), given.get("password", "")
        name = given.get("name") or email.partition("@")[0]
        await asyncio.to_thread(lambda: engine.accounts.complete_setup(given.get("token"), email=email, name=name, password=password))
        signed_in = await asyncio.to_thread(lambda: engine.sessions.sign_in(email, password, ip=forms.address_of(request)))
    except SignalboxError as error:
        if not forms.is_form(request):
            return error_answer(error)
        return HTMLResponse(form(given.get("token", ""), error=error, given=given), status_code=error.status)
    actor = signed_in.actor
    told = JSONResponse({"id": actor.id, "name": actor.name, "email": actor.email, "roles": sorted(map(str, actor.roles))}, 201)
    answer = forms.with_session(RedirectResponse("/", status_code=303) if forms.is_form(request) else told, request, signed_in)
    background.add_task(request.app.state.when_set_up)
    answer.background = background
    return answer


def form(token: str, *, error: SignalboxError | None = None, given: dict[str, str] | None = None) -> str:
    """The page with the form for the first account."""
    given = given or {}
    if isinstance(error, NotSignedIn):
        return page("Set up", f"<h1>This link does not work</h1>{alert(error.message, error.next_step)}")
    told = alert(error.message) if error else ""
    return page(
        "Set up",
        "<h1>Make the first account</h1><p>It may do everything here, and can add other people later.</p>"
        f'{told}<form method="post" action="/setup"><input type="hidden" name="token" value="{_attribute(token)}">'
        + field("email", "E-mail", kind="email", value=given.get("email", ""), autocomplete="username")
        + field("name", "Your name", value=given.get("name", ""), autocomplete="name")
        + field("password", "Password", kind="password", autocomplete="new-password", hint="At least 10 characters.")
        + '<button type="submit">Make the account</button></form>',
    )


def _attribute(text: str) -> str:
    # A link holds nothing else; whatever else comes is not a link.
    return "".join(c for c in text if c.isascii() and (c.isalnum() or c in "-_"))[:100]
