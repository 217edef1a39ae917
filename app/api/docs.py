"""The API described for people: one page of our own, made from openapi.json, without any foreign request."""

from __future__ import annotations

from html import escape
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import HTMLResponse

from app.api.reading import StrictRoute
from app.door.markup import page

router = APIRouter(route_class=StrictRoute)


@router.get("/api/docs", include_in_schema=False)
async def docs(request: Request) -> HTMLResponse:
    """The operations of the API."""
    return HTMLResponse(page("API", described(request.app.openapi()), wide=True))


def described(schema: dict[str, Any]) -> str:
    """The operations of an OpenAPI schema as HTML."""
    by_tag: dict[str, list[str]] = {}
    for path, operations in schema["paths"].items():
        for method, operation in operations.items():
            by_tag.setdefault((operation.get("tags") or ["other"])[0], []).append(_operation(method, path, operation))
    sections = "".join(f"<section><h2>{escape(tag.capitalize())}</h2>{''.join(rows)}</section>" for tag, rows in by_tag.items())
    return (
        "<h1>API</h1>"
        "<p>Send <code>Authorization: Bearer sbx_…</code>; <code>./signalbox token create</code> makes a token. "
        "Errors are <code>{&quot;error&quot;: {code, message, hint, problems}}</code>. Lists are <code>{items, next}</code>: "
        "<code>?limit=</code> is 100, at most 1000; go on with <code>?cursor=</code> and the value of <code>next</code>. "
        "Every POST takes an <code>Idempotency-Key</code>.</p>"
        '<p>For programs: <a href="/api/v1/openapi.json">openapi.json</a>.</p>'
        f"{sections}"
    )


def _operation(method: str, path: str, operation: dict[str, Any]) -> str:
    named = [
        f"{p['name']}{'' if p['in'] == 'query' else ' (' + p['in'] + ')'}" for p in operation.get("parameters", []) if p["in"] != "path"
    ]
    parameters = f'<p class="quiet">Takes {", ".join(f"<code>{escape(name)}</code>" for name in named)}</p>' if named else ""
    body = _body(operation)
    return (
        f'<article class="operation"><h3><span class="method">{escape(method.upper())}</span> <code>{escape(path)}</code></h3>'
        f"<p>{escape(operation.get('description', ''))}</p>{parameters}{body}</article>"
    )


def _body(operation: dict[str, Any]) -> str:
    content = operation.get("requestBody", {}).get("content", {}).get("application/json")
    if not content:
        return ""
    names = [ref.rsplit("/", 1)[-1] for ref in _refs(content["schema"])]
    return f'<p class="quiet">Body: {escape(", ".join(names) or "a workflow document")}</p>'


def _refs(schema: dict[str, Any]) -> list[str]:
    if "$ref" in schema:
        return [schema["$ref"]]
    return [ref for part in schema.get("anyOf", []) for ref in _refs(part)]
