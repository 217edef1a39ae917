"""The list of runs, in a browser: found by filters, page by page, kept up to date, and leading to each run."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from engine import Role
from tests.ui.conftest import Opens, Site, fresh_site, ready
from tests.ui.test_home import FAILS
from tests.unit.app.conftest import ASK, HELLO


def start(site: Site, document: dict[str, Any], times: int = 1, **body: Any) -> list[str]:
    workflow = site.up.call("POST", "/api/v1/workflows", document).body["id"]
    site.up.call("POST", f"/api/v1/workflows/{workflow}/publish", {"note": ""})
    answers = [site.up.call("POST", f"/api/v1/workflows/{workflow}/runs", {"inputs": {}, **body}) for _ in range(times)]
    return [answer.body["run_id"] for answer in answers]


@pytest.fixture(scope="module")
def site(built: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """One of its own: other tests leave runs behind."""
    with fresh_site(tmp_path_factory.mktemp("site") / "home") as site:
        yield site


@pytest.fixture(scope="module")
def many(site: Site) -> Site:
    """More than a page of runs, and one of every sort that does not move."""
    start(site, {**HELLO, "name": "Count the parcels"}, times=28, inputs={"name": "Ann"})
    start(site, {**FAILS, "name": "Pay the suppliers"})
    start(site, {**HELLO, "name": "Onboard a supplier"}, inputs={"name": "Ann"}, limits={"steps": 1})
    start(site, {**ASK, "name": "Ask the boss"})
    return site


IN_ONE_BREATH = """([find, cost]) => {
    const set = Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, "value").set;
    const type = (field, text) => { set.call(field, text); field.dispatchEvent(new Event("input", {bubbles: true})); };
    type(find, "nothing is called so");
    type(cost, "5");
    document.querySelector("button[type=reset]").click();
    type(find, "Ask the boss");
}"""
"""Faster than anybody types, and before any answer of the server."""


def rows(page: Page) -> Locator:
    return page.get_by_role("region", name="Runs").get_by_role("listitem")


def test_runs_are_found_told_and_opened(many: Site, page: Page) -> None:
    page.get_by_role("link", name="Runs").first.click()
    expect(rows(page)).to_have_count(25)
    page.get_by_label("Status").select_option(label="Stopped or failed")
    page.get_by_label("Find").fill("suppl")
    expect(rows(page)).to_have_count(2)
    stopped, failed = rows(page).filter(has_text="Onboard"), rows(page).filter(has_text="Pay the suppliers")
    expect(stopped).to_contain_text("The step limit is reached: 1 of 1 used.")
    expect(stopped).to_contain_text("Raise the limit and let it go on.")
    expect(failed).to_contain_text("The ledger <b>rejected</b> the password.")
    expect(failed).to_contain_text("it can be tried again from there")
    page.get_by_label("Cost above").fill("5")
    expect(page.get_by_test_id("no-match")).to_be_visible()
    page.get_by_role("button", name="Show all runs").click()
    expect(rows(page)).to_have_count(25)
    page.get_by_label("To", exact=True).fill("2001-01-01")
    expect(page.get_by_test_id("no-match")).to_be_visible()
    page.get_by_role("button", name="Clear").click()
    expect(rows(page)).to_have_count(25)
    # What is typed right after stays, and what was typed just before in two fields is not told any more.
    page.get_by_label("Status").select_option(label="Done")
    page.get_by_role("button", name="Clear").wait_for()
    fields = [page.get_by_label("Find").element_handle(), page.get_by_label("Cost above").element_handle()]
    page.evaluate(IN_ONE_BREATH, fields)
    expect(rows(page)).to_have_count(1)
    expect(page.get_by_label("Find")).to_have_value("Ask the boss")
    expect(page.get_by_label("Cost above")).to_have_value("")
    expect(page.get_by_label("Status")).to_have_value("")
    rows(page).get_by_role("link").click()
    expect(page.get_by_test_id("run")).to_have_attribute("data-status", "waiting")


def test_runs_are_read_page_by_page_and_stay_fresh(many: Site, page: Page) -> None:
    page.goto("/runs")
    page.get_by_label("Find").fill("Count the parcels")
    expect(rows(page).first).to_contain_text("Count the parcels")
    page.get_by_role("button", name="Older").click()
    expect(rows(page)).to_have_count(3)
    expect(page.get_by_role("button", name="Older")).to_be_disabled()
    page.get_by_role("button", name="Newer").click()
    expect(rows(page)).to_have_count(25)
    page.goto("/runs?status=waiting")
    expect(page.get_by_label("Status")).to_have_value("waiting")
    expect(rows(page).first).to_contain_text("Waiting")
    [run] = start(many, {**ASK, "name": "Came meanwhile"})
    expect(rows(page).filter(has_text="Came meanwhile")).to_have_count(1)
    many.up.call("POST", f"/api/v1/runs/{run}/cancel", {})
    expect(rows(page).filter(has_text="Came meanwhile")).to_have_count(0)


def test_home_leads_to_its_runs(many: Site, page: Page) -> None:
    page.get_by_role("region", name="Stopped or failed").get_by_role("link").first.click()
    expect(page.get_by_test_id("banner")).to_be_visible()


def test_the_list_fits_on_a_phone(many: Site, open_page: Opens) -> None:
    page = open_page(many.url, cookie=many.sessions[Role.VIEWER], width=390, theme="dark")
    page.goto("/runs")
    ready(page)
    expect(rows(page).first).to_be_visible()
    assert page.evaluate("document.querySelector('main').scrollWidth") <= 390
