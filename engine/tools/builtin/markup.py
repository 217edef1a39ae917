"""The words and links of a web page, as people see them."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urljoin

from bs4 import BeautifulSoup
from bs4.element import NavigableString, Tag

from engine.errors import ToolFailed
from engine.jsonvalue import JsonValue
from engine.tools.builtin.page import cut

MOST_LINKS = 200
DEEPEST = 400
"""Elements inside each other; what is deeper is no page for people."""
_LEFT_OUT = ("script", "style", "noscript", "template", "svg", "iframe", "object", "head", "nav", "form", "button", "select", "dialog")
_BLOCKS = frozenset(
    "address article aside blockquote br dd div dl dt fieldset figcaption figure footer h1 h2 h3 h4 h5 h6 header hr li main ol p pre "
    "section table tbody td tfoot th thead tr ul".split()
)


def words_of(html: str, url: str) -> dict[str, JsonValue]:
    """`{title, text, links: [{text, url}]}` of a page. Blocks."""
    try:
        page = BeautifulSoup(html, "html.parser")
    except RecursionError:
        raise ToolFailed("The page is built so deep that nobody could read it.") from None
    title = page.title.get_text(" ", strip=True)[:300] if page.title else ""
    for element in page.find_all(_LEFT_OUT):
        if isinstance(element, Tag) and not element.decomposed:
            element.decompose()
    for element in page.find_all(_is_hidden):
        if isinstance(element, Tag) and not element.decomposed:
            element.decompose()
    main = page.find("main") or page.find("article") or page.body or page
    return {"title": title, "text": cut(_text(main)), "links": _links(main, url)}


def _is_hidden(element: Tag) -> bool:
    style = str(element.get("style") or "").replace(" ", "").lower()
    return element.has_attr("hidden") or element.get("aria-hidden") == "true" or "display:none" in style or "visibility:hidden" in style


def _text(root: Any) -> str:
    pieces: list[str] = []
    # Walked without recursion: a page may be as deep as whoever wrote it wanted.
    left: list[Any] = [(root, 0)]
    while left:
        node, depth = left.pop()
        if isinstance(node, str) and not isinstance(node, Tag):
            pieces.append(node)
            continue
        if type(node) is NavigableString:
            pieces.append(str(node))
        elif isinstance(node, Tag) and depth < DEEPEST:
            edge = "\n" if node.name in _BLOCKS else ""
            left.append((edge, depth))
            left += [(child, depth + 1) for child in reversed(list(node.children))]
            left.append((edge, depth))
    lines = (re.sub(r"[ \t\r\f\v\u00a0]+", " ", line).strip() for line in "".join(pieces).split("\n"))
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()


def _links(root: Any, url: str) -> list[JsonValue]:
    found: dict[str, str] = {}
    for link in root.find_all("a", href=True):
        address = urljoin(url, str(link["href"])).split("#")[0]
        words = link.get_text(" ", strip=True)[:200]
        if address.startswith(("http://", "https://")) and words and len(found) < MOST_LINKS:
            found.setdefault(address[:2_000], words)
    return [{"text": words, "url": address} for address, words in found.items()]
