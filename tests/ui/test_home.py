"""Home and the frame around every page, in a browser."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from engine import Role
from tests.ui.conftest import Opens, Site, fresh_site, ready
from tests.unit.app.conftest import ASK, HELLO

FAILS: dict[str, Any] = {
    "format": "signalbox/1",
    "name": "Nightly payouts",
    "nodes": [
        {"id": "start", "kind": "start", "config": {"inputs": {"type": "object", "properties": {}}}},
        {"id": "bad", "kind": "fail", "config": {"message": "The ledger <b>rejected</b> the password."}},
    ],
    "edges": [{"source": "start", "target": "bad"}],
}


@pytest.fixture(scope="module")
def site(built: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """One of its own: other tests leave runs behind."""
    with fresh_site(tmp_path_factory.mktemp("site") / "home") as site:
        yield site


@pytest.fixture(scope="module")
def busy(site: Site) -> Site:
    """One run that is done, one that waits, one that failed, a try that failed too, one that met a limit, and a draft with problems."""

    def run(document: dict[str, Any], body: dict[str, Any]) -> None:
        workflow = site.up.call("POST", "/api/v1/workflows", document).body["id"]
        site.up.call("POST", f"/api/v1/workflows/{workflow}/publish", {"note": ""})
        answer = site.up.call("POST", f"/api/v1/workflows/{workflow}/runs?wait=10", body)
        assert answer.status in (200, 202), answer.body

    run(HELLO, {"inputs": {"name": "Ann"}})
    run(ASK, {"inputs": {}})
    run(FAILS, {"inputs": {}})
    run(FAILS, {"inputs": {}, "mode": "test"})
    run({**HELLO, "name": "Supplier onboarding"}, {"inputs": {"name": "Ann"}, "limits": {"steps": 1}})
    site.up.call("POST", "/api/v1/workflows", {"format": "signalbox/1", "name": "October statements", "nodes": [], "edges": []})
    return site


def card(page: Page, title: str) -> Any:
    return page.get_by_role("region", name=title)


def test_home_tells_what_waits_what_stopped_and_what_is_there(busy: Site, page: Page) -> None:
    expect(page.get_by_test_id("summary")).to_have_text("1 decision waits for a person, 2 runs have stopped or failed.")
    expect(card(page, "Waiting for a person")).to_contain_text("May it?")
    stopped = card(page, "Stopped or failed")
    expect(stopped.get_by_role("listitem")).to_have_count(2)
    expect(stopped).to_contain_text("Limit reached")
    expect(stopped).to_contain_text("The ledger <b>rejected</b> the password.")
    expect(card(page, "Running now")).to_contain_text("Waiting")
    expect(card(page, "Last runs")).to_contain_text("Done")
    expect(card(page, "Workflows")).to_contain_text("1 problem")


def test_home_is_fresh_without_a_reload(busy: Site, page: Page) -> None:
    waiting = card(page, "Waiting for a person").get_by_role("listitem")
    expect(waiting.first).to_be_visible()
    before = waiting.count()
    workflow = busy.up.call("GET", "/api/v1/workflows?q=Ask").body["items"][0]["id"]
    run = busy.up.call("POST", f"/api/v1/workflows/{workflow}/runs", {"inputs": {}}).body["run_id"]
    expect(waiting).to_have_count(before + 1)
    busy.up.call("POST", f"/api/v1/runs/{run}/cancel", {})
    expect(waiting).to_have_count(before)


def test_a_template_becomes_a_draft_and_opens(site: Site, page: Page) -> None:
    before = len(site.up.call("GET", "/api/v1/workflows?q=Card").body["items"])
    page.get_by_role("button", name="Use Card request triage").click()
    page.wait_for_url("**/workflows/wf_*")
    assert len(site.up.call("GET", "/api/v1/workflows?q=Card").body["items"]) == before + 1


def test_home_tells_where_a_run_is_what_was_spent_and_how_it_went(busy: Site, page: Page) -> None:
    running = card(page, "Running now").get_by_role("listitem").first
    expect(running).to_contain_text("Step 2 · Approval")
    expect(running.locator(".stp.waiting")).to_have_count(1)
    expect(page.get_by_test_id("spend")).to_contain_text("$0")
    expect(card(page, "Last 14 days")).to_contain_text("Stopped by a limit")
    expect(card(page, "Workflows").get_by_role("link", name="Ask first")).to_have_attribute("href", re.compile("/workflows/wf_"))


def test_a_viewer_is_offered_nothing_that_would_be_refused(busy: Site, open_page: Opens) -> None:
    page = open_page(busy.url, cookie=busy.sessions[Role.VIEWER])
    page.goto("/")
    ready(page)
    expect(card(page, "Workflows").get_by_role("listitem").first).to_be_visible()
    expect(page.get_by_role("button", name="Use")).to_have_count(0)
    page.get_by_test_id("who").click()
    expect(page.locator("#me")).to_contain_text("viewer@example.com")


def test_the_theme_is_chosen_and_kept(page: Page) -> None:
    root = page.locator("html")
    expect(root).to_have_class("light")
    page.get_by_test_id("who").click()
    page.get_by_role("button", name="Dark").click()
    expect(root).to_have_class("dark")
    page.reload()
    ready(page)
    expect(root).to_have_class("dark")


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_nothing_is_cut_off_on_a_phone(busy: Site, open_page: Opens, theme: str) -> None:
    page = open_page(busy.url, cookie=busy.sessions[Role.OPERATOR], width=390, theme=theme)
    page.goto("/")
    ready(page)
    expect(card(page, "Stopped or failed").get_by_role("listitem").first).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert page.evaluate("document.querySelector('main').scrollWidth") <= 390
    page.get_by_role("button", name="Your account").click()
    expect(page.get_by_role("button", name="Sign out")).to_be_visible()


def test_the_navigation_leads_nowhere_that_is_not_there(page: Page, site: Site) -> None:
    cookie = {"Cookie": site.sessions[Role.VIEWER]}
    links = page.locator("nav a").evaluate_all("all => all.map(a => a.getAttribute('href'))")
    assert links
    for path in set(links):
        assert site.up.call("GET", path, token=None, headers=cookie).status == 200, path


def test_an_address_without_a_page_says_so(site: Site, open_page: Opens) -> None:
    page = open_page(site.url, cookie=site.sessions[Role.VIEWER], is_forgiven=True)
    answer = page.goto("/nothing/here")
    assert answer is not None and answer.status == 404
    expect(page.get_by_test_id("missing")).to_be_visible()
    page.get_by_role("link", name="Go to Home").click()
    expect(page).to_have_title("Home · Signalbox")


def test_what_is_served_runs_no_script_but_ours(site: Site) -> None:
    policy = site.up.call("GET", "/", token=None, headers={"Cookie": site.sessions[Role.VIEWER]}).headers["content-security-policy"]
    assert "script-src 'self' 'sha256-" in policy and "default-src 'none'" in policy and "frame-ancestors 'none'" in policy
    assert "unsafe-eval" not in policy and "script-src 'unsafe" not in policy and "http" not in policy
