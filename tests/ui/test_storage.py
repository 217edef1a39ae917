"""Storage under Settings, in a browser: what takes how much, and runs that are kept for some days only after a question in numbers."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from engine import Role
from tests.ui.conftest import Opens, Site, fresh_site, ready
from tests.ui.test_accessibility import grave
from tests.ui.test_runs import start
from tests.unit.app.conftest import HELLO

DAY_US = 86_400_000_000
OLD = 3


@pytest.fixture(scope="module")
def site(built: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """One of its own, on which all is known: five runs of one workflow, three of them forty days old."""
    home = tmp_path_factory.mktemp("site") / "home"
    with fresh_site(home) as site:
        runs = start(site, {**HELLO, "name": "Greet the guests"}, times=5, inputs={"name": "Ann"})
        start(site, {**HELLO, "name": "Never asked"}, times=0)
        aged = "UPDATE runs SET started_at = started_at - :by, ended_at = ended_at - :by WHERE run_id = :run"
        with sqlite3.connect(home / "signalbox.db") as rows:
            rows.executemany(aged, [{"by": 40 * DAY_US, "run": run} for run in runs[:OLD]])
        rows.close()
        yield site


def storage(page: Page) -> Locator:
    return page.locator("[data-section=storage]")


def line(page: Page, name: str) -> Locator:
    return storage(page).locator(f"[data-room='{name}']")


def opened(page: Page) -> Page:
    page.goto("/settings#storage")
    ready(page)
    expect(line(page, "Greet the guests")).to_contain_text("5 runs · oldest ended 40 days ago")
    return page


def kept(site: Site) -> dict[str, int | None]:
    return {one["name"]: one["retention_days"] for one in site.up.call("GET", "/api/v1/storage").body["workflows"]}


def test_what_a_shorter_time_deletes_is_told_before_it_is_set(site: Site, page: Page) -> None:
    opened(page)
    expect(storage(page).get_by_test_id("sums")).to_contain_text("the database on disk")
    expect(line(page, "Never asked")).to_contain_text("No runs")
    dialog, change = page.get_by_role("dialog"), line(page, "Greet the guests").get_by_role("button")
    # Longer than the oldest is old: nothing would go, so nothing is asked.
    change.click()
    dialog.get_by_label("Keep runs").select_option("90")
    dialog.get_by_role("button", name="Save").click()
    expect(line(page, "Greet the guests")).to_contain_text("Kept for 90 days")
    change.click()
    expect(dialog.get_by_label("Keep runs")).to_have_value("90")
    dialog.get_by_label("Keep runs").select_option("30")
    dialog.get_by_role("button", name="Save").click()
    expect(dialog).to_contain_text(f"{OLD} runs that ended more than 30 days ago")
    dialog.get_by_role("button", name="Cancel").click()
    expect(dialog).to_have_count(0)
    assert kept(site)["Greet the guests"] == 90

    change.click()
    dialog.get_by_label("Keep runs").select_option("other")
    dialog.get_by_label("Days").fill("a week")
    dialog.get_by_role("button", name="Save").click()
    expect(dialog.get_by_role("alert")).to_contain_text("1 to 36,500 days")
    expect(dialog.get_by_label("Days")).to_have_value("a week")
    dialog.get_by_label("Days").fill("14")
    dialog.get_by_role("button", name="Save").click()
    dialog.get_by_role("button", name="Delete them").click()
    expect(line(page, "Greet the guests")).to_contain_text("Kept for 14 days")
    assert kept(site) == {"Greet the guests": 14, "Never asked": None}
    change.click()
    expect(dialog.get_by_label("Days")).to_have_value("14")
    dialog.get_by_label("Keep runs").select_option("ever")
    dialog.get_by_role("button", name="Save").click()
    expect(line(page, "Greet the guests")).to_contain_text("Kept for ever")


@pytest.mark.parametrize(("theme", "width"), [("light", 1440), ("dark", 390)])
def test_a_viewer_sees_what_takes_how_much_and_changes_nothing(site: Site, open_page: Opens, theme: str, width: int) -> None:
    page = opened(open_page(site.url, cookie=site.sessions[Role.VIEWER], theme=theme, width=width))
    expect(storage(page)).to_contain_text("administrators do")
    expect(storage(page).get_by_role("button")).to_have_count(0)
    assert page.evaluate("document.querySelector('main').scrollWidth <= document.querySelector('main').clientWidth")
    assert grave(page, within="[data-section=storage]") == []
