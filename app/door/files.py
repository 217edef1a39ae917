"""The few files that the pages before the door load: one style sheet, the icon and the fonts; nothing of the pages behind it."""

from __future__ import annotations

from pathlib import Path

from fastapi import APIRouter
from starlette.responses import Response

from engine import NotFound

router = APIRouter()

_OWN = Path(__file__).parent / "assets"
_SHARED = Path(__file__).resolve().parents[2] / "assets"


def _style() -> bytes:
    # The look of the web UI without its components; a page without a script follows the system's theme.
    parts = [(_SHARED / name).read_text(encoding="utf-8") for name in ("fonts.css", "tokens.css")]
    dark = (_SHARED / "dark.css").read_text(encoding="utf-8").replace(".dark{", ":root{")
    parts += [f"@media (prefers-color-scheme:dark){{{dark}}}", (_OWN / "door.css").read_text(encoding="utf-8")]
    return "\n".join(parts).encode()


# Read once, by names that we choose: no part of an address ever becomes a path.
FILES = {
    "style.css": ("text/css; charset=utf-8", _style()),
    "icon.svg": ("image/svg+xml", (_OWN / "icon.svg").read_bytes()),
}
FONTS = {path.name: path.read_bytes() for path in (_SHARED / "fonts").glob("*.woff2")}


@router.get("/door/{name}")
async def file(name: str) -> Response:
    """One of our files."""
    if name not in FILES:
        raise NotFound()
    kind, body = FILES[name]
    return Response(body, media_type=kind, headers={"Cache-Control": "public, max-age=300"})


@router.get("/fonts/{name}")
async def font(name: str) -> Response:
    """One of our fonts."""
    if name not in FONTS:
        raise NotFound()
    return Response(FONTS[name], media_type="font/woff2", headers={"Cache-Control": "public, max-age=86400"})
