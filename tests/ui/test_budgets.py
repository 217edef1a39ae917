"""Budgets under Settings, in a browser: set by hand, used by runs, told while they are used, changed and taken away."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from engine import Role
from tests.acceptance.served import until
from tests.fakes.provider import FakeProvider
from tests.ui.conftest import Opens, Site, fresh_site, ready
from tests.ui.test_accessibility import grave

ASKS: dict[str, Any] = {
    "format": "signalbox/1",
    "name": "Sort the letters",
    "nodes": [
        {"id": "start", "kind": "start"},
        {"id": "ask", "kind": "llm", "agent": "mara", "config": {"prompt": "Say something.", "max_tokens": 64}},
        {"id": "done", "kind": "end", "config": {"output": {"said": "nodes.ask.text"}}},
    ],
    "edges": [{"source": "start", "target": "ask"}, {"source": "ask", "target": "done"}],
}
PRICED = {"default": "openai/own", "price_in": 1000.0, "price_out": 1000.0}


@pytest.fixture(scope="module")
def site(built: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """One of its own: a budget of the workspace would hold the runs of other tests."""
    with fresh_site(tmp_path_factory.mktemp("site") / "home") as site:
        yield site


@pytest.fixture(scope="module")
def workflow(site: Site) -> Iterator[str]:
    """A workflow whose runs cost some cents each."""
    with FakeProvider() as provider:
        site.up.call("PATCH", "/api/v1/settings", {"models": {**PRICED, "base_url": provider.base_url}})
        workflow = site.up.call("POST", "/api/v1/workflows", ASKS).body["id"]
        site.up.call("POST", f"/api/v1/workflows/{workflow}/publish", {"note": ""})
        yield workflow


def run(site: Site, workflow: str) -> dict[str, Any]:
    """A run that rests."""
    started = site.up.call("POST", f"/api/v1/workflows/{workflow}/runs", {"inputs": {}}).body["run_id"]

    def rested() -> dict[str, Any] | None:
        found = site.up.call("GET", f"/api/v1/runs/{started}").body
        return None if found["status"] in ("queued", "running") else found

    return until("the run rests", rested)


def budgets(page: Page) -> Locator:
    return page.locator("[data-section=budgets]")


def line(page: Page, name: str) -> Locator:
    return budgets(page).locator(f"[data-budget='{name}']")


def opened(page: Page) -> Page:
    page.goto("/settings")
    ready(page)
    return page


def test_without_a_budget_it_is_told_what_one_does(page: Page) -> None:
    expect(budgets(opened(page)).get_by_test_id("no-budgets")).to_contain_text("runs stop before it is overspent")


def test_a_budget_is_set_by_keyboard_used_changed_and_taken_away(site: Site, workflow: str, page: Page) -> None:
    opened(page)
    budgets(page).get_by_role("button", name="Add a budget").press("Enter")
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Budget of").select_option("workflow")
    expect(dialog.get_by_label("Workflow", exact=True).locator("option")).to_have_text(["Sort the letters"])
    dialog.get_by_label("At most").fill("1,50")
    dialog.get_by_label("At most").press("Enter")
    # It could mean two amounts: nothing is set, and what was typed is still there.
    expect(dialog.get_by_role("alert")).to_contain_text("an amount in US dollars")
    expect(dialog.get_by_label("At most")).to_have_value("1,50")
    assert site.up.call("GET", "/api/v1/budgets").body["items"] == []
    dialog.get_by_label("At most").fill("$2.50")
    dialog.get_by_label("At most").press("Enter")
    expect(dialog).to_have_count(0)
    expect(line(page, "Sort the letters")).to_contain_text("$0 of $2.50")
    expect(budgets(page).locator("[data-period=day]")).to_contain_text("at 00:00 UTC")

    # What a run spends is told while the page is open.
    cost = run(site, workflow)["spent"]["cost_usd"]
    assert cost > 0.01
    expect(line(page, "Sort the letters")).to_contain_text(f"${cost:,.2f} of $2.50" if cost >= 0.1 else f"${cost:.4f} of $2.50")
    line(page, "Sort the letters").get_by_role("button", name="Change the budget of Sort the letters").click()
    expect(dialog.get_by_label("At most")).to_have_value("2.5")
    dialog.get_by_label("At most").fill("0.01")
    dialog.get_by_role("button", name="Save").click()
    expect(line(page, "Sort the letters")).to_contain_text("Used up")
    held = run(site, workflow)
    assert held["reason"].startswith("The budget of the workflow for today is used up")
    page.goto(f"/runs/{held['id']}")
    expect(page.get_by_test_id("banner")).to_contain_text("A budget is used up")
    page.get_by_role("link", name="See the budgets").click()
    expect(budgets(page).get_by_role("heading", name="Budgets")).to_be_in_viewport()
    page.wait_for_function("document.querySelector('main').scrollTop > 0")

    line(page, "Sort the letters").get_by_role("button", name="Remove the budget of Sort the letters").click()
    dialog.get_by_role("button", name="Remove").click()
    expect(line(page, "Sort the letters")).to_have_count(0)
    assert run(site, workflow)["status"] == "succeeded"


def test_the_workspace_has_one_budget_and_an_agent_needs_a_name(site: Site, page: Page) -> None:
    opened(page)
    budgets(page).get_by_role("button", name="Add a budget").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("At most").fill("100")
    dialog.get_by_role("button", name="Set budget").click()
    expect(line(page, "The whole workspace")).to_contain_text("of $100.00")
    budgets(page).get_by_role("button", name="Add a budget").click()
    expect(dialog.get_by_label("Budget of").locator("option")).to_have_text(["A workflow, a day", "An agent, a day"])
    dialog.get_by_label("Budget of").select_option("agent")
    dialog.get_by_label("Agent").fill("   ")
    dialog.get_by_label("At most").fill("3")
    dialog.get_by_role("button", name="Set budget").click()
    expect(dialog.get_by_role("alert")).to_contain_text("Name the agent")
    dialog.get_by_label("Agent").fill("mara")
    dialog.get_by_role("button", name="Set budget").click()
    expect(line(page, "mara")).to_contain_text("of $3.00")
    told = {(one["scope"], one["subject"]): one["limit_usd"] for one in site.up.call("GET", "/api/v1/budgets").body["items"]}
    assert told == {("workspace", ""): 100.0, ("agent", "mara"): 3.0}


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_nothing_serious_about_rows_and_form(site: Site, open_page: Opens, theme: str) -> None:
    for subject, usd in (("otto", 0.0), ("ines", 4.0)):
        site.up.call("PUT", "/api/v1/budgets", {"scope": "agent", "subject": subject, "limit_usd": usd})
    page = opened(open_page(site.url, cookie=site.sign_in(), theme=theme))
    expect(line(page, "otto")).to_contain_text("Used up")
    assert grave(page, within="[data-section=budgets]") == []
    budgets(page).get_by_role("button", name="Add a budget").click()
    expect(page.get_by_role("dialog").get_by_label("At most")).to_be_visible()
    assert grave(page, within="dialog") == []


def test_a_viewer_sees_budgets_and_why_they_stay_as_they_are(site: Site, open_page: Opens) -> None:
    site.up.call("PUT", "/api/v1/budgets", {"scope": "agent", "subject": "otto", "limit_usd": 1.0})
    page = opened(open_page(site.url, cookie=site.sessions[Role.VIEWER], width=390))
    expect(line(page, "otto")).to_contain_text("$0 of $1.00")
    expect(budgets(page)).to_contain_text("administrators do")
    expect(budgets(page).get_by_role("button")).to_have_count(0)
    assert page.evaluate("document.querySelector('main').scrollWidth <= document.querySelector('main').clientWidth")
