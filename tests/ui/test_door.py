"""The first account, signing in and out, seen from a browser."""

from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.acceptance.served import served
from tests.ui.conftest import ADMIN_EMAIL, PASSWORD, Opens, Site, ready


def test_from_the_printed_link_to_home_and_out_again(built: Path, tmp_path: Path, open_page: Opens) -> None:
    with served(tmp_path / "home", SIGNALBOX_ADMIN_TOKEN="") as up:
        page = open_page(up.url)
        page.goto("/")
        expect(page).to_have_url(f"{up.url}/login")
        expect(page.get_by_role("heading", name="Nobody has an account yet")).to_be_visible()
        page.goto(f"/setup?token={up.setup_link()}")
        page.get_by_label("E-mail").fill(ADMIN_EMAIL)
        page.get_by_label("Your name").fill("Dana Kowalski")
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Make the account").click()
        expect(page).to_have_title("Home · Signalbox")
        expect(page.get_by_role("heading", level=1)).to_contain_text(", Dana")
        expect(page.get_by_test_id("empty")).to_contain_text("Nothing runs here yet")
        page.get_by_test_id("who").click()
        expect(page.locator("#me")).to_contain_text("Every role")
        page.get_by_role("button", name="Sign out").click()
        expect(page).to_have_url(f"{up.url}/login")
        page.go_back()
        page.reload()
        expect(page).to_have_url(f"{up.url}/login")


def test_a_wrong_password_is_told_and_the_address_is_kept(site: Site, open_page: Opens) -> None:
    page = open_page(site.url, is_forgiven=True)
    page.goto("/login")
    page.get_by_label("E-mail").fill(ADMIN_EMAIL)
    page.get_by_label("Password").fill("not the one")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_be_visible()
    expect(page.get_by_label("E-mail")).to_have_value(ADMIN_EMAIL)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    ready(page)


@pytest.mark.parametrize("path", ["/", "/runs", "/workflows/x", "/nothing", "/index.html", "/404.html"])
def test_every_page_without_a_session_leads_to_sign_in(site: Site, open_page: Opens, path: str) -> None:
    page = open_page(site.url)
    page.goto(path)
    expect(page).to_have_url(f"{site.url}/login")


def test_a_session_that_is_ended_elsewhere_leads_to_sign_in(site: Site, open_page: Opens) -> None:
    cookie = site.sign_in()
    page = open_page(site.url, cookie=cookie, is_forgiven=True)
    page.goto("/")
    ready(page)
    site.up.call("POST", "/logout", token=None, headers={"Cookie": cookie, "Origin": site.url})
    expect(page).to_have_url(f"{site.url}/login", timeout=30_000)
