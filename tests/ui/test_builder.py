"""The builder as a person uses it: by mouse and by keyboard, undo, refusals, publishing, trying, other people, a lost connection."""

import pytest
from playwright.sync_api import Page, expect

from engine import Role
from tests.ui.builder import below, choose, edges_of, empty, has, middle_of, pull, saved, stage, step, stored
from tests.ui.conftest import Opens, Site
from tests.ui.test_accessibility import grave

DRAWN = {
    ("start", "out", "set"),
    ("set", "out", "branch"),
    ("branch", "yes", "approval"),
    ("branch", "else", "end"),
    ("approval", "approved", "end"),
    ("approval", "rejected", "set"),
}
"""Five steps with a condition, an approval, and a way back that is bounded."""


def opened(page: Page, workflow: str) -> None:
    page.goto(f"/workflows/{workflow}")
    expect(page.get_by_test_id("builder")).to_be_visible()


def write_the_condition(page: Page) -> None:
    page.get_by_test_id("inspector").get_by_role("button", name="Write").click()
    page.get_by_test_id("inspector").get_by_label("as an expression").fill("1 < 2")


def test_five_steps_are_drawn_by_mouse_published_and_run_up_to_the_approval(open_page: Opens, site: Site) -> None:
    workflow = empty(site.up, "Drawn by mouse")
    page = open_page(site.url, cookie=site.sign_in())
    opened(page, workflow)
    page.get_by_test_id("add-first").click()
    has(page, steps=1, edges=0)
    # A click follows the selected step, a track let go over the canvas asks which step.
    page.locator("[data-kind-name=set]").click()
    has(page, steps=2, edges=1)
    pull(page, "set", "out", below(page, "set", "out"))
    choose(page, "If this, then that")
    has(page, steps=3, edges=2)
    write_the_condition(page)
    pull(page, "branch", "yes", below(page, "branch", "yes"))
    choose(page, "Ask for approval")
    has(page, steps=4, edges=3)
    page.locator("[data-kind-name=end]").drag_to(stage(page), target_position={"x": 560, "y": 740})
    has(page, steps=5, edges=3)
    pull(page, "approval", "approved", middle_of(step(page, "end")))
    pull(page, "branch", "else", middle_of(step(page, "end")))
    has(page, steps=5, edges=5)
    pull(page, "approval", "rejected", middle_of(step(page, "set")))
    page.get_by_role("button", name="Less").click()
    page.get_by_test_id("limit-ok").click()
    has(page, steps=5, edges=6)
    saved(page)
    document = stored(site.up, workflow)
    assert edges_of(document) == DRAWN
    assert next(edge for edge in document["edges"] if edge.get("port") == "rejected")["max_visits"] == 2
    expect(page.get_by_test_id("worst")).to_contain_text("At most 8 steps")
    page.get_by_test_id("publish").click()
    page.get_by_role("button", name="Publish and put live").click()
    expect(page.get_by_test_id("published")).to_contain_text("Version 1 is live")
    page.get_by_test_id("published").get_by_role("button", name="Close").last.click()
    page.get_by_test_id("try").click()
    page.get_by_test_id("run-live").click()
    page.get_by_test_id("begin-try").click()
    expect(page.get_by_test_id("run")).to_have_attribute("data-status", "waiting")
    expect(page.get_by_test_id("run")).to_contain_text("Live run")
    expect(step(page, "approval")).to_have_attribute("data-status", "waiting")
    expect(step(page, "set")).to_have_attribute("data-status", "done")
    expect(page.locator('[data-edge="branch.yes->approval"]')).to_have_class("track taken")


def test_the_same_is_drawn_by_keyboard_and_taken_back(open_page: Opens, site: Site) -> None:
    workflow = empty(site.up, "Drawn by keyboard")
    page = open_page(site.url, cookie=site.sign_in())
    opened(page, workflow)
    expect(page.get_by_test_id("add-first")).to_be_focused()
    page.keyboard.press("Enter")
    for steps, kind in enumerate(("set values", "if this", "approval", "done"), start=2):
        has(page, steps=steps - 1, edges=steps - 2)
        expect(page.locator(".react-flow__node:focus")).to_have_count(1)
        page.keyboard.press("n")
        page.keyboard.type(kind)
        page.keyboard.press("Enter")
    has(page, steps=5, edges=4)
    # Up along the edges, then from a port to a step by name.
    expect(page.locator('.react-flow__node[data-id="end"]')).to_be_focused()
    page.keyboard.press("ArrowUp")
    expect(page.locator('.react-flow__node[data-id="approval"]')).to_be_focused()
    page.keyboard.press("c")
    expect(page.get_by_test_id("connect").get_by_role("radio", name="Rejected")).to_be_checked()
    page.keyboard.type("set")
    page.keyboard.press("Enter")
    expect(page.get_by_role("spinbutton", name="Times at most")).to_be_focused()
    page.keyboard.type("2")
    page.keyboard.press("Enter")
    has(page, steps=5, edges=5)
    step_of_branch = page.locator('.react-flow__node[data-id="branch"]')
    step_of_branch.focus()
    page.keyboard.press("c")
    page.keyboard.type("done")
    page.keyboard.press("Enter")
    has(page, steps=5, edges=6)
    saved(page)
    document = stored(site.up, workflow)
    assert edges_of(document) == DRAWN
    for _ in range(3):
        page.keyboard.press("Control+z")
    has(page, steps=4, edges=3)
    page.keyboard.press("Control+y")
    page.keyboard.press("Control+Shift+z")
    page.keyboard.press("Control+y")
    has(page, steps=5, edges=6)
    saved(page)
    assert edges_of(stored(site.up, workflow)) == DRAWN
    page.keyboard.press("Control+a")
    page.keyboard.press("Delete")
    expect(page.get_by_test_id("empty-canvas")).to_be_visible()
    page.keyboard.press("Control+z")
    has(page, steps=5, edges=6)
    saved(page)
    assert edges_of(stored(site.up, workflow)) == DRAWN


TEMPLATE = "card-triage"


def from_template(site: Site) -> str:
    return site.up.call("POST", f"/api/v1/templates/{TEMPLATE}/workflows", {}).body["id"]


def test_a_connection_that_cannot_be_is_refused_with_its_reason(open_page: Opens, site: Site) -> None:
    workflow = from_template(site)
    page = open_page(site.url, cookie=site.sign_in())
    opened(page, workflow)
    before = edges_of(stored(site.up, workflow))
    pull(page, "urgent", "else", middle_of(step(page, "start")))
    expect(page.get_by_test_id("toasts")).to_contain_text("Nothing can lead to “New message”: it is where a run begins.")
    # Into a circle that could be entered behind its first step.
    pull(page, "block", "out", middle_of(step(page, "block")))
    pull(page, "urgent", "yes", middle_of(step(page, "ok")))
    expect(page.get_by_test_id("toasts")).to_contain_text("leads to “Ask the card team” already.")
    assert edges_of(stored(site.up, workflow)) == before


def test_publishing_is_refused_while_a_problem_remains_and_the_problem_can_be_found(open_page: Opens, site: Site) -> None:
    workflow = empty(site.up, "With a problem")
    page = open_page(site.url, cookie=site.sign_in())
    opened(page, workflow)
    page.get_by_test_id("add-first").click()
    page.locator("[data-kind-name=llm]").click()
    expect(page.get_by_test_id("problems")).to_contain_text("1 problem")
    page.keyboard.press("Escape")
    page.get_by_test_id("publish").click()
    page.get_by_test_id("cannot-publish").get_by_role("button", name="Show the problem").click()
    page.get_by_test_id("problems-list").get_by_role("button", name="Write or answer").first.click()
    expect(page.locator('.react-flow__node[data-id="llm"]')).to_be_focused()
    assert site.up.call("GET", f"/api/v1/workflows/{workflow}").body["live_version"] is None


def test_two_people_who_change_the_same_workflow_lose_nothing(open_page: Opens, site: Site) -> None:
    workflow = from_template(site)
    one = open_page(site.url, cookie=site.sign_in(), is_forgiven=True)
    two = open_page(site.url, cookie=site.sessions[Role.EDITOR], is_forgiven=True)
    for page in (one, two):
        opened(page, workflow)
    rename(one, "draft", "Draft an answer")
    saved(one)
    # Another step: put on top of theirs, and said.
    rename(two, "sort", "Let a person sort it")
    saved(two)
    expect(two.get_by_test_id("toasts")).to_contain_text("Somebody else changed this workflow meanwhile")
    titles = {node["id"]: node["title"] for node in stored(site.up, workflow)["nodes"]}
    assert (titles["draft"], titles["sort"]) == ("Draft an answer", "Let a person sort it")
    # The same value of the same step: asked, never written over.
    rename(one, "sort", "Hand over")
    expect(one.get_by_test_id("conflict")).to_contain_text("name of Have a person sort it")
    one.get_by_role("button", name="Take theirs").click()
    expect(step(one, "sort")).to_contain_text("Let a person sort it")
    assert {node["id"]: node["title"] for node in stored(site.up, workflow)["nodes"]}["sort"] == "Let a person sort it"


def rename(page: Page, name: str, title: str) -> None:
    step(page, name).click(position={"x": 60, "y": 20})
    page.get_by_test_id("inspector").get_by_label("Name of the step").fill(title)
    page.keyboard.press("Enter")


def test_changes_made_without_a_connection_are_kept_and_saved_afterwards(open_page: Opens, site: Site) -> None:
    workflow = from_template(site)
    page = open_page(site.url, cookie=site.sign_in(), is_forgiven=True)
    opened(page, workflow)
    page.context.set_offline(True)
    rename(page, "draft", "Written on the train")
    expect(stage(page)).to_have_attribute("data-saving", "away")
    expect(page.get_by_test_id("saving")).to_contain_text("changes are kept here")
    page.context.set_offline(False)
    saved(page)
    assert {node["id"]: node["title"] for node in stored(site.up, workflow)["nodes"]}["draft"] == "Written on the train"


def test_a_drag_sends_nothing_until_its_end_and_little_then(open_page: Opens, site: Site) -> None:
    workflow = from_template(site)
    page = open_page(site.url, cookie=site.sign_in())
    opened(page, workflow)
    # The first change makes the shown layout the document's own.
    page.keyboard.press("t")
    saved(page)
    sent: list[int] = []
    page.on("request", lambda request: sent.append(len(request.post_data or "")) if request.url.endswith("/ops") else None)
    x, y = middle_of(step(page, "sort"))
    page.mouse.move(x - 40, y)
    page.mouse.down()
    page.mouse.move(x - 200, y + 60, steps=20)
    assert sent == []
    page.mouse.up()
    expect(stage(page)).to_have_attribute("data-revision", "3")
    assert len(sent) == 1
    assert sent[0] < 300


def test_whoever_may_not_edit_sees_the_drawing_and_no_tools(open_page: Opens, site: Site) -> None:
    workflow = from_template(site)
    page = open_page(site.url, cookie=site.sessions[Role.VIEWER], is_forgiven=True)
    opened(page, workflow)
    expect(page.get_by_text("Read only")).to_be_visible()
    expect(page.get_by_test_id("publish")).to_have_count(0)
    step(page, "draft").click()
    page.keyboard.press("Delete")
    has(page, steps=9, edges=len(stored(site.up, workflow)["edges"]))
    # On a phone nobody edits: whoever may is told what it takes, whoever may not is not led on.
    for role, times in ((Role.EDITOR, 1), (Role.VIEWER, 0)):
        phone = open_page(site.url, cookie=site.sessions[role], width=390, is_forgiven=True)
        opened(phone, workflow)
        expect(phone.get_by_text("Read only")).to_be_visible()
        expect(phone.get_by_text("open it on a wider screen")).to_have_count(times)
        assert phone.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


def test_a_viewer_is_refused_nothing_while_looking(open_page: Opens, site: Site) -> None:
    # A page that is not forgiven: every refused request would be a complaint.
    page = open_page(site.url, cookie=site.sessions[Role.VIEWER])
    opened(page, from_template(site))
    expect(page.get_by_text("Read only")).to_be_visible()
    step(page, "draft").click()
    page.wait_for_load_state("networkidle")


@pytest.mark.parametrize(("theme", "width"), [("light", 1440), ("dark", 1440), ("light", 390)])
def test_nothing_serious_in_the_builder(open_page: Opens, site: Site, theme: str, width: int) -> None:
    workflow = from_template(site)
    page = open_page(site.url, cookie=site.sign_in(), theme=theme, width=width)
    opened(page, workflow)
    expect(step(page, "draft")).to_be_visible()
    if width > 640:
        step(page, "draft").click()
        page.get_by_test_id("problems").click()
    assert grave(page) == []
