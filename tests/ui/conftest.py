"""One served Signalbox with the built pages, one browser, and a page for each test that may not complain about anything."""

import subprocess
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from engine import Role
from tests.acceptance.served import ROOT, Up, served
from tests.ui import browser as chromium

PASSWORD = "a long enough pass phrase"
ADMIN_EMAIL = "dana@example.com"
expect.set_options(timeout=15_000)


@dataclass(frozen=True)
class Site:
    """Where it is served, and a session of a person for every role."""

    up: Up
    sessions: dict[Role, str]

    @property
    def url(self) -> str:
        return self.up.url

    def sign_in(self, email: str = ADMIN_EMAIL) -> str:
        """A fresh session's cookie, as the header carries it."""
        answer = self.up.call("POST", "/login", {"email": email, "password": PASSWORD}, token=None)
        assert answer.status == 200, answer.body
        return answer.headers["set-cookie"].split(";")[0]


@pytest.fixture(scope="package")
def built() -> Path:
    """The pages, built from the sources as they are."""
    subprocess.run([ROOT / "scripts" / "build"], check=True, timeout=600)
    return ROOT / "build" / "web-ui"


@contextmanager
def fresh_site(home: Path, **more: str) -> Iterator[Site]:
    """A site on which nothing has happened yet, for tests of pages that show everything there is."""
    with served(home, SIGNALBOX_ADMIN_EMAIL=ADMIN_EMAIL, SIGNALBOX_ADMIN_PASSWORD=PASSWORD, **more) as up:
        site = Site(up, {})
        for role in Role:
            email = f"{role}@example.com"
            body = {"email": email, "name": f"{role} Smith".title(), "roles": [role], "password": PASSWORD}
            answer = up.call("POST", "/api/v1/users", body)
            assert answer.status == 201, answer.body
            site.sessions[role] = site.sign_in(email)
        yield site


@pytest.fixture(scope="package")
def site(built: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with fresh_site(tmp_path_factory.mktemp("site") / "home") as site:
        yield site


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    # Not for the whole session: Playwright keeps an event loop running in this thread, and other tests start loops of their own.
    with sync_playwright() as playwright:
        started = chromium.start(playwright)
        yield started
        started.close()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    # The first test of a session also waits for the build of the pages, which gets JavaScript packages the first time.
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            item.add_marker(pytest.mark.timeout(420))


Opens = Callable[..., Page]


@pytest.fixture
def open_page(browser: Browser) -> Iterator[Opens]:
    """Opens pages of any site; at the end none of them may have met an error or asked anybody else for anything."""
    contexts: list[BrowserContext] = []
    complaints: list[str] = []

    def new(url: str, *, cookie: str | None = None, width: int = 1440, theme: str = "light", is_forgiven: bool = False) -> Page:
        height = 900 if width > 640 else 844
        context = browser.new_context(base_url=url, viewport={"width": width, "height": height}, color_scheme=theme)  # pyright: ignore[reportArgumentType]
        contexts.append(context)
        if cookie:
            name, _, value = cookie.partition("=")
            context.add_cookies([{"name": name, "value": value, "url": url}])
        page = context.new_page()
        page.on("request", lambda request: None if request.url.startswith((url, "data:")) else complaints.append(f"asked {request.url}"))
        page.on("pageerror", lambda error: complaints.append(f"page error: {error}"))
        if not is_forgiven:
            page.on("console", lambda message: complaints.append(f"console: {message.text}") if message.type == "error" else None)
        return page

    yield new
    for context in contexts:
        context.close()
    assert complaints == []


@pytest.fixture
def page(open_page: Opens, site: Site) -> Page:
    """Home, with the administrator signed in."""
    page = open_page(site.url, cookie=site.sign_in())
    page.goto("/")
    ready(page)
    return page


def ready(page: Page) -> None:
    """Returns when the page has its connection and has heard who is signed in."""
    expect(page.get_by_test_id("who").or_(page.locator(".phonebar .person")).first).not_to_have_text("")


def status_of(url: str) -> int:
    with urllib.request.urlopen(url, timeout=10) as answer:
        return answer.status
