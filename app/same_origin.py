"""Whether a browser sends this request from one of our own pages.

After datasette and Go's CrossOriginProtection: `Sec-Fetch-Site` decides where the browser sends it, else `Origin` must
name the host that was asked. A page on another port of the same machine is foreign (`same-site` is not enough).
"""

from __future__ import annotations

from urllib.parse import urlsplit

from starlette.datastructures import Headers

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


def is_foreign(headers: Headers) -> bool:
    """Whether the headers say that another site has sent it."""
    site = headers.get("sec-fetch-site")
    if site is not None:
        return site not in ("same-origin", "none")
    origin = headers.get("origin")
    if origin is None:
        return False
    host = headers.get("host", "")
    return not host or urlsplit(origin).netloc.lower() != host.lower()


def is_ours(headers: Headers) -> bool:
    """Whether the headers prove that one of our pages has sent it; a request that says nothing is not."""
    says_something = "sec-fetch-site" in headers or "origin" in headers
    return says_something and not is_foreign(headers)
