"""Reads what a page's form, or a program in its place, has sent, and answers each in its own way."""

from __future__ import annotations

from urllib.parse import parse_qsl

from fastapi import Request, Response

from app.gate import COOKIE
from engine import Invalid, NotJson, NotJsonValue, SignedIn, parse_strict

MAX_FIELDS = 20


def is_form(request: Request) -> bool:
    """Whether a page's form has sent it; everything else is read as JSON."""
    return request.headers.get("content-type", "").partition(";")[0].strip().lower() == "application/x-www-form-urlencoded"


async def fields_of(request: Request) -> dict[str, str]:
    """The fields of a form or of a JSON object. NotJson, Invalid."""
    body = await request.body()
    if is_form(request):
        try:
            return dict(parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=MAX_FIELDS))
        except ValueError:
            raise Invalid("The form could not be read.", hint="Send it again from the page.") from None
    try:
        value = parse_strict(body)
    except NotJsonValue as error:
        raise NotJson(f"The body is neither a form nor JSON: {error}.") from None
    if not isinstance(value, dict) or not all(isinstance(item, str) for item in value.values()):
        raise Invalid("The body is an object of texts.", hint='Send {"email": "…", "password": "…"}.')
    return value


def address_of(request: Request) -> str:
    """The address that the request came from, for the back-off against guessing."""
    return request.client.host if request.client else ""


def with_session(response: Response, request: Request, signed_in: SignedIn) -> Response:
    """Gives the browser its session."""
    response.set_cookie(COOKIE, signed_in.text, httponly=True, samesite="strict", path="/", secure=is_encrypted(request))
    return response


def without_session(response: Response, request: Request) -> Response:
    """Takes the session away from the browser."""
    response.delete_cookie(COOKIE, httponly=True, samesite="strict", path="/", secure=is_encrypted(request))
    return response


def is_encrypted(request: Request) -> bool:
    """Whether the browser speaks https, with us or with a proxy before us; who lies about it only loses their own cookie."""
    return "https" in (request.url.scheme, request.headers.get("x-forwarded-proto", "").split(",")[0].strip())
