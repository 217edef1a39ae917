"""axe-core over every page, light and dark, and on a phone where the page is made for one: nothing serious."""

from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.ui.conftest import Opens, Site, ready

GRAVE = ("serious", "critical")
PLACES = ("/", "/inbox", "/settings")
BEFORE_THE_DOOR = ("/login", "/setup")


def grave(page: Page, *, within: str | None = None) -> list[dict[str, Any]]:
    """What axe calls serious or worse, on the whole page or within one element: the rule, and where it is broken."""
    found = Axe().run(page, context=within).response["violations"]
    return [{"rule": v["id"], "at": [node["html"][:160] for node in v["nodes"]]} for v in found if v["impact"] in GRAVE]


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("place", BEFORE_THE_DOOR)
def test_nothing_serious_before_the_door(site: Site, open_page: Opens, place: str, theme: str) -> None:
    page = open_page(site.url, theme=theme, is_forgiven=True)
    page.goto(place)
    assert grave(page) == []


@pytest.mark.parametrize("width", [1440, 390])
@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("place", PLACES)
def test_nothing_serious_on_a_page(site: Site, open_page: Opens, place: str, theme: str, width: int) -> None:
    page = open_page(site.url, cookie=site.sign_in(), theme=theme, width=width)
    page.goto(place)
    ready(page)
    if place == "/settings":
        # What only some may see comes when it is known who looks.
        expect(page.get_by_test_id("no-budgets").or_(page.locator("[data-budget]")).first).to_be_visible()
    assert grave(page) == []


def test_axe_would_tell(site: Site, open_page: Opens) -> None:
    page = open_page(site.url, cookie=site.sign_in())
    page.goto("/")
    ready(page)
    page.evaluate("document.querySelector('main').insertAdjacentHTML('beforeend', '<button></button>')")
    assert [v["rule"] for v in grave(page)] == ["button-name"]
