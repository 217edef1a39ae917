"""The first quarter of an hour: from the printed link to a template of one's own that has run, been approved and can be looked at."""

from pathlib import Path

from playwright.sync_api import Page, expect

from tests.acceptance.served import served
from tests.ui.builder import saved, step
from tests.ui.conftest import ADMIN_EMAIL, PASSWORD, Opens


def set_up(page: Page, link: str) -> None:
    page.goto(f"/setup?token={link}")
    page.get_by_label("E-mail").fill(ADMIN_EMAIL)
    page.get_by_label("Your name").fill("Dana Kowalski")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Make the account").click()
    expect(page.get_by_test_id("empty")).to_be_visible()


def test_from_the_first_start_over_a_template_to_the_timeline(built: Path, tmp_path: Path, open_page: Opens) -> None:
    with served(tmp_path / "home", SIGNALBOX_ADMIN_TOKEN="") as up:
        page = open_page(up.url)
        set_up(page, up.setup_link())
        page.get_by_role("button", name="Use Card request triage").click()
        step(page, "topic").click(position={"x": 60, "y": 14})
        panel = page.get_by_test_id("inspector-body")
        expect(panel).to_have_attribute("data-step", "topic")
        name = panel.get_by_label("Name of kind 2")
        name.fill("Money back")
        name.press("Enter")
        expect(step(page, "topic")).to_contain_text("Money back")
        saved(page)
        page.get_by_test_id("try").click()
        asking = page.get_by_test_id("try-dialog")
        heading, form = asking.get_by_role("heading").bounding_box(), asking.locator("form").bounding_box()
        assert heading and form and heading["y"] + heading["height"] <= form["y"], "the title stands above the form"
        asking.get_by_label("Message").fill("My card was stolen on the tram")
        page.get_by_test_id("begin-try").click()
        expect(page.get_by_test_id("run")).to_have_attribute("data-status", "waiting")
        page.get_by_role("link", name="Decide in the inbox").click()
        page.locator("[data-row=request]").filter(has_text="Block the card").click()
        expect(page.get_by_test_id("title")).to_contain_text("Block the card")
        expect(page.get_by_text("Exactly this would happen in a live run")).to_be_visible()
        page.get_by_role("button", name="Approve", exact=True).click()
        expect(page.get_by_test_id("outcome")).to_contain_text("Approved")
        page.get_by_role("link", name="open the run").click()
        expect(page.get_by_test_id("run")).to_have_attribute("data-status", "succeeded")
        expect(page.get_by_test_id("story")).to_contain_text("Dana Kowalski")
        expect(page.get_by_test_id("steps")).to_contain_text("Ask the card team")
        expect(page.get_by_test_id("detail-title")).not_to_be_empty()
        page.close()
