"""Turns errors into answers: `{"error": {"code", "message", "hint", "problems"?}}`, always JSON."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from fastapi import Request
from fastapi.routing import iter_route_contexts
from starlette.responses import JSONResponse, Response
from starlette.routing import compile_path

from engine import Bug, Invalid, NotFound, SignalboxError

WORDS: dict[int, tuple[str, str, str]] = {
    404: ("not_found", "There is nothing at this address.", "Compare the address with /api/docs; no address ends in a slash."),
    405: ("method_not_allowed", "This address does not take that method.", "The header Allow names the methods that it takes."),
    413: ("too_large", "The body is larger than Signalbox accepts.", "Send at most 10 MB."),
}


def error_answer(error: SignalboxError) -> JSONResponse:
    """The answer that tells an error of the domain."""
    told = error.as_json()
    headers: dict[str, str] = {}
    if error.status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    if error.status == 503:
        headers["Retry-After"] = "1"
    if (wait_s := error.details.get("retry_after_s")) is not None:
        headers["Retry-After"] = str(wait_s)
    return JSONResponse({"error": told}, status_code=error.status, headers=headers)


def bug_answer() -> JSONResponse:
    """The answer to a request that met a defect of ours; the log has the details, the caller gets none."""
    return error_answer(Bug(hint="Report it with the lines that the server has logged at this moment."))


async def told_error(_request: Request, error: Any) -> Response:
    """Handler for errors of the domain."""
    return error_answer(error)


async def told_http_error(request: Request, error: Any) -> Response:
    """Handler for what routing refuses: unknown addresses and methods."""
    code, message, hint = WORDS.get(error.status_code, ("bad_request", str(error.detail), "Compare the request with /api/docs."))
    body = {"error": {"code": code, "message": message, "hint": hint}}
    headers = {"Allow": ", ".join(_methods_at(request))} if error.status_code == 405 else error.headers
    return JSONResponse(body, status_code=error.status_code, headers=headers)


def _methods_at(request: Request) -> list[str]:
    """Of all routes of an address: the router itself only tells those of the first."""
    path, methods = request.scope["path"], set[str]()
    for route in iter_route_contexts(request.app.routes):
        if route.path and compile_path(route.path)[0].match(path):
            methods |= route.methods or set()
    return sorted(methods | ({"HEAD"} if "GET" in methods else set()))


async def told_invalid(_request: Request, error: Any) -> Response:
    """Handler for requests whose fields do not fit; every problem names its field."""
    found = error.errors()
    if found and all(item["loc"][:1] == ("path",) for item in found):
        # A version `abc` in an address does not exist, like the version 999.
        return error_answer(NotFound())
    return error_answer(invalid(found))


def invalid(found: Iterable[Mapping[str, Any]]) -> Invalid:
    """The problems that pydantic has found, as one error."""
    problems = [{"code": item["type"], "field": _field(item["loc"]), "message": _message(item)} for item in found]
    first = problems[0] if problems else {"field": "", "message": "Some fields are not valid."}
    return Invalid(
        f"{first['field']}: {first['message']}".removeprefix(": "),
        hint="Correct the fields named in `problems` and send it again.",
        details={"problems": [dict(problem) for problem in problems]},
    )


def _field(place: tuple[Any, ...]) -> str:
    # The first part says where it came from (body, query, header); what follows is the field itself.
    parts = list(place[1:]) or list(place)
    text = ""
    for part in parts:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else str(part)
    return text[:200]


def _message(item: Mapping[str, Any]) -> str:
    match item["type"]:
        case "missing":
            return "This is needed."
        case "extra_forbidden":
            return "There is no such field."
        case _:
            return str(item["msg"]).removeprefix("Value error, ")
