"""The page of a run, in a browser: seen live from start to end, through a crash, stopped and let go on, by keyboard and on a phone."""

import itertools
import os
import re
import signal
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from engine import Role
from tests.acceptance.served import ADMIN, Up, served, until
from tests.ui import long_run
from tests.ui.conftest import ADMIN_EMAIL, PASSWORD, Opens, Site
from tests.ui.test_accessibility import grave

START = {
    "id": "start",
    "kind": "start",
    "title": "New message",
    "config": {"inputs": {"type": "object", "properties": {"message": {"type": "string"}}}},
}
SLOW = {"model": "practice/slow", "system": "You write short replies.", "prompt": "Answer: {{ inputs.message }}"}


def chain(name: str, *nodes: dict[str, Any], **more: Any) -> dict[str, Any]:
    """Steps one after the other; an approval is left by `approved`."""
    every = [START, *nodes, {"id": "done", "kind": "end", "title": "Done", "config": {"output": {"ok": "true"}}}]
    edges = [
        {"source": a["id"], "target": b["id"]} | ({"port": "approved"} if a["kind"] == "approval" else {})
        for a, b in itertools.pairwise(every)
    ]
    return {"format": "signalbox/1", "name": name, "nodes": every, "edges": edges, **more}


def asks(id_: str, title: str) -> dict[str, Any]:
    return {"id": id_, "kind": "approval", "title": title, "config": {"title": title, "approvers": {"roles": ["approver"]}}}


def writes(id_: str, title: str) -> dict[str, Any]:
    return {"id": id_, "kind": "llm", "title": title, "config": SLOW}


def start(up: Up, document: dict[str, Any], *, wait: int = 0, **body: Any) -> str:
    """The id of a run of a new workflow."""
    workflow = up.call("POST", "/api/v1/workflows", document).body["id"]
    assert up.call("POST", f"/api/v1/workflows/{workflow}/publish", {"note": ""}).status == 200
    answer = up.call("POST", f"/api/v1/workflows/{workflow}/runs?wait={wait}", {"inputs": {"message": "I lost my card."}, **body})
    return answer.body.get("run_id") or answer.body["id"]


def decide(up: Up, run: str, reason: str = "") -> str:
    """Approves what the run waits for; the item's id."""
    item = until(
        "it waits", lambda: next((i for i in up.call("GET", "/api/v1/approvals?status=pending").body["items"] if i["run_id"] == run), None)
    )
    body = {"decision": "approve", "digest": item["digest"], "reason": reason}
    assert up.call("POST", f"/api/v1/approvals/{item['id']}/decide", body).status == 200
    return item["id"]


def opened(page: Page, run: str, step: str = "") -> Locator:
    """The page of a run, with all its steps there."""
    page.goto(f"/runs/{run}{step}")
    shown = page.get_by_test_id("run")
    expect(shown).to_have_attribute("data-ready", "true", timeout=30_000)
    return shown


def row(page: Page, path: str) -> Locator:
    return page.locator(f'.rn-row[data-step="{path}"]')


def fact(page: Page, name: str) -> Locator:
    return page.get_by_test_id("facts").locator("div", has=page.get_by_text(name, exact=True)).locator("dd")


def test_a_run_is_seen_live_and_every_step_tells_what_it_did(site: Site, page: Page) -> None:
    up, asked = site.up, []
    run = start(up, chain("Answer a customer", asks("first", "May it begin?"), writes("draft", "Draft a reply"), asks("ok", "Send it?")))
    page.on("request", lambda request: asked.append(request.url) if "/api/v1/" in request.url else None)
    shown = opened(page, run)
    expect(page.get_by_test_id("line")).to_have_attribute("data-state", "live")
    banner = page.get_by_test_id("banner")
    expect(banner).to_contain_text("Waiting for an approver: May it begin?")
    item = decide(up, run)
    assert item
    # What the model writes is shown while it writes.
    row(page, "draft").click()
    expect(page.get_by_test_id("detail-title")).to_have_text("Draft a reply")
    expect(page.get_by_test_id("writing")).to_contain_text("practice model")
    expect(row(page, "draft")).to_have_attribute("data-status", "running")
    expect(banner).to_contain_text("Send it?")
    link = banner.get_by_role("link", name="Decide in the inbox")
    expect(link).to_have_attribute("href", re.compile(r"/inbox/apr_"))
    decide(up, run, "Reads well.")
    expect(shown).to_have_attribute("data-status", "succeeded")
    expect(page.get_by_test_id("line")).to_have_attribute("data-state", "ended")
    expect(page.get_by_test_id("status")).to_have_text("Done")
    expect(page.get_by_test_id("story")).to_contain_text("approved Send it?")
    # The step in full: what it got, what came out, what it used.
    detail = page.get_by_role("complementary", name="The step")
    expect(detail.get_by_role("region", name="What it got")).to_contain_text("Answer: I lost my card.")
    expect(detail.get_by_role("region", name="What came out")).to_contain_text("[practice model]")
    expect(detail).to_contain_text("Made up by the practice model")
    expect(fact(page, "Model")).to_have_text("Practice model")
    expect(fact(page, "Cost")).to_have_text(re.compile(r"^\$0"))
    expect(fact(page, "Tokens")).to_have_text(re.compile(r"^\d+ of at most [\d,]+$"))
    page.get_by_role("tab", name="Prompt & answer").click()
    expect(detail.get_by_role("region", name="What it was asked")).to_contain_text("Answer: I lost my card.")
    expect(detail.get_by_role("region", name="What it answered")).to_contain_text("[practice model]")
    row(page, "ok").click()
    expect(fact(page, "Decision")).to_have_text("Approved")
    expect(fact(page, "Decided by")).not_to_have_text("")
    expect(fact(page, "Reason")).to_have_text("Reads well.")
    # All of it came from the events and the document of the version.
    about_the_run = {url.split("?")[0].removeprefix(site.url) for url in asked if "/runs/" in url or "/workflows/" in url}
    workflow = up.call("GET", f"/api/v1/runs/{run}").body["workflow"]
    assert about_the_run == {f"/api/v1/runs/{run}/events", f"/api/v1/workflows/{workflow}/versions/1"}


def test_the_steps_are_walked_by_keyboard_and_linked_by_address(site: Site, page: Page) -> None:
    run = start(
        site.up, chain("By keyboard", {"id": "note", "kind": "set", "title": "Take a note", "config": {"values": {"n": "1"}}}), wait=10
    )
    opened(page, run)
    steps = page.get_by_test_id("steps")
    chosen = page.locator('.rn-row[aria-selected="true"]')
    steps.focus()
    page.keyboard.press("Home")
    expect(chosen).to_have_attribute("data-step", "start")
    page.keyboard.press("ArrowDown")
    expect(chosen).to_have_attribute("data-step", "note")
    expect(page.get_by_test_id("detail-title")).to_have_text("Take a note")
    page.keyboard.press("Enter")
    expect(page.get_by_role("complementary", name="The step")).to_be_focused()
    page.keyboard.press("Escape")
    expect(steps).to_be_focused()
    expect(page).to_have_url(re.compile(r"\?step=note$"))
    page.reload()
    expect(page.get_by_test_id("detail-title")).to_have_text("Take a note")
    # Drawing, list and detail are one: what is chosen in one is chosen in all.
    page.locator('.rn-canvas [data-step="start"]').click()
    expect(chosen).to_have_attribute("data-step", "start")
    row(page, "note").hover()
    expect(page.locator('.rn-canvas [data-step="note"]')).to_have_css("outline-style", "solid")
    page.locator('.rn-canvas [data-step="done"]').hover()
    expect(row(page, "done")).to_have_class(re.compile("hot"))


def test_a_run_stopped_at_a_limit_goes_on_with_a_higher_one(site: Site, page: Page) -> None:
    document = chain(
        "Supplier onboarding", *({"id": f"s{n}", "kind": "set", "title": f"Part {n}", "config": {"values": {"n": "1"}}} for n in range(4))
    )
    run = start(site.up, document, limits={"steps": 2})
    shown = opened(page, run)
    banner = page.get_by_test_id("banner")
    expect(banner).to_contain_text("Stopped at the step limit: 2 of 2")
    expect(banner).to_contain_text("Part 1 comes next and did not start. 2 finished steps are kept")
    expect(row(page, "s1")).to_have_attribute("data-status", "limit")
    banner.get_by_role("button", name="Raise to 4 and go on").click()
    expect(banner).to_contain_text("Stopped at the step limit: 4 of 4")
    banner.get_by_role("button", name="Set the limits…").click()
    form = page.get_by_role("dialog", name="Go on from here")
    form.get_by_role("spinbutton", name="Steps").fill("20")
    form.get_by_role("button", name="Go on").click()
    expect(shown).to_have_attribute("data-status", "succeeded")
    expect(page.get_by_test_id("story")).to_contain_text("let it go on")
    expect(banner).to_have_count(0)


def test_a_run_is_ended_by_whoever_may_and_says_why(site: Site, page: Page, open_page: Opens) -> None:
    run = start(site.up, chain("To be ended", asks("ok", "Send it?")))
    shown = opened(page, run)
    page.get_by_role("button", name="Cancel run").click()
    form = page.get_by_role("dialog", name="End this run?")
    form.get_by_role("textbox").fill("The customer called.")
    form.get_by_role("button", name="End the run").click()
    expect(shown).to_have_attribute("data-status", "cancelled")
    expect(page.get_by_test_id("banner")).to_contain_text("The customer called.")
    expect(page.get_by_role("button", name="Cancel run")).to_have_count(0)
    waiting = start(site.up, chain("Only looked at", asks("ok", "Send it?")))
    viewer = open_page(site.url, cookie=site.sessions[Role.VIEWER])
    opened(viewer, waiting)
    expect(viewer.get_by_test_id("banner")).to_be_visible()
    expect(viewer.get_by_role("button", name="Cancel run")).to_have_count(0)


def test_a_run_is_paused_and_goes_on_when_somebody_says_so(site: Site, page: Page, open_page: Opens) -> None:
    run = start(site.up, chain("To be paused", asks("ok", "Send it?")))
    shown = opened(page, run)
    page.get_by_role("button", name="Pause").click()
    expect(shown).to_have_attribute("data-status", "paused")
    banner = page.get_by_test_id("banner")
    expect(banner).to_contain_text("Paused by")
    viewer = open_page(site.url, cookie=site.sessions[Role.VIEWER])
    opened(viewer, run)
    expect(viewer.get_by_test_id("banner")).to_contain_text("Paused")
    expect(viewer.get_by_role("button", name="Go on")).to_have_count(0)
    banner.get_by_role("button", name="Go on").click()
    expect(shown).to_have_attribute("data-status", "waiting")
    site.up.call("POST", f"/api/v1/runs/{run}/cancel", {})


def test_a_run_is_run_again_from_a_step_and_the_bill_comes_first(site: Site, page: Page) -> None:
    tells = {"id": "tell", "kind": "notify", "title": "Tell them", "config": {"subject": "s", "message": "m"}}
    counts = {"id": "count", "kind": "set", "title": "Count", "config": {"values": {"n": "1"}}}
    run = start(site.up, chain("Letters again", counts, tells), wait=20)
    shown = opened(page, run, "?step=tell")
    page.get_by_role("button", name="Run again from here…").click()
    form = page.get_by_test_id("fork-dialog")
    expect(form).to_contain_text("takes over 2 finished steps and does 2 steps again")
    expect(form).to_contain_text("“Tell them” reached somebody or something outside")
    form.get_by_role("button", name="Start the new run").click()
    expect(page).not_to_have_url(re.compile(run))
    expect(shown).to_have_attribute("data-status", "succeeded")
    expect(page.get_by_text("Test run")).to_be_visible()
    expect(page.get_by_role("link", name="Fork of a run")).to_have_attribute("href", f"/runs/{run}?step=tell")
    expect(row(page, "count")).to_have_attribute("data-status", "done")
    assert grave(page) == []


def test_a_failed_run_says_what_failed_and_is_tried_again(site: Site, page: Page) -> None:
    fails = {
        "id": "post",
        "kind": "llm",
        "title": "Post to ledger",
        "config": {"model": "practice/fail", "prompt": "x"},
        "retry": {"attempts": 2, "backoff_s": 0.1},
    }
    run = start(site.up, chain("Nightly payouts", fails), wait=20)
    shown = opened(page, run)
    banner = page.get_by_test_id("banner")
    expect(banner).to_contain_text("Failed at Post to ledger, after 2 tries")
    expect(row(page, "post").locator(".tick")).to_have_count(1)
    page.get_by_role("tab", name="Tries (2)").click()
    expect(page.locator(".rn-tries li")).to_have_count(2)
    banner.get_by_role("button", name="Try again from this step").click()
    expect(banner).to_contain_text("after 4 tries")
    expect(shown).to_have_attribute("data-status", "failed")


def test_a_run_that_is_not_there_says_so(site: Site, open_page: Opens) -> None:
    page = open_page(site.url, cookie=site.sessions[Role.VIEWER], is_forgiven=True)
    page.goto("/runs/run_nothing")
    expect(page.get_by_test_id("no-run")).to_contain_text("There is no such run")
    page.get_by_role("link", name="See all runs").click()
    expect(page).to_have_title("Runs · Signalbox")


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_a_run_is_read_on_a_phone(site: Site, open_page: Opens, theme: str) -> None:
    run = start(site.up, chain("On the way", asks("ok", "Send it?")))
    page = open_page(site.url, cookie=site.sessions[Role.OPERATOR], width=390, theme=theme)
    opened(page, run)
    assert page.evaluate("document.querySelector('main').scrollWidth") <= 390
    row(page, "ok").click()
    title = page.get_by_test_id("detail-title")
    expect(title).to_be_in_viewport()
    page.get_by_role("button", name="Back to the steps").click()
    expect(title).not_to_be_visible()


def test_a_killed_server_loses_nothing_and_the_page_comes_back(built: Path, tmp_path: Path, open_page: Opens) -> None:
    home = tmp_path / "home"
    long = long_run.write(home, SIGNALBOX_ADMIN_TOKEN=ADMIN)
    with served(home, SIGNALBOX_ADMIN_EMAIL=ADMIN_EMAIL, SIGNALBOX_ADMIN_PASSWORD=PASSWORD) as up:
        page = open_page(up.url, cookie=Site(up, {}).sign_in(), is_forgiven=True)
        run = start(up, chain("Answer a customer", writes("draft", "Draft a reply")))
        shown = opened(page, run)
        expect(row(page, "draft")).to_have_attribute("data-status", "running")
        os.kill(up.server(), signal.SIGKILL)
        line = page.get_by_test_id("line")
        expect(line).to_have_attribute("data-state", "lost", timeout=20_000)
        expect(line).to_contain_text("Nothing is lost")
        until("it serves again", lambda: up.says("serves again"))
        expect(shown).to_have_attribute("data-status", "succeeded", timeout=40_000)
        expect(page.get_by_test_id("story")).to_contain_text("The server was restarted once")
        row(page, "draft").click()
        page.get_by_role("tab", name="Tries (2)").click()
        expect(page.locator(".rn-tries li").nth(0)).to_contain_text("Cut off")
        expect(page.locator(".rn-tries li").nth(1)).to_contain_text("Worked")
        expect(page.locator('.rn-row[data-status="failed"]')).to_have_count(0)
        of_ten_thousand_steps_only_those_in_sight_are_drawn(page, long)


def of_ten_thousand_steps_only_those_in_sight_are_drawn(page: Page, run: str) -> None:
    shown = opened(page, run, "?step=s0%23500%2Fs4")
    expect(shown).to_have_attribute("data-steps", "10002")
    # The address led to a step in the middle of a loop: its row is unfolded and in sight.
    expect(row(page, "s0#500/s4")).to_be_in_viewport()
    steps = page.get_by_test_id("steps")
    assert int(steps.get_attribute("data-rows") or 0) > 1000
    steps.focus()
    page.keyboard.press("End")
    expect(row(page, "done")).to_be_in_viewport()
    assert page.locator(".rn-row").count() < 80
