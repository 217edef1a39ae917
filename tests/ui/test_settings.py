"""The settings, in a browser: a key goes in and never comes out again; people and tokens."""

import os
from collections.abc import Iterator

import pytest
from playwright.sync_api import Locator, Page, expect

from engine import Role
from tests.fakes.provider import FakeProvider, failing
from tests.ui.conftest import PASSWORD, Opens, Site, ready

CLEARED = {"default": "", "base_url": "", "price_in": None, "price_out": None}
CANARY = "sk-canary-of-the-pages-77c1"


@pytest.fixture(scope="module")
def provider(site: Site) -> Iterator[FakeProvider]:
    """A model provider that was called once: the first call of a process loads litellm, which takes long on a busy machine."""
    with FakeProvider() as provider:
        site.up.call("PATCH", "/api/v1/settings", {"models": {"default": "openai/first", "base_url": provider.base_url}})
        assert site.up.call("POST", "/api/v1/models/try", {"model": "default"}).body["works"]
        site.up.call("PATCH", "/api/v1/settings", {"models": CLEARED})
        yield provider


@pytest.fixture
def settings(page: Page) -> Page:
    """The settings, with the administrator signed in."""
    page.goto("/settings")
    ready(page)
    expect(page.get_by_test_id("people").get_by_role("listitem").first).to_be_visible()
    return page


def section(page: Page, name: str) -> Locator:
    return page.locator(f"[data-section={name}]")


@pytest.mark.timeout(300)
def test_a_key_is_stored_tried_and_never_shown_again(site: Site, settings: Page, provider: FakeProvider) -> None:
    frames: list[str] = []
    settings.on("websocket", lambda socket: socket.on("framereceived", lambda data: frames.append(str(data))))
    settings.reload()
    models = section(settings, "models")
    save = models.get_by_role("region", name="Choose models").get_by_role("button", name="Save", exact=True)
    models.get_by_role("textbox", name="Default", exact=True).fill("openai/own-model")
    models.get_by_role("textbox", name="Own server").fill(provider.base_url)
    models.get_by_role("textbox", name="Price in").fill("two")
    save.click()
    expect(models.get_by_role("alert")).to_be_visible()
    expect(models.get_by_role("textbox", name="Default", exact=True)).to_have_value("openai/own-model")
    models.get_by_role("textbox", name="Price in").fill("1")
    models.get_by_role("textbox", name="Price out").fill("2")
    save.click()
    expect(models.get_by_text("Saved")).to_be_visible()
    expect(models.locator("[data-model=default]")).to_contain_text("$1 in, $2 out")

    models.get_by_role("button", name="Add a key").click()
    dialog = settings.get_by_role("dialog")
    dialog.get_by_label("Provider").select_option("OPENAI_API_KEY")
    dialog.get_by_label("Key").fill(CANARY)
    dialog.get_by_role("button", name="Store").click()
    key = models.locator("[data-key=OPENAI_API_KEY]")
    expect(key).to_contain_text("Stored")
    key.get_by_role("button", name="Try OPENAI_API_KEY").click()
    expect(key.get_by_test_id("result")).to_contain_text("Hello from the fake provider")
    expect(key.get_by_test_id("result")).to_contain_text("It cost $0.0000")
    assert provider.calls[-1].authorization == f"Bearer {CANARY}"
    provider.then(failing(401, error=f"Incorrect API key provided: {CANARY}"))
    key.get_by_role("button", name="Try OPENAI_API_KEY").click()
    expect(key.locator(".result.failed")).to_be_visible()

    settings.reload()
    expect(key).to_contain_text("Stored")
    assert frames and not any(CANARY in frame for frame in frames)
    assert CANARY not in settings.content()
    assert CANARY not in str(site.up.call("GET", "/api/v1/secrets").body)
    key.get_by_role("button", name="Remove OPENAI_API_KEY").click()
    settings.get_by_role("dialog").get_by_role("button", name="Remove").click()
    expect(key).to_have_count(0)
    assert site.up.call("PATCH", "/api/v1/settings", {"models": CLEARED}).status == 200


def test_a_secret_is_stored_with_the_hosts_that_it_may_go_to(site: Site, settings: Page) -> None:
    models, dialog = section(settings, "models"), settings.get_by_role("dialog")
    models.get_by_role("button", name="Add a secret").click()
    dialog.get_by_label("Name").fill("CRM_KEY")
    dialog.get_by_label("Secret", exact=True).fill(CANARY)
    dialog.get_by_label("Hosts").fill("https://crm.example")
    dialog.get_by_role("button", name="Store").click()
    expect(dialog.get_by_role("alert")).to_contain_text("is not a host")
    dialog.get_by_label("Hosts").fill("crm.example, *.crm.example:8443")
    dialog.get_by_label("Header").fill("X-Api-Key")
    if shots := os.environ.get("SHOTS"):
        settings.screenshot(path=f"{shots}/http-secret.png")
    dialog.get_by_role("button", name="Store").click()
    key = models.locator("[data-key=CRM_KEY]")
    expect(key).to_contain_text("Steps may send it to crm.example, *.crm.example:8443")
    if shots:
        key.screenshot(path=f"{shots}/http-secret-row.png")
    assert CANARY not in settings.content()
    key.get_by_role("button", name="Replace CRM_KEY").click()
    expect(dialog.get_by_label("Hosts")).to_have_value("crm.example, *.crm.example:8443")
    expect(dialog.get_by_label("Header")).to_have_value("X-Api-Key")
    dialog.get_by_role("button", name="Cancel").click()
    key.get_by_role("button", name="Remove CRM_KEY").click()
    dialog.get_by_role("button", name="Remove").click()
    expect(key).to_have_count(0)


def test_a_person_is_added_gets_other_roles_and_is_kept_out(site: Site, settings: Page) -> None:
    people = section(settings, "people")
    people.get_by_role("button", name="Add a person").click()
    dialog = settings.get_by_role("dialog")
    dialog.get_by_label("E-mail address").fill("nora@example.com")
    dialog.get_by_label("Name").fill("Nora Newcomer")
    dialog.get_by_label("First password").fill("short")
    dialog.get_by_role("button", name="Add").click()
    expect(dialog.get_by_role("alert")).to_contain_text("role")
    expect(dialog.get_by_label("Name")).to_have_value("Nora Newcomer")
    dialog.get_by_role("checkbox", name="Viewer").check()
    dialog.get_by_label("First password").fill(PASSWORD)
    dialog.get_by_role("button", name="Add").click()
    nora = people.locator("[data-person='nora@example.com']")
    expect(nora).to_contain_text("Viewer")
    session = site.sign_in("nora@example.com")
    nora.get_by_role("button", name="Roles: Nora Newcomer").click()
    dialog.get_by_role("checkbox", name="Editor").check()
    dialog.get_by_role("button", name="Save").click()
    expect(nora).to_contain_text("Viewer and editor")
    nora.get_by_role("button", name="Password: Nora Newcomer").click()
    dialog.get_by_label("New password", exact=False).fill(PASSWORD[::-1])
    dialog.get_by_role("button", name="Set password").click()
    expect(dialog).to_have_count(0)
    assert site.up.call("GET", "/api/v1/me", token=None, headers={"Cookie": session}).status == 401
    fresh = site.up.call("POST", "/login", {"email": "nora@example.com", "password": PASSWORD[::-1]}, token=None)
    session = fresh.headers["set-cookie"].split(";")[0]
    assert site.up.call("GET", "/api/v1/me", token=None, headers={"Cookie": session}).status == 200
    nora.get_by_role("button", name="Deactivate: Nora Newcomer").click()
    dialog.get_by_role("button", name="Deactivate").click()
    expect(nora).to_contain_text("Deactivated")
    assert site.up.call("GET", "/api/v1/me", token=None, headers={"Cookie": session}).status == 401


def test_the_last_administrator_stays(site: Site, settings: Page) -> None:
    # Two may: the one of the environment and the one of the tests.
    others = [u for u in site.up.call("GET", "/api/v1/users").body["items"] if "admin" in u["roles"] and u["email"] != "dana@example.com"]
    for user in others:
        site.up.call("PATCH", f"/api/v1/users/{user['id']}", {"disabled": True})
    try:
        people = section(settings, "people")
        people.get_by_role("button", name="Deactivate: Administrator").click()
        dialog = settings.get_by_role("dialog")
        dialog.get_by_role("button", name="Deactivate").click()
        expect(dialog.get_by_role("alert")).to_contain_text("Somebody has to stay administrator")
    finally:
        for user in others:
            site.up.call("PATCH", f"/api/v1/users/{user['id']}", {"disabled": False})
            site.sessions[Role.ADMIN] = site.sign_in("admin@example.com")


def test_a_token_is_shown_once_works_and_is_revoked(site: Site, settings: Page) -> None:
    tokens = section(settings, "tokens")
    tokens.get_by_role("button", name="Create a token").click()
    dialog = settings.get_by_role("dialog")
    dialog.get_by_label("Name").fill("Nightly import")
    dialog.get_by_role("checkbox", name="Operator").check()
    dialog.get_by_role("button", name="Create").click()
    text = dialog.get_by_test_id("fresh").inner_text()
    assert site.up.call("GET", "/api/v1/me", token=text).body["roles"] == ["operator"]
    dialog.get_by_role("button", name="I have copied it").click()
    line = tokens.locator("[data-token='Nightly import']")
    expect(line).to_contain_text("Works")
    settings.reload()
    expect(line).to_contain_text("Works")
    assert text not in settings.content()
    line.get_by_role("button", name="Revoke Nightly import").click()
    dialog.get_by_role("button", name="Revoke").click()
    expect(line).to_contain_text("Revoked")
    assert site.up.call("GET", "/api/v1/me", token=text).status == 401


def test_what_doctor_says_is_told_here_too(settings: Page) -> None:
    about = section(settings, "about")
    expect(about.get_by_test_id("facts")).to_contain_text("0.1.0")
    about.get_by_role("button", name="Check now").click()
    expect(about.get_by_test_id("findings")).to_contain_text("Its structure is whole")


def test_a_viewer_sees_own_tokens_and_nothing_to_change(site: Site, open_page: Opens) -> None:
    page = open_page(site.url, cookie=site.sessions[Role.VIEWER])
    page.goto("/settings")
    ready(page)
    expect(section(page, "models").locator("[data-model=default]")).to_be_visible()
    for name in ("Save", "Add a key", "Add a person", "Check now", "Try Default"):
        expect(page.get_by_role("button", name=name)).to_have_count(0)
    expect(section(page, "people")).to_have_count(0)
    page.get_by_role("button", name="Create a token").click()
    expect(page.get_by_role("dialog").get_by_role("checkbox")).to_have_count(1)
    expect(page.get_by_test_id("trouble")).to_have_count(0)
