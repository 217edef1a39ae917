"""The few files that our pages load: the style sheet and the icon."""

from __future__ import annotations

from pathlib import Path

from fastapi import APIRouter
from starlette.responses import Response

from engine import NotFound

router = APIRouter()

_FOLDER = Path(__file__).parent / "assets"
# Read once, by names that we choose: no part of an address ever becomes a path.
FILES = {
    "style.css": ("text/css; charset=utf-8", (_FOLDER / "style.css").read_bytes()),
    "icon.svg": ("image/svg+xml", (_FOLDER / "icon.svg").read_bytes()),
}


@router.get("/assets/{name}")
async def file(name: str) -> Response:
    """One of our files."""
    if name not in FILES:
        raise NotFound()
    kind, body = FILES[name]
    return Response(body, media_type=kind, headers={"Cache-Control": "public, max-age=300"})
