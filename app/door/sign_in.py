"""Signing in and out."""

from __future__ import annotations

import asyncio

from fastapi import APIRouter, Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response

from app.answers import error_answer
from app.door import forms
from app.door.markup import alert, field, page
from app.gate import COOKIE
from engine import Engine, SignalboxError

router = APIRouter()

FIRST = (
    "<h1>Nobody has an account yet</h1>"
    "<p>Open the set-up link that <code>./signalbox up</code> has printed in its terminal. It makes the first account.</p>"
    '<p class="quiet">The link is lost? Stop Signalbox and start it again: it prints a new one.</p>'
)


@router.get("/login")
async def login(request: Request) -> HTMLResponse:
    """The sign-in form."""
    engine: Engine = request.app.state.thread.engine
    if await asyncio.to_thread(engine.accounts.needs_setup):
        return HTMLResponse(page("Set up", FIRST))
    return HTMLResponse(form())


@router.post("/login")
async def sign_in(request: Request) -> Response:
    """Signs in with e-mail and password, from the form or as JSON."""
    engine: Engine = request.app.state.thread.engine
    given: dict[str, str] = {}
    try:
        given = await forms.fields_of(request)
        email, password = given.get("email", ""), given.get("password", "")
        ip, agent = forms.address_of(request), request.headers.get("user-agent", "")
        signed_in = await asyncio.to_thread(lambda: engine.sessions.sign_in(email, password, ip=ip, user_agent=agent))
    except SignalboxError as error:
        answer = error_answer(error)
        if not forms.is_form(request):
            return answer
        return HTMLResponse(form(error=error, email=given.get("email", "")), status_code=error.status, headers=_kept(answer))
    actor = signed_in.actor
    told = JSONResponse({"id": actor.id, "name": actor.name, "email": actor.email, "roles": sorted(map(str, actor.roles))})
    return forms.with_session(RedirectResponse("/", status_code=303) if forms.is_form(request) else told, request, signed_in)


@router.post("/logout")
async def sign_out(request: Request) -> Response:
    """Ends the session of this browser."""
    engine: Engine = request.app.state.thread.engine
    await asyncio.to_thread(engine.sessions.sign_out, request.cookies.get(COOKIE))
    return forms.without_session(RedirectResponse("/login", status_code=303), request)


def form(*, error: SignalboxError | None = None, email: str = "") -> str:
    """The page with the sign-in form."""
    told = alert(error.message, error.next_step) if error else ""
    return page(
        "Sign in",
        f'<h1>Sign in</h1>{told}<form method="post" action="/login">'
        + field("email", "E-mail", kind="email", value=email, autocomplete="username")
        + field("password", "Password", kind="password", autocomplete="current-password")
        + '<button type="submit">Sign in</button></form>'
        '<p class="quiet">No account? Ask whoever runs this Signalbox.</p>',
    )


def _kept(answer: Response) -> dict[str, str]:
    return {name: answer.headers[name] for name in ("retry-after",) if name in answer.headers}
