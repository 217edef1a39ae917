"""The page of workflows and the dialog of versions, in a browser."""

import copy
import json
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from engine import Role
from tests.ui.conftest import Opens, Site, ready
from tests.unit.app.conftest import HELLO

HOOKED: dict[str, Any] = {**HELLO, "triggers": [{"kind": "webhook", "path": "greetings"}]}
BAD: dict[str, Any] = {
    "format": "signalbox/1",
    "name": "Not yet right",
    "nodes": [{"id": "start", "kind": "start"}, {"id": "write", "kind": "poem", "title": "Write a poem"}],
    "edges": [{"source": "start", "target": "nowhere"}],
}


@pytest.fixture
def shelf(site: Site, page: Page) -> Page:
    """The page of workflows."""
    page.goto("/workflows")
    ready(page)
    expect(page.get_by_test_id("gallery").get_by_role("listitem").first).to_be_visible()
    return page


def keep(site: Site, document: dict[str, Any], name: str) -> str:
    return site.up.call("POST", "/api/v1/workflows", {**document, "name": name}).body["id"]


def row(page: Page, name: str) -> Locator:
    return page.locator("[data-row=workflow]").filter(has_text=name)


def look_for(page: Page, words: str) -> None:
    page.get_by_role("searchbox").fill(words)


def change_greeting(site: Site, workflow: str) -> None:
    found = site.up.call("GET", f"/api/v1/workflows/{workflow}").body
    document = copy.deepcopy(found["document"])
    document["nodes"][1]["config"]["output"]["greeting"] = "'Welcome ' + inputs.name"
    answer = site.up.call("PUT", f"/api/v1/workflows/{workflow}", {"revision": found["revision"], "document": document})
    assert answer.status == 200, answer.body


def test_publish_with_a_note_see_the_difference_and_go_back(site: Site, shelf: Page) -> None:
    workflow = keep(site, HOOKED, "Letters of welcome")
    look_for(shelf, "Letters of welcome")
    expect(row(shelf, "Letters of welcome")).to_contain_text("Not live yet")
    shelf.get_by_role("button", name="Versions of Letters of welcome").click()
    dialog = shelf.get_by_role("dialog")
    expect(dialog).to_contain_text("this is the first version")
    dialog.get_by_test_id("note").fill("For everybody who joins")
    shelf.keyboard.press("Control+Enter")
    published = dialog.get_by_test_id("published")
    expect(published).to_contain_text("Version 1 is live.")
    expect(published).to_contain_text("/hooks/greetings")
    secret = published.get_by_test_id("secret").inner_text()
    assert len(secret) == 64
    shelf.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    expect(row(shelf, "Letters of welcome")).to_contain_text("Version 1 is live")

    change_greeting(site, workflow)
    expect(row(shelf, "Letters of welcome")).to_contain_text("the draft has changes")
    shelf.get_by_role("button", name="Versions of Letters of welcome").click()
    difference = dialog.get_by_test_id("difference")
    expect(difference).to_contain_text("Output › greeting changed.")
    expect(difference.locator("del")).to_have_text("'Hello")
    expect(difference.locator("ins")).to_have_text("'Welcome")
    difference.get_by_role("button", name="As a drawing").click()
    expect(dialog.get_by_test_id("drawn").locator(".react-flow__node", has_text="Changed")).to_have_count(1)
    dialog.get_by_role("button", name="Publish and put live").click()
    expect(published).to_contain_text("Version 2 is live.")
    expect(published).to_contain_text("Its secret is the one that it had before.")
    expect(published).not_to_contain_text(secret)
    dialog.get_by_role("button", name="Close").last.click()

    shelf.get_by_role("button", name="Versions of Letters of welcome").click()
    expect(dialog.get_by_text("The draft is what is live already.")).to_be_visible()
    dialog.get_by_role("button", name="Versions", exact=True).click()
    first = dialog.locator("[data-version='1']")
    expect(first).to_contain_text("For everybody who joins")
    first.get_by_role("button", name="Put live").click()
    first.get_by_role("button", name="Put version 1 live").click()
    expect(first).to_contain_text("Live")
    assert site.up.call("GET", f"/api/v1/workflows/{workflow}").body["live_version"] == 1


def test_what_has_problems_is_not_published_and_says_what_they_are(site: Site, shelf: Page) -> None:
    keep(site, BAD, "Poems by post")
    look_for(shelf, "Poems by post")
    expect(row(shelf, "Poems by post")).to_contain_text("problems")
    shelf.get_by_role("button", name="Versions of Poems by post").click()
    dialog = shelf.get_by_role("dialog")
    expect(dialog.get_by_test_id("problems")).to_contain_text("Write a poem")
    expect(dialog.get_by_role("button", name="Publish and put live")).to_be_disabled()


def test_an_import_tells_every_problem_and_loses_nothing(site: Site, shelf: Page) -> None:
    shelf.get_by_role("button", name="Import", exact=True).click()
    dialog, text = shelf.get_by_role("dialog"), shelf.get_by_test_id("document")
    verdict = dialog.get_by_test_id("verdict")
    text.fill('{"format": "signalbox/1", "nodes": [')
    expect(verdict).to_have_attribute("data-state", "refused")
    expect(verdict).to_contain_text("your text is still here")
    expect(text).to_have_value('{"format": "signalbox/1", "nodes": [')
    expect(dialog.get_by_role("button", name="Import")).to_be_disabled()
    text.fill('{"format": "signalbox/1"}')
    expect(verdict).to_contain_text("no workflow")

    told = site.up.call("POST", "/api/v1/workflows/validate", BAD).body["problems"]
    assert len(told) >= 2
    dialog.get_by_test_id("file").set_input_files({"name": "bad.json", "mimeType": "application/json", "buffer": json.dumps(BAD).encode()})
    problems = verdict.get_by_test_id("problems")
    expect(problems.get_by_role("listitem")).to_have_count(len(told))
    # Names out of the document stand out as such; their marks in the text are for programs.
    assert any("`" in problem["message"] for problem in told)
    expect(problems.locator("code").first).to_be_visible()
    expect(problems).not_to_contain_text("`")
    dialog.get_by_role("button", name="Import as a draft").click()
    shelf.wait_for_url("**/workflows/wf_*")
    kept = site.up.call("GET", f"/api/v1/workflows/{shelf.url.rsplit('/', 1)[1]}").body
    assert kept["document"] == BAD


def test_a_workflow_is_deleted_brought_back_and_exported(site: Site, shelf: Page) -> None:
    workflow = keep(site, HELLO, "Short-lived greetings")
    look_for(shelf, "Short-lived")
    shelf.get_by_role("button", name="Delete Short-lived greetings").click()
    expect(shelf.get_by_role("dialog")).to_be_visible()
    shelf.keyboard.press("Escape")
    expect(shelf.get_by_role("dialog")).to_have_count(0)
    expect(row(shelf, "Short-lived greetings")).to_have_count(1)
    shelf.get_by_role("button", name="Delete Short-lived greetings").click()
    shelf.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(shelf.get_by_text("No workflow has these words in its name.")).to_be_visible()
    assert site.up.call("GET", f"/api/v1/workflows/{workflow}").status == 404
    shelf.get_by_role("button", name="Undo").click()
    expect(row(shelf, "Short-lived greetings")).to_have_count(1)
    with shelf.expect_download() as started:
        shelf.get_by_role("link", name="Export Short-lived greetings").click()
    assert started.value.suggested_filename == "short-lived-greetings.json"
    assert json.loads(started.value.path().read_text()) == {**HELLO, "name": "Short-lived greetings"}


def test_a_new_workflow_opens(shelf: Page) -> None:
    shelf.get_by_role("button", name="New workflow").click()
    shelf.wait_for_url("**/workflows/wf_*")


def test_a_viewer_sees_workflows_and_versions_and_no_button_that_would_be_refused(site: Site, open_page: Opens) -> None:
    workflow = keep(site, HELLO, "Only to be looked at")
    site.up.call("POST", f"/api/v1/workflows/{workflow}/publish", {"note": "seen by all"})
    page = open_page(site.url, cookie=site.sessions[Role.VIEWER])
    page.goto("/workflows")
    ready(page)
    look_for(page, "Only to be")
    expect(row(page, "Only to be looked at")).to_contain_text("Version 1 is live")
    for name in ("New workflow", "Import", "Delete Only to be looked at", "Use Card request triage"):
        expect(page.get_by_role("button", name=name)).to_have_count(0)
    page.get_by_role("button", name="Versions of Only to be looked at").click()
    expect(page.get_by_role("dialog")).to_contain_text("seen by all")
    expect(page.get_by_role("button", name="Publish and put live")).to_have_count(0)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_nothing_is_cut_off_on_a_phone(site: Site, open_page: Opens, theme: str) -> None:
    page = open_page(site.url, cookie=site.sessions[Role.ADMIN], width=390, theme=theme)
    for path in ("/workflows", "/settings"):
        page.goto(path)
        ready(page)
        expect(page.locator("main .card").first).to_be_visible()
        assert page.evaluate("document.querySelector('main').scrollWidth") <= 390, path
